package sim

import "fmt"

// Violation is a rule that a run broke.
type Violation struct {
	Rule     string // R1 to R4, or what else is promised
	Why      string
	Schedule []string
}

func (v *Violation) Error() string { return fmt.Sprintf("%s: %s", v.Rule, v.Why) }

// check looks at a state, and at the step that led to it, and says which rule is broken.
//
//	R1  if a participant votes no, the transaction aborts
//	R2  it commits only if all participants vote yes
//	R3  if faults cease for long enough, all participants decide (see explorer.ending)
//	R4  nobody decides differently from anybody else, or changes his mind
//
//go:norace
func (x *explorer) check(before, s *state) *Violation {
	broken := func(rule, format string, args ...any) *Violation {
		return &Violation{Rule: rule, Why: fmt.Sprintf(format, args...)}
	}
	commits, aborts, no, unvoted := -1, -1, -1, -1
	writers := 0
	for i, kind := range x.w.Parts {
		b := s.parts[i]
		if b == votedNo {
			no = i
		}
		if !kind.writes() {
			continue
		}
		writers++
		switch {
		case b == done:
			commits = i
		case b.aborted():
			aborts = i
		}
		if !b.voted() {
			unvoted = i
		}
	}
	decided := s.reg.commits() || commits >= 0
	switch {
	case no >= 0 && decided:
		return broken("R1", "%s voted no, and yet it is committed", shardName(no))
	case writers > 1 && unvoted >= 0 && decided:
		return broken("R2", "it is committed, but %s has not voted yes", shardName(unvoted))
	case commits >= 0 && aborts >= 0:
		return broken("R4", "%s has committed and %s has rolled back", shardName(commits), shardName(aborts))
	case commits >= 0 && s.reg.aborts():
		return broken("R4", "%s has committed what the register says is aborted", shardName(commits))
	case aborts >= 0 && s.reg.commits():
		return broken("R4", "%s has rolled back what the register says is committed", shardName(aborts))
	case before != nil && before.reg.exists() && before.reg.commits() != s.reg.commits():
		return broken("R4", "the register changed its mind")
	case s.told == committed && writers > 1 && !s.reg.commits():
		return broken("told the truth", "the application was told that it is committed, but nothing says so")
	case s.told == committed && writers == 1 && commits < 0:
		return broken("told the truth", "the application was told that it is committed, but it is not")
	case s.told == rolledBack && decided:
		return broken("told the truth", "the application was told that it is rolled back, but it is committed")
	case s.told == inDoubt && s.left == x.w.Faults:
		return broken("told the truth", "the application was told that it is in doubt, though nothing went wrong")
	}
	if s.reg.finished() {
		for i := range x.w.Parts {
			if s.reg.parts()&(1<<i) != 0 && (s.parts[i] == prepared || s.parts[i] == open) {
				return broken("finished last", "the record is finished, but its participant %s is %s", shardName(i), s.parts[i])
			}
		}
	}
	for p := range uint8(maxProcs) {
		if !s.procs[p].alive {
			continue
		}
		n := x.node(s, p)
		if n.wrong != nil {
			return broken("released once", "%v", n.wrong)
		}
		for _, c := range n.calls {
			if c.op.verb == touchForeign {
				return broken("own transactions only", "%s is about to finish a foreign transaction on %s", procName(p), shardName(int(c.op.arg)))
			}
		}
	}
	return nil
}

// quiet says what is left to do in a state in which nothing happens any more.
func (x *explorer) quiet(s *state) string {
	for i := range x.w.Parts {
		if s.parts[i] == prepared || s.parts[i] == open {
			return fmt.Sprintf("%s is %s and keeps its locks", shardName(i), s.parts[i])
		}
	}
	if s.reg.exists() && !s.reg.finished() {
		return "the register's record is not finished"
	}
	return ""
}
