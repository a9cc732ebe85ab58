package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// deadlockDetected is PostgreSQL's name for being the one that a circle is broken at.
const deadlockDetected = "40P01"

// runRings runs all rings, one after the other in each lane.
func (a *arena) runRings(ctx context.Context) error {
	patience, err := a.patience()
	if err != nil {
		return err
	}
	began := time.Now()
	var next atomic.Int64
	var lanes sync.WaitGroup
	errs := make([]error, a.lanes)
	for lane := range a.lanes {
		lanes.Go(func() {
			for ctx.Err() == nil && errs[lane] == nil {
				no := int(next.Add(1))
				if no > a.rings {
					return
				}
				errs[lane] = a.runRing(ctx, drawRing(&a.options, no, lane, patience, a.names, a.ids))
				if no%100 == 0 {
					a.report.log("%d rings", no)
				}
			}
		})
	}
	lanes.Wait()
	a.report.ringsTook = time.Since(began)
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

// runRing runs one ring, and judges it.
func (a *arena) runRing(ctx context.Context, g *ring) error {
	members := len(g.things)
	ear := a.listen(g.no, 4*members)
	defer func() {
		a.mu.Lock()
		delete(a.ears, g.no)
		a.mu.Unlock()
	}()
	out := outcome{ring: g, ended: make([]*event, members), has: make([]*event, members)}
	take := func(i int) {
		a.crew[g.process[i]].tell(order{Do: doTake, Ring: g.no, Member: i, Have: g.things[i].have(), Want: g.things[g.next(i)].want(), Delay: int64(g.delay[i]), Bound: int64(a.bound)})
	}
	if g.order == nil {
		for i := range members {
			take(i)
		}
	} else {
		for n, i := range g.order {
			take(i)
			if err := a.hearing(ctx, ear, func(e event) bool { out.note(e); return out.having() == n+1 || out.endings() > 0 }); err != nil {
				return fmt.Errorf("%s: %w", g, err)
			}
		}
	}
	if err := a.hearing(ctx, ear, func(e event) bool {
		if e.E != "" {
			out.note(e)
		}
		return out.having() == members || out.endings() > 0
	}); err != nil {
		return fmt.Errorf("%s: %w", g, err)
	}
	for i := range members { // also when one could not have its thing: the others are to end
		a.crew[g.process[i]].tell(order{Do: doWant, Ring: g.no, Member: i})
	}
	if err := a.hearing(ctx, ear, func(e event) bool {
		if e.E != "" {
			out.note(e)
		}
		return out.endings() == members
	}); err != nil {
		return fmt.Errorf("%s: %w", g, err)
	}
	a.judge(&out)
	return a.clean(ctx, g)
}

// hearing listens until enough is heard. It asks once before it has heard anything.
func (a *arena) hearing(ctx context.Context, ear <-chan event, enough func(event) bool) error {
	limit := time.After(2*a.bound + 10*time.Second)
	for !enough(event{}) {
		select {
		case e := <-ear:
			if enough(e) {
				return nil
			}
		case <-ctx.Done():
			return ctx.Err()
		case <-limit:
			for _, p := range a.crew {
				if err := p.trouble(); err != nil {
					return err
				}
			}
			return fmt.Errorf("the applications say nothing for %s", 2*a.bound)
		}
	}
	return nil
}

// clean removes the rows that a ring has made.
func (a *arena) clean(ctx context.Context, g *ring) error {
	for _, t := range g.things {
		table := t.made()
		if table == "" {
			continue
		}
		if _, err := a.db.ExecContext(ctx, "DELETE FROM "+table+" WHERE id = $1", t.id); err != nil {
			return err
		}
	}
	return nil
}

// outcome is what became of a ring.
type outcome struct {
	ring       *ring
	has, ended []*event // by member
}

func (o *outcome) note(e event) {
	switch e.E {
	case saysHas:
		o.has[e.Member] = &e
	case saysEnded:
		o.ended[e.Member] = &e
	}
}

func (o *outcome) having() int  { return count(o.has) }
func (o *outcome) endings() int { return count(o.ended) }

func count(list []*event) (n int) {
	for _, e := range list {
		if e != nil {
			n++
		}
	}
	return n
}

// judge says what is wrong with an outcome, and what it counts for.
func (a *arena) judge(o *outcome) {
	var victims []*event
	var closed, last int64
	var said []string
	for _, e := range o.ended {
		closed, last = max(closed, e.Asked), max(last, e.Ended)
		said = append(said, fmt.Sprintf("%d: %s %s %s after %s", e.Member, e.Stage, e.Code, e.Err, time.Duration(e.Ended-e.Asked).Round(time.Millisecond)))
		switch {
		case e.Stage == doTake:
			a.report.violate(vBroken, "%s: member %d could not begin: %s %s", o.ring, e.Member, e.Code, e.Err)
			return
		case e.Code == deadlockDetected:
			victims = append(victims, e)
		case e.Code != "":
			a.report.violate(vOther, "%s: member %d failed at %s with %s %s", o.ring, e.Member, e.Stage, e.Code, e.Err)
		default:
			a.expect(o.ring, e.Member)
		}
	}
	if len(victims) != 1 {
		a.report.ended(o.ring, len(victims), 0, 0)
		a.report.violate(vVictims, "%s: %d victims; %s", o.ring, len(victims), strings.Join(said, "; "))
		return
	}
	v := victims[0]
	took := time.Duration(v.Ended - closed)
	a.report.ended(o.ring, 1, took, time.Duration(last-closed))
	patience, _ := a.patience()
	if a.strict && took > patience+mercy {
		a.report.violate(vLate, "%s: it stayed for %s", o.ring, took.Round(time.Millisecond))
	}
	if !o.ring.local { // a server sees a circle of its own by itself, and takes whoever has waited longest
		a.judgeVictim(o, v)
	}
}

// judgeVictim looks whether it is the right one, and whether it was told why.
func (a *arena) judgeVictim(o *outcome, v *event) {
	for i, other := range o.has {
		if o.ring.has(promised) {
			break // servers do not tell when something began that is prepared
		}
		if i != v.Member && other.Began > o.has[v.Member].Had {
			a.report.violate(vYoungest, "%s: member %d is the victim, and %d is younger", o.ring, v.Member, i)
			break
		}
	}
	for _, s := range o.ring.where() {
		if !strings.Contains(v.Detail, a.names[s]) {
			a.report.violate(vDetail, "%s: the DETAIL does not name shard %s: %s", o.ring, a.names[s], v.Detail)
			break
		}
	}
	if !strings.Contains(v.Err, "deadlock detected") {
		a.report.violate(vDetail, "%s: the victim is told %q", o.ring, v.Err)
	}
	a.report.example(o.ring, v)
}

// expect notes what a transaction that committed has counted up.
func (a *arena) expect(g *ring, member int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if row, n, _ := g.things[member].counts(); row != "" {
		a.expected[row] += n
	}
	if row, _, n := g.things[g.next(member)].counts(); row != "" {
		a.expected[row] += n
	}
}
