package xadriver

import (
	"context"
	"database/sql/driver"
	"slices"

	"github.com/xapg/xapg/xadriver/internal/branch"
	"github.com/xapg/xapg/xadriver/internal/merge"
	"github.com/xapg/xapg/xadriver/internal/plan"
)

// implicit runs something as a transaction of its own. Its commit must not be
// missed, so rows are followed by it: they end only when it is done.
func (c *Conn) implicit(ctx context.Context, rows bool, do func() (driver.Rows, driver.Result, error)) (driver.Rows, driver.Result, error) {
	c.txn = c.newTransaction(branch.Options{})
	r, res, err := do()
	if err != nil {
		c.rollback(ctx)
		return nil, nil, err
	}
	if !rows || r == nil {
		return noRows(rows), res, c.commit(ctx)
	}
	buffered, err := merge.Buffer(r)
	if err != nil {
		c.rollback(ctx)
		return nil, nil, err
	}
	if err := c.commit(ctx); err != nil {
		return nil, nil, err
	}
	return &Rows{inner: buffered}, nil, nil
}

// script runs several statements in one text, which PostgreSQL runs as one
// transaction where there is none yet. The last one's answer is the answer.
func (c *Conn) script(ctx context.Context, p *plan.Plan, rows bool) (driver.Rows, driver.Result, error) {
	if len(p.Statements) == 0 {
		return noRows(rows), driver.RowsAffected(0), nil
	}
	if p.Params > 0 {
		return nil, nil, c.failed(serverError("42601", "cannot insert multiple commands into a prepared statement"))
	}
	all := func() (r driver.Rows, res driver.Result, err error) {
		for i := range p.Statements {
			last := i == len(p.Statements)-1
			if r, res, err = c.replanned(ctx, p, i, rows && last); err != nil {
				return nil, nil, err
			}
		}
		return r, res, nil
	}
	if c.txn != nil || slices.ContainsFunc(p.Statements, controls) {
		return all()
	}
	return c.implicit(ctx, rows, all)
}

// replanned runs one statement of a script. After one that changed the tables,
// the rest of the script is planned by what it changed.
func (c *Conn) replanned(ctx context.Context, p *plan.Plan, i int, rows bool) (driver.Rows, driver.Result, error) {
	s := p.Statements[i]
	if i > 0 {
		again, err := c.plan(ctx, s.SQL)
		if err != nil {
			return nil, nil, c.failed(err)
		}
		if len(again.Statements) == 1 {
			s = again.Statements[0]
		}
	}
	return c.statement(ctx, call{Statement: s, sql: s.SQL, rows: rows})
}
