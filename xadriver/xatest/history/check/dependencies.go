package check

import "slices"

// reason is why one comes before another.
type reason uint8

const (
	ww    reason = 1 << iota // the other has appended next
	wr                       // the other has read what the one appended
	rw                       // the other has appended what the one has not read
	own                      // both are parts of one transaction, in this order
	clock                    // the one had ended before the other began
	gap                      // of an arc: rw, where what came later had been looked for by a predicate
)

// dependency is an order of two transactions, and what shows it.
type dependency struct {
	from, to  int
	why       reason
	key       int64
	statement int   // of the reader
	value     int64 // that shows it
	narrow    bool  // the reader had a snapshot of one shard only
	alone     bool  // the reading statement had, whatever its transaction had
	phantom   bool  // rw, and the arc between whole transactions is a gap
}

// dependencies finds them all, and on the way what a single transaction shows.
func (a *analysis) dependencies() {
	for key, order := range a.order {
		for at := 1; at < len(order); at++ {
			from, to := a.writer[order[at-1]], a.writer[order[at]]
			if from != to && a.in[from] && a.in[to] {
				a.deps = append(a.deps, dependency{from: from, to: to, why: ww, key: key, value: order[at]})
			}
		}
	}
	// In a fixed order, so that the same history gives the same witnesses.
	slices.SortFunc(a.deps, func(x, y dependency) int { return int(x.value - y.value) })
	for i := range a.Txns {
		if a.in[i] {
			a.transaction(i)
		}
	}
}

// view is what one statement of a transaction saw of one list, without what the
// transaction appended itself.
type view struct {
	key       int64
	length    int
	statement int
}

// transaction looks at the reads of one transaction.
func (a *analysis) transaction(i int) {
	t := &a.Txns[i]
	mine := make(map[int64][]int64) // what it has appended, by list
	seenLong := make(map[int64]int) // the shortest list that it has read before it appended
	var views []view
	shardOf := make(map[int]int) // the shard of each statement, or Across
	for _, o := range t.Ops {
		if was, ok := shardOf[o.Statement]; !ok {
			shardOf[o.Statement] = a.Shard[o.Key]
		} else if was != a.Shard[o.Key] {
			shardOf[o.Statement] = Across
		}
	}
	for _, o := range t.Ops {
		if o.Appends() {
			a.update(i, o, mine, seenLong)
			continue
		}
		length := len(o.List) - len(mine[o.Key])
		if length < 0 || !slices.Equal(o.List[length:], mine[o.Key]) {
			a.seen(Internal, a.Shard[o.Key], "%s has appended %v to list %d, and reads %v", a.name(i), mine[o.Key], o.Key, o.List)
			continue
		}
		if length > 0 && a.writer[o.List[length-1]] == i {
			a.seen(Internal, a.Shard[o.Key], "%s reads %d in list %d, which it has not appended yet", a.name(i), o.List[length-1], o.Key)
			continue
		}
		if was, ok := seenLong[o.Key]; !ok || length < was {
			seenLong[o.Key] = length
		}
		views = append(views, view{o.Key, length, o.Statement})
		a.read(i, o, length, len(mine[o.Key]) > 0, shardOf[o.Statement] != Across)
	}
	if len(views) > 1 {
		a.fractures(i, views)
	}
}

// update looks at an append: it is a lost update where another came in between.
func (a *analysis) update(i int, o Op, mine map[int64][]int64, read map[int64]int) {
	at, there := a.place[o.Value]
	if length, ok := read[o.Key]; there && ok && len(mine[o.Key]) == 0 && at > length {
		a.seen(LostUpdate, a.Shard[o.Key], "%s read %d values of list %d, and %s appended %d before %s appended %d", a.name(i), length, o.Key,
			a.name(a.writer[a.order[o.Key][length]]), a.order[o.Key][length], a.name(i), o.Value)
	}
	mine[o.Key] = append(mine[o.Key], o.Value)
}

// read notes what a read shows: after whom the reader came, and before whom.
func (a *analysis) read(i int, o Op, length int, appended, alone bool) {
	d := dependency{key: o.Key, statement: o.Statement, narrow: a.Txns[i].Confined, alone: alone}
	if length > 0 {
		d.from, d.to, d.why, d.value = a.writer[o.List[length-1]], i, wr, o.List[length-1]
		if a.Txns[d.from].Outcome == Aborted {
			a.seen(G1a, a.Shard[o.Key], "%s read %d in list %d, which %s appended; that one was rolled back", a.name(i), d.value, o.Key, a.name(d.from))
		}
		if last := a.last(d.from, o.Key); d.from != i && last != d.value {
			if at, there := a.place[last]; !there || at >= length {
				a.seen(G1b, a.Shard[o.Key], "%s read %d in list %d, after which %s appended %d", a.name(i), d.value, o.Key, a.name(d.from), last)
			}
		}
		if d.from != i && a.in[d.from] {
			a.deps = append(a.deps, d)
		}
	}
	if order := a.order[o.Key]; length < len(order) && !appended {
		d.from, d.to, d.why, d.value = i, a.writer[order[length]], rw, order[length]
		d.phantom = o.Predicate && length == 0
		if d.to != i && a.in[d.to] {
			a.deps = append(a.deps, d)
		}
	}
}

// last is what a transaction appended last to a list.
func (a *analysis) last(i int, key int64) (v int64) {
	for _, o := range a.Txns[i].Ops {
		if o.Appends() && o.Key == key {
			v = o.Value
		}
	}
	return v
}

// fractures finds transactions of which one part was seen and another was not.
func (a *analysis) fractures(i int, views []view) {
	for _, saw := range views {
		order := a.order[saw.key]
		for _, v := range order[:saw.length] {
			w := a.writer[v]
			if w == i || len(a.Txns[w].Ops) < 2 {
				continue
			}
			for _, o := range a.Txns[w].Ops {
				if o.Appends() && o.Key != saw.key {
					a.fracture(i, w, saw, v, o, views)
				}
			}
		}
	}
}

func (a *analysis) fracture(i, w int, saw view, v int64, o Op, views []view) {
	at, there := a.place[o.Value]
	if !there {
		return // that is something else, and told as such
	}
	for _, missed := range views {
		if missed.key != o.Key || missed.length > at {
			continue
		}
		kind, shard := Fractured, a.Shard[saw.key]
		switch {
		case missed.statement == saw.statement:
			kind = SplitStatement
		case missed.statement > saw.statement:
			kind = Backwards
		}
		if shard != a.Shard[o.Key] {
			shard = Across
		}
		a.seen(kind, shard, "%s read %d of %s in list %d (shard %d, statement %d) and not its %d in list %d (shard %d, statement %d)", a.name(i), v, a.name(w), saw.key, a.Shard[saw.key], saw.statement,
			o.Value, o.Key, a.Shard[o.Key], missed.statement)
	}
}
