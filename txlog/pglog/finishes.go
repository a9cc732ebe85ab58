package pglog

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/xapg/xapg/txlog"
)

// flushAfter is how long a Finish may wait for others to be stored with it.
const flushAfter = time.Second

// lastWait bounds how long Close tries to store what was finished.
const lastWait = 5 * time.Second

// finishes holds what was finished but is not stored yet. Readers of this opening see
// it as finished already.
type finishes struct {
	storing sync.Mutex // held by who stores
	mu      sync.Mutex
	pending map[uuid.UUID]struct{}
	arm     chan struct{} // holds one token when a flush is to be planned
	failure error         // of the last flush; for Close
}

// Finish notes that every participant has carried out the decision on id. It only
// takes note, and neither waits nor looks at the context: what was finished is stored
// after about a second, or by Forget or Close.
func (l *Log) Finish(_ context.Context, id uuid.UUID) error {
	l.open.RLock()
	defer l.open.RUnlock()
	if l.closed {
		return txlog.ErrClosed
	}
	f := &l.finishes
	f.mu.Lock()
	if f.pending == nil {
		f.pending = make(map[uuid.UUID]struct{})
	}
	f.pending[id] = struct{}{}
	f.mu.Unlock()
	select {
	case f.arm <- struct{}{}:
	default:
	}
	return nil
}

// flushing stores what was finished, now and then, until the log is closed.
func (l *Log) flushing() {
	for {
		select {
		case <-l.finishes.arm:
		case <-l.stop:
			ctx, cancel := context.WithTimeout(context.Background(), min(l.place.wait, lastWait))
			defer cancel()
			l.finishes.failure = l.flush(ctx)
			return
		}
		select {
		case <-time.After(flushAfter):
		case <-l.stop:
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), l.place.wait)
		if err := l.flush(ctx); err != nil {
			l.logger.Warn("what was finished could not be stored yet", "log", l.place.name, "err", err)
			l.finishes.again()
		}
		cancel()
	}
}

// again plans another flush.
func (f *finishes) again() {
	select {
	case f.arm <- struct{}{}:
	default:
	}
}

// flush stores all that is pending.
func (l *Log) flush(ctx context.Context) error {
	f := &l.finishes
	f.storing.Lock()
	defer f.storing.Unlock()
	for chunk := range slices.Chunk(f.snapshot(), largest) {
		ids := make([][16]byte, len(chunk))
		for i, id := range chunk {
			ids[i] = id
		}
		err := l.read(ctx, func(ctx context.Context) error {
			_, err := l.readers.Exec(ctx, l.sql.finish, ids)
			return err
		})
		if err != nil {
			return err
		}
		f.mu.Lock()
		for _, id := range chunk {
			delete(f.pending, id)
		}
		f.mu.Unlock()
	}
	return nil
}

// snapshot lists all that is not stored yet.
func (f *finishes) snapshot() []uuid.UUID {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Collect(maps.Keys(f.pending))
}

// forgetChunk is how many decisions Forget drops in one transaction.
const forgetChunk = 500

// Forget drops finished decisions that were made age ago or earlier by the server's
// clock, a few hundred at a time.
func (l *Log) Forget(ctx context.Context, age time.Duration) (int, error) {
	if err := l.enterCall(ctx); err != nil {
		return 0, err
	}
	defer l.open.RUnlock()
	if err := l.flush(ctx); err != nil {
		return 0, l.explain("writing", err)
	}
	// Up to when decisions may be missing is stored before any is dropped.
	var until time.Time
	if err := l.readers.QueryRow(ctx, l.sql.forgetFrom, age.Microseconds()).Scan(&until); err != nil {
		return 0, l.explain("writing", l.why(ctx, err))
	}
	for total := 0; ; {
		tag, err := l.readers.Exec(ctx, l.sql.forget, until, forgetChunk)
		if err != nil {
			return total, l.explain("writing", err)
		}
		total += int(tag.RowsAffected())
		if tag.RowsAffected() < forgetChunk {
			return total, nil
		}
	}
}
