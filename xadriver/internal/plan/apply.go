package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/xapg/xapg/shardmap"
	"github.com/xapg/xapg/xadriver/internal/catalog"
	pg "github.com/xapg/xapg/xadriver/internal/syntax"
)

// update composes an UPDATE that a shard cannot do by itself.
func (w *writer) update(u *pg.UpdateStmt, node *pg.Node) error {
	w.out.Returning = u.ReturningClause != nil
	if done, err := w.local(node); done || err != nil {
		return err
	}
	if err := w.readable(); err != nil {
		return err
	}
	ids, err := w.identity("UPDATE")
	if err != nil {
		return err
	}
	if err := w.ownReturning(u.ReturningClause, len(u.FromClause) > 0); err != nil {
		return err
	}
	set, err := assigned(u.TargetList)
	if err != nil {
		return err
	}
	key := w.w.table.Key
	moves := w.w.table.Kind == shardmap.Sharded && w.a.rekeys
	if moves && (w.w.rel.Referenced || w.w.rel.Triggers) {
		return &Refusal{
			Clause: "a change of the key " + key + " of table " + w.w.table.Name, Reason: "rows of other tables refer to its rows, or it has triggers, and the rows would have to move to other shards",
			Remedy: "insert the new rows, update those that refer to them, and delete the old ones, in one transaction",
		}
	}
	sel := &pg.SelectStmt{WithClause: u.WithClause, WhereClause: u.WhereClause}
	sel.FromClause = append([]*pg.Node{w.target(u.Relation)}, u.FromClause...)
	alias := aliasOf(u.Relation)
	for _, c := range ids {
		sel.TargetList = append(sel.TargetList, pg.Output(asText(pg.Column(alias, c.Name), c.TypeOID), ""))
		if len(u.FromClause) > 0 {
			sel.DistinctClause = append(sel.DistinctClause, pg.Column(alias, c.Name))
		}
	}
	cols := slices.Clone(ids)
	place := make(map[string]int) // of the new values
	for i, c := range w.w.rel.Columns {
		at := slices.IndexFunc(set, func(s assignment) bool { return s.column == c.Name })
		if c.Generated || at < 0 && !moves {
			continue
		}
		value := pg.Column(alias, c.Name)
		if at >= 0 {
			if value = set[at].value; value.GetSetToDefault() != nil {
				if !moves && w.w.table.Kind == shardmap.Sharded && !tells(c.Default) {
					continue // each shard knows the default
				}
				value = w.value(w.w.rel.Columns[i])
			}
		}
		v, err := w.asValue(value, c.Type, c.TypeOID)
		if err != nil {
			return err
		}
		place[c.Name] = len(cols)
		cols = append(cols, c)
		sel.TargetList = append(sel.TargetList, pg.Output(v, ""))
	}
	for i := range sel.TargetList {
		sel.TargetList[i].GetResTarget().Name = partColumn(i)
	}
	w.out.Strategy, w.out.Reason = "gather and apply", "the rows are found and their new values computed first; then each shard changes its own"
	w.out.OldKey = slices.IndexFunc(ids, func(c catalog.Column) bool { return c.Name == key })
	if w.out.Key = w.out.OldKey; moves {
		w.out.Strategy, w.out.Reason = "move rows", "rows whose key changes are deleted where they were and inserted where they belong"
		w.out.Key = place[key]
		w.out.Nullable = !cols[w.out.Key].NotNull
	}
	if err := w.source(sel); err != nil {
		return err
	}
	if err := w.lock(map[bool]string{true: "FOR UPDATE", false: "FOR NO KEY UPDATE"}[moves]); err != nil {
		return err
	}
	w.out.Counted = !w.w.rel.Triggers
	if err := w.stay(u, ids, cols, set, place, alias); err != nil || !moves {
		return err
	}
	return w.move(u, ids, cols, place, alias)
}

// local composes a write that each shard can do for its own rows, but for the time.
func (w *writer) local(node *pg.Node) (bool, error) {
	_, tied := w.a.together()
	if !w.a.now || w.a.rekeys || w.w.table == nil || w.w.table.Kind != shardmap.Sharded || w.a.acrossShards(w.w.res, tied, true) != nil {
		return false, nil
	}
	if err := w.typed(node); err != nil {
		return false, err
	}
	var err error
	w.out.Scatter, err = textOf(node)
	w.out.Strategy, w.out.Reason = "scatter at one time", "each shard changes its own rows; the time is the same for all"
	return true, err
}

// target is the changed table as an item of FROM: under its full name, since a WITH
// query of its name does not stand for it.
func (w *writer) target(rv *pg.RangeVar) *pg.Node {
	n := pg.Table(w.w.rel.Schema, w.w.rel.Name.Name, aliasOf(rv))
	n.GetRangeVar().Inh = rv.Inh
	if rv.Alias != nil {
		n.GetRangeVar().Alias = pg.Clone(rv.Alias)
	}
	return n
}

func aliasOf(rv *pg.RangeVar) string {
	if rv.Alias != nil {
		return rv.Alias.Aliasname
	}
	return rv.Relname
}

// identity lists the columns by which a row is found again: its primary key, and
// the key by which it is placed.
func (w *writer) identity(clause string) ([]catalog.Column, error) {
	r, t := w.w.rel, w.w.table
	if r == nil || t == nil {
		return nil, errOtherwise
	}
	pk := r.PrimaryKey()
	if len(pk) == 0 {
		return nil, &Refusal{
			Clause: clause + " of table " + t.Name + ", which has no primary key, by rows of other shards", Reason: "its rows could not be found again",
			Remedy: "give it a primary key, or bind the statement to one key",
		}
	}
	var ids []catalog.Column
	for _, name := range pk {
		ids = append(ids, r.Columns[r.Column(name)])
	}
	if t.Kind == shardmap.Sharded && !slices.Contains(pk, t.Key) {
		ids = append(ids, r.Columns[r.Column(t.Key)])
	}
	return ids, nil
}

// rowsOf is the alias of the rows that are handed over to change a table.
func rowsOf(table string) string {
	if table == "x" {
		return "xapg_rows"
	}
	return "x"
}

// found is the condition by which a shard finds the rows that are handed over.
func found(alias string, ids []catalog.Column) string {
	list := make([]string, len(ids))
	for i, c := range ids {
		list[i] = fmt.Sprintf("%s.%s = CAST(%s.xapg_%d AS %s)", quoted(alias), quoted(c.Name), rowsOf(alias), i+1, c.Type)
	}
	return strings.Join(list, " AND ")
}

// stay changes rows on the shard that they are on.
func (w *writer) stay(u *pg.UpdateStmt, ids, cols []catalog.Column, set []assignment, place map[string]int, alias string) error {
	items := make([]string, len(set))
	for i, s := range set {
		column := w.w.rel.Column(s.column)
		if column < 0 {
			return errOtherwise // PostgreSQL knows a column that the catalog does not know yet
		}
		c := w.w.rel.Columns[column]
		at, ok := place[s.column]
		if !ok {
			items[i] = quoted(s.column) + " = DEFAULT"
			continue
		}
		items[i] = fmt.Sprintf("%s = CAST(%s.xapg_%d AS %s)", quoted(s.column), rowsOf(alias), at+1, c.Type)
	}
	sql := "UPDATE " + relationName(u.Relation, w.w.rel) + " AS " + quoted(alias) + " SET " + strings.Join(items, ", ") +
		" FROM " + w.arrays(rowsOf(alias), len(cols)) + " WHERE " + found(alias, ids)
	stmts, err := pg.Parse(sql)
	if err != nil {
		return err
	}
	stmts[0].Node.GetUpdateStmt().ReturningClause = pg.Clone(u.ReturningClause)
	if err := w.typed(stmts[0].Node); err != nil {
		return err
	}
	w.out.Stay, err = textOf(stmts[0].Node)
	return err
}

func relationName(rv *pg.RangeVar, r *catalog.Relation) string {
	only := ""
	if !rv.Inh {
		only = "ONLY "
	}
	return only + quoted(r.Schema) + "." + quoted(r.Name.Name)
}

// move deletes rows where they were and inserts them where they belong.
func (w *writer) move(u *pg.UpdateStmt, ids, cols []catalog.Column, place map[string]int, alias string) error {
	stmts, err := pg.Parse("DELETE FROM " + relationName(u.Relation, w.w.rel) + " AS " + quoted(alias) + " USING " + w.arrays(rowsOf(alias), len(cols)) + " WHERE " + found(alias, ids))
	if err != nil {
		return err
	}
	if w.out.Leave, err = textOf(stmts[0].Node); err != nil {
		return err
	}
	var into, items []string
	for _, c := range w.w.rel.Columns {
		if at, ok := place[c.Name]; ok {
			into = append(into, quoted(c.Name))
			items = append(items, fmt.Sprintf("CAST(x.xapg_%d AS %s)", at+1, c.Type))
		}
	}
	stmts, err = pg.Parse("INSERT INTO " + quoted(w.w.rel.Schema) + "." + quoted(w.w.rel.Name.Name) + " AS " + quoted(alias) + " (" + strings.Join(into, ", ") + ") OVERRIDING SYSTEM VALUE SELECT " +
		strings.Join(items, ", ") + " FROM " + w.arrays("x", len(cols)) + " ORDER BY x.xapg_n")
	if err != nil {
		return err
	}
	stmts[0].Node.GetInsertStmt().ReturningClause = pg.Clone(u.ReturningClause)
	if err := w.typed(stmts[0].Node); err != nil {
		return err
	}
	w.out.Arrive, err = textOf(stmts[0].Node)
	return err
}

// remove composes a DELETE that a shard cannot do by itself.
func (w *writer) remove(d *pg.DeleteStmt, node *pg.Node) error {
	w.out.Returning = d.ReturningClause != nil
	if done, err := w.local(node); done || err != nil {
		return err
	}
	if err := w.readable(); err != nil {
		return err
	}
	ids, err := w.identity("DELETE")
	if err != nil {
		return err
	}
	if err := w.ownReturning(d.ReturningClause, len(d.UsingClause) > 0); err != nil {
		return err
	}
	alias := aliasOf(d.Relation)
	sel := &pg.SelectStmt{WithClause: d.WithClause, WhereClause: d.WhereClause}
	sel.FromClause = append([]*pg.Node{w.target(d.Relation)}, d.UsingClause...)
	for i, c := range ids {
		sel.TargetList = append(sel.TargetList, pg.Output(asText(pg.Column(alias, c.Name), c.TypeOID), partColumn(i)))
		if len(d.UsingClause) > 0 {
			sel.DistinctClause = append(sel.DistinctClause, pg.Column(alias, c.Name))
		}
	}
	w.out.Strategy, w.out.Reason = "gather and apply", "the rows are found first; then each shard deletes its own"
	w.out.OldKey = slices.IndexFunc(ids, func(c catalog.Column) bool { return c.Name == w.w.table.Key })
	w.out.Key = w.out.OldKey
	w.out.Counted = !w.w.rel.Triggers
	if err := w.source(sel); err != nil {
		return err
	}
	if err := w.lock("FOR UPDATE"); err != nil {
		return err
	}
	stmts, err := pg.Parse("DELETE FROM " + relationName(d.Relation, w.w.rel) + " AS " + quoted(alias) + " USING " + w.arrays(rowsOf(alias), len(ids)) + " WHERE " + found(alias, ids))
	if err != nil {
		return err
	}
	stmts[0].Node.GetDeleteStmt().ReturningClause = pg.Clone(d.ReturningClause)
	if err := w.typed(stmts[0].Node); err != nil {
		return err
	}
	w.out.Stay, err = textOf(stmts[0].Node)
	return err
}

// lock makes sure that the rows that will be changed stay as they are found. It
// may lock rows besides, where their own columns do not tell.
func (w *writer) lock(strength string) error {
	m := w.w.place
	if m == nil {
		return errOtherwise
	}
	var filter []*pg.Node
	for _, cond := range w.a.conds {
		if n := w.filter(cond, m); n != nil {
			filter = append(filter, n)
		}
	}
	stmts, err := pg.Parse("SELECT count(*) FROM (SELECT 1 FROM " + relationName(m.rv, m.rel) + " " + strength + ") AS x")
	if err != nil {
		return err
	}
	inner := stmts[0].Node.GetSelectStmt().FromClause[0].GetRangeSubselect().Subquery.GetSelectStmt()
	inner.WhereClause = pg.And(filter)
	if err := w.typed(stmts[0].Node); err != nil {
		return err
	}
	text, err := textOf(stmts[0].Node)
	if err != nil {
		return err
	}
	w.out.Lock = &Pull{Query: text, home: m.table.Kind != shardmap.Sharded}
	if m.class != nil {
		if sets := m.class.all(); len(sets) > 0 {
			w.out.Lock.sets = []group{{table: m.table, sets: sets}}
		}
	}
	return nil
}
