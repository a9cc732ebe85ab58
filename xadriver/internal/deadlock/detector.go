package deadlock

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// Asked is a shard, as the detector sees it.
type Asked interface {
	Name() string
	Look(ctx context.Context) (*View, error)
	Cancel(ctx context.Context, w *Waiting) (bool, error)
}

// Statement cancels a statement of this process by what send does, so that it ends with
// the verdict, and reports whether it did. It does nothing when the statement is over.
type Statement func(verdict pgconn.PgError, send func() bool) bool

// Detector looks for circles and breaks them. Its fields are set once; it is used by one
// goroutine at a time.
type Detector struct {
	Shards []Asked
	// Mine finds what a session is at on this process's own connection; nil where it is
	// not ours, or at nothing.
	Mine func(shard string, pid int) Statement
	// Grace is how long a circle is left to the victim's own process, which begins to look
	// when its statement has run for a while, perhaps later than others do.
	Grace time.Duration
	// Fresh is how old a second look may be that somebody is cancelled by; Answer bounds
	// the wait for a shard's answer.
	Fresh, Answer time.Duration
	// Pause waits between two looks, or until the context ends.
	Pause func(context.Context) error
	Clock func() time.Time
	// Broken, when set, is told of each circle that was broken here.
	Broken func(*Circle)

	others map[string]time.Time // circles that are others' affair, and when they were first seen
}

// Run looks once, and again if there is a circle. It breaks those that are this process's
// affair and returns how many.
func (d *Detector) Run(ctx context.Context) (broken int) {
	first, _ := d.graph(ctx)
	circles := first.Circles()
	if len(circles) == 0 {
		d.others = nil
		return 0
	}
	if d.Pause(ctx) != nil {
		return 0
	}
	mine := d.mine(circles, first)
	for range 3 {
		begun := d.Clock()
		later, _ := d.graph(ctx)
		if ctx.Err() != nil {
			return 0
		}
		if d.Clock().Sub(begun) > d.Fresh {
			continue // much may have happened since
		}
		others := make(map[string]time.Time)
		for _, c := range circles {
			now := c.again(later)
			if now == nil {
				continue
			}
			if d.cut(ctx, now, later, mine, others) {
				broken++
				if d.Broken != nil {
					d.Broken(now)
				}
			}
		}
		d.others = others
		return broken
	}
	return 0
}

// mine are the statements of this process that victims are at.
func (d *Detector) mine(circles []*Circle, g *Graph) map[string]Statement {
	found := make(map[string]Statement)
	for _, c := range circles {
		for _, e := range c.waits(g) {
			if s := d.Mine(e.View.Shard, e.Wait.PID); s != nil {
				found[session(e.View.Shard, e.Wait.PID)] = s
			}
		}
	}
	return found
}

// cut cancels the victim of a circle if that is this process's affair.
func (d *Detector) cut(ctx context.Context, c *Circle, g *Graph, mine map[string]Statement, others map[string]time.Time) bool {
	waits := c.waits(g)
	ours := slices.ContainsFunc(waits, func(e *Edge) bool { return mine[session(e.View.Shard, e.Wait.PID)] != nil })
	if !ours {
		since, known := d.others[c.ident()]
		if !known {
			since = d.Clock()
		}
		if !known || d.Clock().Sub(since) < d.Grace {
			others[c.ident()] = since
			return false
		}
	}
	verdict := c.Verdict()
	done := make([]bool, len(waits))
	var wg sync.WaitGroup
	for i, e := range waits {
		wg.Go(func() {
			send := func() bool {
				ctx, cancel := context.WithTimeout(ctx, d.Answer)
				defer cancel()
				ok, err := d.shard(e.View.Shard).Cancel(ctx, e.Wait)
				return ok || err != nil // it may have been sent
			}
			switch s := mine[session(e.View.Shard, e.Wait.PID)]; {
			case s != nil:
				done[i] = s(verdict, send)
			case !ours:
				done[i] = send()
			}
		})
	}
	wg.Wait()
	return slices.Contains(done, true)
}

func (d *Detector) shard(name string) Asked {
	return d.Shards[slices.IndexFunc(d.Shards, func(s Asked) bool { return s.Name() == name })]
}

// graph looks at all shards. What those say that answer is true without the others.
func (d *Detector) graph(ctx context.Context) (*Graph, []error) {
	ctx, cancel := context.WithTimeout(ctx, d.Answer)
	defer cancel()
	return Look(ctx, d.Shards)
}

// Look asks all shards at once who waits for whom.
func Look(ctx context.Context, shards []Asked) (*Graph, []error) {
	views, errs, names := make([]*View, len(shards)), make([]error, len(shards)), make([]string, len(shards))
	var wg sync.WaitGroup
	for i, s := range shards {
		names[i] = s.Name()
		wg.Go(func() { views[i], errs[i] = s.Look(ctx) })
	}
	wg.Wait()
	views = slices.DeleteFunc(views, func(v *View) bool { return v == nil })
	return NewGraph(views, names), slices.DeleteFunc(errs, func(err error) bool { return err == nil })
}
