package xadriver

import (
	"context"
	"database/sql/driver"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/xapg/xapg/xadriver/internal/branch"
	"github.com/xapg/xapg/xadriver/internal/merge"
	"github.com/xapg/xapg/xadriver/internal/plan"
)

// implicit runs something as a transaction of its own. Its commit must not be
// missed, so rows come after it: they are read first, if they are not yet.
func (c *Conn) implicit(ctx context.Context, streams, rows bool, do func() (driver.Rows, driver.Result, error)) (driver.Rows, driver.Result, error) {
	c.txn = c.newTransaction(branch.Options{})
	r, res, err := do()
	if err == nil && rows && streams && r != nil {
		var buffered driver.Rows
		if buffered, err = merge.Buffer(r); err == nil {
			r = &Rows{inner: buffered}
		}
	}
	if err != nil {
		c.rollback(ctx)
		return nil, nil, err
	}
	if err := c.commit(ctx); err != nil {
		return nil, nil, err
	}
	if r == nil {
		r = noRows(rows)
	}
	return r, res, nil
}

// script runs several statements in one text, which PostgreSQL runs as one
// transaction where there is none yet. A query's result sets are those of the
// statements that return rows, in order; a count is the last statement's.
func (c *Conn) script(ctx context.Context, query string, p *plan.Plan, rows bool) (driver.Rows, driver.Result, error) {
	if len(p.Statements) == 0 {
		return noRows(rows), driver.RowsAffected(0), nil
	}
	if p.Params > 0 {
		return nil, nil, c.failed(serverError("42601", "cannot insert multiple commands into a prepared statement"))
	}
	all := func() (driver.Rows, driver.Result, error) {
		var sets []driver.Rows
		var res driver.Result
		at := 0
		for i, s := range p.Statements {
			if from := strings.Index(query[at:], s.SQL); from >= 0 {
				at += from
			}
			r, one, err := c.replanned(ctx, p, i, rows)
			if err != nil {
				return nil, nil, within(query[:at], err)
			}
			if res = one; !rows || !s.ReturnsRows {
				continue
			}
			buffered, err := merge.Buffer(r)
			if err != nil {
				return nil, nil, c.failed(within(query[:at], err))
			}
			sets = append(sets, buffered)
		}
		if len(sets) == 0 {
			return noRows(rows), res, nil
		}
		return &Rows{inner: sets[0], sets: sets[1:]}, res, nil
	}
	if c.txn != nil || slices.ContainsFunc(p.Statements, controls) {
		return all()
	}
	return c.implicit(ctx, false, rows, all)
}

// within lets a server's error say where in the whole text it found something: it
// was asked for what comes after before.
func within(before string, err error) error {
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) && pgErr.Position > 0 {
		pgErr.Position += int32(utf8.RuneCountInString(before))
	}
	return err
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
	return c.statement(ctx, call{Statement: s, sql: s.SQL, rows: rows && s.ReturnsRows})
}
