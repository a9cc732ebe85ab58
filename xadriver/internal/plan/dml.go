package plan

import (
	"database/sql/driver"

	"github.com/xapg/xapg/shardmap"
	"github.com/xapg/xapg/xadriver/internal/catalog"
	pg "github.com/xapg/xapg/xadriver/internal/syntax"
)

// write is what UPDATE, DELETE and MERGE have in common: a table whose rows they
// change, and what they read beside it.
type write struct {
	clause string
	table  *shardmap.Table
	rel    *catalog.Relation
	res    result
}

// update analyses UPDATE.
func (a *analysis) update(u *pg.UpdateStmt, sc *scope) write {
	a.with(u.WithClause, sc)
	w := a.victim("UPDATE", u.Relation, sc)
	w.join(a.from(u.FromClause, sc))
	a.conditions(u.WhereClause, sc, sc.block)
	a.expression(u.WhereClause, sc)
	a.assignments(u.TargetList, w, sc)
	a.returning(u.ReturningClause, sc)
	return w
}

// remove analyses DELETE.
func (a *analysis) remove(d *pg.DeleteStmt, sc *scope) write {
	a.with(d.WithClause, sc)
	w := a.victim("DELETE", d.Relation, sc)
	w.join(a.from(d.UsingClause, sc))
	a.conditions(d.WhereClause, sc, sc.block)
	a.expression(d.WhereClause, sc)
	a.returning(d.ReturningClause, sc)
	return w
}

// merge analyses MERGE, which is like an outer join of its source with its target:
// it is done by each shard where both are tied by the key, and its new rows take
// their key from the source.
func (a *analysis) merge(m *pg.MergeStmt, sc *scope) write {
	a.with(m.WithClause, sc)
	matched := &scope{parent: sc.parent, block: &block{parent: sc.block}, ctes: sc.ctes}
	w := a.victim("MERGE", m.Relation, matched)
	source := &scope{parent: sc.parent, block: sc.block, ctes: sc.ctes}
	from := a.item(m.SourceRelation, source, sc.block)
	w.join(from)
	sc.entries = append(append(sc.entries, matched.entries...), source.entries...)
	a.conditions(m.JoinCondition, sc, matched.block)
	a.expression(m.JoinCondition, sc)
	for _, n := range m.MergeWhenClauses {
		c := n.GetMergeWhenClause()
		a.expression(c.Condition, sc)
		for _, v := range c.Values {
			a.expression(v, sc)
		}
		if c.CommandType == pg.CmdType_CMD_INSERT {
			a.mergeInsert(c, &w, from, sc)
			continue
		}
		a.assignments(c.TargetList, w, sc)
	}
	a.returning(m.ReturningClause, sc)
	return w
}

// mergeInsert looks where the new rows of a MERGE belong.
func (a *analysis) mergeInsert(c *pg.MergeWhenClause, w *write, from result, sc *scope) {
	if w.table == nil || w.table.Kind != shardmap.Sharded || w.rel == nil {
		return
	}
	at := w.rel.Column(w.table.Key)
	if len(c.TargetList) > 0 {
		at = -1
		for i, n := range c.TargetList {
			if n.GetResTarget().GetName() == w.table.Key {
				at = i
			}
		}
	}
	elsewhere := func() {
		a.refuse("MERGE whose new rows do not take the key "+w.table.Key+" of table "+w.table.Name+" from its source", "where they belong cannot be told",
			"insert the key of the source's row, tied to the target's by ON", -1)
	}
	if at < 0 || at >= len(c.Values) || w.rel.Columns[w.rel.Column(w.table.Key)].Typmod != -1 {
		elsewhere()
		return
	}
	value := c.Values[at]
	if key := a.keyOf(value, sc); key != nil {
		if !from.rows {
			w.res.not(a, "MERGE from a source that is the same on every shard", "each shard would insert its rows", -1)
		}
		a.sources = append(a.sources, key)
		if root, tied := a.together(); !tied || key.outermost() != root {
			w.res.not(a, "MERGE that is not by the key", "a row without a match may have one elsewhere", -1)
		}
		return
	}
	list := a.constants(value, sc)
	if len(list) == 0 {
		elsewhere()
		return
	}
	for _, n := range list {
		k, ok := constantOf(n, w.table)
		if !ok {
			elsewhere()
			return
		}
		a.occurrences = append(a.occurrences, &occurrence{table: w.table, class: &class{block: sc.block, table: w.table, sets: []set{{k}}}})
	}
	w.res.not(a, "MERGE of rows for several shards", "each shard would insert all of them", -1)
}

// victim accounts for the table that is changed.
func (a *analysis) victim(clause string, rv *pg.RangeVar, sc *scope) write {
	e, r, t := a.mentioned(rv, nil, sc, sc.block)
	if r != nil && r.Kind == 'v' {
		a.refuse(clause+" of a view", "where its rows live is not looked into", "name the table itself", rv.Location)
	}
	sc.entries = append(sc.entries, e)
	w := write{clause: clause, table: t, rel: r}
	if t != nil && t.Kind == shardmap.Sharded {
		w.res.rows, w.res.hides = true, true
	}
	return w
}

func (w *write) join(r result) {
	w.res.hides = w.res.hides || r.hides
	if w.res.several == nil {
		w.res.several = r.several
	}
}

// assignments analyses SET. A row whose key changes would have to move.
func (a *analysis) assignments(list []*pg.Node, w write, sc *scope) {
	for _, n := range list {
		t := n.GetResTarget()
		if w.table != nil && w.table.Kind == shardmap.Sharded && t.GetName() == w.table.Key {
			if w.clause == "UPDATE" && sc.block == a.top {
				a.rekeys = true
				a.expression(n, sc)
				continue
			}
			a.refuse("a change of the key "+w.table.Key+" of table "+w.table.Name, "the row would have to move to another shard",
				"delete the row and insert it with its new key, in one transaction", t.GetLocation())
		}
		a.expression(n, sc)
	}
}

func (a *analysis) returning(r *pg.ReturningClause, sc *scope) {
	if r != nil {
		a.expression(r, sc)
	}
}

// insertion is what an INSERT says about the keys of its rows.
type insertion struct {
	table  *shardmap.Table
	rel    *catalog.Relation
	rows   []constant // the keys of the rows that VALUES gives
	source *class     // of the SELECT's column that becomes the key
	fixed  *constant  // the SELECT's constant that becomes the key
	res    result     // the SELECT
	// evaluate says that the rows, or their keys, are known only when they are found.
	evaluate bool
}

// insert analyses INSERT.
func (a *analysis) insert(in *pg.InsertStmt, sc *scope) insertion {
	a.with(in.WithClause, sc)
	a.tables++
	into := insertion{rel: a.cat.Resolve(a.path, in.Relation.Schemaname, in.Relation.Relname)}
	if into.rel == nil {
		if a.unknown == nil {
			a.unknown = in.Relation
		}
	} else if into.rel.Kind == 'v' || into.rel.Kind == 'm' || into.rel.Kind == 'f' {
		a.refuse("INSERT into "+into.rel.Name.Name+", which is not a table", "where its rows live is not looked into", "name the table itself", in.Relation.Location)
	} else if t, err := a.p.placement(into.rel); err != nil {
		a.fail(err)
	} else {
		into.table = t
		a.temporary = a.temporary || into.rel.Temporary()
		a.reference = a.reference || t.Kind == shardmap.Reference
		a.unsharded = a.unsharded || t.Kind == shardmap.Unsharded
	}
	a.rowsOf(in, &into, sc)
	a.conflict(in, into, sc)
	a.returning(in.ReturningClause, a.ofTarget(in, into, sc))
	return into
}

// ofTarget is the scope of RETURNING and ON CONFLICT: the table alone, whose key
// is bound by what is inserted.
func (a *analysis) ofTarget(in *pg.InsertStmt, into insertion, sc *scope) *scope {
	e := &entry{alias: in.Relation.Relname, open: into.rel == nil}
	if in.Relation.Alias != nil {
		e.alias = in.Relation.Alias.Aliasname
	}
	if into.rel != nil {
		for _, c := range into.rel.Columns {
			e.columns = append(e.columns, column{name: c.Name})
		}
	}
	return &scope{parent: sc, block: sc.block, entries: []*entry{e, {alias: "excluded", columns: e.columns}}, ctes: sc.ctes}
}

func (a *analysis) conflict(in *pg.InsertStmt, into insertion, sc *scope) {
	c := in.OnConflictClause
	if c == nil {
		return
	}
	at := a.ofTarget(in, into, sc)
	a.assignments(c.TargetList, write{table: into.table}, at)
	a.expression(c.WhereClause, at)
	if c.Infer != nil {
		a.expression(c.Infer, at)
	}
}

// keyPosition is where in a row the key stands; -1 when the row does not give it.
func (a *analysis) keyPosition(in *pg.InsertStmt, into insertion) int {
	if len(in.Cols) == 0 {
		at := 0
		for _, c := range into.rel.Columns {
			if c.Name == into.table.Key {
				return at
			}
			at++
		}
		return -1
	}
	for i, n := range in.Cols {
		if n.GetResTarget().GetName() == into.table.Key {
			return i
		}
	}
	return -1
}

// rowsOf finds the keys of the rows to be inserted.
func (a *analysis) rowsOf(in *pg.InsertStmt, into *insertion, sc *scope) {
	sharded := into.table != nil && into.table.Kind == shardmap.Sharded
	at := -1
	if sharded {
		at = a.keyPosition(in, *into)
	}
	sel := in.SelectStmt.GetSelectStmt()
	if sel == nil { // DEFAULT VALUES
		into.evaluate = sharded
		return
	}
	if len(sel.ValuesLists) > 0 && len(sel.SortClause) == 0 && sel.LimitCount == nil && sel.LimitOffset == nil && sel.WithClause == nil {
		for _, l := range sel.ValuesLists {
			a.expression(l, sc)
			items := l.GetList().GetItems()
			if !sharded {
				continue
			}
			if at < 0 || at >= len(items) || items[at].GetSetToDefault() != nil {
				into.evaluate = true
				continue
			}
			k, ok := constantOf(items[at], into.table)
			if !ok {
				into.evaluate = true
				continue
			}
			into.rows = append(into.rows, k)
		}
		return
	}
	res := a.query(sel, sc, &block{parent: sc.block})
	into.res = res
	if !sharded {
		return
	}
	if at < 0 {
		into.evaluate = true
		return
	}
	if len(sel.TargetList) > at && sel.Op == pg.SetOperation_SETOP_NONE && !hasStar(sel.TargetList[:at+1]) {
		if k, ok := constantOf(sel.TargetList[at].GetResTarget().GetVal(), into.table); ok {
			into.fixed = &k
			return
		}
	}
	if !res.open && at < len(res.columns) {
		c := res.columns[at].class
		if c != nil && c.table.Colocated(into.table) && into.rel.Columns[max(0, into.rel.Column(into.table.Key))].Typmod == -1 {
			into.source = c
			return
		}
	}
	into.evaluate = true
}

func hasStar(list []*pg.Node) bool {
	for _, n := range list {
		if ref := n.GetResTarget().GetVal().GetColumnRef(); ref != nil && len(names(ref.Fields)) < len(ref.Fields) {
			return true
		}
	}
	return false
}

func noKey(t *shardmap.Table, over bool) error {
	if over {
		return &KeyError{Table: t.Name, Column: t.Key, State: "22003", Problem: "is out of range for its type"}
	}
	return &KeyError{Table: t.Name, Column: t.Key, State: "23502", Problem: "is NULL: such a row has no shard"}
}

// inserting is the route of an INSERT into a sharded table.
type inserting struct {
	table    *shardmap.Table
	rows     []constant
	reads    reading // what it reads beside
	any      bool    // reads anything sharded
	evaluate bool    // the keys are known only when the rows are found
	timed    bool    // values, or defaults, depend on the time
}

func (in *inserting) target(p *Planner, args []driver.NamedValue) (Target, error) {
	composed := Target{Composed, p.all}
	if in.evaluate {
		return composed, nil
	}
	places, err := in.places(args)
	if err != nil {
		return Target{}, err
	}
	at := places[0]
	for _, other := range places {
		if other != at {
			return composed, nil
		}
	}
	if !in.any && in.reads.unsharded && at != p.home {
		return composed, nil
	}
	if !in.any {
		return in.reads.single(p, at, args)
	}
	t, err := in.reads.target(p, args)
	if err == nil && (t.Mode != One || t.Shards[0] != at) {
		return composed, nil
	}
	return t, err
}

func (in *inserting) why() string {
	return "the key of the new row in table " + in.table.Name + " says so"
}
