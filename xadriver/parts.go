package xadriver

import (
	"context"
	"database/sql/driver"
	"errors"

	"github.com/xapg/xapg/xadriver/internal/branch"
	"github.com/xapg/xapg/xadriver/internal/plan"
)

// parts asks several shards the same, in a transaction or not.
func (c *Conn) parts(ctx context.Context, s call, shards []int) ([]part, error) {
	parts := make([]part, len(shards))
	for i, at := range shards {
		parts[i].shard = c.connector.shards[at]
	}
	err := c.ask(ctx, parts, func(*part) call { return s })
	return parts, err
}

// ask runs a statement of its own on each part, all at once.
func (c *Conn) ask(ctx context.Context, parts []part, of func(*part) call) error {
	if c.txn != nil {
		for i := range parts {
			b, err := c.branch(ctx, parts[i].shard)
			if err != nil {
				return err
			}
			parts[i].branch = b
		}
	}
	all := c.each
	if c.txn != nil && len(parts) > 1 && c.steady(of(&parts[0]).Statement) {
		all = c.atOnce
	}
	err := all(ctx, parts, of)
	if err != nil {
		for _, p := range parts {
			if p.rows != nil {
				_ = p.rows.Close()
			}
		}
	}
	return err
}

// each asks all parts at once, of which each answers as of when it was reached.
func (c *Conn) each(ctx context.Context, parts []part, of func(*part) call) error {
	return branch.Each(pointers(parts), func(p *part) (err error) {
		if p.branch != nil {
			p.rows, p.result, err = c.on(ctx, p.branch, of(p))
		} else {
			p.rows, p.result, err = c.single(ctx, of(p), p.shard)
		}
		if errors.Is(err, driver.ErrBadConn) && ctx.Err() != nil {
			return ctx.Err()
		}
		if p.branch != nil && errors.Is(err, driver.ErrBadConn) && p.branch.Conn().Busy() {
			return errBusy(p.shard)
		}
		return notRetried(p.shard, err)
	})
}

// moment adds the time at which the statement's transaction began on home, where
// a program needs it as an argument.
func (c *Conn) moment(ctx context.Context, args []driver.NamedValue, param int) ([]driver.NamedValue, error) {
	if param == 0 {
		return args, nil
	}
	if c.txn != nil && c.txn.began != nil {
		return with(args, param, c.txn.began), nil
	}
	s := call{Statement: &plan.Statement{Class: plan.Select}, sql: "SELECT pg_catalog.now()", rows: true}
	at := c.connector.home
	if c.txn != nil && len(c.txn.Open()) > 0 {
		at = c.txn.Open()[0].Conn().Shard() // whose time what was done before has
	}
	rows, _, err := c.one(ctx, s, at)
	if err != nil {
		return nil, err
	}
	value := make([]driver.Value, 1)
	err = rows.Next(value)
	if cerr := rows.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return nil, err
	}
	if c.txn != nil {
		c.txn.began = value[0]
	}
	return with(args, param, value[0]), nil
}

// timely is a statement that is told the transaction's time, for a shard that came to
// the transaction later than another.
func (c *Conn) timely(ctx context.Context, s call) (call, error) {
	t, err := s.Timely()
	if err != nil {
		return s, err
	}
	args, err := c.moment(ctx, s.given, t.Param)
	if err != nil {
		return s, err
	}
	s.bind(t.Text, args)
	return s, nil
}

// with is args with one more, of number n.
func with(args []driver.NamedValue, n int, value any) []driver.NamedValue {
	out := make([]driver.NamedValue, max(n, len(args)))
	copy(out, args)
	for i := range out {
		out[i].Ordinal = i + 1
	}
	out[n-1].Value = value
	return out
}
