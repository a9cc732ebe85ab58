package differential_test

import (
	"fmt"
	"strings"
)

// write draws a statement that writes.
func (g *gen) write() statement {
	g.begin()
	t := pick(g, g.tables...)
	var sql string
	switch g.weighed(20, 20, 10, 10, 10, 15, 4, 4, 1) {
	case 0:
		sql = g.insert(t)
	case 1:
		sql = g.update(t)
	case 2:
		sql = g.remove(t)
	case 3:
		sql = g.insertSelect(t)
	case 4:
		sql = g.updateFrom(t)
	case 5:
		sql = g.upsert(t)
	case 6:
		sql = g.merge(t)
	case 7:
		sql = g.withWrite(t)
	default:
		sql = "TRUNCATE " + t.name
	}
	// In which order RETURNING gives its rows, nobody promises.
	return g.end(sql, strings.HasPrefix(sql, "INSERT") && strings.Contains(sql, " ORDER BY "))
}

// target is the table that a statement writes, under its own name.
func (g *gen) target(t *relation) *scope {
	g.used[t.name] = true
	total := t.pk
	if len(total) == 0 {
		total = t.names()
	}
	return &scope{sources: []*source{{alias: t.name, cols: t.cols, total: total, rel: t}}}
}

// returning is a RETURNING clause, or none.
func (g *gen) returning(s *scope) string {
	switch g.n(4) {
	case 2:
		return " RETURNING *"
	case 3:
		k := g.kindIn(s)
		return " RETURNING " + g.expr(s, bigint, 0) + " AS a, " + g.expr(s, k, 1) + " AS b"
	}
	return ""
}

// fresh is an id that no row has.
func (g *gen) fresh() string {
	g.offset++
	return fmt.Sprint(100 + g.offset)
}

// tuple is a row of VALUES. Its id may be one that is taken.
func (g *gen) tuple(t *relation, taken bool) string {
	keys := types[t.key().kind].values
	row := []string{"'" + keys[g.n(len(keys))] + "'", fmt.Sprint(1 + g.n(15))}
	if !taken || g.chance(4) {
		row[1] = g.fresh()
	}
	for _, c := range t.cols[2:] {
		switch {
		case g.chance(1):
			row = append(row, g.expr(&scope{}, c.kind, 1))
			if !c.null {
				row[len(row)-1] = "coalesce(" + row[len(row)-1] + ", '" + types[c.kind].values[0] + "')"
			}
		case c.null && g.chance(1):
			row = append(row, "DEFAULT")
		default:
			row = append(row, g.datum(c))
		}
	}
	return "(" + strings.Join(row, ", ") + ")"
}

func (g *gen) tuples(t *relation, taken bool) string {
	var rows []string
	for range 1 + g.n(4) {
		rows = append(rows, g.tuple(t, taken))
	}
	return strings.Join(rows, ", ")
}

func (g *gen) insert(t *relation) string {
	s := g.target(t)
	sql := "INSERT INTO " + t.name + " (" + strings.Join(t.names(), ", ") + ") VALUES " + g.tuples(t, g.chance(2))
	return sql + g.returning(s)
}

func (g *gen) upsert(t *relation) string {
	s := g.target(t)
	sql := "INSERT INTO " + t.name + " (" + strings.Join(t.names(), ", ") + ") VALUES " + g.tuples(t, true) + " ON CONFLICT"
	if len(t.pk) == 0 || g.chance(3) {
		return sql + " DO NOTHING" + g.returning(s)
	}
	c := pick(g, t.cols[2:]...)
	value := pick(g, "excluded."+c.name, g.assigned(s, c), t.name+"."+c.name)
	sql += " (" + strings.Join(t.pk, ", ") + ") DO UPDATE SET " + c.name + " = " + value
	if g.chance(3) {
		sql += " WHERE " + g.cond(s, 0)
	}
	return sql + g.returning(s)
}

// assigned is a value for a column.
func (g *gen) assigned(s *scope, c column) string {
	e := g.expr(s, c.kind, 1)
	switch {
	case c.kind == numeric:
		e = "mod(" + e + ", 1000)"
	case c.null && g.n(8) == 7:
		return pick(g, "NULL", "DEFAULT")
	}
	if !c.null {
		e = "coalesce(" + e + ", " + g.lit(c.kind) + ")"
	}
	return e
}

func (g *gen) update(t *relation) string {
	s := g.target(t)
	where := g.where(s, 1)
	c := pick(g, t.cols[2:]...)
	set := c.name + " = " + g.assigned(s, c)
	switch g.weighed(6, 2, 2, 2, 1) {
	case 1: // to where a key lives; no row is in another's way but for rows that are
		if len(t.pk) != 1 && t.sharded {
			set = "k = '" + pick(g, types[t.key().kind].values...) + "', " + set
		}
	case 2:
		if c.kind != numeric && c.null {
			set = c.name + " = " + g.scalar(c.kind, 1, s)
		}
	case 3:
		if len(t.cols) > 3 {
			a, b := t.cols[2], t.cols[3]
			va, vb := strings.Replace(g.assigned(s, a), "DEFAULT", "NULL", 1), strings.Replace(g.assigned(s, b), "DEFAULT", "NULL", 1)
			set = "(" + a.name + ", " + b.name + ") = (" + va + ", " + vb + ")"
		}
	case 4:
		set = "k = " + t.name + ".k, " + set
	}
	return "UPDATE " + t.name + " SET " + set + where + g.returning(s)
}

func (g *gen) remove(t *relation) string {
	s := g.target(t)
	sql := "DELETE FROM " + t.name
	if g.n(4) < 3 {
		return sql + " WHERE " + g.bound(s) + pick(g, " AND ", " AND ", " OR ") + g.cond(s, 1) + g.returning(s)
	}
	more, src := g.item(0, s, nil)
	on := g.equal(s, src)
	if on == "" {
		on = g.bound(s)
	}
	both := &scope{sources: append(s.sources[:1:1], src)}
	sql += " USING " + more + " WHERE " + on
	return sql + " AND " + g.cond(both, 0) + g.returningOwn(t)
}

// returningOwn returns nothing of other tables: which of their rows is not said.
func (g *gen) returningOwn(t *relation) string {
	if g.chance(3) {
		return " RETURNING " + t.name + ".*"
	}
	return ""
}

// insertSelect copies rows under new ids. A table whose key is unique takes one
// row for each.
func (g *gen) insertSelect(t *relation) string {
	s := g.target(t)
	from, in := g.from(1, nil)
	where := g.where(in, 1)
	key := "coalesce(" + g.expr(in, t.key().kind, 0) + ", " + g.lit(t.key().kind) + ")"
	g.offset += 1000
	list := []string{key, fmt.Sprintf("%d + row_number() OVER (ORDER BY %s)", g.offset, strings.Join(in.total(), ", "))}
	for _, c := range t.cols[2:] {
		list = append(list, strings.Replace(g.assigned(in, c), "DEFAULT", "NULL", 1)+"::"+cast(c.kind))
	}
	sql := "INSERT INTO " + t.name + " (" + strings.Join(t.names(), ", ") + ") "
	if len(t.pk) == 1 && t.sharded {
		sql += "SELECT DISTINCT ON (" + key + ") " + strings.Join(list, ", ") + " FROM " + from + where + " ORDER BY " + key + ", " + strings.Join(in.total(), ", ") + ", 2"
		return sql + " ON CONFLICT DO NOTHING" + g.returning(s)
	}
	sql += "SELECT " + strings.Join(list, ", ") + " FROM " + from + where
	if g.chance(1) {
		sql += " ORDER BY " + strings.Join(in.total(), ", ") + " LIMIT 3"
	}
	return sql + g.returning(s)
}

// updateFrom joins the target with at most one row for each of its own.
func (g *gen) updateFrom(t *relation) string {
	s := g.target(t)
	other := pick(g, g.tables...)
	src := &source{alias: g.name("s"), cols: other.cols, rel: other}
	var from, on string
	if len(other.pk) > 0 && g.chance(4) {
		var pairs []string
		for _, name := range other.pk {
			c := other.cols[0]
			if name == "id" {
				c = other.cols[1]
			}
			e, ok := g.column(s, c.kind)
			if !ok {
				e = g.lit(c.kind)
			}
			pairs = append(pairs, src.alias+"."+name+" = "+e)
		}
		from, on = other.name+" AS "+src.alias, strings.Join(pairs, " AND ")
	} else {
		by := pick(g, other.cols...)
		c := pick(g, other.cols...)
		src.cols = []column{{"g", by.kind, true, by.key}, {"n", bigint, true, false}}
		more := "count(*) AS n"
		if hasMinimum(c.kind) {
			src.cols = append(src.cols, column{"m", c.kind, true, false})
			more += ", max(" + c.name + ") AS m"
		}
		src.rel = nil
		from = "(SELECT " + by.name + " AS g, " + more + " FROM " + other.name + " GROUP BY 1) AS " + src.alias
		e, ok := g.column(s, by.kind)
		if !ok {
			e = g.lit(by.kind)
		}
		on = src.alias + ".g = " + e
	}
	both := &scope{sources: append(s.sources[:1:1], src)}
	c := pick(g, t.cols[2:]...)
	sql := "UPDATE " + t.name + " SET " + c.name + " = " + g.assigned(both, c) + " FROM " + from + " WHERE " + on
	if g.chance(3) {
		sql += " AND " + g.cond(both, 0)
	}
	return sql + g.returningOwn(t)
}
