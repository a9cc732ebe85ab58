package etcdlog_test

import (
	"errors"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/xapg/xapg/txlog"
	"github.com/xapg/xapg/txlog/etcdlog"
)

// through opens a log through a proxy, and beside it.
func through(t *testing.T, parameters string) (*proxy, *etcdlog.Log, *etcdlog.Log) {
	t.Helper()
	return throughAt(t, three(t).place(), parameters)
}

func throughAt(t *testing.T, place, parameters string) (*proxy, *etcdlog.Log, *etcdlog.Log) {
	t.Helper()
	c := three(t)
	p := newProxy(t, c.members[0].client)
	proxied := &cluster{scheme: "etcd", members: []*member{{client: p.address()}}}
	l := opened(t, proxied.url(prefixOf(place))+parameters, "bank")
	return p, l, openLog(t, place)
}

// warm commits until it succeeds, through a log that has little time.
func warm(t *testing.T, l txlog.Log) {
	t.Helper()
	require.Eventually(t, func() bool {
		_, err := l.Decide(t.Context(), newID(), txlog.Commit, shards)
		return err == nil
	}, patience, pause)
}

// told is what a call of Decide was told.
type told struct {
	got txlog.Outcome
	err error
}

func decideAside(t *testing.T, l txlog.Log, id uuid.UUID, want txlog.Outcome) <-chan told {
	answer := make(chan told, 1)
	go func() {
		got, err := l.Decide(t.Context(), id, want, shards)
		answer <- told{got, err}
	}()
	return answer
}

// becomesStored waits until a decision is stored.
func becomesStored(t *testing.T, l txlog.Log, id uuid.UUID) (d txlog.Decision) {
	t.Helper()
	require.Eventually(t, func() (ok bool) {
		var err error
		d, err = l.Lookup(t.Context(), id)
		return err == nil
	}, patience, pause)
	return d
}

func TestALostAnswerIsAskedForAgain(t *testing.T) {
	t.Parallel()
	p, l, beside := through(t, "?timeout=20s")
	commit(t, l)
	p.set(true, false)
	id := newID()
	answer := decideAside(t, l, id, txlog.Commit)
	stored := becomesStored(t, beside, id)
	p.set(false, false)
	p.cut()
	a := <-answer
	require.NoError(t, a.err)
	assert.Equal(t, txlog.Commit, a.got)
	d, err := l.Lookup(t.Context(), id)
	require.NoError(t, err)
	assert.Equal(t, stored, d, "it is the first request's record")

	// It can be finished and forgotten like others, although it is not known when it
	// was stored.
	require.NoError(t, l.Finish(t.Context(), id))
	n, err := l.Forget(t.Context(), 0)
	require.NoError(t, err)
	assert.Equal(t, 1, n)
}

func TestADecisionWithoutAnAnswerIsLeftOpen(t *testing.T) {
	t.Parallel()
	p, l, beside := through(t, "?timeout=1s")
	warm(t, l)
	p.set(true, false)
	id := newID()
	a := <-decideAside(t, l, id, txlog.Commit)
	require.Error(t, a.err)
	require.NotErrorIs(t, a.err, txlog.ErrNotStored, "it was stored")
	assert.ErrorContains(t, a.err, "not known whether")
	becomesStored(t, beside, id)

	// From here on nothing is sent but the question whether somebody is there.
	late := newID()
	a = <-decideAside(t, l, late, txlog.Commit)
	require.ErrorIs(t, a.err, txlog.ErrNotStored)

	p.set(false, false)
	p.cut()
	require.Eventually(t, func() bool {
		got, err := l.Decide(t.Context(), id, txlog.Abort, shards)
		return err == nil && got == txlog.Commit
	}, patience, pause)
	_, err := beside.Lookup(t.Context(), late)
	require.ErrorIs(t, err, txlog.ErrNoDecision, "it was never sent")
}

// A request may arrive when everybody has given it up. The register's first answer
// then stands.
func TestADecisionThatArrivesLateChangesNothing(t *testing.T) {
	t.Parallel()
	p, l, beside := through(t, "?timeout=1s")
	for range 5 {
		warm(t, l)
		p.set(false, true)
		id := newID()
		a := <-decideAside(t, l, id, txlog.Commit)
		require.Error(t, a.err)
		require.NotErrorIs(t, a.err, txlog.ErrNotStored, "it is on its way")

		got, err := beside.Decide(t.Context(), id, txlog.Abort, named("aramis"))
		require.NoError(t, err)
		require.Equal(t, txlog.Abort, got)
		p.set(false, false)
		require.Eventually(t, func() bool { // the connection has passed on what was held
			got, err = l.Decide(t.Context(), id, txlog.Commit, shards)
			return err == nil
		}, patience, pause)
		assert.Equal(t, txlog.Abort, got)
		d, err := beside.Lookup(t.Context(), id)
		require.NoError(t, err)
		assert.Equal(t, named("aramis"), d.Participants)
	}
}

// When many lose their answers at once, each is told the truth about its own.
func TestCutConnectionsLeaveNoWrongAnswers(t *testing.T) {
	t.Parallel()
	p, l, beside := through(t, "?timeout=20s")
	for round := range 6 {
		ids := make([]uuid.UUID, 40)
		answers := make([]<-chan told, len(ids))
		for i := range ids {
			ids[i] = newID()
			answers[i] = decideAside(t, l, ids[i], txlog.Commit)
			if i == 5*round {
				p.cut()
			}
		}
		for i, answer := range answers {
			a := <-answer
			d, err := beside.Lookup(t.Context(), ids[i])
			switch {
			case a.err == nil:
				require.NoError(t, err)
				assert.Equal(t, a.got, d.Outcome)
			case errors.Is(a.err, txlog.ErrNotStored):
				require.ErrorIs(t, err, txlog.ErrNoDecision)
			}
		}
	}
}

// What was forgotten before the answer was lost is counted, and counted once.
func TestForgettingCountsRightWhenAnAnswerIsLost(t *testing.T) {
	t.Parallel()
	const n = 150 // more than one request takes
	for _, after := range []bool{true, false} {
		p, l, beside := through(t, "?timeout=20s")
		for _, id := range decideMany(t, l, n) {
			require.NoError(t, l.Finish(t.Context(), id))
		}
		p.lose("/forgetting/", after, false)
		got, err := l.Forget(t.Context(), 0)
		require.NoError(t, err)
		assert.False(t, p.armed(), "the answer was not lost")
		assert.Equal(t, n, got)
		left, err := beside.Records(t.Context(), uuid.Nil, n)
		require.NoError(t, err)
		assert.Empty(t, left)
	}
}

func TestAnOpeningWhoseAnswerIsLostLeavesOneMark(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{true, false} {
		place := three(t).place()
		p, _, beside := throughAt(t, place, "")
		p.lose("the absent-minded", after, false)
		l, err := etcdlog.Open(t.Context(), "etcd://"+p.address()+prefixOf(place)+"?timeout=20s", etcdlog.Options{Cluster: "bank", By: "the absent-minded"})
		require.NoError(t, err)
		defer l.Close()
		assert.False(t, p.armed(), "the answer was not lost")
		list, err := beside.Openings(t.Context(), 0, 10)
		require.NoError(t, err)
		require.Len(t, list, 3)
		assert.Equal(t, l.Mark(), list[2].Mark)
	}
}
