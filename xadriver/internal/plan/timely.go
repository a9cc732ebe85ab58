package plan

import (
	"google.golang.org/protobuf/proto"

	pg "github.com/xapg/xapg/xadriver/internal/syntax"
)

// Timely is a statement with a parameter for the time at which its transaction began.
// In a transaction of several shards, each server has another time of its own: all but
// the first are told.
type Timely struct {
	Text  Text
	Param int
}

// Timely makes it, once.
func (st *Statement) Timely() (*Timely, error) {
	c := st.composition
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timely != nil {
		return c.timely, nil
	}
	node := pg.Clone(c.node)
	a := &analysis{p: st.planner, cat: st.catalog, path: c.path, sql: st.SQL, node: node, top: &block{}}
	sc := &scope{block: a.top}
	switch n := node.GetNode().(type) {
	case *pg.Node_SelectStmt:
		nameTimes(n.SelectStmt.TargetList)
		a.query(n.SelectStmt, nil, a.top)
	case *pg.Node_InsertStmt:
		nameTimes(n.InsertStmt.ReturningClause.GetExprs())
		into := a.insert(n.InsertStmt, sc)
		defaults(n.InsertStmt.OnConflictClause.GetTargetList(), into.rel)
		a.timed(n.InsertStmt, into)
	case *pg.Node_UpdateStmt:
		nameTimes(n.UpdateStmt.ReturningClause.GetExprs())
		defaults(n.UpdateStmt.TargetList, a.update(n.UpdateStmt, sc).rel)
	case *pg.Node_DeleteStmt:
		nameTimes(n.DeleteStmt.ReturningClause.GetExprs())
		a.remove(n.DeleteStmt, sc)
	case *pg.Node_MergeStmt:
		a.merge(n.MergeStmt, sc)
	}
	for _, m := range a.mentions {
		if m.view != nil && m.node != nil {
			m.inline()
		}
	}
	params := 0
	pg.Walk(node, func(m proto.Message) bool {
		if p, ok := m.(*pg.ParamRef); ok {
			params = max(params, int(p.Number))
		}
		return true
	})
	a.moment(node, params+1)
	text, err := textOf(node)
	if err != nil {
		return nil, err
	}
	c.timely = &Timely{Text: text, Param: params + 1}
	return c.timely, nil
}

// nameTimes gives columns that ask for the time the names that they have without a name.
func nameTimes(list []*pg.Node) {
	for _, n := range list {
		t := n.GetResTarget()
		if t.GetName() != "" {
			continue
		}
		if list := names(t.GetVal().GetFuncCall().GetFuncname()); len(list) > 0 {
			t.Name = list[len(list)-1]
		}
		if v := t.GetVal().GetSqlvalueFunction(); v != nil {
			t.Name = map[pg.SQLValueFunctionOp]string{
				pg.SQLValueFunctionOp_SVFOP_CURRENT_DATE: "current_date", pg.SQLValueFunctionOp_SVFOP_CURRENT_TIME: "current_time",
				pg.SQLValueFunctionOp_SVFOP_CURRENT_TIME_N: "current_time", pg.SQLValueFunctionOp_SVFOP_CURRENT_TIMESTAMP: "current_timestamp",
				pg.SQLValueFunctionOp_SVFOP_CURRENT_TIMESTAMP_N: "current_timestamp", pg.SQLValueFunctionOp_SVFOP_LOCALTIME: "localtime",
				pg.SQLValueFunctionOp_SVFOP_LOCALTIME_N: "localtime", pg.SQLValueFunctionOp_SVFOP_LOCALTIMESTAMP: "localtimestamp",
				pg.SQLValueFunctionOp_SVFOP_LOCALTIMESTAMP_N: "localtimestamp",
			}[v.Op]
		}
	}
}
