package resolve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/xapg/xapg/txlog"
	"github.com/xapg/xapg/xadriver/internal/commit"
	"github.com/xapg/xapg/xadriver/internal/gid"
)

// sweeper looks after one shard.
type sweeper struct {
	r      *Resolver
	shard  Shard
	age    time.Duration // of the next sweep
	kick   chan struct{}
	prefix string
	log    *slog.Logger

	mu    sync.Mutex
	state State

	complaint string // the last trouble reported, so that it is reported once
}

// Report is what one sweep of a shard did.
type Report struct {
	Shard      string
	Committed  []uuid.UUID
	RolledBack []uuid.UUID
	Young      int // undecided and too young to touch
	Stuck      []Stuck
	Oldest     time.Duration // the age of the oldest that was left
	Err        error         // why the shard could not be swept
}

// Stuck is a transaction that could not be finished this time.
type Stuck struct {
	GID string
	Err error
}

func (s *sweeper) wake() {
	select {
	case s.kick <- struct{}{}:
	default:
	}
}

// run sweeps for as long as the context lives: at once, when kicked, and after
// every interval; sooner, with growing pauses, while something is left to do.
func (s *sweeper) run(ctx context.Context) {
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval = min(50*time.Millisecond, s.r.Every)
	pause.MaxInterval = s.r.Every
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.kick:
		case <-timer.C:
		}
		report := s.look(ctx, s.age)
		if report.Err == nil {
			s.age = s.r.After
		}
		next := s.r.Every
		switch {
		case report.Err != nil || len(report.Stuck) > 0:
			next = pause.NextBackOff()
		default:
			pause.Reset()
			if report.Young > 0 {
				next = min(next, max(s.age/4, 50*time.Millisecond))
			}
		}
		timer.Reset(next)
	}
}

// State is what the search knows of one shard.
type State struct {
	Shard      string
	Looked     time.Time     // when it was last looked at with success; zero before
	Err        error         // why the last look failed
	InDoubt    int           // transactions that the last successful look left prepared there
	Oldest     time.Duration // the age of the oldest of them, at that time
	Committed  int64         // finished there since the beginning
	RolledBack int64
	Pending    int // decided transactions of which the shard has yet to hear
}

// look sweeps, and notes what came of it.
func (s *sweeper) look(ctx context.Context, age time.Duration) Report {
	report := s.sweep(ctx, age)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state.Err = report.Err; report.Err != nil {
		return report
	}
	s.state.Looked, s.state.Oldest = time.Now(), report.Oldest
	s.state.InDoubt = report.Young + len(report.Stuck)
	s.state.Committed += int64(len(report.Committed))
	s.state.RolledBack += int64(len(report.RolledBack))
	return report
}

// States tells what is known of each shard, without asking it.
func (r *Resolver) States() []State {
	out := make([]State, len(r.sweepers))
	for i, s := range r.sweepers {
		s.mu.Lock()
		out[i] = s.state
		s.mu.Unlock()
		out[i].Shard, out[i].Pending = s.shard.Name(), len(r.due(s.shard.Name()))
	}
	return out
}

// sweep looks at the shard once and finishes what may be finished.
func (s *sweeper) sweep(ctx context.Context, age time.Duration) (report Report) {
	report.Shard = s.shard.Name()
	// Taken before the list: whoever is due here was prepared before, so that a
	// name missing from the list has been finished.
	due := s.r.due(s.shard.Name())

	list, err := s.list(ctx)
	if err != nil {
		report.Err = err
		s.complain(ctx, err)
		return report
	}
	s.content()

	var (
		mu    sync.Mutex
		group errgroup.Group
	)
	const parallel = 8
	group.SetLimit(parallel)
	there := make(map[uuid.UUID]bool, len(list))
	for _, p := range list {
		id, err := gid.Parse(p.GID)
		if err != nil || id.Shard != s.shard.Name() {
			continue // another shard in the same database, or nobody we know
		}
		there[id.Txn] = true
		group.Go(func() error {
			outcome, err := s.finish(ctx, p, id, due[id.Txn], age)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err != nil:
				report.Stuck = append(report.Stuck, Stuck{p.GID, err})
				report.Oldest = max(report.Oldest, p.Age)
			case outcome == txlog.Commit:
				report.Committed = append(report.Committed, id.Txn)
			case outcome == txlog.Abort:
				report.RolledBack = append(report.RolledBack, id.Txn)
			default:
				report.Young++
				report.Oldest = max(report.Oldest, p.Age)
			}
			return nil
		})
	}
	_ = group.Wait()
	for id := range due {
		if !there[id] {
			s.r.heard(ctx, id, s.shard.Name())
		}
	}
	return report
}

func (s *sweeper) list(ctx context.Context) ([]Prepared, error) {
	ctx, cancel := context.WithTimeout(ctx, s.r.CallTimeout)
	defer cancel()
	if err := s.r.Verify(ctx, s.shard.Name()); err != nil {
		return nil, err
	}
	return s.shard.Prepared(ctx, s.prefix)
}

// finish ends one prepared transaction, or returns Unknown when it is too young.
func (s *sweeper) finish(ctx context.Context, p Prepared, id gid.ID, outcome txlog.Outcome, age time.Duration) (txlog.Outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, s.r.CallTimeout)
	defer cancel()
	if outcome == txlog.Unknown {
		var err error
		if outcome, err = s.decide(ctx, p, id, age); err != nil || outcome == txlog.Unknown {
			return outcome, err
		}
	}
	err := s.shard.Finish(ctx, p.GID, outcome)
	if errors.Is(err, ErrBusy) {
		return txlog.Unknown, nil // somebody else is finishing it
	}
	if err != nil && !commit.Gone(err) {
		s.log.Warn("could not finish a prepared transaction; it will be tried again",
			"txn", id.Txn, "gid", p.GID, "outcome", outcome.String(), "err", err)
		return outcome, err
	}
	s.r.heard(ctx, id.Txn, s.shard.Name())
	if err == nil {
		s.log.Info("resolved a transaction", "txn", id.Txn, "outcome", outcome.String(), "age", p.Age)
	}
	return outcome, nil
}

// decide asks the register, and lets it decide where it has not.
func (s *sweeper) decide(ctx context.Context, p Prepared, id gid.ID, age time.Duration) (txlog.Outcome, error) {
	d, err := s.r.Log.Lookup(ctx, id.Txn)
	switch {
	case err != nil && !errors.Is(err, txlog.ErrNoDecision):
		return txlog.Unknown, err
	case p.Age < age:
		return txlog.Unknown, nil // its coordinator is at work
	case err == nil:
		s.adopt(d)
		return d.Outcome, nil
	}
	outcome, err := s.r.Log.Decide(ctx, id.Txn, txlog.Abort, []txlog.Participant{{Name: id.Shard}})
	if err != nil {
		return txlog.Unknown, fmt.Errorf("could not store the decision to abort: %w", err)
	}
	if outcome == txlog.Abort {
		s.adopt(txlog.Decision{ID: id.Txn, Outcome: outcome, Participants: []txlog.Participant{{Name: id.Shard}}})
	}
	return outcome, nil
}

// adopt makes an unfinished record ours to mark as finished.
func (s *sweeper) adopt(d txlog.Decision) {
	if d.Finished {
		return
	}
	s.r.mu.Lock()
	defer s.r.mu.Unlock()
	if s.r.pending[d.ID] != nil {
		return
	}
	p := &pending{outcome: d.Outcome, recorded: true, shards: make(map[string]bool)}
	for _, voter := range d.Participants {
		p.shards[voter.Name] = true
	}
	p.shards[s.shard.Name()] = true
	s.r.pending[d.ID] = p
}

// complain reports trouble with the shard when it is news.
func (s *sweeper) complain(ctx context.Context, err error) {
	if ctx.Err() != nil || err.Error() == s.complaint {
		return
	}
	s.complaint = err.Error()
	s.log.Warn("cannot look for transactions in doubt; it will be tried again", "err", err)
}

func (s *sweeper) content() {
	if s.complaint != "" {
		s.complaint = ""
		s.log.Info("looking for transactions in doubt again")
	}
}
