// Package resolve finds transactions that were left in doubt and finishes them.
//
// A coordinator may die between its participants' votes and their last COMMIT
// PREPARED. What it leaves behind is a prepared transaction on some shards, with
// a name that says which log decides it, and perhaps a decision in that log. The
// resolver looks at every shard, at opening, then again and again, because a
// PREPARE may arrive after any sweep. What is decided it finishes. What is not
// decided it lets be while it is young; then it stores "abort", and if that is
// what the register answers, it rolls back. It never acts without the register's
// answer, so any number of resolvers may run, on any host that reaches the log.
//
// Each shard is swept by a goroutine of its own: a shard that cannot be reached,
// or a transaction that cannot be finished, keeps nobody else waiting.
package resolve

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/xapg/xapg/txlog"
	"github.com/xapg/xapg/xadriver/internal/gid"
)

// Log is the part of txlog.Log that resolving needs.
type Log interface {
	Identity() txlog.Identity
	Decide(ctx context.Context, id uuid.UUID, want txlog.Outcome, participants []txlog.Participant) (txlog.Outcome, error)
	Lookup(ctx context.Context, id uuid.UUID) (txlog.Decision, error)
	Finish(ctx context.Context, id uuid.UUID) error
	Unfinished(ctx context.Context, after uuid.UUID, limit int) ([]txlog.Decision, error)
	Forget(ctx context.Context, age time.Duration) (int, error)
}

// Shard is what resolving needs of a shard.
type Shard interface {
	Name() string
	// Prepared lists the prepared transactions of this shard's database whose
	// names begin with prefix, with their ages by the server's clock.
	Prepared(ctx context.Context, prefix string) ([]Prepared, error)
	// Finish commits or rolls back a prepared transaction. An error for which
	// commit.Gone reports true says that there is none of that name.
	Finish(ctx context.Context, gid string, outcome txlog.Outcome) error
}

// Paced is a Shard that is to be looked at more often than others.
type Paced interface {
	Pace() time.Duration // between two looks at most
}

// Prepared is a prepared transaction on a shard.
type Prepared struct {
	GID string
	Age time.Duration
	// Owner is the role that prepared it, when we may not finish it.
	Owner string
}

// Config of a Resolver. Log, Shards and Verify are needed.
type Config struct {
	Log    Log
	Shards []Shard
	// Verify says whether this log may resolve on a shard. See package mark.
	Verify func(ctx context.Context, shard string) error
	// Heard says whether a shard that knows nothing of a decided transaction has carried
	// it out, and not lost it in a failover. Without it, it always has.
	Heard func(ctx context.Context, shard string, id uuid.UUID) (bool, error)
	// Lost, when set, counts what failovers of a shard have lost, for States.
	Lost func(shard string) int
	// After is the age below which an undecided transaction is somebody's live
	// one; AtStart is that age in the first sweep.
	After, AtStart time.Duration
	Every          time.Duration // between two sweeps of a shard
	Retain         time.Duration // how long finished records are kept
	AlarmAfter     time.Duration // the age from which a transaction in doubt is reported; not above 0 for never
	CallTimeout    time.Duration // of one question to a shard
	Logger         *slog.Logger
}

// Resolver finishes what coordinators left. Its methods are safe for concurrent use.
type Resolver struct {
	Config
	sweepers []*sweeper
	stop     context.CancelFunc
	done     sync.WaitGroup

	mu      sync.Mutex
	pending map[uuid.UUID]*pending
	stuck   map[uuid.UUID]bool // unfinished records seen by the last look at the log

	alarms alarms
}

// pending is a transaction whose outcome is known, and who has yet to hear it.
type pending struct {
	outcome  txlog.Outcome
	recorded bool // in the register, to be marked finished
	absent   bool // somebody takes part whom this process cannot ask: others mark it
	shards   map[string]bool
	since    time.Time // when this resolver heard of it
}

// New makes a resolver; Start starts it.
func New(c Config) *Resolver {
	r := &Resolver{Config: c, pending: make(map[uuid.UUID]*pending), stuck: make(map[uuid.UUID]bool)}
	for _, s := range c.Shards {
		r.sweepers = append(r.sweepers, &sweeper{
			r: r, shard: s, age: c.AtStart, kick: make(chan struct{}, 1),
			log:    c.Logger.With("shard", s.Name()),
			prefix: gid.Prefix(c.Log.Identity().Cluster, c.Log.Identity().ID),
		})
	}
	return r
}

// Start begins to sweep in the background, until Close.
func (r *Resolver) Start() {
	ctx, cancel := context.WithCancel(context.Background())
	r.stop = cancel
	r.done.Go(func() { r.watchLog(ctx) })
	for _, s := range r.sweepers {
		r.done.Go(func() { s.run(ctx) })
	}
}

// Close stops sweeping and waits until it has stopped.
func (r *Resolver) Close() {
	if r.stop != nil {
		r.stop()
	}
	r.done.Wait()
}

// Finish implements commit.Successor.
func (r *Resolver) Finish(id uuid.UUID, outcome txlog.Outcome, shards []string, recorded bool) {
	r.mu.Lock()
	p := r.pending[id]
	if p == nil {
		p = &pending{outcome: outcome, shards: make(map[string]bool), since: time.Now()}
		r.pending[id] = p
	}
	p.recorded = p.recorded || recorded
	r.tell(p, shards)
	if p.absent && len(p.shards) == 0 {
		delete(r.pending, id)
	}
	r.mu.Unlock()
	r.kick(shards)
}

// tell notes who has yet to hear of an outcome. Whom this process does not know is
// told by others, and the record stays open until then.
func (r *Resolver) tell(p *pending, shards []string) {
	for _, s := range shards {
		if slices.ContainsFunc(r.sweepers, func(known *sweeper) bool { return known.shard.Name() == s }) {
			p.shards[s] = true
		} else {
			p.absent = true
		}
	}
}

// Finished reports whether nothing is left to do of a transaction that this resolver was
// given to finish.
func (r *Resolver) Finished(id uuid.UUID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.pending[id]
	return p == nil || len(p.shards) == 0
}

// Settle implements commit.Successor: sweeping asks the register.
func (r *Resolver) Settle(_ uuid.UUID, shards []string) { r.kick(shards) }

func (r *Resolver) kick(shards []string) {
	for _, s := range r.sweepers {
		for _, name := range shards {
			if s.shard.Name() == name {
				s.wake()
			}
		}
	}
}

// due lists the transactions that a shard has yet to hear of.
func (r *Resolver) due(shard string) map[uuid.UUID]txlog.Outcome {
	r.mu.Lock()
	defer r.mu.Unlock()
	due := make(map[uuid.UUID]txlog.Outcome)
	for id, p := range r.pending {
		if p.shards[shard] {
			due[id] = p.outcome
		}
	}
	return due
}

// known is the outcome of a transaction that this resolver is finishing.
func (r *Resolver) known(id uuid.UUID) txlog.Outcome {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p := r.pending[id]; p != nil {
		return p.outcome
	}
	return txlog.Unknown
}

// heard notes that a shard knows the outcome. When all do, the record is marked.
func (r *Resolver) heard(ctx context.Context, id uuid.UUID, shard string) {
	r.mu.Lock()
	p := r.pending[id]
	if p == nil {
		r.mu.Unlock()
		return
	}
	delete(p.shards, shard)
	over := len(p.shards) == 0
	if over {
		delete(r.pending, id)
		delete(r.stuck, id)
	}
	r.mu.Unlock()
	if over && p.recorded && !p.absent {
		if err := r.Log.Finish(ctx, id); err != nil {
			r.Logger.Warn("could not mark a transaction as finished; it will be tried again", "txn", id, "err", err)
		}
	}
}

// Pending counts the transactions that some shard has yet to hear of.
func (r *Resolver) Pending() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.pending)
}

// Once sweeps every shard one time, at the given age, and reports what each did.
func (r *Resolver) Once(ctx context.Context, age time.Duration) []Report {
	r.load(ctx, true)
	return r.once(ctx, age, nil)
}

// Only is Once for certain transactions.
func (r *Resolver) Only(ctx context.Context, age time.Duration, ids []uuid.UUID) ([]Report, error) {
	only := make(map[uuid.UUID]bool, len(ids))
	for _, id := range ids {
		only[id] = true
		d, err := r.Log.Lookup(ctx, id)
		switch {
		case err == nil && !d.Finished:
			r.Finish(d.ID, d.Outcome, names(d.Participants), true)
		case err != nil && !errors.Is(err, txlog.ErrNoDecision):
			return nil, err
		}
	}
	return r.once(ctx, age, only), nil
}

func (r *Resolver) once(ctx context.Context, age time.Duration, only map[uuid.UUID]bool) []Report {
	reports := make([]Report, len(r.sweepers))
	var wg sync.WaitGroup
	for i, s := range r.sweepers {
		wg.Go(func() { reports[i] = s.look(ctx, age, only) })
	}
	wg.Wait()
	return reports
}
