package xadriver

import (
	"context"
	"errors"
	"fmt"

	"github.com/xapg/xapg/xadriver/internal/plan"
	"github.com/xapg/xapg/xadriver/internal/shard"
	"github.com/xapg/xapg/xadriver/internal/slots"
)

// Where the connections to a shard are limited (setting shard_conns), a logical
// connection claims what it may need before it does anything; see package slots.
// Without limits there are no claims.

// enter claims shards for a statement outside of a transaction, and returns what
// ends that. A statement that is part of another one, or of a session that has
// its connections for good, is covered by that one's claim.
func (c *Conn) enter(ctx context.Context, shards []int) (leave func(), err error) {
	if c.connector.slots == nil || c.unit != nil {
		return func() {}, nil
	}
	if c.session.pin != nil {
		c.unit = c.session.pin
		return func() { c.unit = nil }, nil
	}
	claim, err := c.claim(ctx, shards)
	if err != nil {
		return nil, err
	}
	c.unit = claim
	return func() {
		c.unit = nil
		claim.Close()
	}, nil
}

// claim waits for slots. Who has rows open outside of a transaction holds slots
// already, and must not wait for more.
func (c *Conn) claim(ctx context.Context, shards []int) (*slots.Claim, error) {
	if c.session.reading.Load() == 0 {
		return c.connector.slots.Claim(ctx, shards)
	}
	claim, err := c.connector.slots.Try(shards)
	if errors.Is(err, slots.ErrTaken) {
		err = serverError("53300", fmt.Sprintf("all %d connections to a shard are in use (setting shard_conns), and this session holds some of them for rows that are still open: close them first", c.connector.cfg.ShardConns))
	}
	return claim, err
}

// all claims everything, for a statement of which it is not known where it goes.
func (c *Conn) all() []int {
	if c.connector.slots == nil {
		return nil
	}
	return c.connector.slots.All()
}

// acquire takes a connection for the statement that runs, outside of a transaction.
func (c *Conn) acquire(ctx context.Context, sh *shard.Shard) (*shard.Conn, error) {
	return c.session.acquire(ctx, sh, c.unit)
}

// acquireFor takes a connection for a transaction, which has a claim to all shards
// from its first connection on.
func (c *Conn) acquireFor(ctx context.Context, t *transaction, sh *shard.Shard) (*shard.Conn, error) {
	if err := c.claimFor(ctx, t); err != nil {
		return nil, err
	}
	conn, err := c.session.acquire(ctx, sh, t.claim)
	if err == nil && c.txn == t {
		if err = c.sureOf(ctx, sh); err != nil {
			c.session.release(conn)
			return nil, err
		}
	}
	return conn, err
}

func (c *Conn) claimFor(ctx context.Context, t *transaction) (err error) {
	switch {
	case c.connector.slots == nil || t.claim != nil:
		return nil
	case c.session.pin != nil:
		t.claim = c.session.pin
		t.claim.Hold()
		return nil
	default:
		t.claim, err = c.claim(ctx, c.all())
		return err
	}
}

// ends gives up a transaction's claim to shards that it has not used: it is about
// to end, and its branches hold their own.
func (t *transaction) ends() {
	t.scope.over()
	if t.claim != nil {
		t.claim.Close()
	}
}

// errPinnedSetting is what comes of a setting and a pinned session in one transaction:
// what PostgreSQL makes of the setting depends on how the transaction ends on each
// shard, and a pinned session cannot begin anew on another connection.
var errPinnedSetting = &plan.Refusal{
	Clause: "SET within a transaction of a session with temporary tables, session-level locks or LISTEN", Reason: "it would have to be taken back with the transaction, on connections that cannot be replaced",
	Remedy: "use SET LOCAL, or SET outside of the transaction",
}

// keep pins the session: what runs now leaves something in it that is not
// replayed elsewhere.
func (c *Conn) keep(ctx context.Context) error {
	if c.txn != nil && len(c.txn.Settings()) > 0 {
		return errPinnedSetting
	}
	c.session.stick(len(c.connector.shards))
	if c.txn != nil {
		for _, b := range c.txn.Open() {
			c.session.join(b.Conn())
		}
	}
	if c.connector.slots == nil || c.session.pin != nil {
		c.session.keep(nil)
		return nil
	}
	if c.txn != nil {
		if err := c.claimFor(ctx, c.txn); err != nil {
			return err
		}
		c.txn.claim.Hold()
		c.session.keep(c.txn.claim)
		return nil
	}
	claim, err := c.claim(ctx, c.all())
	if err != nil {
		return err
	}
	c.session.keep(claim)
	return nil
}
