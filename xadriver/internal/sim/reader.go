package sim

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/xapg/xapg/txlog"
	"github.com/xapg/xapg/xadriver/internal/commit"
	"github.com/xapg/xapg/xadriver/internal/cut"
)

// Cutting is the code that ships: the real keeper takes cuts over all shards, for up to
// maxCuts readers of one process.
func Cutting(hold time.Duration) Program {
	return reading(hold, func(_ *Process, o *cut.Options) { _ = o }, (*Process).Snapshots)
}

// reading is the real keeper with something in its surroundings changed.
func reading(hold time.Duration, change func(*Process, *cut.Options), take func(*Process, context.Context, uint8) error) Program {
	return Program{Read: func(p *Process, ctx context.Context, member uint8) error {
		k := p.Keeper(hold, change)
		return k.Cut(ctx, func(ctx context.Context) error { return take(p, ctx, member) }, func(context.Context) error { return nil })
	}}
}

// Keeper is the process's real keeper, made when it is first needed.
func (p *Process) Keeper(hold time.Duration, change func(*Process, *cut.Options)) *cut.Keeper {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.keeper != nil {
		return p.keeper
	}
	o := cut.Options{
		Register: Log{p}, Finisher: finisher{p}, Hold: hold,
		Pause: func(ctx context.Context, _ time.Duration) error {
			if p.do(ctx, byLoader, pause, 0) == ok {
				return nil
			}
			return context.Canceled
		},
		Timeout: func(ctx context.Context, _ time.Duration) (context.Context, context.CancelFunc) {
			return p.timeout(ctx)
		},
	}
	for i := range p.Parts {
		o.Shards = append(o.Shards, gateShard{p, uint8(i)})
	}
	change(p, &o)
	p.keeper = cut.NewKeeper(o)
	return p.keeper
}

func (p *Process) keeperMade() *cut.Keeper {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.keeper
}

// Snapshots takes the snapshots of all shards at once, as the reader's branches do.
func (p *Process) Snapshots(ctx context.Context, member uint8) error {
	errs := make([]error, p.Parts)
	var wg sync.WaitGroup
	for i := range p.Parts {
		wg.Go(func() { errs[i] = p.snapshot(ctx, uint8(i), member) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *Process) snapshot(ctx context.Context, shard, member uint8) error {
	if p.do(ctx, byShard+label(shard), snapshot, shard|member<<2) != ok {
		return errLost
	}
	return nil
}

// gateShard is a shard's gate as a keeper sees it, and gateClosed one that it has closed.
type gateShard struct {
	p *Process
	i uint8
}

type gateClosed struct{ gateShard }

func (s gateShard) Name() string { return shardName(int(s.i)) }

func (s gateShard) Close(ctx context.Context) (cut.Gate, error) {
	switch s.p.do(ctx, byShard+label(s.i), closeGate, s.i) {
	case ok:
		return gateClosed{s}, nil
	case held:
		return nil, fmt.Errorf("lock timeout: %w", cut.ErrHeld)
	default:
		return nil, errLost
	}
}

func (s gateShard) Holders(ctx context.Context) ([]cut.Holder, error) {
	s.p.learn(byShard + label(s.i))
	switch s.p.do(ctx, byShard+label(s.i), holders, s.i) {
	case old:
		return []cut.Holder{{ID: txn, Token: "-1/42"}}, nil
	case absent:
		return nil, nil
	default:
		return nil, errLost
	}
}

func (g gateClosed) Prepared(ctx context.Context) ([]uuid.UUID, error) {
	g.p.learn(byShard + label(g.i))
	switch g.p.do(ctx, byShard+label(g.i), listGate, g.i) {
	case old:
		return []uuid.UUID{txn}, nil
	case absent:
		return nil, nil
	default:
		return nil, errLost
	}
}

func (g gateClosed) Open(ctx context.Context) error {
	if g.p.do(ctx, byShard+label(g.i), openGate, g.i) == ok {
		return nil
	}
	return errLost
}

// Turn implements cut.Shard.
func (s gateShard) Turn(ctx context.Context) (cut.Turn, error) {
	switch s.p.do(ctx, byLoader, takeTurn, s.i) {
	case ok:
		return turn{s}, nil
	case held:
		return nil, fmt.Errorf("lock timeout: %w", cut.ErrHeld)
	default:
		return nil, errLost
	}
}

type turn struct{ gateShard }

func (t turn) End(ctx context.Context) { t.p.do(ctx, byLoader, giveTurn, t.i) }

// finisher stands for the resolver of the reader's process, which sends what it is asked
// for at any later time, or never.
type finisher struct{ p *Process }

func (f finisher) Hurry(id uuid.UUID, outcome txlog.Outcome, shard string) {
	if id != txn {
		panic("a reader has a foreign transaction finished")
	}
	v := hurryAbort
	if outcome == txlog.Commit {
		v = hurryCommit
	}
	i := shardIndex(shard)
	f.p.do(context.Background(), byShard+label(i), v, i)
}

// gated participants pass the gate of their shard when the coordinator says so.
type gated struct {
	participant
	through *bool
}

func (g gated) Gate() bool {
	*g.through = true
	return true
}

func (g gated) Prepare(ctx context.Context, name string) (string, error) {
	if !*g.through {
		return g.participant.Prepare(ctx, name)
	}
	g.check(name)
	return "1/0/16B3748", g.call(ctx, passPrepare)
}

func (g gated) Commit(ctx context.Context) error {
	if !*g.through {
		return g.participant.Commit(ctx)
	}
	return g.call(ctx, passCommit)
}

// Gated are the branches of the transaction, on shards that have gates.
func (p *Process) Gated() []commit.Participant {
	list := p.Participants()
	for i := range list {
		list[i] = gated{participant{p, uint8(i)}, new(bool)}
	}
	return list
}

// GatedCommit is the real coordinator, where shards have gates.
func GatedCommit() Program {
	return Program{
		Commit: func(p *Process, ctx context.Context) error {
			_, err := p.Coordinator().Commit(ctx, p.Gated())
			return err
		},
		Sweep: Real().Sweep,
	}
}

// Alone is the real coordinator with a transaction of its own on one shard only, the
// given one.
func Alone(shard uint8) Program {
	return Program{Commit: func(p *Process, ctx context.Context) error {
		_, err := p.Coordinator().Commit(ctx, []commit.Participant{gated{participant{p, shard}, new(bool)}})
		return err
	}}
}

// read takes an answer down. A keeper remembers of an attempt to close all gates nothing
// but for whom it had to wait (which is for an error's text), of its attempt what each
// shard said, and while it waits for those who hold gates, whose turn it is. How long
// its pauses are does not matter to it, only, while gates are closed, how many there were.
func (h *history) read(c *call, a answer) {
	what := string([]byte{'a' + byte(c.op.verb), '0' + c.op.arg, '0' + byte(a)})
	h.exact = append(h.exact, string(rune('0'+c.by))+what)
	switch {
	case c.op.verb == pause:
		if h.held == "" {
			h.pauses++
		}
	case h.held != "" && c.op.verb == holders:
		h.await = what
	case h.held != "" && (c.op.verb == lookup || c.op.verb == hurryCommit || c.op.verb == hurryAbort):
		// what the log says, and that a resolver was asked: the call that follows tells
	default:
		if a == held {
			h.held += what
		}
		h.add(c.by, what)
	}
}

// seenByReader tells whether the process begins anew to close all gates.
func (h *history) seenByReader(p *Process) bool {
	fresh := len(p.waiting) == 1 && p.waiting[0].op.verb == takeTurn && !p.waiting[0].seen
	for _, c := range p.waiting {
		c.seen = true
	}
	if fresh {
		h.round, h.held, h.await, h.pauses = nil, "", "", 0
		h.notes = slices.DeleteFunc(h.notes, func(note string) bool { return !strings.HasPrefix(note, "wants") })
	}
	return fresh
}

func (h *history) readerKey(b *strings.Builder) {
	for by := byLoader; by < maxLabels; by++ {
		fmt.Fprintf(b, "%s|", strings.Join(h.round[by], " "))
	}
	fmt.Fprintf(b, "%s|%s|%d|%s", h.held, h.await, h.pauses, strings.Join(slices.Clone(h.notes), " "))
}
