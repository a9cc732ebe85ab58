package pglog

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/xapg/xapg/txlog"
)

// job is a decision that waits to be stored. It has been taken once a writer is about
// to send it; until then it can be withdrawn.
type job struct {
	id           uuid.UUID
	want         txlog.Outcome
	participants string // array literals
	votes        *string
	since        time.Time

	done   chan struct{}
	stored txlog.Outcome // these two once done is closed
	err    error

	taken     bool // these two under queue.mu
	withdrawn bool
}

func (j *job) answer(stored txlog.Outcome, err error) {
	j.stored, j.err = stored, err
	close(j.done)
}

// queue holds the jobs that wait for a writer.
type queue struct {
	mu     sync.Mutex
	jobs   []*job
	closed bool
	wake   chan struct{} // holds tokens when there is something to do
}

// do has j done and waits for it. When it returns an error, j is not done and never
// will be, unless it is an *unknownError.
func (q *queue) do(ctx context.Context, j *job) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return txlog.ErrClosed
	}
	q.jobs = append(q.jobs, j)
	q.mu.Unlock()
	q.signal()

	select {
	case <-j.done:
		return j.err
	case <-ctx.Done():
	}
	q.mu.Lock()
	if !j.taken {
		j.withdrawn = true
		q.mu.Unlock()
		return ctx.Err()
	}
	q.mu.Unlock()
	<-j.done
	return j.err
}

// largest is how many decisions go into one statement.
const largest = 1000

// take hands out what waits and was not withdrawn.
func (q *queue) take() []*job {
	q.mu.Lock()
	defer q.mu.Unlock()
	waiting := slices.DeleteFunc(q.jobs, func(j *job) bool { return j.withdrawn })
	n := min(len(waiting), largest)
	jobs := slices.Clone(waiting[:n])
	q.jobs = slices.Clone(waiting[n:])
	for _, j := range jobs {
		j.taken = true
	}
	if len(q.jobs) > 0 {
		q.signal()
	}
	return jobs
}

// expire hands out those who have waited since before a time, or all if the queue is
// closed: there is no server to store them.
func (q *queue) expire(before time.Time) []*job {
	q.mu.Lock()
	defer q.mu.Unlock()
	var old []*job
	q.jobs = slices.DeleteFunc(q.jobs, func(j *job) bool {
		due := q.closed || j.since.Before(before)
		if due && !j.withdrawn {
			j.taken = true
			old = append(old, j)
		}
		return due || j.withdrawn
	})
	return old
}

func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	for range writers {
		q.signal()
	}
}

// drained tells whether nothing waits and nothing can come any more.
func (q *queue) drained() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.closed && len(q.jobs) == 0
}

func (q *queue) empty() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.jobs) == 0
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}
