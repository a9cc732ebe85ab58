package differential_test

import (
	"regexp"
	"slices"
	"strings"
)

// grouped is a query with aggregates.
func (g *gen) grouped(kinds []kind, depth int, s *scope, tail string) body {
	in := s.inner()
	var keys []string
	var of []kind
	for range g.weighed(2, 4, 2, 1) {
		k := g.keyKind(in)
		if len(of) < len(kinds) && g.chance(5) {
			k = kinds[len(of)]
		}
		e := g.keyOr(in, k, func() string { return g.sortable(in, k) })
		keys, of = append(keys, e), append(of, k)
	}
	agg := func(k kind) string {
		for i := range keys {
			if of[i] == k && g.chance(4) {
				return keys[i]
			}
		}
		return g.aggregate(in, k)
	}
	numbered := len(keys) > 0 && of[0] == kinds[0] && g.chance(3)
	at := 0
	list, cols := g.outputs(in, kinds, func(k kind) string {
		if at++; at == 1 && numbered {
			return keys[0]
		}
		return agg(k)
	})
	if g.free {
		for range g.n(3) {
			list += ", " + g.loose(in)
		}
		if g.n(6) == 5 {
			list += ", rank() OVER (ORDER BY " + g.aggregate(in, bigint) + ")"
		}
	}
	b := body{sql: "SELECT " + list + tail, cols: cols, total: keys}
	b.sorts = append(ordinals(cols), keys...)
	b.sorts = append(b.sorts, g.aggregate(in, g.kindIn(in)))
	if len(keys) == 0 {
		b.total = []string{"count(*)"}
	} else {
		by := append([]string(nil), keys...)
		if numbered {
			by[0] = "1"
		}
		b.sql += " GROUP BY " + g.groupBy(by, keys, &b)
	}
	if g.chance(2) {
		b.sql += " HAVING " + g.having(in, keys, of, depth)
	}
	return b
}

var plainColumn = regexp.MustCompile(`^[a-z]\w*(\.\w+)?$`)

// groupBy is the list after GROUP BY. Grouping sets, which give several rows per
// key, are of columns only: whether a constant becomes NULL where it is not grouped
// by depends on PostgreSQL's plan.
func (g *gen) groupBy(by, keys []string, b *body) string {
	if g.n(10) < 9 || slices.ContainsFunc(keys, func(k string) bool { return !plainColumn.MatchString(k) }) {
		return strings.Join(by, ", ")
	}
	list := strings.Join(keys, ", ")
	sets := pick(g, "ROLLUP ("+list+")", "CUBE ("+list+")", "GROUPING SETS (("+list+"), ())")
	b.total = append(b.total[:len(b.total):len(b.total)], "grouping("+list+")")
	return sets
}

func (g *gen) having(in *scope, keys []string, of []kind, depth int) string {
	if len(keys) > 0 && g.chance(2) {
		i := g.n(len(keys))
		return keys[i] + " " + pick(g, "<>", "<", ">") + " " + g.lit(of[i])
	}
	k := g.kindIn(in)
	if depth > 0 && g.chance(1) {
		return "count(*) >= (SELECT count(*) / 4 FROM " + pick(g, g.tables...).name + ")"
	}
	if g.chance(2) {
		return g.aggregate(in, k) + " > " + g.lit(k)
	}
	return g.fill(in, k, 0, pick(g, "count(*) > 1", "count(*) < 4", "sum({int}) > 2", "count({k}) > 0", "count(DISTINCT {k}) > 1"))
}

// filter is a FILTER clause, or none.
func (g *gen) filter(s *scope) string {
	if g.chance(1) {
		return " FILTER (WHERE " + g.cond(s, 0) + ")"
	}
	return ""
}

// aggregates are templates by kind.
var aggregates = map[kind][]string{
	integer: {"count(*){filter}::int", "max({k}){filter}", "min({k}){filter}", "count({text}){filter}::int", "bit_or({k}){filter}"},
	bigint: {"count(*){filter}", "count({any}){filter}", "count(DISTINCT {any}){filter}", "sum({int}){filter}", "max({k}){filter}", "coalesce(sum({int}){filter}, 0)",
		"(count(*){filter} * 2 + 1)", "CASE WHEN count(*) > 2 THEN max({k}) ELSE 0 END"},
	numeric: {"sum({k}){filter}::numeric(40,2)", "avg({int}){filter}::numeric(40,2)", "sum({bigint}){filter}::numeric(40,2)", "max({k}){filter}",
		"avg({k}){filter}::numeric(40,2)", "sum(DISTINCT {k}){filter}::numeric(40,2)"},
	text: {"min({k}){filter}", "max({k}){filter}", "string_agg({same}, ',' ORDER BY {same}){filter}", "string_agg({same}, ',' ORDER BY {same} DESC){filter}",
		"string_agg(DISTINCT {same}, '/' ORDER BY {same}){filter}"},
	boolean: {"bool_and({k}){filter}", "bool_or({k}){filter}", "every({k}){filter}", "(count(*){filter} > 2)"},
	uuid:    {"min({k}::text){filter}::uuid"},
	jsonb:   {"jsonb_agg({same} ORDER BY {same}){filter}", "to_jsonb(count(*){filter})"},
}

// aggregate is an expression of a kind with an aggregate.
func (g *gen) aggregate(s *scope, k kind) string {
	list := aggregates[k]
	switch {
	case k == textC:
		list = aggregates[text]
	case k == integers && g.chance(4):
		return g.fill(s, integer, 1, pick(g, "array_agg({same} ORDER BY {same}){filter}", "array_agg(DISTINCT {same} ORDER BY {same} DESC){filter}"))
	case k == integers:
		return g.fill(s, k, 1, "max({k}){filter}")
	case list == nil:
		list = []string{"min({k}){filter}", "max({k}){filter}"}
	}
	return g.fill(s, k, 1, pick(g, list...))
}

// loose is an aggregate that is only shown.
func (g *gen) loose(s *scope) string {
	return g.fill(s, g.kindIn(s), 1, pick(g, "count(*){filter}", "avg({int}){filter}", "avg({numeric}){filter}", "sum({numeric}){filter} / nullif(count(*), 0)",
		"round(avg({bigint}){filter}, 3)", "sum({interval}){filter}", "avg({interval}){filter}", "sum({float}){filter}", "avg({float}){filter}", "variance({int}){filter}",
		"stddev_pop({numeric}){filter}", "json_agg({same} ORDER BY {same}){filter}", "percentile_disc(0.5) WITHIN GROUP (ORDER BY {same}){filter}",
		"mode() WITHIN GROUP (ORDER BY {same}){filter}", "count(DISTINCT {same}){filter}", "bit_and({int}){filter}", "max({int})::bigint - min({int}) > 3", "sum({bigint}){filter}"))
}
