package plan

import (
	"github.com/xapg/xapg/shardmap"
	pg "github.com/xapg/xapg/xadriver/internal/syntax"
)

// modifyingCTE analyses a WITH query that writes. Such a statement runs on one
// shard only, to which all of its parts must be bound.
func (a *analysis) modifyingCTE(n *pg.Node, sc *scope) result {
	sc.block = &block{parent: sc.block}
	res := result{hides: true, rows: true}
	returned := func(w write, r *pg.ReturningClause) {
		a.reads(w)
		res.several = w.res.several
		a.output(&pg.SelectStmt{TargetList: r.GetExprs()}, sc, &res, false)
	}
	switch q := n.GetNode().(type) {
	case *pg.Node_UpdateStmt:
		returned(a.update(q.UpdateStmt, sc), q.UpdateStmt.ReturningClause)
	case *pg.Node_DeleteStmt:
		returned(a.remove(q.DeleteStmt, sc), q.DeleteStmt.ReturningClause)
	case *pg.Node_MergeStmt:
		a.reads(a.merge(q.MergeStmt, sc))
		res.open = true
	case *pg.Node_InsertStmt:
		into := a.insert(q.InsertStmt, sc)
		key := into.source
		a.sources = append(a.sources, into.source)
		if err := a.conflictsByKey(q.InsertStmt, into); err != nil {
			a.fail(err)
		}
		if into.table != nil && into.table.Kind == shardmap.Sharded {
			a.numbered(q.InsertStmt, into)
		}
		if into.evaluate && !a.foreseeable(q.InsertStmt, &into) {
			a.refuse("INSERT in a WITH query", "the keys of its rows cannot be told", byKey, -1)
		}
		switch {
		case into.table == nil:
		case into.table.Kind == shardmap.Reference:
			a.refuse("a WITH query that writes reference table "+into.table.Name, "it would have to run on every shard", "write it in a statement of its own", -1)
		case into.table.Kind == shardmap.Sharded:
			rows := into.rows
			if into.fixed != nil {
				rows = []constant{*into.fixed}
			}
			if at := into.rel.Column(into.table.Key); at >= 0 && into.rel.Columns[at].Typmod != -1 {
				rows = nil // what is stored may not be what is written
			}
			for _, k := range rows { // each row by itself, so that all must be on one shard
				c := &class{block: sc.block, table: into.table, sets: []set{{k}}}
				a.occurrences = append(a.occurrences, &occurrence{table: into.table, class: c})
				if key = c; len(rows) > 1 {
					key = nil // which of them a row has cannot be told
				}
			}
			if len(rows) == 0 && into.source == nil {
				a.refuse("INSERT in a WITH query", "the keys of its rows cannot be told", byKey, -1)
			}
		}
		inserted := a.ofTarget(q.InsertStmt, into, sc)
		inserted.entries = inserted.entries[:1]
		if key != nil {
			for i, c := range inserted.entries[0].columns {
				if c.name == into.table.Key {
					inserted.entries[0].columns[i].class = key
				}
			}
		}
		a.output(&pg.SelectStmt{TargetList: q.InsertStmt.ReturningClause.GetExprs()}, inserted, &res, false)
	}
	return res
}

// sourcesTied reports whether every INSERT of a WITH query takes its keys from the
// rows to which everything is tied.
func (a *analysis) sourcesTied() bool {
	root, _ := a.together()
	for _, s := range a.sources {
		if s == nil || s.outermost() != root {
			return false
		}
	}
	return true
}

func (a *analysis) reads(w write) {
	if w.table != nil && w.table.Kind == shardmap.Reference {
		a.refuse("a WITH query that writes reference table "+w.table.Name, "it would have to run on every shard", "write it in a statement of its own", -1)
	}
}
