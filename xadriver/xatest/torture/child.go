package main

import (
	"bufio"
	"context"
	"database/sql"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/xapg/xapg/cmd/xapg/command"
	"github.com/xapg/xapg/txlog"
	"github.com/xapg/xapg/txlog/sqlitelog"
	"github.com/xapg/xapg/xadriver"
)

// child is a process of the cluster: an application or a backup.
type child struct {
	spec
	voice
	names  []string // of the shards
	log    *troubledLog
	db     *sql.DB
	seq    atomic.Int64
	passed atomic.Int64
	run    sync.RWMutex // held for reading during each transaction
}

// live is what a child does until its standard input ends.
func live(s spec) int {
	c := &child{spec: s}
	cfg, err := xadriver.ParseDSN(s.DSN)
	if err != nil {
		return c.fail(err)
	}
	for _, sh := range cfg.Shards {
		c.names = append(c.names, sh.Name)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if s.Role == watcher {
		return c.watch()
	}
	if s.Role == presumer {
		go c.presume(ctx, cfg)
		c.say(event{E: saysHello})
		c.obey()
		return 0
	}
	inner, err := openLog(ctx, s.Log, cfg.Cluster, c.pass)
	if err != nil {
		return c.fail(err)
	}
	defer inner.Close()
	c.log = &troubledLog{Log: inner}
	cfg.DecisionLog, cfg.NoResolver = c.log, s.NoResolver
	cfg.Logger = slog.New(slog.NewTextHandler(os.Stderr, nil))
	if s.Role == application {
		cfg.OnStep = func(step xadriver.Step) {
			c.pass(string(step.Point))
			c.pass(string(step.Point) + "/" + step.Shard)
		}
	}
	connector, err := xadriver.NewConnector(*cfg)
	if err != nil {
		return c.fail(err)
	}
	c.db = sql.OpenDB(connector)
	defer c.db.Close()
	c.say(event{E: saysHello, Opening: inner.Mark().Seq})
	var clients sync.WaitGroup
	if s.works() {
		for i := range s.Clients {
			cl := &client{child: c, r: rand.New(rand.NewPCG(s.Seed, uint64(s.Inc)<<8|uint64(i))), slots: make(map[string]int)}
			clients.Go(func() { cl.work(ctx) })
		}
	}
	paused := c.obey()
	cancel()
	if paused {
		c.run.Unlock() // nobody begins anything now
	}
	clients.Wait()
	return 0
}

// watch is the command xapg resolve --watch, until the standard input ends.
func (c *child) watch() int {
	c.say(event{E: saysHello})
	go func() {
		c.obey()
		_ = syscall.Kill(os.Getpid(), syscall.SIGTERM)
	}()
	return command.Main([]string{"resolve", "--watch", c.DSN}, io.Discard, os.Stderr)
}

func (c *child) fail(err error) int {
	c.say(event{E: saysFailed, Err: err.Error()})
	return 3
}

// openLog opens the decision log at a URL. The hook is told of the points inside of
// a log in an SQLite file.
func openLog(ctx context.Context, url, cluster string, hook func(string)) (txlog.Log, error) {
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		return sqlitelog.Open(ctx, path, sqlitelog.Options{Cluster: cluster, By: "torture", Hook: hook})
	}
	return txlog.Open(ctx, url, txlog.OpenOptions{Cluster: cluster, By: "torture"})
}

// obey does what the standard input says, until it ends, and tells whether the
// clients are paused then.
func (c *child) obey() (paused bool) {
	lines := bufio.NewReader(os.Stdin)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			if err != io.EOF {
				c.fail(err)
			}
			return paused
		}
		switch line = strings.TrimSpace(line); line {
		case doPause:
			if !paused {
				c.run.Lock()
				paused = true
			}
			c.say(event{E: saysPaused})
		case doGo:
			if paused {
				c.run.Unlock()
				paused = false
			}
		default:
			if c.log != nil {
				c.log.trouble.Store(&line)
			}
		}
	}
}

// pass is told of each point, and carries out the plan at the right one.
func (c *child) pass(point string) {
	if c.Plan.Do == nothing || point != c.Plan.At || c.passed.Add(1) != int64(c.Plan.After) {
		return
	}
	if c.Plan.Do == sleep {
		c.say(event{E: saysSleeping, Point: point})
		_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
		return
	}
	c.end(point)
}

// end is kill -9 at a point.
func (c *child) end(point string) {
	c.say(event{E: saysDying, Point: point})
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

// sayAt says an event with the time, by a clock that all processes of the host share.
func (c *child) sayAt(e event) {
	e.At = monotonic()
	c.say(e)
}

// patience is how long a client waits for its transaction.
const patience = 8 * time.Second
