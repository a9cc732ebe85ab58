package xadriver_test

import (
	"context"
	"sync"
	"time"

	"github.com/xapg/xapg/xadriver"
)

// faulty is the broker of the example, with calls that fail as they are told.
type faulty struct {
	broker

	plan   sync.Mutex
	faults map[string]error // by call: done and answered with this error, or, with "not ", not done
	counts map[string]int
	ages   time.Duration // that the broker tells of all branches
}

func (f *faulty) age(d time.Duration) {
	f.plan.Lock()
	defer f.plan.Unlock()
	f.ages = d
}

func (f *faulty) fail(call string, err error) {
	f.plan.Lock()
	defer f.plan.Unlock()
	if f.faults == nil {
		f.faults = make(map[string]error)
	}
	f.faults[call] = err
}

func (f *faulty) heal() {
	f.plan.Lock()
	defer f.plan.Unlock()
	f.faults = nil
}

func (f *faulty) count(call string) int {
	f.plan.Lock()
	defer f.plan.Unlock()
	return f.counts[call]
}

// try does a call, unless it is to fail.
func (f *faulty) try(call string, do func() error) error {
	f.plan.Lock()
	if f.counts == nil {
		f.counts = make(map[string]int)
	}
	f.counts[call]++
	before, after := f.faults["not "+call], f.faults[call]
	f.plan.Unlock()
	if before != nil {
		return before
	}
	if err := do(); err != nil {
		return err
	}
	return after
}

func (f *faulty) Begin(ctx context.Context, gid string) (b *faultyBatch, err error) {
	err = f.try("begin", func() error { return nil })
	if err != nil {
		return nil, err
	}
	inner, err := f.broker.Begin(ctx, gid)
	return &faultyBatch{inner, f}, err
}

func (f *faulty) InDoubt(ctx context.Context, prefix string) (list []xadriver.PreparedBranch, err error) {
	err = f.try("list", func() (err error) {
		list, err = f.broker.InDoubt(ctx, prefix)
		return err
	})
	f.plan.Lock()
	defer f.plan.Unlock()
	for i := range list {
		list[i].Age = f.ages
	}
	return list, err
}

func (f *faulty) Commit(ctx context.Context, gid string) error {
	return f.try("recover", func() error { return f.broker.Commit(ctx, gid) })
}

func (f *faulty) Rollback(ctx context.Context, gid string) error {
	return f.try("recover", func() error { return f.broker.Rollback(ctx, gid) })
}

// gids are what is prepared.
func (f *faulty) gids() (list []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for gid := range f.prepared {
		list = append(list, gid)
	}
	return list
}

type faultyBatch struct {
	*batch
	plan *faulty
}

func (b *faultyBatch) Prepare(ctx context.Context) error {
	return b.plan.try("prepare", func() error { return b.batch.Prepare(ctx) })
}

func (b *faultyBatch) Commit(ctx context.Context) error {
	return b.plan.try("commit", func() error { return b.batch.Commit(ctx) })
}

func (b *faultyBatch) Rollback(ctx context.Context) error {
	return b.plan.try("rollback", func() error { return b.batch.Rollback(ctx) })
}

func (b *faultyBatch) Release() { _ = b.plan.try("release", func() error { return nil }) }
