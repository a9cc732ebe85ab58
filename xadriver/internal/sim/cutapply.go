package sim

// apply is the state after an event.
//
//go:norace
func (x *cutExplorer) apply(s *cutState, e event) cutState {
	t := *s
	switch e.kind {
	case reaches, passes, passesLost, dropped, impatient:
		if e.who >= theReader {
			x.applyReader(&t, e)
		} else {
			x.applyWriter(&t, e)
		}
	case replies:
		x.stimulate(&t, e.who, stimulus{answered, e.slot, x.process(&t, e.who).status[e.slot]})
	case lateReaches:
		t.gates[e.slot].queueUp(e.who)
	case latePasses:
		g := &t.gates[e.slot]
		g.leave(e.who)
		if !isWriter(e.who) {
			g.shut |= 1 << e.who
			break
		}
		if e.who == theOther {
			t.otherAt = done
			break
		}
		x.pass(&t, e.late, e.ans)
		t.late &^= e.late.late()
	case wants:
		v := &t.views[e.slot]
		v.begun = true
		if t.told == committed {
			v.must |= seesTxn
		}
		if t.otherTold == committed {
			v.must |= seesOther
		}
		_, member := x.readerOf(e.slot)
		x.stimulate(&t, e.who, stimulus{kind: reads, slot: member})
	case saw:
		t.begun, t.otherAt = true, open
		t.other = process{alive: true}
	case dies:
		r := e.who - theReader
		for gate := range t.gates {
			x.abandon(&t, r, gate)
		}
		t.readers[r] = process{}
		spend(&t.limits[Dies])
	case misses:
		t.gates[e.slot].leave(e.who)
		t.gates[e.slot].shut &^= 1 << e.who
	case idles:
		t.gates[e.slot].shut &^= 1 << e.who
		spend(&t.limits[Idle])
	case restarts:
		x.restart(&t, e.who)
	case timesOut, cancels:
		if e.who >= theReader {
			fault, by := Timeout, timedOut
			if e.kind == cancels {
				fault, by = Cancel, cancelled
			}
			t.left[fault]--
			x.stimulate(&t, e.who, stimulus{kind: by})
			break
		}
		t.state = x.base.apply(&s.state, e)
	default:
		t.state = x.base.apply(&s.state, e)
	}
	x.tidy(&t)
	return t
}

//go:norace
func spend(n *uint8) {
	if *n != many && *n > 0 {
		*n--
	}
}

// pass lets the transaction's request take effect.
//
//go:norace
func (x *cutExplorer) pass(t *cutState, o op, a answer) {
	x.base.w.serve(&t.state, o, a)
	if a == ok && o.verb == passPrepare {
		t.passed |= 1 << o.arg
	}
	if a == refused {
		t.left[No]--
	}
}

//go:norace
func (x *cutExplorer) applyWriter(t *cutState, e event) {
	p, c := x.process(t, e.who), x.calls(t, e.who)[e.slot]
	session := theWriter
	if e.who != 0 {
		session = theOther
	}
	gate := c.op.arg
	a := e.ans
	switch e.kind {
	case reaches:
		p.status[e.slot] = queued
		t.gates[gate].queueUp(session)
		return
	case dropped: // it may still be done: it is on its way, or waits at the gate
		if t.otherAt == open {
			t.otherLate = true
		}
		a = lost
	default:
		t.gates[gate].leave(session)
		switch {
		case e.who == 0:
			x.pass(t, c.op, a)
		case a == ok:
			t.otherAt = done
		case a == refused:
			t.otherAt = votedNo
			t.left[No]--
		}
		if e.kind == passesLost {
			a = lost
		}
	}
	if a == lost && e.ans != lost && !c.done {
		t.left[Message]--
	}
	x.answer(t, e, a)
}

//go:norace
func (x *cutExplorer) applyReader(t *cutState, e event) {
	r := e.who - theReader
	c := x.calls(t, e.who)[e.slot]
	gate := gateOf(c.op)
	a := e.ans
	switch e.kind {
	case reaches:
		t.readers[r].status[e.slot] = queued
		t.gates[gate].queueUp(sessionOf(r))
		return
	case impatient:
		t.gates[gate].leave(sessionOf(r))
		spend(&t.limits[Patience])
		a = held
	case dropped:
		if gate >= 0 {
			x.abandon(t, r, gate)
		}
		x.lose(t, c)
		a = lost
	default:
		if a != lost {
			x.serveReader(t, r, c.op)
		}
		if c.op.verb == pause {
			spend(&t.limits[Pauses])
		}
		if e.kind == passesLost {
			x.abandon(t, r, gate)
			x.lose(t, c)
			a = lost
		}
	}
	x.answer(t, e, a)
}

// answer sends an answer on its way, or lets it be there.
//
//go:norace
func (x *cutExplorer) answer(t *cutState, e event, a answer) {
	if e.kind == passes && !x.w.Swift {
		x.process(t, e.who).status[e.slot] = a
		return
	}
	x.stimulate(t, e.who, stimulus{answered, e.slot, a})
}

//go:norace
func (x *cutExplorer) lose(t *cutState, c outstanding) {
	switch {
	case c.done:
	case c.op.onShard():
		t.left[Message]--
	default:
		t.left[Store]--
	}
}

//go:norace
func (x *cutExplorer) restart(t *cutState, shard uint8) {
	t.left[Restart]--
	x.base.restart(&t.state, shard)
	t.gates[shard] = gateState{}
	if shard == 0 {
		t.gates[theTurn] = gateState{}
	}
	t.late &^= op{passPrepare, shard}.late() | op{passCommit, shard}.late()
	if int8(shard) == x.w.Other && t.begun && t.otherAt == open {
		t.otherAt = neverMade
	}
	for who := theOtherProcess; who < theReader+maxReaders; who++ {
		for i, c := range x.calls(t, who) {
			if c.op.onShard() && c.op.shard() == shard {
				x.process(t, who).status[i] = lost
			}
		}
	}
}

// tidy takes from the gates' queues those who cannot do anything any more.
//
//go:norace
func (x *cutExplorer) tidy(t *cutState) {
	x.base.w.tidy(&t.state)
	for i := range t.gates {
		if t.gates[i].waits(theWriter) && t.parts[i] != open {
			t.gates[i].leave(theWriter)
		}
		if t.gates[i].waits(theOther) && t.otherAt != open {
			t.gates[i].leave(theOther)
		}
	}
	t.otherLate = t.otherLate && t.otherAt == open
}

// stimulate lets a process react.
//
//go:norace
func (x *cutExplorer) stimulate(t *cutState, who uint8, by stimulus) {
	if who < maxProcs {
		x.base.stimulate(&t.state, who, by)
		return
	}
	proc, a := x.process(t, who), x.automatonOf(who)
	edge := a.next(proc.node, by)
	after := process{alive: true, node: edge.to}
	for i, from := range edge.from {
		if from >= 0 {
			after.status[i] = proc.status[from]
		}
	}
	*proc = after
	n := &a.nodes[after.node]
	if who == theOtherProcess {
		if t.otherTold == nothing {
			t.otherTold = n.told
		}
		return
	}
	for member := range uint8(maxCuts) {
		r, m := x.readerOf(member)
		if r != who-theReader {
			continue
		}
		v := &t.views[member]
		if v.ended == nothing {
			v.ended = n.cuts[m]
		}
		if n.fresh && v.ended == nothing {
			v.seen = [maxShards]uint8{}
		}
	}
}
