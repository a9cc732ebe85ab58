package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// ring is a circle of transactions: member i has things[i] and wants things[i+1].
type ring struct {
	no      int
	lane    int
	shards  []int // on which its things are
	things  []thing
	process []int           // by member, whose transaction it is
	delay   []time.Duration // by member, how long after all have theirs it asks for its neighbour's
	order   []int           // in which members begin, one after the other; nil for all at once
	local   bool            // all wait on one shard, whose server sees the circle itself
}

// mostMembers of a ring.
const mostMembers = 8

// late is who asks for his neighbour's thing after that time.
const late = 20 * time.Millisecond

// boardsPerLane is how many tables a lane has for things that are tables.
const boardsPerLane = 2

// next is the member whose thing a member wants.
func (r *ring) next(i int) int { return (i + 1) % len(r.things) }

// drawRing draws a ring. Its rows are those of the lane.
func drawRing(o *options, no, lane int, patience time.Duration, names []string, ids [][]int64) *ring {
	d := rand.New(rand.NewPCG(o.seed, 1000+uint64(no)))
	g := &ring{no: no, lane: lane}
	members := 2 + d.IntN(mostMembers-1)
	g.shards = d.Perm(len(names))[:2+d.IntN(min(members, len(names), mostShards)-1)]
	if o.only == "" && d.IntN(25) == 0 {
		g.shards = g.shards[:1]
	}
	slices.Sort(g.shards)
	boards := 0
	for i := range members {
		t := thing{kind: drawKind(d, o.only), shard: g.shards[i%len(g.shards)]}
		if wide(t.kind) && len(g.shards) == 1 || t.kind.ddl() && boards == boardsPerLane {
			t.kind = updatedRow
		}
		if t.kind.ddl() {
			t.table = board(lane, boards)
			boards++
		}
		t.name = names[t.shard]
		g.things = append(g.things, t)
	}
	// Neighbours on one shard make transactions of a single shard.
	d.Shuffle(members, func(i, j int) { g.things[i], g.things[j] = g.things[j], g.things[i] })
	for i := range g.things {
		g.things[i].id = ids[g.things[i].shard][lane*mostMembers+i]
		g.process = append(g.process, i%o.processes)
		g.delay = append(g.delay, time.Duration(d.Int64N(int64(late))))
	}
	d.Shuffle(members, func(i, j int) { g.process[i], g.process[j] = g.process[j], g.process[i] })
	if d.IntN(4) == 0 { // all others have waited for long when the last one closes the circle
		g.delay[d.IntN(members)] = patience + time.Duration(d.Int64N(int64(patience)))
	}
	if d.IntN(2) == 0 {
		g.order = d.Perm(members)
	}
	g.local = len(g.where()) == 1
	return g
}

// where lists the shards on which members wait.
func (r *ring) where() (list []int) {
	for _, t := range r.things {
		at := t.shard
		if t.kind == reference {
			at = 0 // all write it on home first
		}
		if !slices.Contains(list, at) {
			list = append(list, at)
		}
	}
	return list
}

// drawKind draws rows more often than the rest.
func drawKind(d *rand.Rand, only kind) kind {
	n := d.IntN(2 * len(kinds))
	if only != "" {
		return only
	}
	if n >= len(kinds) {
		return updatedRow
	}
	return kinds[n]
}

func board(lane, n int) string { return fmt.Sprintf("board_%d_%d", lane, n) }

// single counts the members that need one shard only.
func (r *ring) single() (n int) {
	for i := range r.things {
		mine, other := r.things[i], r.things[r.next(i)]
		if mine.shard == other.shard && !wide(mine.kind) && !wide(other.kind) {
			n++
		}
	}
	return n
}

// wide tells the kinds that are on all shards.
func wide(k kind) bool { return k == reference || k.ddl() }

func (r *ring) has(k kind) bool {
	return slices.ContainsFunc(r.things, func(t thing) bool { return t.kind == k })
}

func (r *ring) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "ring %d of %d:", r.no, len(r.things))
	for i, t := range r.things {
		fmt.Fprintf(&b, " %s@%s(%d)", strings.ReplaceAll(string(t.kind), " ", "-"), t.name, r.process[i])
		if r.delay[i] >= late {
			fmt.Fprintf(&b, "+%s", r.delay[i].Round(time.Millisecond))
		}
	}
	return b.String()
}
