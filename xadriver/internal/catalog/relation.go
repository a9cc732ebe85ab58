package catalog

import (
	"strings"
	"sync/atomic"
)

// Relation is a table, view or sequence.
type Relation struct {
	Name
	OID     int64
	Kind    byte // relkind: r, p, v, m, f or S
	Columns []Column
	Parent  *Relation // of a partition or an inheriting table
	ViewDef string    // of a view, with the full names of all that it names but temporary relations
	Unique  []Unique  // its primary key, unique constraints and unique indexes

	Referenced  bool // foreign keys of other tables refer to it
	Triggers    bool // it has triggers, or rules, of users
	RowSecurity bool // who reads it may not see all rows

	// Busy says that somebody else kept all others from using it, or waited to do so,
	// when the catalog was read: it may be about to change.
	Busy bool

	// full is the relation with its texts, once they are known. It is nil for those
	// that lack none.
	full *atomic.Pointer[Relation]
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
	Default          string // as an expression; "" for none, and for generated columns
	Type             string // the declared type's name, without typmod; a domain's own
	Declared         string // the type with its typmod and collation, as in CREATE TABLE; of a domain, its base type
	Sequence         string // that numbers the rows, schema-qualified and quoted; "" for none
	Generated        bool
	Identity         bool
	IdentityAlways   bool
	Bytewise         bool // ordered by its bytes, if it is text
	NonDeterministic bool // collation under which different strings are equal
}

// Lacks reports whether texts of the relation have not been read: a view's
// definition, or defaults that cannot be written out without locks.
func (r *Relation) Lacks() bool { return r.full != nil && r.full.Load() == nil }

// known is the relation with its texts, as far as they have been read.
func (r *Relation) known() *Relation {
	if r.full != nil {
		if full := r.full.Load(); full != nil {
			return full
		}
	}
	return r
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

// PrimaryKey lists the columns of a relation's primary key, nil when it has none.
func (r *Relation) PrimaryKey() []string {
	for _, u := range r.Unique {
		if u.Primary {
			return u.Columns
		}
	}
	return nil
}

// identity tells a column's kinds of identity apart.
func (c *Column) identity(kind string) {
	c.Identity, c.IdentityAlways = kind != "", strings.HasPrefix(kind, "a")
}
