package sim

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/xapg/xapg/txlog"
	"github.com/xapg/xapg/xadriver/internal/commit"
	"github.com/xapg/xapg/xadriver/internal/resolve"
)

// The mistakes, as small changes of what surrounds the real code, or as small programs
// beside it.

// altered is the real coordinator with something in its surroundings changed.
func altered(change func(p *Process, c *commit.Coordinator, parts []commit.Participant)) Program {
	return Program{Mutant: true, Exact: true, Commit: func(p *Process, ctx context.Context) error {
		c, parts := p.Coordinator(), p.Participants()
		change(p, c, parts)
		_, err := c.Commit(ctx, parts)
		return err
	}}
}

// wrapped is the real coordinator with every participant wrapped.
func wrapped(wrap func(commit.Participant) commit.Participant) Program {
	return altered(func(_ *Process, _ *commit.Coordinator, parts []commit.Participant) {
		for i := range parts {
			parts[i] = wrap(parts[i])
		}
	})
}

// deciding is the real coordinator with another way to the register.
func deciding(decide func(p *Process, real commit.Register, want txlog.Outcome, voters []txlog.Participant) (txlog.Outcome, error)) Program {
	return altered(func(p *Process, c *commit.Coordinator, _ []commit.Participant) {
		c.Register = decider{c.Register, p, decide}
	})
}

type decider struct {
	commit.Register
	p      *Process
	decide func(*Process, commit.Register, txlog.Outcome, []txlog.Participant) (txlog.Outcome, error)
}

func (d decider) Decide(_ context.Context, _ uuid.UUID, want txlog.Outcome, voters []txlog.Participant) (txlog.Outcome, error) {
	return d.decide(d.p, d.Register, want, voters)
}

// telling reports an outcome otherwise than it is.
func telling(tell func(error) error) Program {
	return Program{Mutant: true, Exact: true, Commit: func(p *Process, ctx context.Context) error {
		_, err := p.Coordinator().Commit(ctx, p.Participants())
		return tell(err)
	}}
}

// trusting participants take for a yes what is none.
type trusting struct {
	commit.Participant
	what error
}

func (t trusting) Prepare(ctx context.Context, gid string) (string, error) {
	vote, err := t.Participant.Prepare(ctx, gid)
	if errors.Is(err, t.what) {
		err = nil
	}
	return vote, err
}

// deaf participants take a lost answer to COMMIT PREPARED for a good one.
type deaf struct{ commit.Participant }

func (d deaf) CommitPrepared(ctx context.Context, gid string) error {
	if err := d.Participant.CommitPrepared(ctx, gid); !commit.Lost(err) {
		return err
	}
	return nil
}

// sure participants take a lost answer to COMMIT for a refusal.
type sure struct{ commit.Participant }

func (s sure) Commit(ctx context.Context) error {
	if err := s.Participant.Commit(ctx); err != nil {
		return errRefused
	}
	return nil
}

// byHand is a coordinator of its own.
func byHand(run func(p *Process, ctx context.Context, parts []commit.Participant) error) Program {
	return Program{Mutant: true, Exact: true, Commit: func(p *Process, ctx context.Context) error {
		parts := p.Participants()
		err := run(p, ctx, parts)
		for _, part := range parts {
			part.Release()
		}
		return err
	}}
}

// onePhaseEach commits on one shard after the other.
func onePhaseEach(_ *Process, ctx context.Context, parts []commit.Participant) error {
	for _, part := range parts {
		if err := part.Commit(ctx); err != nil {
			return err
		}
	}
	return nil
}

// whoeverVotes commits those who voted yes, and leaves out the others.
func whoeverVotes(p *Process, ctx context.Context, parts []commit.Participant) error {
	var yes []commit.Participant
	var voters []txlog.Participant
	for _, part := range parts {
		if _, err := part.Prepare(ctx, gidOn(part.Shard())); err == nil {
			yes = append(yes, part)
			voters = append(voters, txlog.Participant{Name: part.Shard()})
		}
	}
	r := register{p}
	if outcome, err := r.Decide(ctx, txn, txlog.Commit, voters); err != nil || outcome != txlog.Commit {
		return &commit.InDoubtError{ID: txn, Cause: err}
	}
	for _, part := range yes {
		_ = part.CommitPrepared(ctx, gidOn(part.Shard()))
	}
	return nil
}

// looking is a resolver that has its own idea of how to end what it finds prepared,
// before it does what the real one does.
func looking(judge func(p *Process, ctx context.Context, s resolve.Shard) txlog.Outcome) Program {
	return Program{Mutant: true, Exact: true, Sweep: func(p *Process, ctx context.Context) {
		for i := range p.Parts {
			s := Shard{p, uint8(i)}
			found, err := s.Prepared(ctx, "xapg_sim_log_")
			if err != nil {
				continue
			}
			for _, f := range found {
				if f.GID != gidOn(s.Name()) || f.Age < liveAge {
					continue
				}
				if outcome := judge(p, ctx, s); outcome != txlog.Unknown {
					_ = s.Finish(ctx, f.GID, outcome)
				}
			}
		}
		p.Resolver().Once(ctx, liveAge)
	}}
}

func byTheTimer(*Process, context.Context, resolve.Shard) txlog.Outcome { return txlog.Abort }

func presuming(p *Process, ctx context.Context, _ resolve.Shard) txlog.Outcome {
	if _, err := (Log{p}).Lookup(ctx, txn); errors.Is(err, txlog.ErrNoDecision) {
		return txlog.Abort
	}
	return txlog.Unknown
}

// byTheVotes commits when all others are prepared, too.
func byTheVotes(p *Process, ctx context.Context, me resolve.Shard) txlog.Outcome {
	for i := range p.Parts {
		s := Shard{p, uint8(i)}
		if s.Name() == me.Name() {
			continue
		}
		found, err := s.Prepared(ctx, gidOn(s.Name()))
		if err != nil || len(found) == 0 {
			return txlog.Unknown
		}
	}
	return txlog.Commit
}

// byTheTwin takes what is not prepared elsewhere for committed there.
func byTheTwin(p *Process, ctx context.Context, me resolve.Shard) txlog.Outcome {
	for i := range p.Parts {
		s := Shard{p, uint8(i)}
		if s.Name() == me.Name() {
			continue
		}
		if found, err := s.Prepared(ctx, gidOn(s.Name())); err == nil && len(found) == 0 {
			return txlog.Commit
		}
	}
	return txlog.Unknown
}

// hasty obeys the register, and marks the record as finished after the first shard.
func hasty(p *Process, ctx context.Context, s resolve.Shard) txlog.Outcome {
	d, err := (Log{p}).Lookup(ctx, txn)
	if err != nil {
		return txlog.Unknown
	}
	if s.Finish(ctx, gidOn(s.Name()), d.Outcome) == nil {
		_ = Log{p}.Finish(ctx, txn)
	}
	return txlog.Unknown
}

// resolving is the real resolver over wrapped shards and another log.
func resolving(wrap func(resolve.Shard) resolve.Shard, log func(Log) resolve.Log) Program {
	return Program{Mutant: true, Exact: true, Sweep: func(p *Process, ctx context.Context) {
		if p.memory == nil {
			p.memory = p.NewResolver(wrap, log(Log{p}))
		}
		p.Resolver().Once(ctx, liveAge)
	}}
}

func sameShard(s resolve.Shard) resolve.Shard { return s }
func sameLog(l Log) resolve.Log               { return l }

// wilful resolvers act on what they wanted, not on what the register says.
type wilful struct{ Log }

func (w wilful) Decide(ctx context.Context, id uuid.UUID, want txlog.Outcome, voters []txlog.Participant) (txlog.Outcome, error) {
	if _, err := w.Log.Decide(ctx, id, want, voters); err != nil {
		return txlog.Unknown, err
	}
	return want, nil
}

// claiming resolvers take what they gave to the register for what it holds.
type claiming struct {
	Log
	gave map[label][]txlog.Participant
}

func (c claiming) Decide(ctx context.Context, id uuid.UUID, want txlog.Outcome, voters []txlog.Participant) (txlog.Outcome, error) {
	outcome, err := c.Log.Decide(ctx, id, want, voters)
	c.p.mu.Lock()
	defer c.p.mu.Unlock()
	if outcome == txlog.Abort {
		c.gave[byShard+label(shardIndex(voters[0].Name))] = voters
	}
	return outcome, err
}

func (c claiming) Lookup(ctx context.Context, id uuid.UUID) (txlog.Decision, error) {
	by := c.p.who()
	c.p.mu.Lock()
	gave := c.gave[by]
	c.p.mu.Unlock()
	if gave != nil {
		return txlog.Decision{ID: id, Outcome: txlog.Abort, Participants: gave}, nil
	}
	return c.Log.Lookup(ctx, id)
}

// greedy shards show whatever is prepared on the server.
type greedy struct{ resolve.Shard }

func (g greedy) Prepared(ctx context.Context, _ string) ([]resolve.Prepared, error) {
	return g.Shard.Prepared(ctx, "")
}

// onceOnly shards are looked at until that has succeeded once.
type onceOnly struct {
	resolve.Shard
	looked *bool
}

func (o onceOnly) Prepared(ctx context.Context, prefix string) ([]resolve.Prepared, error) {
	if *o.looked {
		return nil, nil
	}
	found, err := o.Shard.Prepared(ctx, prefix)
	*o.looked = err == nil
	return found, err
}

// misnaming shards are asked for a gid that nothing was prepared under.
type misnaming struct{ resolve.Shard }

func (m misnaming) Finish(ctx context.Context, gid string, outcome txlog.Outcome) error {
	return m.Shard.Finish(ctx, fmt.Sprintf("%s_0", gid), outcome)
}
