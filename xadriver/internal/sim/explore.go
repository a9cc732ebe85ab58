package sim

import (
	"fmt"
	"slices"
)

// Result is what an exploration saw.
type Result struct {
	States      int // different states of the world
	Transitions int // events followed, those to known states among them
	Endings     int // fair endings walked to quiet, those that ended the same from the same state once
	Depth       int // events in the longest of the shortest ways to a state
	Committer   int // states of the committing process, each of them reached by running it
	Resolver    int // states of a backup, likewise
	Runs        int // processes that were run for that
	Complete    bool
	Outcomes    map[string]int // what was told, and what the register and the shards hold at the end
	Violation   *Violation     // the first, by the fewest events; nil if there is none
}

func (r *Result) String() string {
	text := fmt.Sprintf("%d states, %d transitions, %d endings, longest %d events; %d+%d states of processes, learned in %d runs of the code",
		r.States, r.Transitions, r.Endings, r.Depth, r.Committer, r.Resolver, r.Runs)
	if !r.Complete {
		text += " (stopped before the bound)"
	}
	return text
}

// explorer explores a world, breadth first, so that the first violation found is one
// by the fewest events. It runs on one goroutine: what it does most often is not
// watched by the race detector, which is there for the code under test.
type explorer struct {
	w        *World
	programs [2]*automaton // of the committing process, and of the backups
	seen     table[packed]
	from     []step        // for each state seen
	ended    table[packed] // from where fair endings have been walked
	result   Result
}

// step is how a state was first reached.
type step struct {
	parent uint32
	depth  uint32
	event  event
}

func newExplorer(w *World) *explorer {
	committer, backup := w.Committer, w.Resolver
	if committer.Commit == nil {
		committer.Commit = Real().Commit
	}
	if committer.Sweep == nil {
		committer.Sweep = Real().Sweep
	}
	if backup.Sweep == nil {
		backup = Real()
	}
	backup.Commit = nil
	committer.Exact = committer.Exact || w.Exact
	backup.Exact = backup.Exact || w.Exact
	var kinds [maxParts]wrote3
	copy(kinds[:], w.Parts)
	x := &explorer{w: w}
	x.programs[0] = newAutomaton(func() *Process {
		return newProcess(len(w.Parts), kinds, committer, w.Faults[Cancel] > 0)
	})
	x.programs[1] = newAutomaton(func() *Process { return newProcess(len(w.Parts), kinds, backup, false) })
	x.result.Outcomes = make(map[string]int)
	return x
}

func (x *explorer) initial() state {
	s := state{left: x.w.Faults}
	for i := len(x.w.Parts); i < maxParts; i++ {
		s.parts[i] = done // there is no such participant
	}
	s.procs[0] = process{alive: true, rounds: x.w.Own}
	for i := range x.w.Backups {
		s.procs[1+i] = process{alive: true, rounds: x.w.Rounds}
	}
	return s
}

func (x *explorer) close() {
	for _, a := range x.programs {
		a.close()
	}
}

// Explore visits every state of the world within its bound, checks each, and walks
// the fair endings. It must be called within a bubble of testing/synctest.
func (w *World) Explore() *Result {
	x := newExplorer(w)
	defer x.close()
	v := x.explore()
	r := &x.result
	r.States, r.Violation = len(x.from), v
	r.Committer, r.Resolver = len(x.programs[0].nodes), len(x.programs[1].nodes)
	r.Runs = x.programs[0].runs + x.programs[1].runs
	return r
}

//go:norace
func (x *explorer) explore() *Violation {
	first := x.initial()
	x.add(first, step{})
	if v := x.check(nil, &first); v != nil {
		return v
	}
	var events []event
	for at := uint32(0); int(at) < len(x.from); at++ {
		if limit := x.w.StateLimit; limit > 0 && len(x.from) >= limit {
			return nil
		}
		s := x.seen.states[at].unpack()
		events = x.enabled(&s, events)
		for _, e := range events {
			x.result.Transitions++
			t := x.apply(&s, e)
			if v := x.check(&s, &t); v != nil {
				v.Schedule = append(x.schedule(at), x.say(&s, e))
				return v
			}
			x.add(t, step{at, x.from[at].depth + 1, e})
		}
		if v := x.endings(&s); v != nil {
			v.Schedule = append(x.schedule(at), v.Schedule...)
			return v
		}
	}
	x.result.Complete = true
	return nil
}

//go:norace
func (x *explorer) add(s state, how step) {
	if x.seen.add(s.pack()) {
		x.from = append(x.from, how)
		x.result.Depth = max(x.result.Depth, int(how.depth))
	}
}

// schedule is the way to a state, event by event.
func (x *explorer) schedule(at uint32) []string {
	var list []string
	for at != 0 {
		how := x.from[at]
		s := x.seen.states[how.parent].unpack()
		list = append(list, x.say(&s, how.event))
		at = how.parent
	}
	slices.Reverse(list)
	return list
}
