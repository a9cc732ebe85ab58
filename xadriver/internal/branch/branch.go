// Package branch keeps one transaction's parts on the shards.
//
// A Txn is a transaction as the application sees it; a Branch is its part on
// one shard. Branches open when a statement first needs their shard, with the
// BEGIN in the same message, and a branch that opens late is told everything
// that the others were told before it: isolation level, settings, savepoints.
// A transaction that failed anywhere has failed everywhere, as in PostgreSQL,
// until it is rolled back, wholly or to a savepoint.
//
// To the commit protocol a Branch is a participant.
package branch

import (
	"context"
	"database/sql/driver"
	"errors"

	"github.com/xapg/xapg/xadriver/internal/origin"

	"github.com/jackc/pgx/v5"

	"github.com/xapg/xapg/xadriver/internal/commit"
	"github.com/xapg/xapg/xadriver/internal/shard"
)

// Branch is one shard's part of a transaction: one connection with an open
// transaction. It is used by one goroutine at a time, though different branches
// of one transaction are used at once.
type Branch struct {
	txn   *Txn
	conn  *shard.Conn
	wrote commit.Wrote

	lockWait bool // lock_timeout has been set in this transaction
	begun    bool // something was sent to the server
	shown    bool // it has taken the transaction's key
	lost     bool // the connection broke within the transaction
	over     bool // it was rolled back before its transaction ended
	keeps    bool // others may wait for its locks until the whole transaction is visible
	gated    bool // its PREPARE or COMMIT passes the shard's gate
}

var (
	_ commit.Participant = (*Branch)(nil)
	_ commit.Gated       = (*Branch)(nil)
)

// Effect says what a statement may do to its shard, as far as its text tells.
type Effect uint8

// The effects.
const (
	Reads  Effect = iota // may write only through what the text does not show
	Keeps                // as Reads, and takes locks for their own sake
	Writes               // writes if it touches any row
	Alters               // writes in any case: DDL, notifications
)

// Conn is the branch's connection.
func (b *Branch) Conn() *shard.Conn { return b.conn }

// Query runs a statement that returns rows.
func (b *Branch) Query(ctx context.Context, sql string, args []driver.NamedValue, e Effect) (driver.Rows, error) {
	b.before(e)
	rows, err := b.conn.Query(ctx, sql, args)
	return rows, b.after(err)
}

// Exec runs a statement that returns no rows.
func (b *Branch) Exec(ctx context.Context, sql string, args []driver.NamedValue, e Effect) (driver.Result, error) {
	b.before(e)
	res, err := b.conn.Exec(ctx, sql, args)
	if err == nil && e == Writes {
		if n, nerr := res.RowsAffected(); nerr == nil && n > 0 {
			b.wrote = commit.Yes
		}
	}
	return res, b.after(err)
}

// Lend prepares the branch for statements that the driver does not see: waiting for
// locks is bounded from the start.
func (b *Branch) Lend(ctx context.Context) error {
	b.wrote = commit.Yes
	if b.txn.wait != "" && !b.lockWait {
		b.boundWait()
	}
	b.show(Writes)
	b.conn.Lent = true
	if !b.conn.Unsent() {
		return nil
	}
	_, err := b.Command(ctx, "") // what is queued travels with an empty statement
	return err
}

func (b *Branch) boundWait() {
	b.lockWait = true
	if !Bounds([]string{b.conn.Shard().RuntimeParam("lock_timeout")}) {
		b.conn.Queue(b.txn.wait)
	}
}

// Describe asks the server for a statement's parameters and columns.
func (b *Branch) Describe(ctx context.Context, sql string) (*shard.Description, error) {
	d, err := b.conn.Describe(ctx, sql)
	return d, b.after(err)
}

// CopyFrom copies rows into a table.
func (b *Branch) CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, rows pgx.CopyFromSource) (int64, error) {
	b.before(Writes)
	n, err := b.conn.CopyFrom(ctx, table, columns, rows)
	if err == nil && n > 0 {
		b.wrote = commit.Yes
	}
	return n, b.after(err)
}

// Command runs transaction control on an open branch.
func (b *Branch) Command(ctx context.Context, sql string) (string, error) {
	b.begun = true
	tag, err := b.conn.Command(ctx, sql)
	return tag, b.after(err)
}

// Begin sends what is queued, with an empty statement: the transaction is open then, and
// has no snapshot yet.
func (b *Branch) Begin(ctx context.Context) error {
	if !b.conn.Unsent() {
		return nil
	}
	_, err := b.Command(ctx, "")
	if errors.Is(err, shard.ErrNotSent) {
		b.begun = false // the server has not heard of it
	}
	return err
}

// Restart begins the branch anew, with another snapshot. Nothing must have been done on it.
func (b *Branch) Restart(ctx context.Context) error {
	if b.lost {
		return b.lostError()
	}
	if !b.conn.Unsent() {
		if _, err := b.Command(ctx, "ROLLBACK"); err != nil {
			return err
		}
		b.conn.Ended()
		b.begun, b.lockWait = false, false
		b.txn.brief(b)
	}
	return nil
}

// NoteWrite takes notice that a statement's rows show that it wrote.
func (b *Branch) NoteWrite() { b.wrote = commit.Yes }

// NoteError takes notice of an error that came while rows were read.
func (b *Branch) NoteError(err error) { _ = b.after(err) }

func (b *Branch) before(e Effect) {
	if b.txn.wait != "" && !b.lockWait && len(b.txn.open) > 1 {
		b.boundWait()
	}
	b.show(e)
	switch {
	case e == Alters:
		b.wrote = commit.Yes
	case e == Keeps:
		b.keeps, b.wrote = true, max(b.wrote, commit.Maybe)
	case b.wrote == commit.No && (e == Writes || !b.txn.options.ReadOnly):
		b.wrote = commit.Maybe
	}
}

// after keeps the transaction's state as truthful as the server's.
func (b *Branch) after(err error) error {
	if !b.conn.Unsent() {
		b.begun = true
	}
	if err == nil {
		return nil
	}
	if b.conn.Busy() && errors.Is(err, driver.ErrBadConn) {
		return err // an earlier statement's rows are open, and this one was not sent
	}
	_ = origin.Note(err, b.Shard())
	switch b.conn.Status() {
	case shard.Broken:
		b.lost = true
		b.txn.fail()
	case shard.InTxn:
		// The library refused the statement before the server saw it.
	case shard.Idle:
		if b.begun {
			b.txn.fail()
		}
	default:
		b.txn.fail()
	}
	return err
}

// Begun reports whether anything of the transaction was sent to the shard.
func (b *Branch) Begun() bool { return b.begun }
