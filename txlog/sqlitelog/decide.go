package sqlitelog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/xapg/xapg/txlog"
)

// Decide stores want as the outcome of transaction id, unless one is stored already,
// and returns the stored one, flushed to the disk.
//
// The context counts until the writer has opened the transaction that is to hold the
// decision. What follows takes milliseconds, or the time that the disk needs to fail.
func (l *Log) Decide(ctx context.Context, id uuid.UUID, want txlog.Outcome, participants []txlog.Participant) (txlog.Outcome, error) {
	if want != txlog.Commit && want != txlog.Abort {
		return txlog.Unknown, notStored(fmt.Errorf("sqlitelog: %d is not an outcome to decide on; use Commit or Abort", want))
	}
	if id == uuid.Nil {
		return txlog.Unknown, notStored(errors.New("sqlitelog: the nil UUID is not a transaction's id"))
	}
	j := &decideJob{id: id, want: want, participants: participants}
	err := l.do(ctx, j)
	if err == nil && j.refused != nil {
		return txlog.Unknown, notStored(j.refused)
	}
	if err == nil {
		return j.stored, nil
	}
	var unknown *unknownError
	if errors.As(err, &unknown) {
		return txlog.Unknown, err
	}
	// What was decided before can be told even when nothing can be written.
	if d, lookupErr := l.Lookup(ctx, id); lookupErr == nil {
		return d.Outcome, nil
	}
	return txlog.Unknown, notStored(err)
}

// Finish notes that every participant has carried out the decision on id. It only
// takes note, and neither waits nor looks at the context: what was finished is stored
// with the next decision, after about a second, or by Close.
func (l *Log) Finish(_ context.Context, id uuid.UUID) error {
	l.open.RLock()
	defer l.open.RUnlock()
	if l.closed {
		return txlog.ErrClosed
	}
	l.finishes.add(id)
	return nil
}

// forgetChunk is how many decisions Forget drops in one transaction, so that
// decisions need not wait long for it.
const forgetChunk = 500

// Forget drops finished decisions that were made age ago or earlier by this host's
// clock, a few hundred at a time. The file keeps its size; the room is used again.
func (l *Log) Forget(ctx context.Context, age time.Duration) (int, error) {
	cutoff := time.Now().Add(-age)
	// Whoever has nothing to drop does not take the file's lock: a process that is
	// stopped while it has that keeps all others waiting.
	if some, err := l.droppable(ctx, cutoff); err != nil || !some {
		return 0, err
	}
	total := 0
	for {
		j := &forgetJob{cutoff: cutoff, limit: forgetChunk}
		if err := l.do(ctx, j); err != nil {
			return total, err
		}
		total += j.n
		if j.n < forgetChunk {
			return total, nil
		}
	}
}
