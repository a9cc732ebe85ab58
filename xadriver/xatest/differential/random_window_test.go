package differential_test

import "strings"

// windowed is a query with window functions.
func (g *gen) windowed(kinds []kind, s *scope, tail string) body {
	in := s.inner()
	named := g.n(6) == 5
	list, cols := g.outputs(in, kinds, func(k kind) string {
		if g.chance(3) {
			return g.expr(s, k, 1)
		}
		if named && k == bigint {
			return "count(*) OVER w"
		}
		return g.window(in, k)
	})
	if g.free && g.chance(3) {
		list += ", " + g.over(in, pick(g, "percent_rank()", "cume_dist()", "avg({int})", "string_agg({text}, ',')!", "max({date})", "avg({numeric})"), integer)
	}
	sql := "SELECT " + list + tail
	if named {
		sql += " WINDOW w AS (PARTITION BY " + g.sortable(in, g.kindIn(in)) + " ORDER BY " + g.sortable(in, g.kindIn(in)) + g.direction() + ")"
	}
	return body{sql: sql, cols: cols, scope: s, sorts: ordinals(cols), total: s.total()}
}

// window is an expression of a kind with a window function.
func (g *gen) window(s *scope, k kind) string {
	switch {
	case k == bigint && g.chance(6):
		return g.over(s, pick(g, "row_number()!", "rank()", "dense_rank()", "count(*)", "sum({int})", "count({any}){filter}"), k)
	case k == integer && g.chance(3):
		return g.over(s, "ntile(3)!", k)
	case k == numeric && g.chance(5):
		return g.over(s, pick(g, "sum({k})", "sum({k})!ROWS BETWEEN 1 PRECEDING AND CURRENT ROW", "sum({k})!ROWS UNBOUNDED PRECEDING",
			"sum({k})!ROWS BETWEEN CURRENT ROW AND 2 FOLLOWING", "sum({k})!GROUPS 1 PRECEDING"), k) + "::numeric(40,2)"
	}
	return g.over(s, pick(g, "lag({k})!", "lead({k}, 2)!", "first_value({k})!", "last_value({k})!", "nth_value({k}, 2)!"), k)
}

// over is a call of a window function, from a template. With a ! after it the rows
// must be in a total order; a frame may follow.
func (g *gen) over(s *scope, template string, k kind) string {
	function, frame, strict := strings.Cut(template, "!")
	sql := g.fill(s, k, 1, function) + " OVER ("
	if g.chance(5) {
		k := g.keyKind(s)
		sql += "PARTITION BY " + g.keyOr(s, k, func() string { return g.sortable(s, k) }) + " "
	}
	var order []string
	if g.chance(5) {
		order = append(order, g.sortable(s, g.kindIn(s))+g.direction())
	}
	if strict {
		order = append(order, s.total()...)
	}
	if len(order) > 0 {
		sql += "ORDER BY " + strings.Join(order, ", ") + " "
	}
	return strings.TrimSpace(sql+frame) + ")"
}
