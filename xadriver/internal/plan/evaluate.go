package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/xapg/xapg/shardmap"
	"github.com/xapg/xapg/xadriver/internal/catalog"
	pg "github.com/xapg/xapg/xadriver/internal/syntax"
)

// insert composes an INSERT whose rows are found first: their values are computed
// once, as one PostgreSQL would, and each row is then written where it belongs.
func (w *writer) insert(in *pg.InsertStmt) error {
	if err := w.readable(); err != nil {
		return err
	}
	if err := w.judgeable(in); err != nil {
		return err
	}
	cols, sel, err := w.values(in)
	if err != nil {
		return err
	}
	w.out.Strategy, w.out.Reason = "evaluate and split", "the values of the rows are found first; each row then goes to the shard of its key"
	switch w.into.table.Kind {
	case shardmap.Reference:
		w.out.Strategy, w.out.Reason = "evaluate and copy", "the values of the rows are found once, and the rows are written on every shard"
	case shardmap.Unsharded:
		w.out.Strategy, w.out.Reason = "gather and insert", "the rows are found on the shards, and written on home"
	}
	w.out.Key = slices.IndexFunc(cols, func(c catalog.Column) bool { return c.Name == w.into.table.Key })
	w.out.OldKey = w.out.Key
	w.out.Nullable = w.out.Key >= 0 && !cols[w.out.Key].NotNull
	w.out.Returning = in.ReturningClause != nil
	if err := w.source(sel); err != nil {
		return err
	}
	return w.arrive(in, cols)
}

// judgeable refuses ON CONFLICT where a shard by itself cannot tell a conflict.
func (w *writer) judgeable(in *pg.InsertStmt) error {
	return w.a.conflictsByKey(in, w.into)
}

// conflictsByKey refuses ON CONFLICT on what is unique on each shard only.
func (a *analysis) conflictsByKey(in *pg.InsertStmt, into insertion) error {
	c := in.OnConflictClause
	if c == nil || into.table == nil || into.table.Kind != shardmap.Sharded || into.rel == nil {
		return nil
	}
	refuse := func(what string) error {
		return &Refusal{
			Clause: "ON CONFLICT over " + what + " of sharded table " + into.table.Name, Reason: "a row that conflicts may be on another shard, and is not looked for there",
			Remedy: "name a constraint that contains the key " + into.table.Key,
		}
	}
	switch {
	case c.Infer == nil:
		for _, u := range into.rel.Unique {
			if !slices.Contains(u.Columns, into.table.Key) {
				return refuse("the unique index " + u.Index)
			}
		}
	case c.Infer.Conname != "":
		for _, u := range into.rel.Unique {
			if u.Constraint == c.Infer.Conname && !slices.Contains(u.Columns, into.table.Key) {
				return refuse("the constraint " + u.Constraint)
			}
		}
	default:
		for _, e := range c.Infer.IndexElems {
			if e.GetIndexElem().GetName() == into.table.Key {
				return nil
			}
		}
		return refuse("columns without the key")
	}
	return nil
}

// values makes the SELECT that finds the rows, and the columns that it fills: those
// that the statement names, and those whose defaults must be found here.
func (w *writer) values(in *pg.InsertStmt) ([]catalog.Column, *pg.SelectStmt, error) {
	rel := w.into.rel
	sel := in.SelectStmt.GetSelectStmt()
	rows := sel.GetValuesLists()
	simple := sel == nil || len(rows) > 0 && len(sel.SortClause) == 0 && sel.LimitCount == nil && sel.LimitOffset == nil && sel.WithClause == nil
	width := 0
	switch {
	case sel == nil:
		rows = []*pg.Node{{Node: &pg.Node_List{List: &pg.List{}}}}
	case simple:
		width = len(rows[0].GetList().GetItems())
	default:
		d, err := w.describeSelect(in, sel)
		if err != nil {
			return nil, nil, err
		}
		width = len(d)
	}
	named := make([]string, 0, width)
	for _, n := range in.Cols {
		if len(n.GetResTarget().Indirection) > 0 {
			return nil, nil, errOtherwise
		}
		named = append(named, n.GetResTarget().Name)
	}
	if len(in.Cols) == 0 {
		for _, c := range rel.Columns[:min(width, len(rel.Columns))] {
			named = append(named, c.Name)
		}
	}
	var cols []catalog.Column
	var given []int // the place of each column in the statement's rows, -1 for a default
	for i, name := range named {
		at := rel.Column(name)
		if at < 0 || i >= width {
			return nil, nil, errOtherwise
		}
		c := rel.Columns[at]
		if c.Generated || simple && allDefault(rows, i) && !w.needed(c) {
			continue
		}
		cols, given = append(cols, c), append(given, i)
	}
	for _, c := range rel.Columns {
		if slices.Contains(named, c.Name) || c.Generated || !w.needed(c) {
			continue
		}
		cols, given = append(cols, c), append(given, -1)
		if c.IdentityAlways {
			in.Override = pg.OverridingKind_OVERRIDING_SYSTEM_VALUE
		}
	}
	if simple {
		out, err := w.valuesOf(rows, cols, given)
		return cols, out, err
	}
	out, err := w.selectOf(in, sel, cols, given)
	return cols, out, err
}

// needed reports whether a default must be found before the row is sent.
func (w *writer) needed(c catalog.Column) bool {
	t := w.into.table
	switch {
	case t.Kind == shardmap.Sharded && c.Name == t.Key:
		return true
	case t.Kind == shardmap.Reference:
		return c.Identity || c.Default != "" && !w.a.immutable(c.Default)
	default:
		return c.Default != "" && tells(c.Default)
	}
}

func allDefault(rows []*pg.Node, i int) bool {
	for _, l := range rows {
		items := l.GetList().GetItems()
		if i < len(items) && items[i].GetSetToDefault() == nil {
			return false
		}
	}
	return true
}

// value is a column's default, as an expression.
func (w *writer) value(c catalog.Column) *pg.Node {
	n := pg.Null()
	switch {
	case c.Identity && c.Sequence != "":
		n = pg.Call("nextval", pg.Literal(c.Sequence))
	case c.Default != "":
		n = defaultOf(c.Default)
	}
	holder := pg.Output(n, "")
	if w.out.Moment == 0 && tells(c.Default) {
		w.prog.Moment = len(w.desc.Params) + 1
		w.out.Moment = w.prog.Moment
	}
	if w.out.Moment != 0 {
		w.a.moment(holder, w.out.Moment)
	}
	return holder.GetResTarget().Val
}

func (w *writer) valuesOf(rows []*pg.Node, cols []catalog.Column, given []int) (*pg.SelectStmt, error) {
	out := &pg.SelectStmt{}
	defaults := make([]*pg.Node, len(cols))
	for _, l := range rows {
		items := l.GetList().GetItems()
		row := &pg.List{}
		for i, c := range cols {
			var n *pg.Node
			if given[i] >= 0 && given[i] < len(items) && items[given[i]].GetSetToDefault() == nil {
				n = items[given[i]]
			} else {
				if defaults[i] == nil {
					defaults[i] = w.value(c)
				}
				n = pg.Clone(defaults[i])
			}
			v, err := w.asValue(n, c.Type, c.TypeOID)
			if err != nil {
				return nil, err
			}
			row.Items = append(row.Items, v)
		}
		out.ValuesLists = append(out.ValuesLists, &pg.Node{Node: &pg.Node_List{List: row}})
	}
	w.out.Width = len(cols)
	return out, nil
}

// describeSelect counts the columns of an INSERT's SELECT.
func (w *writer) describeSelect(in *pg.InsertStmt, sel *pg.SelectStmt) ([]Described, error) {
	s := pg.Clone(sel)
	if in.WithClause != nil {
		if s.WithClause != nil {
			return nil, errOtherwise
		}
		s.WithClause = in.WithClause
	}
	n := pg.Select(s)
	if err := w.typed(n); err != nil {
		return nil, err
	}
	d, err := w.describe(n)
	if err != nil {
		return nil, err
	}
	return d.Columns, nil
}

// selectOf makes the rows of a SELECT text. Where nothing in it refers to its
// output columns, these are cast where they stand, so that as much as possible
// can be pushed down; else it becomes a subquery.
func (w *writer) selectOf(in *pg.InsertStmt, sel *pg.SelectStmt, cols []catalog.Column, given []int) (*pg.SelectStmt, error) {
	s := pg.Clone(sel)
	if in.WithClause != nil {
		s.WithClause = in.WithClause
	}
	out := s
	values := make([]*pg.Node, len(s.TargetList))
	plain := s.Op == pg.SetOperation_SETOP_NONE && len(s.ValuesLists) == 0 && len(s.SortClause) == 0 && len(s.GroupClause) == 0 && len(s.DistinctClause) == 0
	for i, n := range s.TargetList {
		values[i] = n.GetResTarget().GetVal()
		plain = plain && !isStar(values[i])
	}
	if !plain {
		width := 0
		for _, g := range given {
			width = max(width, g+1)
		}
		d, err := w.describeSelect(in, sel)
		if err != nil {
			return nil, err
		}
		var names, columns []*pg.Node
		for i := range max(width, len(d)) {
			names = append(names, pg.Text(partColumn(i)))
			columns = append(columns, pg.Column("rows", partColumn(i)))
		}
		values = columns
		out = &pg.SelectStmt{FromClause: []*pg.Node{pg.Derived(s, "rows", names)}}
	}
	out.TargetList = nil
	for i, c := range cols {
		n := w.value(c)
		if given[i] >= len(values) {
			return nil, errOtherwise
		}
		if given[i] >= 0 {
			n = values[given[i]]
		}
		v, err := w.asValue(n, c.Type, c.TypeOID)
		if err != nil {
			return nil, err
		}
		out.TargetList = append(out.TargetList, pg.Output(v, partColumn(i)))
	}
	w.out.Width = len(cols)
	return out, nil
}

// arrive makes the INSERT that writes the rows on a shard.
func (w *writer) arrive(in *pg.InsertStmt, cols []catalog.Column) error {
	s := pg.Clone(in)
	s.WithClause, s.Cols = nil, nil
	for _, c := range cols {
		s.Cols = append(s.Cols, &pg.Node{Node: &pg.Node_ResTarget{ResTarget: &pg.ResTarget{Name: c.Name}}})
	}
	rows, err := w.rowsAs(cols)
	if err != nil {
		return err
	}
	s.SelectStmt = rows
	if err := w.typed(&pg.Node{Node: &pg.Node_InsertStmt{InsertStmt: s}}); err != nil {
		return err
	}
	w.out.Arrive, err = textOf(&pg.Node{Node: &pg.Node_InsertStmt{InsertStmt: s}})
	return err
}

// rowsAs selects the rows that are handed over as arrays, as values of the columns.
func (w *writer) rowsAs(cols []catalog.Column) (*pg.Node, error) {
	items := make([]string, len(cols))
	for i, c := range cols {
		items[i] = fmt.Sprintf("CAST(x.xapg_%d AS %s)", i+1, c.Type)
	}
	stmts, err := pg.Parse("SELECT " + strings.Join(items, ", ") + " FROM " + w.arrays("x", len(cols)) + " ORDER BY x.xapg_n")
	if err != nil {
		return nil, err
	}
	return stmts[0].Node, nil
}

// arrays is an item of FROM: the rows that are handed over, one array a column.
func (w *writer) arrays(alias string, width int) string {
	params, names := make([]string, width), make([]string, width)
	for i := range width {
		params[i], names[i] = fmt.Sprintf("pg_catalog.unnest($%d::pg_catalog.text[])", w.out.First+i), fmt.Sprintf("xapg_%d", i+1)
	}
	return "ROWS FROM (" + strings.Join(params, ", ") + ") WITH ORDINALITY AS " + alias + "(" + strings.Join(names, ", ") + ", xapg_n)"
}
