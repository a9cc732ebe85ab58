package plan

import (
	"github.com/xapg/xapg/shardmap"
	pg "github.com/xapg/xapg/xadriver/internal/syntax"
)

// merge analyses MERGE, which is like an outer join of its source with its target:
// it is done by each shard where both are tied by the key, and its new rows take
// their key from the source.
func (a *analysis) merge(m *pg.MergeStmt, sc *scope) write {
	a.with(m.WithClause, sc)
	matched := &scope{parent: sc.parent, block: &block{parent: sc.block}, ctes: sc.ctes}
	w := a.victim("MERGE", m.Relation, matched)
	source := &scope{parent: sc.parent, block: sc.block, ctes: sc.ctes}
	from := a.item(m.SourceRelation, source, sc.block)
	w.join(from)
	sc.entries = append(append(sc.entries, matched.entries...), source.entries...)
	a.conditions(m.JoinCondition, sc, matched.block)
	a.expression(m.JoinCondition, sc)
	for _, n := range m.MergeWhenClauses {
		c := n.GetMergeWhenClause()
		a.expression(c.Condition, sc)
		for _, v := range c.Values {
			a.expression(v, sc)
		}
		if c.CommandType == pg.CmdType_CMD_INSERT {
			a.mergeInsert(c, &w, from, sc)
			continue
		}
		a.assignments(c.TargetList, w, sc)
	}
	a.returning(m.ReturningClause, sc)
	return w
}

// mergeInsert looks where the new rows of a MERGE belong.
func (a *analysis) mergeInsert(c *pg.MergeWhenClause, w *write, from result, sc *scope) {
	if w.table == nil || w.table.Kind != shardmap.Sharded || w.rel == nil {
		return
	}
	at := w.rel.Column(w.table.Key)
	if len(c.TargetList) > 0 {
		at = -1
		for i, n := range c.TargetList {
			if n.GetResTarget().GetName() == w.table.Key {
				at = i
			}
		}
	}
	elsewhere := func() {
		a.refuse("MERGE whose new rows do not take the key "+w.table.Key+" of table "+w.table.Name+" from its source", "where they belong cannot be told",
			"insert the key of the source's row, tied to the target's by ON", -1)
	}
	if at < 0 || at >= len(c.Values) || w.rel.Columns[w.rel.Column(w.table.Key)].Typmod != -1 {
		elsewhere()
		return
	}
	value := c.Values[at]
	if key := a.keyOf(value, sc); key != nil {
		if !from.rows {
			w.res.not(a, "MERGE from a source that is the same on every shard", "each shard would insert its rows", -1)
		}
		a.sources = append(a.sources, key)
		if root, tied := a.together(); !tied || key.outermost() != root {
			w.res.not(a, "MERGE that is not by the key", "a row without a match may have one elsewhere", -1)
		}
		return
	}
	list := a.constants(value, sc)
	if len(list) == 0 {
		elsewhere()
		return
	}
	for _, n := range list {
		k, ok := constantOf(n, w.table)
		if !ok {
			elsewhere()
			return
		}
		a.occurrences = append(a.occurrences, &occurrence{table: w.table, class: &class{block: sc.block, table: w.table, sets: []set{{k}}}})
	}
	w.res.not(a, "MERGE of rows for several shards", "each shard would insert all of them", -1)
}
