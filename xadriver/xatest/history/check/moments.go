package check

import (
	"cmp"
	"slices"
)

// moment is when a node's transaction or statement had not begun yet, or had ended.
type moment struct {
	at   int64
	node int
}

// chain adds that what began after another's end comes after it. Nodes of nobody in
// between keep the number of arcs linear.
func (g *graph) chain(ends, begins []moment) {
	byTime := func(x, y moment) int { return cmp.Or(cmp.Compare(x.at, y.at), cmp.Compare(x.node, y.node)) }
	slices.SortFunc(ends, byTime)
	slices.SortFunc(begins, byTime)
	last := nobody
	for i, j := 0, 0; j < len(begins); {
		// At the same time proves nothing: who begins goes first.
		if i < len(ends) && ends[i].at < begins[j].at {
			m := g.node(nobody)
			g.add(ends[i].node, m, clock, -1)
			if last != nobody {
				g.add(last, m, clock, -1)
			}
			last = m
			i++
			continue
		}
		if last != nobody {
			g.add(last, begins[j].node, clock, -1)
		}
		j++
	}
}

// lives are the beginnings and ends of the transactions that pass a filter.
func (a *analysis) lives(pass func(i int) bool, begin, end func(i int) int) (ends, begins []moment) {
	for i := range a.Txns {
		if !a.in[i] || !pass(i) {
			continue
		}
		if t := &a.Txns[i]; t.Begin > 0 {
			begins = append(begins, moment{t.Begin, begin(i)})
		}
		if t := &a.Txns[i]; t.Outcome == Committed && t.End > 0 {
			ends = append(ends, moment{t.End, end(i)})
		}
	}
	return ends, begins
}

// tell adds what the clock says of transactions, as far as wanted. The nodes of a
// transaction are given by begin and end.
func (a *analysis) tell(g *graph, c Clock, on func(i int) bool, begin, end func(i int) int) {
	chain := func(before, after func(i int) bool) {
		ends, _ := a.lives(func(i int) bool { return before(i) && !a.Txns[i].Early }, begin, end)
		_, begins := a.lives(after, begin, end)
		g.chain(ends, begins)
		ends, _ = a.lives(func(i int) bool { return before(i) && a.Txns[i].Early }, begin, end)
		_, begins = a.lives(func(i int) bool { return after(i) && a.Txns[i].Cut }, begin, end)
		g.chain(ends, begins)
	}
	switch c {
	case Timeless:
	case Session:
		a.sessions(g, on, begin, end)
	case Apart:
		chain(on, on)
	case RealTime:
		many := func(i int) bool { return on(i) && a.home[i] == Across }
		chain(many, on)
		chain(on, many)
		for _, shard := range a.shardList() {
			there := func(i int) bool { return on(i) && a.home[i] == shard }
			chain(there, there)
		}
	}
}

// sessions adds the order of each session's transactions.
func (a *analysis) sessions(g *graph, on func(i int) bool, begin, end func(i int) int) {
	bySession := make(map[int64][]int)
	for i := range a.Txns {
		if a.in[i] && on(i) && a.Txns[i].Begin > 0 {
			bySession[a.Txns[i].Session] = append(bySession[a.Txns[i].Session], i)
		}
	}
	for _, list := range bySession {
		slices.SortFunc(list, func(x, y int) int { return cmp.Compare(a.Txns[x].Begin, a.Txns[y].Begin) })
		last := nobody
		for _, i := range list {
			together := last != nobody && (a.home[last] == a.home[i] || a.home[last] == Across || a.home[i] == Across)
			if together && (a.Txns[i].Cut || !a.Txns[last].Early) {
				g.add(end(last), begin(i), clock, -1)
			}
			if a.Txns[i].Outcome == Committed && a.Txns[i].End > 0 {
				last = i
			}
		}
	}
}

func (a *analysis) shardList() []int {
	var list []int
	for _, s := range a.Shard {
		if !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	slices.Sort(list)
	return list
}
