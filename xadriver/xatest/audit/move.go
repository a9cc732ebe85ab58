package main

import (
	"context"
	"database/sql"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// move is what a transfer process does: clients that transfer, and one chain of causes
// and effects.
func (c *child) move(ctx context.Context, working *sync.WaitGroup) {
	for i := range c.Many {
		r := rand.New(rand.NewPCG(c.Seed, uint64(c.Inc)<<8|uint64(i)))
		working.Go(func() {
			for ctx.Err() == nil {
				kind, err := c.transfer(context.WithoutCancel(ctx), r)
				c.moved(ctx, kind, err)
			}
		})
	}
	working.Go(func() {
		for n := 0; ctx.Err() == nil; n++ {
			err := c.chain(context.WithoutCancel(ctx), n%2 == 0)
			c.moved(ctx, "chain", err)
		}
	})
}

func (c *child) moved(ctx context.Context, kind string, err error) {
	if err != nil {
		c.tally.failed("transfer", err)
		rest(ctx, 20*time.Millisecond)
		return
	}
	c.tally.moved(kind)
	rest(ctx, c.Pace)
}

// patience is how long a client waits for its transaction.
const patience = 15 * time.Second

// transfer moves money between shards, mostly.
func (c *child) transfer(ctx context.Context, r *rand.Rand) (kind string, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	shards := r.Perm(len(c.Owners))
	owner := func(shard int) int64 { return c.Owners[shard][r.IntN(len(c.Owners[shard]))] }
	amount := 1 + r.Int64N(50)
	a, b := owner(shards[0]), owner(shards[1])
	switch n := r.IntN(100); {
	case n < 65:
		return "two shards", c.pay(ctx, map[int64]int64{a: -amount, b: amount})
	case n < 80 && len(shards) > 2:
		return "three shards", c.pay(ctx, map[int64]int64{a: -2 * amount, b: amount, owner(shards[2]): amount})
	case n < 90:
		_, err := c.db.ExecContext(ctx, "UPDATE accounts SET balance = balance + CASE WHEN owner = $1 THEN -$3::bigint ELSE $3 END WHERE owner IN ($1, $2)", a, b, amount)
		return "one statement for two shards", err
	default:
		return "one shard", c.pay(ctx, map[int64]int64{a: -amount, next(c.Owners[shards[0]], a): amount})
	}
}

// next is the account after another one.
func next(owners []int64, owner int64) int64 {
	return owners[(slices.Index(owners, owner)+1)%len(owners)]
}

// pay changes balances in one transaction, always in the order of the owners, so that
// transfers do not wait for each other in a circle.
func (c *child) pay(ctx context.Context, changes map[int64]int64) error {
	tx, err := c.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // over already, or nothing to be done
	owners := make([]int64, 0, len(changes))
	for owner := range changes {
		owners = append(owners, owner)
	}
	slices.Sort(owners)
	for _, owner := range owners {
		if _, err := tx.ExecContext(ctx, "UPDATE accounts SET balance = balance + $2 WHERE owner = $1", owner, changes[owner]); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// chain counts up the first row of the chain, and then writes on each further shard
// what it has read on the one before: writers of one shard each, with nothing but what
// they saw in common. With blocks, each write is a transaction block of its own.
func (c *child) chain(ctx context.Context, blocks bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	rows := c.Chains[c.Slot]
	if err := c.write(ctx, blocks, "UPDATE accounts SET balance = balance + 1 WHERE owner = $1", rows[0]); err != nil {
		return err
	}
	for i, effect := range rows[1:] {
		var seen int64
		if err := c.db.QueryRowContext(ctx, "SELECT balance FROM accounts WHERE owner = $1", rows[i]).Scan(&seen); err != nil {
			return err
		}
		if err := c.write(ctx, blocks, "UPDATE accounts SET balance = greatest(balance, $2) WHERE owner = $1", effect, seen); err != nil {
			return err
		}
	}
	return nil
}

func (c *child) write(ctx context.Context, block bool, query string, args ...any) error {
	if !block {
		_, err := c.db.ExecContext(ctx, query, args...)
		return err
	}
	tx, err := c.db.BeginTx(ctx, &sql.TxOptions{})
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // over already, or nothing to be done
	if _, err := tx.ExecContext(ctx, query, args...); err != nil {
		return err
	}
	return tx.Commit()
}
