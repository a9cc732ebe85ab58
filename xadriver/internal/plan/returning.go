package plan

import (
	"google.golang.org/protobuf/proto"

	"github.com/xapg/xapg/shardmap"
	pg "github.com/xapg/xapg/xadriver/internal/syntax"
)

// assignment is one column of SET.
type assignment struct {
	column string
	value  *pg.Node
}

// assigned reads SET.
func assigned(list []*pg.Node) ([]assignment, error) {
	var out []assignment
	for _, n := range list {
		t := n.GetResTarget()
		if len(t.Indirection) > 0 {
			return nil, &Refusal{Clause: "SET of a part of a column, over several shards", Reason: "the rest of it is not known where the value is computed", Remedy: "set the whole column"}
		}
		a := assignment{t.Name, t.Val}
		if m := t.Val.GetMultiAssignRef(); m != nil {
			row := m.Source.GetRowExpr()
			if row == nil || int(m.Colno) > len(row.Args) {
				return nil, &Refusal{Clause: "SET (…) = (SELECT …) over several shards", Reason: "it is computed in one place, column by column", Remedy: "set each column by a subquery of its own"}
			}
			a.value = row.Args[m.Colno-1]
		}
		out = append(out, a)
	}
	return out, nil
}

// ownReturning makes sure that RETURNING says nothing of other tables.
func (w *writer) ownReturning(r *pg.ReturningClause, joined bool) error {
	ok := true
	e := w.sc.entries[0]
	pg.Walk(r, func(m proto.Message) bool {
		switch m := m.(type) {
		case *pg.ColumnRef:
			list := names(m.Fields)
			switch {
			case len(list) < len(m.Fields):
				ok = ok && (len(list) > 0 && list[len(list)-1] == e.alias || len(list) == 0 && !joined)
				m.Fields = append([]*pg.Node{pg.Text(e.alias)}, m.Fields[len(m.Fields)-1])
			case w.sc.owner(m) != e:
				ok = false
			}
		case *pg.SubLink:
			ok = false
		}
		return true
	})
	if !ok {
		return &Refusal{Clause: "RETURNING of other tables' columns, over several shards", Reason: "the shard that changes the row does not have them", Remedy: "return the columns of the changed table, and join afterwards"}
	}
	return nil
}

// keyed makes the class of the new rows' key, by which RETURNING and ON CONFLICT may be
// tied to them.
func (into *insertion) keyed(sc *scope) {
	switch {
	case into.table == nil || into.table.Kind != shardmap.Sharded:
		return
	case into.source != nil:
		into.key = into.source
		return
	}
	into.key = &class{block: sc.block, table: into.table}
	switch {
	case into.fixed != nil:
		into.key.sets = []set{{*into.fixed}}
	case !into.evaluate && len(into.rows) > 0 && into.rel.Columns[into.rel.Column(into.table.Key)].Typmod == -1:
		into.key.sets = []set{into.rows}
	}
}

// readsBeside reports whether an INSERT reads rows of sharded tables that may be
// elsewhere than the row that is inserted.
func (a *analysis) readsBeside(into insertion) bool {
	for _, o := range a.occurrences {
		if o.class.outermost() != into.key.outermost() {
			return true
		}
	}
	return false
}
