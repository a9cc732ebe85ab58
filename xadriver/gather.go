package xadriver

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"slices"
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
	if err := c.faithful(ctx); err != nil {
		return nil, err
	}
	pulls, err := c.pulls(s, target, p, args)
	if err != nil {
		return nil, err
	}
	parts := make([]part, 0, len(pulls))
	for _, q := range pulls {
		parts = append(parts, part{shard: c.connector.shards[q.shard]})
	}
	err = c.ask(ctx, parts, func(at *part) call {
		q := pulls[indexOf(parts, at)]
		one := s
		one.rows = true
		one.bind(q.text, args)
		return one
	})
	if err != nil {
		return nil, err
	}
	// The scratch session comes last: who has one waits for nobody.
	session, err := scratch.Open(ctx, c.connector.own[c.connector.home.Index()], c.said(), p.Create)
	if err != nil {
		for _, q := range parts {
			_ = q.rows.Close()
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

// texts are the settings under which a value's text is read as the value that it was
// written from.
var texts = map[string]func(string) bool{
	"extra_float_digits": func(v string) bool { n, err := strconv.Atoi(v); return err == nil && n > 0 },
	"datestyle":          func(v string) bool { return strings.HasPrefix(strings.ToLower(v), "iso") },
	"array_nulls":        func(v string) bool { return v == "on" || v == "true" || v == "1" },
	"xmloption":          func(v string) bool { return strings.EqualFold(v, "content") },
}

// faithful makes sure that values survive the way through their text.
func (c *Conn) faithful(ctx context.Context) error {
	cat, err := c.shared(ctx)
	if err != nil {
		return err
	}
	for name, ok := range texts {
		value := cat.Setting(name)
		for _, s := range []*branch.Setting{c.session.setting(name), c.transactionSetting(name)} {
			if s != nil && s.Name != "" && len(s.Values) > 0 {
				value = s.Values[0]
			}
		}
		if value != "" && !ok(value) {
			return &plan.Refusal{
				Clause: "a statement that brings rows of several shards together, with " + name + " = " + value, Reason: "values would not survive the way from server to server",
				Remedy: "reset " + name,
			}
		}
	}
	return nil
}

func (c *Conn) transactionSetting(name string) *branch.Setting {
	if c.txn == nil {
		return nil
	}
	return c.txn.Setting(name)
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

// said lists the settings in force, for the scratch session: the last word on each.
func (c *Conn) said() []string {
	all := slices.Clone(c.session.settings)
	if c.txn != nil {
		all = append(all, c.txn.Said()...)
	}
	var out []string
	seen := make(map[string]bool)
	for _, s := range slices.Backward(all) {
		if s.Name == "" { // RESET ALL: what came before does not matter
			break
		}
		if seen[s.Name] || strings.HasPrefix(s.Name, "transaction_") || len(s.Values) == 0 {
			seen[s.Name] = true
			continue
		}
		seen[s.Name] = true
		out = append(out, s.SQL)
	}
	slices.Reverse(out)
	if c.txn != nil && !seen["lock_timeout"] {
		// The session may wait for its own transaction, which then waits for it.
		wait := c.connector.cfg.LockWait
		if wait <= 0 {
			wait = callTimeout
		}
		out = append(out, fmt.Sprintf("SET LOCAL lock_timeout = %d", max(wait.Milliseconds(), 1)))
	}
	return out
}
