package cut_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/txlog"
	"github.com/xapg/xapg/xadriver/internal/cut"
)

var one = uuid.MustParse("01900000-0000-7000-8000-000000000001")

// yard is a shard's gate in memory.
type yard struct {
	name string

	mu       sync.Mutex
	closed   bool
	closings int
	held     []cut.Holder // by writers
	prepared []uuid.UUID
	asked    int   // for what is prepared
	void     int   // how often the gate opens by itself
	away     error // why it cannot be reached
}

func (y *yard) Name() string { return y.name }

func (y *yard) Close(context.Context) (cut.Gate, error) {
	y.mu.Lock()
	defer y.mu.Unlock()
	switch {
	case y.away != nil:
		return nil, y.away
	case len(y.held) > 0:
		return nil, cut.ErrHeld
	}
	y.closed = true
	y.closings++
	return y, nil
}

func (y *yard) Turn(context.Context) (cut.Turn, error) { return y, y.away }
func (y *yard) End(context.Context)                    {}

func (y *yard) Holders(context.Context) ([]cut.Holder, error) {
	y.mu.Lock()
	defer y.mu.Unlock()
	return append([]cut.Holder(nil), y.held...), y.away
}

func (y *yard) Prepared(context.Context) ([]uuid.UUID, error) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.asked++
	return append([]uuid.UUID(nil), y.prepared...), nil
}

func (y *yard) Open(context.Context) error {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.closed = false
	if y.void > 0 {
		y.void--
		return errors.New("the session was ended")
	}
	return nil
}

func (y *yard) isClosed() bool {
	y.mu.Lock()
	defer y.mu.Unlock()
	return y.closed
}

// register is the decision log.
type register map[uuid.UUID]txlog.Outcome

func (r register) Lookup(_ context.Context, id uuid.UUID) (txlog.Decision, error) {
	if r[id] == txlog.Unknown {
		return txlog.Decision{}, txlog.ErrNoDecision
	}
	return txlog.Decision{ID: id, Outcome: r[id]}, nil
}

// finisher is told whom to hurry.
type finisher func(id uuid.UUID, shard string)

func (f finisher) Hurry(id uuid.UUID, _ txlog.Outcome, shard string) { f(id, shard) }

// atOnce is what has nothing to do.
func atOnce(context.Context) error { return nil }

func keeper(t *testing.T, r register, f finisher, more func(*cut.Options), yards ...*yard) *cut.Keeper {
	t.Helper()
	o := cut.Options{
		Register: r, Finisher: f, Hold: 5 * time.Millisecond, Timeout: context.WithTimeout,
		Pause: func(ctx context.Context, d time.Duration) error {
			select {
			case <-time.After(d):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		},
	}
	for _, y := range yards {
		o.Shards = append(o.Shards, y)
	}
	if more != nil {
		more(&o)
	}
	k := cut.NewKeeper(o)
	t.Cleanup(k.Close)
	return k
}

func TestSnapshotsAreTakenWhileAllGatesAreClosed(t *testing.T) {
	a, b := &yard{name: "a"}, &yard{name: "b"}
	k := keeper(t, nil, nil, nil, a, b)
	require.NoError(t, k.Cut(t.Context(), func(context.Context) error {
		assert.True(t, a.isClosed() && b.isClosed())
		return nil
	}, atOnce))
	assert.False(t, a.isClosed() || b.isClosed())
	wrong := errors.New("wrong")
	require.ErrorIs(t, k.Cut(t.Context(), func(context.Context) error { return wrong }, atOnce), wrong)
	assert.False(t, a.isClosed() || b.isClosed())
}

// What opened too early was seen for nothing.
func TestACutWhoseGatesOpenedTooEarlyIsTakenAgain(t *testing.T) {
	a, b := &yard{name: "a", void: 2}, &yard{name: "b"}
	k := keeper(t, nil, nil, nil, a, b)
	takes := 0
	require.NoError(t, k.Cut(t.Context(), func(context.Context) error { takes++; return nil }, atOnce))
	assert.Equal(t, 3, takes)
}

func TestWhatIsDecidedIsWaitedForAndWhatIsNotIsNot(t *testing.T) {
	for name, outcome := range map[string]txlog.Outcome{"undecided": txlog.Unknown, "aborted": txlog.Abort} {
		t.Run(name, func(t *testing.T) {
			a, b := &yard{name: "a", prepared: []uuid.UUID{one}}, &yard{name: "b"}
			k := keeper(t, register{one: outcome}, nil, nil, a, b)
			require.NoError(t, k.Cut(t.Context(), atOnce, atOnce))
		})
	}
	t.Run("decided", func(t *testing.T) {
		a, b := &yard{name: "a", prepared: []uuid.UUID{one}}, &yard{name: "b"}
		k := keeper(t, register{one: txlog.Commit}, func(id uuid.UUID, shard string) {
			assert.Equal(t, one, id)
			assert.Equal(t, "a", shard)
			a.mu.Lock()
			defer a.mu.Unlock()
			a.prepared = nil
		}, nil, a, b)
		require.NoError(t, k.Cut(t.Context(), func(context.Context) error {
			a.mu.Lock()
			defer a.mu.Unlock()
			assert.Empty(t, a.prepared)
			return nil
		}, atOnce))
	})
}

// Nobody queues behind a reader for what may take long.
func TestAHeldGateIsWaitedForWithAllGatesOpen(t *testing.T) {
	a, b := &yard{name: "a"}, &yard{name: "b", held: []cut.Holder{{ID: one, Token: "4/12"}}}
	var looked atomic.Bool
	k := keeper(t, register{one: txlog.Commit}, func(id uuid.UUID, shard string) {
		assert.False(t, a.isClosed())
		looked.Store(true)
		b.mu.Lock()
		defer b.mu.Unlock()
		b.held = nil
	}, nil, a, b)
	require.NoError(t, k.Cut(t.Context(), atOnce, atOnce))
	assert.True(t, looked.Load())
}

func TestWhoWaitsInVainIsToldForWhom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := &yard{name: "a"}, &yard{name: "b", held: []cut.Holder{{ID: one, Token: "4/12"}, {Token: "5/1"}}}
		k := keeper(t, nil, nil, func(o *cut.Options) { o.Wait = 50 * time.Millisecond }, a, b)
		err := k.Cut(t.Context(), atOnce, atOnce)
		var wait *cut.WaitError
		require.ErrorAs(t, err, &wait)
		assert.Equal(t, []string{"b"}, wait.Shards)
		assert.Equal(t, []uuid.UUID{one}, wait.Transactions)
		require.ErrorIs(t, err, context.DeadlineExceeded)

		b.mu.Lock()
		b.held, b.away = nil, errors.New("no route")
		b.mu.Unlock()
		require.ErrorIs(t, k.Cut(t.Context(), atOnce, atOnce), b.away)
		assert.False(t, a.isClosed())
	})
}

func TestReadersOfOneProcessShareACut(t *testing.T) {
	a, b := &yard{name: "a"}, &yard{name: "b"}
	k := keeper(t, nil, nil, nil, a, b)
	first, goOn := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		assert.NoError(t, k.Cut(t.Context(), func(context.Context) error { close(first); <-goOn; return nil }, atOnce))
	})
	<-first
	var taken atomic.Int64
	for range 8 {
		all.Go(func() {
			assert.NoError(t, k.Cut(t.Context(), func(context.Context) error {
				taken.Add(1)
				return nil
			}, atOnce))
		})
	}
	assert.Eventually(t, func() bool { return k.Waiting() == 8 }, 10*time.Second, time.Millisecond)
	close(goOn)
	all.Wait()
	assert.EqualValues(t, 8, taken.Load())
	assert.EqualValues(t, 2, k.Closings(), "the first one's, and one for those who came meanwhile")
}

func TestGatesStayOpenForMostOfTheTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now, rested atomic.Int64 // nanoseconds
		k := keeper(t, nil, nil, func(o *cut.Options) {
			o.Share = 0.05
			o.Clock = func() time.Time { return time.Unix(0, now.Load()) }
			o.Pause = func(_ context.Context, d time.Duration) error {
				now.Add(int64(d))
				rested.Add(int64(d))
				return nil
			}
		}, &yard{name: "a"}, &yard{name: "b"})
		take := func(context.Context) error { now.Add(int64(2 * time.Millisecond)); return nil }
		for range 3 {
			require.NoError(t, k.Cut(t.Context(), take, atOnce))
		}
		assert.InDelta(t, 2*38*time.Millisecond, rested.Load(), float64(time.Microsecond), "19 times as long as they were closed, between each two")
		synctest.Wait() // it is noted how long the gates were closed
		now.Add(int64(time.Second))
		require.NoError(t, k.Cut(t.Context(), take, atOnce))
		assert.InDelta(t, 2*38*time.Millisecond, rested.Load(), float64(time.Microsecond), "and not for who comes later")
	})
}

func TestAReaderThatGivesUpKeepsNobody(t *testing.T) {
	a := &yard{name: "a", held: []cut.Holder{{Token: "1/1"}}}
	k := keeper(t, nil, nil, nil, a)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, k.Cut(ctx, atOnce, atOnce), context.DeadlineExceeded)
	a.mu.Lock()
	a.held = nil
	a.mu.Unlock()
	require.NoError(t, k.Cut(t.Context(), atOnce, atOnce))
}

func TestNoCutIsTakenAfterTheEnd(t *testing.T) {
	k := keeper(t, nil, nil, nil, &yard{name: "a"})
	k.Close()
	require.ErrorIs(t, k.Cut(t.Context(), atOnce, atOnce), context.Canceled)
}
