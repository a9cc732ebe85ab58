package plan

import (
	"database/sql/driver"
	"errors"

	"github.com/xapg/xapg/shardmap"
	pg "github.com/xapg/xapg/xadriver/internal/syntax"
)

// Write is how a statement is done that writes on several shards, or reads what
// the shard that it writes on does not have. It is immutable and shared.
type Write struct {
	Strategy string // "split", "scatter at one time", "evaluate and split", "gather and apply"
	Reason   string
	Table    *shardmap.Table
	Moment   int // the parameter that stands for the time of the transaction, 0 for none

	Scatter Text // each shard runs the same statement
	Split   *Split

	// Otherwise rows are found first, as text, and then written where they belong.
	Lock   *Pull // locks the rows that will be changed, before they are looked at
	Source Text  // a SELECT that the driver plans like any other
	Width  int   // columns of Source
	Key    int   // the column of Source that holds the key after the write
	OldKey int   // … and before it, where that may be another; else the same

	Then   Text // a statement over these rows, that the driver plans like any other; otherwise:
	Stay   Text // what is done with a row that stays on its shard: the rows are arrays of text, one a column
	Leave  Text // … with one that moves, where it was
	Arrive Text // … and where it goes
	First  int  // the parameter that takes the first column's array

	Nullable  bool // the key's column takes NULL
	Returning bool
	Counted   bool // every row must be found again: else somebody else changed it
}

// Split is an INSERT of rows that belong to several shards.
type Split struct {
	Head, Tail Text
	Rows       []Text
}

// SplitRows finds the shard of each row.
func (st *Statement) SplitRows(args []driver.NamedValue) ([]int, error) {
	in, ok := st.route.(*inserting)
	if !ok {
		return nil, errors.New("xapg: not an INSERT of rows")
	}
	return in.places(args)
}

// ShardOf is the shard to which a row belongs whose key is given as text.
func (w *Write) ShardOf(key any) (int, error) {
	text, ok := key.(string)
	if b, isBytes := key.([]byte); isBytes {
		text, ok = string(b), true
	}
	if !ok && w.Nullable {
		return 0, nullKey(w.Table)
	}
	if !ok {
		return 0, noKey(w.Table, false)
	}
	k, err := w.Table.Type.Parse(text)
	if err == nil {
		k, err = w.Table.Stored(k)
	}
	if err != nil {
		return 0, keyError(w.Table, err)
	}
	at, err := w.Table.Shard(k)
	if err != nil {
		return 0, keyError(w.Table, err)
	}
	return at, nil
}

// Write makes the program of a statement that writes, or returns the one that was
// made before.
func (st *Statement) Write(d Describer) (*Write, error) {
	c := st.composition
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.write != nil {
		return c.write, nil
	}
	w, err := st.composeWrite(d)
	if errors.Is(err, pg.ErrWriting) || errors.Is(err, errOtherwise) {
		err = &Refusal{Clause: "this write over several shards", Reason: "it is not understood well enough", Remedy: byKey}
	}
	if err == nil {
		c.write = w
	}
	return w, err
}

// writer composes one write, on a copy of the statement's tree.
type writer struct {
	*composer
	sc   *scope
	w    write
	into insertion
	out  *Write
}

func (st *Statement) composeWrite(d Describer) (*Write, error) {
	if w, err := st.split(); w != nil || err != nil {
		return w, err
	}
	node := pg.Clone(st.composition.node)
	desc, err := d.Describe(st.SQL)
	if err != nil {
		return nil, err
	}
	a := &analysis{p: st.planner, cat: st.catalog, path: st.composition.path, sql: st.SQL, node: node, top: &block{}}
	c := &composer{st: st, ask: d, desc: desc, a: a, prog: &Program{}}
	w := &writer{composer: c, sc: &scope{block: a.top}, out: &Write{}}
	a.topScope = w.sc
	moved := func() {
		if a.now {
			c.prog.Moment = len(desc.Params) + 1
			w.out.Moment = c.prog.Moment
			for _, m := range a.mentions {
				if m.view != nil && m.node != nil {
					m.inline()
				}
			}
			a.moment(node, c.prog.Moment)
		}
		w.out.First = len(desc.Params) + 2
	}
	by := func(otherwise func() error) error {
		w.out.Returning = w.out.Returning || st.ReturnsRows
		if _, ok := st.route.(harvesting); ok {
			return w.harvest(a.harvestable(node))
		}
		if a.foreseen != nil {
			return w.foresee(node)
		}
		return otherwise()
	}
	switch n := node.GetNode().(type) {
	case *pg.Node_InsertStmt:
		nameTimes(n.InsertStmt.ReturningClause.GetExprs())
		w.into = a.insert(n.InsertStmt, w.sc)
		defaults(n.InsertStmt.OnConflictClause.GetTargetList(), w.into.rel)
		moved()
		w.out.Table = w.into.table
		err = by(func() error { return w.insert(n.InsertStmt) })
	case *pg.Node_UpdateStmt:
		nameTimes(n.UpdateStmt.ReturningClause.GetExprs())
		w.w = a.update(n.UpdateStmt, w.sc)
		defaults(n.UpdateStmt.TargetList, w.w.rel)
		moved()
		w.out.Table = w.w.table
		err = by(func() error { return w.update(n.UpdateStmt, node) })
	case *pg.Node_DeleteStmt:
		nameTimes(n.DeleteStmt.ReturningClause.GetExprs())
		w.w = a.remove(n.DeleteStmt, w.sc)
		moved()
		w.out.Table = w.w.table
		err = by(func() error { return w.remove(n.DeleteStmt, node) })
	case *pg.Node_SelectStmt:
		nameTimes(n.SelectStmt.TargetList)
		a.query(n.SelectStmt, nil, a.top)
		moved()
		err = by(func() error {
			if a.picks(n.SelectStmt) {
				return w.pick(n.SelectStmt)
			}
			return w.setval(n.SelectStmt)
		})
	default:
		return nil, errOtherwise
	}
	return w.out, err
}

// readable refuses what a SELECT that is made of the statement could not do.
func (w *writer) readable() error {
	switch {
	case w.a.besides:
		return &Refusal{Clause: "a subquery in RETURNING or ON CONFLICT, over several shards", Reason: "the shard of the row does not have what it reads", Remedy: "read it first, and pass it as an argument"}
	case w.a.modifies:
		return &Refusal{Clause: "a WITH query that writes, over several shards", Reason: "its parts would run on different shards", Remedy: byKey}
	case w.a.err != nil:
		return w.a.err
	case w.a.shows:
		return &Refusal{Clause: "a place of rows (ctid, tableoid, a server's id) over several shards", Reason: "it means something else on each shard", Remedy: byKey}
	}
	return nil
}

// asValue is an expression as the text of a value of a column.
func (w *writer) asValue(n *pg.Node, typ string, oid uint32) (*pg.Node, error) {
	if w.a.cat.CastsToText(oid) {
		return nil, &Refusal{Clause: "a value of type " + typ + " that is found before it is written", Reason: "the type has a cast to text of its own, which need not be the text that it is read from", Remedy: byKey}
	}
	cast, err := pg.CastTo(n, typ)
	if err != nil {
		return nil, err
	}
	return asText(cast, oid), nil
}

// source keeps the SELECT that finds the rows.
func (w *writer) source(sel *pg.SelectStmt) error {
	node := pg.Select(sel)
	if err := w.typed(node); err != nil {
		return err
	}
	var err error
	if len(sel.ValuesLists) == 0 {
		w.out.Width = len(sel.TargetList)
	}
	w.out.Source, err = textOf(node)
	return err
}

// ShardOfValue is the shard to which a row belongs whose key is a Go value.
func ShardOfValue(t *shardmap.Table, key any) (int, error) {
	k, err := argument(t, key)
	if err == nil {
		if k.IsNull() {
			return 0, noKey(t, false)
		}
		k, err = t.Stored(k)
	}
	if err != nil {
		return 0, keyError(t, err)
	}
	at, err := t.Shard(k)
	if err != nil {
		return 0, keyError(t, err)
	}
	return at, nil
}

// Table is how the rows of the only table that a statement names are placed.
func (st *Statement) Table() (*shardmap.Table, error) {
	if st.err != nil {
		return nil, st.err
	}
	a := &analysis{p: st.planner, cat: st.catalog, path: st.composition.path, sql: st.SQL, node: st.composition.node, top: &block{}}
	a.query(st.composition.node.GetSelectStmt(), nil, a.top)
	if len(a.mentions) != 1 || a.mentions[0].table == nil || a.mentions[0].view != nil {
		return nil, &Refusal{Clause: "a copy into what is not a table", Reason: "where its rows live is not known", Remedy: "name the table itself"}
	}
	return a.mentions[0].table, nil
}
