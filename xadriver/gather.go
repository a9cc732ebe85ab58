package xadriver

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/xapg/xapg/xadriver/internal/branch"
	"github.com/xapg/xapg/xadriver/internal/plan"
	"github.com/xapg/xapg/xadriver/internal/scratch"
)

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
