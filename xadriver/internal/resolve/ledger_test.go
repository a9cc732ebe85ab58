package resolve_test

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/xapg/xapg/txlog"
	"github.com/xapg/xapg/xadriver/internal/commit"
	"github.com/xapg/xapg/xadriver/internal/gid"
	"github.com/xapg/xapg/xadriver/internal/resolve"
)

var work = uuid.MustParse("01900000-0000-7000-8000-00000000000a")

// ledger is a log in memory.
type ledger struct {
	resolve.Log
	mu      sync.Mutex
	records map[uuid.UUID]txlog.Decision
	down    error
	stored  func() // called before Decide looks: somebody else may be faster
}

func (l *ledger) Identity() txlog.Identity { return identity }

func (l *ledger) Decide(_ context.Context, id uuid.UUID, want txlog.Outcome, ps []txlog.Participant) (txlog.Outcome, error) {
	if l.stored != nil {
		l.stored()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, there := l.records[id]; !there && l.down == nil {
		l.records[id] = txlog.Decision{ID: id, Outcome: want, Participants: ps}
	}
	return l.records[id].Outcome, l.down
}

func (l *ledger) put(id uuid.UUID, outcome txlog.Outcome, shards ...string) {
	var ps []txlog.Participant
	for _, s := range shards {
		ps = append(ps, txlog.Participant{Name: s})
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.records[id] = txlog.Decision{ID: id, Outcome: outcome, Participants: ps}
}

func (l *ledger) Lookup(_ context.Context, id uuid.UUID) (txlog.Decision, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if d, there := l.records[id]; there || l.down != nil {
		return d, l.down
	}
	return txlog.Decision{}, txlog.ErrNoDecision
}

func (l *ledger) Finish(_ context.Context, id uuid.UUID) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	d := l.records[id]
	d.Finished = true
	l.records[id] = d
	return l.down
}

func (l *ledger) Unfinished(_ context.Context, after uuid.UUID, _ int) (list []txlog.Decision, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, d := range l.records {
		if after == uuid.Nil && !d.Finished {
			list = append(list, d)
		}
	}
	return list, l.down
}

func (l *ledger) Forget(context.Context, time.Duration) (int, error) { return 0, nil }

// box is a shard with prepared transactions, by name, and their ages.
type box struct {
	name string
	mu   sync.Mutex
	has  map[string]time.Duration
	ends map[string]txlog.Outcome // how they were finished
	says error                    // what it answers to that instead
	off  error                    // why it cannot be looked at
}

func (b *box) Name() string { return b.name }

func (b *box) Prepared(_ context.Context, prefix string) (list []resolve.Prepared, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for name, age := range b.has {
		if strings.HasPrefix(name, prefix) {
			list = append(list, resolve.Prepared{GID: name, Age: age})
		}
	}
	return list, b.off
}

func (b *box) Finish(_ context.Context, name string, outcome txlog.Outcome) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.says != nil {
		return b.says
	}
	if _, there := b.has[name]; !there {
		return commit.ErrGone
	}
	delete(b.has, name)
	b.ends[name] = outcome
	return nil
}

func (b *box) prepare(id uuid.UUID, age time.Duration) string {
	name := gid.ID{Cluster: identity.Cluster, Log: identity.ID, Txn: id, Shard: b.name}.String()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.has[name] = age
	return name
}

func sweeping(names ...string) (*resolve.Resolver, *ledger, []*box) {
	log := &ledger{records: make(map[uuid.UUID]txlog.Decision)}
	c := resolve.Config{
		Log: log, Verify: func(context.Context, string) error { return nil },
		After: 10 * time.Second, AtStart: time.Second, Every: 5 * time.Second, CallTimeout: time.Second,
		Logger: slog.New(slog.DiscardHandler),
	}
	var boxes []*box
	for _, name := range names {
		b := &box{name: name, has: make(map[string]time.Duration), ends: make(map[string]txlog.Outcome)}
		boxes = append(boxes, b)
		c.Shards = append(c.Shards, b)
	}
	return resolve.New(c), log, boxes
}
