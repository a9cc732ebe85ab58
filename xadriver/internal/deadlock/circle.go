package deadlock

import (
	"cmp"
	"slices"
	"strings"
)

// Circle is transactions each of which waits for the next one, and the last for the first.
type Circle struct {
	Edges  []*Edge
	Victim *Transaction // the youngest
}

// members are the transactions in the circle.
func (c *Circle) members() []*Transaction {
	list := make([]*Transaction, len(c.Edges))
	for i, e := range c.Edges {
		list[i] = e.From
	}
	return list
}

// ident is the same for a circle that is still there, whoever looks.
func (c *Circle) ident() string {
	list := make([]string, len(c.Edges))
	for i, e := range c.Edges {
		list[i] = e.ident()
	}
	slices.Sort(list)
	return strings.Join(list, "\n")
}

// local reports whether one server sees the whole circle: it then ends it by itself.
func (c *Circle) local() bool {
	for i, e := range c.Edges {
		next := c.Edges[(i+1)%len(c.Edges)]
		if e.View.Shard != next.View.Shard || e.Session == nil || e.blocker() != next.Wait.PID {
			return false
		}
	}
	return true
}

// Circles finds as many circles as must be broken, the shortest first, none of which has
// the victim of another one in it. All who see the same graph find the same circles.
func (g *Graph) Circles() []*Circle {
	out := make(map[*Transaction][]*Edge)
	for _, e := range g.Edges {
		if e.Wait.Since != "" { // what has only just begun cannot be told from what comes next
			out[e.From] = append(out[e.From], e)
		}
	}
	var nodes []*Transaction
	for t := range out {
		nodes = append(nodes, t)
		slices.SortFunc(out[t], func(a, b *Edge) int { return cmp.Compare(a.ident(), b.ident()) })
	}
	slices.SortFunc(nodes, func(a, b *Transaction) int { return cmp.Compare(a.ident, b.ident) })
	gone := make(map[*Transaction]bool)
	var found []*Circle
	for {
		prune(out, gone)
		var best []*Edge
		for _, t := range nodes {
			if gone[t] {
				continue
			}
			if c := shortest(t, out, gone); c != nil && (best == nil || len(c) < len(best)) {
				best = c
			}
		}
		if best == nil {
			return found
		}
		c := &Circle{Edges: best}
		if c.local() {
			for _, t := range c.members() { // what else they are in is looked at when the server has done its part
				gone[t] = true
			}
			continue
		}
		list := c.members()
		c.Victim = slices.MinFunc(list, younger(list))
		gone[c.Victim] = true
		found = append(found, c)
	}
}

// prune leaves out who waits for nobody that waits.
func prune(out map[*Transaction][]*Edge, gone map[*Transaction]bool) {
	for again := true; again; {
		again = false
		for t, edges := range out {
			if gone[t] {
				continue
			}
			waits := slices.ContainsFunc(edges, func(e *Edge) bool { return !gone[e.To] && len(out[e.To]) > 0 })
			if !waits {
				gone[t], again = true, true
			}
		}
	}
}

// shortest is the shortest way from a transaction back to itself.
func shortest(from *Transaction, out map[*Transaction][]*Edge, gone map[*Transaction]bool) []*Edge {
	came := make(map[*Transaction]*Edge)
	queue := []*Transaction{from}
	for len(queue) > 0 {
		t := queue[0]
		queue = queue[1:]
		for _, e := range out[t] {
			if gone[e.To] || came[e.To] != nil {
				continue
			}
			came[e.To] = e
			if e.To != from {
				queue = append(queue, e.To)
				continue
			}
			var way []*Edge
			for at := e; ; at = came[at.From] {
				way = append(way, at)
				if at.From == from {
					slices.Reverse(way)
					return way
				}
			}
		}
	}
	return nil
}

// again finds a circle in what a later look has seen: every wait has gone on since, and
// the victim is the same. It is nil when anything has changed.
func (c *Circle) again(later *Graph) *Circle {
	known := make(map[string]*Edge, len(later.Edges))
	for _, e := range later.Edges {
		known[e.ident()] = e
	}
	now := &Circle{}
	for _, e := range c.Edges {
		same := known[e.ident()]
		if same == nil {
			return nil
		}
		now.Edges = append(now.Edges, same)
	}
	list := now.members()
	now.Victim = slices.MinFunc(list, younger(list))
	if now.Victim.ident != c.Victim.ident {
		return nil
	}
	return now
}

// waits are all waits of the circle's victim: each keeps it from failing everywhere.
func (c *Circle) waits(g *Graph) []*Edge {
	var list []*Edge
	for _, e := range g.Edges {
		same := func(o *Edge) bool { return o.View == e.View && o.Wait == e.Wait }
		if e.From == c.Victim && e.Wait.Since != "" && !slices.ContainsFunc(list, same) {
			list = append(list, e)
		}
	}
	return list
}
