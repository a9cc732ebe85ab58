// Package commit is xapg's commit protocol: two-phase commit with presumed
// abort over a write-once decision register.
//
// A transaction has one participant per shard it used. Those that wrote nothing
// are committed first and are done. If at most one is left, its own COMMIT is
// the decision. If several are left, all of them prepare; when all have voted
// yes, the decision "commit" is stored in the register, and that is the moment
// at which the transaction is committed; then all of them finish. A coordinator
// never acts on what it meant to decide, only on what the register answers:
// somebody who presumed it dead may have stored "abort" first.
//
// The protocol is written against the small interfaces of this file. It knows
// no SQL and no driver, and no clock but the one it is handed, so that a
// simulator can run it through every order of events.
//
// The protocol's ancestors: presumed abort is Mohan, Lindsay and Obermarck,
// "Transaction Management in the R* Distributed Database Management System"
// (ACM TODS 1986); letting anybody decide through a register that is written
// once is the idea of Gray and Lamport, "Consensus on Transaction Commit" (ACM
// TODS 2006), with the consensus left to the store.
package commit

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/xapg/xapg/txlog"
)

// Register is where decisions are made. It is the part of txlog.Log that the
// protocol needs.
type Register interface {
	Decide(ctx context.Context, id uuid.UUID, want txlog.Outcome, participants []txlog.Participant) (txlog.Outcome, error)
	Finish(ctx context.Context, id uuid.UUID) error
}

// Successor finishes what a coordinator could not, in the background and for as
// long as it takes. Both methods return at once.
type Successor interface {
	// Finish makes sure that the named shards learn the outcome of a transaction.
	// When recorded, the register has a record that can be marked finished after
	// all of them have answered.
	Finish(id uuid.UUID, outcome txlog.Outcome, shards []string, recorded bool)
	// Settle takes a transaction whose decision may or may not be stored.
	Settle(id uuid.UUID, shards []string)
}

// Coordinator runs the protocol. Its fields are set once, before its first use;
// all methods may then be called concurrently, for different transactions.
type Coordinator struct {
	// Register stores decisions; nil where no transaction can have two writers.
	Register Register
	// Ready is called before the first prepare of each two-phase commit. An error
	// aborts the transaction: nothing has been prepared yet.
	Ready func(ctx context.Context, shards []string) error
	// Trust, when set, is shown all votes before anything is decided. An error aborts
	// the transaction: a vote was given by a server that another has followed.
	Trust func(id uuid.UUID, voters []txlog.Participant) error
	// Gone, when set, says whether a shard that does not know a prepared transaction has
	// finished it, and not lost it in a failover. It is given the vote, and asks nobody.
	Gone func(shard, vote string) bool
	// Successor takes over what is left undone.
	Successor Successor
	// Await, when set, waits until the Successor has finished a transaction, or the
	// context ends: who is told that it is committed may look at every shard.
	Await func(ctx context.Context, id uuid.UUID)
	// Name makes the gid under which a shard prepares its part.
	Name func(id uuid.UUID, shard string) string
	// NewID makes transaction ids.
	NewID func() (uuid.UUID, error)
	// Timeout bounds a context, as context.WithTimeout does by the real clock.
	Timeout func(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc)
	// AnswerWait bounds how long a shard may take to answer COMMIT, and all shards
	// to vote; 0 is no bound.
	AnswerWait time.Duration
	// FinishWait bounds how long Commit waits, after the decision, for the shards
	// to answer; what has not answered by then goes to the Successor.
	FinishWait time.Duration
	// Keep is how long the register keeps records at least; 0 is for ever. What it says of
	// a transaction that began more than half of that ago, by Clock, proves nothing: see
	// round.slept.
	Keep  time.Duration
	Clock func() time.Time
	// Observe, when set, is called synchronously before and after each step.
	Observe func(Step)
	// Watch, when set, is called around each phase.
	Watch Watch

	late sync.WaitGroup // commits that go on after their callers have left
}

// Wait returns when nothing that this coordinator began is still running.
func (c *Coordinator) Wait() { c.late.Wait() }

// Kind says how a transaction was committed.
type Kind uint8

// The kinds of commit.
const (
	ReadOnly Kind = iota // nobody wrote: no decision was needed
	OnePhase             // one writer, whose COMMIT was the decision
	TwoPhase             // several writers, and a decision in the register
)

// Outcome is what is known of a transaction after Commit.
type Outcome struct {
	ID   uuid.UUID // uuid.Nil unless two-phase
	Kind Kind
}

// Commit commits the transaction on all participants or on none. The answer is
// nil when it is committed; an error for which errors.As finds *InDoubtError
// when that cannot be known; any other error when it is rolled back.
//
// Commit takes the participants over: each is released exactly once, when its
// part is over, which may be after Commit has returned. The context ends the
// protocol up to the decision; after that it only bounds the wait.
func (c *Coordinator) Commit(ctx context.Context, participants []Participant) (Outcome, error) {
	if len(participants) == 0 {
		return Outcome{Kind: ReadOnly}, nil
	}
	if err := ctx.Err(); err != nil {
		c.Rollback(ctx, participants)
		return Outcome{}, err
	}
	if len(participants) == 1 {
		return c.single(ctx, participants[0])
	}

	r := &round{c: c, parts: make([]part, len(participants))}
	for i, p := range participants {
		r.parts[i] = part{Participant: p, wrote: p.Wrote()}
	}
	r.keepLocks()
	if r.count(Yes) < 2 && r.count(Yes)+r.count(Maybe) > 1 {
		if err := r.ask(ctx); err != nil {
			r.abort(ctx)
			return Outcome{Kind: OnePhase}, err
		}
	}
	if r.count(Yes)+r.count(Maybe) < 2 {
		return r.onePhase(ctx)
	}
	return r.twoPhase(ctx)
}

// Rollback ends the transaction on all participants and releases them. It
// cannot fail: a shard that cannot be reached rolls back by itself.
func (c *Coordinator) Rollback(ctx context.Context, participants []Participant) {
	ctx, cancel := c.finishing(ctx)
	defer cancel()
	each(participants, func(p Participant) {
		_ = c.phase(ctx, Rollback, uuid.Nil, p, func(ctx context.Context) error {
			p.Rollback(ctx)
			return nil
		})
		p.Release()
	})
}

// single commits a transaction of one shard in one round trip.
func (c *Coordinator) single(ctx context.Context, p Participant) (Outcome, error) {
	defer p.Release()
	if p.Wrote() != No {
		_ = gate(p)
	}
	err := c.phase(ctx, Alone, uuid.Nil, p, func(ctx context.Context) error { return c.commitOne(ctx, p) })
	kind := OnePhase
	if p.Wrote() == No {
		kind = ReadOnly
	}
	return Outcome{Kind: kind}, c.inDoubt(err, p)
}

// commitOne is detached from the caller's cancellation: a COMMIT that is under
// way may already be durable, and cutting it off would only create doubt.
func (c *Coordinator) commitOne(ctx context.Context, p Participant) error {
	ctx = context.WithoutCancel(ctx)
	if c.AnswerWait > 0 {
		var cancel context.CancelFunc
		ctx, cancel = c.Timeout(ctx, c.AnswerWait)
		defer cancel()
	}
	return p.Commit(ctx)
}

// inDoubt turns the lost answer of a COMMIT into the error that says so. A
// participant that provably wrote nothing leaves no doubt behind.
func (c *Coordinator) inDoubt(err error, p Participant) error {
	if err == nil || !Lost(err) || p.Wrote() == No {
		return err
	}
	return &InDoubtError{Shards: []string{p.Shard()}, Cause: err}
}

// finishing detaches from the caller's cancellation what must be done anyway.
func (c *Coordinator) finishing(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx = context.WithoutCancel(ctx)
	if c.FinishWait <= 0 {
		return ctx, func() {}
	}
	return c.Timeout(ctx, c.FinishWait)
}
