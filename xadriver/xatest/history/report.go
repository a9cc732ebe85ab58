package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/xapg/xapg/xadriver/xatest/history/check"
)

// print says what came of a stage, and each thing that is not allowed with its proof.
func (r *result) print(out io.Writer, verbose bool) {
	fmt.Fprintf(out, "%-14s %6d transactions, %6d committed, %6d operations, %5d audits, %v; judged in %s; not allowed: %d\n",
		r.cell, len(r.record.txns), r.committed, r.ops, len(r.record.audits), r.crashes, r.judged.Round(time.Millisecond), len(r.bad))
	for _, t := range r.troubles {
		fmt.Fprintf(out, "TROUBLE %s\n", t)
	}
	for _, a := range r.bad {
		fmt.Fprintf(out, "NOT ALLOWED with %s: %s\n", r.cell, a)
	}
	if !verbose {
		return
	}
	for _, shape := range slices.Sorted(maps.Keys(r.record.outcomes)) {
		fmt.Fprintf(out, "    %-10s %v\n", shape, r.record.outcomes[shape])
	}
	for _, text := range slices.SortedFunc(maps.Keys(r.record.errors), func(a, b string) int { return r.record.errors[b] - r.record.errors[a] }) {
		fmt.Fprintf(out, "    %5d times %s\n", r.record.errors[text], text)
	}
	for _, a := range r.found {
		fmt.Fprintf(out, "    %s\n", a)
	}
}

// summary is what was seen in all.
type summary struct {
	cells   []string
	seen    map[string]map[string]int // by cell and anomaly, in how many histories
	stages  map[string]int
	txns    map[string]int
	ops     int
	crashes map[string]int
	bad     int
}

func newSummary() *summary {
	return &summary{seen: make(map[string]map[string]int), stages: make(map[string]int), txns: make(map[string]int), crashes: make(map[string]int)}
}

func (s *summary) add(r *result) {
	name := r.String()
	if s.seen[name] == nil {
		s.cells, s.seen[name] = append(s.cells, name), make(map[string]int)
	}
	s.stages[name]++
	s.txns[name] += r.committed
	s.ops += r.ops
	s.bad += len(r.bad) + len(r.troubles)
	for what, n := range r.crashes {
		s.crashes[what] += n
	}
	for _, a := range r.found {
		where := "within a shard"
		if a.Shard == check.Across {
			where = "across shards"
		}
		s.seen[name][fmt.Sprintf("%s%s, %s", a.Kind, a.Clock, where)] += a.Times
	}
}

func (s *summary) print(out io.Writer) {
	fmt.Fprintf(out, "\nin all %d operations; %v\n", s.ops, s.crashes)
	for _, name := range s.cells {
		fmt.Fprintf(out, "%s: %d histories, %d committed transactions\n", name, s.stages[name], s.txns[name])
		for _, what := range slices.Sorted(maps.Keys(s.seen[name])) {
			fmt.Fprintf(out, "    %6d times %s\n", s.seen[name][what], what)
		}
	}
	fmt.Fprintf(out, "not allowed: %d\n", s.bad)
}
