package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"golang.org/x/sync/errgroup"
)

const (
	opening  = 1000 // what each account begins with
	auditors = 8
)

// underLoad lets many clients pay at once, while auditors add up all balances.
func (b *bank) underLoad(ctx context.Context, o options, owners []string) error {
	how := "consistent_reads=snapshot: auditors add up all balances meanwhile, and must see the same total each time"
	if !o.consistent {
		how = "consistent_reads=off: what the auditors see when each shard shows its own moment"
	}
	title(fmt.Sprintf("%d clients move money between %d accounts on %d shards for %s\n   %s", o.clients, len(owners), len(b.cluster.Shards), o.load, how))
	b.SetMaxIdleConns(o.clients + auditors)
	a := &auditor{want: int64(len(owners)) * opening}
	m := &meter{}
	timed, cancel := context.WithTimeout(ctx, o.load)
	defer cancel()
	everybody, timed := errgroup.WithContext(timed)
	for range o.clients {
		everybody.Go(func() error { return b.client(timed, owners, m) })
	}
	for range auditors {
		everybody.Go(func() error { return a.work(timed, b.DB) })
	}
	stopped := make(chan struct{})
	shown := make(chan struct{})
	go func() { m.show(a, stopped); close(shown) }()
	err := everybody.Wait()
	close(stopped)
	<-shown
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	if err := a.verdict(o.consistent); err != nil {
		return err
	}
	total, err := b.total(ctx)
	if err != nil {
		return err
	}
	if total != a.want {
		return fmt.Errorf("the total is %d after the load, and was %d before", total, a.want)
	}
	say("%d payments committed, %d rejected, %d run again; total at the end: %d, unchanged", m.done.Load(), m.rejected.Load(), b.again.Load(), total)
	return b.nothingPrepared(ctx)
}

// openAccounts opens the accounts that the load moves money between.
func (b *bank) openAccounts(ctx context.Context, n int) (owners []string, err error) {
	group, ctx := errgroup.WithContext(ctx)
	const parallel = 16
	group.SetLimit(parallel)
	for i := range n {
		owner := fmt.Sprintf("owner-%04d", i)
		owners = append(owners, owner)
		group.Go(func() error { return b.openAccount(ctx, owner, opening) })
	}
	return owners, group.Wait()
}

// total asks each server for its sum, when nobody pays.
func (b *bank) total(ctx context.Context) (sum int64, err error) {
	for _, s := range b.cluster.Shards {
		n, err := count(ctx, s, "SELECT coalesce(sum(amount), 0)::bigint FROM ledger")
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

// client pays until its time is over. It always locks the two accounts in the
// same order, so that clients do not wait for each other in a circle.
func (b *bank) client(ctx context.Context, owners []string, m *meter) error {
	for ctx.Err() == nil {
		i, j := rand.IntN(len(owners)), rand.IntN(len(owners))
		if i == j {
			continue
		}
		amount := rand.Int64N(100) + 1
		if i > j {
			i, j, amount = j, i, -amount
		}
		begin := time.Now()
		// A payment that has begun is finished: the clock only stops new ones.
		err := b.pay(context.WithoutCancel(ctx), owners[i], owners[j], amount)
		var pgErr *pgconn.PgError
		switch {
		case err == nil:
			m.add(time.Since(begin))
		case errors.As(err, &pgErr) && (pgErr.Code == "P0001" || pgErr.Code == "55P03" || pgErr.Code == "40P01"):
			m.rejected.Add(1) // too little money, or too long a wait
		default:
			return err
		}
	}
	return nil
}

// meter counts payments and shows a line that lives.
type meter struct {
	done, rejected atomic.Int64

	mu    sync.Mutex
	times []time.Duration
}

func (m *meter) add(d time.Duration) {
	m.done.Add(1)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.times = append(m.times, d)
}

func (m *meter) show(a *auditor, stopped <-chan struct{}) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	before := int64(0)
	for {
		select {
		case <-stopped:
			fmt.Println()
			return
		case <-tick.C:
		}
		m.mu.Lock()
		times := m.times
		m.times = nil
		m.mu.Unlock()
		slices.Sort(times)
		at := func(q float64) time.Duration {
			if len(times) == 0 {
				return 0
			}
			return times[int(float64(len(times)-1)*q)].Round(10 * time.Microsecond)
		}
		done := m.done.Load()
		sums, wrong := a.so()
		fmt.Printf("\r   %5d payments/s   median %8s   99%% %8s   in all %d   audits %d, wrong %d ", done-before, at(0.5), at(0.99), done, sums, wrong)
		before = done
	}
}
