package sim

import (
	"fmt"
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
	s := x.initial()
	for i, want := range strings.Split(schedule, "; ") {
		found := false
		for _, e := range x.enabled(&s, nil) {
			if x.say(&s, e) != want {
				continue
			}
			t := x.apply(&s, e)
			if v := x.check(&s, &t); v != nil {
				return v, nil
			}
			s, found = t, true
			break
		}
		if found {
			continue
		}
		// What is no event is the beginning of an ending.
		v := x.endings(&s)
		if v == nil || v.Schedule[0] != want {
			return nil, fmt.Errorf("event %d of the schedule, %q, cannot happen there", i+1, want)
		}
		return v, nil
	}
	return x.endings(&s), nil
}

// Replay runs a schedule of a world with readers, likewise.
func (w *CutWorld) Replay(schedule string) (*Violation, error) {
	x := newCutExplorer(w)
	defer x.close()
	s := x.initial()
	for i, want := range strings.Split(schedule, "; ") {
		found := false
		for _, e := range x.enabled(&s, nil) {
			if x.say(&s, e) != want {
				continue
			}
			t := x.apply(&s, e)
			if v := x.check(&s, &t); v != nil {
				return v, nil
			}
			s, found = t, true
			break
		}
		if found {
			continue
		}
		v := x.endings(&s)
		if v == nil || v.Schedule[0] != want {
			return nil, fmt.Errorf("event %d of the schedule, %q, cannot happen there", i+1, want)
		}
		return v, nil
	}
	return x.endings(&s), nil
}
