package plan

import (
	"google.golang.org/protobuf/proto"

	pg "github.com/xapg/xapg/xadriver/internal/syntax"
)

// temporary reports whether DDL concerns temporary objects, which live in the
// session's own connection to home.
func (a *analysis) concernsTemporary(n *pg.Node) bool {
	found := false
	pg.Walk(n, func(m proto.Message) bool {
		if rv, ok := m.(*pg.RangeVar); ok {
			if rv.Relpersistence == "t" || rv.Schemaname == "pg_temp" {
				found = true
			} else if r := a.cat.Resolve(a.path, rv.Schemaname, rv.Relname); r != nil && r.Temporary() {
				found = true
			}
		}
		return !found
	})
	if d := n.GetDropStmt(); d != nil && !found {
		for _, o := range d.Objects {
			list := names(o.GetList().GetItems())
			if len(list) == 0 {
				continue
			}
			schema := ""
			if len(list) > 1 {
				schema = list[len(list)-2]
			}
			if schema == "pg_temp" {
				found = true
			} else if r := a.cat.Resolve(a.path, schema, list[len(list)-1]); r != nil && r.Temporary() {
				found = true
			}
		}
	}
	return found
}

// inTurn plans what PostgreSQL refuses to run in a transaction block: it runs on
// one shard after the other.
func (st *Statement) inTurn(a *analysis, command string) {
	st.Class, st.Writes = InTurn, true
	st.Command = command
	st.route = a.p.everywhere("it cannot run in a transaction, so it runs on one shard after the other")
}
