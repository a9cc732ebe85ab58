package main

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/xapg/xapg/xadriver"
)

// counts is what a child tells, as far as it has not told it yet, and what the parent
// adds up.
type counts struct {
	Sums     int64            `json:"sums,omitempty"`
	Fresh    int64            `json:"fresh,omitempty"`    // sums of balances that were others than the reader's last ones
	Fracture int64            `json:"fracture,omitempty"` // sums that were wrong
	Effect   int64            `json:"effect,omitempty"`   // sums that saw an effect without its cause
	Lowest   int64            `json:"lowest,omitempty"`   // of the totals
	Highest  int64            `json:"highest,omitempty"`
	Times    map[int]int64    `json:"times,omitempty"` // how long sums took, by bucket
	Shapes   map[string]int64 `json:"shapes,omitempty"`
	Moves    map[string]int64 `json:"moves,omitempty"`  // transfers and steps of chains, by kind
	Failed   map[string]int64 `json:"failed,omitempty"` // sums and transfers, by reason
	Evidence []string         `json:"evidence,omitempty"`
	Dying    string           `json:"dying,omitempty"` // at which point of a commit, as ordered
}

// tally is counts that are added to concurrently.
type tally struct {
	mu sync.Mutex
	counts
}

func add[K comparable](to *map[K]int64, key K, n int64) {
	if *to == nil {
		*to = make(map[K]int64)
	}
	(*to)[key] += n
}

// mostEvidence bounds what is kept of what is wrong.
const mostEvidence = 20

// plus adds what a child has told.
func (t *tally) plus(c counts) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if c.Sums > 0 {
		t.span(c.Lowest, c.Highest)
	}
	t.Sums, t.Fresh, t.Fracture, t.Effect = t.Sums+c.Sums, t.Fresh+c.Fresh, t.Fracture+c.Fracture, t.Effect+c.Effect
	for k, n := range c.Times {
		add(&t.Times, k, n)
	}
	for k, n := range c.Shapes {
		add(&t.Shapes, k, n)
	}
	for k, n := range c.Moves {
		add(&t.Moves, k, n)
	}
	for k, n := range c.Failed {
		add(&t.Failed, k, n)
	}
	t.Evidence = append(t.Evidence, c.Evidence[:min(len(c.Evidence), max(0, mostEvidence-len(t.Evidence)))]...)
}

func (t *tally) span(lowest, highest int64) {
	if t.Sums == 0 {
		t.Lowest, t.Highest = lowest, highest
	}
	t.Lowest, t.Highest = min(t.Lowest, lowest), max(t.Highest, highest)
}

// take is what has been counted since it was last taken.
func (t *tally) take() counts {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.counts
	t.counts = counts{}
	return c
}

func (t *tally) moved(kind string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	add(&t.Moves, kind, 1)
}

func (t *tally) failed(what string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	add(&t.Failed, what+": "+reason(err), 1)
}

// reason sorts errors into kinds.
func reason(err error) string {
	var doubt *xadriver.InDoubtError
	var coded interface{ SQLState() string }
	switch {
	case errors.As(err, &doubt):
		return "in doubt"
	case errors.As(err, &coded) && coded.SQLState() != "":
		text := err.Error()
		return coded.SQLState() + " " + text[:min(len(text), 60)]
	}
	text := err.Error()
	for _, broken := range []string{"connection refused", "reset by peer", "unexpected EOF", "broken pipe", "conn closed", "failed to connect", "deadline exceeded"} {
		if strings.Contains(text, broken) {
			return broken
		}
	}
	return text[:min(len(text), 80)]
}

// verdict says what is wrong with consistent sums.
func (t *tally) verdict(wanted int64) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.Fracture > 0 || t.Effect > 0:
		return fmt.Errorf("%d sums were fractured, %d saw an effect without its cause", t.Fracture, t.Effect)
	case t.Sums < wanted:
		return fmt.Errorf("%d sums were taken, and %d were wanted", t.Sums, wanted)
	}
	return nil
}

// perOctave is how finely times are told apart.
const perOctave = 8

func bucket(d time.Duration) int {
	return int(math.Floor(math.Log2(max(1, float64(d.Microseconds()))) * perOctave))
}

// quantile is the upper end of the bucket in which the quantile lies.
func quantile(times map[int]int64, q float64) time.Duration {
	var all, below int64
	for _, n := range times {
		all += n
	}
	for _, b := range slices.Sorted(maps.Keys(times)) {
		if below += times[b]; float64(below) >= q*float64(all) {
			return time.Duration(math.Exp2(float64(b+1)/perOctave) * float64(time.Microsecond)).Round(10 * time.Microsecond)
		}
	}
	return 0
}
