package differential_test

import (
	"fmt"
	"strings"
)

// from draws a FROM clause and what it brings into scope.
func (g *gen) from(depth int, outer *scope) (string, *scope) {
	free := g.free
	g.free = false
	defer func() { g.free = free }()
	sql, first := g.item(depth, &scope{}, outer)
	s := &scope{sources: []*source{first}, outer: outer}
	n := g.weighed(5, 4, 1)
	for i := range n {
		more, src := g.item(depth, s, outer)
		sql += g.join(s, more, src, i == n-1)
		s.sources = append(s.sources, src)
	}
	s.bare = n == 0 && g.chance(3)
	return sql, s
}

// item is a table, a CTE, or a derived table.
func (g *gen) item(depth int, before, outer *scope) (string, *source) {
	weights := []int{8, 0, 0, 0, 2 * len(g.views)}
	if len(g.ctes) > 0 {
		weights[1] = 10
	}
	if depth > 0 {
		weights[2] = 2
		if len(before.sources) > 0 {
			weights[3] = 1
		}
	}
	form := g.weighed(weights...)
	switch form {
	case 1:
		cte := *pick(g, g.ctes...)
		name := cte.alias
		cte.alias = g.name("w")
		return name + " AS " + cte.alias, &cte
	case 2:
		if g.chance(1) {
			return g.values()
		}
		q := g.query(nil, depth-1, nil, false)
		return g.derived("", q)
	case 3:
		// Its rows depend on those of the sources before it.
		in := &scope{sources: before.sources, outer: outer}
		return g.derived("LATERAL ", g.query(nil, depth-1, in, false))
	}
	if form == 4 {
		view := *g.views[0]
		view.alias = g.name("y")
		return g.views[0].alias + " AS " + view.alias, &view
	}
	t := pick(g, g.tables...)
	src := &source{alias: t.name, cols: t.cols, total: t.pk, rel: t}
	if len(src.total) == 0 {
		src.total = t.names()
	}
	if g.used[t.name] || g.chance(6) {
		src.alias = g.name("x")
		return t.name + " AS " + src.alias, src
	}
	g.used[t.name] = true
	return t.name, src
}

func (g *gen) derived(lateral string, q query) (string, *source) {
	src := &source{alias: g.name("q"), cols: q.cols}
	src.total = allNames(q.cols)
	return lateral + "(" + q.sql + ") AS " + src.alias, src
}

// values is a list of rows as a source.
func (g *gen) values() (string, *source) {
	src := &source{alias: g.name("v")}
	var rows, names []string
	for i := range 1 + g.n(2) {
		src.cols = append(src.cols, column{name: fmt.Sprintf("v%d", i+1), kind: kind(g.n(len(types)))})
	}
	for range 1 + g.n(4) {
		var row []string
		for _, c := range src.cols {
			row = append(row, g.lit(c.kind))
		}
		rows = append(rows, "("+strings.Join(row, ", ")+")")
	}
	names = allNames(src.cols)
	src.total = names
	return "(VALUES " + strings.Join(rows, ", ") + ") AS " + src.alias + " (" + strings.Join(names, ", ") + ")", src
}

func allNames(cols []column) []string {
	var list []string
	for _, c := range cols {
		list = append(list, c.name)
	}
	return list
}

// join joins one more source to those in scope.
func (g *gen) join(s *scope, sql string, src *source, last bool) string {
	on := g.equal(s, src)
	lateral := strings.HasPrefix(sql, "LATERAL")
	if on == "" || g.n(12) == 11 {
		if last { // a comma binds less than JOIN
			return pick(g, " CROSS JOIN ", ", ") + sql
		}
		return " CROSS JOIN " + sql
	}
	if lateral {
		return pick(g, " JOIN ", " LEFT JOIN ") + sql + " ON " + pick(g, "true", on)
	}
	both := &scope{sources: append(s.sources[:len(s.sources):len(s.sources)], src)}
	switch g.weighed(5, 4, 3, 1) {
	case 0:
		if g.chance(2) {
			on += " AND " + g.either(both)
		}
		return " JOIN " + sql + " ON " + on
	case 1:
		if g.chance(2) {
			on += " AND " + g.either(both)
		}
		return " LEFT JOIN " + sql + " ON " + on
	case 2:
		return " FULL JOIN " + sql + " ON " + on
	default:
		return " RIGHT JOIN " + sql + " ON " + on
	}
}

// equal compares a column of src with one of the same kind in scope: their keys,
// where both have them, most of the time.
func (g *gen) equal(s *scope, src *source) string {
	var keys, others []string
	for _, left := range s.sources {
		for _, a := range left.cols {
			for _, b := range src.cols {
				if a.kind != b.kind && !(a.kind == integer && b.kind == bigint) {
					continue
				}
				pair := left.of(a) + " = " + src.of(b)
				if (a.key || a.name == "k") && (b.key || b.name == "k") {
					keys = append(keys, pair)
				} else {
					others = append(others, pair)
				}
			}
		}
	}
	switch {
	case len(keys) > 0 && (len(others) == 0 || g.chance(4)):
		on := pick(g, keys...)
		if len(others) > 0 && g.chance(1) {
			on += " AND " + pick(g, others...)
		}
		return on
	case len(others) > 0:
		return pick(g, others...)
	}
	return ""
}

// either is a condition, of a key or of anything.
func (g *gen) either(s *scope) string {
	if g.chance(4) {
		return g.bound(s)
	}
	return g.cond(s, 0)
}

// tie says that a key is that of a row of the query around.
func (g *gen) tie(s *scope) string {
	if s.outer == nil || g.chance(3) {
		return ""
	}
	mine, of := s.keys()
	around := &scope{sources: s.outer.sources}
	theirs, kinds := around.keys()
	for i := range mine {
		for j := range theirs {
			if of[i] == kinds[j] && g.chance(6) {
				return mine[i] + " = " + theirs[j]
			}
		}
	}
	return ""
}

// where is a WHERE clause, or none.
func (g *gen) where(s *scope, depth int) string {
	if tie := g.tie(s); tie != "" {
		if g.chance(4) {
			return " WHERE " + tie
		}
		return " WHERE " + tie + " AND " + g.cond(s, depth)
	}
	switch g.weighed(5, 4, 2) {
	case 1:
		return " WHERE " + g.cond(s, depth)
	case 2:
		return " WHERE " + g.bound(s) + pick(g, " AND ", " OR ") + g.cond(s, depth)
	}
	return ""
}
