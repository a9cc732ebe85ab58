package check

import (
	"maps"
	"slices"

	"math/rand/v2"

	"pgregory.net/rapid"
)

// model is a database of three shards in memory, which carries transactions out as a
// level and a setting promise, and writes their history.
type model struct {
	level   Level
	cuts    bool // snapshots of several shards are of one moment
	now     int64
	lists   map[int64][]stored
	history History
	next    int64
	dice    dice
	lasts   int64 // how many transactions a list lasts
	sure    bool  // nobody is left in doubt
}

// dice draws a number below n.
type dice func(label string, n int) int

func drawn(t *rapid.T) dice {
	return func(label string, n int) int { return rapid.IntRange(0, n-1).Draw(t, label) }
}

func seeded(seed uint64) dice {
	r := rand.New(rand.NewPCG(seed, 0))
	return func(_ string, n int) int { return r.IntN(n) }
}

// stored is a value with the moment since when it is visible where it is, and that of
// its transaction's decision.
type stored struct {
	value            int64
	decided, visible int64
	by               *active
}

// active is a transaction under way.
type active struct {
	txn       Txn
	plan      []Op // what it will do
	at        int
	snapshot  map[int]int64 // by shard; under READ COMMITTED of the last statement
	pending   map[int]bool  // shards on which its end is not visible yet
	decided   int64
	statement int
	failed    bool
}

func newModel(l Level, cuts bool, d dice) *model {
	return &model{level: l, cuts: cuts, dice: d, lasts: 1000, lists: make(map[int64][]stored), history: History{Shard: make(map[int64]int)}}
}

func (m *model) tick() int64 { m.now++; return m.now }

// Lists are few on each shard, so that transactions meet.
const modelKeys = 2

// listsOf is how many lists a shard can have in all.
const listsOf = 1_000_000

// draw makes a transaction out of random numbers.
func (m *model) draw(session int64) *active {
	m.next++
	a := &active{txn: Txn{ID: m.next, Session: session, Begin: m.tick(), Outcome: Maybe}, pending: make(map[int]bool)}
	n := 1 + m.dice("operations", 4)
	statement := 0
	for i := range n {
		shard := m.dice("shard", 3)
		key := int64(shard*listsOf+m.dice("list", modelKeys)) + m.next/m.lasts*modelKeys
		m.history.Shard[key] = shard
		o := Op{Key: key}
		if m.dice("append", 2) == 1 {
			o.Value = a.txn.ID*10 + int64(i)
		} else {
			o.Predicate = m.dice("by a predicate", 2) == 1
		}
		// Reads are joined to the read before them, as one statement, now and then.
		if i == 0 || o.Appends() || a.plan[i-1].Appends() || m.dice("own statement", 2) == 1 {
			statement++
		}
		o.Statement = statement
		a.plan = append(a.plan, o)
	}
	return a
}

// look takes the snapshots that a statement needs.
func (m *model) look(a *active, shard int) int64 {
	if at, ok := a.snapshot[shard]; ok {
		return at
	}
	if a.snapshot == nil {
		a.snapshot = make(map[int]int64)
	}
	at := m.tick()
	if m.cuts {
		for s := range 3 {
			a.snapshot[s] = at
		}
	} else {
		a.snapshot[shard] = at
	}
	return at
}

// sees reports whether a snapshot has a value: with cuts whatever is decided by then,
// else what is visible on its own shard.
func (m *model) sees(s stored, at int64) bool {
	if m.cuts {
		return s.decided > 0 && s.decided <= at
	}
	return s.visible > 0 && s.visible <= at
}

// step does a transaction's next operation. It reports false when it has to wait.
func (m *model) step(a *active) bool {
	o := a.plan[a.at]
	if m.level == ReadCommitted && o.Statement != a.statement {
		a.snapshot = nil
	}
	a.statement = o.Statement
	list := m.lists[o.Key]
	if !o.Appends() {
		at := m.look(a, m.history.Shard[o.Key])
		o.Begin, o.List = at, []int64{}
		for _, s := range list {
			if s.by == a || m.sees(s, at) {
				o.List = append(o.List, s.value)
			}
		}
		o.End = m.tick()
		a.txn.Ops = append(a.txn.Ops, o)
		a.at++
		return true
	}
	at := int64(0)
	if m.level != ReadCommitted {
		at = m.look(a, m.history.Shard[o.Key])
	}
	for _, s := range list {
		switch {
		case s.by == a:
		case s.visible == 0:
			return false // its row is locked, until its end is visible here
		case m.level != ReadCommitted && !m.sees(s, at):
			a.failed = true // somebody has written it since
			return true
		}
	}
	m.lists[o.Key] = append(list, stored{value: o.Value, by: a})
	a.txn.Ops = append(a.txn.Ops, o)
	a.at++
	return true
}

// decide decides a transaction's commit, which is visible on some shards later.
func (m *model) decide(a *active) {
	a.decided = m.tick()
	m.each(a, func(s *stored, shard int) { s.decided, a.pending[shard] = a.decided, true })
}

// show makes a decided transaction visible on a shard, and ends it with the last one.
func (m *model) show(a *active, shard int) {
	at := m.tick()
	m.each(a, func(s *stored, on int) {
		if on == shard {
			s.visible = at
		}
	})
	delete(a.pending, shard)
}

func (m *model) each(a *active, f func(s *stored, shard int)) {
	for _, o := range a.txn.Ops {
		if o.Appends() {
			list := m.lists[o.Key]
			f(&list[slices.IndexFunc(list, func(s stored) bool { return s.value == o.Value })], m.history.Shard[o.Key])
		}
	}
}

// undo rolls a transaction back.
func (m *model) undo(a *active) {
	for _, o := range a.txn.Ops {
		m.lists[o.Key] = slices.DeleteFunc(m.lists[o.Key], func(s stored) bool { return s.by == a })
	}
	a.txn.Ops = nil
	for _, o := range a.plan {
		if o.Appends() {
			a.txn.Ops = append(a.txn.Ops, o)
		}
	}
	a.txn.Outcome = Aborted
}

// end writes the transaction into the history.
func (m *model) end(a *active, o Outcome) {
	a.txn.Outcome, a.txn.End = o, m.tick()
	m.history.Txns = append(m.history.Txns, a.txn)
}

// finish reads the lists when all is over.
func (m *model) finish() *History {
	m.history.Final = make(map[int64][]int64)
	for _, key := range slices.Sorted(maps.Keys(m.lists)) {
		for _, s := range m.lists[key] {
			m.history.Final[key] = append(m.history.Final[key], s.value)
		}
	}
	return &m.history
}
