package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/xapg/xapg/xadriver"
	"github.com/xapg/xapg/xadriver/xatest"
)

// crew keeps processes running, lets them and the servers crash, and counts.
type crew struct {
	*arena
	out   io.Writer
	tally *tally
	began time.Time
	took  time.Duration

	mu      sync.Mutex
	current map[string]*process // by role and slot
	inc     int
	over    bool
	crashes map[string]int
	points  map[string]int // where transfer processes died by order
	broken  error
	keepers sync.WaitGroup
}

func newCrew(a *arena, out io.Writer) *crew {
	return &crew{arena: a, out: out, tally: &tally{}, current: make(map[string]*process), crashes: make(map[string]int), points: make(map[string]int)}
}

// run lets everybody work until the sums are taken.
func (c *crew) run(ctx context.Context, sums int64) error {
	c.began = time.Now()
	for slot := range c.movers {
		c.employ(mover, slot, c.clients, c.chains)
	}
	for slot := range c.auditors {
		c.employ(auditor, slot, c.tills, c.chains)
	}
	var limit <-chan time.Time
	if c.within > 0 {
		limit = time.After(c.within)
	}
	crashing, stop := context.WithCancel(ctx)
	var faults sync.WaitGroup
	faults.Go(func() { c.crash(crashing) })
	tick, line := time.NewTicker(20*time.Millisecond), time.NewTicker(5*time.Second)
	defer tick.Stop()
	defer line.Stop()
	for enough := false; !enough; {
		select {
		case <-ctx.Done():
			enough = true
		case <-limit:
			enough = true
		case <-line.C:
			fmt.Fprintln(c.out, c.progress())
		case <-tick.C:
			enough = c.enough(sums) || c.trouble() != nil
		}
	}
	c.took = time.Since(c.began)
	stop()
	faults.Wait()
	c.dismiss()
	return errors.Join(c.trouble(), ctx.Err())
}

// enough says whether the sums are taken and mean something: the money has moved meanwhile
// and, without consistency, a fracture was seen.
func (c *crew) enough(sums int64) bool {
	t := c.tally
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.Sums >= sums && t.Fresh > 0 && (c.reads != off || t.Fracture > 0)
}

func (c *crew) trouble() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.broken
}

// employ fills a place until the crew is dismissed: who is killed is started again.
func (c *crew) employ(role string, slot, many int, chains [][]int64) {
	c.keepers.Go(func() {
		for {
			c.mu.Lock()
			if c.over || c.broken != nil {
				c.mu.Unlock()
				return
			}
			c.inc++
			p, err := launch(spec{Role: role, Slot: slot, Inc: c.inc, Seed: c.seed, DSN: c.dsn, Reads: c.reads, Owners: c.owners, Links: c.links, Chains: chains,
				Many: many, Pace: c.pace, Linger: c.linger, Total: c.total()}, c.dir, c.hear)
			if err == nil {
				c.current[fmt.Sprint(role, slot)] = p
			}
			c.mu.Unlock()
			if err == nil {
				<-p.Dead()
				if why := p.trouble(); why != "" {
					err = fmt.Errorf("%s %d: %s", role, slot, why)
				}
			}
			if err != nil {
				c.mu.Lock()
				c.broken = errors.Join(c.broken, err)
				c.mu.Unlock()
				return
			}
		}
	})
}

func (c *crew) hear(said counts) {
	c.tally.plus(said)
	if said.Dying != "" {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.points[said.Dying]++
	}
}

// dismiss lets all processes end by themselves.
func (c *crew) dismiss() {
	c.mu.Lock()
	c.over = true
	for _, p := range c.current {
		p.End()
	}
	c.mu.Unlock()
	done := make(chan struct{})
	go func() { c.keepers.Wait(); close(done) }()
	select {
	case <-done:
		return
	case <-time.After(time.Minute):
	}
	c.mu.Lock()
	for key, p := range c.current {
		select {
		case <-p.Dead():
		default:
			c.broken = errors.Join(c.broken, fmt.Errorf("%s does not end", key))
			p.kill()
		}
	}
	c.mu.Unlock()
	<-done
}

// deadly are the points of a commit at which transfer processes are killed.
var deadly = []xadriver.Point{
	xadriver.BeforePrepare, xadriver.AfterPrepare, xadriver.BeforeDecide, xadriver.AfterDecide,
	xadriver.BeforeFinish, xadriver.AfterFinish, xadriver.AfterFinish, xadriver.BeforeForget, xadriver.BeforeCommit,
}

// crash lets something crash now and then, as the seed says.
func (c *crew) crash(ctx context.Context) {
	if c.faults == 0 {
		return
	}
	r := rand.New(rand.NewPCG(c.seed, 1))
	for {
		rest(ctx, time.Duration(r.Float64()*2*float64(time.Second)/c.faults))
		if ctx.Err() != nil {
			return
		}
		switch n := r.IntN(100); {
		case n < 35:
			c.kill(mover, r.IntN(c.movers), "")
		case n < 70:
			c.kill(mover, r.IntN(c.movers), string(deadly[r.IntN(len(deadly))]))
		case n < 85:
			c.kill(auditor, r.IntN(c.auditors), "")
		default:
			c.stop(ctx, c.cluster.Shards[r.IntN(len(c.cluster.Shards))], time.Duration(r.IntN(500))*time.Millisecond)
		}
	}
}

// kill kills a process now, or when it passes a point.
func (c *crew) kill(role string, slot int, point string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.current[fmt.Sprint(role, slot)]
	if p == nil {
		return
	}
	if point != "" {
		p.Tell(point) // to end there
		return
	}
	c.crashes[role]++
	p.kill()
}

// stop stops a server as in a crash, and starts it again.
func (c *crew) stop(ctx context.Context, s *xatest.Server, down time.Duration) {
	err := s.Stop(context.WithoutCancel(ctx), xatest.Immediate)
	if err == nil {
		rest(ctx, down)
		err = s.Start(context.WithoutCancel(ctx))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.crashes["server"]++
	if err != nil {
		c.broken = errors.Join(c.broken, err)
	}
}
