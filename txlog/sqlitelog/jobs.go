package sqlitelog

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/xapg/xapg/txlog"
	"github.com/xapg/xapg/txlog/internal/queue"
)

// job is one call's part of a transaction. It may be applied several times, when a
// transaction has to be repeated. It is taken once that transaction is open.
type job interface {
	queue.Job
	apply(s *session, now time.Time) error
	Answer(err error)
	Err() error
}

// do has j done and waits for it. When it returns an error, j is not done and never
// will be, unless it is an *unknownError.
func (l *Log) do(ctx context.Context, j job) error {
	if err := l.queue.Do(ctx, j); err != nil {
		return err
	}
	return j.Err()
}

// decideJob stores a decision, unless there is one, and reads what is stored.
type decideJob struct {
	queue.Ticket
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
	queue.Ticket
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
	queue.Ticket
	cutoff time.Time
	limit  int
	n      int
}

func (j *forgetJob) apply(s *session, _ time.Time) (err error) {
	j.n, err = s.forget(j.cutoff, j.limit)
	return err
}
