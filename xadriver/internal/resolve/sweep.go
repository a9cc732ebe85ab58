package resolve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
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
	left  []Left // by the last successful look

	leftovers map[uuid.UUID]bool // what the first look left

	complaint string // the last trouble reported, so that it is reported once
}

// Report is what one sweep of a shard did.
type Report struct {
	Shard      string
	Committed  []uuid.UUID
	RolledBack []uuid.UUID
	Young      int // undecided and too young to touch
	Stuck      []Stuck
	Left       []Left        // those that are young or stuck
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
	every := s.r.Every
	if p, ok := s.shard.(Paced); ok {
		every = min(every, p.Pace())
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.kick:
		case <-timer.C:
		}
		report := s.look(ctx, s.age, nil)
		if report.Err == nil && s.age != s.r.After {
			s.remember(report.Left)
			s.age = s.r.After
		}
		next := every
		switch {
		case report.Err != nil || len(report.Stuck) > 0:
			next = pause.NextBackOff()
		default:
			pause.Reset()
			if report.Young > 0 {
				next = min(next, s.soonest(report.Left))
			}
		}
		timer.Reset(next)
	}
}

// remember takes note of what the first look has found and left. It was there when
// this process started: most likely an earlier one, or one that died, has left it, so
// that it keeps the age of the first look, whenever it gets there.
func (s *sweeper) remember(left []Left) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leftovers = make(map[uuid.UUID]bool, len(left))
	for _, l := range left {
		s.leftovers[l.Txn] = true
	}
}

// ageOf is the age below which a transaction is somebody's live one. An operator who
// names an age is obeyed.
func (s *sweeper) ageOf(txn uuid.UUID, age time.Duration) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if age == s.r.After && s.leftovers[txn] {
		return s.r.AtStart
	}
	return age
}

// soonest is how long it takes until the first of the young ones is old enough.
func (s *sweeper) soonest(left []Left) time.Duration {
	wait := s.r.Every
	for _, l := range left {
		if !l.Stuck {
			wait = min(wait, s.ageOf(l.Txn, s.age)-l.Age)
		}
	}
	return max(wait, 50*time.Millisecond)
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
	Pending    int   // decided transactions of which the shard has yet to hear
	Overdue    int   // transactions in doubt there for longer than alarm_after
	Alarms     int64 // transactions that have been, since the beginning
	Lost       int   // transactions that a failover has lost there: see Config.Lost
}

// look sweeps, and notes what came of it. A look for certain transactions only
// tells nothing of the others.
func (s *sweeper) look(ctx context.Context, age time.Duration, only map[uuid.UUID]bool) Report {
	report := s.sweep(ctx, age, only)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.Committed += int64(len(report.Committed))
	s.state.RolledBack += int64(len(report.RolledBack))
	if only != nil || ctx.Err() != nil {
		return report
	}
	if s.state.Err = report.Err; report.Err == nil {
		s.state.Looked, s.state.Oldest = time.Now(), report.Oldest
		s.state.InDoubt, s.left = report.Young+len(report.Stuck), report.Left
	}
	if s.r.AlarmAfter > 0 {
		overdue := s.overdue(time.Now(), report.Err)
		s.state.Overdue = len(overdue)
		s.state.Alarms += int64(s.r.alarms.note(ctx, s.r.Logger, s.shard.Name(), overdue, s.r.AlarmAfter))
	}
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
		if r.Lost != nil {
			out[i].Lost = r.Lost(s.shard.Name())
		}
	}
	return out
}

// How much of one sweep is done at once. Decisions share the log's flushes, the more
// of them there are; each COMMIT PREPARED takes a connection and a flush of its own.
const (
	deciding  = 64
	finishing = 8
)

// sweep looks at the shard once and finishes what may be finished, of all that is
// there or of certain transactions.
func (s *sweeper) sweep(ctx context.Context, age time.Duration, only map[uuid.UUID]bool) (report Report) {
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
	group.SetLimit(deciding)
	slots := make(chan struct{}, finishing)
	there := make(map[uuid.UUID]bool, len(list))
	if len(list) > 1 {
		// The server looks for each name from the beginning of the list that it gave us,
		// and fills the place of one that is finished with the last one: the second is
		// therefore the last to be finished, so that it never looks far.
		slices.Reverse(list[1:])
	}
	for _, p := range list {
		id, err := gid.Parse(p.GID)
		if err != nil || id.Shard != s.shard.Name() {
			continue // another shard in the same database, or nobody we know
		}
		if only != nil && !only[id.Txn] {
			continue
		}
		there[id.Txn] = true
		group.Go(func() error {
			outcome, err := s.finish(ctx, p, id, due[id.Txn], s.ageOf(id.Txn, age), slots)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err != nil:
				report.Stuck = append(report.Stuck, Stuck{p.GID, err})
				s.leave(&report, p, id.Txn, err)
			case outcome == txlog.Commit:
				report.Committed = append(report.Committed, id.Txn)
			case outcome == txlog.Abort:
				report.RolledBack = append(report.RolledBack, id.Txn)
			default:
				report.Young++
				s.leave(&report, p, id.Txn, nil)
			}
			return nil
		})
	}
	_ = group.Wait()
	for id := range due {
		if !there[id] && (only == nil || only[id]) {
			s.absent(ctx, id)
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
func (s *sweeper) finish(ctx context.Context, p Prepared, id gid.ID, outcome txlog.Outcome, age time.Duration, slots chan struct{}) (txlog.Outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, s.r.CallTimeout)
	defer cancel()
	if outcome == txlog.Unknown {
		var err error
		if outcome, err = s.decide(ctx, p, id, age); err != nil || outcome == txlog.Unknown {
			return outcome, err
		}
	}
	slots <- struct{}{}
	err := s.shard.Finish(ctx, p.GID, outcome)
	<-slots
	if errors.Is(err, ErrBusy) {
		return txlog.Unknown, nil // somebody else is finishing it
	}
	if err != nil && !commit.Gone(err) {
		s.log.Warn("could not finish a prepared transaction; it will be tried again",
			"txn", id.Txn, "gid", p.GID, "outcome", outcome.String(), "err", err)
		return outcome, err
	}
	if err != nil {
		s.absent(ctx, id.Txn)
		return outcome, nil
	}
	s.r.heard(ctx, id.Txn, s.shard.Name())
	s.log.Info("resolved a transaction", "txn", id.Txn, "outcome", outcome.String(), "age", p.Age)
	return outcome, nil
}

// absent takes notice that the shard knows nothing of a transaction whose outcome is
// known: it has carried it out, unless a failover has lost it.
func (s *sweeper) absent(ctx context.Context, id uuid.UUID) {
	if s.r.Heard != nil {
		heard, err := s.r.Heard(ctx, s.shard.Name(), id)
		if err != nil {
			s.log.Warn("could not find out whether a failover has lost a transaction; it will be tried again", "txn", id, "err", err)
		}
		if err != nil || !heard {
			return
		}
	}
	s.r.heard(ctx, id, s.shard.Name())
}

// decide asks the register, and lets it decide where it has not.
func (s *sweeper) decide(ctx context.Context, p Prepared, id gid.ID, age time.Duration) (txlog.Outcome, error) {
	if outcome := s.r.known(id.Txn); outcome != txlog.Unknown {
		return outcome, nil // the register has told, for another shard
	}
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
		// Somebody else may have stored it a moment ago, with other participants: it is
		// finished when those of the record have heard.
		if d, err := s.r.Log.Lookup(ctx, id.Txn); err == nil {
			s.adopt(d)
		}
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
	p := &pending{outcome: d.Outcome, recorded: true, shards: make(map[string]bool), since: time.Now()}
	s.r.tell(p, append(names(d.Participants), s.shard.Name()))
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
