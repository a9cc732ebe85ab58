package etcdlog_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/xapg/xapg/txlog"
)

// What loses members has a cluster of its own, and happens one after the other.
func TestMembersComeAndGo(t *testing.T) { //nolint:tparallel // one after the other
	t.Parallel()
	c, err := startCluster(3)
	require.NoError(t, err)
	t.Cleanup(c.close)
	for _, sub := range []struct {
		name string
		test func(*testing.T, *cluster)
	}{
		{"the log goes on without one member", withoutOne},
		{"no decision is lost when all members are", withoutAll},
		{"a minority answers nothing", minority},
		{"calls may turn back while nobody answers", turnBack},
		{"a backup finishes what a dead coordinator has left", backup},
		{"connectors go on", connectors},
	} {
		t.Run(sub.name, func(t *testing.T) { sub.test(t, c) })
	}
}

// losses are the ways in which a member is lost.
var losses = map[string]func(*member){
	"stopped": (*member).stop,
	"killed":  (*member).kill,
	"frozen":  (*member).freeze,
}

// back brings all members back, and waits until they have a leader.
func (c *cluster) back(t testing.TB) {
	t.Helper()
	for _, m := range c.members {
		if m.running {
			m.thaw()
		}
	}
	require.NoError(t, c.start())
	c.leader(t)
}

func withoutOne(t *testing.T, c *cluster) {
	for what, lose := range losses {
		for _, role := range []string{"a follower", "the leader"} {
			if what == "stopped" && role == "the leader" {
				continue // it hands over, and nobody notices
			}
			t.Run(role+" is "+what, func(t *testing.T) {
				defer c.back(t)
				place := c.place() + "?timeout=4s"
				l := openLog(t, place)
				before := []uuid.UUID{commit(t, l), commit(t, l)}

				victim, others := c.leader(t)
				if role == "a follower" {
					victim = others[0]
				}
				lose(victim)
				ids := decideMany(t, l, 20)
				requireDecided(t, l, append(before, ids...)...)
				require.NoError(t, l.Finish(t.Context(), ids[0]))

				later := openLog(t, place)
				requireDecided(t, later, append(before, ids...)...)
				got, err := later.Decide(t.Context(), ids[1], txlog.Abort, shards)
				require.NoError(t, err)
				assert.Equal(t, txlog.Commit, got)

				c.back(t)
				requireDecided(t, l, append(ids, commit(t, l))...)
			})
		}
	}
}

// decideMany decides from several goroutines, while a member is lost. A decision whose
// answer was lost is asked for again, as a coordinator does.
func decideMany(t *testing.T, l txlog.Log, n int) []uuid.UUID {
	t.Helper()
	ids := make([]uuid.UUID, n)
	errs := make([]error, n)
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := g; i < n; i += 4 {
				ids[i] = newID()
				for range 5 {
					var got txlog.Outcome
					got, errs[i] = l.Decide(t.Context(), ids[i], txlog.Commit, shards)
					if errs[i] == nil && got != txlog.Commit {
						errs[i] = fmt.Errorf("got %v", got)
					}
					if errs[i] == nil {
						break
					}
				}
			}
		})
	}
	wg.Wait()
	require.NoError(t, errors.Join(errs...))
	return ids
}

func withoutAll(t *testing.T, c *cluster) {
	defer c.back(t)
	place := c.place()
	patient, l := openLog(t, place), opened(t, place+"?timeout=500ms", "bank")
	ids := decideMany(t, patient, 50)
	require.NoError(t, patient.Finish(t.Context(), ids[0]))
	for _, m := range c.members {
		m.kill()
	}

	_, err := l.Lookup(t.Context(), ids[0])
	require.Error(t, err)
	assert.NotErrorIs(t, err, txlog.ErrNoDecision)
	assert.ErrorContains(t, err, "most of the cluster's members must run")
	_, err = l.Unfinished(t.Context(), uuid.Nil, 10)
	require.Error(t, err)
	_, err = open(t.Context(), place+"?timeout=500ms", "bank")
	require.ErrorContains(t, err, "most of the cluster's members must run")

	// Nobody was there to hear the second one.
	_, err = l.Decide(t.Context(), newID(), txlog.Commit, shards)
	require.Error(t, err)
	late := newID()
	_, err = l.Decide(t.Context(), late, txlog.Commit, shards)
	require.ErrorIs(t, err, txlog.ErrNotStored)

	c.back(t)
	requireDecided(t, patient, ids...)
	_, err = patient.Lookup(t.Context(), late)
	require.ErrorIs(t, err, txlog.ErrNoDecision)
	require.Eventually(t, func() bool {
		_, err := l.Decide(t.Context(), newID(), txlog.Commit, shards)
		return err == nil
	}, patience, pause, "the other one should be connected again, too")
	requireDecided(t, openLog(t, place), append(ids, commit(t, patient))...)
}

func minority(t *testing.T, c *cluster) {
	for _, role := range []string{"a follower", "the leader"} {
		t.Run(role, func(t *testing.T) {
			defer c.back(t)
			lonely, others := c.leader(t)
			rest := others
			if role == "a follower" {
				lonely, rest = others[0], []*member{lonely, others[1]}
			}
			place := c.place()
			whole := openLog(t, place)
			ids := []uuid.UUID{commit(t, whole)}
			alone := opened(t, (&cluster{scheme: c.scheme, members: []*member{lonely}}).url(prefixOf(place))+"?timeout=600ms", "bank")
			require.Equal(t, txlog.Commit, becomesStored(t, alone, ids[0]).Outcome)

			for _, m := range rest {
				m.freeze()
			}
			open := newID()
			_, err := alone.Decide(t.Context(), open, txlog.Commit, shards)
			require.Error(t, err)
			assert.NotErrorIs(t, err, txlog.ErrNotStored, "it was sent, and may yet be stored")
			late := newID()
			_, err = alone.Decide(t.Context(), late, txlog.Commit, shards)
			assert.ErrorIs(t, err, txlog.ErrNotStored, "it was not sent")
			_, err = alone.Lookup(t.Context(), ids[0])
			require.Error(t, err, "what a member remembers is not what is stored")
			assert.NotErrorIs(t, err, txlog.ErrNoDecision)
			_, err = alone.Records(t.Context(), uuid.Nil, 10)
			require.Error(t, err)
			known, err := alone.HasMark(t.Context(), whole.Mark())
			require.Error(t, err)
			require.False(t, known)

			// Whichever way the open one goes, all are told the same, for good.
			c.back(t)
			got, err := whole.Decide(t.Context(), open, txlog.Abort, shards)
			require.NoError(t, err)
			var again txlog.Outcome
			require.Eventually(t, func() bool {
				again, err = alone.Decide(t.Context(), open, txlog.Commit, shards)
				return err == nil
			}, patience, pause)
			assert.Equal(t, got, again)
			_, err = whole.Lookup(t.Context(), late)
			assert.ErrorIs(t, err, txlog.ErrNoDecision)
			requireDecided(t, whole, ids...)
		})
	}
}

// Those who wait while nobody answers may turn back, and have then stored nothing.
func turnBack(t *testing.T, c *cluster) {
	defer c.back(t)
	place := c.place()
	commit(t, openLog(t, place))
	l := opened(t, place+"?timeout=1s", "bank")
	for _, m := range c.members {
		m.kill()
	}
	_, err := l.Decide(t.Context(), newID(), txlog.Commit, shards)
	require.Error(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), pause)
	defer cancel()
	id := newID()
	_, err = l.Decide(ctx, id, txlog.Commit, shards)
	require.ErrorIs(t, err, txlog.ErrNotStored)
	require.NoError(t, l.Finish(t.Context(), newID()))
	c.back(t)
	require.Eventually(t, func() bool {
		_, err := l.Lookup(t.Context(), id)
		return errors.Is(err, txlog.ErrNoDecision)
	}, patience, pause)
}
