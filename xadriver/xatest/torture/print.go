package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// print prints the whole report.
func (r *report) print(t *torture) {
	n := r.crashCount()
	r.mu.Lock()
	defer r.mu.Unlock()
	w := r.out
	took := time.Since(r.began)
	fmt.Fprintf(w, "\n== Report (seed %d, %s, %d stages, %d checked)\n", t.seed, took.Round(time.Second), r.stages, r.checks)
	fmt.Fprintf(w, "\nCrashes: %d (%.1f per second)\n", n, float64(n)/took.Seconds())
	for _, who := range sorted(r.crashes) {
		fmt.Fprintf(w, "  %-12s %5d\n", who, r.crashes[who])
		for _, where := range sorted(r.points[who]) {
			fmt.Fprintf(w, "    %-20s %5d\n", where, r.points[who][where])
		}
	}
	r.printCounts("Faults that met somebody (kills and stops are counted above, too)", r.faults)
	r.printCounts("Applications that froze at a point, and woke up later", r.sleeps)
	r.printCounts("Faults left out because the one before was not over, or nobody was there", r.skipped)
	r.printCounts("Processes started", r.starts)
	r.printCounts("Processes that could not start or go on while something was broken", r.failures)

	fmt.Fprintf(w, "\nTransactions %28s %11s %9s %8s\n", committed, rolledBack, inDoubt, untold)
	sum := make(map[told]int)
	for _, kind := range slices.Sorted(maps.Keys(r.outcomes)) {
		m := r.outcomes[kind]
		fmt.Fprintf(w, "  %-28s %10d %11d %9d %8d\n", kind, m[committed], m[rolledBack], m[inDoubt], m[untold])
		for what, n := range m {
			sum[what] += n
		}
	}
	fmt.Fprintf(w, "  %-28s %10d %11d %9d %8d\n", "all", sum[committed], sum[rolledBack], sum[inDoubt], sum[untold])
	fmt.Fprintf(w, "  %d reads of lists were judged\n", r.reads)

	r.printCounts("Why transactions did not commit, or were in doubt", r.reasons)
	r.withBackup.print(w, fmt.Sprintf("Prepared transactions of killed applications, one backup alive (resolve_after %s, limit %s): gone after the kill", t.resolveAfter, t.resolveAfter+slack))
	r.atStart.print(w, fmt.Sprintf("Prepared transactions of killed applications, nobody alive (limit %s): gone after the next start", slack))
	r.inChaos.print(w, "Prepared transactions of killed applications while everything happened at once (no limit: servers were down, too): gone after the kill")

	fmt.Fprintf(w, "\nViolations: %d\n", len(r.violations))
	by := make(map[string]int)
	for _, v := range r.violations {
		by[v.What]++
	}
	for _, what := range sorted(by) {
		fmt.Fprintf(w, "  %-28s %5d\n", what, by[what])
	}
}

func (r *report) printCounts(title string, counts map[string]int) {
	if len(counts) == 0 {
		return
	}
	fmt.Fprintf(r.out, "\n%s\n", title)
	for _, what := range sorted(counts) {
		fmt.Fprintf(r.out, "  %-66s %6d\n", strings.TrimSpace(what), counts[what])
	}
}
