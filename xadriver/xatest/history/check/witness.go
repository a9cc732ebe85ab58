package check

import (
	"fmt"
	"strings"
)

// witness says a cycle in words: why each comes before the next, and what the
// transactions did.
func (a *analysis) witness(g *graph, path []step) string {
	if len(path) == 0 {
		return fmt.Sprintf("\ta knot of %d transactions, too large to find a cycle in", len(g.knots[0]))
	}
	var b strings.Builder
	var who []int
	left := nobody // who had ended, where time goes over moments
	for _, st := range rotated(g, path) {
		from, to := g.owner[st.from], g.owner[st.arc.to]
		if from != nobody {
			left = from
		}
		if to == nobody || st.arc.why == own {
			continue
		}
		b.WriteString("\t" + a.because(left, to, st.arc) + "\n")
		who = append(who, to)
	}
	const most = 8
	told := make(map[int]bool)
	for _, i := range who {
		if !told[i] && len(told) < most {
			told[i] = true
			b.WriteString("\t" + a.life(i) + "\n")
		}
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// rotated begins the cycle with a transaction, not with a moment.
func rotated(g *graph, path []step) []step {
	for i, st := range path {
		if g.owner[st.from] != nobody {
			return append(append([]step(nil), path[i:]...), path[:i]...)
		}
	}
	return path
}

func (a *analysis) because(from, to int, by arc) string {
	x, y := a.name(from), a.name(to)
	if by.why == clock {
		if ms := float64(a.Txns[to].Begin-a.Txns[from].End) / 1e6; ms >= 0 {
			return fmt.Sprintf("%s -time-> %s: %s had ended %.3f ms before %s began", x, y, x, ms, y)
		}
		return fmt.Sprintf("%s -time-> %s: a statement of %s, or all of it, had ended before one of %s began", x, y, x, y)
	}
	d := a.deps[by.dep]
	at := fmt.Sprintf("list %d (shard %d)", d.key, a.Shard[d.key])
	switch {
	case d.why == ww:
		return fmt.Sprintf("%s -ww-> %s: in %s %d comes next", x, y, at, d.value)
	case d.why == wr:
		return fmt.Sprintf("%s -wr-> %s: %s's statement %d read %d in %s", x, y, y, d.statement, d.value, at)
	case d.phantom:
		return fmt.Sprintf("%s -rw-> %s: %s's statement %d looked for what is like %s, and it was not there: %d came later", x, y, x, d.statement, at, d.value)
	default:
		return fmt.Sprintf("%s -rw-> %s: %s's statement %d read %s without %d", x, y, x, d.statement, at, d.value)
	}
}

// life is what a transaction did.
func (a *analysis) life(i int) string {
	t := &a.Txns[i]
	var b strings.Builder
	fmt.Fprintf(&b, "T%d, session %d, %s, from %d to %d:", t.ID, t.Session, t.Outcome, t.Begin, t.End)
	for _, o := range t.Ops {
		if o.Appends() {
			fmt.Fprintf(&b, " %d.append(%d, %d)", o.Statement, o.Key, o.Value)
			continue
		}
		list, cut, verb := o.List, "", "read"
		if o.Predicate {
			verb = "find"
		}
		if len(list) > lastValues {
			list, cut = list[len(list)-lastValues:], "… "
		}
		fmt.Fprintf(&b, " %d.%s(%d) = %s%v", o.Statement, verb, o.Key, cut, list)
	}
	return b.String()
}

// lastValues is how many values of a list are told.
const lastValues = 6
