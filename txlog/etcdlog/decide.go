package etcdlog

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/xapg/xapg/txlog"
)

// maxSize is how large a decision may be; members refuse requests above 1.5 MiB,
// unless they are told otherwise.
const maxSize = 1 << 20

// Decide stores want as the outcome of transaction id, unless one is stored already,
// and returns the stored one, flushed by most members.
//
// The context counts until the request is about to be sent, to a cluster that has
// answered just before. From then on the request is tried for as long as the
// parameter timeout says.
func (l *Log) Decide(ctx context.Context, id uuid.UUID, want txlog.Outcome, participants []txlog.Participant) (txlog.Outcome, error) {
	if want != txlog.Commit && want != txlog.Abort {
		return txlog.Unknown, notStored(fmt.Errorf("etcdlog: %d is not an outcome to decide on; use Commit or Abort", want))
	}
	if id == uuid.Nil {
		return txlog.Unknown, notStored(errors.New("etcdlog: the nil UUID is not a transaction's id"))
	}
	j := &job{id: id, want: want, participants: participants}
	if n := j.size(); n > maxSize {
		return txlog.Unknown, notStored(fmt.Errorf("etcdlog: a decision of %d bytes does not fit into a request of etcd; name fewer participants", n))
	}
	if err := l.queue.Do(ctx, j); err != nil {
		return txlog.Unknown, notStored(err)
	}
	return j.stored, j.Err()
}
