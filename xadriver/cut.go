package xadriver

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/xapg/xapg/txlog"
	"github.com/xapg/xapg/xadriver/internal/branch"
	"github.com/xapg/xapg/xadriver/internal/cut"
	"github.com/xapg/xapg/xadriver/internal/gid"
	"github.com/xapg/xapg/xadriver/internal/plan"
	"github.com/xapg/xapg/xadriver/internal/resolve"
	"github.com/xapg/xapg/xadriver/internal/shard"
)

// The values of the setting consistent_reads.
const (
	readsSnapshot  = "snapshot"
	readsStatement = "statement"
	readsOff       = "off"
)

// Bounds of a cut.
const (
	gatePatience = 100 * time.Millisecond // how long writers wait behind a reader that waits
	gateHold     = 500 * time.Millisecond // how long a reader keeps gates closed
	gateIdle     = 2 * time.Second        // after what time a shard opens its gate by itself
)

// gates are the shards' gates, which writers pass and readers close; see package cut.
type gates struct {
	keeper  *cut.Keeper
	turns   *cut.Keeper // for serializable transactions, others of which wait meanwhile
	servers []*cut.Server
	made    []atomic.Bool // by shard: its tables are there
}

// openGates makes readers and writers of several shards agree, where the setting says so.
func (c *Connector) openGates() {
	if !c.cfg.gated() {
		return
	}
	g := &gates{made: make([]atomic.Bool, len(c.own))}
	shards := make([]cut.Shard, len(c.own))
	for i, sh := range c.own {
		s := &cut.Server{Shard: sh, Prefix: gid.Prefix(c.cfg.Cluster, c.log.Identity().ID), Patience: gatePatience, Idle: gateIdle}
		g.servers, shards[i] = append(g.servers, s), s
	}
	o := cut.Options{
		Register: c.log, Shards: shards, Finisher: finisher{c.resolver},
		Wait: max(0, c.cfg.CutWait), Hold: gateHold, Share: float64(c.cfg.CutShare) / 100, Clock: time.Now, Pause: pause, Timeout: context.WithTimeout,
	}
	g.keeper = cut.NewKeeper(o)
	if o.Share > 0 {
		o.Share = max(o.Share, turnShare)
	}
	g.turns = cut.NewKeeper(o)
	c.gates = g
}

// gated reports whether writers pass gates: there are several shards, and all of them
// are reached through pgx.
func (c *Config) gated() bool {
	if c.ConsistentReads == readsOff || len(c.Shards) < 2 {
		return false
	}
	for _, s := range c.Shards {
		if s.Connector == nil {
			continue
		}
		if _, ok := s.Connector.Driver().(*stdlib.Driver); !ok {
			return false
		}
	}
	return true
}

// finisher has the resolver finish what a reader waits for: that it is decided is known.
type finisher struct{ resolver *resolve.Resolver }

func (f finisher) Hurry(id uuid.UUID, outcome txlog.Outcome, shard string) {
	f.resolver.Finish(id, outcome, []string{shard}, false)
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// gate is what passes a gate, nil where there are none.
func (c *Connector) gate() []string {
	if c.gates == nil {
		return nil
	}
	if known := c.schema.current.Load(); known != nil && !known.Deferrable {
		return cut.PassAtOnce
	}
	return cut.Pass
}

// gateOf makes sure that a shard has its gate, before somebody passes it.
func (c *Connector) gateOf(ctx context.Context, sh *shard.Shard) error {
	if c.gates == nil || c.gates.made[sh.Index()].Load() {
		return nil
	}
	if err := c.gates.servers[sh.Index()].Make(ctx); err != nil {
		return err
	}
	c.gates.made[sh.Index()].Store(true)
	return nil
}

// gatesOf makes sure that there are gates where a transaction wrote.
func (c *Connector) gatesOf(ctx context.Context, t *transaction) error {
	if c.gates == nil {
		return nil
	}
	for _, b := range t.Open() {
		if b.Wrote() == 0 {
			continue
		}
		sh := b.Conn().Shard()
		if c.gates.made[sh.Index()].Load() {
			continue
		}
		if err := c.gateOf(ctx, sh); err != nil {
			return err
		}
		// A server's process that has once not found the schema knows better when it next
		// locks a table that it finds.
		if _, err := b.Command(ctx, "LOCK TABLE pg_catalog.pg_class IN ACCESS SHARE MODE"); err != nil {
			return err
		}
	}
	return nil
}

// passes reports whether a statement outside of a transaction block passes the gate: it
// may write, and PostgreSQL lets another statement share its implicit transaction.
func (c *Conn) passes(s call) bool {
	if c.connector.gates == nil || !s.Writes && !s.MayWrite && !s.Opaque {
		return false
	}
	return countsRows(s.Class) || s.Class == plan.Truncate || s.Class == plan.Explain // ANALYZE runs it
}

// branch is the transaction's part on a shard, for a statement that needs it. The
// first one of a REPEATABLE READ transaction takes the snapshots of all shards.
func (c *Conn) branch(ctx context.Context, sh *shard.Shard) (*branch.Branch, error) {
	if err := c.admit(ctx, sh); err != nil {
		return nil, err
	}
	if !c.txn.cut && c.connector.gates != nil && c.snapshots() {
		if err := c.inTurns(ctx, c.cut); err != nil {
			return nil, err
		}
	}
	return c.txn.Branch(ctx, sh)
}

// branchFor is branch, but for LOCK TABLE: as in PostgreSQL, a transaction that locks
// before it reads sees what was there when it had the locks.
func (c *Conn) branchFor(ctx context.Context, s *plan.Statement, sh *shard.Shard) (*branch.Branch, error) {
	if s.Class == plan.Show { // which neither reads nor has a snapshot
		return c.txn.Branch(ctx, sh)
	}
	if s.Class == plan.Lock && !c.txn.cut {
		if err := c.admit(ctx, sh); err != nil {
			return nil, err
		}
		c.txn.early = true
		return c.txn.Branch(ctx, sh)
	}
	return c.branch(ctx, sh)
}

// snapshots reports whether the transaction reads one snapshot of all shards throughout.
func (c *Conn) snapshots() bool {
	switch c.level() {
	case readCommitted:
		return false
	case repeatableRead:
		return !c.txn.scope.one
	default:
		return c.txn.scope.wide
	}
}

// cut takes the transaction's snapshots of all shards, so that they are one state.
func (c *Conn) cut(ctx context.Context) error {
	txn := c.txn
	for _, sh := range c.connector.shards {
		if _, err := txn.Branch(ctx, sh); err != nil {
			return err
		}
	}
	// BEGIN goes out while the gates are being closed: nobody waits for connections then.
	work := errandOf(ctx)
	work.begin(func(ctx context.Context) error { return begin(ctx, txn) })
	err := c.keeper().Cut(ctx, func(ctx context.Context) error {
		if err := work.wait(ctx); err != nil {
			return err
		}
		work.begin(func(ctx context.Context) error { return fix(ctx, txn) })
		return work.wait(ctx)
	}, func(ctx context.Context) error {
		if err := work.wait(ctx); err != nil {
			return err
		}
		return c.restart(ctx)
	})
	work.end()
	if err != nil {
		txn.Fail()
		return unseen(err)
	}
	txn.cut = true
	return nil
}

// begin opens the transaction on all shards, on other connections where an idle one
// proves to be dead.
func begin(ctx context.Context, txn *transaction) error {
	for try := 0; ; try++ {
		err := branch.Each(txn.Open(), func(b *branch.Branch) error { return b.Begin(ctx) })
		if !errors.Is(err, shard.ErrNotSent) || try > 1 || ctx.Err() != nil {
			return err
		}
		for _, b := range slices.Clone(txn.Open()) {
			if b.Begun() || b.Conn().Alive() {
				continue
			}
			b.Conn().Shard().Reset()
			if err := txn.Reopen(ctx, b); err != nil {
				return err
			}
		}
	}
}

// fix has all shards take the transaction's snapshot.
func fix(ctx context.Context, txn *transaction) error {
	return branch.Each(txn.Open(), func(b *branch.Branch) error {
		_, err := b.Command(ctx, "SELECT 1")
		return err
	})
}

// restart begins the transaction anew for other snapshots, where nothing was done in it.
func (c *Conn) restart(ctx context.Context) error {
	if c.txn.early {
		return serverError("40001", "could not serialize access: the shards' snapshots took too long, and the transaction has locks already; run it again")
	}
	err := branch.Each(c.txn.Open(), func(b *branch.Branch) error { return b.Restart(ctx) })
	if err != nil || !c.txn.scope.turn {
		return err
	}
	return c.takeTurn(ctx) // it has ended with what there was on home
}

// InconsistentError says that no consistent view of all shards could be had in time:
// transactions that are about to commit, or in doubt, stood in the way, or shards were
// too slow. Nothing was read. The transaction is rolled back and can be run again.
type InconsistentError struct {
	Shards       []string    // where they stood in the way; none if shards were too slow
	Transactions []uuid.UUID // those that are in doubt
	Cause        error
}

func (e *InconsistentError) Error() string {
	if len(e.Shards) == 0 {
		return "xapg: no consistent view of all shards could be had in time: taking their snapshots took too long, again and again; run the transaction again, or raise cut_wait"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "xapg: no consistent view of all shards could be had in time: transactions that are about to commit, or in doubt, stand in the way on %s", strings.Join(e.Shards, ", "))
	for i, id := range e.Transactions {
		b.WriteString([]string{" (", ", "}[min(i, 1)] + id.String())
	}
	if len(e.Transactions) > 0 {
		b.WriteString("); `xapg txns` tells what they wait for")
	}
	b.WriteString("; run the transaction again, or raise cut_wait")
	return b.String()
}

func (e *InconsistentError) Unwrap() error { return e.Cause }

// SQLState is that of lock_not_available.
func (e *InconsistentError) SQLState() string { return "55P03" }

// unseen is the error of a cut as users know it.
func unseen(err error) error {
	var wait *cut.WaitError
	if errors.As(err, &wait) {
		return &InconsistentError{Shards: wait.Shards, Transactions: wait.Transactions, Cause: wait.Cause}
	}
	return err
}
