package plan

import (
	"database/sql/driver"

	"google.golang.org/protobuf/proto"

	"github.com/xapg/xapg/shardmap"
	"github.com/xapg/xapg/xadriver/internal/catalog"
	pg "github.com/xapg/xapg/xadriver/internal/syntax"
)

// insert routes INSERT.
func (st *Statement) insert(a *analysis, into insertion, in *pg.InsertStmt) {
	st.Writes = true
	t := into.table
	if t == nil {
		st.route = a.p.toHome("")
		return
	}
	if err := a.conflictsByKey(in, into); err != nil {
		a.fail(err)
	}
	for _, c := range omitted(in, into) {
		st.Timed = st.Timed || !c.Generated && tells(c.Default)
	}
	switch t.Kind {
	case shardmap.Reference:
		differs := false
		for _, c := range omitted(in, into) {
			differs = differs || c.Identity || c.Default != "" && !c.Generated && !a.immutable(c.Default)
		}
		st.route = a.sameEverywhere("INSERT into reference table "+t.Name, differs)
	case shardmap.Unsharded:
		if len(a.occurrences) > 0 {
			r := a.reading(result{}, true)
			r.unsharded = true
			st.route = r
			return
		}
		a.onlyHome()
		st.route = a.p.toHome("table " + t.Name + " lives on home")
	default:
		st.tables = append(st.tables, t)
		a.numbered(in, into)
		st.route = a.inserts(in, into)
	}
}

// inserts routes INSERT into a sharded table.
func (a *analysis) inserts(in *pg.InsertStmt, into insertion) route {
	t := into.table
	for _, c := range omitted(in, into) {
		into.evaluate = into.evaluate || into.source != nil && !c.Generated && tells(c.Default)
	}
	if into.source != nil && !into.evaluate {
		res := into.res
		if root, tied := a.together(); !tied || into.source.outermost() != root {
			res.rows = false // its rows may belong elsewhere
		}
		return a.reading(res, true)
	}
	rows := into.rows
	if into.fixed != nil {
		rows = []constant{*into.fixed}
	}
	route := &inserting{table: t, rows: rows, any: a.readsBeside(into), evaluate: into.evaluate || len(rows) == 0}
	route.reads = *a.reading(result{}, true)
	if at := into.rel.Column(t.Key); at >= 0 {
		route.nullable = !into.rel.Columns[at].NotNull
	}
	route.timed = a.now
	route.evaluate = route.evaluate || a.literal
	for _, c := range omitted(in, into) {
		route.timed = route.timed || !c.Generated && tells(c.Default)
	}
	for i := range route.reads.opaque {
		route.reads.opaque[i].pins = append(route.reads.opaque[i].pins, rows)
		for _, n := range a.calls[i].consts {
			if k, ok := constantOf(n, t); ok {
				route.reads.opaque[i].consts = append(route.reads.opaque[i].consts, k)
			}
		}
	}
	return route
}

// numbered refuses a row of a sharded table that leaves a column to a sequence
// which gives the same numbers on each shard.
func (a *analysis) numbered(in *pg.InsertStmt, into insertion) {
	for _, c := range omitted(in, into) {
		if c.Sequence == "" || c.Name == into.table.Key {
			continue
		}
		if s, ok := a.cat.Sequence(c.Sequence); ok && len(a.p.all) > 1 && s.Increment%a.p.Stride != 0 {
			a.refuse("an omitted value for column "+c.Name+" of sharded table "+into.table.Name,
				"its sequence "+c.Sequence+" gives the same numbers on each shard", "let `xapg check` say how to spread it, or give the value", -1)
		}
	}
}

// omitted lists the columns that some inserted row leaves to their defaults.
func omitted(in *pg.InsertStmt, into insertion) (list []catalog.Column) {
	position := make(map[string]int, len(in.Cols))
	for i, n := range in.Cols {
		position[n.GetResTarget().GetName()] = i
	}
	values := in.SelectStmt.GetSelectStmt().GetValuesLists()
	width := len(into.rel.Columns)
	if t := in.SelectStmt.GetSelectStmt().GetTargetList(); len(values) == 0 && len(t) > 0 && !hasStar(t) {
		width = len(t)
	}
	for i, c := range into.rel.Columns {
		at, given := i, in.SelectStmt != nil && (len(values) > 0 || i < width)
		if len(in.Cols) > 0 {
			at, given = position[c.Name], false
			if _, ok := position[c.Name]; ok {
				given = in.SelectStmt != nil
			}
		}
		for _, l := range values {
			items := l.GetList().GetItems()
			given = given && at < len(items) && items[at].GetSetToDefault() == nil
		}
		if !given {
			list = append(list, c)
		}
	}
	return list
}

// immutable reports whether an expression has the same value everywhere and always.
func (a *analysis) immutable(expr string) bool {
	stmts, err := pg.Parse("SELECT " + expr)
	if err != nil || len(stmts) != 1 {
		return false
	}
	same := true
	pg.Walk(stmts[0].Node, func(m proto.Message) bool {
		switch m := m.(type) {
		case *pg.SQLValueFunction, *pg.SubLink:
			same = false
		case *pg.FuncCall:
			list := names(m.Funcname)
			f, known := a.cat.Function("", list[len(list)-1])
			same = same && known && !f.Volatile
		}
		return same
	})
	return same
}

// insertion is what an INSERT says about the keys of its rows.
type insertion struct {
	table  *shardmap.Table
	rel    *catalog.Relation
	rows   []constant // the keys of the rows that VALUES gives
	source *class     // of the SELECT's column that becomes the key
	key    *class     // of the new rows' key
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
	} else if a.notice(into.rel, into.rel.Kind != 'v'); into.rel.Kind == 'v' || into.rel.Kind == 'm' || into.rel.Kind == 'f' {
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
	into.keyed(sc)
	before := len(a.mentions)
	a.conflict(in, into, sc)
	a.returning(in.ReturningClause, a.ofTarget(in, into, sc))
	for _, m := range a.mentions[before:] {
		switch {
		case m.view != nil, m.table != nil && m.table.Kind == shardmap.Reference:
		case m.class == nil || into.key == nil || m.class.outermost() != into.key.outermost():
			a.besides = true
		}
	}
	return into
}

// ofTarget is the scope of RETURNING and ON CONFLICT: the table alone, whose key
// is bound by what is inserted.
func (a *analysis) ofTarget(in *pg.InsertStmt, into insertion, sc *scope) *scope {
	e := &entry{alias: aliasOf(in.Relation), open: into.rel == nil}
	if into.rel != nil {
		for _, c := range into.rel.Columns {
			col := column{name: c.Name}
			if into.key != nil && c.Name == into.table.Key {
				col.class = into.key
			}
			e.columns = append(e.columns, col)
		}
	}
	return &scope{parent: sc, block: sc.block, entries: []*entry{e, {alias: "excluded", columns: e.columns}}, ctes: sc.ctes}
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
			a.momentaryRow(in, into.rel, items)
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
	level := &block{parent: sc.block}
	res := a.query(sel, sc, level)
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
		if c != nil && c.certain(level) && c.table.Colocated(into.table) && into.rel.Columns[max(0, into.rel.Column(into.table.Key))].Typmod == -1 {
			into.source = c
			return
		}
	}
	into.evaluate = true
}

func hasStar(list []*pg.Node) bool { return starred(list, len(list)) }

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
	nullable bool    // its key's column takes NULL
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

// momentaryRow looks for literals that stand for the time among a row's values.
func (a *analysis) momentaryRow(in *pg.InsertStmt, rel *catalog.Relation, items []*pg.Node) {
	if rel == nil {
		return
	}
	for i, item := range items {
		at := i
		if len(in.Cols) > 0 {
			at = -1
			if i < len(in.Cols) {
				at = rel.Column(in.Cols[i].GetResTarget().GetName())
			}
		}
		if at >= 0 && at < len(rel.Columns) {
			a.momentary(item, rel.Columns[at].TypeOID)
		}
	}
}
