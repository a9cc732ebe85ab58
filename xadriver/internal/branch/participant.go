package branch

import (
	"context"
	"database/sql/driver"
	"errors"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/xapg/xapg/xadriver/internal/commit"
	"github.com/xapg/xapg/xadriver/internal/failover"
	"github.com/xapg/xapg/xadriver/internal/origin"
	"github.com/xapg/xapg/xadriver/internal/shard"
)

// What a branch is to the commit protocol: it votes, commits or rolls back, and sorts the
// server's answers by what they prove.

// Shard implements commit.Participant.
func (b *Branch) Shard() string { return b.conn.Shard().Name() }

// Wrote implements commit.Participant.
func (b *Branch) Wrote() commit.Wrote {
	if b.conn.Unsent() {
		return commit.No
	}
	return b.wrote
}

const ask = "SELECT pg_current_xact_id_if_assigned() IS NOT NULL"

// Ask implements commit.Participant. The server assigns a transaction id with
// the first write, whoever caused it: a function, a trigger, a sequence.
func (b *Branch) Ask(ctx context.Context) (bool, error) {
	if b.lost {
		return false, b.lostError()
	}
	rows, err := b.conn.Query(ctx, ask, nil)
	if err != nil {
		return false, b.after(err)
	}
	defer rows.Close()
	value := make([]driver.Value, 1)
	if err := rows.Next(value); err != nil {
		return false, b.after(err)
	}
	wrote, ok := value[0].(bool)
	if !ok {
		return false, origin.Errorf(b.Shard(), origin.Lost, "cannot tell whether the transaction wrote: got %T", value[0])
	}
	return wrote, nil
}

// Keeps implements commit.Keeping.
func (b *Branch) Keeps() bool { return b.keeps }

// Commit implements commit.Participant.
func (b *Branch) Commit(ctx context.Context) error {
	if b.lost {
		return b.lostError()
	}
	if b.conn.Unsent() {
		return nil // the server has not even heard of it
	}
	b.pass()
	tag, err := b.conn.Command(ctx, "COMMIT")
	if err != nil {
		return b.answer(b.afterGate(ctx, err))
	}
	b.conn.Ended()
	if tag == "ROLLBACK" {
		return ErrRolledBack
	}
	return nil
}

// Gate implements commit.Gated.
func (b *Branch) Gate() bool {
	b.gated = b.txn.options.Gate != nil && b.conn.Several()
	return b.gated
}

// pass puts the lock that passes the gate before the command that is sent next, in the
// same message.
func (b *Branch) pass() {
	if !b.gated {
		return
	}
	for _, sql := range b.txn.options.Gate {
		b.conn.Queue(sql)
	}
}

// afterGate ends a transaction whose COMMIT or PREPARE was not reached, because passing
// the gate had failed: the server has said so, and the transaction is still there.
func (b *Branch) afterGate(ctx context.Context, err error) error {
	if !b.gated || b.conn.Status() != shard.Failed {
		return err
	}
	if _, rerr := b.conn.Command(context.WithoutCancel(ctx), "ROLLBACK"); rerr != nil {
		b.conn.Break()
	}
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) && pgErr.Code == "25P02" { // in_failed_sql_transaction
		return ErrRolledBack
	}
	return err
}

// ErrRolledBack is the error of a COMMIT that the server answered with ROLLBACK.
var ErrRolledBack = errors.New("commit unexpectedly resulted in rollback")

// Prepare implements commit.Participant. PREPARE TRANSACTION in a failed
// transaction is no error to the server, which then answers with the tag
// ROLLBACK: only its own tag is a vote.
func (b *Branch) Prepare(ctx context.Context, gid string) (vote string, err error) {
	if b.lost {
		return "", b.lostError()
	}
	b.pass()
	tag, vote, err := b.vote(ctx, "PREPARE TRANSACTION '"+gid+"'")
	if err != nil {
		return "", b.answer(b.afterGate(ctx, err))
	}
	b.conn.Ended()
	if tag == "" {
		if tag, err = b.votedFor(ctx, gid); err != nil {
			return "", b.answer(err)
		}
	}
	if tag != tagPrepared {
		return "", origin.Errorf(b.Shard(), origin.Lost, "%w (it answered PREPARE TRANSACTION with %s)", ErrRolledBack, tag)
	}
	return vote, nil
}

// vote prepares and, where another server may take over one day, asks in the same
// message where in the write-ahead log that is (see txlog.Participant). It is the first answer that counts: when the question
// fails, or the connection ends between the two, the vote is given all the same.
func (b *Branch) vote(ctx context.Context, sql string) (tag, place string, err error) {
	if !b.conn.Shard().Replicated() || !b.conn.Several() {
		tag, err = b.conn.Command(ctx, sql)
		return tag, "", err
	}
	tag, row, err := b.conn.CommandAnd(ctx, sql, failover.Place)
	return tag, failover.PlaceOf(row), err
}

const tagPrepared = "PREPARE TRANSACTION"

// votedFor finds out what a driver that hides command tags did not tell.
func (b *Branch) votedFor(ctx context.Context, gid string) (string, error) {
	rows, err := b.conn.Query(ctx, "SELECT gid FROM pg_catalog.pg_prepared_xacts WHERE gid = '"+gid+"' AND database = current_database()", nil)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	if err := rows.Next(make([]driver.Value, 1)); err != nil {
		return "ROLLBACK", nil
	}
	return tagPrepared, nil
}

// CommitPrepared implements commit.Participant.
func (b *Branch) CommitPrepared(ctx context.Context, gid string) error {
	return b.finish(ctx, "COMMIT PREPARED '"+gid+"'")
}

// RollbackPrepared implements commit.Participant.
func (b *Branch) RollbackPrepared(ctx context.Context, gid string) error {
	return b.finish(ctx, "ROLLBACK PREPARED '"+gid+"'")
}

func (b *Branch) finish(ctx context.Context, sql string) error {
	if _, err := b.conn.Command(ctx, sql); err != nil {
		return b.answer(err)
	}
	return nil
}

// Rollback implements commit.Participant.
func (b *Branch) Rollback(ctx context.Context) {
	if b.lost || b.over || b.conn.Unsent() {
		return
	}
	if _, err := b.conn.Command(ctx, "ROLLBACK"); err != nil {
		b.conn.Break()
		return
	}
	b.conn.Ended()
}

// Release implements commit.Participant. What a transaction has SET is not taken
// back by every way in which it may end (PREPARE TRANSACTION keeps it even when a
// ROLLBACK PREPARED follows), so a connection that heard it is not used again.
func (b *Branch) Release() {
	if b.txn.journal.lastingSettings() {
		b.conn.Break()
	}
	b.txn.release(b)
}

func (b *Branch) lostError() error {
	return origin.Errorf(b.Shard(), origin.Lost, "the connection was lost within the transaction, which is rolled back: run it again")
}

// answer sorts errors into those that are the server's word and those that leave
// open what it did.
func (b *Branch) answer(err error) error {
	var pgErr *pgconn.PgError
	switch {
	case errors.As(err, &pgErr):
		if pgErr.Code == "42704" { // undefined_object
			return &answer{err, commit.ErrGone}
		}
		// A session that the server ends may have finished its work before.
		fatal := pgErr.SeverityUnlocalized == "FATAL" || pgErr.SeverityUnlocalized == "PANIC" ||
			pgErr.Severity == "FATAL" || pgErr.Severity == "PANIC"
		if !fatal && pgErr.Code[:min(3, len(pgErr.Code))] != "57P" {
			b.conn.Ended()
			return err
		}
	case errors.Is(err, shard.ErrNotSent):
		// Nothing was sent. The server rolls back when the connection closes.
		b.conn.Break()
		return err
	}
	b.conn.Break()
	return &answer{err, commit.ErrLost}
}

// answer marks an error for the protocol without changing what users see of it.
type answer struct {
	error
	mark error
}

func (a *answer) Unwrap() []error { return []error{a.error, a.mark} }

// Bare takes the protocol's mark off an error, so that clients that use a plain
// type assertion find the server's own.
func Bare(err error) error {
	if a, ok := err.(*answer); ok { //nolint:errorlint // the mark is taken off only where it is the error itself
		return a.error
	}
	return err
}
