package xadriver

import (
	"context"
	"database/sql/driver"
	"errors"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/xapg/xapg/xadriver/internal/branch"
	"github.com/xapg/xapg/xadriver/internal/commit"
	"github.com/xapg/xapg/xadriver/internal/origin"
	"github.com/xapg/xapg/xadriver/internal/plan"
)

func controls(s *plan.Statement) bool {
	switch s.Class {
	case plan.Begin, plan.Commit, plan.Rollback:
		return true
	default:
		return false
	}
}

// control runs what governs transactions and sessions, and reports whether s is
// such a statement.
func (c *Conn) control(ctx context.Context, s *plan.Statement) (bool, error) {
	switch s.Class {
	case plan.Begin:
		return true, c.begin(ctx, s)
	case plan.Commit:
		return true, c.commitText(ctx, s.Control)
	case plan.Rollback:
		c.rollbackText(ctx, s.Control)
		return true, nil
	case plan.Savepoint, plan.Release, plan.RollbackTo:
		return true, c.savepoint(ctx, s)
	case plan.Set, plan.Reset, plan.SetTransaction, plan.SetConstraints:
		return true, c.set(ctx, s)
	case plan.Discard:
		return true, c.discard()
	default:
		return false, nil
	}
}

// warn gives the application a warning that PostgreSQL would have given.
func (c *Conn) warn(code, message string) {
	if tell := c.connector.cfg.OnNotice; tell != nil {
		tell(c.connector.home.Name(), &pgconn.Notice{Severity: "WARNING", SeverityUnlocalized: "WARNING", Code: code, Message: message})
	}
}

// begin opens a transaction block. Within one, BEGIN is a warning and no more.
func (c *Conn) begin(ctx context.Context, s *plan.Statement) error {
	if c.txn != nil {
		c.warn("25001", "there is already a transaction in progress")
		return nil
	}
	ctl := s.Control
	var o branch.Options
	if ctl != nil {
		o.Isolation = ctl.Isolation
		if ctl.ReadOnly != nil {
			o.ReadOnly, o.ReadWrite = *ctl.ReadOnly, !*ctl.ReadOnly
		}
		if ctl.Deferrable != nil {
			o.Deferrable, o.AtOnce = *ctl.Deferrable, !*ctl.Deferrable
		}
	}
	c.txn = c.newTransaction(o)
	err := c.confine(ctx, s.Hint)
	if err != nil {
		c.txn = nil
	}
	return err
}

// commitText is COMMIT as a statement: in a failed transaction it rolls back,
// and that is no error to PostgreSQL.
func (c *Conn) commitText(ctx context.Context, ctl *plan.Control) error {
	if c.txn == nil {
		c.warn("25P01", "there is no transaction in progress")
		return nil
	}
	o := c.txn.Options()
	err := c.commit(ctx)
	if errors.Is(err, errCommitRolledBack) {
		err = nil
	}
	if err == nil && ctl != nil && ctl.Chain {
		c.txn = c.newTransaction(o)
	}
	return err
}

func (c *Conn) rollbackText(ctx context.Context, ctl *plan.Control) {
	if c.txn == nil {
		c.warn("25P01", "there is no transaction in progress")
		return
	}
	o := c.txn.Options()
	c.rollback(ctx)
	if ctl != nil && ctl.Chain {
		c.txn = c.newTransaction(o)
	}
}

// commit ends the transaction on all shards or on none.
func (c *Conn) commit(ctx context.Context) error {
	c.refresh()
	txn := c.txn
	c.txn = nil
	txn.ends()
	c.session.overlay = nil // tables may go with the transaction
	if txn.Failed() {
		ctx, end := c.tracedEnd(ctx, OpCommit, txn)
		c.connector.commits.Rollback(ctx, txn.Participants())
		c.endSide(txn, false)
		end(commit.Outcome{Kind: noProtocol}, errCommitRolledBack)
		return errCommitRolledBack
	}
	if err := c.connector.gatesOf(ctx, txn); err != nil {
		c.connector.commits.Rollback(ctx, txn.Participants())
		c.endSide(txn, false)
		return err
	}
	settings := txn.Settings()
	if len(settings) > 0 {
		c.session.stick(len(c.connector.shards))
	}
	ctx, end := c.tracedEnd(ctx, OpCommit, txn)
	out, err := c.connector.commits.Commit(ctx, txn.Participants())
	c.endSide(txn, err == nil)
	end(out, public(err))
	if err == nil {
		c.session.adopt(settings...)
	}
	if txn.altered {
		c.connector.schema.forget()
	}
	if state(err) == "0A000" && (txn.temps || txn.notified) {
		what := "touched temporary tables"
		if txn.notified {
			what = "called pg_notify with what it read from tables, or LISTEN,"
		}
		return &UnsupportedError{
			Clause: "a transaction that " + what + " and wrote on several shards", Reason: "PostgreSQL does not prepare it; it was rolled back",
			Remedy: "write on other shards in a transaction of its own",
		}
	}
	c.sent.Store(true)
	return lastWord(ctx, public(err))
}

// lastWord makes sure that the answer to a commit is never driver.ErrBadConn, upon
// which database/sql would do something again.
func lastWord(ctx context.Context, err error) error {
	if errors.Is(err, driver.ErrBadConn) && ctx.Err() != nil {
		return ctx.Err() // pgx says so where the context had ended before anything was sent
	}
	if errors.Is(err, driver.ErrBadConn) {
		return serverError(origin.Lost, "xapg: a connection was lost while the transaction ended: "+err.Error())
	}
	return err
}

// yield lets go of the locks of a transaction that has failed: nobody need wait
// until the application has said ROLLBACK.
func (c *Conn) yield() {
	ctx, cancel := context.WithTimeout(context.Background(), c.connector.cfg.FinishWait)
	defer cancel()
	c.txn.Yield(ctx)
}

func (c *Conn) rollback(ctx context.Context) {
	txn := c.txn
	c.txn = nil
	txn.ends()
	c.session.overlay = nil
	ctx, end := c.tracedEnd(ctx, OpRollback, txn)
	c.connector.commits.Rollback(ctx, txn.Participants())
	c.endSide(txn, false)
	end(commit.Outcome{}, nil)
}

func (c *Conn) savepoint(ctx context.Context, s *plan.Statement) error {
	txn, name := c.txn, s.Control.Name
	switch {
	case txn == nil:
		command := map[plan.Class]string{
			plan.Savepoint: "SAVEPOINT", plan.Release: "RELEASE SAVEPOINT", plan.RollbackTo: "ROLLBACK TO SAVEPOINT",
		}[s.Class]
		return errNoTransaction(command)
	case s.Class == plan.RollbackTo && len(txn.order) > 0:
		return c.failed(txn.keepsWork())
	case s.Class == plan.RollbackTo:
		txn.own, c.session.overlay = nil, nil
		return txn.RollbackTo(ctx, name)
	case txn.Failed():
		return errInFailedTransaction()
	case s.Class == plan.Savepoint:
		return txn.Savepoint(ctx, name)
	default:
		return txn.ReleaseSavepoint(ctx, name)
	}
}

// set changes a setting on all shards: at once where the transaction is, later
// where it is not yet. Home is always asked, so that a bad value is an error now.
func (c *Conn) set(ctx context.Context, s *plan.Statement) error {
	if c.txn != nil {
		if c.txn.Failed() {
			return errInFailedTransaction()
		}
		return c.setInTransaction(ctx, s)
	}
	leave, err := c.enter(ctx, []int{c.connector.home.Index()})
	if err != nil {
		return err
	}
	defer leave()
	if s.Class == plan.SetConstraints {
		conn, err := c.acquire(ctx, c.connector.home)
		if err != nil {
			return err
		}
		defer func() { c.session.release(conn) }()
		_, err = conn.Command(ctx, s.SQL) // a warning, unless there is no such constraint
		return err
	}
	if s.Class == plan.SetTransaction || s.Setting.Local {
		what := "SET TRANSACTION"
		if s.Class != plan.SetTransaction {
			what = "SET LOCAL"
		}
		c.warn("25P01", what+" can only be used in transaction blocks")
		return nil
	}
	c.session.stick(len(c.connector.shards))
	conn, err := c.acquire(ctx, c.connector.home)
	if err != nil {
		return err
	}
	defer func() { c.session.release(conn) }()
	if _, err := conn.Command(ctx, s.SQL); err != nil {
		return err
	}
	c.session.adopt(settingOf(s))
	conn.Settings++
	return nil
}

func (c *Conn) setInTransaction(ctx context.Context, s *plan.Statement) error {
	if (s.Class == plan.Set || s.Class == plan.Reset) && !s.Setting.Local && c.session.tenure.Pinned() {
		return c.failed(errPinnedSetting)
	}
	if s.Class == plan.SetConstraints {
		// Home says whether there are such constraints.
		if _, err := c.txn.Branch(ctx, c.connector.home); err != nil {
			return c.failed(err)
		}
	}
	if s.Class == plan.SetConstraints {
		if err := c.txn.Tell(ctx, s.SQL); err != nil {
			return err
		}
		if b := c.txn.On(c.connector.home); !b.Begun() {
			_, err := b.Command(ctx, "") // what is queued travels with an empty statement
			return err
		}
		return nil
	}
	if s.Class == plan.SetTransaction {
		return c.setTransaction(ctx, s.SQL, s.Control)
	}
	if s.Setting.Name == "transaction_isolation" && len(s.Setting.Values) == 1 {
		if l, ok := isolationOf(s.Setting.Values[0]); ok {
			return c.setTransaction(ctx, s.SQL, &plan.Control{Isolation: l.String()})
		}
	}
	home, err := c.txn.Branch(ctx, c.connector.home)
	if err != nil {
		return c.failed(err)
	}
	if err := c.txn.Set(ctx, settingOf(s)); err != nil {
		return err
	}
	if home.Begun() {
		return nil
	}
	// What is queued travels with an empty statement.
	_, err = home.Command(ctx, "")
	return err
}

func settingOf(s *plan.Statement) branch.Setting {
	set := branch.Setting{SQL: s.SQL, Name: s.Setting.Name, Values: s.Setting.Values, Local: s.Setting.Local}
	if s.Setting.All {
		set.Name = ""
	}
	if set.Name == characteristics && s.Control != nil && s.Control.Isolation != "" {
		set.Values = []string{s.Control.Isolation}
	}
	return set
}

func (c *Conn) discard() error {
	if c.txn != nil {
		return c.failed(serverError("25001", "DISCARD ALL cannot run inside a transaction block"))
	}
	c.session.discard()
	return nil
}
