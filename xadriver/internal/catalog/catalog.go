// Package catalog is what the driver knows of the tables: a snapshot of one
// shard's system catalogs. All shards have the same schema, so one shard's word is
// enough.
//
// Reading a catalog waits for nobody: PostgreSQL's functions that write out views
// take locks on the tables that they name, and somebody may be changing those. Such
// texts are read when a statement wants them, which then has to wait for the same
// locks by itself (see Complete). What somebody is changing at the time is marked as
// busy.
package catalog

import (
	"maps"
)

// Catalog is a snapshot. It is safe for concurrent use.
type Catalog struct {
	User       string
	SearchPath []string // the existing schemas of the session's search_path
	Mark       string   // what Fingerprint said when it was read

	// Bytewise says that the database's own collation orders text by its bytes.
	Bytewise bool
	// Deferrable says that there are constraints or triggers that can be put off to the
	// end of a transaction.
	Deferrable bool

	system      *system           // what is PostgreSQL's own
	settings    map[string]string // of home's sessions, before anybody sets anything
	casts       map[uint32]bool   // types that users gave casts to text
	opaqueTypes map[string]bool   // types to which a cast may read tables
	operators   map[string]bool   // operators whose functions may read tables
	temporary   bool              // it knows temporary relations
	types       map[uint32]string // names of users' types by OID, as home has them
	sequences   map[string]Sequence
	relations   map[Name]*Relation
	lacking     map[int64]*Relation // those of them that lack texts, by OID
	functions   map[Name]Function
	users       map[string]bool     // names of functions outside of pg_catalog
	byName      map[string]Function // over all schemas, the most dangerous of each name that users have
}

// system is what is PostgreSQL's own and the same for as long as a server runs: all
// that was there when its databases were made.
type system struct {
	mark      string
	types     map[uint32]string
	relations map[Name]*Relation
	functions map[Name]Function
	byName    map[string]Function
}

// Name of a relation or function.
type Name struct{ Schema, Name string }

func (n Name) String() string { return n.Schema + "." + n.Name }

// Relation finds a relation by its full name, nil when there is none.
func (c *Catalog) Relation(schema, name string) *Relation {
	n := Name{schema, name}
	if r := c.relations[n]; r != nil {
		return r.known()
	}
	return c.system.relations[n]
}

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

// Relations lists all relations but PostgreSQL's own, in no order.
func (c *Catalog) Relations() []*Relation {
	all := make([]*Relation, 0, len(c.relations))
	for _, r := range c.relations {
		all = append(all, r.known())
	}
	return all
}

// With is the catalog with a session's temporary relations.
func (c *Catalog) With(temporary []*Relation) *Catalog {
	copied := *c
	copied.relations, copied.lacking = maps.Clone(c.relations), maps.Clone(c.lacking)
	for _, r := range temporary {
		copied.relations[r.Name] = r
		if r.Lacks() {
			copied.lacking[r.OID] = r
		}
	}
	copied.temporary = len(temporary) > 0
	return &copied
}

// Setting is a setting's value in home's sessions, as they begin.
func (c *Catalog) Setting(name string) string { return c.settings[name] }

// CastsToText reports whether users gave a type a cast to text, which need not be the
// text from which its value is read.
func (c *Catalog) CastsToText(oid uint32) bool { return c.casts[oid] }

// OpaqueOperator reports whether an operator's function may read tables.
func (c *Catalog) OpaqueOperator(name string) bool { return c.operators[name] }

// OpaqueType reports whether casting to a type, by its name, may run a function that
// reads tables.
func (c *Catalog) OpaqueType(name string) bool { return c.opaqueTypes[name] }

// Type is the name of a type by home's OID, "" when there is none.
func (c *Catalog) Type(oid uint32) string {
	if name, ok := c.types[oid]; ok {
		return name
	}
	return c.system.types[oid]
}

// Sequence finds a sequence by its quoted, schema-qualified name.
func (c *Catalog) Sequence(name string) (Sequence, bool) {
	s, ok := c.sequences[name]
	return s, ok
}

// Known is what a catalog is made of where it is known without asking a server.
type Known struct {
	User       string
	SearchPath []string
	Relations  []*Relation
	Functions  map[Name]Function
	Types      map[uint32]string
	Sequences  map[string]Sequence // by quoted, schema-qualified name
}

// Of makes a catalog of what is known already. Load reads one from a server.
func Of(k Known) *Catalog { return of(k, &system{}) }

// New is Of for those who need no more.
func New(user string, path []string, relations []*Relation, functions map[Name]Function) *Catalog {
	return Of(Known{User: user, SearchPath: path, Relations: relations, Functions: functions})
}

func of(k Known, s *system) *Catalog {
	c := &Catalog{
		User: k.User, SearchPath: k.SearchPath, system: s, types: k.Types, sequences: k.Sequences,
		relations: make(map[Name]*Relation, len(k.Relations)), lacking: make(map[int64]*Relation),
		functions: k.Functions, byName: make(map[string]Function, len(k.Functions)), users: make(map[string]bool),
	}
	for _, r := range k.Relations {
		c.relations[r.Name] = r
		if r.Lacks() {
			c.lacking[r.OID] = r
		}
	}
	c.overload()
	return c
}
