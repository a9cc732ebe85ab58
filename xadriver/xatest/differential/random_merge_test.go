package differential_test

import (
	"fmt"
	"strings"
)

// merge draws a MERGE whose source has one row at most for each of the target's,
// and whose new rows have ids of their own.
func (g *gen) merge(t *relation) string {
	s := g.target(t)
	other := pick(g, g.tables...)
	src := &source{alias: g.name("s"), cols: other.cols, rel: other}
	if len(other.pk) == 0 {
		return g.remove(t)
	}
	var pairs []string
	for _, name := range other.pk {
		c := other.cols[0]
		if name == "id" {
			c = other.cols[1]
		}
		if name == t.cols[0].name && c.kind == t.key().kind {
			pairs = append(pairs, t.name+".k = "+src.alias+".k")
			continue
		}
		e, ok := g.column(s, c.kind)
		if !ok {
			e = g.lit(c.kind)
		}
		pairs = append(pairs, src.alias+"."+name+" = "+e)
	}
	both := &scope{sources: append(s.sources[:1:1], src)}
	only := &scope{sources: []*source{src}}
	c := pick(g, t.cols[2:]...)
	sql := "MERGE INTO " + t.name + " USING " + other.name + " AS " + src.alias + " ON " + strings.Join(pairs, " AND ")
	switch g.n(3) {
	case 0:
		sql += " WHEN MATCHED THEN UPDATE SET " + c.name + " = " + g.assigned(both, c)
	case 1:
		sql += " WHEN MATCHED AND " + g.cond(both, 0) + " THEN DELETE"
	default:
		sql += " WHEN MATCHED AND " + g.cond(both, 0) + " THEN DO NOTHING WHEN MATCHED THEN UPDATE SET " + c.name + " = " + g.assigned(both, c)
	}
	if g.chance(4) && other.key().kind == t.key().kind && (len(t.pk) != 1 || !t.sharded) {
		g.offset += 1000
		row := []string{"coalesce(" + src.alias + ".k, " + g.lit(t.key().kind) + ")", fmt.Sprintf("%d + %s.id", g.offset, src.alias)}
		for _, c := range t.cols[2:] {
			row = append(row, strings.Replace(g.assigned(only, c), "DEFAULT", "NULL", 1))
		}
		sql += " WHEN NOT MATCHED THEN INSERT (" + strings.Join(t.names(), ", ") + ") VALUES (" + strings.Join(row, ", ") + ")"
	}
	return sql
}

// withWrite draws a query, or another write, that uses what a write returns.
func (g *gen) withWrite(t *relation) string {
	var write string
	switch g.n(3) {
	case 0:
		write = "DELETE FROM " + t.name + " WHERE " + g.bound(g.target(t))
	case 1:
		s := g.target(t)
		c := pick(g, t.cols[2:]...)
		write = "UPDATE " + t.name + " SET " + c.name + " = " + g.assigned(s, c) + g.where(s, 0)
	default:
		write = "INSERT INTO " + t.name + " (" + strings.Join(t.names(), ", ") + ") VALUES " + g.tuples(t, false)
	}
	name := g.name("done")
	sql := "WITH " + name + " AS (" + write + " RETURNING *) "
	if other := pick(g, g.tables...); other.name != t.name && g.chance(4) && len(other.pk) != 1 {
		src := &source{alias: name, cols: t.cols}
		in := &scope{sources: []*source{src}}
		g.offset += 1000
		row := []string{"coalesce(" + g.expr(in, other.key().kind, 0) + ", " + g.lit(other.key().kind) + ")", fmt.Sprintf("%d + row_number() OVER (ORDER BY %s.k, %s.id)", g.offset, name, name)}
		for _, c := range other.cols[2:] {
			row = append(row, strings.Replace(g.assigned(in, c), "DEFAULT", "NULL", 1)+"::"+cast(c.kind))
		}
		return sql + "INSERT INTO " + other.name + " (" + strings.Join(other.names(), ", ") + ") SELECT " + strings.Join(row, ", ") + " FROM " + name
	}
	return sql + pick(g, "SELECT * FROM "+name, "SELECT count(*), max(id), min(k::text) FROM "+name, "SELECT count(*) FROM "+name+" JOIN "+t.name+" AS x ON x.k = "+name+".k")
}
