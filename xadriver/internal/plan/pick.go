package plan

import (
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/xapg/xapg/shardmap"
	"github.com/xapg/xapg/xadriver/internal/catalog"
	pg "github.com/xapg/xapg/xadriver/internal/syntax"
)

// picks reports whether a SELECT locks rows that it chooses among those of one
// sharded table: FOR UPDATE with LIMIT. Each shard by itself would lock rows that are
// not returned; so they are found first, and then locked where they are.
func (a *analysis) picks(sel *pg.SelectStmt) bool {
	return len(sel.LockingClause) > 0 && (sel.LimitCount != nil || sel.LimitOffset != nil) && len(a.occurrences) == 1 && len(a.mentions) == 1 &&
		a.mentions[0].view == nil && len(sel.FromClause) == 1 && sel.FromClause[0].GetRangeVar() != nil
}

// unlockable is why the rows cannot be found first.
func unlockable(reason string) error {
	return &Refusal{Clause: "FOR UPDATE or FOR SHARE with LIMIT over several shards", Reason: reason, Remedy: byKey}
}

// pick composes it.
func (w *writer) pick(sel *pg.SelectStmt) error {
	m := w.a.mentions[0]
	w.w = write{clause: "a SELECT FOR UPDATE with LIMIT", table: m.table, rel: m.rel, place: m}
	if err := w.pickable(sel); err != nil {
		return err
	}
	ids, err := w.identity(w.w.clause)
	if err != nil {
		return err
	}
	alias := aliasOf(m.rv)
	find := &pg.SelectStmt{FromClause: sel.FromClause, WhereClause: sel.WhereClause, LimitCount: sel.LimitCount, LimitOffset: sel.LimitOffset, LimitOption: sel.LimitOption}
	for i, c := range ids {
		// Under a name that ORDER BY cannot mean.
		find.TargetList = append(find.TargetList, pg.Output(asText(pg.Column(alias, c.Name), c.TypeOID), "xapg_"+partColumn(i)))
	}
	for _, k := range sortKeys(sel.SortClause, w.outputs()) {
		by := pg.Clone(k.by)
		if by.Node = k.expr; k.output >= 0 {
			switch ref := k.expr.GetColumnRef(); {
			case !starred(sel.TargetList, k.output+1) && k.output < len(sel.TargetList):
				by.Node = sel.TargetList[k.output].GetResTarget().GetVal()
			case ref == nil || !w.a.topScope.has(ref):
				return unlockable("by what they are ordered cannot be told")
			}
		}
		find.SortClause = append(find.SortClause, &pg.Node{Node: &pg.Node_SortBy{SortBy: pg.Clone(by)}})
	}
	w.out.Strategy, w.out.Reason = "find and lock", "the rows are found first; then each shard locks its own, if they are still what was asked for"
	w.out.Table, w.out.Returning, w.out.Counted = m.table, true, true
	w.out.OldKey = slices.IndexFunc(ids, func(c catalog.Column) bool { return c.Name == m.table.Key })
	w.out.Key = w.out.OldKey
	if err := w.source(pg.Clone(find)); err != nil {
		return err
	}
	return w.hold(sel, ids, alias)
}

// hold is what each shard is asked for the rows that were found.
func (w *writer) hold(sel *pg.SelectStmt, ids []catalog.Column, alias string) error {
	stmts, err := pg.Parse("SELECT FROM " + w.arrays(rowsOf(alias), len(ids)) + " WHERE " + found(alias, ids) + " ORDER BY " + rowsOf(alias) + ".xapg_n")
	if err != nil {
		return err
	}
	held := stmts[0].Node.GetSelectStmt()
	held.TargetList, held.LockingClause = sel.TargetList, sel.LockingClause
	held.FromClause = append([]*pg.Node{sel.FromClause[0]}, held.FromClause...)
	if sel.WhereClause != nil {
		all := []*pg.Node{held.WhereClause}
		if and := held.WhereClause.GetBoolExpr(); and != nil {
			all = and.Args
		}
		held.WhereClause = pg.And(append(all, sel.WhereClause))
	}
	for i, n := range held.TargetList {
		if t := n.GetResTarget(); !hasStar(held.TargetList) && t.Name == "" && i < len(w.desc.Columns) {
			t.Name = w.desc.Columns[i].Name
		}
		if ref := n.GetResTarget().GetVal().GetColumnRef(); isStar(n.GetResTarget().GetVal()) && ref != nil && len(ref.Fields) == 1 {
			ref.Fields = append([]*pg.Node{pg.Text(alias)}, ref.Fields...)
		}
	}
	for _, n := range held.LockingClause {
		n.GetLockingClause().LockedRels = []*pg.Node{pg.Table("", alias, "")}
	}
	node := pg.Clone(stmts[0].Node)
	if err := w.typed(node); err != nil {
		return err
	}
	w.out.Stay, err = textOf(node)
	return err
}

// pickable says why the rows that are found may not be those that are locked.
func (w *writer) pickable(sel *pg.SelectStmt) error {
	a := w.a
	switch {
	case w.w.table == nil || w.w.table.Kind != shardmap.Sharded || w.w.rel == nil:
		return errOtherwise
	case a.err != nil:
		return a.err
	case len(w.w.place.rv.GetAlias().GetColnames()) > 0:
		return unlockable("its columns have other names")
	case sel.WithClause != nil || len(sel.GroupClause)+len(sel.DistinctClause)+len(sel.WindowClause) > 0 || sel.HavingClause != nil:
		return unlockable("each shard would lock rows that are not returned")
	case a.shows || a.session || a.asks || a.notifies || a.homeOnly || a.literal || len(a.calls) > 0:
		return unlockable("it does something that cannot be done twice, or means something else on each shard")
	}
	var err error
	for _, n := range sel.LockingClause {
		if n.GetLockingClause().WaitPolicy == pg.LockWaitPolicy_LockWaitSkip {
			err = unlockable("which rows are locked by others is known to their shards only, and each would lock rows that are not returned")
		}
	}
	pg.Walk(sel, func(m proto.Message) bool {
		if _, ok := m.(*pg.SubLink); ok {
			err = unlockable("the subquery would be run twice")
		}
		return err == nil
	})
	pg.Walk(sel.WhereClause, func(m proto.Message) bool {
		if f, ok := m.(*pg.FuncCall); ok && !a.repeats(f) {
			err = unlockable("a function of its condition may give another value when it is called again")
		}
		return err == nil
	})
	return err
}

// repeats reports whether a function gives the same value a moment later, or at least
// one that does no harm: a row that is not found again is an error.
func (a *analysis) repeats(f *pg.FuncCall) bool {
	name := a.builtin(f)
	if name == "" {
		list := names(f.Funcname)
		own, known := a.cat.Function("", list[len(list)-1])
		return known && !own.Volatile
	}
	switch name {
	case "random", "gen_random_uuid", "clock_timestamp", "statement_timestamp", "timeofday", "pg_sleep":
		return false
	default:
		return true
	}
}
