package plan

import (
	"google.golang.org/protobuf/proto"

	pg "github.com/xapg/xapg/xadriver/internal/syntax"
)

// condition is one of the conditions, joined by AND, that must hold for every row
// that a block contributes.
type condition struct {
	node  *pg.Node
	block *block
	scope *scope
}

// filter is a condition as the table itself can judge it: nil where it says more
// than something about the table's own columns, or where the shard's judgement
// might differ from that of the statement.
func (c *composer) filter(cond condition, m *mention) *pg.Node {
	if cond.block != m.block || cond.scope != m.scope {
		return nil
	}
	ok := true
	own := false
	pg.Walk(cond.node, func(n proto.Message) bool {
		switch n := n.(type) {
		case *pg.ColumnRef:
			if m.scope.owner(n) != m.entry {
				ok = false
			}
			own = true
		case *pg.FuncCall:
			info, known := c.a.cat.Function("", names(n.Funcname)[len(n.Funcname)-1])
			if c.a.builtin(n) == "" || !known || info.Volatile || info.Set || n.Over != nil {
				ok = false
			}
		case *pg.SubLink, *pg.SQLValueFunction, *pg.SetToDefault, *pg.CurrentOfExpr, *pg.GroupingFunc:
			ok = false
		}
		return ok
	})
	if !ok || !own {
		return nil
	}
	filter := pg.Clone(cond.node)
	pg.Walk(filter, func(n proto.Message) bool {
		if ref, isRef := n.(*pg.ColumnRef); isRef {
			// The alias may have given the columns other names.
			last := ref.Fields[len(ref.Fields)-1].GetString_().Sval
			for i, col := range m.entry.columns {
				if col.name == last && i < len(m.rel.Columns) {
					ref.Fields = []*pg.Node{pg.Text(m.rel.Columns[i].Name)}
					break
				}
			}
		}
		return true
	})
	return filter
}
