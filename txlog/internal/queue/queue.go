// Package queue holds calls until a writer takes them up, as many at a time as it
// likes. Until then, and no longer, a caller may turn back.
//
// That is what the stores of decisions have in common: while one group of decisions
// is being made durable the next one gathers, and a call that has been taken waits for
// its definite answer, whatever becomes of its context.
package queue

import (
	"context"
	"sync"

	"github.com/xapg/xapg/txlog"
)

// Job is what a call wants done. Types become jobs by embedding a Ticket.
type Job interface{ own() *Ticket }

// Ticket is by what a caller waits for its job. The zero Ticket is ready to use, once.
type Ticket struct {
	done             chan struct{}
	err              error
	taken, withdrawn bool // under Queue.mu
}

func (t *Ticket) own() *Ticket { return t }

// Answer tells the caller that its job has been done, or why not. Whoever has taken a
// job must answer it, once. What else the job holds for its caller is set before.
func (t *Ticket) Answer(err error) {
	t.err = err
	close(t.done)
}

// Err is the answer, after Do.
func (t *Ticket) Err() error { return t.err }

// Queue holds the jobs that wait. Writers take them; there may be several.
type Queue[J Job] struct {
	mu     sync.Mutex
	jobs   []J
	closed bool
	wake   chan struct{}
}

// New makes a queue for so many writers.
func New[J Job](writers int) *Queue[J] { return &Queue[J]{wake: make(chan struct{}, writers)} }

// Do waits until j has been answered. When it returns an error, which is the context's
// or [txlog.ErrClosed], j was not taken and never will be.
func (q *Queue[J]) Do(ctx context.Context, j J) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	t := j.own()
	t.done = make(chan struct{})
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return txlog.ErrClosed
	}
	q.jobs = append(q.jobs, j)
	q.mu.Unlock()
	q.Signal()

	select {
	case <-t.done:
		return nil
	case <-ctx.Done():
	}
	q.mu.Lock()
	if !t.taken {
		t.withdrawn = true
		q.mu.Unlock()
		return ctx.Err()
	}
	q.mu.Unlock()
	<-t.done
	return nil
}

// Take hands out, in the order in which they came, the jobs that are wanted, or all if
// wanted is nil; the others go on waiting. Those that were withdrawn are dropped.
func (q *Queue[J]) Take(wanted func(J) bool) []J {
	q.mu.Lock()
	defer q.mu.Unlock()
	var jobs, rest []J
	for _, j := range q.jobs {
		switch t := j.own(); {
		case t.withdrawn:
		case wanted == nil || wanted(j):
			t.taken = true
			jobs = append(jobs, j)
		default:
			rest = append(rest, j)
		}
	}
	q.jobs = rest
	return jobs
}

// Close refuses further jobs, and wakes all writers.
func (q *Queue[J]) Close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	for range cap(q.wake) {
		q.Signal()
	}
}

// Wake yields whenever there may be something to do: a job has come, or the queue was
// closed. What has come meanwhile may have been taken already.
func (q *Queue[J]) Wake() <-chan struct{} { return q.wake }

// Signal wakes one more writer, unless all of them are about to look.
func (q *Queue[J]) Signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// Len is how many jobs wait, with those that were withdrawn.
func (q *Queue[J]) Len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.jobs)
}

// Closed tells whether nothing more can come.
func (q *Queue[J]) Closed() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.closed
}

// Drained tells whether nothing waits and nothing more can come.
func (q *Queue[J]) Drained() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.closed && len(q.jobs) == 0
}
