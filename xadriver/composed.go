package xadriver

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"math"

	"github.com/xapg/xapg/xadriver/internal/merge"
	"github.com/xapg/xapg/xadriver/internal/plan"
)

// composed runs a statement by its program: what the shards can do is asked of
// them, and the rest is done in order as their rows arrive, or by a PostgreSQL
// session over their rows.
func (c *Conn) composed(ctx context.Context, s call, target plan.Target) (driver.Rows, driver.Result, error) {
	if c.txn == nil && !s.Composed() {
		// What is made of the statement lasts: it had better be made of the tables
		// as they are.
		before := c.connector.schema.current.Load()
		c.connector.schema.compare(ctx)
		if c.connector.schema.current.Load() != before {
			return c.replan(ctx, s)
		}
	}
	if s.Writes || s.Picks {
		return c.write(ctx, s, target)
	}
	if c.txn == nil {
		leave, err := c.enter(ctx, c.all())
		if err != nil {
			return nil, nil, err
		}
		defer leave()
	}
	how := 0
	if c.txn != nil || s.Temporary {
		how |= plan.All
		if c.txn != nil && c.txn.locked {
			how |= plan.Gather
		}
	}
	p, err := s.Program(&describer{ctx: ctx, conn: c}, how)
	if err != nil {
		return nil, nil, c.failed(err)
	}
	rows, err := c.program(ctx, s, target, p)
	if p.Part != "" && unfit(err) {
		// A value can be judged that cannot be a column: text of no one collation, or
		// a domain's NULL.
		if p, err = s.Program(&describer{ctx: ctx, conn: c}, how|plan.Gather); err == nil {
			rows, err = c.program(ctx, s, target, p)
		}
	}
	if err != nil {
		return nil, nil, c.failed(err)
	}
	if s.rows {
		return rows, nil, nil
	}
	n, err := count(rows)
	if err != nil {
		return nil, nil, c.failed(err)
	}
	return nil, driver.RowsAffected(n), nil
}

// replan plans a statement anew, and runs it.
func (c *Conn) replan(ctx context.Context, s call) (driver.Rows, driver.Result, error) {
	p, err := c.plan(ctx, s.SQL)
	if err != nil {
		return nil, nil, c.failed(err)
	}
	if len(p.Statements) == 1 {
		s.Statement = p.Statements[0]
	}
	return c.statement(ctx, s)
}

// program runs a program that reads.
func (c *Conn) program(ctx context.Context, s call, target plan.Target, p *plan.Program) (driver.Rows, error) {
	c.tell(p.Strategy)
	args, err := c.moment(ctx, s.given, p.Moment)
	if err != nil {
		return nil, err
	}
	skip, take := int64(0), int64(math.MaxInt64)
	if b := p.Limit; b != nil {
		var ask any
		if ask, skip, take, err = b.Rows(s.given); err != nil {
			return nil, err
		}
		args = with(args, b.Param, ask)
	}
	if p.Ordered == nil {
		return c.judged(ctx, s, target, p, args)
	}
	scatter := s
	scatter.bind(p.Scatter, args)
	scatter.rows = true
	parts, err := c.parts(ctx, scatter, target.Shards)
	if err != nil {
		return nil, err
	}
	rows := make([]driver.Rows, len(parts))
	for i := range parts {
		rows[i] = parts[i].rows
	}
	keys := make([]merge.Key, len(p.Ordered.Keys))
	for i, k := range p.Ordered.Keys {
		keys[i] = merge.Key(k)
	}
	return &Rows{inner: merge.Ordered(rows, keys, p.Ordered.Visible, skip, take)}, nil
}

func unfit(err error) bool {
	switch state(err) {
	case "42P22", "23502", "23514":
		return true
	default:
		return false
	}
}

// state is an error's SQLSTATE, "" when it has none.
func state(err error) string {
	var s interface{ SQLState() string }
	if errors.As(err, &s) {
		return s.SQLState()
	}
	return ""
}

// judged brings the shards' rows together in a scratch session, which answers.
func (c *Conn) judged(ctx context.Context, s call, target plan.Target, p *plan.Program, args []driver.NamedValue) (driver.Rows, error) {
	if t := c.connector.cfg.Tracer; t != nil {
		ctx, end := t.Start(ctx, Operation{Kind: OpMerge, Shard: c.connector.home.Name(), SQL: p.Final.String()})
		rows, err := c.judge(ctx, s, target, p, args)
		end(Report{Err: public(err)})
		return rows, err
	}
	return c.judge(ctx, s, target, p, args)
}

func (c *Conn) judge(ctx context.Context, s call, target plan.Target, p *plan.Program, args []driver.NamedValue) (driver.Rows, error) {
	session, err := c.gather(ctx, s, target, p, args)
	if err != nil {
		return nil, err
	}
	sql, used := p.Final.Bind(args)
	inner, err := session.Query(ctx, sql, used)
	if err != nil {
		return nil, errors.Join(err, session.Close())
	}
	return &Rows{inner: inner, scratch: session, txn: c.txn}, nil
}

// count reads rows to their end.
func count(rows driver.Rows) (n int64, err error) {
	row := make([]driver.Value, len(rows.Columns()))
	for {
		if err := rows.Next(row); err != nil {
			if errors.Is(err, io.EOF) {
				return n, rows.Close()
			}
			_ = rows.Close()
			return 0, err
		}
		n++
	}
}
