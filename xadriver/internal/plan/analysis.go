package plan

import (
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/xapg/xapg/shardmap"
	"github.com/xapg/xapg/xadriver/internal/catalog"
	pg "github.com/xapg/xapg/xadriver/internal/syntax"
)

// analysis collects what one statement says.
type analysis struct {
	p    *Planner
	cat  *catalog.Catalog
	path []string
	sql  string
	node proto.Message // the whole statement
	top  *block

	occurrences []*occurrence
	unsharded   bool // names tables that live on home
	reference   bool // names reference tables
	tables      int  // names of tables accounted for
	unknown     *pg.RangeVar
	lacking     []*catalog.Relation // whose texts it needs
	busy        []*catalog.Relation // that somebody is changing
	err         error               // why it can be run nowhere without a hint
	viewDepth   int

	calls     []call
	now       bool // asks for the time
	volatile  bool // calls something that is not IMMUTABLE
	foreign   bool // … and is not PostgreSQL's own
	shows     bool // shows where a row is: ctid, tableoid, …
	locks     bool // FOR UPDATE and the like
	modifies  bool // a CTE writes
	holds     bool // takes locks that last until the transaction has ended
	session   bool // leaves something in the session
	temporary bool // names temporary tables
	asks      bool // asks for what was left there
	notifies  bool
	effects   bool // calls a function of PostgreSQL's own with effects of another kind
	sets      bool // sets a sequence that counts on every shard
	foreseen  *foreseen

	insideSublink int

	// What the composition of programs needs besides.
	mentions []*mention
	conds    []condition
	topScope *scope
	merging  *Refusal // why the top level's rows, put one after the other, are not the result
	regroups bool     // the top level sums up rows of several shards
	reframes bool     // … has window functions over rows of several shards
	dedupes  bool     // … has DISTINCT over rows of several shards
	chooses  bool     // which rows it takes, or in what order, is not said
	besides  bool     // RETURNING or ON CONFLICT of an INSERT reads tables
	userFunc bool     // calls functions that are not PostgreSQL's own
	homeOnly bool     // does something that home does for all
	literal  bool     // has a literal that stands for the time, such as 'now'
	sources  []*class // of the keys of rows that WITH queries insert
	rekeys   bool     // an UPDATE sets the key
	rekey    *rekey   // … to a constant
	groups   bool     // there is a GROUP BY somewhere
	local    bool     // each shard can answer the top level's FROM and WHERE for its own rows
}

// call is a call of an opaque function.
type call struct {
	name     string
	body     string // its source, where that can be gathered for
	position int
	keys     []*class   // key columns among its arguments
	consts   []*pg.Node // constants among its arguments
}

func (a *analysis) fail(err error) {
	if a.err == nil {
		a.err = err
	}
}

func (a *analysis) refuse(clause, reason, remedy string, offset int32) {
	a.fail(&Refusal{Clause: clause, Reason: reason, Remedy: remedy, Position: int(pg.Position(a.sql, offset))})
}

// placement finds how a relation's rows are placed: a partition's by the table
// that it belongs to.
func (p *Planner) placement(r *catalog.Relation) (*shardmap.Table, error) {
	root := r.Root()
	if root.Temporary() {
		return &shardmap.Table{Name: root.Name.Name, Kind: shardmap.Unsharded}, nil
	}
	t, err := p.layout.Table(root.Schema, root.Name.Name, columnsOf(root))
	if err != nil {
		return nil, &Refusal{Clause: "table " + root.Name.Name + " as it is configured", Reason: err.Error(), Remedy: "change the table or the configuration"}
	}
	return t, nil
}

// domain reports whether a column's type is a domain: its own name is none of
// PostgreSQL's, though its type is.
func domain(c catalog.Column) bool {
	_, known := shardmap.TypeOf(c.TypeOID)
	return known && strings.Contains(c.Type, ".") && !strings.HasPrefix(c.Type, "pg_catalog.")
}

func columnsOf(r *catalog.Relation) []shardmap.Column {
	out := make([]shardmap.Column, len(r.Columns))
	for i, c := range r.Columns {
		out[i] = shardmap.Column{Name: c.Name, TypeOID: c.TypeOID, Typmod: c.Typmod, NonDeterministic: c.NonDeterministic, Domain: domain(c)}
	}
	return out
}

// known lists the sharded tables that the catalog has.
func (p *Planner) known(s *Statement) []*shardmap.Table {
	var tables []*shardmap.Table
	for _, r := range s.catalog.Relations() {
		if r.System() || r.Kind != 'r' && r.Kind != 'p' {
			continue
		}
		if t, err := p.placement(r); err == nil && t.Kind == shardmap.Sharded {
			tables = append(tables, t)
		}
	}
	return tables
}

// notice takes notice that a relation is named: of what somebody is changing, and, if
// its texts matter, of what lacks them.
func (a *analysis) notice(r *catalog.Relation, texts bool) {
	if r.Busy {
		a.busy = append(a.busy, r)
	}
	if texts && r.Lacks() {
		a.lacking = append(a.lacking, r)
	}
}

// relation accounts for a mention of a table, and returns what FROM gains by it.
func (a *analysis) relation(rv *pg.RangeVar, b *block) (*entry, *catalog.Relation, *shardmap.Table) {
	return a.mentioned(rv, nil, nil, b)
}

// mentioned is relation for a table that stands in FROM, in node n.
func (a *analysis) mentioned(rv *pg.RangeVar, n *pg.Node, sc *scope, b *block) (*entry, *catalog.Relation, *shardmap.Table) {
	a.tables++
	alias := rv.Relname
	if rv.Alias != nil {
		alias = rv.Alias.Aliasname
	}
	e := &entry{alias: alias}
	r := a.cat.Resolve(a.path, rv.Schemaname, rv.Relname)
	if r == nil {
		if a.unknown == nil {
			a.unknown = rv
		}
		e.open = true
		return e, nil, nil
	}
	a.notice(r, false)
	if r.System() || r.Kind == 'S' {
		a.unsharded, e.open = true, true
		return e, r, nil
	}
	a.temporary = a.temporary || r.Temporary()
	t, err := a.p.placement(r)
	if err != nil {
		a.fail(err)
		e.open = true
		return e, r, nil
	}
	if r.Kind == 'm' || r.Kind == 'f' {
		a.refuse("materialized view or foreign table "+r.Name.Name, "its content differs from shard to shard", "ask one shard with /* xapg:shard=… */", rv.Location)
	}
	var key *class
	switch t.Kind {
	case shardmap.Reference:
		a.reference = true
	case shardmap.Unsharded:
		a.unsharded = true
	case shardmap.Sharded:
		key = &class{block: b, table: t}
		a.occurrences = append(a.occurrences, &occurrence{table: t, class: key, where: int(rv.Location)})
	}
	a.mentions = append(a.mentions, &mention{rv: rv, node: n, entry: e, rel: r, table: t, class: key, block: b, scope: sc})
	for i, c := range r.Columns {
		col := column{name: c.Name, info: &r.Columns[i]}
		if key != nil && c.Name == t.Key {
			col.class = key
		}
		e.columns = append(e.columns, col)
	}
	e.rename(rv.Alias)
	return e, r, t
}

// rename gives an entry's columns the names of its alias: t(a, b).
func (e *entry) rename(alias *pg.Alias) {
	if alias == nil {
		return
	}
	if e.open && len(alias.Colnames) > 0 {
		e.columns = nil // which is which cannot be told
	}
	for i, n := range names(alias.Colnames) {
		if i < len(e.columns) {
			e.columns[i].name = n
		}
	}
}

// expression looks for what an expression hides: subqueries, function calls, the
// time.
func (a *analysis) expression(n proto.Message, sc *scope) {
	pg.Walk(n, func(m proto.Message) bool {
		switch m := m.(type) {
		case *pg.SubLink:
			a.expression(m.Testexpr, sc)
			a.sublink(m, sc)
			return false
		case *pg.SelectStmt:
			a.insideSublink++
			a.query(m, sc, &block{parent: sc.block})
			a.insideSublink--
			return false
		case *pg.FuncCall:
			a.function(m, sc)
		case *pg.A_Expr:
			a.operator(m)
		case *pg.TypeCast:
			if list := names(m.TypeName.GetNames()); len(list) > 0 {
				name := list[len(list)-1]
				a.momentary(m.Arg, timeTypes[name])
				if a.cat.OpaqueType(name) {
					a.calls = append(a.calls, call{name: "of a cast to " + name, position: int(pg.Position(a.sql, m.Location))})
				}
			}
		case *pg.SQLValueFunction:
			a.now, a.volatile = true, true
		case *pg.CurrentOfExpr:
			a.refuse("WHERE CURRENT OF", "cursors live on one shard", "use the row's key", -1)
		case *pg.ColumnRef:
			a.systemColumn(m)
		case *pg.SetToDefault:
			// Values of omitted columns are looked at where they are inserted.
		}
		return true
	})
}

func (a *analysis) sublink(s *pg.SubLink, sc *scope) {
	sel := s.Subselect.GetSelectStmt()
	if sel == nil {
		return // the count of tables will not match, if it names any
	}
	a.insideSublink++
	defer func() { a.insideSublink-- }()
	a.query(sel, sc, &block{parent: sc.block})
}

func (a *analysis) systemColumn(ref *pg.ColumnRef) {
	list := names(ref.Fields)
	if len(list) == 0 {
		return
	}
	switch list[len(list)-1] {
	case "ctid", "tableoid", "xmin", "xmax", "cmin", "cmax":
		a.shows = true
	}
}

// opaque makes the calls checkable at execution.
func (a *analysis) opaque(groups []group, root *class) []opaqueCall {
	out := make([]opaqueCall, 0, len(a.calls))
	var pins []set
	for _, g := range groups {
		pins = append(pins, g.sets...)
	}
	for _, c := range a.calls {
		o := opaqueCall{name: c.name, body: c.body != "", position: c.position, pins: pins}
		for _, k := range c.keys {
			if root != nil && k.outermost() == root {
				o.local = true
			}
		}
		for _, n := range c.consts {
			if len(groups) == 0 {
				break
			}
			if k, ok := constantOf(n, groups[0].table); ok {
				o.consts = append(o.consts, k)
			}
		}
		out = append(out, o)
	}
	return out
}

// bindings sums up what binds the occurrences.
func (a *analysis) bindings() (groups []group, unbound []string) {
	for _, o := range a.occurrences {
		sets := o.class.all()
		if len(sets) == 0 {
			unbound = append(unbound, o.table.Name)
			continue
		}
		g := group{table: o.table, sets: sets}
		if n := len(groups); n > 0 && sameSets(groups[n-1].sets, sets) && groups[n-1].table.Colocated(o.table) {
			continue
		}
		groups = append(groups, g)
	}
	return groups, unbound
}

func sameSets(a, b []set) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if len(a[i]) != len(b[i]) || len(a[i]) > 0 && &a[i][0] != &b[i][0] {
			return false
		}
	}
	return true
}

// together reports whether all sharded tables are tied by their keys, and the
// class to which they are.
func (a *analysis) together() (*class, bool) {
	var root *class
	for _, o := range a.occurrences {
		r := o.class.outermost()
		if root == nil {
			root = r
		}
		if r != root || !o.table.Colocated(a.occurrences[0].table) {
			return nil, false
		}
	}
	return root, root != nil
}

// complete makes sure that no table was overlooked: whatever names one in a way
// that the analysis does not know is refused.
func (a *analysis) complete(n proto.Message) {
	count := 0
	pg.Walk(n, func(m proto.Message) bool {
		if _, ok := m.(*pg.RangeVar); ok {
			count++
		}
		return true
	})
	a.accountFor(count)
}

func (a *analysis) accountFor(count int) {
	if count != a.tables {
		a.fail(&Refusal{Clause: "a clause of this statement", Reason: "it names tables in a way that is not understood over several shards", Remedy: byKey})
	}
}
