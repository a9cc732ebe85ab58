package xadriver

import (
	"context"
	"database/sql/driver"

	"fmt"
	"strings"

	"github.com/xapg/xapg/xadriver/internal/branch"
	"github.com/xapg/xapg/xadriver/internal/plan"
	"github.com/xapg/xapg/xadriver/internal/shard"
)

func quoteName(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func quoteText(text string) string { return strings.ReplaceAll(text, "'", "''") }

// prepareText is PREPARE and DEALLOCATE. A statement's shards are chosen when it
// runs, so its text is kept here, after home has judged it.
func (c *Conn) prepareText(ctx context.Context, p *plan.Prepared, class plan.Class) error {
	if class == plan.Deallocate {
		if p.Name == "" {
			c.session.prepared = nil
			return nil
		}
		if _, ok := c.session.prepared[p.Name]; !ok {
			return errNoStatement(p.Name)
		}
		delete(c.session.prepared, p.Name)
		return nil
	}
	text, count, err := p.Text()
	if err != nil {
		return err
	}
	sql, _ := text.Bind(nil)
	if _, err := (&describer{ctx: ctx, conn: c}).Describe(sql); err != nil {
		return err
	}
	if _, ok := c.session.prepared[p.Name]; ok {
		return serverError("42P05", fmt.Sprintf("prepared statement %q already exists", p.Name))
	}
	if c.session.prepared == nil {
		c.session.prepared = make(map[string]prepared)
	}
	c.session.prepared[p.Name] = prepared{p, text, count}
	return nil
}

// prepared is a statement named in SQL.
type prepared struct {
	from   *plan.Prepared
	text   plan.Text
	params int
}

func errNoStatement(name string) error {
	return serverError("26000", fmt.Sprintf("prepared statement %q does not exist", name))
}

// execute is EXECUTE.
func (c *Conn) execute(ctx context.Context, s call) (driver.Rows, driver.Result, error) {
	named, ok := c.session.prepared[s.Prepared.Name]
	if !ok {
		return nil, nil, c.failed(errNoStatement(s.Prepared.Name))
	}
	args, err := s.Prepared.Arguments(named.from)
	if err != nil {
		return nil, nil, c.failed(err)
	}
	if named.params == 0 {
		args = nil // PostgreSQL does not look at them
	}
	if named.params != len(args) {
		return nil, nil, c.failed(serverError("42601", fmt.Sprintf("wrong number of parameters for prepared statement %q", s.Prepared.Name)))
	}
	values := make([]driver.NamedValue, len(args))
	for i, a := range args {
		values[i] = driver.NamedValue{Ordinal: i + 1, Value: a.Value}
		if a.SQL == "" {
			continue
		}
		if values[i].Value, err = c.scalar(ctx, a.SQL); err != nil {
			return nil, nil, c.failed(err)
		}
	}
	sql, used := named.text.Bind(values)
	return c.run(ctx, sql, used, s.rows)
}

// scalar asks for a single value.
func (c *Conn) scalar(ctx context.Context, sql string) (driver.Value, error) {
	rows, _, err := c.run(ctx, sql, nil, true)
	if err != nil {
		return nil, err
	}
	v := make([]driver.Value, 1)
	err = rows.Next(v)
	if cerr := rows.Close(); err == nil {
		err = cerr
	}
	return v[0], err
}

// declare notes where a cursor lives.
func (c *Conn) declare(s call, target plan.Target) error {
	if c.txn == nil {
		return serverError("25P01", "DECLARE CURSOR can only be used in transaction blocks")
	}
	sh := c.connector.shards[target.Shards[0]]
	if target.Mode == plan.Any {
		sh = c.anyOf(target.Shards)
	}
	if c.txn.cursors == nil {
		c.txn.cursors = make(map[string]*shard.Shard)
	}
	if old, ok := c.txn.cursors[s.Cursor.Name]; ok && old != sh && old != nil {
		return serverError("42P03", fmt.Sprintf("cursor %q already exists", s.Cursor.Name))
	}
	c.txn.cursors[s.Cursor.Name] = sh
	return nil
}

// fetch is FETCH, MOVE and CLOSE.
func (c *Conn) fetch(ctx context.Context, s call) (driver.Rows, driver.Result, error) {
	name := s.Cursor.Name
	if name == "" && c.txn != nil { // CLOSE ALL
		var res driver.Result = driver.RowsAffected(0)
		for _, sh := range c.txn.cursors {
			var err error
			if _, res, err = c.one(ctx, s, sh); err != nil {
				return nil, nil, err
			}
		}
		c.txn.cursors = nil
		return noRows(s.rows), res, nil
	}
	if name == "" {
		return noRows(s.rows), driver.RowsAffected(0), nil
	}
	var at *shard.Shard
	if c.txn != nil {
		at = c.txn.cursors[name]
	}
	if at == nil {
		return nil, nil, c.failed(serverError("34000", fmt.Sprintf("cursor %q does not exist", name)))
	}
	if !s.ReturnsRows && strings.EqualFold(strings.TrimSpace(s.SQL)[:5], "close") {
		delete(c.txn.cursors, name)
	}
	return c.one(ctx, s, at)
}

// PartialError says that a statement that cannot run in a transaction, such as
// CREATE INDEX CONCURRENTLY, was done on some shards and not on others.
type PartialError struct {
	Command string
	Done    []string // shards that have it
	Failed  string   // the shard that refused
	Missing []string // shards that were not asked any more
	Cause   error
}

func (e *PartialError) Error() string {
	msg := fmt.Sprintf("xapg: %s was done on shards %s and failed on %s", e.Command, strings.Join(e.Done, ", "), e.Failed)
	if len(e.Missing) > 0 {
		msg += "; it was not tried on " + strings.Join(e.Missing, ", ")
	}
	return msg + ": mend what is wrong there and run it on each of them with the hint /* xapg:shard=NAME */: " + e.Cause.Error()
}

// Unwrap gives the failed shard's error.
func (e *PartialError) Unwrap() error { return e.Cause }

// SQLState is that of the failed shard's error.
func (e *PartialError) SQLState() string { return state(e.Cause) }

// inTurn runs what cannot run in a transaction on one shard after the other, home
// first: what is wrong with it is then found before anything is done elsewhere.
func (c *Conn) inTurn(ctx context.Context, s call) error {
	if c.txn != nil {
		return c.failed(serverError("25001", s.Command+" cannot run inside a transaction block"))
	}
	target, err := s.Target(s.values, hintOf(ctx))
	if err != nil {
		return err
	}
	order := make([]*shard.Shard, 0, len(target.Shards))
	for _, at := range target.Shards {
		if sh := c.connector.shards[at]; sh == c.connector.home {
			order = append([]*shard.Shard{sh}, order...)
		} else {
			order = append(order, sh)
		}
	}
	leave, err := c.enter(ctx, c.all())
	if err != nil {
		return err
	}
	defer leave()
	var done []string
	for i, sh := range order {
		_, _, err := c.single(ctx, s, sh)
		if err = notRetried(sh, err); err != nil {
			if len(done) == 0 {
				return err
			}
			partial := &PartialError{Command: s.Command, Done: done, Failed: sh.Name(), Cause: branch.Bare(err)}
			for _, rest := range order[i+1:] {
				partial.Missing = append(partial.Missing, rest.Name())
			}
			return partial
		}
		done = append(done, sh.Name())
	}
	c.connector.schema.forget()
	return nil
}

// createAs is CREATE TABLE AS and SELECT INTO.
func (c *Conn) createAs(ctx context.Context, s call) (driver.Rows, driver.Result, error) {
	do := func() (driver.Rows, driver.Result, error) {
		as := s.CreateAs
		if as.Exists {
			if cat, err := c.catalog(ctx); err == nil && cat.Resolve(c.pathOr(cat), as.Schema, as.Table) != nil {
				return noRows(s.rows), driver.RowsAffected(0), nil
			}
		}
		made := s
		made.sql, made.rows = as.Create, false
		target, err := s.Target(s.values, hintOf(ctx))
		if err != nil {
			return nil, nil, c.failed(err)
		}
		if as.Temp {
			if _, _, err := c.one(ctx, made, c.connector.home); err != nil {
				return nil, nil, c.failed(err)
			}
		} else if _, _, err := c.spread(ctx, made, target); err != nil {
			return nil, nil, c.failed(err)
		}
		c.note(s.Statement, nil)
		if as.Insert == "" {
			return noRows(s.rows), driver.RowsAffected(0), nil
		}
		_, res, err := c.run(ctx, as.Insert, s.args, false)
		if err != nil {
			return nil, nil, c.failed(err)
		}
		return noRows(s.rows), res, nil
	}
	if c.txn != nil || s.CreateAs == nil {
		return do()
	}
	return c.implicit(ctx, true, s.rows, do)
}
