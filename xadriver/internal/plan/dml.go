package plan

import (
	"github.com/xapg/xapg/shardmap"
	"github.com/xapg/xapg/xadriver/internal/catalog"
	pg "github.com/xapg/xapg/xadriver/internal/syntax"
)

// write is what UPDATE, DELETE and MERGE have in common: a table whose rows they
// change, and what they read beside it.
type write struct {
	clause string
	table  *shardmap.Table
	rel    *catalog.Relation
	place  *mention
	joins  bool // a row may be joined with several, of which one is taken
	res    result
	into   *insertion // the INSERT whose ON CONFLICT it is
}

// update analyses UPDATE.
func (a *analysis) update(u *pg.UpdateStmt, sc *scope) write {
	a.with(u.WithClause, sc)
	w := a.victim("UPDATE", u.Relation, sc)
	w.join(a.from(u.FromClause, sc))
	w.joins = len(u.FromClause) > 0
	a.conditions(u.WhereClause, sc, sc.block)
	a.expression(u.WhereClause, sc)
	a.assignments(u.TargetList, w, sc)
	a.returning(u.ReturningClause, sc)
	return w
}

// remove analyses DELETE.
func (a *analysis) remove(d *pg.DeleteStmt, sc *scope) write {
	a.with(d.WithClause, sc)
	w := a.victim("DELETE", d.Relation, sc)
	w.join(a.from(d.UsingClause, sc))
	a.conditions(d.WhereClause, sc, sc.block)
	a.expression(d.WhereClause, sc)
	a.returning(d.ReturningClause, sc)
	return w
}

// victim accounts for the table that is changed.
func (a *analysis) victim(clause string, rv *pg.RangeVar, sc *scope) write {
	e, r, t := a.mentioned(rv, nil, sc, sc.block)
	if r != nil && r.Kind == 'v' {
		a.refuse(clause+" of a view", "where its rows live is not looked into", "name the table itself", rv.Location)
	}
	sc.entries = append(sc.entries, e)
	w := write{clause: clause, table: t, rel: r}
	if n := len(a.mentions); n > 0 && a.mentions[n-1].entry == e {
		w.place = a.mentions[n-1]
	}
	if t != nil && t.Kind == shardmap.Sharded {
		w.res.rows, w.res.hides = true, true
	}
	return w
}

func (w *write) join(r result) {
	w.res.hides = w.res.hides || r.hides
	if w.res.several == nil {
		w.res.several = r.several
	}
}

// assignments analyses SET. A row whose key changes would have to move.
func (a *analysis) assignments(list []*pg.Node, w write, sc *scope) {
	for _, n := range list {
		t := n.GetResTarget()
		if w.table != nil && w.table.Kind == shardmap.Sharded && t.GetName() == w.table.Key && !a.keeps(t, w, sc) {
			if w.clause == "UPDATE" && sc.block == a.top {
				a.rekeyed(t, w.table)
				a.expression(n, sc)
				continue
			}
			a.refuse("a change of the key "+w.table.Key+" of table "+w.table.Name, "the row would have to move to another shard",
				"delete the row and insert it with its new key, in one transaction", t.GetLocation())
		}
		if w.rel != nil {
			byDefault := assignedTo(t).GetSetToDefault() != nil
			a.notice(w.rel, byDefault)
			if at := w.rel.Column(t.GetName()); at >= 0 {
				a.momentary(assignedTo(t), w.rel.Columns[at].TypeOID)
				if c := w.rel.Columns[at]; byDefault && !c.Generated {
					a.now = a.now || tells(c.Default)
					a.volatile = a.volatile || c.Identity || c.Default != "" && !a.immutable(c.Default)
				}
			}
		}
		a.expression(n, sc)
	}
}

// defaults writes out DEFAULT in SET where it depends on the time.
func defaults(list []*pg.Node, rel *catalog.Relation) {
	if rel == nil {
		return
	}
	for _, n := range list {
		t := n.GetResTarget()
		t.Val = assignedTo(t)
		if at := rel.Column(t.GetName()); at >= 0 && t.GetVal().GetSetToDefault() != nil && tells(rel.Columns[at].Default) {
			t.Val = defaultOf(rel.Columns[at].Default)
		}
	}
}

func (a *analysis) returning(r *pg.ReturningClause, sc *scope) {
	if r != nil {
		a.expression(r, sc)
	}
}
