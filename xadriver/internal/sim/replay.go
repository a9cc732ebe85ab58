package sim

import (
	"fmt"
	"slices"
	"strings"
)

// String is the run in one line, as Replay takes it.
func (v *Violation) String() string { return strings.Join(v.Schedule, "; ") }

// Replay runs a schedule, as a violation prints it, and returns what it breaks: nil if
// nothing. An error says that the world has no such run. Nothing is remembered from
// any exploration: the processes run from their beginning, each event for real. It
// must be called within a bubble of testing/synctest.
func (w *World) Replay(schedule string) (*Violation, error) {
	x := newExplorer(w)
	defer x.close()
	return replay[state](x, schedule)
}

// Replay runs a schedule of a world with readers, likewise.
func (w *CutWorld) Replay(schedule string) (*Violation, error) {
	x := newCutExplorer(w)
	defer x.close()
	return replay[cutState](x, schedule)
}

// player is an explorer of either kind of world, whose states are S.
type player[S any] interface {
	initial() S
	enabled(s *S, list []event) []event
	say(s *S, e event) string
	apply(s *S, e event) S
	check(before, s *S) *Violation
	endings(s *S) *Violation
}

func replay[S any](x player[S], schedule string) (*Violation, error) {
	s := x.initial()
	for i, want := range strings.Split(schedule, "; ") {
		list := x.enabled(&s, nil)
		at := slices.IndexFunc(list, func(e event) bool { return x.say(&s, e) == want })
		if at < 0 { // what is no event is the beginning of an ending
			v := x.endings(&s)
			if v == nil || v.Schedule[0] != want {
				return nil, fmt.Errorf("event %d of the schedule, %q, cannot happen there", i+1, want)
			}
			return v, nil
		}
		t := x.apply(&s, list[at])
		if v := x.check(&s, &t); v != nil {
			return v, nil
		}
		s = t
	}
	return x.endings(&s), nil
}
