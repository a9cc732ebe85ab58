package check

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// analysis is one check of one history.
type analysis struct {
	*History
	in     []bool            // by transaction: it is committed, as far as can be seen
	writer map[int64]int     // of each value
	order  map[int64][]int64 // of each list
	place  map[int64]int     // of each value, in its list
	wide   []bool            // by transaction: it wrote on several shards
	home   []int             // the only shard that a transaction touched, or Across
	deps   []dependency
	found  map[finding]*Anomaly
}

type finding struct {
	kind  Kind
	clock Clock
	shard int
}

// note notes an anomaly; of each kind the first witness is kept, or the shorter one.
func (a *analysis) note(k Kind, c Clock, shard int, text string) {
	f := finding{k, c, shard}
	was := a.found[f]
	if was == nil {
		a.found[f] = &Anomaly{Kind: k, Clock: c, Shard: shard, Times: 1, Text: text}
		return
	}
	was.Times++
}

func (a *analysis) seen(k Kind, shard int, format string, args ...any) {
	if was := a.found[finding{k, Timeless, shard}]; was != nil {
		was.Times++ // without the cost of another witness
		return
	}
	a.note(k, Timeless, shard, fmt.Sprintf(format, args...))
}

// Check finds the anomalies of a history, in the order of their kinds.
func Check(h *History) []Anomaly {
	a := &analysis{History: h, writer: make(map[int64]int), found: make(map[finding]*Anomaly)}
	a.index()
	a.orders()
	a.settle()
	a.beginnings()
	a.atomicity()
	if a.sound() {
		a.dependencies()
		a.graphs()
	}
	return slices.SortedFunc(func(yield func(Anomaly) bool) {
		for _, f := range a.found {
			if !yield(*f) {
				return
			}
		}
	}, func(x, y Anomaly) int {
		return cmp.Or(cmp.Compare(x.Kind, y.Kind), cmp.Compare(x.Clock, y.Clock), cmp.Compare(x.Shard, y.Shard))
	})
}

func (a *analysis) index() {
	n := len(a.Txns)
	a.in, a.wide, a.home = make([]bool, n), make([]bool, n), make([]int, n)
	for i := range a.Txns {
		t := &a.Txns[i]
		a.in[i] = t.Outcome == Committed
		a.wide[i] = len(a.shards(t, true)) > 1
		a.home[i] = Across
		if on := a.shards(t, false); len(on) == 1 {
			a.home[i] = on[0]
		}
		for _, o := range t.Ops {
			if !o.Appends() {
				continue
			}
			if _, twice := a.writer[o.Value]; twice {
				panic(fmt.Sprintf("check: the history is no history: %d was appended twice", o.Value))
			}
			a.writer[o.Value] = i
		}
	}
}

// orders finds the order of each list: that of its end, or of the longest read.
func (a *analysis) orders() {
	a.order, a.place = make(map[int64][]int64), make(map[int64]int)
	maps.Copy(a.order, a.Final)
	if a.Final == nil {
		for i := range a.Txns {
			for _, o := range a.Txns[i].Ops {
				if a.in[i] && len(o.List) > len(a.order[o.Key]) {
					a.order[o.Key] = o.List
				}
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(a.order)) {
		for at, v := range a.order[key] {
			if _, twice := a.place[v]; twice {
				a.seen(Repeated, a.Shard[key], "list %d has %d again at %d: %v", key, v, at, around(a.order[key], at))
			}
			a.place[v] = at
			w, known := a.writer[v]
			if !known {
				a.seen(Garbage, a.Shard[key], "list %d has %d, which nobody appended", key, v)
				continue
			}
			if !slices.ContainsFunc(a.Txns[w].Ops, func(o Op) bool { return o.Value == v && o.Key == key }) {
				a.seen(Garbage, a.Shard[key], "list %d has %d, which %s appended to another list", key, v, a.name(w))
			}
		}
	}
}

// beginnings checks that all reads are beginnings of their lists' orders.
func (a *analysis) beginnings() {
	for i := range a.Txns {
		if !a.in[i] {
			continue
		}
		for _, o := range a.Txns[i].Ops {
			if !o.Appends() && !a.begins(o) {
				a.disagrees(i, o)
			}
		}
	}
}

// begins reports whether a read is a beginning of its list's order.
func (a *analysis) begins(o Op) bool {
	order := a.order[o.Key]
	return len(o.List) <= len(order) && slices.Equal(o.List, order[:len(o.List)])
}

// disagrees says what is wrong with a read that is no beginning of its list's order.
func (a *analysis) disagrees(i int, o Op) {
	sorted := slices.Sorted(slices.Values(o.List))
	for at, v := range sorted {
		if at > 0 && sorted[at-1] == v {
			a.seen(Repeated, a.Shard[o.Key], "%s read %d twice in list %d: %v", a.name(i), v, o.Key, o.List)
			return
		}
	}
	for _, v := range o.List {
		w, known := a.writer[v]
		switch {
		case !known:
			a.seen(Garbage, a.Shard[o.Key], "%s read %d in list %d, which nobody appended", a.name(i), v, o.Key)
			return
		case a.Txns[w].Outcome == Aborted:
			a.seen(G1a, a.Shard[o.Key], "%s read %d in list %d, which %s appended; that one was rolled back", a.name(i), v, o.Key, a.name(w))
			return
		}
	}
	a.seen(Disagreement, a.Shard[o.Key], "%s read list %d as %v, and its order is %v", a.name(i), o.Key, o.List, around(a.order[o.Key], len(o.List)))
}

// sound reports whether the lists' orders mean anything.
func (a *analysis) sound() bool {
	for f := range a.found {
		if f.kind == Garbage || f.kind == Repeated || f.kind == Disagreement {
			return false
		}
	}
	return true
}

// settle finds out what became of transactions whose outcome nobody was told.
func (a *analysis) settle() {
	for i := range a.Txns {
		if a.Txns[i].Outcome != Maybe {
			continue
		}
		for _, o := range a.Txns[i].Ops {
			if _, there := a.place[o.Value]; there && o.Appends() {
				a.in[i] = true
			}
		}
	}
}

// atomicity compares transactions with the lists at the end.
func (a *analysis) atomicity() {
	for i := range a.Txns {
		t := &a.Txns[i]
		var there, missing []Op
		for _, o := range t.Ops {
			if !o.Appends() {
				continue
			}
			if _, ok := a.place[o.Value]; ok {
				there = append(there, o)
			} else {
				missing = append(missing, o)
			}
		}
		switch {
		case t.Outcome == Aborted && len(there) > 0:
			a.seen(G1a, a.Shard[there[0].Key], "%s was rolled back, and %d is in list %d", a.name(i), there[0].Value, there[0].Key)
		case a.Final == nil || len(missing) == 0:
		case len(there) > 0:
			shard := a.Shard[there[0].Key]
			if shard != a.Shard[missing[0].Key] {
				shard = Across
			}
			a.seen(Half, shard, "of %s (%s), %d is in list %d, and %d is not in list %d", a.name(i), t.Outcome, there[0].Value, there[0].Key, missing[0].Value, missing[0].Key)
		case t.Outcome == Committed:
			a.seen(Lost, a.Shard[missing[0].Key], "%s is committed, and %d is not in list %d", a.name(i), missing[0].Value, missing[0].Key)
		}
	}
}

func (a *analysis) name(i int) string { return fmt.Sprint("T", a.Txns[i].ID) }

// around is the part of a list around a place, so that witnesses stay readable.
func around(list []int64, at int) []int64 {
	const most = 6
	return list[max(0, min(at, len(list))-most):min(len(list), at+most)]
}
