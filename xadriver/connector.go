package xadriver

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/xapg/xapg/shardmap"
	"github.com/xapg/xapg/txlog"
	_ "github.com/xapg/xapg/txlog/pglog"     // log=postgres://…
	_ "github.com/xapg/xapg/txlog/sqlitelog" // log=sqlite:…
	"github.com/xapg/xapg/xadriver/internal/commit"
	"github.com/xapg/xapg/xadriver/internal/deadlock"
	"github.com/xapg/xapg/xadriver/internal/failover"
	"github.com/xapg/xapg/xadriver/internal/gid"
	"github.com/xapg/xapg/xadriver/internal/mark"
	"github.com/xapg/xapg/xadriver/internal/plan"
	"github.com/xapg/xapg/xadriver/internal/resolve"
	"github.com/xapg/xapg/xadriver/internal/shard"
	"github.com/xapg/xapg/xadriver/internal/slots"
)

// Connector holds what all connections of one sql.DB share: the shards' pools,
// the map, the plans, the decision log and the resolver. It is made by
// NewConnector, given to sql.OpenDB, and closed by the DB's Close.
type Connector struct {
	cfg    Config
	logger *slog.Logger

	// With a single shard, everything is its own driver's.
	single driver.Connector
	epoch  atomic.Int64 // how often this process has changed its tables

	shards     []*shard.Shard
	home       *shard.Shard
	own        []*shard.Shard // the same servers again: connections for the driver's own questions and for scratch sessions, that nobody waits for who holds others
	slots      *slots.Slots   // who may use shards; nil without limits
	layout     *shardmap.Map
	planner    *plan.Planner
	schema     schema
	log        txlog.Log
	ownLog     bool
	guard      *mark.Guard
	watch      *failover.Watch
	gates      *gates // nil where readers of several shards take no cuts
	defaults   defaults
	beginnings beginnings
	deadlocks  *deadlock.Watch // nil where nobody looks for them
	numbers    []int           // of the shards, by index, among all names in order
	resolver   *resolve.Resolver

	recoverable []resolve.Shard // shards and resources, as the resolver sees them

	commits *commit.Coordinator

	stopTending func()

	checking chan struct{} // held by who looks at the shards
	checked  atomic.Bool
	mu       sync.Mutex
	closed   bool
}

var (
	_ driver.Connector = (*Connector)(nil)
	_ io.Closer        = (*Connector)(nil)
)

// NewConnector checks the configuration, opens the decision log and begins to
// resolve what earlier processes left in doubt. It does not wait for any shard.
//
// The errors are *ConfigError for a bad configuration, and the log's own: see
// package txlog.
func NewConnector(cfg Config) (*Connector, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	c := &Connector{cfg: cfg, logger: cfg.Logger, checking: make(chan struct{}, 1)}
	if c.logger == nil {
		c.logger = slog.Default()
	}
	if cfg.plain() {
		var err error
		c.single, err = singleConnector(&c.cfg)
		return c, err
	}
	if err := c.open(); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func (c *Connector) open() error {
	spec, err := c.cfg.spec()
	if err != nil {
		return err
	}
	if c.layout, err = shardmap.New(spec); err != nil {
		return err
	}
	for i, s := range c.cfg.Shards {
		o := shard.Options{Lifetime: max(0, c.cfg.ConnLifetime), MaxIdle: max(0, c.cfg.ConnMaxIdle)}
		o.Asking = true
		own, err := openShard(i, s, &c.cfg, o)
		if err != nil {
			return err
		}
		c.own = append(c.own, own)
		o.MaxConns, o.Asking = c.cfg.ShardConns, false
		sh, err := openShard(i, s, &c.cfg, o)
		if err != nil {
			return err
		}
		c.shards = append(c.shards, sh)
	}
	c.home = c.shards[c.layout.Home()]
	c.defaults.levels = make([]atomic.Int32, len(c.shards))
	if c.cfg.ShardConns > 0 {
		c.slots = slots.New(len(c.shards), c.cfg.ShardConns)
	}
	c.schema.open(c.own[c.layout.Home()], c.cfg.SchemaCheck, c.cfg.LockWait)
	c.planner = plan.New(c.layout, c.cfg.PlanCache)
	c.planner.Stride, c.planner.UniquePerShard = int64(c.cfg.IDStride), c.cfg.UniquePerShard
	if err := c.openLog(); err != nil {
		return err
	}
	if err := c.checkLog(context.Background()); err != nil {
		return err
	}
	c.startResolver()
	c.openGates()
	c.watchDeadlocks()
	c.tend()
	c.commits = &commit.Coordinator{
		Register:  c.log,
		Ready:     c.ready,
		Trust:     c.watch.Trust,
		Gone:      c.watch.Gone,
		Successor: c.resolver,
		Name: func(id uuid.UUID, shard string) string {
			return gid.ID{Cluster: c.cfg.Cluster, Log: c.log.Identity().ID, Txn: id, Shard: shard}.String()
		},
		Await:   c.awaitFinish,
		NewID:   func() (uuid.UUID, error) { return gid.NewTxn(c.log.Mark().Seq) },
		Timeout: context.WithTimeout,
		Keep:    max(0, c.cfg.Retain), Clock: time.Now,
		AnswerWait: c.cfg.CommitTimeout,
		FinishWait: c.cfg.FinishWait,
		Observe:    c.cfg.OnStep,
		Watch:      watchCommits(c.cfg.Tracer),
	}
	return nil
}

func openShard(i int, s Shard, cfg *Config, o shard.Options) (*shard.Shard, error) {
	o.Pgx = s.Options
	switch {
	case s.Connector != nil:
		return shard.New(s.Name, i, s.Connector, o)
	case s.Pgx == nil && strings.HasPrefix(s.DSN, registered):
		return shard.NewRegistered(s.Name, i, s.DSN, func(config *pgx.ConnConfig) { s.listen(cfg, config) }, o)
	}
	config, err := s.pgx(cfg)
	if err != nil {
		return nil, err
	}
	return shard.NewPgx(s.Name, i, config, o)
}

func (c *Connector) openLog() error {
	if c.cfg.DecisionLog != nil {
		c.log = c.cfg.DecisionLog
		return nil
	}
	if c.cfg.LogMustExist {
		if err := c.cfg.checkLogIsThere(); err != nil {
			return err
		}
	}
	log, err := txlog.Open(context.Background(), c.cfg.Log, txlog.OpenOptions{Cluster: c.cfg.Cluster, By: program(), Logger: c.logger})
	if err != nil {
		return fmt.Errorf("xapg: decision log: %w", err)
	}
	c.log, c.ownLog = log, true
	return nil
}

// program says who this is, to those who wonder who opened the log.
func program() string {
	host, _ := os.Hostname()
	return fmt.Sprintf("%s, process %d, %s", host, os.Getpid(), filepath.Base(os.Args[0]))
}

// checkLog makes sure that whoever unfinished transactions wait for is still
// part of the cluster: without its shard, such a transaction would stay prepared
// for good.
func (c *Connector) checkLog(ctx context.Context) error {
	if got := c.log.Identity().Cluster; got != c.cfg.Cluster {
		return fmt.Errorf("xapg: the decision log belongs to cluster %q, not to %q", got, c.cfg.Cluster)
	}
	const page = 1000
	for after := uuid.Nil; ; {
		records, err := c.log.Unfinished(ctx, after, page)
		if err != nil {
			return fmt.Errorf("xapg: decision log: %w", err)
		}
		for _, d := range records {
			after = d.ID
			for _, p := range d.Participants {
				if _, ok := c.layout.Index(p.Name); !ok && !slices.Contains(c.cfg.resourceNames(), p.Name) {
					return &DroppedShardError{Shard: p.Name, Txn: d.ID}
				}
			}
		}
		if len(records) < page {
			return nil
		}
	}
}

// DroppedShardError says that a shard, or a resource, is missing from the
// configuration that the decision log still needs.
type DroppedShardError struct {
	Shard string
	Txn   uuid.UUID // the first of the transactions that wait for it
}

func (e *DroppedShardError) Error() string {
	return fmt.Sprintf("xapg: %q is no longer configured as a shard or a resource, but transaction %s is decided and not yet finished there: "+
		"put it back and let `xapg resolve` finish first", e.Shard, e.Txn)
}

func (c *Connector) startResolver() {
	marks := make([]mark.Shard, len(c.own))
	servers := make([]resolve.Shard, len(c.own))
	for i, sh := range c.own {
		marks[i], servers[i] = mark.Server{Shard: sh}, resolve.Server{Shard: sh, Fits: func(conn *shard.Conn) error { return c.watch.Fits(conn) }}
	}
	c.guard = mark.NewGuard(c.log, marks)
	c.watch = failover.New(c.log, c.logger, c.own, c.shards)
	c.resolver = resolve.New(resolve.Config{
		Log: c.log, Shards: c.withResources(servers), Verify: c.verify, Heard: c.watch.Heard, Lost: c.watch.Losses,
		After: c.cfg.ResolveAfter, AtStart: min(time.Second, c.cfg.ResolveAfter), Every: c.cfg.ResolveEvery,
		Retain: c.cfg.Retain, AlarmAfter: c.cfg.AlarmAfter, CallTimeout: callTimeout, Logger: c.logger,
	})
	c.watch.Kick = func(name string) { c.resolver.Settle(uuid.Nil, []string{name}) }
	if !c.cfg.NoResolver {
		c.resolver.Start()
	}
}

// awaitFinish waits until the resolver has told every shard of a decision.
func (c *Connector) awaitFinish(ctx context.Context, id uuid.UUID) {
	if c.cfg.NoResolver {
		return
	}
	for wait := time.Millisecond; !c.resolver.Finished(id) && !c.isClosed(); wait = min(2*wait, 20*time.Millisecond) {
		if pause(ctx, wait) != nil {
			return
		}
	}
}

// callTimeout bounds one question of the background to a shard.
const callTimeout = 10 * time.Second

// Driver implements driver.Connector.
func (c *Connector) Driver() driver.Driver { return &Driver{} }

// Connect implements driver.Connector. The first call looks whether the shards
// that can be reached can take part in atomic commits.
func (c *Connector) Connect(ctx context.Context) (driver.Conn, error) {
	if c.single != nil {
		inner, err := c.single.Connect(ctx)
		if err != nil || c.cfg.Raw == rawPgx {
			return inner, err
		}
		return &Conn{connector: c, direct: inner, epoch: c.epoch.Load()}, nil
	}
	if err := c.check(ctx); err != nil {
		return nil, err
	}
	return &Conn{connector: c}, nil
}

// closeWait is how long Close waits for connections that somebody still uses.
const closeWait = 200 * time.Millisecond

// late is closed when the group is done.
func late(group *sync.WaitGroup) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		group.Wait()
		close(done)
	}()
	return done
}

// closeShards closes the pools. A connection that its user has not given back,
// such as that of rows that are not closed, keeps nobody from closing: it is closed
// when they are.
func (c *Connector) closeShards() error {
	var pools, busy sync.WaitGroup
	var mu sync.Mutex
	var errs []error
	for _, sh := range slices.Concat(c.shards, c.own) {
		closing := func() {
			err := sh.Close()
			mu.Lock()
			defer mu.Unlock()
			errs = append(errs, err)
		}
		if s := sh.Stat(); s.Open > s.Idle {
			busy.Go(closing)
		} else {
			pools.Go(closing)
		}
	}
	pools.Wait()
	select {
	case <-late(&busy):
	case <-time.After(closeWait):
	}
	mu.Lock()
	defer mu.Unlock()
	return errors.Join(errs...)
}

// Close stops the resolver and closes the pools and the log. It waits for
// commits that are still finishing.
func (c *Connector) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil
	}
	c.closed = true
	c.mu.Unlock()

	var errs []error
	if closer, ok := c.single.(io.Closer); ok {
		errs = append(errs, closer.Close())
	}
	if c.commits != nil {
		c.commits.Wait()
	}
	if c.deadlocks != nil {
		c.deadlocks.Close()
	}
	if c.gates != nil {
		c.gates.keeper.Close()
		c.gates.turns.Close()
	}
	if c.resolver != nil {
		c.resolver.Close()
	}
	c.schema.close()
	if c.stopTending != nil {
		c.stopTending()
	}
	errs = append(errs, c.closeShards())
	if c.log != nil && c.ownLog {
		errs = append(errs, c.log.Close())
	}
	return errors.Join(errs...)
}
