package plan

import (
	"google.golang.org/protobuf/proto"

	pg "github.com/xapg/xapg/xadriver/internal/syntax"
)

// projected composes a query whose FROM and WHERE each shard can answer, and
// whose rest needs all rows at once: the shards send the columns that the rest
// uses, and a PostgreSQL session does the rest as it was written.
func (c *composer) projected() (bool, error) {
	sel := c.sel
	if len(c.a.calls) > 0 || !c.pushable() || len(sel.LockingClause) > 0 || !c.independent() {
		return false, nil
	}
	p := &projector{c: c}
	final := &pg.SelectStmt{
		FromClause: []*pg.Node{pg.Table("pg_temp", part, "")}, LimitCount: sel.LimitCount, LimitOffset: sel.LimitOffset, LimitOption: sel.LimitOption,
		GroupDistinct: sel.GroupDistinct,
	}
	if !p.list(sel.TargetList) || len(p.targets) != len(c.desc.Columns) {
		return false, nil
	}
	for i, d := range c.desc.Columns {
		final.TargetList = append(final.TargetList, pg.Output(p.put(p.targets[i]), d.Name))
	}
	for _, n := range sel.GroupClause {
		e := c.grouping(n)
		if e == nil {
			return false, nil
		}
		final.GroupClause = append(final.GroupClause, p.put(e))
	}
	if sel.HavingClause != nil {
		final.HavingClause = p.put(sel.HavingClause)
	}
	for _, n := range sel.WindowClause {
		final.WindowClause = append(final.WindowClause, p.put(n))
	}
	for _, k := range sortKeys(sel.SortClause, c.outputs()) {
		by := pg.Clone(k.by)
		if by.Node = p.put(k.expr); k.output >= 0 {
			by.Node = pg.Int(k.output + 1)
		}
		final.SortClause = append(final.SortClause, &pg.Node{Node: &pg.Node_SortBy{SortBy: by}})
	}
	for i, k := range sortKeys(sel.DistinctClause, c.outputs()) {
		switch {
		case sel.DistinctClause[i].GetNode() == nil:
			final.DistinctClause = append(final.DistinctClause, &pg.Node{})
		case k.output >= 0:
			final.DistinctClause = append(final.DistinctClause, pg.Int(k.output+1))
		default:
			final.DistinctClause = append(final.DistinctClause, p.put(k.expr))
		}
	}
	if p.failed {
		return false, nil
	}
	scatter := &pg.SelectStmt{FromClause: sel.FromClause, WhereClause: sel.WhereClause, WithClause: sel.WithClause}
	for i, n := range p.columns {
		scatter.TargetList = append(scatter.TargetList, pg.Output(n, partColumn(i)))
	}
	if len(p.columns) == 0 {
		scatter.TargetList = []*pg.Node{pg.Output(pg.Int(1), partColumn(0))}
	}
	node := pg.Select(pg.Clone(scatter))
	if err := c.create(node, len(scatter.TargetList)); err != nil {
		return false, err
	}
	c.prog.Strategy = "merge by PostgreSQL"
	c.prog.Reason = "each shard joins and filters its own rows, and a PostgreSQL session does what needs all of them at once"
	if err := c.scatter(node, nil); err != nil {
		return false, err
	}
	return true, c.final(pg.Select(final), true)
}

// independent reports whether a query that groups names, outside of aggregates,
// only what it groups by. What else it names depends on a primary key, which the
// table of partial rows does not have.
func (c *composer) independent() bool {
	if len(c.sel.GroupClause) == 0 {
		return true
	}
	var group []*pg.Node
	for _, n := range c.sel.GroupClause {
		if e := c.grouping(n); e != nil && e.GetGroupingSet() == nil {
			group = append(group, e)
			continue
		}
		pg.Walk(n, func(m proto.Message) bool {
			if e, ok := m.(*pg.Node); ok {
				group = append(group, e)
			}
			return true
		})
	}
	ok := true
	look := func(m proto.Message) bool {
		n, isNode := m.(*pg.Node)
		if !isNode {
			return ok
		}
		for _, g := range group {
			if c.sameExpr(g, n) {
				return false
			}
		}
		if f := n.GetFuncCall(); f != nil && f.Over == nil && c.a.isAggregate(f) {
			return false
		}
		if ref := n.GetColumnRef(); ref != nil && c.a.topScope.has(ref) {
			ok = false
		}
		return ok
	}
	for _, n := range c.sel.TargetList {
		pg.Walk(n.GetResTarget().GetVal(), look)
	}
	pg.Walk(c.sel.HavingClause, look)
	for _, k := range sortKeys(c.sel.SortClause, c.outputs()) {
		if k.output < 0 {
			pg.Walk(k.expr, look)
		}
	}
	return ok
}

// projector collects the columns that a query uses outside of FROM and WHERE.
type projector struct {
	c       *composer
	targets []*pg.Node // the items of the list, stars written out
	columns []*pg.Node
	failed  bool
}

// list writes out stars.
func (p *projector) list(items []*pg.Node) bool {
	for _, n := range items {
		t := n.GetResTarget()
		if !isStar(t.GetVal()) {
			p.targets = append(p.targets, t.GetVal())
			continue
		}
		if t.Val.GetColumnRef() == nil {
			return false
		}
		qualifier := names(t.Val.GetColumnRef().Fields)
		if len(qualifier) > 1 || p.c.a.topScope.merged {
			return false
		}
		for _, e := range p.c.a.topScope.entries {
			if len(qualifier) > 0 && e.alias != qualifier[0] {
				continue
			}
			if e.open || e.alias == "" {
				return false
			}
			for _, col := range e.columns {
				p.targets = append(p.targets, pg.Column(e.alias, col.name))
			}
		}
	}
	return true
}

// put says an expression in terms of the columns that the shards send.
func (p *projector) put(n *pg.Node) *pg.Node {
	n = pg.Clone(n)
	p.rewrite(n)
	return n
}

func (p *projector) rewrite(n *pg.Node) {
	switch {
	case n.GetSubLink() != nil:
		p.failed = true
		return
	case n.GetColumnRef() != nil:
		if isStar(n) || !p.c.a.topScope.has(n.GetColumnRef()) {
			p.failed = true
			return
		}
		at := -1
		for i, c := range p.columns {
			if p.c.sameExpr(c, n) {
				at = i
			}
		}
		if at < 0 {
			p.columns = append(p.columns, pg.Clone(n))
			at = len(p.columns) - 1
		}
		n.Node = partRef(at).Node
		return
	}
	pg.Children(n, func(m proto.Message) bool {
		if child, ok := m.(*pg.Node); ok {
			p.rewrite(child)
			return false
		}
		return true
	})
}
