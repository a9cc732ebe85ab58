package plan

import (
	"google.golang.org/protobuf/proto"

	pg "github.com/xapg/xapg/xadriver/internal/syntax"
)

// sameExpr reports whether two expressions of the top level are the same to
// PostgreSQL, which does not care whether a column is written with its table's name.
func (c *composer) sameExpr(a, b *pg.Node) bool {
	if a.GetColumnRef() != nil && b.GetColumnRef() == nil || a.GetColumnRef() == nil && b.GetColumnRef() != nil {
		return false
	}
	return pg.Same(a, b) || pg.Same(c.qualified(a), c.qualified(b))
}

// qualified writes every column of the top level with its table's name. Subqueries
// stay as they are: what they name may be their own.
func (c *composer) qualified(n *pg.Node) *pg.Node {
	out := pg.Clone(n)
	pg.Walk(out, func(m proto.Message) bool {
		switch m := m.(type) {
		case *pg.SubLink:
			return false
		case *pg.ColumnRef:
			if e := c.a.topScope.owner(m); e != nil && e.alias != "" {
				m.Fields = pg.Column(e.alias, m.Fields[len(m.Fields)-1].GetString_().GetSval()).GetColumnRef().Fields
			}
		}
		return true
	})
	return out
}
