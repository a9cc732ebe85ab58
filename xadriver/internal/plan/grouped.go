package plan

import (
	"google.golang.org/protobuf/proto"

	pg "github.com/xapg/xapg/xadriver/internal/syntax"
)

// grouped composes a query that sums up rows of several shards: each shard sums
// up its own, and a PostgreSQL session sums up the sums.
func (c *composer) grouped() (bool, error) {
	if len(c.a.calls) > 0 || !c.pushable() || !c.a.regroups || len(c.sel.LockingClause) > 0 {
		return false, nil
	}
	g := &grouper{c: c}
	if !g.groups() {
		return false, nil
	}
	return g.compose()
}

// grouper splits one query into what each shard sums up and what is made of it.
type grouper struct {
	c        *composer
	group    []*pg.Node // GROUP BY, with positions and names resolved
	partials []partial  // what each shard sums up, after the groups
	oids     []uint32   // of groups and partials, once they are described
}

// partial is something that each shard sums up.
type partial struct {
	node    *pg.Node // what the shard is asked
	written *pg.Node // what it was made from
	average bool     // it is the sum of an average, which may be wider than a sum
}

// groups resolves GROUP BY; false when it is more than a list of expressions.
func (g *grouper) groups() bool {
	sel := g.c.sel
	if sel.GroupDistinct {
		return false
	}
	for _, n := range sel.TargetList {
		if isStar(n.GetResTarget().GetVal()) {
			return false
		}
	}
	for _, n := range sel.GroupClause {
		e := g.c.grouping(n)
		if e == nil || e.GetGroupingSet() != nil {
			return false
		}
		g.group = append(g.group, e)
	}
	return true
}

// grouping is the expression that an item of GROUP BY stands for: a name is that
// of a column of FROM, and only else that of an output column.
func (c *composer) grouping(n *pg.Node) *pg.Node {
	output := -1
	if k := n.GetAConst(); k != nil && k.GetIval() != nil {
		output = int(k.GetIval().Ival) - 1
	} else if ref := n.GetColumnRef(); ref != nil && len(ref.Fields) == 1 && !c.a.topScope.has(ref) {
		if c.a.topScope.open() {
			return nil // it may be a column of FROM
		}
		output = sortKeys([]*pg.Node{n}, c.outputs())[0].output
	}
	if output < 0 {
		return n
	}
	if starred(c.sel.TargetList, output+1) || output >= len(c.sel.TargetList) || output >= len(c.desc.Columns) {
		return nil
	}
	return c.sel.TargetList[output].GetResTarget().GetVal()
}

func (g *grouper) compose() (bool, error) {
	// The types of sums decide how sums of sums are made: so the partials are
	// collected first, described, and then put together.
	for range 3 {
		if _, ok := g.final(); !ok {
			return false, nil
		}
		node := pg.Select(g.scatter())
		copied := pg.Clone(node)
		if err := g.c.typed(copied); err != nil {
			return false, err
		}
		d, err := g.c.describe(copied)
		if err != nil {
			return false, err
		}
		again := false
		g.oids = g.oids[:0]
		for i, col := range d.Columns {
			g.oids = append(g.oids, col.OID)
			// avg sums float4 as float8, where sum does not.
			if at := i - len(g.group); at >= 0 && g.partials[at].average && col.OID == 700 {
				arg := g.partials[at].node.GetFuncCall()
				arg.Args[0] = pg.Cast(arg.Args[0], "float8")
				again = true
			}
		}
		if again {
			continue
		}
		final, ok := g.final()
		if !ok {
			return false, nil
		}
		if err := g.c.create(node, len(g.group)+len(g.partials)); err != nil {
			return false, err
		}
		g.c.prog.Strategy = "partial aggregates"
		g.c.prog.Reason = "each shard sums up its own rows, and a PostgreSQL session sums up the sums"
		if err := g.c.scatter(node, d.Columns); err != nil {
			return false, err
		}
		return true, g.c.final(pg.Select(final), true)
	}
	return false, nil
}

// scatter is what each shard is asked.
func (g *grouper) scatter() *pg.SelectStmt {
	sel := g.c.sel
	s := &pg.SelectStmt{FromClause: sel.FromClause, WhereClause: sel.WhereClause, WithClause: sel.WithClause}
	for i, e := range g.group {
		s.TargetList = append(s.TargetList, pg.Output(e, partColumn(i)))
		s.GroupClause = append(s.GroupClause, pg.Int(i+1))
	}
	for i, e := range g.partials {
		s.TargetList = append(s.TargetList, pg.Output(e.node, partColumn(len(g.group)+i)))
	}
	if len(s.TargetList) == 0 { // HAVING alone
		s.TargetList = []*pg.Node{pg.Output(pg.CountRows(), partColumn(0))}
		g.partials = append(g.partials, partial{node: pg.CountRows(), written: pg.CountRows()})
	}
	return pg.Clone(s)
}

// final is what is made of the parts; false when that cannot be said in terms of them.
func (g *grouper) final() (*pg.SelectStmt, bool) {
	sel := g.c.sel
	ok := true
	put := func(n *pg.Node) *pg.Node {
		n = pg.Clone(n)
		ok = g.rewrite(n) && ok
		return n
	}
	f := &pg.SelectStmt{
		FromClause: []*pg.Node{pg.Table("pg_temp", part, "")}, LimitCount: sel.LimitCount, LimitOffset: sel.LimitOffset, LimitOption: sel.LimitOption,
	}
	for i, n := range sel.TargetList {
		if i >= len(g.c.desc.Columns) {
			return nil, false
		}
		f.TargetList = append(f.TargetList, pg.Output(put(n.GetResTarget().GetVal()), g.c.desc.Columns[i].Name))
	}
	for i := range g.group {
		f.GroupClause = append(f.GroupClause, partRef(i))
	}
	if sel.HavingClause != nil {
		f.HavingClause = put(sel.HavingClause)
	}
	for _, n := range sel.WindowClause {
		f.WindowClause = append(f.WindowClause, put(n))
	}
	for _, k := range sortKeys(sel.SortClause, g.c.outputs()) {
		by := pg.Clone(k.by)
		if k.output >= 0 {
			by.Node = pg.Int(k.output + 1)
		} else {
			by.Node = put(k.expr)
		}
		f.SortClause = append(f.SortClause, &pg.Node{Node: &pg.Node_SortBy{SortBy: by}})
	}
	for _, n := range sel.DistinctClause {
		switch {
		case n.GetNode() == nil:
			f.DistinctClause = append(f.DistinctClause, &pg.Node{})
		default:
			k := sortKeys([]*pg.Node{n}, g.c.outputs())[0]
			if k.output >= 0 {
				f.DistinctClause = append(f.DistinctClause, pg.Int(k.output+1))
				continue
			}
			f.DistinctClause = append(f.DistinctClause, put(n))
		}
	}
	return f, ok
}

// rewrite says an expression in terms of the parts, in place.
func (g *grouper) rewrite(n *pg.Node) bool {
	for i, e := range g.group {
		if g.c.sameExpr(e, n) {
			n.Node = partRef(i).Node
			return true
		}
	}
	switch {
	case n.GetColumnRef() != nil, n.GetSubLink() != nil, n.GetGroupingFunc() != nil, n.GetJsonObjectAgg() != nil, n.GetJsonArrayAgg() != nil:
		return false
	case n.GetFuncCall() != nil && n.GetFuncCall().Over == nil && g.c.a.isAggregate(n.GetFuncCall()):
		by := g.aggregate(n.GetFuncCall())
		if by == nil {
			return false
		}
		n.Node = by.Node
		return true
	}
	ok := true
	pg.Children(n, func(m proto.Message) bool {
		child, isNode := m.(*pg.Node)
		if !isNode {
			return true
		}
		ok = g.rewrite(child) && ok
		return false
	})
	return ok
}
