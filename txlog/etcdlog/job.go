package etcdlog

import (
	"time"

	"github.com/google/uuid"
	"github.com/xapg/xapg/txlog"
	"github.com/xapg/xapg/txlog/internal/queue"
)

// job is one call of Decide. It is taken once it may be sent.
type job struct {
	queue.Ticket
	id           uuid.UUID
	want         txlog.Outcome
	participants []txlog.Participant

	stored txlog.Outcome // set before it is answered
}

// answer tells the caller.
func (j *job) answer(stored txlog.Outcome, err error) {
	j.stored = stored
	j.Answer(err)
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

// take hands out what goes into the next request, the jobs on one transaction together:
// as many transactions as limit says, and not more bytes, but for the first.
func (l *Log) take(limit, size int) (groups [][]*job) {
	byID := make(map[uuid.UUID]int)
	full := false
	l.queue.Take(func(j *job) bool {
		i, known := byID[j.id]
		if !known && !full {
			size -= j.size()
			full = len(groups) == limit || size < 0 && len(groups) > 0
		}
		if full {
			return false
		}
		if !known {
			i = len(groups)
			byID[j.id] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], j)
		return true
	})
	return groups
}
