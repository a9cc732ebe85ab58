// Package plan decides where a statement goes.
//
// A statement's text is parsed once. What must hold for every row of its result
// is read from its conditions: which columns are equal to each other, and which
// are equal to constants. From that follows, for each sharded table it names,
// which shards can hold rows that matter, for any arguments. A call of the
// statement then only has to look at its arguments.
//
// The rule above all others is that a shard's answer, or the answers of several
// put one after the other, must be what one PostgreSQL with all the rows would
// answer. What the analysis does not recognise is never taken for a condition,
// and whatever might make the answers differ is refused.
package plan

import (
	"database/sql/driver"
	"strings"

	"github.com/xapg/xapg/shardmap"
	"github.com/xapg/xapg/xadriver/internal/catalog"
	pg "github.com/xapg/xapg/xadriver/internal/syntax"
)

// Class of a statement.
type Class uint8

// The classes.
const (
	Select Class = iota
	Insert
	Update
	Delete
	Merge
	Truncate
	Lock
	Explain
	DDL
	Show
	Set
	Reset
	SetTransaction
	SetConstraints
	Discard
	Begin
	Commit
	Rollback
	Savepoint
	Release
	RollbackTo
	Prepare
	Execute
	Deallocate
	Declare
	Fetch  // and MOVE, and CLOSE
	Create // TABLE AS
	InTurn // on one shard after the other, outside of transactions
	Other
)

// Plan is what a text says. It is immutable and shared.
type Plan struct {
	Statements []*Statement
	Params     int  // the highest $n
	Unknown    bool // a table is named that the catalog does not know

	// Lacking are relations whose texts must be known first: the catalog lacks them.
	Lacking []*catalog.Relation
	// Busy are relations that somebody else was about to change when the catalog was read.
	Busy []*catalog.Relation

	catalog *catalog.Catalog
}

// Statement is one statement of a text.
type Statement struct {
	SQL          string
	Class        Class
	ReturnsRows  bool
	Writes       bool // DML or DDL, whether it touches rows or not
	Picks        bool // locks rows that it chooses: composed, it is a Write, though it writes nothing
	Keeps        bool // it takes locks by which others wait until all of the transaction is visible
	MayWrite     bool // it might write through a function, or lock rows
	Notifies     bool // it calls something that may notify
	Aside        bool // it notifies and reads no table, so that it can run beside its transaction
	Opaque       bool // it calls a function that may read or write any table
	SessionState bool // it leaves something in the session
	AsksSession  bool // it asks for what an earlier statement left in the session
	Control      *Control
	Setting      *Setting
	Hint         Hint
	Timed        bool // it asks for the time at which its transaction began, by itself or by a default
	Temporary    bool // it concerns temporary tables
	Numbers      bool // it may have made columns that sequences number
	Prepared     *Prepared
	Cursor       *Cursor
	CreateAs     *CreateAs
	Command      string // of a statement that runs on one shard after the other

	planner *Planner
	catalog *catalog.Catalog
	route   route
	tables  []*shardmap.Table // the sharded ones

	lacking, busy []*catalog.Relation // see Plan

	procedural  bool         // DO or CALL
	composition *composition // of what several shards may answer together
	err         error        // why it cannot run anywhere without a hint
	fatal       error        // why it cannot run at all
}

// Control is the content of a statement that governs transactions.
type Control struct {
	Isolation            string
	ReadOnly, Deferrable *bool
	Chain                bool
	Name                 string // of a savepoint
}

// Setting is the content of SET, RESET and SHOW.
type Setting struct {
	Name    string // in lower case
	Values  []string
	Local   bool
	Default bool
	All     bool
}

// Hint is what the caller knows better.
type Hint struct {
	Shard  string
	Key    any
	HasKey bool
}

// Mode of a target.
type Mode uint8

// The modes.
const (
	One        Mode = iota // the only shard in Shards
	Any                    // any one of Shards
	Scatter                // all of Shards; their rows and counts add up
	Everywhere             // all of Shards, with the same effect on each
	Composed               // by the statement's Program, over Shards
)

func (m Mode) String() string {
	return [...]string{"one shard", "any shard", "several shards, results joined", "all shards, the same on each", "several shards, composed"}[m]
}

// Target is where a call of a statement goes. Shards are in ascending order and
// shared: not to be changed.
type Target struct {
	Mode   Mode
	Shards []int
}

// Planner makes plans. It is safe for concurrent use.
type Planner struct {
	layout *shardmap.Map
	cache  *cache
	all    []int
	each   [][]int // {0}, {1}, …
	home   int

	// Stride is how far apart the numbers are that one shard's sequences give, so
	// that those of the others fit in between. UniquePerShard lets through unique
	// constraints that each shard judges by its own rows only.
	Stride         int64
	UniquePerShard bool
}

// DefaultStride leaves room for so many shards.
const DefaultStride = 64

// New makes a planner that keeps up to size plans.
func New(layout *shardmap.Map, size int) *Planner {
	p := &Planner{layout: layout, cache: newCache(size), home: layout.Home(), Stride: DefaultStride}
	for i := range layout.Shards() {
		p.all = append(p.all, i)
		p.each = append(p.each, []int{i})
	}
	return p
}

// Plan plans a text by a catalog; path is the search_path, nil for the catalog's.
func (p *Planner) Plan(text string, cat *catalog.Catalog, path []string) (*Plan, error) {
	key := cacheKey{text: text}
	if path != nil {
		key.path = strings.Join(path, "\x00") + "\x00"
	}
	if plan := p.cache.get(key); plan != nil && plan.catalog == cat {
		return plan, nil
	}
	if path == nil {
		path = cat.SearchPath
	}
	stmts, err := pg.Parse(text)
	if err != nil {
		return nil, err
	}
	plan := &Plan{catalog: cat}
	for _, s := range stmts {
		st, params, unknown := p.statement(s, cat, path)
		plan.Statements = append(plan.Statements, st)
		plan.Params = max(plan.Params, params)
		plan.Unknown = plan.Unknown || unknown
		plan.Lacking, plan.Busy = append(plan.Lacking, st.lacking...), append(plan.Busy, st.busy...)
	}
	if !plan.Unknown && len(plan.Lacking) == 0 {
		p.cache.put(key, plan)
	}
	return plan, nil
}

// EveryShard as the shard of a hint sends DO and CALL to every shard, in one
// transaction. Other statements know by themselves where they go.
const EveryShard = "*"

// Target is where a call of the statement with these arguments goes.
func (st *Statement) Target(args []driver.NamedValue, hint Hint) (Target, error) {
	if st.fatal != nil {
		return Target{}, st.fatal
	}
	hint, err := st.Hint.with(hint)
	if err != nil {
		return Target{}, err
	}
	switch {
	case hint.Shard == EveryShard && st.procedural:
		return Target{Everywhere, st.planner.all}, nil
	case hint.Shard != "" && hint.Shard != EveryShard:
		return st.planner.named(hint.Shard)
	}
	if hint.HasKey {
		return st.keyed(hint.Key, args)
	}
	if st.err != nil {
		return Target{}, st.err
	}
	if st.route == nil {
		return Target{}, &Refusal{Clause: "this statement", Reason: "it governs transactions or sessions, and goes to no shard by itself"}
	}
	return st.route.target(st.planner, args)
}

// Fatal is why a statement cannot run at all, nil when it can.
func (st *Statement) Fatal() error { return st.fatal }

// route finds the shards of a call.
type route interface {
	target(p *Planner, args []driver.NamedValue) (Target, error)
	why() string
}

// fixed goes to the same shards with any arguments.
type fixed struct {
	Target
	reason string
}

func (f fixed) target(*Planner, []driver.NamedValue) (Target, error) { return f.Target, nil }
func (f fixed) why() string                                          { return f.reason }

func (p *Planner) toHome(reason string) route {
	return fixed{Target{One, p.each[p.home]}, reason}
}

func (p *Planner) everywhere(reason string) route {
	return fixed{Target{Everywhere, p.all}, reason}
}

// Explain says in a sentence why a call goes where it goes.
func (st *Statement) Explain() string {
	if st.route == nil {
		return ""
	}
	return st.route.why()
}
