package sim

import "fmt"

// endings walks from a state to the end by way of fair runs: faults stop, and somebody
// sweeps until quiet. From every state, everybody dies, requests that are on their way
// vanish, and a new backup comes; and the same after the log has forgotten the record,
// if it may. Where nobody waits for anything any more, also without anybody dying: the
// resolvers that there are go on with what they remember.
//
//go:norace
func (x *explorer) endings(s *state) *Violation {
	alone := state{parts: s.parts, reg: s.reg, told: s.told, left: x.w.Faults}
	x.w.tidy(&alone)
	alone.left = Budget{}
	alone.procs[1].alive = true
	if v := x.ending(alone, "everybody dies, and a new backup comes"); v != nil {
		return v
	}
	if alone.reg.finished() {
		forgotten := alone
		forgotten.reg, forgotten.told = 0, nothing
		if v := x.forget(alone, forgotten); v != nil {
			return v
		}
	}
	survivors := *s
	survivors.late, survivors.left = 0, Budget{}
	busy := false
	for p := range uint8(maxProcs) {
		proc := &survivors.procs[p]
		proc.rounds = 0
		busy = busy || proc.alive && (len(x.calls(s, p)) > 0)
	}
	if busy || !(survivors.procs[0].alive || survivors.procs[1].alive || survivors.procs[2].alive) {
		return nil
	}
	for i := range x.w.Parts {
		if survivors.parts[i] == open { // its last request has vanished, with its connection
			survivors.parts[i] = neverMade
		}
	}
	return x.ending(survivors, "faults cease")
}

// sweepsToQuiet is in how many sweeps everything must be over once faults have ceased:
// one that finishes, one that marks what another left, and one that finds nothing.
const sweepsToQuiet = 3

// ending lets the processes of a state go on without faults until all is quiet.
func (x *explorer) ending(s state, how string) *Violation {
	if !x.ended.add(s.pack()) {
		return nil
	}
	x.result.Endings++
	schedule := []string{how}
	for range sweepsToQuiet {
		for p := range uint8(maxProcs) {
			if !s.procs[p].alive {
				continue
			}
			s.procs[p].rounds = 1
			e := event{kind: begins, who: p}
			for {
				before := s
				schedule = append(schedule, x.say(&s, e))
				s = x.apply(&s, e)
				if v := x.check(&before, &s); v != nil {
					v.Schedule = schedule
					return v
				}
				if len(x.calls(&s, p)) == 0 {
					break
				}
				e = event{kind: replies, who: p}
				if s.procs[p].status[0] == none {
					e.kind, e.ans = swift, x.w.options(&s, x.calls(&s, p)[0].op)[0]
				}
			}
		}
	}
	if left := x.quiet(&s); left != "" {
		return &Violation{Rule: "R3", Why: fmt.Sprintf("after %d sweeps without faults, %s", sweepsToQuiet, left), Schedule: schedule}
	}
	for p := range uint8(maxProcs) {
		if s.procs[p].alive && x.node(&s, p).memory != x.automaton(1).nodes[0].memory && x.node(&s, p).memory != emptyTable {
			return &Violation{Rule: "R3", Why: procName(p) + " still holds something for pending", Schedule: schedule}
		}
	}
	x.result.Outcomes[x.outcome(&s)]++
	return nil
}

// emptyTable is the digest of a resolver's table when nothing is pending.
const emptyTable = "[]"

// forget walks on from where the log has dropped a finished record, which it does after
// a time in which everything that was under way has ended: nobody may come to another
// decision then.
func (x *explorer) forget(s, forgotten state) *Violation {
	v := x.ending(forgotten, "everybody dies, the finished record is forgotten, and a new backup comes")
	if v != nil || !s.reg.commits() {
		return v
	}
	for i, kind := range x.w.Parts {
		if kind.writes() && s.parts[i] != done {
			return &Violation{
				Rule: "R4", Why: fmt.Sprintf("%s is %s when the finished record, commit, may be forgotten: it will roll back", shardName(i), s.parts[i]),
				Schedule: []string{"everybody dies, the finished record is forgotten"},
			}
		}
	}
	return nil
}

func (x *explorer) outcome(s *state) string {
	writers := "nothing committed"
	for i, kind := range x.w.Parts {
		if kind.writes() && s.parts[i] == done {
			writers = "all committed"
		}
	}
	register := "no record"
	if s.reg.exists() {
		register = s.reg.decision().Outcome.String()
	}
	return fmt.Sprintf("told %s, %s, %s", s.told, register, writers)
}
