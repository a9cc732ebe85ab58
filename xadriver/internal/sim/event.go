package sim

import "fmt"

// event is one thing that happens in a world.
type event struct {
	kind eventKind
	who  uint8 // the process, or the shard that restarts
	slot uint8 // of the process's outstanding calls
	ans  answer
	late op
}

type eventKind uint8

const (
	arrives     eventKind = iota // a request takes effect, and an answer is on its way
	replies                      // the answer comes to who asked
	requestLost                  // who asked learns that there will be no answer; the request is lost
	requestLate                  // the same, but the request may still arrive
	replyLost                    // the same, after it took effect
	swift                        // a request takes effect, and the answer is there
	swiftLost                    // a request takes effect, and the answer is lost
	crashes
	begins // to sweep
	cancels
	timesOut
	restarts
	straggles // a late request arrives
	forgets   // the log drops a finished record

	// What follows happens in worlds with readers only.
	reaches     // a request comes to a gate, and waits there
	passes      // a request takes effect, at a gate or elsewhere, and the answer is there
	passesLost  // the same, but the answer is lost
	dropped     // no answer will come: the connection has broken, or its context has ended
	lateReaches // a late request of the transaction comes to a gate, and waits there
	latePasses  // a late request of the transaction passes a gate
	impatient   // a reader has waited at a gate for too long
	wants       // a reader begins a cut
	saw         // the other writer has seen the transaction, and begins to commit
	dies        // a reader
	misses      // a shard misses a reader that has gone, and opens the gate that it had closed
	idles       // a shard opens the gate of a reader that lives
)

// name of a process.
func procName(i uint8) string { return [...]string{"C", "R1", "R2"}[i] }

// say describes an event in a state.
func (x *explorer) say(s *state, e event) string {
	of := func() string {
		c := x.calls(s, e.who)[e.slot]
		by := ""
		if c.by >= byShard && !c.op.onShard() {
			by = " for " + shardName(int(c.by-byShard))
		}
		return fmt.Sprintf("%s: %s%s", procName(e.who), c.op, by)
	}
	switch e.kind {
	case arrives:
		return fmt.Sprintf("%s -> %s", of(), e.ans)
	case replies:
		return fmt.Sprintf("%s <- %s", of(), s.procs[e.who].status[e.slot])
	case requestLost:
		return of() + " is lost"
	case requestLate:
		return of() + " is late, and given up"
	case replyLost:
		return fmt.Sprintf("%s <- answer lost (%s)", of(), s.procs[e.who].status[e.slot])
	case swift:
		return fmt.Sprintf("%s = %s", of(), e.ans)
	case swiftLost:
		return fmt.Sprintf("%s = answer lost (%s)", of(), e.ans)
	case crashes:
		return procName(e.who) + " crashes"
	case begins:
		return procName(e.who) + " sweeps"
	case cancels:
		return procName(e.who) + "'s caller gives up"
	case timesOut:
		return procName(e.who) + " runs out of time"
	case restarts:
		return shardName(int(e.who)) + " restarts"
	case forgets:
		return "the log forgets the record"
	default:
		return fmt.Sprintf("late %s = %s", e.late, e.ans)
	}
}

//go:norace
func (x *explorer) automaton(p uint8) *automaton { return x.programs[min(p, 1)] }

//go:norace
func (x *explorer) node(s *state, p uint8) *node {
	return &x.automaton(p).nodes[s.procs[p].node]
}

//go:norace
func (x *explorer) calls(s *state, p uint8) []outstanding { return x.node(s, p).calls }

// enabled lists what can happen in a state.
//
//go:norace
func (x *explorer) enabled(s *state, list []event) []event {
	list = list[:0]
	for p := range uint8(maxProcs) {
		if s.procs[p].alive {
			list = x.enabledIn(s, p, list)
		}
	}
	if s.left[Restart] > 0 {
		for i := range uint8(len(x.w.Parts)) {
			if s.parts[i] == open || s.parts[i] == prepared && x.w.Volatile || x.asked(s, i) {
				list = append(list, event{kind: restarts, who: i})
			}
		}
	}
	for _, o := range lateOps(s.late, x.w.writers()) {
		for _, a := range x.w.options(s, o) {
			if a != notStored && a != unkept { // as if it had never come
				list = append(list, event{kind: straggles, late: o, ans: a})
			}
		}
	}
	if x.w.ForgetsAtOnce && s.reg.finished() {
		list = append(list, event{kind: forgets})
	}
	return list
}

//go:norace
func (x *explorer) enabledIn(s *state, p uint8, list []event) []event {
	proc, n := &s.procs[p], x.node(s, p)
	arrive := arrives
	if x.w.Swift {
		arrive = swift
	}
	for i, c := range n.calls {
		slot := uint8(i)
		fault := Store
		if c.op.onShard() {
			fault = Message
		}
		free := c.done || s.left[fault] > 0
		faulty := func(kind eventKind, a answer) {
			if free && c.op.verb != rollback {
				list = append(list, event{kind: kind, who: p, slot: slot, ans: a})
			}
		}
		if proc.status[i] == queued {
			faulty(requestLate, none)
			continue
		}
		if proc.status[i] != none {
			list = append(list, event{kind: replies, who: p, slot: slot})
			if !c.op.reads() && proc.status[i] != lost {
				faulty(replyLost, none)
			}
			continue
		}
		for _, a := range x.w.options(s, c.op) {
			if c.op.passes() {
				break // that is for the gate to say: see cutWorld
			}
			list = append(list, event{kind: arrive, who: p, slot: slot, ans: a})
			if x.w.Swift && !c.op.reads() && a != lost && a != notStored && a != unkept {
				faulty(swiftLost, a)
			}
		}
		if c.by != byCoordinator && (c.op.verb == commitPrepared || c.op.verb == rollbackPrepared) && x.rivals(s, p, c.op.arg) {
			list = append(list, event{kind: arrive, who: p, slot: slot, ans: busy})
		}
		faulty(requestLost, none)
		if !c.op.reads() {
			faulty(requestLate, none)
		}
	}
	crash := Backup
	if p == 0 {
		crash = Crash
	}
	if len(n.calls) > 0 && s.left[crash] > 0 {
		list = append(list, event{kind: crashes, who: p})
	}
	// Backups are alike: the second begins only after the first has begun.
	if !n.sweeping && proc.rounds > 0 && (p != 2 || !s.procs[1].alive || s.procs[1].rounds < x.w.Rounds) {
		list = append(list, event{kind: begins, who: p})
	}
	if p == 0 && s.left[Cancel] > 0 && s.told == nothing {
		list = append(list, event{kind: cancels, who: p})
	}
	if p == 0 && s.left[Timeout] > 0 && n.timeouts {
		list = append(list, event{kind: timesOut, who: p})
	}
	return list
}

// rivals reports whether somebody else is about to finish a shard's part.
//
//go:norace
func (x *explorer) rivals(s *state, me, shard uint8) bool {
	for p := range uint8(maxProcs) {
		if !s.procs[p].alive || p == me && p != 0 {
			continue
		}
		for i, c := range x.calls(s, p) {
			own := p == me && c.by != byCoordinator
			if !own && c.op.onShard() && c.op.arg == shard && (c.op.verb == commitPrepared || c.op.verb == rollbackPrepared) && s.procs[p].status[i] == none {
				return true
			}
		}
	}
	return false
}

// asked reports whether anybody waits for an answer of a shard.
//
//go:norace
func (x *explorer) asked(s *state, shard uint8) bool {
	for p := range uint8(maxProcs) {
		if !s.procs[p].alive {
			continue
		}
		for i, c := range x.calls(s, p) {
			if c.op.onShard() && c.op.arg == shard && s.procs[p].status[i] != lost {
				return true
			}
		}
	}
	return false
}

// apply is the state after an event.
//
//go:norace
func (x *explorer) apply(s *state, e event) state {
	t := *s
	w := x.w
	switch e.kind {
	case arrives, swift, swiftLost:
		c := x.calls(s, e.who)[e.slot]
		w.serve(&t, c.op, e.ans)
		t.procs[e.who].status[e.slot] = e.ans
		switch e.ans {
		case refused:
			t.left[No]--
		case notStored, unkept:
			t.left[Store]--
		}
		if e.kind == swiftLost {
			x.lose(&t, c)
			e.ans = lost
		}
		if e.kind != arrives {
			x.stimulate(&t, e.who, stimulus{answered, e.slot, e.ans})
		}
	case replies:
		x.stimulate(&t, e.who, stimulus{answered, e.slot, s.procs[e.who].status[e.slot]})
	case requestLost, requestLate, replyLost:
		c := x.calls(s, e.who)[e.slot]
		x.lose(&t, c)
		switch {
		case e.kind == requestLate:
			t.late |= c.op.late()
		case e.kind == requestLost && c.by == byCoordinator && c.op.onShard() && t.parts[c.op.arg] == open:
			t.parts[c.op.arg] = neverMade // the server ends it with the connection
		}
		x.stimulate(&t, e.who, stimulus{answered, e.slot, lost})
	case crashes:
		for i, c := range x.calls(s, e.who) {
			if status := s.procs[e.who].status[i]; status == none || status == queued {
				t.late |= c.op.late()
			}
		}
		t.procs[e.who] = process{}
		if e.who == 0 {
			t.left[Crash]--
		} else {
			t.left[Backup]--
		}
	case begins:
		t.procs[e.who].rounds--
		x.stimulate(&t, e.who, stimulus{kind: sweeps})
	case cancels:
		t.left[Cancel]--
		x.stimulate(&t, e.who, stimulus{kind: cancelled})
	case timesOut:
		t.left[Timeout]--
		x.stimulate(&t, e.who, stimulus{kind: timedOut})
	case restarts:
		t.left[Restart]--
		x.restart(&t, e.who)
	case forgets:
		t.reg = 0
	case straggles:
		w.serve(&t, e.late, e.ans)
		if e.ans == refused {
			t.left[No]--
		}
		if e.late.verb == prepare || e.late.verb == commitPlain {
			t.late &^= e.late.late()
		}
	}
	w.tidy(&t)
	return t
}

// lose takes a lost message from the budget, unless nobody waits for it any more.
//
//go:norace
func (x *explorer) lose(t *state, c outstanding) {
	switch {
	case c.done:
	case c.op.onShard():
		t.left[Message]--
	default:
		t.left[Store]--
	}
}

//go:norace
func (x *explorer) restart(t *state, shard uint8) {
	switch {
	case t.parts[shard] == open:
		t.parts[shard] = neverMade
	case t.parts[shard] == prepared && x.w.Volatile:
		t.parts[shard] = undone
	}
	for p := range t.procs {
		if !t.procs[p].alive {
			continue
		}
		for i, c := range x.calls(t, uint8(p)) {
			if c.op.onShard() && c.op.arg == shard {
				t.procs[p].status[i] = lost
			}
		}
	}
}

// stimulate lets a process react.
//
//go:norace
func (x *explorer) stimulate(t *state, p uint8, s stimulus) {
	proc := &t.procs[p]
	edge := x.automaton(p).next(proc.node, s)
	after := process{alive: true, rounds: proc.rounds, node: edge.to}
	for i, from := range edge.from {
		if from >= 0 {
			after.status[i] = proc.status[from]
		}
	}
	t.procs[p] = after
	if n := x.node(t, p); p == 0 && t.told == nothing && n.told != nothing {
		t.told = n.told
	}
}
