package force

import (
	"fmt"
	"strings"

	"github.com/xapg/xapg/txlog"
)

// Verdict is what the evidence says of an outcome that somebody wants to force.
type Verdict struct {
	Proven   bool     // a shard has done just that already, or it was forced before
	Refusal  string   // why it must not be done; "" if it may
	Unproven []string // what speaks for the outcome only by the word of whoever forces it
}

// Judge weighs the evidence. The transaction had one outcome, if any: a shard that
// carried it out proves it for all.
func Judge(want txlog.Outcome, evidence []Evidence, records []Record) Verdict {
	var v Verdict
	of := make(map[State][]Evidence)
	for _, e := range evidence {
		of[e.State] = append(of[e.State], e)
	}
	for _, r := range records {
		if r.Outcome != want.String() {
			v.Refusal = fmt.Sprintf("it was forced to %s already, by %s on %s (%q): shard %s has the record; force the same, or, if that was wrong and nothing was done on any shard, delete the record from _xapg.forced there",
				r.Outcome, r.Who, r.At.UTC().Format("2006-01-02 15:04:05 UTC"), r.Why, r.Shard)
			return v
		}
	}
	switch committed, rolledBack := of[Committed], of[RolledBack]; {
	case len(committed) > 0 && len(rolledBack) > 0:
		v.Refusal = fmt.Sprintf("it is broken already: %s; but %s: neither outcome makes it whole. Mend the rows by hand, then finish what is prepared with COMMIT PREPARED or ROLLBACK PREPARED", words(committed), words(rolledBack))
	case len(committed) > 0 && want == txlog.Abort:
		v.Refusal = "it was committed: " + words(committed)
	case len(rolledBack) > 0 && want == txlog.Commit:
		v.Refusal = "it was rolled back: " + words(rolledBack)
	case len(committed)+len(rolledBack) > 0, len(records) > 0: // whoever forced it before has answered for it
		v.Proven = true
	default:
		for _, e := range append(of[Untold], of[Unreachable]...) {
			v.Unproven = append(v.Unproven, fmt.Sprintf("shard %s may have ended it otherwise (%s: %s)", e.Shard, e.State, e.Words))
		}
		v.Unproven = append(v.Unproven, "the lost log may have decided otherwise, and somebody may have been told so; no program that still has it open may be left running")
	}
	return v
}

func words(list []Evidence) string {
	out := make([]string, len(list))
	for i, e := range list {
		out[i] = "shard " + e.Shard + ": " + e.Words
	}
	return strings.Join(out, "; ")
}
