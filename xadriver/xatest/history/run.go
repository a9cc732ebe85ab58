package main

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/xapg/xapg/xadriver/xatest/history/check"
)

// runner is a transaction, or the database outside of one.
type runner interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// do runs a work's statements, and notes what they did.
func (c *client) do(ctx context.Context, on runner, w *work, told *event) error {
	// The shape is part of the text, as different places in an application have different
	// statements: what the driver learns of how transactions go on, it learns by text.
	name := "/* " + w.shape + " */ "
	switch {
	case w.transfer != nil:
		return c.pay(ctx, on, name, w.transfer)
	case w.audit:
		return c.look(ctx, on, name, w, told)
	}
	for rest := w.ops; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].Statement == rest[0].Statement {
			n++
		}
		begin := monotonic()
		var err error
		if rest[0].Value != 0 {
			err = c.write(ctx, on, name, rest[:n])
		} else {
			err = c.query(ctx, on, name, rest[:n])
		}
		if err != nil {
			return err
		}
		end := monotonic()
		for _, o := range rest[:n] {
			o.Begin, o.End = begin, end
			told.Ops = append(told.Ops, o.Op)
		}
		rest = rest[n:]
	}
	if w.next != nil {
		c.then = w.next()
	}
	return nil
}

// write appends to some lists by one statement.
func (c *client) write(ctx context.Context, on runner, name string, ops []op) error {
	var rows []string
	var args []any
	for _, o := range ops {
		rows = append(rows, fmt.Sprintf("($%d, $%d, ARRAY[$%d::bigint])", len(args)+1, len(args)+2, len(args)+3))
		args = append(args, c.Anchors[o.shard], o.slot, o.Value)
	}
	_, err := on.ExecContext(ctx, name+"INSERT INTO lists (owner, slot, v) VALUES "+strings.Join(rows, ", ")+
		" ON CONFLICT (owner, slot) DO UPDATE SET v = lists.v || EXCLUDED.v", args...)
	return err
}

// query reads some lists by one statement. A list that is not there is empty.
func (c *client) query(ctx context.Context, on runner, name string, ops []op) error {
	where, args := c.wanted(ops)
	rows, err := on.QueryContext(ctx, name+"SELECT owner, slot, array_to_string(v, ',') FROM lists WHERE "+where, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	found := make(map[int64][]int64)
	for rows.Next() {
		var owner int64
		var p place
		var text string
		if err := rows.Scan(&owner, &p.slot, &text); err != nil {
			return err
		}
		p.shard = slices.Index(c.Anchors, owner)
		if found[p.key()], err = parseList(text); err != nil {
			return err
		}
	}
	for i := range ops {
		ops[i].List = found[ops[i].Key]
		if !ops[i].Predicate {
			c.outgrown(ops[i].place, len(ops[i].List))
		}
	}
	return rows.Err()
}

// wanted is the condition for lists: their names, or what they are all like, wherever
// they are.
func (c *client) wanted(ops []op) (where string, args []any) {
	if ops[0].Predicate {
		return "slot = $1", []any{ops[0].slot}
	}
	var owners, slots []string
	list := func(in []string, v int64) []string {
		args = append(args, v)
		return append(in, fmt.Sprint("$", len(args)))
	}
	there := make(map[int]bool)
	for _, o := range ops {
		if !there[o.shard] {
			there[o.shard] = true
			owners = list(owners, c.Anchors[o.shard])
		}
		slots = list(slots, o.slot)
	}
	return "owner IN (" + strings.Join(owners, ", ") + ") AND slot IN (" + strings.Join(slots, ", ") + ")", args
}

// pay moves a unit of money.
func (c *client) pay(ctx context.Context, on runner, name string, owners []int64) error {
	amount := int64(1 - 2*c.r.IntN(2))
	for i, owner := range owners {
		if _, err := on.ExecContext(ctx, name+"UPDATE accounts SET balance = balance + $2 WHERE owner = $1", owner, amount*int64(1-2*i)); err != nil {
			return err
		}
	}
	return nil
}

// look reads all accounts.
func (c *client) look(ctx context.Context, on runner, name string, w *work, told *event) error {
	a := &audit{Statement: c.Level == check.ReadCommitted || c.r.IntN(2) == 0, Balances: make(map[int64]int64)}
	texts, args := []string{name + "SELECT owner, balance FROM accounts"}, [][]any{nil}
	if !a.Statement {
		texts, args = nil, nil
		for _, shard := range c.r.Perm(len(c.Owners)) {
			var in []string
			var owners []any
			for i, owner := range c.Owners[shard] {
				in, owners = append(in, fmt.Sprint("$", i+1)), append(owners, owner)
			}
			texts, args = append(texts, name+"SELECT owner, balance FROM accounts WHERE owner IN ("+strings.Join(in, ", ")+")"), append(args, owners)
		}
	}
	for i, text := range texts {
		rows, err := on.QueryContext(ctx, text, args[i]...)
		if err != nil {
			return err
		}
		for rows.Next() {
			var owner, balance int64
			if err := rows.Scan(&owner, &balance); err != nil {
				return err
			}
			a.Balances[owner] = balance
		}
		if err := rows.Close(); err != nil {
			return err
		}
		if err := rows.Err(); err != nil {
			return err
		}
	}
	total := int64(0)
	for _, b := range a.Balances {
		total += b
	}
	if total == c.money() {
		a.Balances = nil
	}
	told.Audit = a
	return nil
}

// startBalance is what each account has at first.
const startBalance = 1000

func (s *spec) money() (total int64) {
	for _, owners := range s.Owners {
		total += int64(len(owners)) * startBalance
	}
	return total
}

// parseList reads numbers with commas between them.
func parseList(text string) (v []int64, err error) {
	if text == "" {
		return nil, nil
	}
	for f := range strings.SplitSeq(text, ",") {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return nil, err
		}
		v = append(v, n)
	}
	return v, nil
}
