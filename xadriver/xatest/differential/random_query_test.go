package differential_test

import (
	"fmt"
	"slices"
	"strings"
)

// query is a finished SELECT.
type query struct {
	sql  string
	cols []column
	ties bool // its rows come in any order
}

// body is a SELECT that may still be given ORDER BY and LIMIT.
type body struct {
	sql     string
	cols    []column
	scope   *scope   // where ORDER BY may have expressions, nil where it may not
	sorts   []string // other things by which it may be ordered
	total   []string // what orders its rows totally
	ordered []string // what ORDER BY must begin with
	set     bool     // a set operation
}

// query draws a SELECT whose columns are of these kinds, or of any. Only a query
// at the top may have columns whose equal values look different.
func (g *gen) query(kinds []kind, depth int, outer *scope, top bool) query {
	free := g.free
	g.free = top
	defer func() { g.free = free }()
	with, had := "", g.ctes
	if depth > 0 && g.chance(1) {
		with = g.with(depth)
	}
	b := g.body(kinds, depth, outer)
	q := query{sql: with + b.sql, cols: b.cols}
	g.ctes = had
	limited := g.n(3) == 2
	if !limited && len(b.ordered) == 0 && !(top && g.chance(4)) {
		return q
	}
	order := append([]string(nil), b.ordered...)
	for range g.n(3) {
		switch {
		case len(b.sorts) > 0 && (b.scope == nil || g.chance(4)):
			order = append(order, pick(g, b.sorts...)+g.direction())
		case b.scope != nil:
			order = append(order, g.sortable(b.scope, g.kindIn(b.scope))+g.direction())
		}
	}
	if limited && top && len(order) > 0 && g.chance(1) && len(b.ordered) == 0 {
		q.sql += " ORDER BY " + strings.Join(order, ", ") + " FETCH FIRST " + pick(g, "1", "2", "5") + " ROWS WITH TIES"
		q.ties = true
		return q
	}
	for _, t := range b.total {
		order = append(order, t+pick(g, "", "", " DESC"))
	}
	q.sql += " ORDER BY " + strings.Join(order, ", ")
	if limited {
		switch g.n(4) {
		case 0:
			q.sql += " LIMIT " + g.amount()
		case 1:
			q.sql += " LIMIT " + g.amount() + " OFFSET " + pick(g, "1", "2", "4")
		case 2:
			q.sql += " OFFSET " + pick(g, "1", "2", "0")
		default:
			q.sql += " OFFSET " + pick(g, "0", "1", "3") + " ROWS FETCH FIRST " + pick(g, "1", "4") + " ROWS ONLY"
		}
	}
	return q
}

func (g *gen) amount() string {
	v := pick(g, "3", "1", "2", "5", "4", "6", "100", "0")
	if g.params && g.chance(3) {
		g.args = append(g.args, argument{v, pick(g, "1", "0", "4", "NULL", "1000000")})
		return fmt.Sprintf("$%d", len(g.args))
	}
	return v
}

func (g *gen) direction() string {
	return pick(g, "", "", " DESC", " NULLS FIRST", " DESC NULLS LAST")
}

// sortable is an expression to order by, which must not be taken for a column's number.
func (g *gen) sortable(s *scope, k kind) string {
	if c, ok := g.column(s, k); ok && !g.chance(2) {
		return c
	}
	return "coalesce(" + g.expr(s, k, 1) + ", " + g.lit(k) + ")"
}

// with puts some CTEs before a query.
func (g *gen) with(depth int) string {
	var list []string
	for range 1 + g.n(2) {
		q := g.query(nil, depth-1, nil, false)
		name := g.name("cte")
		list = append(list, name+" AS "+pick(g, "", "", "MATERIALIZED ", "NOT MATERIALIZED ")+"("+q.sql+")")
		g.ctes = append(g.ctes[:len(g.ctes):len(g.ctes)], &source{alias: name, cols: q.cols, total: allNames(q.cols)})
	}
	return "WITH " + strings.Join(list, ", ") + " "
}

func (g *gen) body(kinds []kind, depth int, outer *scope) body {
	weights := []int{6, 2, 1, 5, 3, 0}
	if depth > 0 {
		weights[5] = 2
	}
	form := g.weighed(weights...)
	if form == 5 {
		return g.setOperation(kinds, depth, outer)
	}
	from, s := g.from(depth, outer)
	if kinds == nil {
		for range 1 + g.n(3) {
			kinds = append(kinds, g.keyKind(s))
		}
	}
	tail := " FROM " + from + g.where(s, depth)
	switch form {
	case 1:
		return g.distinct(kinds, s, tail)
	case 2:
		return g.distinctOn(kinds, s, tail)
	case 3:
		return g.grouped(kinds, depth, s, tail)
	case 4:
		return g.windowed(kinds, s, tail)
	}
	list, cols := g.outputs(s, kinds, func(k kind) string {
		if depth > 0 && g.n(12) == 11 {
			return g.scalar(k, depth-1, s)
		}
		return g.keyOr(s, k, func() string { return g.expr(s, k, 1) })
	})
	if g.free && g.n(8) == 7 && len(s.sources) == 1 {
		list, cols = "*", s.sources[0].cols
	}
	return body{sql: "SELECT " + list + tail, cols: cols, scope: s, sorts: ordinals(cols), total: s.total()}
}

// outputs is a select list. Where nobody needs the names, some are left out.
func (g *gen) outputs(s *scope, kinds []kind, of func(kind) string) (string, []column) {
	var list []string
	var cols []column
	for i, k := range kinds {
		c := column{name: fmt.Sprintf("o%d", i+1), kind: k, null: true}
		e := of(k)
		keys, _ := s.keys()
		c.key = slices.Contains(keys, e)
		if !g.free || !g.chance(2) {
			e += " AS " + c.name
		}
		list, cols = append(list, e), append(cols, c)
	}
	return strings.Join(list, ", "), cols
}

func ordinals(cols []column) []string {
	var list []string
	for i := range cols {
		list = append(list, fmt.Sprint(i+1))
	}
	return list
}

func (g *gen) distinct(kinds []kind, s *scope, tail string) body {
	list, cols := g.outputs(s, kinds, func(k kind) string { return g.keyOr(s, k, func() string { return g.expr(s, k, 1) }) })
	return body{sql: "SELECT DISTINCT " + list + tail, cols: cols, sorts: ordinals(cols), total: ordinals(cols)}
}

func (g *gen) distinctOn(kinds []kind, s *scope, tail string) body {
	list, cols := g.outputs(s, kinds, func(k kind) string { return g.keyOr(s, k, func() string { return g.expr(s, k, 1) }) })
	on := []string{g.keyOr(s, g.keyKind(s), func() string { return g.sortable(s, g.kindIn(s)) })}
	if g.chance(3) {
		on = append(on, g.sortable(s, g.kindIn(s)))
	}
	b := body{sql: "SELECT DISTINCT ON (" + strings.Join(on, ", ") + ") " + list + tail, cols: cols, scope: s, total: s.total()}
	for _, e := range on {
		b.ordered = append(b.ordered, e+g.direction())
	}
	return b
}

// setOperation combines two queries, or three.
func (g *gen) setOperation(kinds []kind, depth int, outer *scope) body {
	if kinds == nil {
		for range 1 + g.n(3) {
			kinds = append(kinds, kind(g.n(len(types))))
		}
	}
	free := g.free
	g.free = false
	defer func() { g.free = free }()
	part := func() (string, []column) {
		if g.chance(2) {
			q := g.query(kinds, depth-1, outer, false)
			return "(" + q.sql + ")", q.cols
		}
		b := g.body(kinds, 0, outer)
		if len(b.ordered) > 0 {
			return "(" + b.sql + " ORDER BY " + strings.Join(append(b.ordered, b.total...), ", ") + ")", b.cols
		}
		return b.sql, b.cols
	}
	op := func() string {
		return pick(g, " UNION ALL ", " UNION ", " INTERSECT ", " EXCEPT ", " INTERSECT ALL ", " EXCEPT ALL ")
	}
	left, cols := part()
	right, _ := part()
	sql := left + op() + right
	if g.chance(1) {
		more, _ := part()
		if g.chance(4) {
			sql = "(" + sql + ")"
		}
		sql += op() + more
	}
	return body{sql: sql, cols: cols, sorts: ordinals(cols), total: ordinals(cols), set: true}
}
