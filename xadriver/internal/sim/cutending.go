package sim

import "fmt"

// endings follows a fair run from a state: faults cease, requests that are on their way
// from the dead vanish, a backup sweeps, shards miss who is gone, and everybody who waits
// for something gets it when he can. All cuts must then be had, or have failed because of
// what went wrong before, both writers end, and no gate be held. The same when the
// committing process dies first. Where nothing has gone wrong so far no backup sweeps:
// nobody may need its help.
//
//go:norace
func (x *cutExplorer) endings(s *cutState) *Violation {
	if x.w.Endless {
		return nil
	}
	if v := x.ending(*s, "faults cease", x.w.Backups > 0 || !x.unharmed(s)); v != nil {
		return v
	}
	if !s.procs[0].alive {
		return nil
	}
	dead := *s
	dead.left, dead.limits = x.w.Faults, x.w.Limits
	dead.left[Crash] = 1
	dead = x.apply(&dead, event{kind: crashes, who: 0})
	return x.ending(dead, "C dies, and faults cease", true)
}

// unharmed tells that nothing has gone wrong yet; to lose patience is nothing wrong.
//
//go:norace
func (x *cutExplorer) unharmed(s *cutState) bool {
	limits := s.limits
	limits[Patience], limits[Pauses] = x.w.Limits[Patience], x.w.Limits[Pauses]
	return s.left == x.w.Faults && limits == x.w.Limits
}

// rounds is in how many rounds of a fair run everything must be over. In each the backup
// sweeps once, each pause ends once, and shards miss who is gone.
const rounds = 8

// stepsOnTheWay is more than can happen in a part of a round.
const stepsOnTheWay = 200

//go:norace
func (x *cutExplorer) ending(s cutState, how string, sweeping bool) *Violation {
	s.left, s.limits = Budget{}, CutBudget{}
	for _, o := range lateOps(s.late, x.base.w.writers()) {
		if o.passes() && s.gates[o.arg].waits(theWriter) {
			continue
		}
		s.late &^= o.late()
		if o.late()&unborn(o.shard()) != 0 && s.parts[o.arg] == open { // it has gone with its connection
			s.parts[o.arg] = neverMade
		}
	}
	if s.otherLate && !s.gates[x.w.Other].waits(theOther) {
		s.otherAt = neverMade
	}
	if sweeping && !s.procs[1].alive && !s.procs[2].alive {
		s.procs[1] = process{alive: true}
	}
	for p := range s.procs {
		s.procs[p].rounds = 0
	}
	x.tidy(&s)

	schedule := []string{how}
	var run []cutPacked
	var wrong *Violation
	follow := func(e event) bool {
		if k := s.pack(); x.ended.has(k) {
			return false
		} else {
			run = append(run, k)
		}
		before := s
		schedule = append(schedule, x.say(&s, e))
		s = x.apply(&s, e)
		wrong = x.check(&before, &s)
		return wrong == nil
	}
	well := func() *Violation {
		if wrong != nil {
			wrong.Schedule = schedule
			return wrong
		}
		for _, k := range run {
			x.ended.add(k)
		}
		return nil
	}
	for range rounds {
		for _, move := range []func(*cutState) (event, bool){x.nextStep, x.nextSweep, x.nextStep, x.nextPause, x.nextStep, x.nextImpatient} {
			for range stepsOnTheWay {
				e, found := move(&s)
				if !found || e.kind == begins && !sweeping {
					break
				}
				if !follow(e) {
					return well()
				}
				if e.kind == begins { // one sweep a round
					break
				}
			}
		}
		if x.unfinished(&s) == "" {
			run = append(run, s.pack())
			return well()
		}
	}
	return &Violation{Rule: "ends", Why: x.unfinished(&s), Schedule: schedule}
}

// nextStep is something that happens when nobody does anything out of the ordinary.
//
//go:norace
func (x *cutExplorer) nextStep(s *cutState) (event, bool) {
	x.events = x.enabled(s, x.events)
	for _, e := range x.events {
		switch e.kind {
		case begins, dies, idles:
			continue
		case passes:
			if e.who >= theReader && x.calls(s, e.who)[e.slot].op.verb == pause {
				continue
			}
		}
		return e, true
	}
	return event{}, false
}

// nextSweep is one of the backup.
//
//go:norace
func (x *cutExplorer) nextSweep(s *cutState) (event, bool) {
	for p := uint8(maxProcs - 1); p > 0; p-- {
		if s.procs[p].alive && !x.base.node(&s.state, p).sweeping {
			s.procs[p].rounds = 1
			return event{kind: begins, who: p}, true
		}
	}
	return event{}, false
}

// nextPause is the end of one.
//
//go:norace
func (x *cutExplorer) nextPause(s *cutState) (event, bool) {
	for r := range uint8(maxReaders) {
		for i, c := range x.calls(s, theReader+r) {
			if c.op.verb == pause {
				return event{kind: passes, who: theReader + r, slot: uint8(i), ans: ok}, true
			}
		}
	}
	return event{}, false
}

// nextImpatient is a reader that gives up at a gate, where nothing else helps.
//
//go:norace
func (x *cutExplorer) nextImpatient(s *cutState) (event, bool) {
	if x.w.Patient {
		return event{}, false
	}
	for r := range uint8(maxReaders) {
		for i, c := range x.calls(s, theReader+r) {
			if s.readers[r].status[i] == queued && c.op.verb != takeTurn {
				return event{kind: impatient, who: theReader + r, slot: uint8(i)}, true
			}
		}
	}
	return event{}, false
}

// unfinished says who still waits for what in a state in which nothing happens any more.
func (x *cutExplorer) unfinished(s *cutState) string {
	if left := x.base.quiet(&s.state); left != "" && !(s.procs[0].alive && len(x.calls(s, 0)) > 0) {
		return left + x.waiting(s)
	}
	for who := range theReader + maxReaders {
		if calls := x.calls(s, who); len(calls) > 0 {
			return fmt.Sprintf("%s still waits for an answer to %q", processName(who), calls[0].op) + x.waiting(s)
		}
	}
	for gate := range s.gates {
		if s.gates[gate] != (gateState{}) {
			return gateName(gate) + " is still shut, or waited for" + x.waiting(s)
		}
	}
	for k := range x.w.Cuts {
		if r, _ := x.readerOf(k); s.views[k].ended == nothing && s.readers[r].alive {
			return fmt.Sprintf("cut %d is neither had nor failed", k+1)
		}
	}
	return ""
}

// waiting tells who keeps whom waiting at the gates.
func (x *cutExplorer) waiting(s *cutState) (text string) {
	for gate := range s.gates {
		g := &s.gates[gate]
		for session := theWriter; session <= leftOf(maxReaders-1); session++ {
			if g.hasShut(session) {
				text += fmt.Sprintf("; %s has shut %s", sessionName(session), gateName(gate))
			}
		}
		if x.held(s, gate) {
			text += fmt.Sprintf("; the transaction, prepared, holds %s", gateName(gate))
		}
		for q := g.queue; q != 0; q >>= 4 {
			text += fmt.Sprintf("; %s waits at %s", sessionName(uint8(q&15)), gateName(gate))
		}
	}
	return text
}
