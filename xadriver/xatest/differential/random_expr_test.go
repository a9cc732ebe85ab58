package differential_test

import (
	"fmt"
	"regexp"
	"strings"
)

// lit is a constant, or a parameter.
func (g *gen) lit(k kind) string {
	v := g.value(k)
	if g.params && len(g.args) < 8 && g.chance(4) {
		switch k {
		case integer, bigint:
			g.args = append(g.args, argument{v, pick(g, append([]string{"NULL"}, types[k].values...)...)})
			return fmt.Sprintf("$%d::%s", len(g.args), types[k].declared)
		case text, textC, date, uuid, mood, jsonb, interval:
			g.args = append(g.args, argument{"'" + v + "'", "'" + pick(g, types[k].values...) + "'"})
			return fmt.Sprintf("$%d::%s", len(g.args), strings.TrimSuffix(types[k].declared, ` COLLATE "C"`))
		}
	}
	switch k {
	case integer:
		if !strings.HasPrefix(v, "-") {
			return v
		}
	case bigint:
		if len(v) < 3 && v[0] != '-' && g.chance(3) {
			return v
		}
	case boolean:
		return v
	}
	return "'" + v + "'::" + cast(k)
}

// cast is a kind's name for a cast. Numbers have a scale of their own, so that
// equal ones look the same.
func cast(k kind) string {
	switch k {
	case numeric:
		return "numeric(40,2)"
	case textC:
		return "text"
	}
	return types[k].declared
}

// expr is an expression of a kind. No value makes it fail.
func (g *gen) expr(s *scope, k kind, depth int) string {
	if depth > 0 && g.chance(2) {
		return g.call(s, k, depth-1)
	}
	if c, ok := g.column(s, k); ok && !g.chance(1) {
		return c
	}
	return g.lit(k)
}

// calls are templates of expressions, by kind. What is in braces becomes an
// expression of that kind, {k} one of the same kind.
var calls = map[kind][]string{
	integer:     {"({int} % 100 + 1)", "length({text})", "cardinality({ints})", "({bigint} % 1000)::int", "extract(year FROM {date})::int", "({int} % 10 * ({int} % 10))"},
	bigint:      {"({bigint} % 1000 * 3)", "{int}::bigint", "({int} % 1000 - {bigint} % 7)"},
	numeric:     {"mod({k} * 2, 1000)::numeric(40,2)", "({int}::numeric / 4)::numeric(40,2)", "mod({k} + {k}, 500)::numeric(40,2)"},
	text:        {"upper({k})", "({k} || 'z')", "left({k}, 1)", "lower({k})", "{int}::text", "{mood}::text", "{date}::text", "replace({k}, 'a', 'bb')", "({jsonb} ->> 'a')", "md5({k})"},
	textC:       {"upper({k})", "({k} || 'z')", "left({k}, 1)", "{text}", "concat({k}, '-', {int})"},
	boolean:     {"({cond})"},
	date:        {"({date} + 1)", "({date} - 30)"},
	timestamptz: {"date_trunc('day', {k})", "({k} + interval '1 hour')", "{date}::timestamptz"},
	jsonb:       {"({k} -> 'a')", "to_jsonb({int})", "jsonb_build_object('a', {int}, 'b', {text})"},
	integers:    {"({k} || 5)", "ARRAY[{int}, {int}]", "({k})[1:1]"},
	uuid:        {"md5({text})::uuid"},
	float:       {"({k} * 2)", "({int} % 100 + 0.25::float8)"},
}

func (g *gen) call(s *scope, k kind, depth int) string {
	switch g.n(6) {
	case 0:
		return "coalesce(" + g.expr(s, k, depth) + ", " + g.lit(k) + ")"
	case 1:
		return g.fill(s, k, depth, "CASE WHEN {cond} THEN {k} ELSE {k} END")
	case 2:
		return "nullif(" + g.expr(s, k, depth) + ", " + g.lit(k) + ")"
	}
	if len(calls[k]) == 0 {
		return g.expr(s, k, depth)
	}
	return g.fill(s, k, depth, pick(g, calls[k]...))
}

var brace = regexp.MustCompile(`\{[a-z]+\}`)

// fill replaces what is in braces in a template.
func (g *gen) fill(s *scope, k kind, depth int, template string) string {
	same := ""
	return brace.ReplaceAllStringFunc(template, func(name string) string {
		switch name {
		case "{int}":
			return g.expr(s, integer, depth)
		case "{bigint}":
			return g.expr(s, bigint, depth)
		case "{numeric}":
			return g.expr(s, numeric, depth)
		case "{text}":
			return g.expr(s, text, depth)
		case "{bool}":
			return g.expr(s, boolean, depth)
		case "{date}":
			return g.expr(s, date, depth)
		case "{interval}":
			return g.expr(s, interval, depth)
		case "{jsonb}":
			return g.expr(s, jsonb, depth)
		case "{ints}":
			return g.expr(s, integers, depth)
		case "{mood}":
			return g.expr(s, mood, depth)
		case "{uuid}":
			return g.expr(s, uuid, depth)
		case "{float}":
			return g.expr(s, float, depth)
		case "{cond}":
			return g.cond(s, depth)
		case "{k}":
			return g.expr(s, k, depth)
		case "{any}":
			return g.expr(s, g.kindIn(s), depth)
		case "{lit}":
			return g.lit(k)
		case "{same}": // one expression wherever it is named
			if same == "" {
				same = g.expr(s, k, depth)
			}
			return same
		case "{filter}":
			return g.filter(s)
		}
		panic("no such name: " + name)
	})
}

// cond is a condition.
func (g *gen) cond(s *scope, depth int) string {
	if depth > 0 {
		switch g.weighed(8, 1, 1, 1, 2) {
		case 1:
			return "(" + g.cond(s, depth-1) + " AND " + g.cond(s, depth-1) + ")"
		case 2:
			return "(" + g.cond(s, depth-1) + " OR " + g.cond(s, depth-1) + ")"
		case 3:
			return "NOT (" + g.cond(s, depth-1) + ")"
		case 4:
			return g.subCond(s, depth-1)
		}
	}
	k := g.kindIn(s)
	x, ok := g.column(s, k)
	if !ok || g.chance(2) {
		x = g.expr(s, k, depth)
	}
	switch g.weighed(2, 3, 2, 2, 2, 2, 1, 2, 1) {
	case 0:
		return x + " = " + g.lit(k)
	case 1:
		return x + " " + pick(g, "<>", "<=", ">=", "<", ">") + " " + pick(g, g.lit(k), g.expr(s, k, depth))
	case 2:
		return x + " IS " + pick(g, "NOT ", "NOT ", "") + "NULL"
	case 3:
		return x + " " + pick(g, "NOT ", "") + "IN (" + g.lit(k) + ", " + g.lit(k) + ", " + g.lit(k) + ")"
	case 4:
		return x + " BETWEEN " + g.lit(k) + " AND " + g.lit(k)
	case 5:
		return x + " IS " + pick(g, "", "NOT ") + "DISTINCT FROM " + g.expr(s, k, depth)
	case 6:
		return g.bound(s)
	case 7:
		return g.special(s, k, x, depth)
	default:
		return "(" + x + " = " + g.expr(s, k, depth) + ") IS " + pick(g, "true", "not true", "unknown")
	}
}

// special is a condition that only some kinds know.
func (g *gen) special(s *scope, k kind, x string, depth int) string {
	switch k {
	case text, textC:
		return x + pick(g, " LIKE 'a%'", " LIKE '%b'", " LIKE '_'", " ILIKE 'A%'", " ~ '^[a-m]'", ` COLLATE "C" < 'b'`)
	case boolean:
		return x
	case jsonb:
		return x + pick(g, ` @> '{"a": 1}'`, " ? 'a'", " -> 'a' IS NULL")
	case integers:
		return x + pick(g, " && '{1,3}'", " @> '{1}'", " = '{}'")
	case integer, bigint:
		return x + " % 2 = " + pick(g, "0", "1")
	}
	return "(" + x + ", " + g.expr(s, bigint, depth) + ") < (" + g.lit(k) + ", 5)"
}

// subCond is a condition with a subquery.
func (g *gen) subCond(s *scope, depth int) string {
	outer := s
	if g.chance(3) {
		outer = nil // not correlated
	}
	free := g.free
	g.free = false
	defer func() { g.free = free }()
	k := g.kindIn(s)
	switch g.n(4) {
	case 0:
		from, in := g.from(depth, outer)
		return pick(g, "", "NOT ") + "EXISTS (SELECT " + pick(g, "1", "*") + " FROM " + from + g.where(in, depth) + ")"
	case 1, 2:
		return g.expr(s, k, depth) + " " + pick(g, "", "NOT ") + "IN (" + g.query([]kind{k}, depth, outer, false).sql + ")"
	default:
		return g.expr(s, k, depth) + " " + pick(g, "=", "<", ">") + " " + g.scalar(k, depth, outer)
	}
}

// scalar is a subquery with one row at most.
func (g *gen) scalar(k kind, depth int, outer *scope) string {
	from, in := g.from(depth, outer)
	where := g.where(in, depth)
	if hasMinimum(k) && g.chance(4) {
		return "(SELECT " + pick(g, "min", "max") + "(" + g.expr(in.inner(), k, depth) + ") FROM " + from + where + ")"
	}
	return "(SELECT " + g.expr(in, k, depth) + " FROM " + from + where + " ORDER BY " + strings.Join(in.total(), ", ") + " LIMIT 1)"
}

func hasMinimum(k kind) bool { return k != boolean && k != uuid && k != jsonb }
