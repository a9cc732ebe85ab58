package plan

import (
	"database/sql/driver"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/xapg/xapg/shardmap"
	pg "github.com/xapg/xapg/xadriver/internal/syntax"
)

// split composes an INSERT whose rows, as they are written, can be given to the
// shards they belong to; nil where it is more than that.
func (st *Statement) split() (*Write, error) {
	route, ok := st.route.(*inserting)
	in := st.composition.node.GetInsertStmt()
	if !ok || route.evaluate || route.any || route.reads.unsharded || len(route.reads.opaque) > 0 || in.WithClause != nil || len(route.rows) == 0 {
		return nil, nil //nolint:nilnil // not this way
	}
	if len(in.SelectStmt.GetSelectStmt().GetValuesLists()) != len(route.rows) {
		return nil, nil //nolint:nilnil // not this way
	}
	w := &Write{Strategy: "split", Reason: "each row goes to the shard of its key", Table: route.table, Returning: in.ReturningClause != nil}
	sql := st.SQL
	if route.timed {
		var err error
		if sql, err = st.atOneTime(w); err != nil {
			return nil, err
		}
	}
	rows, places, ok := pg.Rows(sql)
	if !ok || len(rows) != len(route.rows) {
		return nil, nil //nolint:nilnil // not this way
	}
	w.Split = &Split{
		Head: cut(sql, places, pg.Span{Start: 0, End: rows[0].Start}),
		Tail: cut(sql, places, pg.Span{Start: rows[len(rows)-1].End, End: len(sql)}),
	}
	for _, r := range rows {
		// The places are in order: each row takes its own off the front.
		for len(places) > 0 && places[0].End <= r.Start {
			places = places[1:]
		}
		n := 0
		for n < len(places) && places[n].End <= r.End {
			n++
		}
		w.Split.Rows = append(w.Split.Rows, cut(sql, places[:n], r))
	}
	return w, nil
}

// atOneTime writes an INSERT with a parameter for the time, also in the defaults
// that depend on it.
func (st *Statement) atOneTime(w *Write) (string, error) {
	node := pg.Clone(st.composition.node)
	in := node.GetInsertStmt()
	a := &analysis{p: st.planner, cat: st.catalog, path: st.composition.path, sql: st.SQL, node: node, top: &block{}}
	nameTimes(in.ReturningClause.GetExprs())
	a.timed(in, a.insert(in, &scope{block: a.top}))
	params := 0
	pg.Walk(node, func(m proto.Message) bool {
		if p, ok := m.(*pg.ParamRef); ok {
			params = max(params, int(p.Number))
		}
		return true
	})
	w.Moment = params + 1
	a.moment(node, w.Moment)
	return pg.Deparse(node)
}

// timed writes out the defaults of omitted columns that depend on the time, which
// must be the same for all rows of a statement.
func (a *analysis) timed(in *pg.InsertStmt, into insertion) {
	sel := in.SelectStmt.GetSelectStmt()
	if into.rel == nil || sel == nil {
		return
	}
	selected := len(sel.ValuesLists) == 0
	if selected && (sel.Op != pg.SetOperation_SETOP_NONE || hasStar(sel.TargetList) || len(sel.DistinctClause) > 0 || len(sel.GroupClause) > 0) {
		return
	}
	if len(in.Cols) == 0 {
		width := len(sel.TargetList)
		if !selected {
			width = len(sel.ValuesLists[0].GetList().GetItems())
		}
		for _, c := range into.rel.Columns[:min(width, len(into.rel.Columns))] {
			in.Cols = append(in.Cols, &pg.Node{Node: &pg.Node_ResTarget{ResTarget: &pg.ResTarget{Name: c.Name}}})
		}
	}
	for _, c := range into.rel.Columns {
		if c.Generated || c.Default == "" || !tells(c.Default) {
			continue
		}
		at := slices.IndexFunc(in.Cols, func(n *pg.Node) bool { return n.GetResTarget().GetName() == c.Name })
		for _, l := range sel.GetValuesLists() {
			items := l.GetList()
			switch {
			case at >= 0 && at < len(items.Items) && items.Items[at].GetSetToDefault() != nil:
				items.Items[at] = defaultOf(c.Default)
			case at < 0:
				items.Items = append(items.Items, defaultOf(c.Default))
			}
		}
		if selected && at < 0 {
			sel.TargetList = append(sel.TargetList, pg.Output(defaultOf(c.Default), ""))
		}
		if at < 0 {
			in.Cols = append(in.Cols, &pg.Node{Node: &pg.Node_ResTarget{ResTarget: &pg.ResTarget{Name: c.Name}}})
		}
	}
}

// defaultOf is a column's default as an expression.
func defaultOf(expr string) *pg.Node {
	stmts, err := pg.Parse("SELECT " + expr)
	if err != nil || len(stmts) != 1 || len(stmts[0].Node.GetSelectStmt().GetTargetList()) != 1 {
		return &pg.Node{Node: &pg.Node_SetToDefault{SetToDefault: &pg.SetToDefault{}}}
	}
	return stmts[0].Node.GetSelectStmt().TargetList[0].GetResTarget().Val
}

// tells reports whether a default depends on the time.
func tells(expr string) bool {
	lower := strings.ToLower(expr)
	if !strings.Contains(lower, "now") && !strings.Contains(lower, "current_") && !strings.Contains(lower, "localtime") && !strings.Contains(lower, "timestamp") {
		return false
	}
	found := false
	n := defaultOf(expr)
	pg.Walk(n, func(m proto.Message) bool {
		switch m := m.(type) {
		case *pg.SQLValueFunction:
			found = true
		case *pg.FuncCall:
			switch list := names(m.Funcname); list[len(list)-1] {
			case "now", "transaction_timestamp":
				found = true
			}
		}
		return !found
	})
	return found
}

// noKey is the error for a row without a key: where its column takes NULL, PostgreSQL
// would have none.
func (in *inserting) noKey(over bool) error {
	if in.nullable && !over {
		return nullKey(in.table)
	}
	return noKey(in.table, over)
}

func nullKey(t *shardmap.Table) error {
	return &Refusal{Clause: "a row of table " + t.Name + " whose key " + t.Key + " is NULL", Reason: "such a row has no shard", Remedy: "give it a key, and declare the column NOT NULL"}
}

// places finds the shard of each row of an INSERT.
func (in *inserting) places(args []driver.NamedValue) ([]int, error) {
	out := make([]int, 0, len(in.rows))
	for _, c := range in.rows {
		at, none, over, err := c.stored(in.table, args)
		switch {
		case err != nil:
			return nil, err
		case none:
			return nil, in.noKey(over)
		}
		out = append(out, at)
	}
	return out, nil
}
