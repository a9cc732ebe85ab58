package xadriver

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/xapg/xapg/xadriver/internal/branch"
	"github.com/xapg/xapg/xadriver/internal/merge"
	"github.com/xapg/xapg/xadriver/internal/plan"
	"github.com/xapg/xapg/xadriver/internal/scratch"
	"github.com/xapg/xapg/xadriver/internal/shard"
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
			return c.again(ctx, s)
		}
	}
	if s.Writes {
		return c.write(ctx, s, target)
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
	if state(err) == "42P22" && p.Part != "" {
		// An expression without a collation can be judged, but not be a column.
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

// again plans a statement anew, and runs it.
func (c *Conn) again(ctx context.Context, s call) (driver.Rows, driver.Result, error) {
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
	scatter.sql, scatter.args = p.Scatter.Bind(args)
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

// state is an error's SQLSTATE, "" when it has none.
func state(err error) string {
	var s interface{ SQLState() string }
	if errors.As(err, &s) {
		return s.SQLState()
	}
	return ""
}

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
			b, err := c.txn.Branch(ctx, parts[i].shard)
			if err != nil {
				return err
			}
			parts[i].branch = b
		}
	}
	err := branch.Each(pointers(parts), func(p *part) (err error) {
		if p.branch != nil {
			p.rows, p.result, err = on(ctx, p.branch, of(p))
		} else {
			p.rows, p.result, err = c.single(ctx, of(p), p.shard)
		}
		return notRetried(p.shard, err)
	})
	if err != nil {
		for _, p := range parts {
			if p.rows != nil {
				_ = p.rows.Close()
			}
		}
	}
	return err
}

// judged brings the shards' rows together in a scratch session, which answers.
func (c *Conn) judged(ctx context.Context, s call, target plan.Target, p *plan.Program, args []driver.NamedValue) (driver.Rows, error) {
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

// gather fills the tables of a scratch session.
func (c *Conn) gather(ctx context.Context, s call, target plan.Target, p *plan.Program, args []driver.NamedValue) (*scratch.Session, error) {
	limit := int64(c.connector.cfg.GatherLimit)
	if limit <= 0 {
		return nil, &plan.Refusal{Clause: "a statement that brings rows of several shards together", Reason: "gather_limit is off", Remedy: "set gather_limit, or say which key the statement concerns"}
	}
	if err := c.faithful(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var session *scratch.Session
	opened := make(chan error, 1)
	go func() {
		var err error
		session, err = scratch.Open(ctx, c.connector.scratch, c.said(), p.Create)
		opened <- err
	}()
	pulls, err := c.pulls(s, target, p, args)
	var parts []part
	if err == nil {
		for _, q := range pulls {
			parts = append(parts, part{shard: c.connector.shards[q.shard]})
		}
		err = c.ask(ctx, parts, func(at *part) call {
			q := pulls[indexOf(parts, at)]
			one := s
			one.rows = true
			one.sql, one.args = q.text.Bind(args)
			return one
		})
	}
	if err != nil {
		cancel()
	}
	if oerr := <-opened; oerr != nil || err != nil {
		for _, q := range parts {
			if q.rows != nil && err == nil {
				_ = q.rows.Close()
			}
		}
		if session != nil {
			_ = session.Close()
		}
		if err == nil {
			err = oerr
		}
		return nil, err
	}
	loader := scratch.NewLoader(session, limit)
	for _, t := range tablesOf(p) {
		loader.Table(t.name, t.columns)
	}
	err = branch.Each(pointers(parts), func(at *part) error {
		return errors.Join(pour(ctx, loader, at.rows, pulls[indexOf(parts, at)].tables), at.rows.Close())
	})
	if err == nil {
		err = loader.Flush(ctx)
	}
	if err != nil {
		return nil, errors.Join(first(err), session.Close())
	}
	return session, nil
}

// faithful makes sure that values survive the way through their text.
func (c *Conn) faithful() error {
	for _, f := range []struct {
		name string
		ok   func(string) bool
	}{
		{"extra_float_digits", func(v string) bool { n, err := strconv.Atoi(v); return err == nil && n > 0 }},
		{"datestyle", func(v string) bool { return strings.HasPrefix(strings.ToLower(v), "iso") }},
	} {
		value := c.connector.home.RuntimeParam(f.name)
		if s := c.session.setting(f.name); s != nil && s.Name != "" && len(s.Values) > 0 {
			value = s.Values[0]
		}
		if c.txn != nil {
			if s := c.txn.Setting(f.name); s != nil && s.Name != "" && len(s.Values) > 0 {
				value = s.Values[0]
			}
		}
		if value != "" && !f.ok(value) {
			return &plan.Refusal{
				Clause: "a statement that brings rows of several shards together, with " + f.name + " = " + value, Reason: "values would not survive the way from server to server",
				Remedy: "reset " + f.name,
			}
		}
	}
	return nil
}

// pour reads rows to their end into the loader's tables. Where a shard answers
// for several tables at once, the first column is the table's place among them.
func pour(ctx context.Context, l *scratch.Loader, rows driver.Rows, tables []filled) error {
	row := make([]driver.Value, len(rows.Columns()))
	for {
		if err := rows.Next(row); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		t, values := tables[0], row
		if len(tables) > 1 {
			at, ok := row[0].(int64)
			if !ok || at < 0 || int(at) >= len(tables) {
				return errors.New("xapg: a shard answered for a table that it was not asked for")
			}
			t, values = tables[at], row[1:]
		}
		if err := l.Add(ctx, t.table, values[:t.width]); err != nil {
			return err
		}
	}
}

// first is the first of several errors, so that PostgreSQL's own come bare.
func first(err error) error {
	if j, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range j.Unwrap() {
			if e != nil {
				return first(e)
			}
		}
	}
	return err
}

func indexOf(parts []part, p *part) int {
	for i := range parts {
		if &parts[i] == p {
			return i
		}
	}
	return -1
}

// said lists the settings in force, for the scratch session.
func (c *Conn) said() []string {
	var all []string
	for _, s := range c.session.settings {
		all = append(all, s.SQL)
	}
	if c.txn != nil {
		all = append(all, c.txn.Said()...)
	}
	return all
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
	rows, _, err := c.one(ctx, s, c.connector.home)
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

// describer asks home, within the transaction if there is one.
type describer struct {
	ctx  context.Context
	conn *Conn
}

func (d *describer) Describe(sql string) (*plan.Description, error) {
	c := d.conn
	var (
		got *shard.Description
		err error
	)
	if c.txn != nil {
		b, berr := c.txn.Branch(d.ctx, c.connector.home)
		if berr != nil {
			return nil, berr
		}
		got, err = b.Describe(d.ctx, sql)
	} else {
		conn, aerr := c.session.acquire(d.ctx, c.connector.home)
		if aerr != nil {
			return nil, aerr
		}
		got, err = conn.Describe(d.ctx, sql)
		c.session.release(conn)
	}
	if err != nil {
		return nil, err
	}
	out := &plan.Description{Params: got.Params}
	for _, f := range got.Columns {
		out.Columns = append(out.Columns, plan.Described{Name: f.Name, OID: f.DataTypeOID})
	}
	return out, nil
}

// notRetried makes sure that a statement of which other parts may have run is not
// run again by database/sql.
func notRetried(sh *shard.Shard, err error) error {
	if errors.Is(err, driver.ErrBadConn) {
		return fmt.Errorf("xapg: shard %s: no working connection could be had", sh.Name())
	}
	return err
}
