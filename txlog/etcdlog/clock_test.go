package etcdlog_test

import (
	"context"
	"iter"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/xapg/xapg/txlog"
	"github.com/xapg/xapg/txlog/etcdlog"
)

// Another host's decision is forgotten, and not before it is old enough by the time
// that has passed here.
func TestAnothersDecisionIsForgottenWhenTheLogHasBeenOpenForLongEnough(t *testing.T) {
	t.Parallel()
	const age = 1500 * time.Millisecond
	place := three(t).place()
	first := openLog(t, place)
	id := commit(t, first)
	decided := time.Now()
	require.NoError(t, first.Finish(t.Context(), id))
	require.NoError(t, first.Close())
	l, beside := openLog(t, place), openLog(t, place)
	require.Eventually(t, func() bool {
		for _, l := range []txlog.Log{l, beside} {
			n, err := l.Forget(t.Context(), age)
			require.NoError(t, err)
			if n > 0 {
				return true
			}
		}
		return false
	}, patience, pause)
	assert.GreaterOrEqual(t, time.Since(decided), age)
	_, err := l.Lookup(t.Context(), id)
	require.ErrorIs(t, err, txlog.ErrNoDecision)
}

// The clock goes on from opening to opening, though none is open for so long.
func TestTheClockGoesOnFromOpeningToOpening(t *testing.T) {
	t.Parallel()
	const age = 4 * time.Second
	place := three(t).place()
	first := openLog(t, place)
	id := commit(t, first)
	decided := time.Now()
	require.NoError(t, first.Finish(t.Context(), id))
	require.NoError(t, first.Close())
	gone := false
	for round := 0; !gone; round++ {
		require.Less(t, time.Since(decided), patience)
		l := openLog(t, place)
		for opened := time.Now(); !gone && time.Since(opened) < age/2; {
			n, err := l.Forget(t.Context(), age)
			require.NoError(t, err)
			gone = n > 0
			time.Sleep(pause)
		}
		require.NoError(t, l.Close())
	}
	assert.GreaterOrEqual(t, time.Since(decided), age)
}

// A host whose clock is wrong makes nobody forget early: what was decided on it is
// as old as the log knows, not as it says.
func TestAClockThatIsWrongMakesNobodyForget(t *testing.T) {
	t.Parallel()
	place := three(t).place()
	id := newID()
	contents := txlog.Contents{
		Identity: txlog.Identity{Cluster: "bank", ID: "abcdefghijkl"},
		Openings: each(txlog.Opening{Mark: txlog.Mark{Seq: 1, ID: uuid.New()}, At: time.Now()}),
		Records: each(txlog.Decision{ID: id, Outcome: txlog.Commit, Participants: shards, By: 1,
			At: time.Now().Add(-1000 * time.Hour), Finished: true}),
	}
	l, err := etcdlog.Open(t.Context(), place, etcdlog.Options{Cluster: "bank", Contents: &contents})
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	for range 3 {
		n, err := l.Forget(t.Context(), time.Hour)
		require.NoError(t, err)
		require.Zero(t, n)
	}
	requireDecided(t, l, id)
	n, err := l.Forget(t.Context(), 0)
	require.NoError(t, err)
	assert.Equal(t, 1, n)
}

// each lists its arguments as contents are listed.
func each[T any](list ...T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, entry := range list {
			if !yield(entry, nil) {
				return
			}
		}
	}
}

func TestForgettingInTwoPlacesCountsEachOnce(t *testing.T) {
	t.Parallel()
	const n = 400
	place := three(t).place()
	l, beside := openLog(t, place), openLog(t, place)
	for _, id := range decideMany(t, l, n) {
		require.NoError(t, beside.Finish(t.Context(), id), "somebody else may finish them")
	}
	list, err := beside.Unfinished(t.Context(), uuid.Nil, 10)
	require.NoError(t, err)
	require.Empty(t, list)
	_, err = beside.Forget(t.Context(), time.Hour) // stores what was finished
	require.NoError(t, err)
	counts := make(chan int)
	for _, l := range []txlog.Log{l, beside} {
		go func() {
			n, err := l.Forget(context.Background(), 0)
			assert.NoError(t, err)
			counts <- n
		}()
	}
	assert.Equal(t, n, <-counts+<-counts)
	keys, err := three(t).client(t).Get(t.Context(), prefixOf(place)+"/forgetting/")
	require.NoError(t, err)
	assert.Zero(t, keys.Count)
}
