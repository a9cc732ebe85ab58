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
	"log/slog"
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

// Prepared is a prepared transaction on a shard.
type Prepared struct {
	GID string
	Age time.Duration
}

// Config of a Resolver. Log, Shards and Verify are needed.
type Config struct {
	Log    Log
	Shards []Shard
	// Verify says whether this log may resolve on a shard. See package mark.
	Verify func(ctx context.Context, shard string) error
	// After is the age below which an undecided transaction is somebody's live
	// one; AtStart is that age in the first sweep.
	After, AtStart time.Duration
	Every          time.Duration // between two sweeps of a shard
	Retain         time.Duration // how long finished records are kept
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
}

// pending is a transaction whose outcome is known, and who has yet to hear it.
type pending struct {
	outcome  txlog.Outcome
	recorded bool // in the register, to be marked finished
	shards   map[string]bool
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
		p = &pending{outcome: outcome, shards: make(map[string]bool)}
		r.pending[id] = p
	}
	p.recorded = p.recorded || recorded
	for _, s := range shards {
		p.shards[s] = true
	}
	r.mu.Unlock()
	r.kick(shards)
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
	if over && p.recorded {
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
	reports := make([]Report, len(r.sweepers))
	var wg sync.WaitGroup
	for i, s := range r.sweepers {
		wg.Go(func() { reports[i] = s.look(ctx, age) })
	}
	wg.Wait()
	return reports
}
