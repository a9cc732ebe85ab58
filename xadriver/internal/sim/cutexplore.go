package sim

import (
	"fmt"
	"slices"
	"time"
)

// cutExplorer explores a world with readers. What concerns the transaction and its
// resolvers is left to the explorer of the world without them.
type cutExplorer struct {
	w      *CutWorld
	base   *explorer
	other  *automaton // of the other writer
	reader *automaton
	seen   table[cutPacked]
	from   []step
	ended  table[cutPacked] // states from which a fair run has ended well
	result CutResult
	events []event
}

// CutResult is what an exploration of a world with readers saw.
type CutResult struct {
	States      int
	Transitions int
	Endings     int // states on the fair runs that were followed to their end
	Depth       int
	Reader      int // states of a reader's process
	Runs        int // processes that were run
	Complete    bool
	Cuts        map[string]int // what those cuts showed that were had, by states
	Violation   *Violation
}

func (r *CutResult) String() string {
	text := fmt.Sprintf("%d states, %d transitions, %d states on fair endings, longest %d events; %d states of a reader, %d runs of the code",
		r.States, r.Transitions, r.Endings, r.Depth, r.Reader, r.Runs)
	if !r.Complete {
		text += " (stopped before the bound)"
	}
	return text
}

func newCutExplorer(w *CutWorld) *cutExplorer {
	if w.Committer.Commit == nil {
		w.Committer.Commit = GatedCommit().Commit
	}
	if w.Reader.Read == nil {
		w.Reader = Cutting(max(w.Hold, time.Nanosecond))
	}
	if w.Writer.Commit == nil {
		w.Writer = Alone(uint8(max(w.Other, 0)))
	}
	w.Swift, w.Ripe = !w.Travel, true
	x := &cutExplorer{w: w, base: newExplorer(&w.World)}
	none := [maxParts]wrote3{}
	reader := w.Reader
	reader.Exact = reader.Exact || w.Exact
	x.reader = newAutomaton(func() *Process { return newProcess(w.Shards, none, reader, false) })
	x.other = newAutomaton(func() *Process { return newProcess(0, none, w.Writer, false) })
	x.result.Cuts = make(map[string]int)
	return x
}

func (x *cutExplorer) close() {
	x.base.close()
	x.other.close()
	x.reader.close()
}

func (x *cutExplorer) initial() cutState {
	s := cutState{state: x.base.initial(), limits: x.w.Limits}
	for k := range x.w.Cuts {
		r, _ := x.readerOf(k)
		s.readers[r].alive = true
	}
	return s
}

// Explore visits every state of the world within its bound, checks each, and follows a
// fair run from it. It must be called within a bubble of testing/synctest.
func (w *CutWorld) Explore() *CutResult {
	x := newCutExplorer(w)
	defer x.close()
	v := x.explore()
	r := &x.result
	r.States, r.Violation, r.Endings = len(x.from), v, len(x.ended.states)
	r.Reader = len(x.reader.nodes)
	r.Runs = x.reader.runs + x.other.runs + x.base.programs[0].runs + x.base.programs[1].runs
	return r
}

//go:norace
func (x *cutExplorer) explore() *Violation {
	first := x.initial()
	x.add(&first, step{})
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
			x.add(&t, step{at, x.from[at].depth + 1, e})
		}
		if v := x.endings(&s); v != nil {
			v.Schedule = append(x.schedule(at), v.Schedule...)
			return v
		}
		x.note(&s)
	}
	x.result.Complete = true
	return nil
}

//go:norace
func (x *cutExplorer) add(s *cutState, how step) {
	if x.seen.add(s.pack()) {
		x.from = append(x.from, how)
		x.result.Depth = max(x.result.Depth, int(how.depth))
	}
}

// note counts what cuts show.
func (x *cutExplorer) note(s *cutState) {
	for k := range x.w.Cuts {
		v := &s.views[k]
		switch {
		case !v.begun || v.ended == nothing:
			continue
		case v.ended != committed:
			x.result.Cuts["failed"]++
			continue
		}
		what := "neither"
		var all uint8
		for _, seen := range v.seen {
			all |= seen
		}
		switch all & (seesTxn | seesOther) {
		case seesTxn:
			what = "the transaction"
		case seesOther:
			what = "the other"
		case seesTxn | seesOther:
			what = "both"
		}
		x.result.Cuts[what]++
	}
}

// schedule is the way to a state, event by event.
func (x *cutExplorer) schedule(at uint32) []string {
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
