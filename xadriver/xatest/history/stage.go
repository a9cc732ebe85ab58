package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/xapg/xapg/xadriver/xatest"
	"github.com/xapg/xapg/xadriver/xatest/history/check"
)

// stage is one history: processes run transactions of one cell, and then all that they
// were told and saw is judged.
type stage struct {
	*arena
	options
	cell
	r      *rand.Rand
	record *record
	inc    *int // of the whole run

	crew     []*process
	troubles []string
	crashes  map[string]int
}

// result is what came of a stage.
type result struct {
	cell
	record    *record
	found     []check.Anomaly
	bad       []check.Anomaly // of them, what is not allowed
	troubles  []string
	crashes   map[string]int
	ops       int
	judged    time.Duration
	committed int
}

// run runs a stage for a time.
func (s *stage) run(ctx context.Context, d time.Duration) (*result, error) {
	if err := s.sweep(ctx); err != nil {
		return nil, err
	}
	s.record, s.crashes, s.crew = newRecord(), make(map[string]int), make([]*process, s.apps)
	defer s.dismiss()
	for i := range s.crew {
		if err := s.start(i); err != nil {
			return nil, err
		}
	}
	for _, p := range s.crew {
		<-p.ready
	}
	s.torment(ctx, d)
	s.dismiss()
	final, money, err := s.settled(ctx)
	if err != nil {
		return nil, err
	}
	return s.judge(final, money), nil
}

// start fills a place of the crew.
func (s *stage) start(i int) error {
	*s.inc++
	die := planFor(s.r)
	if s.rate == 0 {
		die = plan{}
	}
	p, err := launch(spec{
		cell: s.cell, Die: die, DSN: s.dsn(string(s.Setting)), Inc: *s.inc, Seed: s.seed, Clients: s.clients, Shards: s.names, Anchors: s.anchors, Owners: s.owners,
	}, s.dir, s.record.note)
	if err == nil {
		s.crew[i] = p
	}
	return err
}

// torment lets the processes run, and kills them and stops servers as the seed has it.
func (s *stage) torment(ctx context.Context, d time.Duration) {
	over := time.After(d)
	next := s.pause()
	for half := false; ; {
		select {
		case <-ctx.Done():
			return
		case <-over:
			return
		case <-next:
			s.crash(ctx)
			next = s.pause()
		case <-time.After(5 * time.Millisecond):
		}
		for i, p := range s.crew {
			if p.IsDead() {
				s.crashes["processes that killed themselves in a commit"]++
				s.mourn(i, false)
			}
		}
		switch told := s.record.told(); {
		case s.enough == 0:
		case told >= s.enough:
			return
		case told >= s.enough/2 && !half:
			half = true
			if s.r.Float64() < s.rate {
				s.crash(ctx)
			}
		}
	}
}

// pause is until the next crash.
func (s *stage) pause() <-chan time.Time {
	if s.rate == 0 || s.enough > 0 {
		return nil
	}
	return time.After(time.Duration((0.3 + s.r.ExpFloat64()) / s.rate * float64(time.Second)))
}

func (s *stage) crash(ctx context.Context) {
	if i := s.r.IntN(len(s.crew)); s.r.IntN(3) > 0 || !s.stops {
		s.mourn(i, s.crew[i].kill())
		return
	}
	s.restart(ctx, s.cluster.Shards[s.r.IntN(len(s.cluster.Shards))], time.Duration(20+s.r.IntN(200))*time.Millisecond)
}

// mourn replaces a process that was killed.
func (s *stage) mourn(i int, killed bool) {
	p := s.crew[i]
	if killed {
		s.crashes["processes killed"]++
	}
	<-p.Dead()
	s.complain(p)
	if err := s.start(i); err != nil {
		s.troubles = append(s.troubles, "a process could not be started: "+err.Error())
	}
}

func (s *stage) complain(p *process) {
	if trouble := p.trouble(); trouble != "" {
		s.troubles = append(s.troubles, trouble)
	}
}

// restart stops a server as in a crash.
func (s *stage) restart(ctx context.Context, server *xatest.Server, away time.Duration) {
	from := monotonic()
	defer func() { s.record.outages = append(s.record.outages, [2]int64{from, monotonic()}) }()
	if err := server.Stop(ctx, xatest.Immediate); err != nil {
		s.troubles = append(s.troubles, fmt.Sprintf("server %s does not stop: %v", server.Name(), err))
		return
	}
	s.crashes["servers stopped"]++
	time.Sleep(away)
	if err := server.Start(ctx); err != nil {
		s.troubles = append(s.troubles, fmt.Sprintf("server %s does not start: %v", server.Name(), err))
	}
}

// dismiss lets all processes end by themselves.
func (s *stage) dismiss() {
	const limit = 60 * time.Second // long after every client's patience
	for _, p := range s.crew {
		if p != nil {
			p.End()
		}
	}
	for _, p := range s.crew {
		if p == nil {
			continue
		}
		select {
		case <-p.Dead():
		case <-time.After(limit):
			p.kill()
			<-p.Dead()
			s.troubles = append(s.troubles, "a process does not end: "+p.Tail())
		}
		s.complain(p)
	}
	s.crew = nil
}

// judge compares what was told and seen with what is promised.
func (s *stage) judge(final map[int64][]int64, money int64) *result {
	r := &result{cell: s.cell, record: s.record, troubles: s.troubles, crashes: s.crashes}
	h := s.record.history(s.cell, final)
	for _, t := range h.Txns {
		r.ops += len(t.Ops)
		if t.Outcome == check.Committed {
			r.committed++
		}
	}
	total := (&spec{Owners: s.owners}).money()
	began := time.Now()
	r.found = append(check.Check(h), s.bank(total)...)
	if money != total {
		r.found = append(r.found, check.Anomaly{Kind: check.Money, Shard: check.Across, Times: 1, Text: fmt.Sprintf("\tat the end there is %d; it must be %d", money, total)})
	}
	r.judged = time.Since(began)
	r.bad = check.For(s.Level, s.Setting).Broken(r.found)
	return r
}

// bank judges the audits that were not right.
func (s *stage) bank(total int64) []check.Anomaly {
	shard := make(map[int64]int)
	for i, owners := range s.owners {
		for _, o := range owners {
			shard[o] = i
		}
	}
	wrong := slices.DeleteFunc(slices.Clone(s.record.audits), func(a check.Audit) bool { return a.Balances == nil })
	return check.Sums(total, wrong, shard)
}
