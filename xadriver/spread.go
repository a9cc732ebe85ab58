package xadriver

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"

	"github.com/xapg/xapg/xadriver/internal/origin"

	"github.com/xapg/xapg/xadriver/internal/branch"
	"github.com/xapg/xapg/xadriver/internal/merge"
	"github.com/xapg/xapg/xadriver/internal/plan"
	"github.com/xapg/xapg/xadriver/internal/shard"
)

// several runs a statement on several shards.
func (c *Conn) several(ctx context.Context, s call, target plan.Target) (driver.Rows, driver.Result, error) {
	if c.txn == nil && !s.Writes && !s.MayWrite && !s.Opaque && target.Mode == plan.Scatter {
		return c.scatter(ctx, s, target)
	}
	if c.txn != nil {
		return c.everyShard(ctx, s, target)
	}
	return c.implicit(ctx, true, s.rows, func() (driver.Rows, driver.Result, error) {
		return c.everyShard(ctx, s, target)
	})
}

// everyShard runs a statement on several shards within a transaction, and what
// changed tables ask for besides.
func (c *Conn) everyShard(ctx context.Context, s call, target plan.Target) (driver.Rows, driver.Result, error) {
	rows, res, err := c.spread(ctx, s, target)
	c.note(s.Statement, err)
	if err == nil && s.Numbers && target.Mode == plan.Everywhere {
		if err = c.number(ctx); err != nil {
			return nil, nil, c.failed(err)
		}
	}
	return rows, res, err
}

// scatter reads on several shards outside of a transaction.
func (c *Conn) scatter(ctx context.Context, s call, target plan.Target) (driver.Rows, driver.Result, error) {
	leave, err := c.enter(ctx, target.Shards)
	if err != nil {
		return nil, nil, err
	}
	defer leave()
	parts := make([]part, len(target.Shards))
	for i, at := range target.Shards {
		parts[i].shard = c.connector.shards[at]
	}
	err = branch.Each(pointers(parts), func(p *part) (err error) {
		p.rows, p.result, err = c.single(ctx, s, p.shard)
		if errors.Is(err, driver.ErrBadConn) && ctx.Err() == nil {
			err = origin.Errorf(p.shard.Name(), origin.Lost, "no working connection could be had")
		}
		return err
	})
	return gathered(parts, s.rows, err)
}

// part is one shard's share in a statement.
type part struct {
	shard  *shard.Shard
	branch *branch.Branch
	rows   driver.Rows
	result driver.Result
}

func pointers[T any](items []T) []*T {
	ps := make([]*T, len(items))
	for i := range items {
		ps[i] = &items[i]
	}
	return ps
}

// gathered makes one answer of all parts' answers.
func gathered(parts []part, rows bool, err error) (driver.Rows, driver.Result, error) {
	if err == nil && !rows {
		var sum int64
		for _, p := range parts {
			n, nerr := p.result.RowsAffected()
			err = errors.Join(err, nerr)
			sum += n
		}
		return nil, driver.RowsAffected(sum), err
	}
	all := make([]driver.Rows, 0, len(parts))
	for _, p := range parts {
		if p.rows != nil {
			all = append(all, p.rows)
		}
	}
	if err != nil {
		for _, r := range all {
			_ = r.Close()
		}
		return nil, nil, err
	}
	joined, err := merge.Concat(all)
	if err != nil {
		return nil, nil, err
	}
	return &Rows{inner: joined}, nil, nil
}

// spread runs a statement on several branches of the transaction. What writes on
// home does so there first, so that two that write everywhere queue instead of
// waiting for each other in a circle.
func (c *Conn) spread(ctx context.Context, s call, target plan.Target) (driver.Rows, driver.Result, error) {
	parts := make([]part, 0, len(target.Shards))
	for _, at := range target.Shards {
		sh := c.connector.shards[at]
		b, err := c.branchFor(ctx, s.Statement, sh)
		if err != nil {
			return nil, nil, c.failed(err)
		}
		p := part{shard: sh, branch: b}
		if sh == c.connector.home {
			parts = slices.Insert(parts, 0, p)
			continue
		}
		parts = append(parts, p)
	}
	do := func(p *part) (err error) {
		p.rows, p.result, err = c.on(ctx, p.branch, s)
		switch {
		case errors.Is(err, driver.ErrBadConn) && ctx.Err() != nil:
			err = ctx.Err()
		case errors.Is(err, driver.ErrBadConn) && p.branch.Conn().Busy():
			err = errBusy(p.shard)
		case errors.Is(err, driver.ErrBadConn):
			err = origin.Errorf(p.shard.Name(), origin.Lost, "the connection was lost")
		}
		return err
	}
	if len(parts) > 1 && target.Mode == plan.Scatter && c.steady(s.Statement) {
		err := c.atOnce(ctx, parts, func(*part) call { return s })
		if err != nil {
			_ = c.failed(err)
		}
		return gathered(parts, s.rows, err)
	}
	all := pointers(parts)
	first := 0
	if s.Writes && parts[0].shard == c.connector.home {
		if err := do(all[0]); err != nil {
			return nil, nil, c.failed(err)
		}
		first = 1
	}
	if err := branch.Each(all[first:], do); err != nil {
		_, _, err = gathered(parts, s.rows, err)
		return nil, nil, c.failed(err)
	}
	if target.Mode == plan.Everywhere {
		return c.everywhere(s, parts)
	}
	return gathered(parts, s.rows, nil)
}

// everywhere takes the answer of one shard for that of all, after making sure
// that they are the same.
func (c *Conn) everywhere(s call, parts []part) (driver.Rows, driver.Result, error) {
	if s.rows {
		for _, p := range parts[1:] {
			if err := p.rows.Close(); err != nil {
				_ = parts[0].rows.Close()
				return nil, nil, c.failed(err)
			}
		}
		return parts[0].rows, nil, nil
	}
	if !countsRows(s.Class) {
		return nil, parts[0].result, nil
	}
	want, err := parts[0].result.RowsAffected()
	if err != nil {
		return nil, nil, c.failed(err)
	}
	for _, p := range parts[1:] {
		got, err := p.result.RowsAffected()
		if err == nil && got != want {
			err = fmt.Errorf("xapg: the copies of the reference table differ: %d rows on shard %s, %d on shard %s; the statement was not done",
				want, parts[0].shard.Name(), got, p.shard.Name())
		}
		if err != nil {
			return nil, nil, c.failed(err)
		}
	}
	return nil, parts[0].result, nil
}
