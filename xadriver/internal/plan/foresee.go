package plan

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/xapg/xapg/shardmap"
	"github.com/xapg/xapg/xadriver/internal/catalog"
	pg "github.com/xapg/xapg/xadriver/internal/syntax"
)

// foreseen is the row that a WITH query inserts whose key is computed, such as a
// number of a sequence. Where everything in the statement concerns this row, the key is
// computed first; then the statement runs as it is on the shard of the key.
type foreseen struct {
	in  *pg.InsertStmt
	rel *catalog.Relation
	to  *shardmap.Table
}

// computed stands for the key that is computed, among the parameters.
const computed = 1 << 20

// foreseeable lets the key of an INSERT's only row be computed first.
func (a *analysis) foreseeable(in *pg.InsertStmt, into *insertion) bool {
	rows := in.SelectStmt.GetSelectStmt().GetValuesLists()
	if a.foreseen != nil || into.table == nil || into.table.Kind != shardmap.Sharded || len(rows) != 1 || len(into.rows) > 0 {
		return false
	}
	at, column := a.keyPosition(in, *into), into.rel.Column(into.table.Key)
	items := rows[0].GetList().GetItems()
	switch {
	case column < 0 || into.rel.Columns[column].Generated:
		return false
	case at < 0 || at >= len(items) || items[at].GetSetToDefault() != nil:
		if c := into.rel.Columns[column]; c.Default == "" && c.Sequence == "" {
			return false // it is NULL
		}
	default:
		plain := true
		pg.Walk(items[at], func(m proto.Message) bool {
			switch m.(type) {
			case *pg.SubLink, *pg.ColumnRef:
				plain = false
			}
			return plain
		})
		if !plain {
			return false
		}
	}
	a.foreseen = &foreseen{in, into.rel, into.table}
	into.evaluate, into.rows = false, []constant{{param: computed}}
	return true
}

// foresee routes a statement with such a row; into is the INSERT that it is, if it is one.
func (st *Statement) foresee(a *analysis, into *insertion) {
	if a.foreseen == nil || a.err != nil {
		return
	}
	bound := func(c *class) bool {
		return c != nil && slices.ContainsFunc(c.all(), func(s set) bool { return len(s) == 1 && s[0].param == computed })
	}
	ok := !a.unsharded && len(a.calls) == 0 && !a.rekeys
	for _, o := range a.occurrences {
		ok = ok && bound(o.class)
	}
	if into != nil {
		ok = ok && into.table != nil && into.table.Kind == shardmap.Sharded && !into.evaluate && bound(into.source)
	}
	if !ok {
		a.fail(&Refusal{Clause: "INSERT in a WITH query", Reason: "the key of its row is computed, and the rest of the statement concerns other rows too", Remedy: "insert the row first, and pass its key as an argument"})
		return
	}
	st.Writes = true
	st.route = fixed{Target{Composed, a.p.all}, "the key of the new row is computed first"}
}

// foresee composes it.
func (w *writer) foresee(node *pg.Node) error {
	f := w.a.foreseen
	column := f.rel.Columns[f.rel.Column(f.to.Key)]
	row := f.in.SelectStmt.GetSelectStmt().ValuesLists[0].GetList()
	if len(f.in.Cols) == 0 {
		for _, c := range f.rel.Columns[:min(len(row.Items), len(f.rel.Columns))] {
			f.in.Cols = append(f.in.Cols, &pg.Node{Node: &pg.Node_ResTarget{ResTarget: &pg.ResTarget{Name: c.Name}}})
		}
	}
	at := slices.IndexFunc(f.in.Cols, func(n *pg.Node) bool { return n.GetResTarget().GetName() == f.to.Key })
	if at < 0 {
		at = len(f.in.Cols)
		f.in.Cols = append(f.in.Cols, &pg.Node{Node: &pg.Node_ResTarget{ResTarget: &pg.ResTarget{Name: f.to.Key}}})
		row.Items = append(row.Items, nil)
	}
	if at >= len(row.Items) {
		return errOtherwise
	}
	value := row.Items[at]
	if value == nil || value.GetSetToDefault() != nil {
		value = w.value(column)
		if column.IdentityAlways {
			f.in.Override = pg.OverridingKind_OVERRIDING_SYSTEM_VALUE
		}
	}
	value, err := w.asValue(value, column.Type, column.TypeOID)
	if err != nil {
		return err
	}
	stmts, err := pg.Parse(fmt.Sprintf("SELECT CAST((CAST($%d AS pg_catalog.text[]))[1] AS %s)", w.out.First, column.Type))
	if err != nil {
		return err
	}
	row.Items[at] = stmts[0].Node.GetSelectStmt().TargetList[0].GetResTarget().Val
	w.out.Table = f.to
	w.out.Strategy, w.out.Reason = "evaluate and send", "the key of the new row is computed first; then the statement runs on the shard of the key"
	w.out.Nullable = !column.NotNull
	if err := w.source(&pg.SelectStmt{TargetList: []*pg.Node{pg.Output(value, partColumn(0))}}); err != nil {
		return err
	}
	if err := w.typed(node); err != nil {
		return err
	}
	w.out.Arrive, err = textOf(node)
	return err
}
