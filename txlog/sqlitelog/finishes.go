package sqlitelog

import (
	"maps"
	"sync"
	"time"

	"github.com/google/uuid"
)

// flushAfter is how long a Finish may wait for a decision's transaction to ride with
// before it gets one of its own.
const flushAfter = time.Second

// finishes holds what was finished but is not stored yet. Readers of this opening see
// it as finished already.
type finishes struct {
	mu       sync.Mutex
	pending  map[uuid.UUID]struct{} // nobody has begun to store these
	flushing map[uuid.UUID]struct{} // these are in the transaction under way
	arm      chan struct{}          // holds one token when a flush is to be planned
	failure  error                  // of the last flush; the writer's until it has stopped
}

func (f *finishes) add(id uuid.UUID) {
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
}

// begin hands out all that is pending, to be stored.
func (f *finishes) begin() []uuid.UUID {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.flushing, f.pending = f.pending, nil
	ids := make([]uuid.UUID, 0, len(f.flushing))
	for id := range f.flushing {
		ids = append(ids, id)
	}
	return ids
}

// end tells how storing what begin handed out has ended.
func (f *finishes) end(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.flushing) > 0 {
		f.failure = err
	}
	if err != nil {
		if f.pending == nil {
			f.pending = make(map[uuid.UUID]struct{}, len(f.flushing))
		}
		maps.Copy(f.pending, f.flushing)
	}
	f.flushing = nil
}

func (f *finishes) waiting() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.pending)
}

// stored tells that nothing is left to be stored.
func (f *finishes) stored() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.pending)+len(f.flushing) == 0
}

func (f *finishes) has(id uuid.UUID) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, pending := f.pending[id]
	_, flushing := f.flushing[id]
	return pending || flushing
}

// snapshot copies all that is not stored yet.
func (f *finishes) snapshot() map[uuid.UUID]struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := make(map[uuid.UUID]struct{}, len(f.pending)+len(f.flushing))
	maps.Copy(all, f.pending)
	maps.Copy(all, f.flushing)
	return all
}
