package plan

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/xapg/xapg/shardmap"
	"github.com/xapg/xapg/xadriver/internal/catalog"
	pg "github.com/xapg/xapg/xadriver/internal/syntax"
)

// gathered composes any query: the rows that each table contributes are copied
// into a table of the same name in a scratch session, where the statement runs as
// it was written. Views are written out, since PostgreSQL has bound theirs to the
// tables themselves.
func (c *composer) gathered() (bool, error) {
	if err := c.gatherable(); err != nil {
		return false, err
	}
	for _, m := range c.a.mentions {
		if m.view != nil {
			m.inline()
		}
	}
	for i, m := range c.a.mentions {
		for _, o := range c.a.mentions[:i] {
			if m.scope != nil && m.scope == o.scope && m.entry != nil && o.entry != nil && m.rv.Alias == nil && o.rv.Alias == nil && m.rv.Relname == o.rv.Relname {
				return false, &Refusal{Clause: "two tables of one name in one FROM, gathered from several shards", Reason: "they would be mistaken for each other", Remedy: "give each an alias"}
			}
		}
	}
	if err := c.rowTypes(); err != nil {
		return false, err
	}
	used := columnsNamed(c.a.node)
	taken := make(map[string]*Pull)
	if err := c.functions(taken); err != nil {
		return false, err
	}
	for _, m := range c.a.mentions {
		switch {
		case m.view != nil || m.table == nil:
			continue
		case m.table.Kind != shardmap.Sharded && c.how&All == 0:
			m.rv.Schemaname = m.rel.Schema // a view's names are those of its own path
			continue
		}
		if err := c.pull(m, used, taken); err != nil {
			return false, err
		}
	}
	unschema(c.a.node)
	c.prog.Strategy = "gather"
	c.prog.Reason = "the rows that its tables contribute are brought together in one PostgreSQL session, where the statement runs as it is"
	return true, c.final(pg.Select(c.sel), false)
}

// gatherable says why a statement cannot be gathered.
func (c *composer) gatherable() error {
	refuse := func(clause, reason string) error { return &Refusal{Clause: clause, Reason: reason, Remedy: byKey} }
	switch {
	case c.a.err != nil:
		return c.a.err
	case c.how&Gather != 0 && c.a.userFunc:
		return refuse("a call of a function of one's own, after DDL in the same transaction", "the session that answers does not see functions that are not committed yet")
	case c.a.locks:
		return refuse("FOR UPDATE or FOR SHARE in a statement that is gathered from several shards", "the rows to lock are not known to the shards that hold them")
	}
	return nil
}

// rowTypes refuses functions of whole rows: those of a temporary table are of another
// type than those of the table itself.
func (c *composer) rowTypes() error {
	columns := make(map[string][]*catalog.Relation)
	for _, m := range c.a.mentions {
		if m.rel != nil && m.entry != nil {
			columns[m.entry.alias] = append(columns[m.entry.alias], m.rel)
		}
	}
	var found error
	refuse := func() bool {
		found = &Refusal{Clause: "a function of a table's whole row, gathered from several shards", Reason: "the rows that are brought together are of another type", Remedy: "pass its columns"}
		return false
	}
	pg.Walk(c.a.node, func(m proto.Message) bool {
		switch m := m.(type) {
		case *pg.FuncCall:
			if c.a.builtin(m) != "" {
				return true
			}
			for _, arg := range m.Args {
				if list := names(arg.GetColumnRef().GetFields()); len(list) == 1 && columns[list[0]] != nil {
					return refuse()
				}
			}
		case *pg.ColumnRef:
			list := names(m.Fields)
			if len(list) != 2 || len(m.Fields) != 2 || columns[list[0]] == nil {
				return true
			}
			for _, r := range columns[list[0]] {
				if r.Column(list[1]) >= 0 {
					return true
				}
			}
			if c.a.cat.Calls(list[1]) {
				return refuse()
			}
		}
		return found == nil
	})
	return found
}

// mention is a place where a statement names a table or a view.
type mention struct {
	rv    *pg.RangeVar
	node  *pg.Node // that holds rv
	entry *entry
	rel   *catalog.Relation
	table *shardmap.Table // nil for a view, or what is PostgreSQL's own
	class *class          // of a sharded table's key
	block *block
	scope *scope
	view  *pg.SelectStmt

	function bool // in the body of a function
}

// inline puts a view's definition where the view was named.
func (m *mention) inline() {
	alias := &pg.Alias{Aliasname: m.rv.Relname}
	if m.rv.Alias != nil {
		alias = m.rv.Alias
	}
	m.node.Node = &pg.Node_RangeSubselect{RangeSubselect: &pg.RangeSubselect{Subquery: pg.Select(m.view), Alias: alias}}
}

// named is what a statement names as columns.
type named map[string]bool

// everything says that any column may matter: there is a star, or a whole row.
const everything = "*"

func (n named) has(column string) bool { return n[everything] || n[column] }

// columnsNamed collects every name that may be a column's.
func columnsNamed(n proto.Message) named {
	used := make(named)
	aliases := make(map[string]bool)
	pg.Walk(n, func(m proto.Message) bool {
		switch m := m.(type) {
		case *pg.RangeVar:
			aliases[m.Relname] = true
			if m.Alias != nil {
				aliases[m.Alias.Aliasname] = true
				if len(m.Alias.Colnames) > 0 {
					used[everything] = true
				}
			}
		case *pg.JoinExpr:
			if m.IsNatural || m.Alias != nil {
				used[everything] = true
			}
		}
		return true
	})
	look := func(m proto.Message) bool {
		switch m := m.(type) {
		case *pg.SubLink:
			// What EXISTS selects does not matter.
			if sel := m.Subselect.GetSelectStmt(); m.SubLinkType == pg.SubLinkType_EXISTS_SUBLINK && sel != nil && sel.Op == pg.SetOperation_SETOP_NONE &&
				len(sel.SortClause)+len(sel.DistinctClause)+len(sel.GroupClause) == 0 && len(sel.TargetList) == 1 && isStar(sel.TargetList[0].GetResTarget().GetVal()) {
				sel.TargetList = []*pg.Node{pg.Output(pg.Int(1), "")}
			}
		case *pg.ColumnRef:
			list := names(m.Fields)
			if len(list) < len(m.Fields) {
				used[everything] = true
			}
			for _, name := range list {
				used[name] = true
				if len(m.Fields) == 1 && aliases[name] {
					used[everything] = true
				}
			}
		case *pg.JoinExpr:
			for _, name := range names(m.UsingClause) {
				used[name] = true
			}
		}
		return true
	}
	pg.Walk(n, look)
	return used
}

// pull lets a mention of a table name a table of the scratch session, and notes
// what fills it. Mentions that need the same rows share a table.
func (c *composer) pull(m *mention, used named, taken map[string]*Pull) error {
	r := m.rel
	if r.RowSecurity {
		return &Refusal{Clause: "a statement that brings rows of table " + r.Name.Name + " together, which has row security", Reason: "a view might show other rows than its reader may see", Remedy: byKey}
	}
	var cols []string
	query := &pg.SelectStmt{TargetList: nil}
	empty := make([]string, 0, len(r.Columns))
	for _, col := range r.Columns {
		if !used.has(col.Name) {
			continue
		}
		if c.a.cat.CastsToText(col.TypeOID) {
			return &Refusal{Clause: "a statement that brings values of type " + col.Type + " together", Reason: "it has a cast to text of its own, which need not be the text that the type is read from", Remedy: byKey}
		}
		cols = append(cols, col.Name)
		query.TargetList = append(query.TargetList, pg.Output(asText(pg.Column(col.Name), col.TypeOID), ""))
		empty = append(empty, quoted(col.Name)+" "+col.Declared)
	}
	loaded := len(cols) > 0
	if !loaded && len(r.Columns) > 0 { // its rows are only counted
		col := r.Columns[0]
		cols = append(cols, col.Name)
		query.TargetList = append(query.TargetList, pg.Output(pg.Cast(pg.Null(), "text"), ""))
		empty = append(empty, quoted(col.Name)+" "+col.Declared)
	}
	source := pg.Table(r.Schema, r.Name.Name, "")
	source.GetRangeVar().Inh = m.rv.Inh
	query.FromClause = []*pg.Node{source}
	var filter []*pg.Node
	for _, cond := range c.a.conds {
		if n := c.filter(cond, m); n != nil {
			filter = append(filter, n)
		}
	}
	if m.function {
		filter = nil
	}
	query.WhereClause = pg.And(filter)
	node := pg.Select(query)
	if err := c.typed(node); err != nil {
		return err
	}
	text, err := textOf(node)
	if err != nil {
		return err
	}
	name := ""
	key := text.String()
	if m.class != nil && len(m.class.all()) > 0 {
		key += fmt.Sprintf(" %p", m.class.outermost()) // from the shards of these keys only
	}
	if p := taken[key]; p != nil {
		name = p.Table
	} else {
		name = m.rv.Relname
		for i := 2; !m.function && slices.ContainsFunc(c.prog.Pulls, func(p Pull) bool { return p.Table == name }); i++ {
			name = fmt.Sprintf("%s_%d", m.rv.Relname, i)
		}
		p := Pull{Table: name, Columns: cols, Query: text, of: r}
		if m.class != nil {
			if sets := m.class.all(); len(sets) > 0 {
				p.sets = []group{{table: m.table, sets: sets}}
			}
		}
		if m.table.Kind != shardmap.Sharded {
			p.home = true
		}
		c.prog.Pulls = append(c.prog.Pulls, p)
		taken[key] = &p
		// Not made from the table itself, which the transaction may have locked.
		create := "CREATE TEMPORARY TABLE " + quoted(name) + " (" + strings.Join(empty, ", ") + ") ON COMMIT DROP"
		c.prog.Create = append(c.prog.Create, create)
		if pk := r.PrimaryKey(); len(pk) > 0 && c.a.groups && loaded && !slices.ContainsFunc(pk, func(k string) bool { return !slices.Contains(cols, k) }) {
			for i := range pk {
				pk = slices.Clone(pk)
				pk[i] = quoted(pk[i])
			}
			c.prog.Create = append(c.prog.Create, "ALTER TABLE pg_temp."+quoted(name)+" ADD PRIMARY KEY ("+strings.Join(pk, ", ")+")")
		}
	}
	if m.rv.Alias == nil && name != m.rv.Relname {
		m.rv.Alias = &pg.Alias{Aliasname: m.rv.Relname}
	}
	m.rv.Catalogname, m.rv.Schemaname, m.rv.Relname, m.rv.Inh = "", "pg_temp", name, true
	return nil
}

// asText selects a column as text from which the very same value is read again.
func asText(n *pg.Node, oid uint32) *pg.Node {
	const bpchar = 1042
	if oid != bpchar {
		return pg.Cast(n, "text")
	}
	// A cast would take the blanks at its end.
	return &pg.Node{Node: &pg.Node_CaseExpr{CaseExpr: &pg.CaseExpr{
		Args: []*pg.Node{{Node: &pg.Node_CaseWhen{CaseWhen: &pg.CaseWhen{
			Expr:   &pg.Node{Node: &pg.Node_NullTest{NullTest: &pg.NullTest{Arg: n, Nulltesttype: pg.NullTestType_IS_NOT_NULL}}},
			Result: pg.Call("concat", pg.Clone(n)),
		}}}},
	}}}
}

// quoted is a name in quotes.
func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// unschema takes the schema out of references to columns of tables that now are
// temporary ones.
func unschema(n proto.Message) {
	pg.Walk(n, func(m proto.Message) bool {
		if ref, ok := m.(*pg.ColumnRef); ok && len(ref.Fields) > 2 {
			ref.Fields = ref.Fields[len(ref.Fields)-2:]
		}
		return true
	})
}
