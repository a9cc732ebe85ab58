package differential

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Report is what came of one script, or of several.
type Report struct {
	Identical int            // steps that were answered the same
	Refused   map[string]int // steps that xapg refused, by the clause
	Expected  int            // steps that it refused as it is meant to
	Skipped   int            // steps that were run on neither side
	Wrong     []Difference
	Answered  []Difference // steps that were meant to be refused, and were answered the same
	Refusals  []Difference // where the steps of Refused are
	Failed    []Difference // steps of Identical that failed on both sides
}

// Difference is a step that was not answered the same.
type Difference struct {
	Script string
	Line   int
	SQL    string
	What   string
}

func (d Difference) String() string {
	return fmt.Sprintf("%s:%d: %s\n  %s", d.Script, d.Line, excerpt(strings.Join(strings.Fields(d.SQL), " ")), strings.ReplaceAll(d.What, "\n", "\n  "))
}

// RefusedSteps is the number of steps that xapg refused though it is not meant to.
func (r *Report) RefusedSteps() int {
	n := 0
	for _, c := range r.Refused {
		n += c
	}
	return n
}

// Steps is the number of all steps.
func (r *Report) Steps() int {
	return r.Identical + r.RefusedSteps() + r.Expected + r.Skipped + len(r.Wrong) + len(r.Answered)
}

// Add adds another report to this one.
func (r *Report) Add(other *Report) {
	r.Identical += other.Identical
	r.Expected += other.Expected
	r.Skipped += other.Skipped
	r.Wrong = append(r.Wrong, other.Wrong...)
	r.Answered = append(r.Answered, other.Answered...)
	r.Refusals = append(r.Refusals, other.Refusals...)
	r.Failed = append(r.Failed, other.Failed...)
	if r.Refused == nil {
		r.Refused = make(map[string]int)
	}
	for clause, n := range other.Refused {
		r.Refused[clause] += n
	}
}

// Total is the report in one line.
func (r *Report) Total() string {
	return fmt.Sprintf("%d steps: %d identical, %d wrong, %d refused, %d refused as expected, %d expected but answered, %d skipped",
		r.Steps(), r.Identical, len(r.Wrong), r.RefusedSteps(), r.Expected, len(r.Answered), r.Skipped)
}

// Clauses lists what was refused, most often first, each on a line of its own.
func (r *Report) Clauses() string {
	var b strings.Builder
	clauses := slices.SortedFunc(maps.Keys(r.Refused), func(x, y string) int {
		return cmp.Or(r.Refused[y]-r.Refused[x], strings.Compare(x, y))
	})
	for _, c := range clauses {
		fmt.Fprintf(&b, "\n%5d refused: %s", r.Refused[c], c)
	}
	return b.String()
}

// String is the total, what was refused, and what went wrong.
func (r *Report) String() string {
	var b strings.Builder
	b.WriteString(r.Total() + r.Clauses())
	for _, d := range r.Wrong {
		fmt.Fprintf(&b, "\nwrong: %s", d)
	}
	for _, d := range r.Answered {
		fmt.Fprintf(&b, "\nnot refused: %s", d)
	}
	return b.String()
}
