package xadriver

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/google/uuid"

	"github.com/xapg/xapg/xadriver/internal/branch"
	"github.com/xapg/xapg/xadriver/internal/catalog"
	"github.com/xapg/xapg/xadriver/internal/origin"
	"github.com/xapg/xapg/xadriver/internal/plan"
	"github.com/xapg/xapg/xadriver/internal/shard"
	"github.com/xapg/xapg/xadriver/internal/slots"
)

// Conn is one logical connection. With a single shard it is that shard's own
// connection; with several it takes connections from their pools when a
// statement or a transaction needs them. database/sql uses it from one goroutine
// at a time.
type Conn struct {
	connector *Connector
	direct    driver.Conn // with a single shard
	epoch     int64       // of the connector, when the connection to the single shard was opened
	owned     *Connector  // closed with the connection; see Driver.Open

	session session
	txn     *transaction
	unit    *slots.Claim  // of the statement that runs outside of a transaction
	report  *Report       // of the statement that runs, where somebody traces
	asked   asked         // what it has asked
	asking  string        // the text that runs
	vague   bool          // any shard can answer it
	sent    atomic.Bool   // something of the call that runs was sent, and may have been done
	lent    []*shard.Conn // to the application, until it uses the connection for anything else
	closed  bool
}

// transaction is an open transaction block.
type transaction struct {
	*branch.Txn
	claim    *slots.Claim     // to connections, where they are limited
	own      *catalog.Catalog // as this transaction sees the tables, once it changed them
	altered  bool             // it changed the tables
	locked   bool             // it may hold locks on tables that keep others from reading them
	temps    bool             // it touched temporary tables
	notified bool             // it notified on a branch
	cut      bool             // it has its snapshots of all shards
	early    bool             // it did something before that
	scope    scope            // what it may see, above READ COMMITTED
	cursors  map[string]*shard.Shard
	began    driver.Value // home's time of the transaction, once it was asked for

	connector *Connector
	id        uuid.UUID            // of the transaction, once somebody had to know it
	enlisted  map[string]*enlisted // resources, by name
	order     []*enlisted          // the same, in the order in which they were enlisted
}

var (
	_ driver.Conn               = (*Conn)(nil)
	_ driver.ConnBeginTx        = (*Conn)(nil)
	_ driver.ConnPrepareContext = (*Conn)(nil)
	_ driver.ExecerContext      = (*Conn)(nil)
	_ driver.QueryerContext     = (*Conn)(nil)
	_ driver.NamedValueChecker  = (*Conn)(nil)
	_ driver.Pinger             = (*Conn)(nil)
	_ driver.SessionResetter    = (*Conn)(nil)
	_ driver.Validator          = (*Conn)(nil)
)

// CheckNamedValue leaves arguments as they are: the shards' driver knows more
// types than database/sql does.
func (c *Conn) CheckNamedValue(nv *driver.NamedValue) error {
	if _, ok := nv.Value.(*enlistment); ok && c.direct != nil {
		return errDirect
	}
	if checker, ok := c.direct.(driver.NamedValueChecker); ok {
		return checker.CheckNamedValue(nv)
	}
	if c.direct != nil {
		return driver.ErrSkip
	}
	return nil
}

// Ping asks every shard for a sign of life.
func (c *Conn) Ping(ctx context.Context) error {
	if c.direct == nil {
		return c.connector.ping(ctx)
	}
	if p, ok := c.direct.(driver.Pinger); ok {
		return p.Ping(ctx)
	}
	return nil
}

// ResetSession is called before the connection is used again.
func (c *Conn) ResetSession(ctx context.Context) error {
	if c.direct != nil {
		if r, ok := c.direct.(driver.SessionResetter); ok {
			return r.ResetSession(ctx)
		}
		return nil
	}
	if c.closed || c.txn != nil || c.session.lost.Load() {
		return driver.ErrBadConn
	}
	c.takeBack()
	return nil
}

// IsValid reports whether the connection can be used again.
func (c *Conn) IsValid() bool {
	if c.closed {
		return false
	}
	if c.direct != nil {
		return directValid(c.direct)
	}
	c.takeBack() // database/sql asks when it takes the connection back
	return c.txn == nil && !c.session.lost.Load()
}

// Close rolls back what is open and gives the server connections back.
func (c *Conn) Close() error {
	if c.direct != nil {
		err := c.direct.Close()
		if c.owned != nil {
			_ = c.owned.Close()
		}
		return err
	}
	if c.closed {
		return nil
	}
	c.closed = true
	if c.txn != nil {
		c.rollback(context.Background())
	}
	c.takeBack()
	c.session.close()
	if c.owned != nil {
		return c.owned.Close()
	}
	return nil
}

// Begin implements driver.Conn.
func (c *Conn) Begin() (driver.Tx, error) {
	return c.BeginTx(context.Background(), driver.TxOptions{})
}

// BeginTx begins a transaction. Nothing is sent: branches open when statements
// need them.
func (c *Conn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	if c.direct != nil {
		if b, ok := c.direct.(driver.ConnBeginTx); ok {
			return b.BeginTx(ctx, opts)
		}
		return c.direct.Begin() //nolint:staticcheck // all that this driver offers
	}
	if c.closed {
		return nil, driver.ErrBadConn
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c.takeBack()
	if c.txn != nil {
		return nil, serverError("25001", "there is already a transaction in progress on this connection")
	}
	o := branch.Options{ReadOnly: opts.ReadOnly}
	switch sql.IsolationLevel(opts.Isolation) {
	case sql.LevelDefault:
	case sql.LevelReadUncommitted:
		o.Isolation = "READ UNCOMMITTED"
	case sql.LevelReadCommitted:
		o.Isolation = "READ COMMITTED"
	case sql.LevelRepeatableRead, sql.LevelSnapshot:
		o.Isolation = "REPEATABLE READ"
	case sql.LevelSerializable:
		o.Isolation = "SERIALIZABLE"
	default:
		return nil, fmt.Errorf("unsupported isolation: %v", opts.Isolation)
	}
	c.txn = c.newTransaction(o)
	if err := c.confine(ctx, plan.Hint{}); err != nil {
		c.txn = nil
		return nil, err
	}
	return &Tx{conn: c, txn: c.txn, ctx: ctx}, nil
}

func (c *Conn) newTransaction(o branch.Options) *transaction {
	o.LockWait = c.connector.cfg.LockWait
	if s := c.session.setting("lock_timeout"); s != nil && branch.Bounds(s.Values) {
		o.LockWait = 0
	}
	t := &transaction{scope: scope{said: o.Isolation != ""}}
	o = c.settled(o)
	o.Gate = c.connector.gate()
	t.connector, o.Identity = c.connector, t
	o.Acquire = func(ctx context.Context, sh *shard.Shard) (*shard.Conn, error) { return c.acquireFor(ctx, t, sh) }
	o.Release = c.session.release
	t.Txn = branch.NewTxn(len(c.connector.shards), o)
	return t
}

// Prepare implements driver.Conn.
func (c *Conn) Prepare(query string) (driver.Stmt, error) {
	return c.PrepareContext(context.Background(), query)
}

// PrepareContext plans a statement, and lets home say what is wrong with it. Each
// shard prepares it when it first runs there.
func (c *Conn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	if c.direct != nil {
		if p, ok := c.direct.(driver.ConnPrepareContext); ok {
			return p.PrepareContext(ctx, query)
		}
		return c.direct.Prepare(query)
	}
	if c.closed {
		return nil, driver.ErrBadConn
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	ctx, end := c.traced(ctx, query)
	c.tell("prepare")
	p, err := c.plan(ctx, query)
	if err == nil {
		err = c.sound(ctx, p)
	}
	if err != nil {
		err = c.public(c.failed(err))
		end(err)
		return nil, err
	}
	end(nil)
	return &Stmt{conn: c, query: query, params: p.Params}, nil
}

// ExecContext runs a statement that returns no rows.
func (c *Conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if c.direct != nil {
		if e, ok := c.direct.(driver.ExecerContext); ok {
			return c.directExec(ctx, e, query, args)
		}
		return nil, driver.ErrSkip
	}
	if c.closed {
		return nil, driver.ErrBadConn
	}
	if err := ctx.Err(); err != nil {
		return nil, err // nothing has happened
	}
	c.sent.Store(false)
	ctx, end := c.traced(ctx, query)
	_, res, err := c.run(ctx, query, args, false)
	err = c.public(c.honest(ctx, err))
	if end(err); err != nil {
		return nil, err
	}
	return res, nil
}

// QueryContext runs a statement that returns rows.
func (c *Conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if c.direct != nil {
		if q, ok := c.direct.(driver.QueryerContext); ok {
			return c.directQuery(ctx, q, query, args)
		}
		return nil, driver.ErrSkip
	}
	if c.closed {
		return nil, driver.ErrBadConn
	}
	if err := ctx.Err(); err != nil {
		return nil, err // nothing has happened
	}
	c.sent.Store(false)
	ctx, end := c.traced(ctx, query)
	rows, _, err := c.run(ctx, query, args, true)
	err = c.public(c.honest(ctx, err))
	if end(err); err != nil {
		return nil, err
	}
	if r, ok := rows.(*Rows); ok && c.txn != nil {
		r.ctx, r.of = ctx, c.txn
	}
	return rows, nil
}

// honest makes sure that an error says when the context has ended, and that
// driver.ErrBadConn, upon which database/sql uses another connection, stands for
// nothing else: neither for that nor for what happened within a transaction. A
// transaction whose statement was cut short has failed, whatever was done of it.
func (c *Conn) honest(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if ended := ctx.Err(); ended != nil {
		if c.txn != nil {
			c.txn.Fail()
		}
		return cutShort(ended, err)
	}
	switch {
	case !errors.Is(err, driver.ErrBadConn):
		return err
	case c.txn == nil && c.sent.Load():
		return serverError(origin.Lost, "xapg: a connection was lost when a part of the work had been done; look before running it again: "+err.Error())
	case c.txn != nil:
		return c.failed(serverError(origin.Lost, "xapg: a connection was lost within the transaction"))
	default:
		return err
	}
}

// cutShort lets an error say that its context has ended, unless it is somebody's
// word on the statement, or says so already.
func cutShort(ended, err error) error {
	var lost *origin.Error
	switch {
	case errors.Is(err, driver.ErrBadConn):
		return ended
	case errors.Is(err, ended), state(err) != "" && !errors.As(err, &lost):
		return err
	default:
		return fmt.Errorf("%w: %w", ended, err)
	}
}

// public is an error as users know it. One that a changed schema could explain
// lets the next statement look.
func (c *Conn) public(err error) error {
	if err != nil && c.txn != nil && c.txn.Failed() {
		c.yield()
	}
	if explains(err) {
		c.connector.schema.suspect()
	}
	return public(err)
}
