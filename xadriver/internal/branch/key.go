package branch

import (
	"strconv"
	"sync"

	"github.com/google/uuid"

	"github.com/xapg/xapg/xadriver/internal/commit"
	"github.com/xapg/xapg/xadriver/internal/shard"
)

// Whoever looks for deadlocks over several shards must know which sessions are one
// transaction: see package deadlock. The first branch is known by its server process, and
// costs nothing; each other one takes an advisory lock that leads to it.

// marks is how a transaction's branches are known to belong together.
type marks struct {
	key   int64   // of the advisory lock; 0 for none
	first *Branch // which does not take it

	mu    sync.Mutex
	left  int  // branches whose connections are still in use
	kept  bool // the first branch has ended, and its connection waits for the others
	shaky bool // another branch's connection was given up in a state that is not known
}

// Identity is what a transaction is known by.
type Identity interface {
	// ID is the transaction's id, uuid.Nil as long as it has none.
	ID() uuid.UUID
	// Key makes the key by which its sessions are known to belong together, from the
	// connection of the first; 0 where nobody looks for deadlocks.
	Key(first *shard.Conn) int64
}

var _ commit.Named = (*Branch)(nil)

// Txn implements commit.Named: a transaction over several shards has its id from then on.
func (b *Branch) Txn() uuid.UUID {
	if b.txn.options.Identity == nil {
		return uuid.Nil
	}
	return b.txn.options.Identity.ID()
}

// mark makes the transaction's key when a second branch opens.
func (t *Txn) mark() {
	if t.options.Identity == nil || t.marks.key != 0 {
		return
	}
	if t.marks.first = t.side; len(t.open) > 0 {
		t.marks.first = t.open[0]
	}
	if t.marks.first != nil {
		t.marks.key = t.options.Identity.Key(t.marks.first.conn)
	}
}

// remark makes it anew, when the first branch has another connection.
func (t *Txn) remark(b *Branch) {
	if t.marks.key != 0 && b == t.marks.first {
		t.marks.key = t.options.Identity.Key(b.conn)
	}
}

// show lets the server know whose branch this is, with the statement that comes next. It
// gives the branch a snapshot: what locks before it reads, in a transaction with one
// snapshot, goes without.
func (b *Branch) show(e Effect) {
	t := b.txn
	if t.marks.key == 0 || b.shown || b == t.marks.first || !b.conn.Carries() {
		return
	}
	if e == Alters && t.options.Isolation != "" && t.options.Isolation != "READ COMMITTED" && t.options.Isolation != "READ UNCOMMITTED" {
		return
	}
	b.shown = true
	b.conn.Queue("SELECT pg_catalog.pg_advisory_xact_lock_shared(" + strconv.FormatInt(t.marks.key, 10) + ")")
}

// release gives a branch's connection back. That of the first branch is given back last:
// the others' keys lead to it, and whoever used it next would be taken for this
// transaction. If it is not certain that the others are over, it is not used again.
func (t *Txn) release(b *Branch) {
	m := &t.marks
	if m.key == 0 {
		t.options.Release(b.conn)
		return
	}
	m.mu.Lock()
	if m.left == 0 {
		m.left = len(t.open)
	}
	m.left--
	if b == m.first && m.left > 0 {
		m.kept = true
		m.mu.Unlock()
		return
	}
	m.shaky = m.shaky || b != m.first && b.conn.Status() != shard.Idle
	last, shaky := m.left == 0 && m.kept, m.shaky
	m.mu.Unlock()
	t.options.Release(b.conn)
	if last {
		if shaky {
			m.first.conn.Break()
		}
		t.options.Release(m.first.conn)
	}
}
