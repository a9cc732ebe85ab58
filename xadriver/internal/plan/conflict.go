package plan

import (
	"google.golang.org/protobuf/proto"

	"github.com/xapg/xapg/shardmap"
	pg "github.com/xapg/xapg/xadriver/internal/syntax"
)

// conflict analyses ON CONFLICT.
func (a *analysis) conflict(in *pg.InsertStmt, into insertion, sc *scope) {
	c := in.OnConflictClause
	if c == nil {
		return
	}
	at := a.ofTarget(in, into, sc)
	a.assignments(c.TargetList, write{table: into.table, rel: into.rel, into: &into}, at)
	if into.table != nil && into.table.Kind == shardmap.Reference {
		a.steady(c, into)
	}
	a.expression(c.WhereClause, at)
	if c.Infer != nil {
		a.expression(c.Infer, at)
	}
}

// steady refuses DO UPDATE of a reference table by values that each shard would compute
// anew: the rows that conflict are met where they are written.
func (a *analysis) steady(c *pg.OnConflictClause, into insertion) {
	for _, n := range c.TargetList {
		t := n.GetResTarget()
		value := assignedTo(t)
		if at := into.rel.Column(t.GetName()); value.GetSetToDefault() != nil && at >= 0 {
			col := into.rel.Columns[at]
			if value = defaultOf(col.Default); col.Identity {
				value = pg.Call("nextval")
			}
		}
		pg.Walk(value, func(m proto.Message) bool {
			f, ok := m.(*pg.FuncCall)
			if !ok {
				return true
			}
			list := names(f.Funcname)
			switch info, known := a.cat.Function("", list[len(list)-1]); {
			case known && !info.Volatile, a.builtin(f) == "now", a.builtin(f) == "transaction_timestamp":
			default:
				a.refuse("ON CONFLICT DO UPDATE of reference table "+into.table.Name+" by "+list[len(list)-1]+"()", "each shard would compute a value of its own",
					"compute the value in the application and pass it as an argument", -1)
			}
			return true
		})
	}
}
