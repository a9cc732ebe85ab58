package shard

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/xapg/xapg/xadriver/internal/origin"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/jackc/puddle/v2"

	"github.com/xapg/xapg/xadriver/internal/slots"
)

// Conn is one connection to one shard. It is used by one goroutine at a time.
type Conn struct {
	shard    *Shard
	resource *puddle.Resource[*Conn]
	inner    driver.Conn
	pgx      *stdlib.Conn // nil when the shard was given as another driver's connector
	ahead    *ahead       // nil when statements cannot travel with the next one

	queue  []string  // statements that go before the next one, when ahead is nil
	broken bool      // its state is not known: to be closed
	state  byte      // transaction status as far as known without pgx: I, T or E
	epoch  int64     // of the shard, when it was opened
	expiry time.Time // when it is to be closed; zero for never

	running running // which statement it is at

	// Settings counts the session settings that its user has replayed on it. A
	// connection that carries any is closed, not pooled, when it is released.
	Settings int
	// Lent says that it was handed out to the application, which may have left
	// anything in its session: it is closed when it is released.
	Lent bool
	// Tenure is that of the session which has it, nil for none.
	Tenure *Tenure
	// Claim is what lets its user have the connection, nil where none is needed.
	Claim *slots.Claim
}

// Transaction status of a connection, in the letters of PostgreSQL's
// ReadyForQuery message.
const (
	Idle   byte = 'I'
	InTxn  byte = 'T'
	Failed byte = 'E'
	Broken byte = 0
)

// Shard is where the connection leads.
func (c *Conn) Shard() *Shard { return c.shard }

// Raw is the driver's own connection.
func (c *Conn) Raw() driver.Conn { return c.inner }

// Status is the transaction status after the last statement.
func (c *Conn) Status() byte {
	if !c.Alive() {
		return Broken
	}
	if c.pgx != nil {
		return c.pgx.Conn().PgConn().TxStatus()
	}
	return c.state
}

// Alive reports whether the connection can still be used.
func (c *Conn) Alive() bool {
	return !c.broken && (c.pgx == nil || !c.pgx.Conn().IsClosed())
}

// Busy reports whether rows are open on the connection.
func (c *Conn) Busy() bool { return c.Alive() && c.pgx != nil && c.pgx.Conn().PgConn().IsBusy() }

// Break marks the connection as one whose state is not known: Release closes it.
func (c *Conn) Break() { c.broken = true }

// Release gives the connection back to its pool, or closes it when its state is
// not known or a transaction is still open on it.
func (c *Conn) Release() {
	defer c.leave()()
	c.running.now.Store(0)
	if c.Status() != Idle || c.Settings != 0 || c.Lent || c.Tenure.Pinned() {
		// A connection that pgx is closing in the background is not touched.
		c.shard.counts.broken.Add(1)
		if c.pgx == nil || !c.pgx.Conn().IsClosed() {
			c.close() // at once: the pool closes on another goroutine, while somebody may still be reading rows
		}
		c.resource.Destroy()
		return
	}
	if c.expired(time.Now()) {
		c.shard.counts.expired.Add(1)
		c.resource.Destroy()
		return
	}
	c.Unqueue()
	c.Tenure = nil
	c.resource.Release()
}

// Unqueue drops what is queued and was not sent: its transaction is over.
func (c *Conn) Unqueue() {
	c.queue = c.queue[:0]
	if c.ahead != nil {
		c.ahead.queue = c.ahead.queue[:0]
		c.ahead.behind.sql = ""
	}
}

// leave gives up the right to the connection, when what it returns is called:
// after the connection itself was given up, which is then somebody else's.
func (c *Conn) leave() func() {
	claim, at := c.Claim, c.shard.index
	if claim == nil {
		return func() {}
	}
	c.Claim = nil
	return func() { claim.Leave(at) }
}

// Unclaim gives up the right to the connection, but not the connection: its user
// holds another right to it.
func (c *Conn) Unclaim() { c.leave()() }

// Queue lets a statement travel with the next one. What rows it has are thrown away.
func (c *Conn) Queue(sql string) {
	if c.ahead != nil {
		c.ahead.queue = append(c.ahead.queue, sql)
		return
	}
	c.queue = append(c.queue, sql)
}

// Unsent reports whether queued statements are still waiting for company.
func (c *Conn) Unsent() bool {
	if c.ahead != nil {
		return len(c.ahead.queue) > 0
	}
	return len(c.queue) > 0
}

// Query runs a statement that returns rows.
func (c *Conn) Query(ctx context.Context, sql string, args []driver.NamedValue) (driver.Rows, error) {
	if err := c.flush(ctx); err != nil {
		return nil, err
	}
	c.running.starts()
	if q, ok := c.inner.(driver.QueryerContext); ok {
		before := c.sent()
		rows, err := q.QueryContext(ctx, sql, c.anew(sql, args))
		if !errors.Is(err, driver.ErrSkip) {
			c.note(c.unlessRows(err))
			return rows, c.truth(before, err)
		}
	}
	stmt, err := c.prepare(ctx, sql)
	if err != nil {
		c.note(err)
		return nil, err
	}
	q, ok := stmt.(driver.StmtQueryContext)
	if !ok {
		_ = stmt.Close()
		return nil, c.unsupported("StmtQueryContext")
	}
	rows, err := q.QueryContext(ctx, args)
	c.note(c.unlessRows(err))
	if err != nil {
		_ = stmt.Close()
		return nil, err
	}
	return &stmtRows{Rows: rows, stmt: stmt}, nil
}

// Exec runs a statement that returns no rows.
func (c *Conn) Exec(ctx context.Context, sql string, args []driver.NamedValue) (driver.Result, error) {
	if err := c.flush(ctx); err != nil {
		return nil, err
	}
	return c.exec(ctx, sql, args)
}

func (c *Conn) exec(ctx context.Context, sql string, args []driver.NamedValue) (driver.Result, error) {
	c.running.starts()
	if e, ok := c.inner.(driver.ExecerContext); ok {
		before := c.sent()
		res, err := e.ExecContext(ctx, sql, c.anew(sql, args))
		if !errors.Is(err, driver.ErrSkip) {
			c.note(c.running.ends(err))
			return res, c.truth(before, err)
		}
	}
	stmt, err := c.prepare(ctx, sql)
	if err != nil {
		c.note(err)
		return nil, err
	}
	defer stmt.Close()
	e, ok := stmt.(driver.StmtExecContext)
	if !ok {
		return nil, c.unsupported("StmtExecContext")
	}
	res, err := e.ExecContext(ctx, args)
	c.note(c.running.ends(err))
	return res, err
}

func (c *Conn) prepare(ctx context.Context, sql string) (driver.Stmt, error) {
	if p, ok := c.inner.(driver.ConnPrepareContext); ok {
		return p.PrepareContext(ctx, sql)
	}
	return c.inner.Prepare(sql)
}

func (c *Conn) unsupported(what string) error {
	return errors.New("shard " + c.shard.name + ": its driver offers no context-aware statements (driver." + what + ")")
}

// Command runs one statement without arguments or rows, such as COMMIT, and
// returns the server's command tag; "" when the driver does not tell.
func (c *Conn) Command(ctx context.Context, sql string) (string, error) {
	if !c.Alive() {
		return "", ErrNotSent
	}
	if err := c.flush(ctx); err != nil {
		return "", err
	}
	before := c.sent()
	c.running.starts()
	tag, err := c.command(ctx, sql)
	err = c.running.ends(err)
	var pgErr *pgconn.PgError
	if err != nil && c.ahead != nil && c.sent() == before && !errors.As(err, &pgErr) {
		err = fmt.Errorf("%w: %w", ErrNotSent, err)
	}
	return tag, origin.Note(err, c.shard.name)
}

// ErrNotSent marks errors that came before anything was sent to the server.
var ErrNotSent = errors.New("the connection was lost before the command was sent")

// sent counts what left for the server. It does not trust what the library says
// of that: pgx calls an error safe to retry when it finds the connection closed,
// even if it was this very statement during which it closed.
func (c *Conn) sent() int64 {
	if c.ahead == nil {
		return 0
	}
	return c.ahead.written.Load()
}

// truth makes sure that driver.ErrBadConn, upon which a statement is run again,
// comes only when nothing was sent.
func (c *Conn) truth(before int64, err error) error {
	if err != nil && errors.Is(err, driver.ErrBadConn) && c.sent() != before {
		return origin.Errorf(c.shard.name, origin.Lost, "the connection was lost while the statement ran; it may or may not have been done")
	}
	return err
}

func (c *Conn) command(ctx context.Context, sql string) (string, error) {
	if c.pgx != nil {
		results, err := c.pgx.Conn().PgConn().Exec(ctx, sql).ReadAll()
		if err != nil {
			return "", err
		}
		if len(results) == 0 {
			return "", nil
		}
		last := results[len(results)-1]
		return last.CommandTag.String(), last.Err
	}
	res, err := c.exec(ctx, sql, nil)
	if err != nil {
		return "", err
	}
	if t, ok := res.(interface{ CommandTag() string }); ok {
		return t.CommandTag(), nil
	}
	return "", nil
}

// flush sends what is queued, one statement at a time, where it cannot travel
// with the next one.
func (c *Conn) flush(ctx context.Context) error {
	for len(c.queue) > 0 {
		sql := c.queue[0]
		if _, err := c.exec(ctx, sql, nil); err != nil {
			return err
		}
		c.queue = c.queue[1:]
		if isBegin(sql) {
			c.state = InTxn
		}
	}
	return nil
}

func isBegin(sql string) bool { return len(sql) >= 5 && sql[:5] == "BEGIN" }

// Ended tells a connection without a status of its own that its transaction is over.
func (c *Conn) Ended() { c.state = Idle }

// note remembers whose an error is, and keeps the transaction status of a connection that does not tell it.
func (c *Conn) note(err error) {
	_ = origin.Note(err, c.shard.name)
	if err == nil || c.pgx != nil {
		return
	}
	if errors.Is(err, driver.ErrBadConn) {
		c.broken = true
		return
	}
	if c.state == InTxn {
		c.state = Failed
	}
}

// fit reports whether an idle connection can be used again, as the driver sees
// it. pgx's stdlib pings when the connection has been idle for over a second.
func (c *Conn) fit(ctx context.Context) bool {
	if !c.Alive() {
		return false
	}
	if v, ok := c.inner.(driver.Validator); ok && !v.IsValid() {
		return false
	}
	if c.resource.IdleDuration() < time.Second && len(c.shard.options.Pgx) == 0 && c.shard.connector == nil {
		return true // without hooks, there is nothing else that pgx would do
	}
	if r, ok := c.inner.(driver.SessionResetter); ok {
		return r.ResetSession(ctx) == nil
	}
	return true
}

func (c *Conn) close() {
	c.shard.roster.remove(c)
	_ = c.inner.Close()
}

// stmtRows closes the statement with its rows.
type stmtRows struct {
	driver.Rows
	stmt driver.Stmt
}

func (r *stmtRows) Close() error {
	err := r.Rows.Close()
	return errors.Join(err, r.stmt.Close())
}
