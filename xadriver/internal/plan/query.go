package plan

import (
	"slices"

	"google.golang.org/protobuf/proto"

	pg "github.com/xapg/xapg/xadriver/internal/syntax"
)

// result is what a query, or an item of FROM, amounts to.
type result struct {
	columns []column
	open    bool // has columns that we do not know
	// rows says that its rows are spread over the shards, each row on one of
	// them; hides, that it contains sharded tables at all.
	rows, hides bool
	// several is why the shards' results, put together, would not be its result.
	several *Refusal
}

func (r *result) not(a *analysis, clause, reason string, offset int32) {
	if r.several == nil {
		r.several = &Refusal{Clause: clause, Reason: reason, Remedy: byKey, Position: int(pg.Position(a.sql, offset))}
	}
}

// mergeTop notes that the top level's rows must be merged, which programs do; at any
// deeper level nobody does.
func (a *analysis) mergeTop(res *result, sc *scope, clause string, offset int32) {
	if sc.block != a.top {
		res.not(a, clause, mustMerge, offset)
		return
	}
	if a.merging == nil {
		a.merging = &Refusal{Clause: clause, Reason: mustMerge, Remedy: byKey, Position: int(pg.Position(a.sql, offset))}
	}
}

const mustMerge = "the results of the shards would have to be merged"

// query analyses a SELECT at any level.
func (a *analysis) query(sel *pg.SelectStmt, outer *scope, b *block) result {
	sc := &scope{parent: outer, block: b}
	if b == a.top {
		a.topScope = sc
	}
	before := len(a.occurrences)
	a.with(sel.WithClause, sc)

	var res result
	switch {
	case sel.Op != pg.SetOperation_SETOP_NONE:
		res = a.setOperation(sel, sc)
	case len(sel.ValuesLists) > 0:
		for _, l := range sel.ValuesLists {
			a.expression(l, sc)
			for i, n := range l.GetList().GetItems() {
				if i == len(res.columns) {
					res.columns = append(res.columns, column{name: "column" + itoa(int32(i+1))})
				}
				res.columns[i].values = append(res.columns[i].values, n)
			}
		}
	default:
		res = a.plain(sel, sc)
	}
	a.tail(sel, sc, &res)
	res.hides = res.hides || len(a.occurrences) > before
	return res
}

// tail is what may follow any query: ORDER BY, LIMIT, FOR UPDATE.
func (a *analysis) tail(sel *pg.SelectStmt, sc *scope, res *result) {
	for _, n := range sel.SortClause {
		a.expression(n, sc)
	}
	a.expression(sel.LimitCount, sc)
	a.expression(sel.LimitOffset, sc)
	for _, n := range sel.LockingClause {
		a.locks = true
		a.tables += len(n.GetLockingClause().GetLockedRels())
	}
	limited := sel.LimitCount != nil && !sel.LimitCount.GetAConst().GetIsnull() || sel.LimitOffset != nil
	a.chooses = a.chooses || limited
	if limited {
		res.columns = withoutKeys(res.columns)
	}
	if !res.rows {
		return
	}
	if limited {
		a.mergeTop(res, sc, "LIMIT or OFFSET over several shards", -1)
	}
	if len(sel.SortClause) > 0 && sc.block != a.top && a.insideSublink == 0 {
		res.not(a, "ORDER BY of a subquery over several shards", "the order of its rows would be lost", -1)
	}
	if len(sel.SortClause) > 0 && sc.block == a.top {
		a.mergeTop(res, sc, "ORDER BY over several shards", -1)
	}
	if sel.IntoClause != nil {
		a.refuse("SELECT INTO", "where its rows should live is not said", "create the table, then INSERT", -1)
	}
}

func withoutKeys(cols []column) []column {
	out := make([]column, len(cols))
	for i, c := range cols {
		out[i].name = c.name
	}
	return out
}

// with analyses the WITH queries of a level.
func (a *analysis) with(w *pg.WithClause, sc *scope) {
	if w == nil {
		return
	}
	sc.ctes = make(map[string]*cte)
	if w.Recursive { // all are visible in all, and PostgreSQL judges what they make of that
		for _, n := range w.Ctes {
			c := &cte{}
			c.open = true
			sc.ctes[n.GetCommonTableExpr().Ctename] = c
		}
	}
	for _, n := range w.Ctes {
		e := n.GetCommonTableExpr()
		c := &cte{}
		if w.Recursive {
			c.open = true
			sc.ctes[e.Ctename] = c
		}
		inner := &scope{parent: sc, block: sc.block}
		var res result
		switch q := e.Ctequery.GetNode().(type) {
		case *pg.Node_SelectStmt:
			res = a.query(q.SelectStmt, inner, &block{parent: sc.block})
		case *pg.Node_InsertStmt, *pg.Node_UpdateStmt, *pg.Node_DeleteStmt, *pg.Node_MergeStmt:
			a.modifies = true
			res = a.modifyingCTE(e.Ctequery, inner)
		default:
			a.refuse("a WITH query", "its kind is not understood", "", e.Location)
		}
		if res.open && len(e.Aliascolnames) > 0 {
			res.columns = nil // which is which cannot be told
		}
		for i, name := range names(e.Aliascolnames) {
			if i < len(res.columns) {
				res.columns[i].name = name
			}
		}
		if w.Recursive && res.hides {
			res.columns = withoutKeys(res.columns)
			res.not(a, "WITH RECURSIVE over several shards", "rows of different shards may follow from each other", e.Location)
		}
		c.result = res
		c.refs = mentions(a.node, e.Ctename)
		sc.ctes[e.Ctename] = c
	}
}

// mentions counts how often a CTE is named below a node; too many is harmless.
func mentions(n proto.Message, name string) (count int) {
	pg.Walk(n, func(m proto.Message) bool {
		if rv, ok := m.(*pg.RangeVar); ok && rv.Schemaname == "" && rv.Relname == name {
			count++
		}
		return true
	})
	return count
}

// setOperation is UNION, INTERSECT or EXCEPT.
func (a *analysis) setOperation(sel *pg.SelectStmt, sc *scope) result {
	l := a.query(sel.Larg, sc, &block{parent: sc.block})
	r := a.query(sel.Rarg, sc, &block{parent: sc.block})
	res := result{columns: withoutKeys(l.columns), open: l.open, hides: l.hides || r.hides}
	if !res.hides {
		return res
	}
	res.rows, res.several = true, l.several
	if res.several == nil {
		res.several = r.several
	}
	if sel.Op != pg.SetOperation_SETOP_UNION || !sel.All || !l.rows || !r.rows {
		res.not(a, "UNION, INTERSECT or EXCEPT over several shards", mustMerge, -1)
	}
	return res
}

// plain is SELECT … FROM … WHERE … GROUP BY ….
func (a *analysis) plain(sel *pg.SelectStmt, sc *scope) result {
	before := len(a.occurrences)
	from := a.from(sel.FromClause, sc)
	a.conditions(sel.WhereClause, sc, sc.block)
	a.expression(sel.WhereClause, sc)
	for _, list := range [][]*pg.Node{sel.TargetList, sel.GroupClause, sel.WindowClause, sel.DistinctClause} {
		for _, n := range list {
			a.expression(n, sc)
		}
	}
	a.expression(sel.HavingClause, sc)

	res := result{rows: from.rows, hides: from.hides || len(a.occurrences) > before, several: from.several}
	groups := a.grouping(sel, sc, &res)
	a.output(sel, sc, &res, groups)
	if res.hides && !res.rows {
		res.not(a, "a subquery over a sharded table", "the rows beside it are not spread over the shards", -1)
	}
	return res
}

// grouping looks for what sums rows up, which is local to each shard only where
// the key is what is grouped by. It reports whether the query groups at all.
func (a *analysis) grouping(sel *pg.SelectStmt, sc *scope, res *result) bool {
	agg, window := a.sumsUp(sel, sc)
	grouped := agg || len(sel.GroupClause) > 0 || sel.HavingClause != nil
	a.groups = a.groups || len(sel.GroupClause) > 0
	a.chooses = a.chooses || window != nil || len(sel.DistinctClause) > 0 && sel.DistinctClause[0].GetNode() != nil
	top := sc.block == a.top
	byKey := func(n *pg.Node) bool {
		c := a.keyOf(n, sc)
		return c != nil && c.certain(sc.block)
	}
	byKeyOf := func(list []*pg.Node) bool {
		return slices.ContainsFunc(list, func(n *pg.Node) bool { return byKey(target(sel, n)) })
	}
	if !res.rows {
		return grouped || window != nil
	}
	if grouped && !byKeyOf(sel.GroupClause) {
		clause := "an aggregate over several shards"
		if len(sel.GroupClause) > 0 {
			clause = "GROUP BY over several shards"
		}
		a.mergeTop(res, sc, clause, -1)
		a.regroups = a.regroups || top
	}
	if window != nil && !a.partitionedByKey(sel, window, func(list []*pg.Node) bool { return slices.ContainsFunc(list, byKey) }) {
		a.mergeTop(res, sc, "a window function over several shards", window[0].Location)
		a.reframes = a.reframes || top
	}
	if len(sel.DistinctClause) > 0 {
		list := sel.TargetList
		if sel.DistinctClause[0].GetNode() != nil {
			list = nil
			for _, n := range sel.DistinctClause {
				list = append(list, outputFirst(sel, n))
			}
		}
		if !byKeyOf(list) {
			a.mergeTop(res, sc, "DISTINCT over several shards", -1)
			a.dedupes = a.dedupes || top
		}
	}
	return grouped || window != nil
}

// outputFirst is what an item of DISTINCT ON stands for: an output column of its name,
// and only else one of FROM.
func outputFirst(sel *pg.SelectStmt, n *pg.Node) *pg.Node {
	ref := n.GetColumnRef()
	if ref == nil || len(ref.Fields) != 1 {
		return n
	}
	for _, item := range sel.TargetList {
		if t := item.GetResTarget(); t.GetName() != "" && t.Name == ref.Fields[0].GetString_().GetSval() {
			return t.Val
		}
	}
	return n
}

// target is the expression that a node of GROUP BY or DISTINCT stands for: a
// position, an expression, or the output itself.
func target(sel *pg.SelectStmt, n *pg.Node) *pg.Node {
	if t := n.GetResTarget(); t != nil {
		return t.Val
	}
	if c := n.GetAConst(); c != nil && c.GetIval() != nil {
		if i := int(c.GetIval().Ival); i >= 1 && i <= len(sel.TargetList) && !starred(sel.TargetList, i) {
			return sel.TargetList[i-1].GetResTarget().GetVal()
		}
	}
	return n
}

func (a *analysis) partitionedByKey(sel *pg.SelectStmt, calls []*pg.FuncCall, byKeyOf func([]*pg.Node) bool) bool {
	for _, f := range calls {
		w := f.Over
		if name := w.Name + w.Refname; name != "" && len(w.PartitionClause) == 0 {
			for _, n := range sel.WindowClause {
				if d := n.GetWindowDef(); d.GetName() == name {
					w = d
				}
			}
		}
		if !byKeyOf(w.PartitionClause) {
			return false
		}
	}
	return true
}

// output finds the columns of a query, and which of them carry keys that
// conditions from outside may bind.
func (a *analysis) output(sel *pg.SelectStmt, sc *scope, res *result, grouped bool) {
	distinctOn := len(sel.DistinctClause) > 0 && sel.DistinctClause[0].GetNode() != nil
	keep := func(c *class, n *pg.Node) *class {
		if c == nil || distinctOn {
			return nil
		}
		if !grouped {
			return c
		}
		for _, g := range sel.GroupClause {
			if k := a.keyOf(target(sel, g), sc); k != nil && k.root() == c.root() {
				return c
			}
		}
		_ = n
		return nil
	}
	for _, n := range sel.TargetList {
		t := n.GetResTarget()
		ref := t.GetVal().GetColumnRef()
		if ref == nil && isStar(t.GetVal()) {
			res.open = true
			continue
		}
		if ref == nil {
			name := t.GetName()
			if name == "" {
				if f := t.GetVal().GetFuncCall(); f != nil {
					list := names(f.Funcname)
					name = list[len(list)-1]
				}
			}
			col := column{name: name}
			if len(sel.FromClause) == 0 && len(sel.GroupClause) == 0 {
				col.values = []*pg.Node{t.GetVal()}
			}
			res.columns = append(res.columns, col)
			continue
		}
		list := names(ref.Fields)
		if len(list) < len(ref.Fields) {
			a.star(list, sc, res, func(c *class) *class { return keep(c, t.Val) })
			continue
		}
		name := t.Name
		if name == "" {
			name = list[len(list)-1]
		}
		res.columns = append(res.columns, column{name: name, class: keep(sc.key(ref), t.Val)})
	}
}

// star is * or t.*.
func (a *analysis) star(qualifier []string, sc *scope, res *result, keep func(*class) *class) {
	if sc.merged && len(qualifier) == 0 {
		res.open = true // columns that were joined by come first, and once
		return
	}
	for _, e := range sc.entries {
		if len(qualifier) > 0 && e.alias != qualifier[len(qualifier)-1] {
			continue
		}
		res.open = res.open || e.open
		for _, c := range e.columns {
			res.columns = append(res.columns, column{name: c.name, class: keep(c.class), values: c.values})
		}
	}
}
