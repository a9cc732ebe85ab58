package plan

import (
	"strconv"

	pg "github.com/xapg/xapg/xadriver/internal/syntax"
)

// sorted composes a query whose rows are the shards' rows, but in order, or only
// the first, or without duplicates.
func (c *composer) sorted() (bool, error) {
	sel := c.sel
	if !c.pushable() || c.a.regroups || c.a.reframes {
		return false, nil
	}
	visible := len(c.desc.Columns)
	scatter := pg.Clone(sel)
	if c.prog.Moment != 0 && !hasStar(sel.TargetList) { // what stands for the time has another name
		for i, n := range scatter.TargetList {
			if t := n.GetResTarget(); i < visible && t.Name == "" {
				t.Name = c.desc.Columns[i].Name
			}
		}
	}
	keys, width, ok := c.columnsOf(scatter, sortKeys(sel.SortClause, c.outputs()), visible)
	if !ok {
		return false, nil
	}
	var distinct []sortKey
	if c.a.dedupes && sel.DistinctClause[0].GetNode() != nil {
		if distinct, width, ok = c.columnsOf(scatter, c.distinctOn(keys), width); !ok {
			return false, nil
		}
	}
	bound, simple := c.bound(sel)
	if err := c.lockable(sel); err != nil {
		return false, err
	}
	ties := sel.LimitOption == pg.LimitOption_LIMIT_OPTION_WITH_TIES
	limited := sel.LimitCount != nil || sel.LimitOffset != nil
	scatter.LimitCount, scatter.LimitOffset = nil, nil
	if limited && simple {
		c.prog.Limit = bound
		scatter.LimitCount = pg.Param(bound.Param)
	} else {
		scatter.LimitOption = pg.LimitOption_LIMIT_OPTION_DEFAULT
	}
	node := pg.Select(scatter)
	exact, known, err := c.exact(node, keys, visible, width)
	if err != nil {
		return false, err
	}
	if exact && !c.a.dedupes && !ties && (simple || !limited) {
		c.prog.Ordered = &Ordered{Visible: visible}
		for _, k := range keys {
			desc := k.by.SortbyDir == pg.SortByDir_SORTBY_DESC
			first := k.by.SortbyNulls == pg.SortByNulls_SORTBY_NULLS_FIRST || desc && k.by.SortbyNulls != pg.SortByNulls_SORTBY_NULLS_LAST
			c.prog.Ordered.Keys = append(c.prog.Ordered.Keys, Key{Column: k.output, Desc: desc, NullsFirst: first})
		}
		c.prog.Strategy, c.prog.Reason = "ordered merge", "the shards' rows are put in order as they arrive: their order is exact in the driver"
		if len(keys) == 0 {
			c.prog.Strategy, c.prog.Reason = "limited scatter", "the shards' rows are taken one after the other until there are enough"
			if !limited {
				c.prog.Strategy, c.prog.Reason = "scatter at one time", "the shards' rows are taken one after the other; the time is the same for all"
			}
		}
		return true, c.scatter(node, known)
	}
	on := len(sel.DistinctClause) > 0 && sel.DistinctClause[0].GetNode() != nil
	if (!limited || !simple) && !on { // DISTINCT ON takes the first of its order
		scatter.SortClause = nil // the order of the parts is of no use
	}
	if err := c.create(node, width); err != nil {
		return false, err
	}
	final := &pg.SelectStmt{FromClause: []*pg.Node{pg.Table("pg_temp", part, "")}, LimitCount: sel.LimitCount, LimitOffset: sel.LimitOffset, LimitOption: sel.LimitOption}
	for i, d := range c.desc.Columns {
		final.TargetList = append(final.TargetList, pg.Output(partRef(i), d.Name))
	}
	for _, k := range keys {
		by := pg.Clone(k.by)
		by.Node = partRef(k.output)
		final.SortClause = append(final.SortClause, &pg.Node{Node: &pg.Node_SortBy{SortBy: by}})
	}
	switch {
	case distinct != nil:
		for _, k := range distinct {
			final.DistinctClause = append(final.DistinctClause, partRef(k.output))
		}
	case c.a.dedupes:
		final.DistinctClause = []*pg.Node{{}}
	}
	c.prog.Strategy, c.prog.Reason = "merge by PostgreSQL", "the shards' rows are put in order, or compared with each other, by a PostgreSQL session: it is the judge of what is equal and what comes first"
	if err := c.scatter(node, known); err != nil {
		return false, err
	}
	return true, c.final(pg.Select(final), true)
}

func partColumn(i int) string { return "c" + strconv.Itoa(i+1) }

// columnsOf finds or adds the columns of sel that keys stand for. Added columns
// come after the visible ones.
func (c *composer) columnsOf(sel *pg.SelectStmt, keys []sortKey, width int) ([]sortKey, int, bool) {
	stars := hasStar(sel.TargetList)
	for i := range keys {
		k := &keys[i]
		if k.output >= 0 {
			continue
		}
		if !stars {
			for at, n := range sel.TargetList {
				if c.sameExpr(n.GetResTarget().GetVal(), k.expr) {
					k.output = at
				}
			}
		}
		if k.output >= 0 {
			continue
		}
		if len(sel.DistinctClause) > 0 && sel.DistinctClause[0].GetNode() == nil {
			return nil, 0, false
		}
		sel.TargetList = append(sel.TargetList, pg.Output(k.expr, "xapg_sort_"+strconv.Itoa(width)))
		k.output = width
		width++
	}
	return keys, width, true
}

// distinctOn are the keys of DISTINCT ON, as columns that ORDER BY has already
// where they are the same.
func (c *composer) distinctOn(order []sortKey) []sortKey {
	keys := sortKeys(c.sel.DistinctClause, c.outputs())
	for i := range keys {
		for _, o := range order {
			if keys[i].output < 0 && c.sameExpr(keys[i].expr, o.expr) {
				keys[i].output = o.output
			}
		}
	}
	return keys
}

// bound reads LIMIT and OFFSET where each is a number or a parameter.
func (c *composer) bound(sel *pg.SelectStmt) (*Bound, bool) {
	l, ok := amount(sel.LimitCount)
	if !ok {
		return nil, false
	}
	o, ok := amount(sel.LimitOffset)
	if !ok {
		return nil, false
	}
	param := len(c.desc.Params) + 1
	if c.prog.Moment != 0 {
		param++
	}
	return &Bound{Limit: l, Offset: o, Param: param}, true
}

func amount(n *pg.Node) (Amount, bool) {
	switch {
	case n == nil:
		return Amount{}, true
	case n.GetParamRef() != nil:
		return Amount{Param: int(n.GetParamRef().Number), Given: true}, true
	case n.GetAConst() == nil:
		return Amount{}, false
	}
	k := n.GetAConst()
	switch {
	case k.Isnull:
		return Amount{}, true
	case k.GetIval() != nil:
		return Amount{Value: int64(k.GetIval().Ival), Given: true}, true
	case k.GetFval() != nil:
		v, err := strconv.ParseInt(k.GetFval().Fval, 10, 64)
		return Amount{Value: v, Given: true}, err == nil
	default:
		return Amount{}, false
	}
}

// lockable refuses to lock rows that the statement would not return.
func (c *composer) lockable(sel *pg.SelectStmt) error {
	if len(sel.LockingClause) == 0 || sel.LimitCount == nil && sel.LimitOffset == nil {
		return nil
	}
	return &Refusal{
		Clause: "FOR UPDATE or FOR SHARE with LIMIT over several shards", Reason: "each shard would lock rows that are not returned", Remedy: byKey,
	}
}

// exact reports whether the driver itself can compare the keys exactly, and what is
// known of the columns.
func (c *composer) exact(scatter *pg.Node, keys []sortKey, visible, width int) (bool, []Described, error) {
	oids := c.desc.Columns
	if width > visible {
		if len(keys) == 0 {
			return true, nil, nil
		}
		copied := pg.Clone(scatter)
		if err := c.typed(copied); err != nil {
			return false, nil, err
		}
		d, err := c.describe(copied)
		if err != nil {
			return false, nil, err
		}
		oids = d.Columns
	}
	return c.exactly(keys, oids, width), oids, nil
}

func (c *composer) exactly(keys []sortKey, oids []Described, width int) bool {
	if len(keys) == 0 {
		return true
	}
	if len(oids) != width {
		return false
	}
	for _, k := range keys {
		if k.output < 0 || k.output >= width || k.by == nil || len(k.by.UseOp) > 0 {
			return false
		}
		switch oids[k.output].OID {
		case 16, 17, 20, 21, 23, 26, 700, 701, 1082, 1114, 1184, 2950:
		case 25, 1043:
			if !c.bytewise(k) {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// bytewise reports whether a text key is known to be ordered by its bytes.
func (c *composer) bytewise(k sortKey) bool {
	expr := k.expr
	if k.output < len(c.sel.TargetList) && (expr.GetAConst() != nil || expr.GetColumnRef() != nil) {
		if starred(c.sel.TargetList, k.output+1) {
			return false
		}
		expr = c.sel.TargetList[k.output].GetResTarget().GetVal()
	}
	if cc := expr.GetCollateClause(); cc != nil {
		list := names(cc.Collname)
		last := list[len(list)-1]
		return (last == "C" || last == "POSIX") && (len(list) == 1 || list[0] == "pg_catalog")
	}
	ref := expr.GetColumnRef()
	if ref == nil || c.a.topScope == nil {
		return false
	}
	info := c.a.topScope.column(ref)
	return info != nil && info.Bytewise
}

// partRef refers to a column of the table of partial rows, by its full name: the
// result's columns may have the same names.
func partRef(i int) *pg.Node { return pg.Column(part, partColumn(i)) }
