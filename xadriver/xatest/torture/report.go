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

// report counts what happens. It is safe for concurrent use.
type report struct {
	out   io.Writer
	began time.Time

	mu         sync.Mutex
	stage      string
	stages     int
	starts     map[string]int
	crashes    map[string]int            // by who
	points     map[string]map[string]int // by who and where
	sleeps     map[string]int
	faults     map[string]int
	skipped    map[string]int
	outcomes   map[string]map[told]int // by kind
	failures   map[string]int
	reasons    map[string]int
	violations []violation
	withBackup timings
	atStart    timings
	inChaos    timings
	reads      int
	checks     int
}

func newReport(out io.Writer) *report {
	return &report{out: out, began: time.Now(), starts: make(map[string]int), crashes: make(map[string]int), points: make(map[string]map[string]int),
		sleeps: make(map[string]int), faults: make(map[string]int), skipped: make(map[string]int), outcomes: make(map[string]map[told]int), failures: make(map[string]int), reasons: make(map[string]int)}
}

func (r *report) log(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintf(r.out, format+"\n", args...)
}

func (r *report) count(in *map[string]int, what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	(*in)[what]++
}

func (r *report) enter(stage string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stage = stage
	r.stages++
}

// crashed counts a kill -9 or an immediate stop.
func (r *report) crashed(who, where string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.crashes[who]++
	if r.points[who] == nil {
		r.points[who] = make(map[string]int)
	}
	r.points[who][where]++
}

func (r *report) crashCount() (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.crashes {
		n += c
	}
	return n
}

func (r *report) failedStart(why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	why, _, _ = strings.Cut(why, "\n")
	r.failures[why[:min(len(why), 150)]]++
}

func (r *report) told(t *txn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tell(t.Kind, t.Told)
	if t.Why != "" {
		r.reasons[t.Why]++
	}
}

func (r *report) tell(kind string, what told) {
	if r.outcomes[kind] == nil {
		r.outcomes[kind] = make(map[told]int)
	}
	r.outcomes[kind][what]++
}

// checked counts what was not told, and what was judged.
func (r *report) checked(txns []*txn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.checks++
	for _, t := range txns {
		if t.Told == untold {
			r.tell(t.Kind, untold)
		}
		r.reads += len(t.Reads)
	}
}

func (r *report) violate(what, format string, args ...any) {
	r.violated(violation{what, fmt.Sprintf(format, args...)})
}

func (r *report) violated(v violation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.violations = append(r.violations, v)
	const most = 40
	if len(r.violations) <= most {
		fmt.Fprintf(r.out, "VIOLATION %s\n", v)
	}
}

func (r *report) violationsOf(what string) (list []violation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, v := range r.violations {
		if what == "" || v.What == what {
			list = append(list, v)
		}
	}
	return list
}

// toldCount is how many transactions have ended.
func (r *report) toldCount() (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range r.outcomes {
		for _, k := range m {
			n += k
		}
	}
	return n
}

// progress is one line.
func (r *report) progress() string {
	n := r.crashCount()
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make(map[told]int)
	for _, m := range r.outcomes {
		for what, n := range m {
			all[what] += n
		}
	}
	faults := 0
	for _, n := range r.faults {
		faults += n
	}
	return fmt.Sprintf("%6s  stage %d (%s)  %d crashes, %d faults  committed %d, rolled back %d, in doubt %d  violations %d",
		time.Since(r.began).Round(time.Second), r.stages, r.stage, n, faults, all[committed], all[rolledBack], all[inDoubt], len(r.violations))
}

// finished notes how long something stayed prepared after its coordinator's death.
func (r *report) finished(in *timings, l leftover, took time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	point := l.by.fate().point
	if point == "" {
		point = "at any moment"
	}
	in.add(plain(point), took, l.age)
}

// sorted are a map's keys, the most frequent first.
func sorted(m map[string]int) []string {
	return slices.SortedFunc(maps.Keys(m), func(a, b string) int {
		if m[a] != m[b] {
			return m[b] - m[a]
		}
		return strings.Compare(a, b)
	})
}
