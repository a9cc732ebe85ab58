package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// violation is a kind of thing that must not happen.
type violation string

const (
	vVictims  violation = "not exactly one victim"
	vLate     violation = "stayed for too long"
	vOther    violation = "a bystander failed"
	vYoungest violation = "not the youngest"
	vDetail   violation = "not told why"
	vData     violation = "rows are not what was committed"
	vBroken   violation = "could not be run"
	vFalse    violation = "a victim without a circle"
	vNoWait   violation = "nobody waited for long"
)

// report is what was seen.
type report struct {
	out     io.Writer
	began   time.Time
	options options

	mu         sync.Mutex
	violations map[violation][]string
	rings      int
	victims    int
	times      map[string][]time.Duration // how long circles stayed, by group
	unwound    []time.Duration            // until all members had ended
	ringsTook  time.Duration
	told       string // what one victim was told
	tally      tally
}

func newReport(out io.Writer, o options) *report {
	return &report{out: out, began: time.Now(), options: o, violations: make(map[violation][]string), times: make(map[string][]time.Duration), tally: tally{Failed: make(map[string]int)}}
}

func (r *report) log(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintf(r.out, "%7.1fs  %s\n", time.Since(r.began).Seconds(), fmt.Sprintf(format, args...))
}

func (r *report) violate(v violation, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	r.log("VIOLATION, %s: %s", v, text)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.violations[v] = append(r.violations[v], text)
}

// violationsOf lists the violations of a kind, or with "" all.
func (r *report) violationsOf(v violation) (list []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for kind, l := range r.violations {
		if v == "" || v == kind {
			list = append(list, l...)
		}
	}
	return list
}

// ended notes how long a ring stayed.
func (r *report) ended(g *ring, victims int, took, unwound time.Duration) {
	if r.options.verbose {
		r.log("%s: %d victims, after %s", g, victims, took.Round(time.Millisecond))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rings++
	r.victims += victims
	if victims != 1 {
		return
	}
	groups := []string{"all", fmt.Sprintf("of %d", len(g.things)), fmt.Sprintf("over %d shards", len(g.shards))}
	if g.local {
		groups[2] = "waiting on 1 shard"
	}
	if g.single() > 0 && !g.local {
		groups = append(groups, "through single-shard transactions")
	}
	for _, k := range kinds {
		if g.has(k) {
			groups = append(groups, "with: "+string(k))
		}
	}
	for _, name := range groups {
		r.times[name] = append(r.times[name], took)
	}
	r.unwound = append(r.unwound, unwound)
}

// example keeps what the first victim was told.
func (r *report) example(g *ring, v *event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.told == "" {
		r.told = fmt.Sprintf("%s\nERROR: %s (%s)\nDETAIL: %s", g, v.Err, v.Code, v.Detail)
	}
}

// queued adds what an application did without a circle.
func (r *report) queued(t *tally) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tally.add(t, t.Failed)
}

// judgeQueues says what is wrong with the transactions without a circle.
func (r *report) judgeQueues() {
	for why, n := range r.tally.Failed {
		kind := vBroken
		if strings.HasPrefix(why, deadlockDetected) || strings.HasPrefix(why, "55P03") {
			kind = vFalse
		}
		r.violate(kind, "%d transactions failed with %s", n, why)
	}
	if r.tally.Waited == 0 && r.options.long > 0 {
		r.violate(vNoWait, "no statement waited for longer than deadlock_timeout: the run shows nothing")
	}
}

func (r *report) print() {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintf(r.out, "\n%d rings in %s, %d victims\n", r.rings, r.ringsTook.Round(time.Millisecond), r.victims)
	if len(r.times) > 0 {
		fmt.Fprintf(r.out, "%-36s %6s %8s %8s %8s %8s %8s\n", "how long a circle stayed", "rings", "least", "median", "90%", "99%", "most")
		names := slices.Sorted(maps.Keys(r.times))
		for _, name := range names {
			fmt.Fprintln(r.out, line(name, r.times[name]))
		}
		fmt.Fprintln(r.out, line("until all members had ended", r.unwound))
	}
	if t := &r.tally; t.Took > 0 {
		fmt.Fprintf(r.out, "\n%d transactions without a circle in %s (%.0f/s): %d kept their locks for long, %d statements waited longer than deadlock_timeout, %s at most; %d failed\n",
			t.Committed, t.Took.Round(time.Millisecond), float64(t.Committed)/t.Took.Seconds(), t.Kept, t.Waited, t.Longest.Round(time.Millisecond), sum(t.Failed))
	}
	if r.told != "" {
		fmt.Fprintf(r.out, "\nwhat a victim was told:\n%s\n", r.told)
	}
	fmt.Fprintf(r.out, "\nseed %d: ", r.options.seed)
	if len(r.violations) == 0 {
		fmt.Fprintln(r.out, "no violations")
		return
	}
	fmt.Fprintln(r.out, "VIOLATIONS")
	for _, v := range slices.Sorted(maps.Keys(r.violations)) {
		fmt.Fprintf(r.out, "  %d: %s\n", len(r.violations[v]), v)
	}
}

func line(name string, times []time.Duration) string {
	sorted := slices.Clone(times)
	slices.Sort(sorted)
	at := func(q float64) string {
		return fmt.Sprintf("%.2fs", sorted[min(len(sorted)-1, int(q*float64(len(sorted))))].Seconds())
	}
	return fmt.Sprintf("%-36s %6d %8s %8s %8s %8s %8s", name, len(sorted), at(0), at(.5), at(.9), at(.99), at(1))
}

func sum(m map[string]int) (n int) {
	for _, v := range m {
		n += v
	}
	return n
}
