package plan

import (
	"strconv"
	"strings"
	"sync"

	"github.com/xapg/xapg/xadriver/internal/catalog"
	pg "github.com/xapg/xapg/xadriver/internal/syntax"
)

// Program is how a statement is answered that no shard can answer by itself, and
// whose answer is more than the shards' answers one after the other. What the
// shards can do is pushed down to them; the rest is done by the driver where that
// is exact, and by a PostgreSQL session over the shards' rows where it is not.
// It is immutable and shared.
type Program struct {
	Strategy string // "ordered merge", "merge by PostgreSQL", "gather"
	Reason   string
	Columns  []Described // of the result, as PostgreSQL describes it

	// Scatter is what each of the target's shards is asked, unless the program
	// gathers; its rows are merged in order, or go into the table Part.
	Scatter Text
	Ordered *Ordered
	// Parts has one row for each shard's row, in a table of the scratch session.
	Part  string // its name
	Width int    // its columns

	// Pulls are what a gathering program asks, each filling a table of the scratch session.
	Pulls []Pull

	Create []string // makes the scratch session's tables
	Final  Text     // the statement that the scratch session answers

	Limit  *Bound // how many rows each shard is asked for at most
	Moment int    // the parameter that stands for the time of the statement, 0 for none
}

// Ordered says how rows that come in order from each shard are merged in order.
type Ordered struct {
	Keys    []Key
	Visible int // columns of the result; those after it are there to be compared
}

// Key of an ordered merge.
type Key struct {
	Column     int
	Desc       bool
	NullsFirst bool
}

// Bound is LIMIT and OFFSET, where they are constants or parameters.
type Bound struct {
	Limit, Offset Amount
	Param         int // the parameter of Scatter that takes their sum
}

// Amount is a constant or a parameter, or nothing.
type Amount struct {
	Param int
	Value int64
	Given bool
}

// Pull is the rows that a table contributes to a gathered statement, as text.
type Pull struct {
	Table   string // the table of the scratch session that they fill
	Columns []string
	Query   Text // selects the columns as text
	of      *catalog.Relation
	sets    []group
	home    bool // the same on every shard, or on home only: home is asked
}

// Described is a column of a result.
type Described struct {
	Name string
	OID  uint32
}

// Description is what PostgreSQL says of a statement.
type Description struct {
	Params  []uint32 // their types' OIDs
	Columns []Described
}

// Describer asks PostgreSQL to describe a statement, without running it.
type Describer interface {
	Describe(sql string) (*Description, error)
}

// composition is a statement's programs, made when they are first needed.
type composition struct {
	mu sync.Mutex
	// by how they had to be made
	programs [4]*Program
	write    *Write
	timely   *Timely
	path     []string
	node     *pg.Node
}

// Composed reports whether any program of the statement was made already.
func (st *Statement) Composed() bool {
	c := st.composition
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.programs {
		if p != nil {
			return true
		}
	}
	return c.write != nil
}

// How a program has to be made, besides by the statement itself.
const (
	// All says that the scratch session cannot see tables as the statement must,
	// because it runs in a transaction: all of them are gathered.
	All = 1 << iota
	// Gather says that the tables themselves must not be touched by the scratch
	// session, because the transaction may have changed or locked them.
	Gather
)

// Program makes the statement's program, or returns the one that was made before.
func (st *Statement) Program(d Describer, how int) (*Program, error) {
	c := st.composition
	at := how
	c.mu.Lock()
	defer c.mu.Unlock()
	if p := c.programs[at]; p != nil {
		return p, nil
	}
	p, err := st.compose(d, how)
	if err == nil {
		c.programs[at] = p
	}
	return p, err
}

// Together asks for several pulls in one statement, so that all of them are from
// one snapshot: each row begins with its pull's place among them. A single pull
// is asked for as it is.
func (p *Program) Together(which []int) Text {
	if len(which) == 1 {
		return p.Pulls[which[0]].Query
	}
	width := 0
	for _, i := range which {
		width = max(width, len(p.Pulls[i].Columns))
	}
	arms := make([]Text, len(which))
	for at, i := range which {
		columns := make([]string, 0, width+1)
		for n := range p.Pulls[i].Columns {
			columns = append(columns, "q."+partColumn(n))
		}
		for len(columns) < width {
			columns = append(columns, "NULL")
		}
		names := make([]string, len(p.Pulls[i].Columns))
		for n := range names {
			names[n] = partColumn(n)
		}
		head := "SELECT " + strconv.Itoa(at) + ", " + strings.Join(columns, ", ") + " FROM ("
		arms[at] = Join("", Text{parts: []string{head}}, p.Pulls[i].Query, Text{parts: []string{") AS q(" + strings.Join(names, ", ") + ")"}})
	}
	return Join(" UNION ALL ", arms...)
}

// String says how rows are merged.
func (o *Ordered) String() string {
	if len(o.Keys) == 0 {
		return "one shard's rows after the other's"
	}
	keys := make([]string, len(o.Keys))
	for i, k := range o.Keys {
		keys[i] = "column " + strconv.Itoa(k.Column+1)
		if k.Desc {
			keys[i] += " DESC"
		}
		if k.NullsFirst {
			keys[i] += " NULLS FIRST"
		}
	}
	return "the rows are merged in order of " + strings.Join(keys, ", ")
}
