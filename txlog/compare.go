package txlog

import (
	"bytes"
	"fmt"
	"iter"
	"slices"

	"github.com/google/uuid"
)

// Comparison is what differs between two logs, and how much there is in them.
type Comparison struct {
	Openings    [2]int   `json:"openings"` // in the first and in the second
	Records     [2]int   `json:"records"`
	Differences []string `json:"differences"` // the first of them, in words
	Total       int      `json:"total"`       // how many there are
}

// shownDifferences is how many differences are kept in words.
const shownDifferences = 20

func (c *Comparison) add(format string, args ...any) {
	if c.Total++; c.Total <= shownDifferences {
		c.Differences = append(c.Differences, fmt.Sprintf(format, args...))
	}
}

// Compare reads two logs throughout. Openings that the second has after the first's
// last are counted but are no difference, as looking at a log leaves a mark in it.
func Compare(a, b Contents) (Comparison, error) {
	var c Comparison
	if a.Identity != b.Identity {
		c.add("they are different logs: %s of cluster %s and %s of cluster %s", a.Identity.ID, a.Identity.Cluster, b.Identity.ID, b.Identity.Cluster)
	}
	err := pairs(a.Openings, b.Openings, func(x, y Opening) int { return int(x.Mark.Seq - y.Mark.Seq) }, func(x, y *Opening) {
		count(&c.Openings, x, y)
		switch {
		case y == nil:
			c.add("mark %d is missing in the second", x.Mark.Seq)
		case x == nil && c.Openings[0] >= c.Openings[1]:
			c.add("mark %d is missing in the first", y.Mark.Seq)
		case x != nil && (x.Mark != y.Mark || x.By != y.By || !x.At.Equal(y.At)):
			c.add("mark %d is %s of %q at %s in the first and %s of %q at %s in the second", x.Mark.Seq, x.Mark.ID, x.By, x.At, y.Mark.ID, y.By, y.At)
		}
	})
	if err != nil {
		return c, err
	}
	return c, pairs(a.Records, b.Records, func(x, y Decision) int { return bytes.Compare(x.ID[:], y.ID[:]) }, func(x, y *Decision) {
		count(&c.Records, x, y)
		switch {
		case y == nil:
			c.add("transaction %s (%s) is missing in the second", x.ID, x.Outcome)
		case x == nil:
			c.add("transaction %s (%s) is missing in the first", y.ID, y.Outcome)
		default:
			c.records(x, y)
		}
	})
}

func (c *Comparison) records(x, y *Decision) {
	differs := func(id uuid.UUID, what string, x, y any) {
		c.add("transaction %s: %s: %v in the first, %v in the second", id, what, x, y)
	}
	switch {
	case x.Outcome != y.Outcome:
		differs(x.ID, "outcome", x.Outcome, y.Outcome)
	case !slices.Equal(x.Participants, y.Participants):
		differs(x.ID, "participants", x.Participants, y.Participants)
	case !x.At.Equal(y.At):
		differs(x.ID, "time", x.At, y.At)
	case x.By != y.By:
		differs(x.ID, "decided by the opening", x.By, y.By)
	case x.Finished != y.Finished:
		differs(x.ID, "finished", x.Finished, y.Finished)
	}
}

func count[T any](n *[2]int, x, y *T) {
	if x != nil {
		n[0]++
	}
	if y != nil {
		n[1]++
	}
}

// pairs goes through two ascending lists at once; what only one of them has comes
// alone.
func pairs[T any](a, b iter.Seq2[T, error], order func(x, y T) int, found func(x, y *T)) error {
	nextA, stopA := iter.Pull2(a)
	defer stopA()
	nextB, stopB := iter.Pull2(b)
	defer stopB()
	x, errA, okA := nextA()
	y, errB, okB := nextB()
	for okA || okB {
		if errA != nil {
			return errA
		}
		if errB != nil {
			return errB
		}
		way := -1 // the second has ended
		if okB && !okA {
			way = 1
		} else if okB {
			way = order(x, y)
		}
		px, py := &x, &y
		switch {
		case way < 0:
			py = nil
		case way > 0:
			px = nil
		}
		found(px, py)
		if px != nil {
			x, errA, okA = nextA()
		}
		if py != nil {
			y, errB, okB = nextB()
		}
	}
	return nil
}
