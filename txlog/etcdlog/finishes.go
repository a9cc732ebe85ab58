package etcdlog

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/xapg/xapg/txlog"
	clientv3 "go.etcd.io/etcd/client/v3"
)

const (
	// flushAfter is how long what was finished waits for company.
	flushAfter = time.Second
	// flushLimit is how many go into one request: each takes one of the 128 places
	// of a transaction, and what is in it two more.
	flushLimit = 100
)

// finishes holds what was finished but is not stored yet. This opening sees it as
// finished already.
type finishes struct {
	mu      sync.Mutex
	pending map[uuid.UUID]struct{}
	arm     chan struct{} // holds one token when there is something to store
	failure error         // of the last attempt to store something
}

func (f *finishes) add(id uuid.UUID) {
	f.mu.Lock()
	if f.pending == nil {
		f.pending = make(map[uuid.UUID]struct{})
	}
	f.pending[id] = struct{}{}
	n := len(f.pending)
	f.mu.Unlock()
	if n == 1 || n >= flushLimit {
		select {
		case f.arm <- struct{}{}:
		default:
		}
	}
}

// some returns up to limit of those that wait, and how many do.
func (f *finishes) some(limit int) (ids []uuid.UUID, waiting int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for id := range f.pending {
		if len(ids) == limit {
			break
		}
		ids = append(ids, id)
	}
	return ids, len(f.pending)
}

// done tells what became of some of them.
func (f *finishes) done(ids []uuid.UUID, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failure = err; err == nil {
		for _, id := range ids {
			delete(f.pending, id)
		}
	}
}

func (f *finishes) has(id uuid.UUID) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, ok := f.pending[id]
	return ok
}

func (f *finishes) snapshot() map[uuid.UUID]struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.pending)
}

func (f *finishes) last() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.failure
}

// spot is where a decision is: the revision in which it was put, and when.
type spot struct {
	revision int64
	at       time.Time
}

// fresh remembers where this opening's own decisions are until they are finished, so
// that finishing need not ask.
type fresh struct {
	mu    sync.Mutex
	spots map[uuid.UUID]spot
}

// freshLimit bounds what is remembered; the rest is asked for.
const freshLimit = 100_000

func (f *fresh) add(id uuid.UUID, s spot) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.spots == nil {
		f.spots = make(map[uuid.UUID]spot)
	}
	if len(f.spots) < freshLimit {
		f.spots[id] = s
	}
}

func (f *fresh) find(id uuid.UUID) (spot, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s, ok := f.spots[id]
	return s, ok
}

func (f *fresh) remove(ids []uuid.UUID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, id := range ids {
		delete(f.spots, id)
	}
}

// Finish notes that every participant has carried out the decision on id. It only
// takes note, and neither waits nor looks at the context: what was finished is stored
// after about a second, with what else was finished by then, or by Close.
func (l *Log) Finish(_ context.Context, id uuid.UUID) error {
	if err := l.use(context.Background()); err != nil {
		return err
	}
	defer l.open.RUnlock()
	l.finishes.add(id)
	return nil
}

// finish is the goroutine that stores what was finished. It ends after the writer.
func (l *Log) finish() {
	timer := time.NewTimer(flushAfter)
	timer.Stop()
	for armed, last := false, false; !last; {
		select {
		case <-l.finishes.arm:
			if _, waiting := l.finishes.some(0); waiting < flushLimit {
				if !armed {
					timer.Reset(flushAfter)
					armed = true
				}
				continue
			}
		case <-timer.C:
			armed = false
		case <-l.stop:
			last = true
		}
		before := l.finishes.last()
		if err := l.flushAll(l.life); err != nil {
			if before == nil {
				l.logger.Warn("finished transactions could not be noted in the decision log; it will be tried again", "err", err)
			}
			if !armed {
				timer.Reset(flushAfter)
				armed = true
			}
		}
	}
	timer.Stop()
}

// flushAll stores all that was finished until now. One does it at a time.
func (l *Log) flushAll(ctx context.Context) error {
	select {
	case <-l.flush:
		defer func() { l.flush <- struct{}{} }()
	case <-ctx.Done():
		return ctx.Err()
	}
	for _, left := l.finishes.some(0); left > 0; {
		ids, _ := l.finishes.some(flushLimit)
		err := l.explain("writing", l.flushSome(ctx, ids))
		l.finishes.done(ids, err)
		if err != nil {
			return err
		}
		l.fresh.remove(ids)
		left -= len(ids)
	}
	return nil
}

// flushSome moves decisions from the unfinished to the finished ones. A decision that
// is not among the unfinished ones, or is another one by now, is left alone.
func (l *Log) flushSome(ctx context.Context, ids []uuid.UUID) error {
	spots, err := l.spots(ctx, ids)
	if err != nil {
		return err
	}
	var moves []clientv3.Op
	for id, d := range spots {
		moves = append(moves, clientv3.OpTxn(
			[]clientv3.Cmp{clientv3.Compare(clientv3.CreateRevision(l.key.unfinishedOne(id)), "=", d.revision)},
			[]clientv3.Op{clientv3.OpDelete(l.key.unfinishedOne(id)),
				clientv3.OpPut(l.key.finishedOne(d.revision, id), encodeAge(d.At, d.By))}, nil))
	}
	if len(moves) == 0 {
		return nil
	}
	_, _, err = l.txn(ctx, nil, moves, nil)
	return err
}

// found is a decision with the revision that created it.
type found struct {
	txlog.Decision
	revision int64
}

// spots finds the decisions that are to be finished.
func (l *Log) spots(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]found, error) {
	spots := make(map[uuid.UUID]found, len(ids))
	var strange []uuid.UUID
	for _, id := range ids {
		if s, ok := l.fresh.find(id); ok {
			spots[id] = found{txlog.Decision{At: s.at, By: l.mark.Seq}, s.revision}
		} else {
			strange = append(strange, id)
		}
	}
	list, err := l.decisionsOf(ctx, strange)
	for _, d := range list {
		spots[d.ID] = d
	}
	return spots, err
}
