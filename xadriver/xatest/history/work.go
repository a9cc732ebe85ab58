package main

import (
	"cmp"
	"slices"
	"time"

	"github.com/xapg/xapg/xadriver/xatest/history/check"
)

// work is what one transaction does.
type work struct {
	shape    string
	auto     bool // it is one statement, outside of a block
	readOnly bool
	changes  bool   // it is rolled back at its end
	shard    string // to which it is confined from its beginning
	ops      []op
	transfer []int64 // from whom, and to whom
	audit    bool
	next     func() *work // what the same client does next
}

// op is an operation, and where.
type op struct {
	check.Op
	place
}

// place is where a list lives.
type place struct {
	shard int
	slot  int64
}

// listsOf separates the shards' lists in a history.
const listsOf = 1_000_000_000

func (p place) key() int64 { return int64(p.shard)*listsOf + p.slot }

const (
	placesPerShard = 3  // lists in use on each shard at a time, few so that transactions meet
	longList       = 24 // lists are left behind when they have become so long
)

// list draws a list of a shard.
func (c *client) list(shard int) place {
	at := c.r.IntN(placesPerShard)
	return place{shard, int64(c.grown[shard*placesPerShard+at]*placesPerShard + at)}
}

// outgrown leaves a list behind when it has become long.
func (c *client) outgrown(p place, length int) {
	at := p.shard*placesPerShard + int(p.slot%placesPerShard)
	if length >= longList {
		c.grown[at] = max(c.grown[at], int(p.slot/placesPerShard)+1)
	}
}

func (c *client) read(p place, statement int) op {
	return op{check.Op{Key: p.key(), Statement: statement}, p}
}

// find is a read of all lists like one.
func (c *client) find(p place, statement int) op {
	return op{check.Op{Key: p.key(), Statement: statement, Predicate: true}, p}
}

func (c *client) append(p place, statement int) op {
	return op{check.Op{Key: p.key(), Statement: statement, Value: 1}, p} // the value is given when it runs
}

// draw makes the next transaction.
func (c *client) draw() *work {
	n := c.r.IntN(100)
	var w *work
	switch {
	case !c.spans() && n < 75, n < 15:
		w = c.oneShard()
	case !c.spans():
		w = c.audit()
	case n < 38:
		w = c.mixed()
	case n < 53:
		w = c.marker()
	case n < 72:
		w = c.probe()
	case n < 78:
		w = c.skew()
	case n < 82:
		w = c.gap()
	case n < 88:
		w = c.cause()
	case n < 95:
		w = c.move()
	default:
		w = c.audit()
	}
	w.changes = !w.auto && !w.readOnly && c.r.IntN(20) == 0
	return w
}

// mixed reads and appends here and there. Most write in one order, so that they wait for
// each other rather than fall into deadlocks.
func (c *client) mixed() *work {
	w := &work{shape: "mixed"}
	for i := range 2 + c.r.IntN(4) {
		p := c.list(c.r.IntN(len(c.Shards)))
		if c.r.IntN(2) == 0 {
			w.ops = append(w.ops, c.append(p, i+1))
		} else {
			w.ops = append(w.ops, c.read(p, i+1))
		}
	}
	if c.r.IntN(30) > 0 {
		slices.SortStableFunc(w.ops, func(a, b op) int { return cmp.Compare(a.Key, b.Key) })
	}
	number(w.ops)
	return w
}

// blind reports whether a statement that only appends may stand alone, and so be one of
// READ COMMITTED: it reads nothing, so that no higher level would make a difference, but
// among serializable transactions, which promise something to each other only.
func (c *client) blind() bool { return c.Level != check.Serializable }

// number gives each operation a statement of its own.
func number(ops []op) {
	for i := range ops {
		ops[i].Statement = i + 1
	}
}

// marker leaves a mark on two shards or all: as a transaction, now and then with a second
// one on the same list, or as one statement.
func (c *client) marker() *work {
	w := &work{shape: "marker", auto: c.blind() && c.r.IntN(3) == 0}
	on := c.r.Perm(len(c.Shards))[:2+c.r.IntN(len(c.Shards)-1)]
	slices.Sort(on)
	for _, shard := range on {
		p := c.list(shard)
		w.ops = append(w.ops, c.append(p, 1))
		if !w.auto && c.r.IntN(6) == 0 {
			w.ops = append(w.ops, c.append(p, 1))
		}
	}
	if !w.auto {
		number(w.ops)
	}
	return w
}

// probe reads lists of all shards: by one statement, or by one for each.
func (c *client) probe() *work {
	w := &work{shape: "probe", readOnly: c.r.IntN(2) == 0, auto: c.Level == check.ReadCommitted && c.r.IntN(2) == 0}
	for _, shard := range c.r.Perm(len(c.Shards)) {
		for range 1 + c.r.IntN(2) {
			w.ops = append(w.ops, c.read(c.list(shard), 1))
		}
	}
	if !w.auto && c.r.IntN(2) == 0 {
		w.shape = "probes"
		number(w.ops)
	}
	return w
}

// skew reads two lists on different shards and appends to one of them.
func (c *client) skew() *work {
	on := c.r.Perm(len(c.Shards))[:2]
	a, b := c.list(on[0]), c.list(on[1])
	return &work{shape: "skew", ops: []op{c.read(a, 1), c.read(b, 2), c.append(b, 3)}}
}

// gap looks on all shards for lists of a kind of which there may be none yet, and begins
// one, or appends to what has come about meanwhile. Others do the same at that time.
func (c *client) gap() *work {
	const while, kinds = int64(30 * time.Millisecond), 100_000_000
	slot := listsOf/2 + monotonic()/while%kinds
	w := &work{shape: "gap", readOnly: c.r.IntN(4) == 0}
	for shard := range c.Shards {
		w.ops = append(w.ops, c.find(place{shard, slot}, 1))
	}
	if !w.readOnly {
		w.ops = append(w.ops, c.append(place{c.r.IntN(len(c.Shards)), slot}, 2))
	}
	return w
}

// oneShard reads and appends on one shard, and so is committed in one phase. Some are
// confined to it from their beginning.
func (c *client) oneShard() *work {
	shard := c.r.IntN(len(c.Shards))
	w := &work{shape: "single"}
	if c.r.IntN(3) == 0 {
		w.shape, w.shard = "confined", c.Shards[shard]
	}
	for i := range 1 + c.r.IntN(3) {
		if p := c.list(shard); c.r.IntN(2) == 0 {
			w.ops = append(w.ops, c.append(p, i+1))
		} else {
			w.ops = append(w.ops, c.read(p, i+1))
		}
	}
	w.auto = len(w.ops) == 1 && w.shard == "" && (c.Level == check.ReadCommitted || w.ops[0].Value != 0 && c.blind())
	return w
}

// cause looks at a list on one shard, and because of what it has seen appends to one on
// another.
func (c *client) cause() *work {
	on := c.r.Perm(len(c.Shards))[:2]
	auto := c.Level == check.ReadCommitted
	w := &work{shape: "look", auto: auto, readOnly: true, ops: []op{c.read(c.list(on[0]), 1)}}
	w.next = func() *work {
		return &work{shape: "effect", auto: c.blind() && c.r.IntN(2) == 0, ops: []op{c.append(c.list(on[1]), 1)}}
	}
	return w
}

// move moves money between two accounts.
func (c *client) move() *work {
	w := &work{shape: "transfer"}
	for _, shard := range []int{c.r.IntN(len(c.Owners)), c.r.IntN(len(c.Owners))} {
		w.transfer = append(w.transfer, c.Owners[shard][c.r.IntN(len(c.Owners[shard]))])
	}
	slices.Sort(w.transfer)
	return w
}

// audit reads all accounts: by one statement, or, where a transaction has one snapshot,
// by several.
func (c *client) audit() *work {
	if !c.spans() {
		return c.oneShard()
	}
	return &work{shape: "audit", audit: true, readOnly: true, auto: c.Level == check.ReadCommitted && c.r.IntN(2) == 0}
}
