package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// The histories of lists are judged as Elle does (K. Kingsbury and P. Alvaro, "Elle:
// Inferring Isolation Anomalies from Experimental Observations", VLDB 2020): a list's
// end tells in which order its writers came, each read tells after whom the reader
// came, and a cycle of such orders is an anomaly in the terms of A. Adya.
//
// What is promised, and so what is checked:
//
//   - Nothing that was rolled back is ever read (G1a), no list loses or repeats what
//     was appended, every read is a beginning of the list, and there is no cycle of
//     writes (G0) or of writes and reads (G1c): that is READ COMMITTED, over all shards.
//   - Transactions that lock every row they read (FOR UPDATE, FOR SHARE) hold their
//     locks on all shards until all of them have committed: two-phase locking, which
//     makes them serializable, in real time. So among those there is no cycle at all,
//     even with the order in which the application was told and began (G2).
//
// Readers without locks may see one half of a commit that is just being carried out:
// they take no part in the second.

// dependency is the reason why one transaction comes before another.
type dependency uint8

const (
	ww dependency = 1 << iota // the other has appended next
	wr                        // the other has read what the one appended
	rw                        // the other has appended what the one has not read
	rt                        // the one had ended before the other began
)

func (d dependency) String() string {
	return map[dependency]string{ww: "ww", wr: "wr", rw: "rw", rt: "rt"}[d]
}

// edge leads from one node to another.
type edge struct {
	to  int
	why dependency
	key string
}

// graph has transactions as nodes, and after them moments.
type graph struct {
	txns  []*txn
	edges [][]edge
}

func (g *graph) add(from, to int, why dependency, key string) {
	if from != to {
		g.edges[from] = append(g.edges[from], edge{to, why, key})
	}
}

// checkLists judges the lists; in tells whether a transaction is committed.
func checkLists(txns []*txn, lists map[string][]int64, in func(*txn) bool) (bad []violation) {
	l := &listCheck{lists: lists, in: in, by: make(map[int64]int), place: make(map[string]map[int64]int)}
	for _, t := range txns {
		if t.Kind == kindLists || t.Kind == kindReader {
			l.by[t.ID] = len(l.txns)
			l.txns = append(l.txns, t)
		}
	}
	l.edges = make([][]edge, len(l.txns))
	l.ends()
	for i, t := range l.txns {
		l.appends(t)
		l.reads(i, t)
	}
	if len(l.bad) > 0 {
		return l.bad // the orders mean nothing then
	}
	l.realTime()
	for _, c := range []struct {
		name string
		with dependency
	}{{"G0", ww}, {"G1c", ww | wr}, {"G2", ww | wr | rw}, {"G2 in real time", ww | wr | rw | rt}} {
		if cycle := l.cycle(c.with); cycle != "" {
			return append(l.bad, violation{vCycle, c.name + ": " + cycle})
		}
	}
	return l.bad
}

type listCheck struct {
	graph
	lists map[string][]int64
	in    func(*txn) bool
	by    map[int64]int            // a transaction's node
	place map[string]map[int64]int // of each number in each list
	bad   []violation
}

func (l *listCheck) say(format string, args ...any) {
	l.bad = append(l.bad, violation{vList, fmt.Sprintf(format, args...)})
}

// ends reads the lists' ends: the order of their writers.
func (l *listCheck) ends() {
	for _, key := range slices.Sorted(maps.Keys(l.lists)) {
		place := make(map[int64]int)
		l.place[key] = place
		before := -1
		for i, id := range l.lists[key] {
			if first, twice := place[id]; twice {
				l.say("list %s has %d at %d and at %d", key, id, first, i)
			}
			place[id] = i
			node, known := l.by[id]
			switch {
			case !known:
				l.say("list %s has %d, which nobody appended", key, id)
				continue
			case !l.in(l.txns[node]):
				l.say("list %s has %d of a transaction that is not there (told: %s)", key, id, l.txns[node].Told)
			}
			if before >= 0 {
				l.add(before, node, ww, key)
			}
			before = node
		}
	}
}

// appends checks that a list has what a committed transaction appended.
func (l *listCheck) appends(t *txn) {
	if !l.in(t) {
		return
	}
	for _, key := range t.Appends {
		if _, ok := l.place[key][t.ID]; !ok {
			l.say("list %s has lost %d, which was committed (told: %s)", key, t.ID, t.Told)
		}
	}
}

// reads checks that what a transaction read are beginnings of the lists.
func (l *listCheck) reads(node int, t *txn) {
	if !l.in(t) {
		return
	}
	for _, r := range t.Reads {
		end := l.lists[r.Key]
		if len(r.V) > len(end) || !slices.Equal(r.V, end[:len(r.V)]) {
			l.say("transaction %d read %v of list %s, which is no beginning of %v", t.ID, r.V, r.Key, end)
			continue
		}
		if n := len(r.V); n > 0 {
			if from, ok := l.by[r.V[n-1]]; ok {
				l.add(from, node, wr, r.Key)
			}
		}
		if n := len(r.V); n < len(end) && t.Locked {
			if to, ok := l.by[end[n]]; ok {
				l.add(node, to, rw, r.Key)
			}
		}
	}
}

// realTime adds that who began after another's end comes after him. Moments in
// between keep the number of edges small.
func (l *listCheck) realTime() {
	type moment struct {
		at    int64
		node  int
		begin bool
	}
	var moments []moment
	for i, t := range l.txns {
		if !l.in(t) || !t.Locked {
			continue
		}
		if t.Begin > 0 {
			moments = append(moments, moment{t.Begin, i, true})
		}
		if t.End > 0 && t.Told == committed {
			moments = append(moments, moment{t.End, i, false})
		}
	}
	slices.SortFunc(moments, func(a, b moment) int {
		switch {
		case a.at < b.at:
			return -1
		case a.at > b.at:
			return 1
		case a.begin == b.begin:
			return 0
		case a.begin: // at the same time proves nothing
			return -1
		default:
			return 1
		}
	})
	last := -1
	for _, m := range moments {
		if m.begin {
			if last >= 0 {
				l.add(last, m.node, rt, "")
			}
			continue
		}
		node := len(l.edges)
		l.edges = append(l.edges, nil)
		l.add(m.node, node, rt, "")
		if last >= 0 {
			l.add(last, node, rt, "")
		}
		last = node
	}
}

// cycle is a shortest cycle of the given dependencies, in words; "" if there is none.
func (g *graph) cycle(with dependency) string {
	for _, group := range g.components(with) {
		if len(group) < 2 {
			continue
		}
		path := g.around(group, with)
		var b strings.Builder
		for i, e := range path {
			if from := path[(i+len(path)-1)%len(path)].to; from < len(g.txns) {
				fmt.Fprintf(&b, "%d -%s", g.txns[from].ID, e.why)
				if e.key != "" {
					b.WriteString(" " + e.key)
				}
				b.WriteString("-> ")
			}
		}
		return b.String() + "…"
	}
	return ""
}
