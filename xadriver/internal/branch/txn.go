package branch

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/xapg/xapg/xadriver/internal/commit"
	"github.com/xapg/xapg/xadriver/internal/shard"
)

// Options of a transaction, the same for all of its branches.
type Options struct {
	Isolation  string // as in BEGIN ISOLATION LEVEL …; "" is the server's default
	ReadOnly   bool
	ReadWrite  bool // said explicitly
	Deferrable bool
	AtOnce     bool // NOT DEFERRABLE, said explicitly
	// LockWait bounds how long a statement waits for a lock once the transaction
	// spans several shards, so that transactions that wait for each other on
	// different shards do not wait for ever. 0 is no bound.
	LockWait time.Duration
	// Gate is what a branch sends before it commits or prepares, to pass its shard's
	// gate; nil where there are none.
	Gate []string

	// Identity is what the transaction is known by; nil where that is of no interest.
	Identity Identity

	// Acquire and Release give the connections that the branches live on.
	Acquire func(context.Context, *shard.Shard) (*shard.Conn, error)
	Release func(*shard.Conn) // may be called on any goroutine
}

// Begin is the statement that opens a branch.
func (o *Options) begin() string {
	if o.Isolation == "" && !o.ReadOnly && !o.ReadWrite && !o.Deferrable && !o.AtOnce {
		return "BEGIN"
	}
	var b strings.Builder
	b.WriteString("BEGIN")
	if o.Isolation != "" {
		b.WriteString(" ISOLATION LEVEL ")
		b.WriteString(o.Isolation)
	}
	if o.ReadOnly {
		b.WriteString(" READ ONLY")
	}
	if o.ReadWrite {
		b.WriteString(" READ WRITE")
	}
	if o.Deferrable {
		b.WriteString(" DEFERRABLE")
	}
	if o.AtOnce {
		b.WriteString(" NOT DEFERRABLE")
	}
	return b.String()
}

// Txn is one transaction of the application. It is used by one goroutine at a
// time; while statements run on several branches at once, these branches are.
type Txn struct {
	options Options
	journal journal
	byShard []*Branch // by the shard's index; nil where none is open
	open    []*Branch // in the order in which they opened
	side    *Branch   // what is committed after the others, by a plain COMMIT
	failed  atomic.Bool
	yielded bool   // a failed transaction has given up its locks
	wait    string // SET LOCAL lock_timeout = …, "" for none
	marks   marks
}

// NewTxn makes a transaction over so many shards. Nothing is sent.
func NewTxn(shards int, options Options) *Txn {
	t := &Txn{options: options, byShard: make([]*Branch, shards)}
	t.boundLocks()
	return t
}

// Options are the transaction's.
func (t *Txn) Options() Options { return t.options }

// Failed reports whether the transaction takes nothing but its end, or a
// rollback to a savepoint.
func (t *Txn) Failed() bool { return t.failed.Load() }

// Fail makes it so: a statement of several shards was done on some of them only.
func (t *Txn) Fail() { t.fail() }

func (t *Txn) fail() { t.failed.Store(true) }

// Open lists the branches in the order in which they opened.
func (t *Txn) Open() []*Branch { return t.open }

// On is the branch on a shard, nil when none is open there.
func (t *Txn) On(s *shard.Shard) *Branch { return t.byShard[s.Index()] }

// Branch is the branch on a shard, opened when there is none yet. Nothing is
// sent: BEGIN and the journal travel with the first statement.
func (t *Txn) Branch(ctx context.Context, s *shard.Shard) (*Branch, error) {
	if b := t.byShard[s.Index()]; b != nil {
		if b.lost {
			return nil, b.lostError()
		}
		return b, nil
	}
	conn, err := t.options.Acquire(ctx, s)
	if err != nil {
		return nil, err
	}
	t.mark()
	b := &Branch{txn: t, conn: conn}
	t.brief(b)
	t.byShard[s.Index()] = b
	t.open = append(t.open, b)
	return b, nil
}

// Side is a branch beside the others, on a connection that take gives. It hears of
// settings and savepoints like them, but is no participant of the commit: EndSide
// ends it. It is for what PostgreSQL does not prepare and what is worth nothing
// before the commit: notifications.
func (t *Txn) Side(ctx context.Context, take func(context.Context) (*shard.Conn, error)) (*Branch, error) {
	if t.side != nil {
		return t.side, nil
	}
	conn, err := take(ctx)
	if err != nil {
		return nil, err
	}
	t.mark()
	t.side = &Branch{txn: t, conn: conn}
	t.brief(t.side)
	return t.side, nil
}

// EndSide commits what runs beside the transaction, after the transaction, or
// rolls it back.
func (t *Txn) EndSide(ctx context.Context, commit bool) {
	if t.side == nil {
		return
	}
	if !commit || t.side.Commit(ctx) != nil {
		t.side.Rollback(ctx)
	}
	t.side.conn.Break() // nobody knows what a function has left in its session
	t.side.conn.Release()
	t.side = nil
}

// Yield gives up the locks of a failed transaction, as one PostgreSQL would: the
// branches that have not failed themselves roll back, to the last savepoint if
// there is one.
func (t *Txn) Yield(ctx context.Context) {
	if t.yielded {
		return
	}
	t.yielded = true
	sql := "ROLLBACK"
	for i := len(t.journal.entries) - 1; i >= 0 && sql == "ROLLBACK"; i-- {
		if name := t.journal.entries[i].savepoint; name != "" {
			sql = "ROLLBACK TO SAVEPOINT " + quote(name)
		}
	}
	for _, b := range t.open {
		if b.conn.Busy() { // its rows are still being read: later, perhaps
			t.yielded = false
		}
	}
	_ = Each(t.open, func(b *Branch) error {
		if b.lost || b.conn.Unsent() || b.conn.Busy() || b.conn.Status() != shard.InTxn {
			return nil
		}
		if _, err := b.conn.Command(ctx, sql); err != nil {
			b.conn.Break()
			b.lost = true
			return nil
		}
		if sql == "ROLLBACK" {
			b.conn.Ended()
			b.over = true
		}
		return nil
	})
}

// Refresh looks at branches whose connection the application has in hand: the driver
// did not see what became of them there.
func (t *Txn) Refresh() {
	for _, b := range t.open {
		if !b.conn.Lent || b.over {
			continue
		}
		switch b.conn.Status() {
		case shard.InTxn:
		case shard.Broken:
			b.lost = true
			t.fail()
		default: // failed, or ended by hand
			if b.begun {
				t.fail()
			}
		}
	}
}

// Reopen gives a branch a new connection, when it turned out that the old one was
// dead before anything was sent on it.
func (t *Txn) Reopen(ctx context.Context, b *Branch) error {
	s := b.conn.Shard()
	b.conn.Break()
	t.options.Release(b.conn)
	conn, err := t.options.Acquire(ctx, s)
	if err != nil {
		// The branch is gone: nothing of it is left on the server, nor here.
		t.byShard[s.Index()] = nil
		t.open = slices.DeleteFunc(t.open, func(o *Branch) bool { return o == b })
		t.fail()
		return err
	}
	b.conn, b.lost, b.lockWait = conn, false, false
	t.remark(b)
	t.brief(b)
	t.failed.Store(false)
	return nil
}

// brief tells a new branch what the others know.
func (t *Txn) brief(b *Branch) {
	b.shown = false
	b.conn.Queue(t.options.begin())
	for _, e := range t.journal.entries {
		b.conn.Queue(e.sql)
	}
}

// Participants are the branches as the commit protocol sees them.
func (t *Txn) Participants() []commit.Participant {
	ps := make([]commit.Participant, len(t.open))
	for i, b := range t.open {
		ps[i] = b
	}
	return ps
}

// Settings are the lasting ones that the transaction made, in order.
func (t *Txn) Settings() []Setting {
	var all []Setting
	for _, e := range t.journal.entries {
		if e.setting != nil && !e.setting.Local {
			all = append(all, *e.setting)
		}
	}
	return all
}

// Said lists the settings that the transaction made, as they were written.
func (t *Txn) Said() []Setting {
	var all []Setting
	for _, e := range t.journal.entries {
		if e.setting != nil {
			all = append(all, *e.setting)
		}
	}
	return all
}

// Setting is the transaction's last word on a setting, nil when it has none.
func (t *Txn) Setting(name string) *Setting {
	for i := len(t.journal.entries) - 1; i >= 0; i-- {
		if s := t.journal.entries[i].setting; s != nil && (s.Name == name || s.Name == "") {
			return s
		}
	}
	return nil
}

// Set runs a SET on all open branches and notes it for those to come.
func (t *Txn) Set(ctx context.Context, s Setting) error {
	if err := t.all(ctx, s.SQL); err != nil {
		return err
	}
	t.journal.add(entry{sql: s.SQL, setting: &s})
	t.boundLocks()
	return nil
}

// Tell runs a statement on all open branches and notes it for those to come.
func (t *Txn) Tell(ctx context.Context, sql string) error {
	if err := t.all(ctx, sql); err != nil {
		return err
	}
	t.journal.add(entry{sql: sql})
	return nil
}

// Savepoint begins a subtransaction on all branches, those to come included.
func (t *Txn) Savepoint(ctx context.Context, name string) error {
	sql := "SAVEPOINT " + quote(name)
	if err := t.all(ctx, sql); err != nil {
		return err
	}
	t.journal.add(entry{sql: sql, savepoint: name})
	return nil
}

// ReleaseSavepoint keeps what was done since the savepoint.
func (t *Txn) ReleaseSavepoint(ctx context.Context, name string) error {
	at := t.journal.savepoint(name)
	if at < 0 {
		return t.noSavepoint(name)
	}
	if err := t.all(ctx, "RELEASE SAVEPOINT "+quote(name)); err != nil {
		return err
	}
	t.journal.release(at)
	return nil
}

// RollbackTo undoes what was done since the savepoint, on all branches, and
// heals a failed transaction.
func (t *Txn) RollbackTo(ctx context.Context, name string) error {
	at := t.journal.savepoint(name)
	if at < 0 {
		return t.noSavepoint(name)
	}
	for _, b := range t.open {
		if b.lost {
			return b.lostError()
		}
		b.lockWait, b.shown = false, false
	}
	if err := t.all(ctx, "ROLLBACK TO SAVEPOINT "+quote(name)); err != nil {
		return err
	}
	t.journal.rollbackTo(at)
	t.boundLocks()
	t.failed.Store(false)
	t.yielded = false
	return nil
}

func (t *Txn) noSavepoint(name string) error {
	t.fail()
	return &pgconn.PgError{
		Severity: "ERROR", SeverityUnlocalized: "ERROR", Code: "3B001",
		Message: fmt.Sprintf("savepoint %q does not exist", name),
	}
}

// all runs transaction control on every open branch, in parallel. Where it fails
// on one it has failed on the transaction.
func (t *Txn) all(ctx context.Context, sql string) error {
	all := t.open
	if t.side != nil {
		all = append(slices.Clone(all), t.side)
	}
	return Each(all, func(b *Branch) error {
		if b.lost {
			return b.lostError()
		}
		if b.conn.Unsent() {
			b.conn.Queue(sql)
			return nil
		}
		_, err := b.Command(ctx, sql)
		if err != nil {
			t.fail()
		}
		return err
	})
}

// boundLocks makes the statement that bounds waiting for locks. The
// application's own setting stands where it has one.
func (t *Txn) boundLocks() {
	t.wait = ""
	if t.options.LockWait <= 0 {
		return
	}
	if s := t.Setting("lock_timeout"); s != nil && Bounds(s.Values) {
		return
	}
	t.wait = fmt.Sprintf("SET LOCAL lock_timeout = %d", max(1, t.options.LockWait.Milliseconds()))
}

// Bounds reports whether a value of a timeout setting is one, and not 0, which
// stands for none.
func Bounds(values []string) bool {
	return len(values) > 0 && strings.Trim(values[0], "0 dhimns'") != ""
}

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
