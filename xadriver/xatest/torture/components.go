package main

// components are the strongly connected components, after R. Tarjan, without recursion.
func (g *graph) components(with dependency) (groups [][]int) {
	const unseen = 0
	var (
		order   = make([]int, len(g.edges)) // from 1
		low     = make([]int, len(g.edges))
		on      = make([]bool, len(g.edges))
		stack   []int
		counter int
	)
	type frame struct{ node, next int }
	for root := range g.edges {
		if order[root] != unseen {
			continue
		}
		calls := []frame{{node: root}}
		for len(calls) > 0 {
			f := &calls[len(calls)-1]
			v := f.node
			if f.next == 0 {
				counter++
				order[v], low[v] = counter, counter
				stack, on[v] = append(stack, v), true
			}
			descended := false
			for f.next < len(g.edges[v]) {
				e := g.edges[v][f.next]
				f.next++
				if e.why&with == 0 {
					continue
				}
				if order[e.to] == unseen {
					calls = append(calls, frame{node: e.to})
					descended = true
					break
				}
				if on[e.to] {
					low[v] = min(low[v], order[e.to])
				}
			}
			if descended {
				continue
			}
			if low[v] == order[v] {
				var group []int
				for {
					w := stack[len(stack)-1]
					stack, on[w] = stack[:len(stack)-1], false
					group = append(group, w)
					if w == v {
						break
					}
				}
				groups = append(groups, group)
			}
			calls = calls[:len(calls)-1]
			if len(calls) > 0 {
				up := calls[len(calls)-1].node
				low[up] = min(low[up], low[v])
			}
		}
	}
	return groups
}

// around is a shortest cycle through the first node of a component that has one, as
// the edges that make it, the last of which leads to where the first begins.
func (g *graph) around(group []int, with dependency) []edge {
	inside := make(map[int]bool, len(group))
	for _, v := range group {
		inside[v] = true
	}
	start := group[0]
	type step struct {
		from int
		by   edge
	}
	came := make(map[int]step)
	for queue := []int{start}; len(queue) > 0; queue = queue[1:] {
		v := queue[0]
		for _, e := range g.edges[v] {
			if e.why&with == 0 || !inside[e.to] {
				continue
			}
			if _, seen := came[e.to]; seen {
				continue
			}
			came[e.to] = step{v, e}
			if e.to != start {
				queue = append(queue, e.to)
				continue
			}
			var path []edge
			for at := start; ; {
				s := came[at]
				path = append([]edge{s.by}, path...)
				if at = s.from; at == start {
					return path
				}
			}
		}
	}
	return nil
}
