package plan

import (
	"google.golang.org/protobuf/proto"

	pg "github.com/xapg/xapg/xadriver/internal/syntax"
)

// moment puts a parameter in place of everything that asks for the time at which
// the transaction began, so that all shards use the same.
func (a *analysis) moment(n *pg.Node, param int) {
	now := func() *pg.Node { return pg.Cast(pg.Param(param), "timestamptz") }
	pg.Walk(n, func(m proto.Message) bool {
		node, ok := m.(*pg.Node)
		if !ok {
			return true
		}
		if f := node.GetFuncCall(); f != nil {
			switch a.builtin(f) {
			case "now", "transaction_timestamp":
				node.Node = now().Node
				return false
			}
			return true
		}
		v := node.GetSqlvalueFunction()
		if v == nil {
			return true
		}
		var by *pg.Node
		switch v.Op {
		case pg.SQLValueFunctionOp_SVFOP_CURRENT_DATE:
			by = pg.Cast(now(), "date")
		case pg.SQLValueFunctionOp_SVFOP_CURRENT_TIMESTAMP, pg.SQLValueFunctionOp_SVFOP_CURRENT_TIMESTAMP_N:
			by = pg.Cast(now(), "timestamptz")
		case pg.SQLValueFunctionOp_SVFOP_LOCALTIMESTAMP, pg.SQLValueFunctionOp_SVFOP_LOCALTIMESTAMP_N:
			by = pg.Cast(now(), "timestamp")
		case pg.SQLValueFunctionOp_SVFOP_CURRENT_TIME, pg.SQLValueFunctionOp_SVFOP_CURRENT_TIME_N:
			by = pg.Cast(now(), "timetz")
		case pg.SQLValueFunctionOp_SVFOP_LOCALTIME, pg.SQLValueFunctionOp_SVFOP_LOCALTIME_N:
			by = pg.Cast(now(), "time")
		default: // CURRENT_USER and the like are the same on every shard
			return true
		}
		if v.Typmod >= 0 {
			by.GetTypeCast().TypeName.Typmods = []*pg.Node{pg.Int(int(v.Typmod))}
		}
		node.Node = by.Node
		return false
	})
}
