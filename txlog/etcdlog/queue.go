package etcdlog

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/xapg/xapg/txlog"
)

// job is one call of Decide. It has been taken once it may be sent; until then it can
// be withdrawn.
type job struct {
	id           uuid.UUID
	want         txlog.Outcome
	participants []txlog.Participant

	done   chan struct{}
	stored txlog.Outcome // these two: read them once done is closed
	err    error

	taken     bool // these two under queue.mu
	withdrawn bool
}

// answer tells the caller.
func (j *job) answer(stored txlog.Outcome, err error) {
	j.stored, j.err = stored, err
	close(j.done)
}

// value is what is stored for the job.
func (j *job) value(at time.Time, by int64) string {
	return encode(txlog.Decision{Outcome: j.want, Participants: j.participants, At: at, By: by})
}

// size is about how many bytes the job adds to a request.
func (j *job) size() int {
	n := 400
	for _, p := range j.participants {
		n += len(p.Name) + len(p.Vote) + 4
	}
	return n
}

// queue holds the jobs that wait for the writer.
type queue struct {
	mu     sync.Mutex
	jobs   []*job
	closed bool
	wake   chan struct{} // holds one token when there is something to do
}

// do has j done and waits for it. When the context ends before j was taken, j is
// withdrawn.
func (q *queue) do(ctx context.Context, j *job) error {
	if err := ctx.Err(); err != nil {
		return notStored(err)
	}
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return notStored(txlog.ErrClosed)
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
		return notStored(ctx.Err())
	}
	q.mu.Unlock()
	<-j.done
	return j.err
}

// take hands out jobs that were not withdrawn, those on one transaction together: as
// many transactions as limit says, and not more bytes.
func (q *queue) take(limit, size int) (groups [][]*job) {
	q.mu.Lock()
	defer q.mu.Unlock()
	byID := make(map[uuid.UUID]int)
	n := 0
	for _, j := range q.jobs {
		if !j.withdrawn {
			i, known := byID[j.id]
			if !known {
				if size -= j.size(); len(groups) == limit || size < 0 && len(groups) > 0 {
					break
				}
				i = len(groups)
				byID[j.id] = i
				groups = append(groups, nil)
			}
			j.taken = true
			groups[i] = append(groups[i], j)
		}
		n++
	}
	q.jobs = q.jobs[n:]
	if len(q.jobs) == 0 {
		q.jobs = nil
	}
	return groups
}

func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.signal()
}

// state tells whether something waits, and whether nothing more can come.
func (q *queue) state() (waiting, closed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.jobs) > 0, q.closed
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}
