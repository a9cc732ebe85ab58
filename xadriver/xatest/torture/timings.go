package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"time"
)

// timings are durations, by the point at which a coordinator died.
type timings struct {
	took map[string][]time.Duration
	ages []time.Duration // by the servers' clocks, when last seen
}

func (t *timings) add(point string, took, age time.Duration) {
	if t.took == nil {
		t.took = make(map[string][]time.Duration)
	}
	t.took[point] = append(t.took[point], took)
	t.ages = append(t.ages, age)
}

func (t *timings) all() (list []time.Duration) {
	for _, d := range t.took {
		list = append(list, d...)
	}
	return list
}

// quantiles says how a number of durations are distributed.
func quantiles(list []time.Duration) string {
	if len(list) == 0 {
		return "none"
	}
	slices.Sort(list)
	at := func(q float64) string {
		return fmt.Sprintf("%.2f", list[min(len(list)-1, int(q*float64(len(list))))].Seconds())
	}
	return fmt.Sprintf("%5d: min %s  median %s  90%% %s  99%% %s  max %s s", len(list), at(0), at(0.5), at(0.9), at(0.99), at(1))
}

func (t *timings) print(w io.Writer, title string) {
	fmt.Fprintf(w, "\n%s\n", title)
	fmt.Fprintf(w, "  %-18s %s\n", "all", quantiles(t.all()))
	for _, point := range slices.Sorted(maps.Keys(t.took)) {
		fmt.Fprintf(w, "  %-18s %s\n", point, quantiles(slices.Clone(t.took[point])))
	}
	if len(t.ages) > 0 {
		fmt.Fprintf(w, "  %-18s %s\n", "age when last seen", quantiles(slices.Clone(t.ages)))
	}
}
