package main

import (
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/xapg/xapg/xadriver"
)

// client runs one transaction after the other.
type client struct {
	*child
	r     *rand.Rand
	slots map[string]int // the generation of each list that it knows of
}

// work is what one transaction does: on is where it writes.
type work struct {
	kind string
	on   []int
	mask int
	do   func(ctx context.Context, tx *sql.Tx, id int64) error
	saw  *event
}

// idsPerProcess is how many transactions a process can number.
const idsPerProcess = 1_000_000

func (c *client) work(ctx context.Context) {
	for ctx.Err() == nil {
		c.run.RLock()
		failed := false
		if ctx.Err() == nil {
			failed = c.one(ctx)
		}
		c.run.RUnlock()
		if failed {
			time.Sleep(time.Duration(5+c.r.IntN(20)) * time.Millisecond)
		}
	}
}

// one runs a transaction, and says what it is and what came of it.
func (c *client) one(ctx context.Context) (failed bool) {
	id := int64(c.Inc)*idsPerProcess + c.seq.Add(1)
	w := c.draw()
	c.sayAt(event{E: saysBegin, ID: id, Kind: w.kind, On: w.on, Mask: w.mask})
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	var err error
	switch {
	case c.Role == onebyone:
		err = c.oneByOne(ctx, w, id)
	case w.kind == kindStatement:
		err = c.statement(ctx, w, id)
	default:
		err = c.transaction(ctx, w, id)
	}
	e := event{E: saysTold, ID: id, Told: tellOf(err)}
	if err != nil {
		e.Err, e.Why = err.Error(), why(err)
	}
	c.sayAt(e)
	return err != nil
}

var errChanged = errors.New("the application has changed its mind")

func (c *client) transaction(ctx context.Context, w *work, id int64) error {
	tx, err := c.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // over already, or nothing to be done
	if err := w.do(ctx, tx, id); err != nil {
		return err
	}
	if c.r.IntN(40) == 0 {
		return errors.Join(errChanged, tx.Rollback())
	}
	if w.saw != nil {
		c.say(*w.saw)
	}
	return tx.Commit()
}

// statement writes on several shards by one statement, outside of a transaction block.
func (c *client) statement(ctx context.Context, w *work, id int64) error {
	a, b := c.anchor(w.on[0]), c.anchor(w.on[1])
	_, err := c.db.ExecContext(ctx, "INSERT INTO traces (owner, id) VALUES ($1, $3), ($2, $3)", a, b, id)
	return err
}

// The kinds of transactions.
const (
	kindTransfer  = "transfer"  // moves money between two accounts
	kindRows      = "rows"      // a row on every shard, inserted and updated
	kindCounter   = "counter"   // counts up on each shard of a set
	kindLists     = "lists"     // reads lists on several shards and appends to some
	kindReader    = "reader"    // reads lists, with locks or without
	kindSingle    = "single"    // writes on one shard
	kindFunction  = "function"  // writes through a function, which the driver must ask about
	kindStatement = "statement" // one statement that writes on two shards
)

func (c *client) draw() *work {
	switch n := c.r.IntN(100); {
	case n < 32:
		return c.transfer()
	case n < 46:
		return c.rows()
	case n < 60:
		return c.count()
	case n < 80:
		return c.lists()
	case n < 86:
		return c.reader()
	case n < 92:
		return c.single()
	case n < 96:
		return c.function()
	default:
		return &work{kind: kindStatement, on: c.some(2)}
	}
}

// anchor is the owner on a shard under whom traces are left.
func (c *client) anchor(shard int) int64 { return c.Owners[shard][0] }

// some draws n shards, in order.
func (c *client) some(n int) []int {
	on := c.r.Perm(len(c.Owners))[:min(n, len(c.Owners))]
	slices.Sort(on)
	return on
}

// leave leaves a trace of the transaction on each of its shards.
func (c *client) leave(ctx context.Context, tx *sql.Tx, id int64, on ...int) error {
	for _, shard := range on {
		if _, err := tx.ExecContext(ctx, "INSERT INTO traces (owner, id) VALUES ($1, $2)", c.anchor(shard), id); err != nil {
			return err
		}
	}
	return nil
}

func (c *client) owner(shard int) int64 { return c.Owners[shard][c.r.IntN(len(c.Owners[shard]))] }

func (c *client) transfer() *work {
	on := c.some(2)
	amount := int64(1 + c.r.IntN(50))
	if c.r.IntN(2) == 0 {
		amount = -amount
	}
	owners := []int64{c.owner(on[0]), c.owner(on[1])}
	if c.r.IntN(20) == 0 { // into a deadlock, now and then
		slices.Reverse(owners)
		amount = -amount
	}
	return &work{kind: kindTransfer, on: on, do: func(ctx context.Context, tx *sql.Tx, id int64) error {
		for i, owner := range owners {
			if _, err := tx.ExecContext(ctx, "UPDATE accounts SET balance = balance + $2 WHERE owner = $1", owner, amount*int64(1-2*i)); err != nil {
				return err
			}
		}
		return c.leave(ctx, tx, id, on...)
	}}
}

func (c *client) single() *work {
	on := c.some(1)
	from, to := c.owner(on[0]), c.owner(on[0])
	return &work{kind: kindSingle, on: on, do: func(ctx context.Context, tx *sql.Tx, id int64) error {
		for i, owner := range []int64{min(from, to), max(from, to)} {
			if _, err := tx.ExecContext(ctx, "UPDATE accounts SET balance = balance + $2 WHERE owner = $1", owner, 3*(1-2*i)); err != nil {
				return err
			}
		}
		return c.leave(ctx, tx, id, on...)
	}}
}

func (c *client) rows() *work {
	on := c.some(len(c.Owners))
	return &work{kind: kindRows, on: on, do: func(ctx context.Context, tx *sql.Tx, id int64) error {
		if err := c.leave(ctx, tx, id, on...); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "UPDATE traces SET state = 1 WHERE id = $1", id)
		return err
	}}
}

// function writes by calling functions, of which only the server knows whether they do.
func (c *client) function() *work {
	on := c.some(2)
	return &work{kind: kindFunction, on: on, do: func(ctx context.Context, tx *sql.Tx, id int64) error {
		for _, shard := range on {
			hinted := xadriver.WithKey(ctx, c.anchor(shard))
			if err := tx.QueryRowContext(hinted, "SELECT leave_trace($1, $2)", c.anchor(shard), id).Scan(new(int64)); err != nil {
				return err
			}
		}
		return nil
	}}
}

// count counts up on each shard of a set; the set's counters are locked in the
// order of the shards.
func (c *client) count() *work {
	on := c.some(2 + c.r.IntN(len(c.Owners)-1))
	mask := 0
	for _, shard := range on {
		mask |= 1 << shard
	}
	return &work{kind: kindCounter, on: on, mask: mask, do: func(ctx context.Context, tx *sql.Tx, id int64) error {
		for _, shard := range on {
			var n int64
			err := tx.QueryRowContext(ctx, "UPDATE counters SET n = n + 1 WHERE owner = $1 AND mask = $2 RETURNING n", c.anchor(shard), mask).Scan(&n)
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, "INSERT INTO ticks (owner, mask, n, id) VALUES ($1, $2, $3, $4)", c.anchor(shard), mask, n, id); err != nil {
				return err
			}
		}
		return c.leave(ctx, tx, id, on...)
	}}
}
