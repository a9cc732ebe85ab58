package xadriver

import (
	"context"
	"database/sql/driver"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/xapg/xapg/xadriver/internal/origin"

	"github.com/xapg/xapg/xadriver/internal/branch"
	"github.com/xapg/xapg/xadriver/internal/cut"
	"github.com/xapg/xapg/xadriver/internal/merge"
	"github.com/xapg/xapg/xadriver/internal/plan"
	"github.com/xapg/xapg/xadriver/internal/shard"
)

// run is the way of a statement: text and arguments, the plan, the shards that
// this call's arguments name, their branches or connections, rows or a count.
func (c *Conn) run(ctx context.Context, query string, args []driver.NamedValue, rows bool) (driver.Rows, driver.Result, error) {
	c.takeBack()
	c.refresh()
	c.asking = query
	if e := enlistmentIn(args); e != nil {
		return noRows(rows), driver.RowsAffected(0), c.enlist(e)
	}
	query, args, values, err := arguments(ctx, query, args)
	if err != nil {
		return nil, nil, err
	}
	p, err := c.plan(ctx, query)
	if err != nil {
		return nil, nil, c.failed(err)
	}
	if len(p.Statements) == 1 {
		s := p.Statements[0]
		return c.statement(ctx, call{Statement: s, sql: s.SQL, args: args, given: values, values: c.asSent(args, values), rows: rows, options: args[:len(args)-len(values)]})
	}
	return c.script(ctx, query, p, rows)
}

// call is one statement with what it is run with.
type call struct {
	*plan.Statement
	sql    string              // what is sent: the statement's own text, or what a program made of it
	args   []driver.NamedValue // as given, with pgx's options before the values
	given  []driver.NamedValue // the values without the options
	values []driver.NamedValue // the values as the server will read them: keys are found by these
	rows   bool                // rows are wanted, not a count

	options []driver.NamedValue // pgx's
}

// bind lets the call send a text that a program made, with these arguments. Of
// pgx's options it keeps the exec mode; in which format results come is the
// program's affair.
func (s *call) bind(t plan.Text, args []driver.NamedValue) {
	s.sql, args = t.Bind(args)
	s.args = args
	for _, option := range s.options {
		if _, ok := option.Value.(pgx.QueryExecMode); ok {
			s.args = append([]driver.NamedValue{option}, args...)
		}
	}
}

// failed takes notice of a statement that never reached a shard: PostgreSQL
// would have failed the transaction, and a transaction that lacks one of its
// statements must not be committed.
func (c *Conn) failed(err error) error {
	if c.txn != nil {
		c.txn.Fail()
	}
	return err
}

// failing is failed for errors that may be nil.
func (c *Conn) failing(err error) error {
	if err != nil {
		return c.failed(err)
	}
	return nil
}

// statement runs one statement.
func (c *Conn) statement(ctx context.Context, s call) (driver.Rows, driver.Result, error) {
	if err := s.Fatal(); err != nil {
		return nil, nil, c.failed(err)
	}
	if done, err := c.control(ctx, s.Statement); done {
		return noRows(s.rows), driver.RowsAffected(0), err
	}
	if c.txn != nil && c.txn.Failed() {
		return nil, nil, errInFailedTransaction()
	}
	switch s.Class {
	case plan.Prepare, plan.Deallocate:
		return noRows(s.rows), driver.RowsAffected(0), c.failing(c.prepareText(ctx, s.Prepared, s.Class))
	case plan.Execute:
		return c.execute(ctx, s)
	case plan.Fetch:
		return c.fetch(ctx, s)
	case plan.InTurn:
		return noRows(s.rows), driver.RowsAffected(0), c.inTurn(ctx, s)
	}
	target, err := s.Target(s.values, hintOf(ctx))
	if err != nil {
		return nil, nil, c.failed(c.unreadable(ctx, s, err))
	}
	c.vague = target.Mode == plan.Any
	if own, err := c.isolate(ctx, s, target); err != nil {
		return nil, nil, c.failed(err)
	} else if own {
		return c.alone(ctx, s)
	}
	if s.SessionState || s.Temporary {
		if err := c.keep(ctx); err != nil {
			return nil, nil, c.failed(err)
		}
	}
	if s.Temporary {
		c.session.temporary = true
		if c.txn != nil {
			c.txn.temps = true
		}
	}
	switch s.Class {
	case plan.Declare:
		if err := c.declare(s, target); err != nil {
			return nil, nil, c.failed(err)
		}
	case plan.Create:
		return c.createAs(ctx, s)
	}
	if s.AsksSession && c.txn == nil && !c.session.sticky.Load() {
		return nil, nil, &plan.Refusal{
			Clause: "currval or lastval outside of a transaction", Reason: "each statement may use another server connection, with values of its own",
			Remedy: "use INSERT … RETURNING, or ask within the transaction",
		}
	}
	if s.rows && !s.ReturnsRows && !countsRows(s.Class) && s.Class != plan.Other { // DDL asked as a query
		s.rows = false
		_, res, err := c.to(ctx, s, target)
		if err != nil {
			return nil, nil, err
		}
		return noRows(true), res, nil
	}
	return c.to(ctx, s, target)
}

// to runs a statement where it goes.
func (c *Conn) to(ctx context.Context, s call, target plan.Target) (driver.Rows, driver.Result, error) {
	if target.Mode != plan.Composed {
		c.tell(target.Mode.String())
	}
	switch target.Mode {
	case plan.Composed:
		return c.composed(ctx, s, target)
	case plan.One:
		return c.one(ctx, s, c.connector.shards[target.Shards[0]])
	case plan.Any:
		return c.one(ctx, s, c.anyOf(target.Shards))
	default:
		if len(target.Shards) == 1 {
			return c.one(ctx, s, c.connector.shards[target.Shards[0]])
		}
		return c.several(ctx, s, target)
	}
}

// anyOf picks a shard where any will do: one that the transaction uses already.
func (c *Conn) anyOf(shards []int) *shard.Shard {
	if c.txn != nil {
		if at := c.txn.scope.shard - 1; slices.Contains(shards, at) {
			return c.connector.shards[at]
		}
		for _, b := range c.txn.Open() {
			if sh := b.Conn().Shard(); slices.Contains(shards, sh.Index()) {
				return sh
			}
		}
	}
	if slices.Contains(shards, c.connector.home.Index()) {
		return c.connector.home
	}
	return c.connector.shards[shards[0]]
}

func effect(s *plan.Statement) branch.Effect {
	switch {
	case s.Notifies, s.Writes && !countsRows(s.Class):
		return branch.Alters
	case s.Writes:
		return branch.Writes
	case s.Keeps:
		return branch.Keeps
	default:
		return branch.Reads
	}
}

func countsRows(c plan.Class) bool {
	switch c {
	case plan.Select, plan.Insert, plan.Update, plan.Delete, plan.Merge:
		return true
	default:
		return false
	}
}

// one runs a statement on one shard, where its rows go through untouched.
func (c *Conn) one(ctx context.Context, s call, sh *shard.Shard) (driver.Rows, driver.Result, error) {
	if c.txn != nil && s.Aside {
		return c.aside(ctx, s)
	}
	if c.txn == nil {
		leave, err := c.enter(ctx, sh.Alone())
		if err != nil {
			return nil, nil, err
		}
		defer leave()
		return c.single(ctx, s, sh)
	}
	if s.Timed && len(c.txn.Open()) > 0 && c.txn.Open()[0].Conn().Shard() != sh {
		var err error
		if s, err = c.timely(ctx, s); err != nil {
			return nil, nil, c.failed(err)
		}
	}
	b, err := c.branchFor(ctx, s.Statement, sh)
	if err != nil {
		return nil, nil, c.failed(err)
	}
	rows, res, err := c.on(ctx, b, s)
	switch {
	case !errors.Is(err, driver.ErrBadConn):
	case ctx.Err() != nil:
		return nil, nil, ctx.Err() // if more than that is wrong, the branch has noticed
	case b.Conn().Busy():
		return nil, nil, errBusy(sh)
	}
	if errors.Is(err, driver.ErrBadConn) {
		// Nothing was sent; but only a branch without a past may be replaced.
		if b.Begun() {
			return nil, nil, c.failed(origin.Errorf(sh.Name(), origin.Lost, "the connection was lost within the transaction"))
		}
		if err := c.txn.Reopen(ctx, b); err != nil {
			return nil, nil, err
		}
		rows, res, err = c.on(ctx, b, s)
		if errors.Is(err, driver.ErrBadConn) {
			err = c.failed(origin.Errorf(sh.Name(), origin.Lost, "no working connection could be had"))
		}
	}
	c.txn.notified = c.txn.notified || s.Notifies
	c.note(s.Statement, err)
	return rows, res, err
}

// note takes notice of changed and locked tables. A transaction that keeps others
// from reading a table must not wait for somebody who wants to: it goes on with the
// catalog that it has.
func (c *Conn) note(s *plan.Statement, err error) {
	if c.txn != nil && err == nil && (s.Class == plan.DDL || s.Class == plan.Truncate || s.Class == plan.Lock) {
		c.txn.locked = true
		if known := c.connector.schema.current.Load(); c.txn.own == nil && known != nil {
			c.txn.own = known
		}
	}
	if err != nil || s.Class != plan.DDL && s.Class != plan.Create {
		return
	}
	if s.Temporary {
		c.session.overlay = nil
		return
	}
	for _, sh := range c.connector.shards {
		sh.Changed()
	}
	if c.txn != nil {
		c.txn.altered, c.txn.own = true, nil
	} else {
		c.connector.schema.forget()
	}
}

// on runs a statement on a branch.
func (c *Conn) on(ctx context.Context, b *branch.Branch, s call) (rows driver.Rows, res driver.Result, err error) {
	if ctx, end := c.tracedPart(ctx, b.Shard(), s.sql); end != nil {
		rows, res, err = c.onBranch(ctx, b, s)
		end(err)
		return rows, res, c.wasSent(err)
	}
	rows, res, err = c.onBranch(ctx, b, s)
	return rows, res, c.wasSent(err)
}

// wasSent notes that a shard may have done something for the call that runs: from
// then on database/sql must not be told to run the call again.
func (c *Conn) wasSent(err error) error {
	if !errors.Is(err, driver.ErrBadConn) {
		c.sent.Store(true)
	}
	return err
}

func (c *Conn) onBranch(ctx context.Context, b *branch.Branch, s call) (driver.Rows, driver.Result, error) {
	if !s.rows {
		res, err := b.Exec(ctx, s.sql, s.args, effect(s.Statement))
		return nil, res, err
	}
	inner, err := b.Query(ctx, s.sql, s.args, effect(s.Statement))
	if err != nil {
		return nil, nil, err
	}
	return &Rows{inner: inner, branch: b, writes: s.Writes}, nil, nil
}

// single runs a statement outside of a transaction block.
func (c *Conn) single(ctx context.Context, s call, sh *shard.Shard) (driver.Rows, driver.Result, error) {
	passes := c.passes(s)
	if passes {
		if err := c.connector.gateOf(ctx, sh); err != nil {
			return nil, nil, err
		}
	}
	for try := 0; ; try++ {
		conn, err := c.acquire(ctx, sh)
		if err != nil {
			return nil, nil, err
		}
		if passes && !conn.ReadOnly() {
			conn.Behind(cut.PassAlone)
		}
		rows, res, err := c.onConn(ctx, s, conn)
		if errors.Is(err, driver.ErrBadConn) && ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
		if errors.Is(err, driver.ErrBadConn) && try < 2 {
			// Nothing was sent. If one idle connection is dead, others may be too.
			sh.Reset()
			continue
		}
		if shard.Outdated(err) && try == 0 && countsRows(s.Class) {
			continue // nothing was done: pgx forgets the statement that it had prepared there before the table changed
		}
		c.note(s.Statement, err)
		return rows, res, err
	}
}

func (c *Conn) onConn(ctx context.Context, s call, conn *shard.Conn) (driver.Rows, driver.Result, error) {
	ctx, end := c.tracedPart(ctx, conn.Shard().Name(), s.sql)
	rows, res, err := c.onOwn(ctx, s, conn)
	if end != nil {
		end(err)
	}
	return rows, res, c.wasSent(err)
}

func (c *Conn) onOwn(ctx context.Context, s call, conn *shard.Conn) (driver.Rows, driver.Result, error) {
	if s.rows {
		inner, err := conn.Query(ctx, s.sql, s.args)
		if err != nil {
			c.session.release(conn)
			return nil, nil, err
		}
		c.session.reading.Add(1)
		return &Rows{inner: inner, conn: conn, session: &c.session}, nil, nil
	}
	res, err := conn.Exec(ctx, s.sql, s.args)
	c.session.release(conn)
	return nil, res, err
}

func noRows(wanted bool) driver.Rows {
	if !wanted {
		return nil
	}
	return &Rows{inner: merge.None()}
}
