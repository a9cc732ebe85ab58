package sim

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/xapg/xapg/txlog"
	"github.com/xapg/xapg/xadriver/internal/commit"
	"github.com/xapg/xapg/xadriver/internal/cut"
)

// forever is a Hold that outlasts every fair run: a reader then keeps the gates closed
// until what it waits for is over.
const forever = time.Hour

// cutMutants are mistakes in how readers and writers agree. Each is a world in which one
// thing is wrong, and the rule that it breaks.
var cutMutants = []struct {
	mistake string
	rule    string
	world   CutWorld
}{
	{
		"a transaction of several shards passes no gate", "whole",
		CutWorld{World: World{Committer: passing(func(uint8) bool { return false }, false)}, Shards: 2, Other: -1},
	},
	{
		"a transaction of several shards passes the gates of all of them: a circle", "ends",
		CutWorld{World: World{Committer: passing(func(uint8) bool { return true }, true)}, Shards: 2, Other: -1, Patient: true},
	},
	{
		"a transaction passes the gate of a shard on which it only read", "whole",
		CutWorld{World: World{Parts: []wrote3{Reader, Writer, Writer}, Committer: passing(func(i uint8) bool { return i == 0 }, true)}, Shards: 3, Other: -1},
	},
	{
		"writers of one shard pass no gates", "causal",
		CutWorld{
			World:  World{Parts: []wrote3{Writer}, Committer: passing(func(uint8) bool { return false }, false)},
			Shards: 2, Other: 1,
			Writer: Program{Commit: func(p *Process, ctx context.Context) error {
				_, err := p.Coordinator().Commit(ctx, []commit.Participant{participant{p, 1}})
				return err
			}},
		},
	},
	{
		"each snapshot is taken when the gate of its own shard is closed, and not of all", "whole",
		CutWorld{Shards: 2, Other: -1, Reader: wrongly(0, func(s gateShard) cut.Shard { return hastyShard{s} }, nil, nothingToTake)},
	},
	{
		"gates are opened again before the snapshots are taken", "whole",
		CutWorld{Shards: 2, Other: -1, Reader: wrongly(0, func(s gateShard) cut.Shard { return mine{s} }, nil, openingFirst)},
	},
	{
		"one gate is opened when its own shard's snapshot is taken, and not those of all", "whole",
		CutWorld{Shards: 2, Other: -1, Reader: wrongly(0, func(s gateShard) cut.Shard { return mine{s} }, nil, openingEach)},
	},
	{
		"nobody looks at what is prepared", "whole",
		CutWorld{Shards: 2, Other: -1, Reader: wrongly(0, func(s gateShard) cut.Shard { return blind{s} }, nil, nil)},
	},
	{
		"what is prepared is listed before the gates are closed", "whole",
		CutWorld{Shards: 2, Other: -1, Reader: wrongly(0, func(s gateShard) cut.Shard { return early{s} }, nil, nil)},
	},
	{
		"what is prepared on a shard is listed when its own gate is closed, and not all of them", "whole",
		CutWorld{Shards: 2, Other: -1, Reader: wrongly(0, func(s gateShard) cut.Shard { return ownGate{s} }, nil, nil)},
	},
	{
		"a reader waits for those who are not decided, behind closed gates: a circle", "ends",
		CutWorld{Shards: 2, Other: -1, Patient: true, Hold: forever, Reader: wrongly(forever, nil, func(l Log) cut.Register { return patient{l} }, nil)},
	},
	{
		"a reader does not wait for those who are decided", "whole",
		CutWorld{Shards: 2, Other: -1, Reader: wrongly(0, nil, func(l Log) cut.Register { return careless{l} }, nil)},
	},
	{
		"the lock on the gate ends at PREPARE", "whole",
		CutWorld{Shards: 2, Other: -1, OpensAtPrepare: true},
	},
	{
		"a gate that has opened by itself goes unnoticed", "whole",
		CutWorld{Shards: 2, Other: -1, Limits: CutBudget{Idle: 1}, Reader: wrongly(0, func(s gateShard) cut.Shard { return trustful{s} }, nil, nil)},
	},
	{
		"readers do not take turns: two of them and two writers in a circle", "ends",
		CutWorld{
			World: World{Parts: []wrote3{Writer}}, Shards: 2, Other: 1, Blind: true, Cuts: 2, Patient: true,
			Reader: wrongly(0, func(s gateShard) cut.Shard { return pushy{s} }, nil, nil),
		},
	},
}

// passing is the real coordinator, in a world where some parts pass the gates of their
// shards: when they are told to, or always.
func passing(which func(shard uint8) bool, always bool) Program {
	return altered(func(p *Process, _ *commit.Coordinator, parts []commit.Participant) {
		for i := range parts {
			if through := which(uint8(i)); through {
				parts[i] = gated{participant{p, uint8(i)}, &always}
			}
			parts[i] = untold{parts[i]}
		}
	})
}

// untold hides that a participant has a gate.
type untold struct{ commit.Participant }

// wrongly is the real keeper over wrapped shards, with another register, or with another
// way to take snapshots.
func wrongly(hold time.Duration, wrap func(gateShard) cut.Shard, register func(Log) cut.Register, take func(*Process, context.Context, uint8) error) Program {
	if take == nil {
		take = (*Process).Snapshots
	}
	program := reading(max(hold, time.Nanosecond), func(p *Process, o *cut.Options) {
		for i := range o.Shards {
			if wrap != nil {
				o.Shards[i] = wrap(gateShard{p, uint8(i)})
			}
		}
		if register != nil {
			o.Register = register(Log{p})
		}
	}, take)
	program.Exact, program.Mutant = true, true
	return program
}

func nothingToTake(*Process, context.Context, uint8) error { return nil }

// hastyShard takes a snapshot as soon as its own gate is closed.
type hastyShard struct{ gateShard }

func (s hastyShard) Close(ctx context.Context) (cut.Gate, error) {
	g, err := s.gateShard.Close(ctx)
	if err == nil {
		err = s.p.snapshot(ctx, s.i, 0)
	}
	return g, err
}

// mine are gates that are opened by who has taken a snapshot of their shards.
type mine struct{ gateShard }

func (s mine) Close(ctx context.Context) (cut.Gate, error) {
	g, err := s.gateShard.Close(ctx)
	return mineGate{g}, err
}

type mineGate struct{ cut.Gate }

func (mineGate) Open(context.Context) error { return nil }

func openingFirst(p *Process, ctx context.Context, member uint8) error {
	for i := range p.Parts {
		_ = gateClosed{gateShard{p, uint8(i)}}.Open(ctx)
	}
	return p.Snapshots(ctx, member)
}

func openingEach(p *Process, ctx context.Context, member uint8) error {
	for i := range p.Parts {
		if err := p.snapshot(ctx, uint8(i), member); err != nil {
			return err
		}
		_ = gateClosed{gateShard{p, uint8(i)}}.Open(ctx)
	}
	return nil
}

// blind shards show nothing that is prepared.
type blind struct{ gateShard }

func (s blind) Close(ctx context.Context) (cut.Gate, error) {
	g, err := s.gateShard.Close(ctx)
	return listed{g, s.gateShard, new(int), nil, true}, err
}

// listed is a gate of which is known what is prepared: once, or always.
type listed struct {
	cut.Gate
	shard  gateShard
	asked  *int
	before []uuid.UUID
	always bool
}

func (l listed) Prepared(ctx context.Context) ([]uuid.UUID, error) {
	l.shard.p.learn(byShard + label(l.shard.i))
	if *l.asked++; *l.asked == 1 || l.always {
		return l.before, nil
	}
	return l.Gate.Prepared(ctx)
}

// early shards list what is prepared before their gates are closed.
type early struct{ gateShard }

func (s early) Close(ctx context.Context) (cut.Gate, error) {
	before, err := s.list(ctx)
	if err != nil {
		return nil, err
	}
	g, err := s.gateShard.Close(ctx)
	return listed{g, s.gateShard, new(int), before, false}, err
}

func (s early) list(ctx context.Context) ([]uuid.UUID, error) {
	switch s.p.do(ctx, byShard+label(s.i), list, s.i) {
	case old:
		return []uuid.UUID{txn}, nil
	case absent:
		return nil, nil
	default:
		return nil, errLost
	}
}

// ownGate shards list what is prepared as soon as their own gates are closed.
type ownGate struct{ gateShard }

func (s ownGate) Close(ctx context.Context) (cut.Gate, error) {
	g, err := s.gateShard.Close(ctx)
	if err != nil {
		return nil, err
	}
	before, err := g.Prepared(ctx)
	return listed{g, s.gateShard, new(int), before, false}, err
}

// patient registers say "commit" of what is not decided, so that readers wait for it.
type patient struct{ Log }

func (l patient) Lookup(ctx context.Context, id uuid.UUID) (txlog.Decision, error) {
	d, err := l.Log.Lookup(ctx, id)
	if errors.Is(err, txlog.ErrNoDecision) {
		return txlog.Decision{ID: id, Outcome: txlog.Commit}, nil
	}
	return d, err
}

// careless registers say of nothing that it is decided.
type careless struct{ Log }

func (careless) Lookup(context.Context, uuid.UUID) (txlog.Decision, error) {
	return txlog.Decision{}, txlog.ErrNoDecision
}

// trustful shards do not say that a gate has opened by itself.
type trustful struct{ gateShard }

func (s trustful) Close(ctx context.Context) (cut.Gate, error) {
	g, err := s.gateShard.Close(ctx)
	return trustfulGate{g}, err
}

type trustfulGate struct{ cut.Gate }

func (g trustfulGate) Open(ctx context.Context) error {
	_ = g.Gate.Open(ctx)
	return nil
}

// pushy shards let readers close gates whenever they like.
type pushy struct{ gateShard }

func (pushy) Turn(context.Context) (cut.Turn, error) { return anyTime{}, nil }

type anyTime struct{}

func (anyTime) End(context.Context) {}
