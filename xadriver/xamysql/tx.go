package xamysql

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/xapg/xapg/xadriver"
)

// Tx is one transaction's part on a Resource: a connection on which an XA branch is
// open. The application runs its statements on it; Prepare, Commit, Rollback and
// Release are xapg's, and are called when the transaction ends.
type Tx struct {
	resource *Resource
	conn     *sql.Conn
	xid      xid

	prepared bool
	timed    bool // wait_timeout has been set
	broken   bool // the connection must not be used by anybody again
}

// ExecContext runs a statement that returns no rows.
func (t *Tx) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return t.conn.ExecContext(ctx, query, args...)
}

// QueryContext runs a statement that returns rows. They must be closed before the
// transaction is committed.
func (t *Tx) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return t.conn.QueryContext(ctx, query, args...)
}

// QueryRowContext runs a statement that returns one row.
func (t *Tx) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	return t.conn.QueryRowContext(ctx, query, args...)
}

// PrepareContext prepares a statement.
func (t *Tx) PrepareContext(ctx context.Context, query string) (*sql.Stmt, error) {
	return t.conn.PrepareContext(ctx, query)
}

func (t *Tx) run(ctx context.Context, command string) error {
	_, err := t.conn.ExecContext(ctx, command)
	return err
}

// close ends the branch's work, after which it can be prepared or committed. What
// goes wrong here goes wrong before either was asked for: the branch is rolled back.
func (t *Tx) close(ctx context.Context, before ...string) error {
	for _, command := range append(before, "XA END "+t.xid.String()) {
		if err := t.run(ctx, command); err != nil {
			t.undo(ctx)
			return fmt.Errorf("%w: %w", xadriver.ErrRolledBack, err)
		}
	}
	return nil
}

// Prepare implements xadriver.Branch.
func (t *Tx) Prepare(ctx context.Context) error {
	t.timed = true
	if err := t.close(ctx, fmt.Sprintf("SET @xapg_wait_timeout = @@SESSION.wait_timeout, SESSION wait_timeout = %d", t.resource.silence)); err != nil {
		return err
	}
	if err := t.run(ctx, "XA PREPARE "+t.xid.String()); err != nil {
		return t.refused(ctx, err)
	}
	t.prepared = true
	return nil
}

// Commit implements xadriver.Branch.
func (t *Tx) Commit(ctx context.Context) error {
	if t.prepared {
		return t.settle(ctx, xaCommitCommand)
	}
	if err := t.close(ctx); err != nil {
		return err
	}
	if err := t.run(ctx, "XA COMMIT "+t.xid.String()+" ONE PHASE"); err != nil {
		return t.refused(ctx, err)
	}
	return nil
}

// Rollback implements xadriver.Branch.
func (t *Tx) Rollback(ctx context.Context) error {
	if t.prepared {
		return t.settle(ctx, xaRollbackCommand)
	}
	_ = t.run(ctx, "XA END "+t.xid.String()) // it may have ended, or failed
	t.undo(ctx)
	return nil
}

// settle finishes the prepared branch. Where that fails, the connection is closed,
// so that the server lets others finish it.
func (t *Tx) settle(ctx context.Context, command string) error {
	err := end(ctx, t.conn, command, t.xid)
	if err != nil {
		t.abandon()
	}
	return err
}

// refused tells a server's word that the branch is rolled back from an answer that
// leaves open what was done.
func (t *Tx) refused(ctx context.Context, err error) error {
	if !refusal(err) {
		t.abandon()
		return err
	}
	t.undo(ctx)
	if t.broken { // the server would not say again that it is gone
		return err
	}
	return fmt.Errorf("%w: %w", xadriver.ErrRolledBack, err)
}

// undo rolls back what is not prepared. The end of its connection does that as well.
func (t *Tx) undo(ctx context.Context) {
	if err := t.run(ctx, xaRollbackCommand+t.xid.String()); err != nil && number(err) != xaerNota {
		t.abandon()
	}
}

func (t *Tx) abandon() { t.broken = true }

// releaseWait bounds how long giving back a connection may take.
const releaseWait = time.Second

// Release implements xadriver.Branch.
func (t *Tx) Release() {
	if t.timed && !t.broken {
		ctx, cancel := context.WithTimeout(context.Background(), releaseWait)
		defer cancel()
		if t.run(ctx, "SET SESSION wait_timeout = @xapg_wait_timeout") != nil {
			t.abandon()
		}
	}
	if t.broken {
		discard(t.conn)
		return
	}
	_ = t.conn.Close()
}
