package pglog

import (
	"time"

	"github.com/google/uuid"
	"github.com/xapg/xapg/txlog"
	"github.com/xapg/xapg/txlog/internal/queue"
)

// job is a decision that waits to be stored. It is taken once a writer is about to
// send it.
type job struct {
	queue.Ticket
	id           uuid.UUID
	want         txlog.Outcome
	participants string // array literals
	votes        *string
	since        time.Time

	stored txlog.Outcome // set before it is answered
}

func (j *job) answer(stored txlog.Outcome, err error) {
	j.stored = stored
	j.Answer(err)
}

// largest is how many decisions go into one statement.
const largest = 1000

// take hands out what goes into the next statement. If there is more, another writer
// may take it.
func (l *Log) take() []*job {
	n := 0
	jobs := l.queue.Take(func(*job) bool { n++; return n <= largest })
	if n > largest {
		l.queue.Signal()
	}
	return jobs
}

// expire hands out those who have waited since before a time, or all if the log is
// being closed: there is no server to store them.
func (l *Log) expire(before time.Time) []*job {
	closed := l.queue.Closed()
	return l.queue.Take(func(j *job) bool { return closed || j.since.Before(before) })
}
