package sim

import "errors"

// automaton is what is known of a program: which states its process can be in, and
// what happens to it. Each transition is learned by running the program, once: a
// process is started, given the stimuli that lead to the state, and then one more.
// What a process does depends on nothing but what it has observed, so that what was
// seen once needs no second run, wherever in a world the process gets there.
type automaton struct {
	start func() *Process
	nodes []node
	index map[string]uint32

	live   *Process // the process that ran last, in state liveAt
	liveAt uint32
	runs   int // processes started
}

// node is a state of a process at rest.
type node struct {
	calls    []outstanding
	told     told
	sweeping bool
	timeouts bool // it has set bounds that can run out
	settled  bool // Commit and all it began are over
	cuts     [maxCuts]told
	fresh    bool
	memory   string
	next     []edge
	wrong    error // what the process itself did wrong

	parent uint32
	via    stimulus
}

type outstanding struct {
	op   op
	by   label
	done bool // its context has ended: it may come back without an answer
}

type edge struct {
	by   stimulus
	to   uint32
	from [maxCalls]int8 // for each outstanding call there, which it was here; -1 for a new one
}

func newAutomaton(start func() *Process) *automaton {
	a := &automaton{start: start, index: make(map[string]uint32)}
	a.live = start()
	a.runs++
	a.liveAt = a.note(0, stimulus{})
	return a
}

// note finds, or makes, the node of the live process's state.
func (a *automaton) note(parent uint32, via stimulus) uint32 {
	p := a.live
	key := p.key()
	if at, found := a.index[key]; found {
		return at
	}
	n := node{
		told: p.told, sweeping: p.sweeping, timeouts: len(p.timeouts) > 0, memory: digest(p.memory),
		parent: parent, via: via, settled: p.over, cuts: p.cuts, fresh: p.fresh,
	}
	for _, c := range p.waiting {
		n.calls = append(n.calls, outstanding{c.op, c.by, c.ctx.Err() != nil})
		n.settled = n.settled && c.by != byCoordinator
	}
	n.wrong = p.wrongRelease(n.settled)
	at := uint32(len(a.nodes))
	a.nodes = append(a.nodes, n)
	a.index[key] = at
	return at
}

// wrongRelease checks that each participant's connection is given back, once.
func (p *Process) wrongRelease(settled bool) error {
	if p.program.Commit == nil {
		return nil
	}
	for _, times := range p.released[:p.Parts] {
		if times > 1 {
			return errors.New("a participant was released twice")
		}
		if settled && times == 0 && !p.program.Mutant {
			return errors.New("a participant was never released")
		}
	}
	return nil
}

// next is what a stimulus makes of a process.
//
//go:norace
func (a *automaton) next(at uint32, s stimulus) edge {
	for i := range a.nodes[at].next {
		if e := &a.nodes[at].next[i]; e.by == s {
			return *e
		}
	}
	return a.try(at, s)
}

// try runs the process to learn that.
func (a *automaton) try(at uint32, s stimulus) edge {
	a.reach(at)
	a.live.step(s)
	a.liveAt = a.note(at, s)
	e := edge{by: s, to: a.liveAt}
	before := a.nodes[at].calls
	for i := range e.from {
		e.from[i] = -1
	}
	for i, c := range a.nodes[e.to].calls {
		for j, b := range before {
			if b.op == c.op && b.by == c.by && (s.kind != answered || j != int(s.slot)) {
				e.from[i] = int8(j)
			}
		}
	}
	a.nodes[at].next = append(a.nodes[at].next, e)
	return e
}

// reach makes the live process one that is in the given state.
func (a *automaton) reach(at uint32) {
	if a.live != nil && a.liveAt == at {
		return
	}
	a.close()
	var path []stimulus
	for n := at; n != 0; n = a.nodes[n].parent {
		path = append(path, a.nodes[n].via)
	}
	a.live = a.start()
	a.runs++
	for i := len(path) - 1; i >= 0; i-- {
		a.live.step(path[i])
	}
	a.liveAt = at
}

func (a *automaton) close() {
	if a.live != nil {
		a.live.kill()
		a.live = nil
	}
}
