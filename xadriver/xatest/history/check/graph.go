package check

// arc leads from one node of a graph to another.
type arc struct {
	to  int
	why reason
	dep int // the dependency it stands for, or -1
}

// graph has moments as nodes: ends and snapshots of transactions, or moments between
// them. The owner of a node is its transaction, or nobody where it is a moment only.
type graph struct {
	arcs  [][]arc
	owner []int
	// component numbers the knots, from 1; 0 is for nodes that are in none.
	component []int
	knots     [][]int
}

const nobody = -1

func (g *graph) node(owner int) int {
	g.arcs = append(g.arcs, nil)
	g.owner = append(g.owner, owner)
	return len(g.owner) - 1
}

func (g *graph) add(from, to int, why reason, dep int) {
	if from != to {
		g.arcs[from] = append(g.arcs[from], arc{to, why, dep})
	}
}

// tie finds the knots: strongly connected components of more than one node (R. Tarjan,
// 1972), without recursion. It reports whether there is any.
func (g *graph) tie() bool {
	n := len(g.arcs)
	var (
		order   = make([]int, n) // from 1
		low     = make([]int, n)
		on      = make([]bool, n)
		stack   []int
		counter int
	)
	type frame struct{ node, next int }
	var calls []frame
	g.component = make([]int, n)
	for root := range n {
		if order[root] != 0 {
			continue
		}
		calls = append(calls[:0], frame{node: root})
		for len(calls) > 0 {
			f := &calls[len(calls)-1]
			v := f.node
			if f.next == 0 {
				counter++
				order[v], low[v] = counter, counter
				stack, on[v] = append(stack, v), true
			}
			descended := false
			for f.next < len(g.arcs[v]) {
				to := g.arcs[v][f.next].to
				f.next++
				if order[to] == 0 {
					calls = append(calls, frame{node: to})
					descended = true
					break
				}
				if on[to] {
					low[v] = min(low[v], order[to])
				}
			}
			if descended {
				continue
			}
			if low[v] == order[v] {
				stack = g.knot(stack, on, v)
			}
			calls = calls[:len(calls)-1]
			if len(calls) > 0 {
				up := calls[len(calls)-1].node
				low[up] = min(low[up], low[v])
			}
		}
	}
	return len(g.knots) > 0
}

// knot takes a component off the stack, and keeps it when it is one of several nodes.
func (g *graph) knot(stack []int, on []bool, v int) []int {
	at := len(stack) - 1
	for stack[at] != v {
		at--
	}
	group := stack[at:]
	for _, w := range group {
		on[w] = false
	}
	if len(group) > 1 {
		g.knots = append(g.knots, append([]int(nil), group...))
		for _, w := range group {
			g.component[w] = len(g.knots)
		}
	}
	return stack[:at]
}

// search is for cycles within one knot. What it may cost is bounded, so that a knot
// of a hundred thousand transactions does not take for ever: then the cycle found is
// one of the shortest of those that were looked at.
type search struct {
	*graph
	budget int
	cost   []int
	came   []step
	stamp  []int
	now    int
}

type step struct {
	from int
	arc  arc
}

const searchBudget = 3_000_000

func (g *graph) search() *search {
	n := len(g.arcs)
	return &search{graph: g, budget: searchBudget, cost: make([]int, n), came: make([]step, n), stamp: make([]int, n)}
}

// weight is what an arc adds to a witness: the steps of time and within a transaction
// nothing.
func (s *search) weight(from int, a arc) int {
	if a.why == own || a.why == clock && s.owner[from] == nobody {
		return 0
	}
	return 1
}

// path is a lightest path from one node to another of the same knot, by arcs of the
// given reasons, lighter than the limit; nil if there is none.
func (s *search) path(from, to int, with reason, limit int) []step {
	s.now++
	knot := s.component[from]
	s.cost[from], s.stamp[from] = 0, s.now
	level, next := []int{from}, []int(nil)
	for cost := 0; cost < limit && len(level) > 0; cost++ {
		for i := 0; i < len(level); i++ { // it grows by what weighs nothing
			v := level[i]
			if s.cost[v] != cost {
				continue // it was reached by less
			}
			for _, a := range s.arcs[v] {
				if s.budget--; s.budget < 0 {
					return nil
				}
				w := s.weight(v, a)
				if a.why&with == 0 || s.component[a.to] != knot || cost+w >= limit {
					continue
				}
				if s.stamp[a.to] == s.now && s.cost[a.to] <= cost+w {
					continue
				}
				s.stamp[a.to], s.cost[a.to], s.came[a.to] = s.now, cost+w, step{v, a}
				if w == 0 {
					level = append(level, a.to)
				} else {
					next = append(next, a.to)
				}
			}
		}
		if s.stamp[to] == s.now && s.cost[to] <= cost {
			return s.back(from, to)
		}
		level, next = next, level[:0]
	}
	return nil
}

func (s *search) back(from, to int) (path []step) {
	for at := to; at != from; at = s.came[at].from {
		path = append(path, s.came[at])
	}
	for i, j := 0, len(path)-1; i < j; i, j = i+1, j-1 {
		path[i], path[j] = path[j], path[i]
	}
	return path
}

// shortest is a shortest cycle that closes with an arc of the given reasons, the way
// back being made of arcs of the others given.
func (s *search) shortest(closing, back reason) (best []step) {
	const far = 1 << 30
	limit := far
	for _, knot := range s.knots {
		for _, v := range knot {
			for _, a := range s.arcs[v] {
				if a.why&closing == 0 || s.component[a.to] != s.component[v] {
					continue
				}
				if p := s.path(a.to, v, back, limit-1); p != nil {
					best = append([]step{{v, a}}, p...)
					limit = s.length(best)
				}
				if s.budget < 0 || limit <= 2 {
					return best
				}
			}
		}
	}
	return best
}

func (s *search) length(path []step) (n int) {
	for _, st := range path {
		n += s.weight(st.from, st.arc)
	}
	return n
}
