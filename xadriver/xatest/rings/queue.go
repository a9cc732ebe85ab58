package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// hotPerShard is how many hot rows a zone has on each shard.
const hotPerShard = 2

func parade(zone int) string { return fmt.Sprintf("parade_%d", zone) }

// queue is what an application is to do without ever being in a circle. Its clients
// take what they need in one order: the rows of their zone as listed, then the zone's
// row of the reference table. A row that was taken and given back by going back to a
// savepoint does not count. Changes of the zone's parade, a table that nobody reads,
// are transactions of their own.
type queue struct {
	Seed         uint64        `json:"seed"`
	Transactions int           `json:"transactions"`
	Long         int           `json:"long"` // so many keep their locks for long
	Clients      int           `json:"clients"`
	Zones        [][]int64     `json:"zones"`
	Patience     time.Duration `json:"patience"` // deadlock_timeout
	Bound        time.Duration `json:"bound"`    // for one transaction
}

// tally is what became of it.
type tally struct {
	Committed int            `json:"committed"`
	Kept      int            `json:"kept"`    // of these, for long
	Waited    int            `json:"waited"`  // statements that took longer than deadlock_timeout
	Longest   time.Duration  `json:"longest"` // that a statement took
	Failed    map[string]int `json:"failed"`  // by code and message
	Took      time.Duration  `json:"took"`
}

// queue runs the transactions.
func (c *child) queue(ctx context.Context, q *queue) *tally {
	began := time.Now()
	var next atomic.Int64
	total := &tally{Failed: make(map[string]int)}
	var mu sync.Mutex
	var clients sync.WaitGroup
	for i := range q.Clients {
		clients.Go(func() {
			cl := &customer{queue: q, db: c.db, zone: i % len(q.Zones), r: rand.New(rand.NewPCG(q.Seed, uint64(c.Slot)<<16|uint64(i))), failed: make(map[string]int)}
			for n := int(next.Add(1)); n <= q.Transactions && ctx.Err() == nil; n = int(next.Add(1)) {
				cl.once(ctx, q.long(n))
			}
			mu.Lock()
			defer mu.Unlock()
			total.add(&cl.tally, cl.failed)
		})
	}
	clients.Wait()
	total.Took = time.Since(began)
	return total
}

// long reports whether the n-th transaction is a long one. They are spread evenly; the
// last one is none, as nobody would be left to wait for it.
func (q *queue) long(n int) bool {
	upTo := func(n int) int { return (n*q.Long + q.Transactions/2) / q.Transactions }
	return upTo(n) != upTo(n-1)
}

func (t *tally) add(o *tally, failed map[string]int) {
	t.Committed += o.Committed
	t.Kept += o.Kept
	t.Waited += o.Waited
	t.Longest, t.Took = max(t.Longest, o.Longest), max(t.Took, o.Took)
	for why, n := range failed {
		t.Failed[why] += n
	}
}

// customer runs one transaction after the other.
type customer struct {
	*queue
	db     *sql.DB
	zone   int
	r      *rand.Rand
	tally  tally
	failed map[string]int
}

// once runs a transaction; a long one keeps its locks for longer than deadlock_timeout.
func (c *customer) once(ctx context.Context, long bool) {
	ctx, cancel := context.WithTimeout(ctx, c.Bound)
	defer cancel()
	err := c.transact(ctx, long)
	if err == nil {
		c.tally.Committed++
		if long {
			c.tally.Kept++
		}
		return
	}
	why := err.Error()
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) {
		why = pgErr.Code + " " + pgErr.Message
	}
	c.failed[why]++
}

func (c *customer) transact(ctx context.Context, long bool) error {
	tx, err := c.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	list, keepAt := c.draw(long)
	for i, s := range list {
		began := time.Now()
		if err := s.run(ctx, tx); err != nil {
			return err
		}
		took := time.Since(began)
		c.tally.Longest = max(c.tally.Longest, took)
		if took > c.Patience {
			c.tally.Waited++
		}
		if long && i == keepAt { // 1.2 to 2.5 times deadlock_timeout
			time.Sleep(c.Patience*12/10 + time.Duration(c.r.Int64N(int64(c.Patience)*13/10)))
		}
	}
	return tx.Commit()
}

// draw draws a transaction, and after which of its statements it keeps what it has.
func (c *customer) draw(long bool) (list []statement, keepAt int) {
	n := c.r.IntN(100)
	hot := c.Zones[c.zone]
	if n == 0 && c.r.IntN(4) == 0 && !long {
		return []statement{{SQL: "ALTER TABLE " + parade(c.zone) + " ALTER COLUMN n SET DEFAULT 1"}}, 0
	}
	rows := 1
	switch {
	case n < 30:
	case n < 70:
		rows = 2
	default:
		rows = 3
	}
	at := c.r.Perm(len(hot))[:rows]
	slices.Sort(at)
	if n >= 92 { // takes a row, gives it back, and begins anew
		list = append(list, statement{SQL: "SAVEPOINT s"}, c.update("hot", hot[at[rows-1]]), statement{SQL: "ROLLBACK TO SAVEPOINT s"})
	}
	for _, i := range at {
		if n%10 == 3 {
			list = append(list, statement{"SELECT n FROM hot WHERE id = $1 FOR UPDATE", []int64{hot[i]}})
		}
		list = append(list, c.update("hot", hot[i]))
	}
	if n >= 60 && n < 68 {
		list = append(list, c.update("flags", hot[0]))
	}
	return list, c.r.IntN(len(list))
}

func (c *customer) update(table string, id int64) statement {
	return statement{"UPDATE " + table + " SET n = n + 1 WHERE id = $1", []int64{id}}
}

// runQueues has all applications run transactions without a circle.
func (a *arena) runQueues(ctx context.Context) error {
	patience, err := a.patience()
	if err != nil {
		return err
	}
	a.report.log("%d transactions without a circle, %d of them long", a.transactions, a.long)
	zones := make([][]int64, a.zones)
	d := rand.New(rand.NewPCG(a.seed, 1))
	for z := range zones {
		for shard := range a.ids {
			zones[z] = append(zones[z], a.ids[shard][z*hotPerShard:(z+1)*hotPerShard]...)
		}
		d.Shuffle(len(zones[z]), func(i, j int) { zones[z][i], zones[z][j] = zones[z][j], zones[z][i] })
	}
	const nowhere = 0 // rings have numbers from 1 on
	ear := a.listen(nowhere, a.processes)
	for i, p := range a.crew {
		share := func(n int) int { return n*(i+1)/a.processes - n*i/a.processes }
		p.tell(order{Do: doQueue, Queue: &queue{Seed: a.seed, Transactions: share(a.transactions), Long: share(a.long), Clients: a.clients, Zones: zones, Patience: patience, Bound: a.bound + 20*patience}})
	}
	for left := len(a.crew); left > 0; left-- {
		if err := a.await(ctx, ear); err != nil {
			return err
		}
	}
	a.report.judgeQueues()
	return nil
}

// await hears one application out. It may take its time, but not die.
func (a *arena) await(ctx context.Context, ear <-chan event) error {
	for {
		select {
		case e := <-ear:
			a.report.queued(e.Tally)
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Second):
			for _, p := range a.crew {
				if err := p.trouble(); err != nil {
					return err
				}
			}
		}
	}
}
