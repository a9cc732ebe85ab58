package sim

import "fmt"

// check looks at a state, and at the step that led to it, and says which rule is broken:
// those of World, and of each cut that was had,
//
//	whole    it shows the transaction on all shards on which that wrote, or on none
//	recent   it shows what an application was told to be committed before the cut was wanted
//	causal   it never shows what the other writer did without the transaction that he saw
//	had      it fails only when something went wrong
//
//go:norace
func (x *cutExplorer) check(before, s *cutState) *Violation {
	broken := func(rule, format string, args ...any) *Violation {
		return &Violation{Rule: rule, Why: fmt.Sprintf(format, args...)}
	}
	if v := x.base.check(&before.state, &s.state); v != nil {
		return v
	}
	for k := range x.w.Cuts {
		v := &s.views[k]
		switch v.ended {
		case nothing:
			continue
		case committed:
		default:
			if x.unharmed(s) {
				return broken("had", "cut %d failed, though nothing went wrong", k+1)
			}
			continue
		}
		on, off, other := -1, -1, false
		for i := range x.w.Shards {
			switch {
			case v.seen[i]&seesShard == 0:
				return broken("whole", "cut %d has no snapshot of %s", k+1, shardName(i))
			case i < len(x.w.Parts) && x.w.Parts[i].writes() && v.seen[i]&seesTxn != 0:
				on = i
			case i < len(x.w.Parts) && x.w.Parts[i].writes():
				off = i
			}
			other = other || v.seen[i]&seesOther != 0
		}
		switch {
		case on >= 0 && off >= 0:
			return broken("whole", "cut %d shows the transaction on %s and not on %s", k+1, shardName(on), shardName(off))
		case v.must&seesTxn != 0 && off >= 0:
			return broken("recent", "cut %d does not show the transaction, which was told to be committed before", k+1)
		case v.must&seesOther != 0 && !other:
			return broken("recent", "cut %d does not show what the other writer did, which was told to be committed before", k+1)
		case other && off >= 0 && !x.w.Blind:
			return broken("causal", "cut %d shows what the other writer did, and not the transaction that he had seen", k+1)
		}
	}
	switch {
	case s.otherTold == committed && s.otherAt != done:
		return broken("told the truth", "the other writer was told that he has committed, but he has not")
	case s.otherTold == rolledBack && s.otherAt == done:
		return broken("told the truth", "the other writer was told that he has rolled back, but he has committed")
	}
	return nil
}
