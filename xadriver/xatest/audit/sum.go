package main

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// The shapes of a sum.
const (
	atOnce   = "one statement in a transaction"
	inTurn   = "a statement for each shard in a transaction"
	alone    = "a statement of its own"
	inABlock = "a statement in a READ COMMITTED transaction"
)

// reader sums up, again and again.
type reader struct {
	*child
	r        *rand.Rand
	balances map[int64]int64
	last     map[int64]int64
}

// audit is what an auditor does.
func (c *child) audit(ctx context.Context, working *sync.WaitGroup) {
	for i := range c.Many {
		r := &reader{child: c, r: rand.New(rand.NewPCG(c.Seed, uint64(c.Inc)<<8|uint64(i)))}
		working.Go(func() {
			for ctx.Err() == nil {
				if err := r.one(context.WithoutCancel(ctx)); err != nil {
					c.tally.failed("sum", err)
					rest(ctx, 20*time.Millisecond)
				}
			}
		})
	}
}

func (r *reader) shape() string {
	n := r.r.IntN(4)
	switch {
	case r.Reads == statement && n == 0:
		return alone
	case r.Reads == statement && n == 1:
		return inABlock
	case n == 2:
		return inTurn
	}
	return atOnce
}

const everything = "SELECT owner, balance FROM accounts"

// one takes one sum and judges it.
func (r *reader) one(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	shape := r.shape()
	r.balances = make(map[int64]int64)
	began := time.Now()
	var err error
	switch shape {
	case alone:
		err = r.read(ctx, r.db, everything)
	case inABlock:
		err = r.in(ctx, nil, func(tx *sql.Tx) error { return r.read(ctx, tx, everything) })
	case atOnce:
		err = r.in(ctx, repeatable, func(tx *sql.Tx) error { return r.read(ctx, tx, everything) })
	case inTurn:
		err = r.in(ctx, repeatable, func(tx *sql.Tx) error {
			for _, shard := range r.r.Perm(len(r.Owners)) {
				if err := r.read(ctx, tx, everything+" WHERE owner = ANY ($1)", r.on(shard)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err != nil {
		return err
	}
	r.judge(shape, time.Since(began))
	return nil
}

var repeatable = &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}

func (r *reader) in(ctx context.Context, o *sql.TxOptions, do func(tx *sql.Tx) error) error {
	tx, err := r.db.BeginTx(ctx, o)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // over already, or nothing to be done
	if err := do(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// on lists all rows of a shard: accounts, and one row of each chain.
func (r *reader) on(shard int) []int64 {
	return slices.Concat(r.Owners[shard], r.Links[shard])
}

type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

func (r *reader) read(ctx context.Context, from querier, query string, args ...any) error {
	rows, err := from.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var owner, balance int64
		if err := rows.Scan(&owner, &balance); err != nil {
			return err
		}
		r.balances[owner] = balance
	}
	return rows.Err()
}

// judge compares what was read with what every state of the bank has in common.
func (r *reader) judge(shape string, took time.Duration) {
	var total int64
	byShard := make([]int64, len(r.Owners))
	missing, fresh := 0, false
	for shard, owners := range r.Owners {
		for _, owner := range owners {
			balance, ok := r.balances[owner]
			if !ok {
				missing++
			}
			byShard[shard] += balance
			fresh = fresh || r.last != nil && balance != r.last[owner]
		}
		total += byShard[shard]
	}
	broken := ""
	for _, chain := range r.Chains {
		for i, effect := range chain[1:] {
			if r.balances[effect] > r.balances[chain[i]] {
				broken = fmt.Sprintf("%d was written because of %d, which was not seen: %d of owner %d, %d of owner %d",
					r.balances[effect], r.balances[effect], r.balances[effect], effect, r.balances[chain[i]], chain[i])
			}
		}
	}
	r.last = r.balances
	t := &r.tally
	t.mu.Lock()
	defer t.mu.Unlock()
	t.span(total, total)
	t.Sums++
	add(&t.Shapes, shape, 1)
	add(&t.Times, bucket(took), 1)
	if fresh {
		t.Fresh++
	}
	if total != r.Total || missing > 0 {
		t.Fracture++
		t.show("%s gave %d, and not %d; by shard %d; %d rows were missing", shape, total, r.Total, byShard, missing)
	}
	if broken != "" {
		t.Effect++
		t.show("%s: %s", shape, broken)
	}
}

// show keeps some of what is wrong. The caller holds the lock.
func (t *tally) show(format string, args ...any) {
	if len(t.Evidence) < mostEvidence {
		t.Evidence = append(t.Evidence, fmt.Sprintf(format, args...))
	}
}
