// Package catalog is what the driver knows of the tables: a snapshot of one
// shard's system catalogs, immutable once it is loaded. All shards have the same
// schema, so one shard's word is enough.
package catalog

import (
	"maps"
	"strings"
)

// Catalog is a snapshot. It is safe for concurrent use.
type Catalog struct {
	User       string
	SearchPath []string // the existing schemas of the session's search_path

	// Bytewise says that the database's own collation orders text by its bytes.
	Bytewise bool

	settings    map[string]string // of home's sessions, before anybody sets anything
	casts       map[uint32]bool   // types that users gave casts to text
	opaqueTypes map[string]bool   // types to which a cast may read tables
	operators   map[string]bool   // operators whose functions may read tables
	temporary   bool              // it knows temporary relations
	types       map[uint32]string // names of types by OID, as home has them
	sequences   map[string]Sequence
	relations   map[Name]*Relation
	functions   map[Name]Function
	users       map[string]bool     // names of functions outside of pg_catalog
	byName      map[string]Function // over all schemas, the most dangerous of each name
}

// Name of a relation or function.
type Name struct{ Schema, Name string }

func (n Name) String() string { return n.Schema + "." + n.Name }

// Relation is a table, view or sequence.
type Relation struct {
	Name
	OID     int64
	Kind    byte // relkind: r, p, v, m, f or S
	Columns []Column
	Parent  *Relation // of a partition or an inheriting table
	ViewDef string    // of a view, as seen under the catalog's SearchPath
	Unique  []Unique  // its primary key, unique constraints and unique indexes

	Referenced  bool // foreign keys of other tables refer to it
	Triggers    bool // it has triggers, or rules, of users
	RowSecurity bool // who reads it may not see all rows
}

// Unique is what makes rows of a table unique.
type Unique struct {
	Index, Constraint string // names; Constraint is "" for a mere index
	Columns           []string
	Primary           bool
	Partial           bool // holds for some rows only, or for expressions
}

// Sequence is a sequence, as home has it.
type Sequence struct {
	Name
	Start, Increment int64
}

// Column of a relation.
type Column struct {
	Name             string
	TypeOID          uint32 // the base type, of a domain
	Typmod           int32
	NotNull          bool
	Default          string // as an expression; "" for none
	Type             string // the declared type's name, without typmod; a domain's own
	Declared         string // the type with its typmod and collation, as in CREATE TABLE; of a domain, its base type
	Sequence         string // that numbers the rows, schema-qualified and quoted; "" for none
	Generated        bool
	Identity         bool
	IdentityAlways   bool
	Bytewise         bool // ordered by its bytes, if it is text
	NonDeterministic bool // collation under which different strings are equal
}

// Function is what is known of all functions of a name.
type Function struct {
	Aggregate bool
	Window    bool // a window function, not merely an aggregate with OVER
	Set       bool // returns a set
	Volatile  bool // not IMMUTABLE
	Opaque    bool // may read or write tables that its call does not name
	Notifies  bool // its source speaks of NOTIFY
	// Body is the source of the only function of its name, if that is in SQL, writes
	// nothing by its own account, and reads its names where it is called.
	Body string
	// Source is the text of all functions of the name, in lower case, "" for
	// PostgreSQL's own.
	Source string
	// Args are the names of its arguments, "" for those without.
	Args []string
}

func (f Function) or(g Function) Function {
	return Function{
		Aggregate: f.Aggregate || g.Aggregate, Window: f.Window || g.Window, Set: f.Set || g.Set,
		Source: f.Source + " " + g.Source, Volatile: f.Volatile || g.Volatile, Opaque: f.Opaque || g.Opaque, Notifies: f.Notifies || g.Notifies,
	}.bodyOf(f, g)
}

// bodyOf takes over the body of one of two functions of a name, if it is the only one.
func (f Function) bodyOf(a, b Function) Function {
	switch {
	case a.none():
		f.Body, f.Args = b.Body, b.Args
	case b.none():
		f.Body, f.Args = a.Body, a.Args
	}
	return f
}

func (f Function) none() bool {
	return !f.Aggregate && !f.Window && !f.Set && !f.Volatile && !f.Opaque && !f.Notifies && f.Body == ""
}

// Relation finds a relation by its full name, nil when there is none.
func (c *Catalog) Relation(schema, name string) *Relation { return c.relations[Name{schema, name}] }

// Resolve finds a relation as PostgreSQL does: in its schema, or in pg_catalog
// and then along the path.
func (c *Catalog) Resolve(path []string, schema, name string) *Relation {
	if schema != "" {
		return c.Relation(schema, name)
	}
	if r := c.Relation(Temp, name); c.temporary && r != nil {
		return r
	}
	if r := c.Relation("pg_catalog", name); r != nil {
		return r
	}
	for _, s := range path {
		if r := c.Relation(s, name); r != nil {
			return r
		}
	}
	return nil
}

// Setting is a setting's value in home's sessions, as they begin.
func (c *Catalog) Setting(name string) string { return c.settings[name] }

// CastsToText reports whether users gave a type a cast to text, which need not be the
// text from which its value is read.
func (c *Catalog) CastsToText(oid uint32) bool { return c.casts[oid] }

// OpaqueOperator reports whether an operator's function may read tables.
func (c *Catalog) OpaqueOperator(name string) bool { return c.operators[name] }

// Type is the name of a type by home's OID, "" when there is none.
func (c *Catalog) Type(oid uint32) string { return c.types[oid] }

// Sequence finds a sequence by its quoted, schema-qualified name.
func (c *Catalog) Sequence(name string) (Sequence, bool) {
	s, ok := c.sequences[name]
	return s, ok
}

// PrimaryKey lists the columns of a relation's primary key, nil when it has none.
func (r *Relation) PrimaryKey() []string {
	for _, u := range r.Unique {
		if u.Primary {
			return u.Columns
		}
	}
	return nil
}

// Relations lists all relations, in no order.
func (c *Catalog) Relations() []*Relation {
	all := make([]*Relation, 0, len(c.relations))
	for _, r := range c.relations {
		all = append(all, r)
	}
	return all
}

// Root is the table that a partition, or an inheriting table, belongs to.
func (r *Relation) Root() *Relation {
	for r.Parent != nil {
		r = r.Parent
	}
	return r
}

// Temporary reports whether a relation lives in one session only.
func (r *Relation) Temporary() bool { return r.Schema == Temp }

// Temp is the schema under which temporary relations are known.
const Temp = "pg_temp"

// With is the catalog with a session's temporary relations.
func (c *Catalog) With(temporary []*Relation) *Catalog {
	copied := *c
	copied.relations = maps.Clone(c.relations)
	for _, r := range temporary {
		copied.relations[r.Name] = r
	}
	copied.temporary = len(temporary) > 0
	return &copied
}

// System reports whether a relation is one of PostgreSQL's own.
func (r *Relation) System() bool {
	return r.Schema == "pg_catalog" || r.Schema == "information_schema"
}

// Column finds a column, -1 when there is none.
func (r *Relation) Column(name string) int {
	for i := range r.Columns {
		if r.Columns[i].Name == name {
			return i
		}
	}
	return -1
}

// Function is what is known of a function's name. An unqualified name stands for
// all functions of that name, wherever they are.
func (c *Catalog) Function(schema, name string) (Function, bool) {
	if schema != "" {
		f, ok := c.functions[Name{schema, name}]
		return f, ok
	}
	f, ok := c.byName[name]
	return f, ok
}

// New makes a catalog of what is known already. Load reads one from a server.
func New(user string, path []string, relations []*Relation, functions map[Name]Function) *Catalog {
	c := &Catalog{
		User: user, SearchPath: path, relations: make(map[Name]*Relation, len(relations)),
		functions: functions, byName: make(map[string]Function, len(functions)), users: make(map[string]bool),
	}
	for _, r := range relations {
		c.relations[r.Name] = r
	}
	for n, f := range functions {
		c.byName[n.Name] = c.byName[n.Name].or(f)
		if n.Schema != "pg_catalog" && n.Schema != "information_schema" {
			c.users[n.Name] = true
		}
	}
	return c
}

// spreadNotifies marks functions whose source names one that notifies.
func spreadNotifies(functions map[Name]Function, sources map[Name]string) {
	for changed := true; changed; {
		changed = false
		for n, src := range sources {
			if functions[n].Notifies {
				continue
			}
			for m, f := range functions {
				if _, known := sources[m]; known && f.Notifies && strings.Contains(src, m.Name) {
					g := functions[n]
					g.Notifies, changed = true, true
					functions[n] = g
					break
				}
			}
		}
	}
}

// Calls reports whether users have a function of a name.
func (c *Catalog) Calls(name string) bool { return c.users[name] }

// OpaqueType reports whether casting to a type, by its name, may run a function that
// reads tables.
func (c *Catalog) OpaqueType(name string) bool { return c.opaqueTypes[name] }

// Builtin reports whether a function's name is that of PostgreSQL's own, and of
// nobody else's.
func (c *Catalog) Builtin(name string) bool {
	_, own := c.functions[Name{"pg_catalog", name}]
	return own && !c.users[name]
}
