package plan

import (
	"database/sql/driver"

	"github.com/xapg/xapg/shardmap"
	pg "github.com/xapg/xapg/xadriver/internal/syntax"
)

// rekey is what an UPDATE sets the key of its rows to, where that is a constant.
type rekey struct {
	table *shardmap.Table
	to    constant
}

// rekeyed notes that an UPDATE sets the key.
func (a *analysis) rekeyed(t *pg.ResTarget, table *shardmap.Table) {
	a.rekeys = true
	if k, ok := constantOf(assignedTo(t), table); ok {
		a.rekey = &rekey{table, k}
	}
}

// stays reports whether the rows belong to shard at with their new key too, so that
// they can be changed there like any others.
func (r *rekey) stays(at int, args []driver.NamedValue) bool {
	if r == nil {
		return false
	}
	to, none, _, err := r.to.stored(r.table, args)
	return err == nil && !none && to == at
}

// keeps reports whether an assignment to the key gives it the value that it has.
func (a *analysis) keeps(t *pg.ResTarget, w write, sc *scope) bool {
	value := assignedTo(t)
	if w.into != nil {
		return w.into.keeps(value, sc)
	}
	if w.place == nil || w.place.class == nil {
		return false
	}
	c := a.keyOf(value, sc)
	return c != nil && w.place.class.reaches(c)
}

// keeps is for DO UPDATE. The key is among the columns that conflict, so that the row
// that is there has the key of the one that is inserted.
func (into *insertion) keeps(value *pg.Node, sc *scope) bool {
	if ref := value.GetColumnRef(); ref != nil {
		list := names(ref.Fields)
		if len(list) < len(ref.Fields) || list[len(list)-1] != into.table.Key {
			return false
		}
		if len(list) == 1 {
			return true // PostgreSQL says that it is ambiguous
		}
		return list[len(list)-2] == "excluded" || list[len(list)-2] == sc.entries[0].alias
	}
	k, ok := constantOf(value, into.table)
	if !ok || k.err != nil || into.evaluate || len(into.rows) == 0 {
		return false
	}
	for _, row := range into.rows {
		if row != k {
			return false
		}
	}
	return true
}

// assignedTo is the value that an item of SET assigns.
func assignedTo(t *pg.ResTarget) *pg.Node {
	if m := t.GetVal().GetMultiAssignRef(); m != nil {
		if row := m.Source.GetRowExpr(); row != nil && m.Colno >= 1 && int(m.Colno) <= len(row.Args) {
			return row.Args[m.Colno-1]
		}
	}
	return t.GetVal()
}
