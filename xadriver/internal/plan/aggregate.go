package plan

import (
	pg "github.com/xapg/xapg/xadriver/internal/syntax"
)

// part notes something that each shard sums up, and returns the column of the
// parts that holds it.
func (g *grouper) part(n *pg.Node, average bool) (column *pg.Node, at int) {
	for i, p := range g.partials {
		if p.average == average && g.c.sameExpr(p.written, n) {
			return partRef(len(g.group) + i), i
		}
	}
	g.partials = append(g.partials, partial{node: pg.Clone(n), written: pg.Clone(n), average: average})
	at = len(g.partials) - 1
	return partRef(len(g.group) + at), at
}

// aggregate says an aggregate in terms of the parts, nil where that would not be
// exact. The list of what is exact:
//
//   - count: the sum of the counts;
//   - sum: the sum of the sums, with the type of a sum;
//   - min, max, bool_and, bool_or, every, bit_and, bit_or, bit_xor: themselves;
//   - avg: the sum of the sums by the sum of the counts, which is how PostgreSQL
//     defines it (numeric_avg, int8_avg, interval_avg in its numeric.c and timestamp.c);
//   - with DISTINCT, only those for which it makes no difference, and those over
//     the key, whose values are never on two shards.
func (g *grouper) aggregate(f *pg.FuncCall) *pg.Node {
	name := g.c.a.builtin(f)
	if name == "" || len(f.AggOrder) > 0 || f.AggWithinGroup || f.FuncVariadic {
		return nil
	}
	call := func(name string, n *pg.Node) *pg.Node { return pg.Call(name, n) }
	local := false
	if f.AggDistinct {
		for _, arg := range f.Args {
			if k := g.c.a.keyOf(arg, g.c.a.topScope); k != nil {
				local = true
			}
		}
	}
	whole := &pg.Node{Node: &pg.Node_FuncCall{FuncCall: f}}
	switch name {
	case "min", "max", "bool_and", "bool_or", "every", "bit_and", "bit_or", "bit_xor":
		if f.AggDistinct && name == "bit_xor" && !local {
			return nil
		}
		c, _ := g.part(whole, false)
		return call(name, c)
	case "count":
		if f.AggDistinct && !local {
			return nil
		}
		c, _ := g.part(whole, false)
		return pg.Cast(call("sum", c), "int8")
	case "sum":
		if f.AggDistinct && !local {
			return nil
		}
		c, at := g.part(whole, false)
		if g.oid(at) == 20 {
			return pg.Cast(call("sum", c), "int8")
		}
		return call("sum", c)
	case "avg":
		if f.AggDistinct || len(f.Args) != 1 {
			return nil
		}
		sum := pg.Clone(whole)
		sum.GetFuncCall().Funcname = []*pg.Node{pg.Text("pg_catalog"), pg.Text("sum")}
		count := pg.Clone(whole)
		count.GetFuncCall().Funcname = []*pg.Node{pg.Text("pg_catalog"), pg.Text("count")}
		return g.average(sum, count)
	default:
		return nil
	}
}

func (g *grouper) average(sum, count *pg.Node) *pg.Node {
	s, at := g.part(sum, true)
	n, _ := g.part(count, false)
	total := pg.Call("sum", n)
	by := &pg.Node{Node: &pg.Node_AExpr{AExpr: &pg.A_Expr{
		Kind: pg.A_Expr_Kind_AEXPR_NULLIF, Name: []*pg.Node{pg.Text("=")}, Lexpr: total, Rexpr: pg.Int(0),
	}}}
	switch g.oid(at) {
	case 1700, 20, 0:
		return pg.Operate(pg.Call("sum", s), "/", by)
	case 700, 701, 1186: // float4, float8, interval
		return pg.Operate(pg.Call("sum", s), "/", pg.Cast(by, "float8"))
	default:
		return nil
	}
}

// oid is a partial's type, 0 before it is known.
func (g *grouper) oid(at int) uint32 {
	if i := len(g.group) + at; i < len(g.oids) {
		return g.oids[i]
	}
	return 0
}

// builtin is the name of one of PostgreSQL's own functions, "" for a user's.
func (a *analysis) builtin(f *pg.FuncCall) string {
	list := names(f.Funcname)
	switch {
	case len(list) == 2 && list[0] == "pg_catalog":
		return list[1]
	case len(list) == 1 && a.cat.Builtin(list[0]):
		return list[0]
	default:
		return ""
	}
}
