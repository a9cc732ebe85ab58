package main

import (
	"bytes"
	"context"
	"database/sql"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/xapg/xapg/xadriver"
)

// child is an application: a process that runs transactions.
type child struct {
	spec
	voice
	db     *sql.DB
	seq    atomic.Int64
	passed atomic.Int64 // how often it has come to where it kills itself
}

// live is what a child does until its standard input ends.
func live(s spec) int {
	c := &child{spec: s}
	cfg, err := xadriver.ParseDSN(s.DSN)
	if err != nil {
		return c.fail(err)
	}
	cfg.Logger = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	if s.Die.After > 0 {
		cfg.OnStep = c.pass
	}
	connector, err := xadriver.NewConnector(*cfg)
	if err != nil {
		return c.fail(err)
	}
	c.db = sql.OpenDB(connector)
	defer c.db.Close()
	c.say(event{E: saysHello})
	ctx, cancel := context.WithCancel(context.Background())
	var clients sync.WaitGroup
	for i := range s.Clients {
		cl := &client{child: c, session: int64(s.Inc)<<8 | int64(i), grown: make(map[int]int)}
		cl.r = rand.New(rand.NewPCG(s.Seed, uint64(cl.session)))
		clients.Go(func() { cl.work(ctx) })
	}
	_, _ = io.Copy(new(bytes.Buffer), os.Stdin)
	cancel()
	clients.Wait()
	return 0
}

// pass is told of each step of a commit, and is kill -9 at the right one.
func (c *child) pass(s xadriver.Step) {
	if s.Point != c.Die.At || c.passed.Add(1) != int64(c.Die.After) {
		return
	}
	c.say(event{E: saysDying})
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

func (c *child) fail(err error) int {
	c.say(event{E: saysFailed, Err: err.Error()})
	return 3
}
