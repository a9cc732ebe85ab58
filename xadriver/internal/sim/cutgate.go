package sim

// Gates are locks of PostgreSQL's: who cannot have one at once waits in a queue, and
// nobody overtakes whom he conflicts with, even if he would not conflict with those
// who hold it.

//go:norace
func (g *gateState) waits(session uint8) bool {
	for q := g.queue; q != 0; q >>= 4 {
		if uint8(q&15) == session {
			return true
		}
	}
	return false
}

// queueUp puts a session at the end, unless one of that name waits already.
//
//go:norace
func (g *gateState) queueUp(session uint8) {
	if g.waits(session) {
		return
	}
	at := 0
	for g.queue>>at != 0 {
		at += 4
	}
	g.queue |= uint32(session) << at
}

// leave takes a session out of the queue.
//
//go:norace
func (g *gateState) leave(session uint8) {
	var rest uint32
	at := 0
	for q := g.queue; q != 0; q >>= 4 {
		if uint8(q&15) != session {
			rest |= q & 15 << at
			at += 4
		}
	}
	g.queue = rest
}

// become lets another session have the place of one in the queue.
//
//go:norace
func (g *gateState) become(session, other uint8) {
	if g.waits(other) {
		g.leave(session)
		return
	}
	for at := 0; g.queue>>at != 0; at += 4 {
		if uint8(g.queue>>at&15) == session {
			g.queue = g.queue&^(15<<at) | uint32(other)<<at
		}
	}
}

//go:norace
func (g *gateState) hasShut(session uint8) bool { return g.shut&(1<<session) != 0 }

//go:norace
func isWriter(session uint8) bool { return session < theReaders }

// held tells whether the transaction holds a gate: from its PREPARE until it is over.
//
//go:norace
func (x *cutExplorer) held(s *cutState, gate int) bool {
	return gate < len(x.w.Parts) && s.parts[gate] == prepared && s.passed&(1<<gate) != 0 && !x.w.OpensAtPrepare
}

// clear tells whether a session gets a gate, now, from its place in the queue or from
// behind all who are there.
//
//go:norace
func (x *cutExplorer) clear(s *cutState, gate int, session uint8) bool {
	g := &s.gates[gate]
	switch {
	case gate == theTurn || isWriter(session):
		if g.shut != 0 {
			return false
		}
	case x.held(s, gate):
		return false
	}
	for q := g.queue; q != 0; q >>= 4 {
		ahead := uint8(q & 15)
		if ahead == session {
			break
		}
		if gate == theTurn || isWriter(ahead) != isWriter(session) {
			return false
		}
	}
	return true
}

// gateOf is the gate that a reader's request is about, or -1.
//
//go:norace
func gateOf(o op) int {
	switch o.verb {
	case takeTurn, giveTurn:
		return theTurn
	case closeGate, openGate, listGate:
		return int(o.arg)
	default:
		return -1
	}
}

// visible is what a snapshot of a shard shows.
//
//go:norace
func (x *cutExplorer) visible(s *cutState, shard int) (seen uint8) {
	seen = seesShard
	if shard < len(x.w.Parts) && s.parts[shard] == done && x.w.Parts[shard].writes() {
		seen |= seesTxn
	}
	if shard == int(x.w.Other) && s.otherAt == done {
		seen |= seesOther
	}
	return seen
}

// answerReader is what a reader's request is told when it takes effect; none if it has to wait.
//
//go:norace
func (x *cutExplorer) answerReader(s *cutState, r uint8, o op) answer {
	gate := gateOf(o)
	switch o.verb {
	case closeGate, takeTurn:
		if !x.clear(s, gate, sessionOf(r)) {
			return none
		}
	case openGate, giveTurn, listGate:
		switch {
		case !s.gates[gate].hasShut(sessionOf(r)):
			return lost // the session has ended
		case o.verb != listGate:
		case gate < len(x.w.Parts) && s.parts[gate] == prepared:
			return old
		default:
			return absent
		}
	case holders:
		if x.held(s, int(o.arg)) {
			return old
		}
		return absent
	case lookup, list:
		return x.base.w.options(&s.state, o)[0]
	}
	return ok
}

// serveReader lets a reader's request take effect.
//
//go:norace
func (x *cutExplorer) serveReader(s *cutState, r uint8, o op) {
	gate, session := gateOf(o), sessionOf(r)
	switch o.verb {
	case closeGate, takeTurn:
		s.gates[gate].leave(session)
		s.gates[gate].shut |= 1 << session
	case openGate, giveTurn:
		s.gates[gate].shut &^= 1 << session
	case snapshot:
		s.views[x.cutOf(r, o.arg/maxParts)].seen[o.shard()] = x.visible(s, int(o.shard()))
	case hurryCommit:
		s.late |= op{commitPrepared, o.arg}.late()
	case hurryAbort:
		s.late |= op{rollbackPrepared, o.arg}.late()
	}
}

// abandon leaves to the shard what a reader's session has, or waits for, at a gate.
//
//go:norace
func (x *cutExplorer) abandon(s *cutState, r uint8, gate int) {
	g := &s.gates[gate]
	g.become(sessionOf(r), leftOf(r))
	if g.hasShut(sessionOf(r)) {
		g.shut = g.shut&^(1<<sessionOf(r)) | 1<<leftOf(r)
	}
}

// readerOf and cutOf tell which process takes a cut, and which cut a process takes.
//
//go:norace
func (x *cutExplorer) readerOf(k uint8) (reader, member uint8) {
	if x.w.Shared {
		return 0, k
	}
	return k, 0
}

//go:norace
func (x *cutExplorer) cutOf(reader, member uint8) uint8 {
	if x.w.Shared {
		return member
	}
	return reader
}
