package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"syscall"
	"time"
)

// crew keeps processes running: whoever is killed is started again.
type crew struct {
	*arena
	report *report
	watch  *watch

	history *history
	mu      sync.Mutex
	current map[string]*process // by role and slot
	inc     int
	round   int
	pausing bool
	order   string // what children are told about the log
	stop    chan struct{}
	keepers sync.WaitGroup
}

func newCrew(a *arena, r *report, w *watch) *crew {
	return &crew{arena: a, report: r, watch: w, history: newHistory(), current: make(map[string]*process)}
}

func place(as role, slot int) string { return fmt.Sprint(as, slot) }

// duty is what a place in the crew is for.
type duty struct {
	role       role
	slot       int
	kills      bool // every application has a plan to be killed in mid-commit
	noResolver bool
	once       bool // it is not started again
	steady     bool // it does not do anything to itself
	plan       plan // what it does instead of what the seed says, if anything
}

// employ fills a place until the crew is dismissed.
func (c *crew) employ(d duty) {
	c.keepers.Go(func() {
		for {
			select {
			case <-c.stop:
				return
			default:
			}
			p, err := c.start(d)
			if err != nil {
				c.report.violate(vBroken, "a process could not be started: %v", err)
				return
			}
			<-p.Dead()
			c.mourn(p)
			if d.once {
				return
			}
			if p.fate().failed != "" {
				time.Sleep(50 * time.Millisecond)
			}
		}
	})
}

// gather fills places, and waits until all are ready who have not died before: how long
// a process takes to start is not of the time that is there for what it does.
func (c *crew) gather(ctx context.Context, duties []duty) {
	for _, d := range duties {
		c.employ(d)
	}
	ctx, cancel := context.WithTimeout(ctx, pauseLimit)
	defer cancel()
	for _, d := range duties {
		p := c.at(d.role, d.slot)
		for ; p == nil && ctx.Err() == nil; p = c.at(d.role, d.slot) {
			time.Sleep(time.Millisecond)
		}
		if p == nil {
			return // it could not be started, which is a violation
		}
		select {
		case <-p.ready:
		case <-p.Dead():
		case <-ctx.Done():
		}
	}
}

// start starts the process of a place, with what the seed has in store for it.
func (c *crew) start(d duty) (*process, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inc++
	r := rand.New(rand.NewPCG(c.seed, 1000+uint64(c.inc)))
	s := spec{
		Role: d.role, Slot: d.slot, Inc: c.inc, Seed: c.seed, DSN: c.dsn(-1), Log: c.logURL, Clients: c.clients,
		Round: c.round, Owners: c.owners, NoResolver: d.noResolver, Plan: planFor(r, d.role, c.names, c.sqlite(), d.kills),
	}
	if d.role == application {
		s.DSN = c.dsn(d.slot)
	}
	if d.plan.Do != nothing {
		s.Plan = d.plan
	}
	if d.steady || d.role == onebyone || d.role == presumer {
		s.Plan = plan{}
	}
	if c.pausing {
		s.Plan, s.Clients = plan{}, 0
	}
	p, err := launch(s, c.dir, c.hear)
	if err != nil {
		return nil, err
	}
	c.current[place(d.role, d.slot)] = p
	if c.order != "" {
		p.Tell(c.order)
	}
	c.report.count(&c.report.starts, string(d.role))
	return p, nil
}

// hear is given everything that children say.
func (c *crew) hear(p *process, e event) {
	switch e.E {
	case saysHello:
		c.watch.knows(e.Opening, p)
	case saysBegin, saysSaw:
		c.history.note(e)
	case saysTold:
		if t := c.history.note(e); t != nil {
			c.report.told(t)
			if strings.Contains(t.Err, "is not supported") {
				c.report.violate(vClient, "%s %d: %s", t.Kind, t.ID, t.Err)
			}
		}
	case saysSleeping:
		c.report.count(&c.report.sleeps, plain(e.Point))
		// How long, is the seed's to say.
		r := rand.New(rand.NewPCG(c.seed, 2000+uint64(p.Inc)))
		time.AfterFunc(c.resolveAfter/2+time.Duration(r.Int64N(int64(2*c.resolveAfter))), p.wake)
	}
}

// plain is a point without its shard.
func plain(point string) string {
	point, _, _ = strings.Cut(point, "/")
	return point
}

// mourn notes how a process ended.
func (c *crew) mourn(p *process) {
	f := p.fate()
	if trouble := p.Broken(); trouble != "" {
		c.report.violate(vBroken, "%s %d: %s", p.Role, p.Slot, trouble)
	}
	switch {
	case !f.killed.IsZero():
		point := "at any moment"
		if f.point != "" {
			point = plain(f.point)
		}
		c.report.crashed(string(p.Role), point)
	case f.failed == "":
	default:
		c.report.failedStart(f.failed)
	}
}

// at is the process that fills a place now.
func (c *crew) at(as role, slot int) *process {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.current[place(as, slot)]
}

// living are the processes that have not ended.
func (c *crew) living() (list []*process) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.current {
		if !p.IsDead() {
			list = append(list, p)
		}
	}
	return list
}

// broadcast tells all children, and those to come.
func (c *crew) broadcast(order string) {
	c.mu.Lock()
	c.order = order
	c.mu.Unlock()
	for _, p := range c.living() {
		p.Tell(order)
	}
}

// pause waits until no transaction is under way. Processes that end meanwhile are
// started again without clients, as somebody may have to resolve.
func (c *crew) pause() {
	c.mu.Lock()
	c.pausing = true
	c.mu.Unlock()
	asked := make(map[*process]bool)
	for limit := time.Now().Add(pauseLimit); ; time.Sleep(10 * time.Millisecond) {
		left := 0
		for _, p := range c.living() {
			if p.works() && !p.isPaused() {
				left++
			}
			if !asked[p] {
				asked[p] = true
				p.Tell(doPause)
			}
		}
		if left == 0 {
			return
		}
		if time.Now().After(limit) {
			for _, p := range c.living() {
				if p.works() && !p.isPaused() {
					p.Signal(syscall.SIGQUIT)
					<-p.Dead()
					c.report.violate(vHang, "%s %d does not end its transactions:\n%s", p.Role, p.Slot, p.fate().failed)
				}
			}
			return
		}
	}
}

// pauseLimit is long after every client's patience.
const pauseLimit = 60 * time.Second

// begin opens a new stage.
func (c *crew) begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.round++
	c.pausing, c.stop = false, make(chan struct{})
	c.current = make(map[string]*process)
}

// dismiss ends all processes, by themselves if they can.
func (c *crew) dismiss() {
	close(c.stop)
	for _, p := range c.living() {
		p.end()
	}
	for _, p := range c.living() {
		select {
		case <-p.Dead():
		case <-time.After(pauseLimit):
			p.Signal(syscall.SIGQUIT)
			<-p.Dead()
			c.report.violate(vHang, "%s %d does not end:\n%s", p.Role, p.Slot, p.fate().failed)
		}
	}
	c.keepers.Wait()
	// One that a keeper had just started.
	for _, p := range c.living() {
		p.end()
		<-p.Dead()
	}
}

// abandon kills everybody, when all is over anyway.
func (c *crew) abandon() {
	close(c.stop)
	for {
		for _, p := range c.living() {
			p.kill()
		}
		done := make(chan struct{})
		go func() { c.keepers.Wait(); close(done) }()
		select {
		case <-done:
			return
		case <-time.After(20 * time.Millisecond):
		}
	}
}
