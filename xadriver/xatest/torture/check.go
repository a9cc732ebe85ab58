package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// violation is a promise that was not kept.
type violation struct {
	What string // which promise
	Text string
}

func (v violation) String() string { return v.What + ": " + v.Text }

// The promises, as the report names them.
const (
	vHalf     = "not whole"             // on some of its shards
	vLost     = "lost"                  // told committed, and not there
	vReturned = "not rolled back"       // told rolled back, and there
	vStranger = "nobody's"              // there, and nobody wrote it
	vMoney    = "money"                 // the total has changed
	vCounter  = "counters"              // of a set differ, or do not count
	vOrder    = "order"                 // of commits differs between shards
	vList     = "lists"                 // a list lost or repeated something, or was read otherwise
	vCycle    = "cycle"                 // of transactions that read and wrote lists
	vPrepared = "left prepared"         // at the end
	vOpen     = "left open in the log"  // at the end
	vLate     = "locks were held"       // for longer than promised
	vHang     = "hang"                  // a process does not answer
	vBroken   = "a process broke"       // other than by being killed
	vClient   = "an unexpected refusal" // of a statement
)

// state is what the servers and the log hold when all is quiet.
type state struct {
	Traces   []map[int64]int        // by shard: what state each transaction's row is in
	Money    int64                  // by the servers
	Sum      int64                  // the same, by one statement of the driver
	Counters []map[int]int64        // by shard and set
	Ticks    []map[int][]tick       // by shard and set, in order
	Lists    map[string][]int64     // by key
	Prepared []string               // gids, each with its server
	Open     []string               // unfinished records of the log
	Base     map[int]int64          // what each set's counters were before the round
	Total    int64                  // what the money must be
	Names    []string               // of the shards
	writers  map[int64]*txn         // by number
	there    map[int64][]int        // on which shards each transaction is
	outcome  func(t *txn) (in bool) // whether it is committed, as far as can be seen
}

type tick struct{ N, ID int64 }

// check compares what applications were told with what is there.
func check(txns []*txn, s *state) (bad []violation) {
	say := func(what, format string, args ...any) {
		bad = append(bad, violation{what, fmt.Sprintf(format, args...)})
	}
	for _, p := range s.Prepared {
		say(vPrepared, "%s", p)
	}
	for _, o := range s.Open {
		say(vOpen, "%s", o)
	}
	if s.Money != s.Total || s.Sum != s.Total {
		say(vMoney, "the servers have %d and the driver sums up %d; it must be %d", s.Money, s.Sum, s.Total)
	}
	slices.SortFunc(txns, func(a, b *txn) int { return cmp.Compare(a.ID, b.ID) })
	s.index(txns)
	for _, t := range txns {
		s.whole(t, say)
	}
	for id, on := range s.there {
		if s.writers[id] == nil {
			say(vStranger, "transaction %d is on %s", id, s.names(on))
		}
	}
	s.counters(txns, say)
	return append(bad, checkLists(txns, s.Lists, s.outcome)...)
}

func (s *state) index(txns []*txn) {
	s.writers, s.there = make(map[int64]*txn, len(txns)), make(map[int64][]int)
	for _, t := range txns {
		s.writers[t.ID] = t
	}
	for shard, traces := range s.Traces {
		for id := range traces {
			s.there[id] = append(s.there[id], shard)
		}
	}
	s.outcome = func(t *txn) bool {
		if len(t.On) == 0 {
			return t.Told == committed
		}
		return len(s.there[t.ID]) > 0
	}
}

func (s *state) names(on []int) (list []string) {
	for _, shard := range on {
		list = append(list, s.Names[shard])
	}
	return list
}

// whole checks that a transaction is on all of its shards or on none, as told.
func (s *state) whole(t *txn, say func(what, format string, args ...any)) {
	on := s.there[t.ID]
	if len(t.On) == 0 {
		return
	}
	if len(on) != 0 && !slices.Equal(on, t.On) {
		say(vHalf, "%s %d wrote on %s and is on %s (told: %s %s)", t.Kind, t.ID, s.names(t.On), s.names(on), t.Told, t.Err)
	}
	switch {
	case t.Told == committed && len(on) == 0:
		say(vLost, "%s %d on %s was told committed, and is not there", t.Kind, t.ID, s.names(t.On))
	case t.Told == rolledBack && len(on) > 0:
		say(vReturned, "%s %d was told rolled back (%s), and is on %s", t.Kind, t.ID, t.Err, s.names(on))
	}
	if t.Kind != kindRows {
		return
	}
	for _, shard := range on {
		if s.Traces[shard][t.ID] != 1 {
			say(vHalf, "%s %d has inserted its row on %s, and not updated it", t.Kind, t.ID, s.Names[shard])
		}
	}
}

// counters checks that each set's counters are equal on its shards, that they have
// counted every committed transaction, and that all shards committed in one order.
func (s *state) counters(txns []*txn, say func(what, format string, args ...any)) {
	counted := make(map[int]int64)
	for _, t := range txns {
		if t.Kind == kindCounter && s.outcome(t) {
			counted[t.Mask]++
		}
	}
	for _, mask := range slices.Sorted(maps.Keys(s.Base)) {
		first := -1
		for shard := range s.Names {
			if mask&(1<<shard) == 0 {
				continue
			}
			if got, want := s.Counters[shard][mask], s.Base[mask]+counted[mask]; got != want {
				say(vCounter, "set %b on %s has counted to %d; it must be %d", mask, s.Names[shard], got, want)
			}
			if first < 0 {
				first = shard
				continue
			}
			a, b := s.Ticks[first][mask], s.Ticks[shard][mask]
			if i := differ(a, b); i >= 0 {
				say(vOrder, "set %b: %s and %s differ from tick %d of %d and %d: %v, %v", mask, s.Names[first], s.Names[shard], i, len(a), len(b), at(a, i), at(b, i))
			}
		}
	}
}

// differ is where two orders differ, or -1.
func differ(a, b []tick) int {
	for i := range max(len(a), len(b)) {
		if at(a, i) != at(b, i) {
			return i
		}
	}
	return -1
}

func at(list []tick, i int) tick {
	if i < len(list) {
		return list[i]
	}
	return tick{}
}
