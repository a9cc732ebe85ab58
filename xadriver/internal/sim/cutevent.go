package sim

import "fmt"

// The processes of a world with readers, beyond those of World.
const (
	theOtherProcess uint8 = maxProcs
	theReader       uint8 = maxProcs + 1 // and those after it
)

//go:norace
func (x *cutExplorer) process(s *cutState, who uint8) *process {
	switch {
	case who < maxProcs:
		return &s.procs[who]
	case who == theOtherProcess:
		return &s.other
	default:
		return &s.readers[who-theReader]
	}
}

//go:norace
func (x *cutExplorer) automatonOf(who uint8) *automaton {
	switch {
	case who < maxProcs:
		return x.base.automaton(who)
	case who == theOtherProcess:
		return x.other
	default:
		return x.reader
	}
}

//go:norace
func (x *cutExplorer) calls(s *cutState, who uint8) []outstanding {
	p := x.process(s, who)
	if !p.alive {
		return nil
	}
	return x.automatonOf(who).nodes[p.node].calls
}

func processName(who uint8) string {
	return [...]string{"C", "R1", "R2", "the other writer", "reader 1", "reader 2"}[who]
}

func sessionName(session uint8) string {
	return [...]string{"", "the transaction", "the other writer", "reader 1", "what is left of reader 1", "reader 2", "what is left of reader 2"}[session]
}

func gateName(gate int) string {
	if gate == theTurn {
		return "the turn"
	}
	return "the gate of " + shardName(gate)
}

// say describes an event in a state.
func (x *cutExplorer) say(s *cutState, e event) string {
	of := func() string {
		return fmt.Sprintf("%s: %s", processName(e.who), x.calls(s, e.who)[e.slot].op)
	}
	switch e.kind {
	case reaches:
		return of() + " waits"
	case passes:
		return fmt.Sprintf("%s = %s", of(), e.ans)
	case replies:
		return fmt.Sprintf("%s <- %s", of(), x.process(s, e.who).status[e.slot])
	case passesLost:
		return fmt.Sprintf("%s = answer lost (%s)", of(), e.ans)
	case dropped:
		return of() + " is lost"
	case lateReaches:
		if e.who == theOther {
			return "late COMMIT of the other writer waits"
		}
		return fmt.Sprintf("late %s waits", e.late)
	case latePasses:
		if e.who == theOther {
			return "late COMMIT of the other writer = ok"
		}
		if isWriter(e.who) {
			return fmt.Sprintf("late %s = %s", e.late, e.ans)
		}
		return fmt.Sprintf("%s gets %s", sessionName(e.who), gateName(int(e.slot)))
	case impatient:
		return of() + " loses patience"
	case wants:
		return fmt.Sprintf("cut %d is wanted", e.slot+1)
	case saw:
		if x.w.Blind {
			return "the other writer begins"
		}
		return "the other writer sees the transaction"
	case dies:
		return processName(e.who) + " dies"
	case misses:
		return fmt.Sprintf("%s misses %s", gateName(int(e.slot)), sessionName(e.who))
	case idles:
		return fmt.Sprintf("%s opens without %s", gateName(int(e.slot)), sessionName(e.who))
	case timesOut:
		return processName(e.who) + " runs out of time"
	case cancels:
		return processName(e.who) + "'s caller gives up"
	default:
		return x.base.say(&s.state, e)
	}
}

// enabled lists what can happen in a state.
//
//go:norace
func (x *cutExplorer) enabled(s *cutState, list []event) []event {
	list = list[:0]
	for p := range uint8(maxProcs) {
		if s.procs[p].alive {
			list = x.base.enabledIn(&s.state, p, list)
		}
	}
	list = x.writersEnabled(s, list)
	for r := range uint8(maxReaders) {
		if s.readers[r].alive {
			list = x.readerEnabled(s, r, list)
		}
	}
	for k := range x.w.Cuts {
		r, _ := x.readerOf(k)
		if !s.views[k].begun && s.readers[r].alive && (k == 0 || s.views[k-1].begun) {
			list = append(list, event{kind: wants, who: theReader + r, slot: k})
		}
	}
	if s.left[Restart] > 0 {
		for i := range uint8(x.w.Shards) {
			if x.minds(s, i) {
				list = append(list, event{kind: restarts, who: i})
			}
		}
	}
	return x.leftEnabled(s, list)
}

// writersEnabled are the events of the transaction's requests that pass gates or come
// late, and of the other writer.
//
//go:norace
func (x *cutExplorer) writersEnabled(s *cutState, list []event) []event {
	for who := uint8(0); who <= theOtherProcess; who += theOtherProcess {
		session := theWriter
		if who != 0 {
			session = theOther
		}
		p := x.process(s, who)
		for i, c := range x.calls(s, who) {
			slot := uint8(i)
			if who == 0 && !c.op.passes() {
				continue
			}
			free := c.done || s.left[Message] > 0
			gate := int(c.op.arg)
			switch {
			case p.status[i] != none && p.status[i] != queued:
				if who == 0 {
					continue // that is for the explorer of World
				}
				list = append(list, event{kind: replies, who: who, slot: slot})
			case c.op.passes() && !x.clear(s, gate, session):
				if p.status[i] == none {
					list = append(list, event{kind: reaches, who: who, slot: slot})
				}
			default:
				for _, a := range x.writerOptions(s, who, c.op) {
					list = append(list, event{kind: passes, who: who, slot: slot, ans: a})
					if free && a != lost && x.w.Swift {
						list = append(list, event{kind: passesLost, who: who, slot: slot, ans: a})
					}
				}
			}
			if who != 0 && free {
				list = append(list, event{kind: dropped, who: who, slot: slot})
			}
		}
	}
	if x.w.Other >= 0 && !s.begun {
		sees := x.w.Blind
		for i := range x.w.Parts {
			sees = sees || x.visible(s, i)&seesTxn != 0
		}
		if sees {
			list = append(list, event{kind: saw, who: theOtherProcess})
		}
	}
	for _, o := range lateOps(s.late, x.base.w.writers()) {
		gate := int(o.arg)
		if o.passes() && !x.clear(s, gate, theWriter) {
			if !s.gates[gate].waits(theWriter) {
				list = append(list, event{kind: lateReaches, who: theWriter, slot: o.arg, late: o})
			}
			continue
		}
		for _, a := range x.base.w.options(&s.state, o) {
			if a == notStored || a == unkept {
				continue
			}
			kind := straggles
			if o.passes() {
				kind = latePasses
			}
			list = append(list, event{kind: kind, who: theWriter, slot: o.arg, late: o, ans: a})
		}
	}
	return list
}

// writerOptions are the answers that a writer's request at a gate may get.
//
//go:norace
func (x *cutExplorer) writerOptions(s *cutState, who uint8, o op) []answer {
	at := s.otherAt
	if who == 0 {
		at = s.parts[o.arg]
	}
	switch {
	case at != open:
		return []answer{lost}
	case s.left[No] > 0:
		return []answer{ok, refused}
	}
	return []answer{ok}
}

//go:norace
func (x *cutExplorer) readerEnabled(s *cutState, r uint8, list []event) []event {
	who := theReader + r
	p, n := &s.readers[r], &x.reader.nodes[s.readers[r].node]
	for i, c := range n.calls {
		slot := uint8(i)
		fault := Store
		if c.op.onShard() {
			fault = Message
		}
		free := c.done || s.left[fault] > 0
		switch a := x.answerReader(s, r, c.op); {
		case p.status[i] != none && p.status[i] != queued:
			list = append(list, event{kind: replies, who: who, slot: slot})
		case c.op.verb == pause:
			if s.limits[Pauses] > 0 {
				list = append(list, event{kind: passes, who: who, slot: slot, ans: ok})
			}
			free = c.done
		case a == none && p.status[i] == none:
			list = append(list, event{kind: reaches, who: who, slot: slot})
			continue // as it can be lost there as well
		case a != none:
			list = append(list, event{kind: passes, who: who, slot: slot, ans: a})
			if free && x.w.Swift && (c.op.verb == closeGate || c.op.verb == takeTurn) {
				list = append(list, event{kind: passesLost, who: who, slot: slot, ans: a})
			}
		}
		if p.status[i] == queued && s.limits[Patience] > 0 && c.op.verb != takeTurn {
			list = append(list, event{kind: impatient, who: who, slot: slot})
		}
		if free && c.op.verb != hurryCommit && c.op.verb != hurryAbort {
			list = append(list, event{kind: dropped, who: who, slot: slot})
		}
	}
	if len(n.calls) > 0 && s.limits[Dies] > 0 {
		list = append(list, event{kind: dies, who: who})
	}
	if n.timeouts && s.left[Timeout] > 0 {
		list = append(list, event{kind: timesOut, who: who})
	}
	if len(n.calls) > 0 && s.left[Cancel] > 0 {
		list = append(list, event{kind: cancels, who: who})
	}
	if s.limits[Idle] > 0 {
		for gate := range s.gates {
			if s.gates[gate].hasShut(sessionOf(r)) {
				list = append(list, event{kind: idles, who: sessionOf(r), slot: uint8(gate)})
			}
		}
	}
	return list
}

// leftEnabled are the events of what readers have left at gates, and of the other
// writer's request that has come late.
//
//go:norace
func (x *cutExplorer) leftEnabled(s *cutState, list []event) []event {
	if s.otherLate {
		e := event{kind: latePasses, who: theOther, slot: uint8(x.w.Other)}
		if !x.clear(s, int(x.w.Other), theOther) {
			e.kind = lateReaches
		}
		if e.kind == latePasses || !s.gates[x.w.Other].waits(theOther) {
			list = append(list, e)
		}
	}
	for gate := range s.gates {
		g := &s.gates[gate]
		for r := range uint8(maxReaders) {
			left := leftOf(r)
			if g.waits(left) && x.clear(s, gate, left) {
				list = append(list, event{kind: latePasses, who: left, slot: uint8(gate)})
			}
			if g.waits(left) || g.hasShut(left) {
				list = append(list, event{kind: misses, who: left, slot: uint8(gate)})
			}
		}
	}
	return list
}

// minds tells whether a restart of a shard changes anything.
//
//go:norace
func (x *cutExplorer) minds(s *cutState, shard uint8) bool {
	if s.parts[shard] == open || s.parts[shard] == prepared && x.w.Volatile || x.base.asked(&s.state, shard) ||
		s.gates[shard] != (gateState{}) || shard == 0 && s.gates[theTurn] != (gateState{}) ||
		int8(shard) == x.w.Other && s.begun && s.otherAt == open {
		return true
	}
	for r := range uint8(maxReaders) {
		for _, c := range x.calls(s, theReader+r) {
			if c.op.onShard() && c.op.shard() == shard {
				return true
			}
		}
	}
	return false
}
