package plan

import (
	"google.golang.org/protobuf/proto"

	"github.com/xapg/xapg/shardmap"
	"github.com/xapg/xapg/xadriver/internal/catalog"
	pg "github.com/xapg/xapg/xadriver/internal/syntax"
)

// statement plans one statement. What stands in its way is kept in it: with a
// hint it may run all the same.
func (p *Planner) statement(s pg.Statement, cat *catalog.Catalog, path []string) (st *Statement, params int, unknown bool) {
	st = &Statement{SQL: s.SQL, Class: Other, planner: p, catalog: cat}
	tables := 0
	pg.Walk(s.Node, func(m proto.Message) bool {
		switch m := m.(type) {
		case *pg.ParamRef:
			params = max(params, int(m.Number))
		case *pg.RangeVar:
			tables++
		}
		return true
	})
	if st.Hint, st.fatal = hintIn(s.SQL); st.fatal != nil {
		return st, params, false
	}
	a := &analysis{p: p, cat: cat, path: path, sql: s.SQL, node: s.Node, top: &block{}}
	defer func() { st.lacking, st.busy = append(st.lacking, a.lacking...), append(st.busy, a.busy...) }()
	sc := &scope{block: a.top}
	st.composition = &composition{path: path, node: s.Node}
	switch n := s.Node.GetNode().(type) {
	case *pg.Node_SelectStmt:
		if n.SelectStmt.IntoClause != nil {
			st.err = st.createAs(a, selectInto(n.SelectStmt))
			return st, params, false
		}
		st.Class, st.ReturnsRows = Select, true
		st.read(a, a.query(n.SelectStmt, nil, a.top))
		st.Picks = a.picks(n.SelectStmt)
	case *pg.Node_InsertStmt:
		st.Class, st.ReturnsRows = Insert, n.InsertStmt.ReturningClause != nil
		into := a.insert(n.InsertStmt, sc)
		st.insert(a, into, n.InsertStmt)
		st.foresee(a, &into)
	case *pg.Node_UpdateStmt:
		st.Class, st.ReturnsRows = Update, n.UpdateStmt.ReturningClause != nil
		st.write(a, a.update(n.UpdateStmt, sc))
	case *pg.Node_DeleteStmt:
		st.Class, st.ReturnsRows = Delete, n.DeleteStmt.ReturningClause != nil
		st.write(a, a.remove(n.DeleteStmt, sc))
	case *pg.Node_MergeStmt:
		st.Class, st.ReturnsRows = Merge, n.MergeStmt.ReturningClause != nil
		st.write(a, a.merge(n.MergeStmt, sc))
	case *pg.Node_ExplainStmt:
		return p.explain(st, n.ExplainStmt, s.SQL, cat, path), params, false
	default:
		st.utility(a, s.Node)
		return st, params, a.unknown != nil
	}
	if a.sets {
		st.setsSequence(a)
	}
	if st.Class != Insert {
		st.foresee(a, nil)
	}
	a.accountFor(tables)
	st.finish(a)
	st.harvests(a)
	return st, params, a.unknown != nil
}

// finish takes over what the analysis found besides the route.
func (st *Statement) finish(a *analysis) {
	st.MayWrite = a.foreign || a.locks || a.session || a.notifies || len(a.calls) > 0
	st.Writes = st.Writes || a.modifies
	st.Keeps = a.holds || st.Class == Lock
	st.Notifies, st.Opaque, st.SessionState = a.notifies, len(a.calls) > 0, a.session
	st.AsksSession = a.asks
	st.Aside = a.notifies && len(a.occurrences) == 0 && !a.unsharded && !a.reference && !a.temporary && !a.now && !a.shows && len(a.calls) == 0 &&
		!a.session && !a.foreign && !a.locks && !a.asks && !a.homeOnly && !a.userFunc && !a.effects
	st.Temporary = a.temporary
	st.Timed = st.Timed || a.now
	for _, o := range a.occurrences {
		st.tables = append(st.tables, o.table)
	}
	switch {
	case a.unknown != nil:
		st.err = unknownTable(a.sql, a.unknown)
	case a.err != nil:
		st.err = a.err
	}
}

// read routes a SELECT.
func (st *Statement) read(a *analysis, res result) {
	if len(a.occurrences) > 0 {
		st.route = a.reading(res, false)
		return
	}
	for _, call := range a.calls {
		if call.body == "" || a.session || a.asks || a.notifies || a.shows || a.locks {
			a.fail(opaqueCall{name: call.name, position: call.position}.refusal())
		}
	}
	switch {
	case len(a.calls) > 0:
		st.route = fixed{Target{Composed, a.p.all}, "what its functions read is gathered"}
	case a.unsharded || !a.reference:
		st.route = a.p.toHome("no sharded table is named: it is answered by home")
	case a.locks || a.notifies:
		st.route = a.p.toHome("rows of reference tables are locked on home, where their writers begin")
	default:
		st.route = fixed{Target{Any, a.p.all}, "reference tables are the same on every shard"}
	}
}

// reading makes the route of a statement that names sharded tables.
func (a *analysis) reading(res result, writes bool) *reading {
	groups, unbound := a.bindings()
	root, tied := a.together()
	r := &reading{groups: groups, unbound: unbound, unsharded: a.unsharded, writes: writes}
	r.opaque = a.opaque(groups, root)
	r.merges = a.merging != nil || a.now
	r.merging = &Refusal{Clause: "the time of the statement, and something that changes the session, over several shards", Reason: "each shard has its own", Remedy: byKey}
	if a.merging != nil {
		r.merging = a.merging
	}
	r.composes = !a.modifies && !a.shows && !a.session && !a.notifies && !a.asks && !a.homeOnly
	r.rekeys, r.rekey = a.rekeys, a.rekey
	if refusal := a.acrossShards(res, tied, writes); refusal != nil {
		r.several = refusal
	}
	return r
}

// acrossShards says why the shards' answers, put together, would not be the
// answer; nil if they would.
func (a *analysis) acrossShards(res result, tied, writes bool) *Refusal {
	refuse := func(clause, reason, remedy string) *Refusal {
		return &Refusal{Clause: clause, Reason: reason, Remedy: remedy}
	}
	switch {
	case a.unsharded:
		return refuse("a join of sharded and unsharded tables over several shards", "the unsharded ones are on home only", byKey)
	case a.modifies && (!tied || !a.sourcesTied()):
		return refuse("a WITH query that writes, over several shards", "its parts would run on different shards", byKey)
	case res.several != nil:
		return res.several
	case !res.rows:
		return refuse("a subquery over a sharded table", "the rows beside it are not spread over the shards", byKey)
	case !tied:
		return refuse("a join or subquery that is not by the key", "rows that belong together may be on different shards", "join by the key of all sharded tables, or bind each to one key")
	case a.shows:
		return refuse("a place of rows (ctid, tableoid, a server's id) over several shards", "it means something else on each shard", byKey)
	case a.homeOnly:
		return refuse("a lock or a setting of the transaction, over several shards", "it is home's", "ask for it in a statement of its own")
	case a.literal:
		return refuse("a literal that stands for the time ('now', 'today' …) over several shards", "each shard would read its own", "use now() or CURRENT_DATE")
	case a.session:
		return refuse("a function that changes the session or a sequence, over several shards", "it would run on each shard", byKey)
	default:
		return nil
	}
}

// write routes UPDATE, DELETE and MERGE.
func (st *Statement) write(a *analysis, w write) {
	st.Writes = true
	if w.table == nil {
		st.route = a.p.toHome("")
		return
	}
	switch {
	case w.table.Kind == shardmap.Reference:
		st.route = a.sameEverywhere(w.clause+" of reference table "+w.table.Name, w.joins)
	case len(a.occurrences) > 0:
		if w.table.Kind == shardmap.Unsharded {
			w.res.rows = false
		}
		r := a.reading(w.res, true)
		r.composes = r.composes && w.clause != "MERGE"
		st.route = r
	default:
		a.onlyHome()
		st.route = a.p.toHome("table " + w.table.Name + " lives on home")
	}
}

// onlyHome refuses calls that might read tables of other shards.
func (a *analysis) onlyHome() {
	if len(a.calls) > 0 {
		a.fail(opaqueCall{name: a.calls[0].name, position: a.calls[0].position}.refusal())
	}
}

// sameEverywhere routes a write of a reference table, which must do the same on
// every shard: what may differ is found once.
func (a *analysis) sameEverywhere(clause string, differs bool) route {
	refuse := func(reason, remedy string) {
		a.fail(&Refusal{Clause: clause, Reason: reason, Remedy: remedy})
	}
	switch {
	case a.modifies:
		refuse("a WITH query of it writes too", "write in two statements, in one transaction")
	case a.shows:
		refuse("it uses a row's place, which differs from shard to shard", "use the row's key")
	case a.session || a.asks || a.homeOnly || len(a.calls) > 0:
		refuse("it uses a function whose value may differ from shard to shard", "compute the value in the application and pass it as an argument")
	case differs || a.chooses || len(a.occurrences) > 0 || a.unsharded || a.now || a.volatile:
		return fixed{Target{Composed, a.p.all}, "reference tables are written on every shard, with values that are found once"}
	}
	return a.p.everywhere("reference tables are written on every shard")
}

// explain goes where its statement goes, if that is one shard.
func (p *Planner) explain(st *Statement, e *pg.ExplainStmt, sql string, cat *catalog.Catalog, path []string) *Statement {
	inner, _, unknown := p.statement(pg.Statement{SQL: sql, Node: e.Query}, cat, path)
	_ = unknown
	hint := st.Hint
	*st = *inner
	st.Hint, st.Class, st.ReturnsRows = hint, Explain, true
	if st.route != nil {
		st.route = explaining{st.route, "EXPLAIN of a statement that runs on several shards"}
	}
	return st
}
