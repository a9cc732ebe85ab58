package check

import "slices"

// A transaction can be one node of a graph, or several, as what is promised has it.
//
//   - whole: one node. A cycle says that no order of whole transactions explains what
//     was seen; of ww it is G0, of ww and wr G1c, and with rw whatever follows.
//   - split: its snapshot, and then its end. Who appended next to another, or read it,
//     has taken its snapshot after the other's end; who missed another's append took it
//     before that. A cycle then is one that snapshots of the whole do not allow: it has
//     one rw, or several of which no two follow each other. Write skew is no cycle here.
//   - statements: a snapshot for each statement that reads, and then the end. It is
//     what READ COMMITTED promises.
type form uint8

const (
	whole form = iota
	split
	statements
)

// scope is the part of a history that concerns one shard, or all of it.
type scope struct {
	*analysis
	shard int
	deps  []int  // those of analysis.deps
	on    []bool // by transaction: it is concerned
}

func (a *analysis) graphs() {
	list := a.shardList()
	for _, shard := range list {
		a.scope(shard).judge()
	}
	if len(list) > 1 {
		a.scope(Across).judge()
	}
}

func (a *analysis) scope(shard int) *scope {
	s := &scope{analysis: a, shard: shard, on: make([]bool, len(a.Txns))}
	for i, d := range a.deps {
		if shard == Across || a.Shard[d.key] == shard {
			s.deps = append(s.deps, i)
		}
	}
	for i := range a.Txns {
		s.on[i] = shard == Across || slices.ContainsFunc(a.Txns[i].Ops, func(o Op) bool { return a.Shard[o.Key] == shard })
	}
	return s
}

// judge looks for cycles of each form, at first with the clock, which finds most.
func (s *scope) judge() {
	last := RealTime
	if s.shard == Across {
		last = Apart
	}
	if s.graph(whole, ww|wr|rw, last).tie() {
		s.first(whole, ww, last, s.knotOf(G0, ww, ww))
		s.first(whole, ww|wr, last, s.knotOf(G1c, wr, ww|wr))
		s.first(split, ww|wr|rw, last, s.skew)
		s.first(whole, ww|wr|rw, last, s.writeSkew)
	}
	s.first(statements, ww|wr|rw, last, s.knotOf(SkewedStatement, rw, ww|wr|rw))
}

// first finds the weakest clock with which there is a cycle, and has it told.
func (s *scope) first(f form, with reason, last Clock, tell func(g *graph, c Clock)) {
	if last > Timeless && !s.graph(f, with, last).tie() {
		return
	}
	for c := Timeless; c <= last; c++ {
		if g := s.graph(f, with, c); g.tie() {
			tell(g, c)
			return
		}
	}
}

// knotOf tells cycles that are all of one kind.
func (s *scope) knotOf(k Kind, closing, back reason) func(g *graph, c Clock) {
	return func(g *graph, c Clock) {
		find := g.search()
		if path := find.shortest(closing, back|own|clock); path != nil || find.budget < 0 {
			s.tell(k, c, g, path)
		}
	}
}

// skew tells cycles that no snapshots allow.
func (s *scope) skew(g *graph, c Clock) {
	find := g.search()
	kind, path := GSingle, find.shortest(rw, ww|wr|own|clock)
	if path == nil && find.budget >= 0 {
		kind, path = GNonadjacent, find.shortest(rw, ww|wr|rw|own|clock)
	}
	if path != nil || find.budget < 0 { // else it has no rw: it is G0 or G1c, and told as such
		s.tell(kind, c, g, path)
	}
}

// writeSkew tells cycles with two rw in a row, unless there are shorter ones, which
// are told already.
func (s *scope) writeSkew(g *graph, c Clock) {
	s.skewOf(G2Item, c, g, g.search().shortest(rw, ww|wr|rw|own|clock))
	s.skewOf(G2, c, g, g.search().shortest(gap, ww|wr|rw|gap|own|clock))
}

func (s *scope) skewOf(k Kind, c Clock, g *graph, path []step) {
	before := reason(0)
	if len(path) > 0 {
		before = path[len(path)-1].arc.why
	}
	for _, st := range path {
		if st.arc.why&(rw|gap) != 0 && before&(rw|gap) != 0 {
			s.tell(k, c, g, path)
			return
		}
		before = st.arc.why
	}
}

func (s *scope) tell(k Kind, c Clock, g *graph, path []step) {
	s.note(k, c, s.shard, s.witness(g, path))
	s.found[finding{k, c, s.shard}].Times = len(g.knots)
}

// graph builds a graph of a form, of the given reasons.
func (s *scope) graph(f form, with reason, c Clock) *graph {
	g := &graph{}
	if f == statements {
		s.statements(g, with, c)
		return g
	}
	per := 1
	if f == split {
		per = 2
	}
	for i := range s.Txns {
		for range per {
			g.node(i)
		}
		if per == 2 {
			g.add(2*i, 2*i+1, own, -1)
		}
	}
	begin, end := func(i int) int { return i * per }, func(i int) int { return i*per + per - 1 }
	for _, n := range s.deps {
		d := &s.analysis.deps[n]
		switch {
		case d.why&with == 0 || f == split && s.excused(d, d.narrow):
		case d.phantom && f == whole:
			g.add(begin(d.from), end(d.to), gap, n)
		case d.why == rw:
			g.add(begin(d.from), end(d.to), rw, n)
		default:
			g.add(end(d.from), begin(d.to), d.why, n)
		}
	}
	if c == RealTime && s.shard != Across {
		c = Apart // there is one shard only: all that the clock says
	}
	s.analysis.tell(g, c, func(i int) bool { return s.on[i] }, begin, end)
	return g
}

// excused says that a reader had a snapshot of one shard only, and missed what is on
// several: it was not finished there, and may have been seen elsewhere already. That
// is judged where the shard is.
func (s *scope) excused(d *dependency, narrow bool) bool {
	return d.why == rw && s.shard == Across && narrow && s.wide[d.to]
}

// statements builds the graph in which each statement has a snapshot.
func (s *scope) statements(g *graph, with reason, c Clock) {
	for i := range s.Txns {
		g.node(i) // its end
	}
	type place struct{ txn, statement int }
	nodes, first := make(map[place]int), make(map[int]int)
	var ends, begins []moment
	for i := range s.Txns {
		if !s.in[i] || !s.on[i] {
			continue
		}
		last := nobody
		for _, o := range s.Txns[i].Ops {
			if o.Appends() || s.shard != Across && s.Shard[o.Key] != s.shard {
				continue
			}
			if _, ok := nodes[place{i, o.Statement}]; ok {
				continue
			}
			n := g.node(i)
			nodes[place{i, o.Statement}] = n
			if last != nobody {
				g.add(last, n, own, -1)
			} else {
				first[i] = n
			}
			last = n
			begins = append(begins, moment{max(o.Begin, s.Txns[i].Begin), n})
			if o.End > 0 {
				ends = append(ends, moment{o.End, n})
			}
		}
		if last != nobody {
			g.add(last, i, own, -1)
		}
	}
	for _, n := range s.deps {
		d := &s.analysis.deps[n]
		switch {
		case d.why&with == 0 || s.excused(d, d.alone):
		case d.why == ww:
			g.add(d.from, d.to, ww, n)
		case d.why == wr:
			g.add(d.from, nodes[place{d.to, d.statement}], wr, n)
		default:
			g.add(nodes[place{d.from, d.statement}], d.to, rw, n)
		}
	}
	self := func(i int) int { return i }
	switch c {
	case Timeless:
	case Session:
		begin := func(i int) int {
			if n, ok := first[i]; ok {
				return n
			}
			return i
		}
		s.analysis.tell(g, c, func(i int) bool { return s.on[i] }, begin, self)
	default:
		e, _ := s.lives(func(i int) bool { return s.on[i] && !s.Txns[i].Early }, self, self)
		_, b := s.lives(func(i int) bool { return s.on[i] }, self, self)
		g.chain(append(ends, e...), append(begins, b...))
	}
}
