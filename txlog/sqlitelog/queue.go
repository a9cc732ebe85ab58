package sqlitelog

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/xapg/xapg/txlog"
)

// job is one call's part of a transaction. It may be applied several times, when a
// transaction has to be repeated.
type job interface {
	apply(s *session, now time.Time) error
	answer() *ticket
}

// ticket is how a caller waits for its job. It has been taken once the job is in an
// open transaction; until then it can be withdrawn.
type ticket struct {
	done      chan struct{}
	err       error // of the transaction; read it once done is closed
	taken     bool  // these two under queue.mu
	withdrawn bool
}

func newTicket() ticket { return ticket{done: make(chan struct{})} }

func (t *ticket) answer() *ticket { return t }

// queue holds the jobs that wait for the writer.
type queue struct {
	mu     sync.Mutex
	jobs   []job
	closed bool
	wake   chan struct{} // holds one token when there is something to do
}

// do has j done and waits for it. When it returns an error, j is not done and never
// will be, unless it is an *unknownError.
func (q *queue) do(ctx context.Context, j job) error {
	t := j.answer()
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
	case <-t.done:
		return t.err
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
	return t.err
}

// take hands out all that wait and were not withdrawn.
func (q *queue) take() []job {
	q.mu.Lock()
	defer q.mu.Unlock()
	jobs := q.jobs[:0:len(q.jobs)]
	for _, j := range q.jobs {
		if t := j.answer(); !t.withdrawn {
			t.taken = true
			jobs = append(jobs, j)
		}
	}
	q.jobs = nil
	return jobs
}

func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.signal()
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

func finishJobs(jobs []job, err error) {
	for _, j := range jobs {
		t := j.answer()
		t.err = err
		close(t.done)
	}
}

// decideJob stores a decision, unless there is one, and reads what is stored.
type decideJob struct {
	ticket
	id           uuid.UUID
	want         txlog.Outcome
	participants []txlog.Participant
	stored       txlog.Outcome
	refused      error // nothing is stored, as the log is sealed
}

func (j *decideJob) apply(s *session, now time.Time) (err error) {
	j.stored, j.refused, err = s.decide(j.id, j.want, j.participants, now)
	return err
}

// sealJob seals the log, or takes the seal away.
type sealJob struct {
	ticket
	to   string
	open bool
}

func (j *sealJob) apply(s *session, _ time.Time) (err error) {
	if j.open {
		_, err = s.unsealStmt.Exec()
	} else {
		_, err = s.sealStmt.Exec(j.to)
	}
	return err
}

// forgetJob drops up to limit finished decisions made until cutoff.
type forgetJob struct {
	ticket
	cutoff time.Time
	limit  int
	n      int
}

func (j *forgetJob) apply(s *session, _ time.Time) (err error) {
	j.n, err = s.forget(j.cutoff, j.limit)
	return err
}
