package pglog_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/xapg/xapg/txlog"
	"github.com/xapg/xapg/txlog/pglog"
	"github.com/xapg/xapg/xadriver/xatest"
)

// pair is a primary and its standby, and a URL that leads to both.
func pair(t *testing.T, synchronous bool) (primary, standby *xatest.Server, url string) {
	t.Helper()
	primary = xatest.Start(t, xatest.Names("primary")).Shards[0]
	standby, err := primary.AddStandby(t.Context(), "standby")
	require.NoError(t, err)
	if synchronous {
		exec(t, primary, "ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()")
		require.Eventually(t, func() bool { return synchronized(t, primary) }, time.Minute, 20*time.Millisecond)
	}
	first, _, _ := strings.Cut(primary.DSN(), "/postgres?")
	return primary, standby, first + "," + strings.TrimPrefix(standby.DSN(), "postgres://postgres@") + "&connect_timeout=2"
}

func exec(t testing.TB, s *xatest.Server, statements ...string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.DSN())
	require.NoError(t, err)
	defer conn.Close(context.Background())
	for _, text := range statements {
		_, err = conn.Exec(t.Context(), text)
		require.NoError(t, err, text)
	}
}

func synchronized(t testing.TB, s *xatest.Server) (ok bool) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.DSN())
	require.NoError(t, err)
	defer conn.Close(context.Background())
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT EXISTS (SELECT FROM pg_stat_replication WHERE sync_state = 'sync')").Scan(&ok))
	return ok
}

// history is what callers were told.
type history struct {
	mu   sync.Mutex
	told map[uuid.UUID][]txlog.Outcome
	none map[uuid.UUID]int // how often somebody was told that nothing was stored
	open int               // errors that leave it open
	n    int               // answers
}

func (h *history) note(id uuid.UUID, got txlog.Outcome, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case err == nil:
		h.told[id] = append(h.told[id], got)
		h.n++
	case errors.Is(err, txlog.ErrNotStored):
		h.none[id]++
	default:
		h.open++
	}
}

func (h *history) answers() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.n
}

func TestAFailoverLosesNoDecision(t *testing.T) {
	t.Parallel()
	primary, standby, url := pair(t, true)
	var logs []*pglog.Log
	for range 2 {
		l, err := pglog.Open(t.Context(), url, pglog.Options{Cluster: "bank", Logger: quiet})
		require.NoError(t, err)
		defer l.Close()
		logs = append(logs, l)
	}
	warnings := warned(t, logs[0])
	assert.True(t, warnings["synchronous standby"].OK, warnings["synchronous standby"].Note)
	assert.Contains(t, warnings["synchronous standby"].Note, "1 connected")

	h := history{told: make(map[uuid.UUID][]txlog.Outcome), none: make(map[uuid.UUID]int)}
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				// Two coordinators, and often two minds.
				id := newID()
				var both sync.WaitGroup
				for _, l := range logs {
					both.Go(func() {
						got, err := l.Decide(context.Background(), id, txlog.Outcome(1+rand.IntN(2)), shards)
						h.note(id, got, err)
					})
				}
				both.Wait()
			}
		})
	}
	require.Eventually(t, func() bool { return h.answers() > 500 }, time.Minute, time.Millisecond)
	require.NoError(t, primary.Stop(t.Context(), xatest.Immediate))
	exec(t, standby, "ALTER SYSTEM RESET synchronous_standby_names")
	require.NoError(t, standby.Promote(t.Context()))
	before := h.answers()
	require.Eventually(t, func() bool { return h.answers() > before+500 }, time.Minute, time.Millisecond, "deciding goes on")
	close(done)
	wg.Wait()

	later := openLog(t, url)
	for id, told := range h.told {
		d, err := later.Lookup(t.Context(), id)
		require.NoError(t, err, "an acknowledged decision is lost")
		for _, got := range told {
			require.Equal(t, d.Outcome, got, "somebody was told something else than what is stored")
		}
	}
	for id, n := range h.none {
		if _, err := later.Lookup(t.Context(), id); n == len(logs) {
			require.ErrorIs(t, err, txlog.ErrNoDecision, "all were told that nothing was stored")
		}
	}
	t.Logf("%d answers on %d transactions, %d of them after the failover; %d not stored, %d left open",
		h.n, len(h.told), h.n-before, len(h.none), h.open)
}

// A standby that is not synchronous may lose what was acknowledged: then the log must
// not go on as if nothing had been.
func TestAFailoverThatLosesDecisionsIsNoticed(t *testing.T) {
	t.Parallel()
	primary, standby, url := pair(t, false)
	l, err := pglog.Open(t.Context(), url, pglog.Options{Cluster: "bank", Logger: quiet})
	require.NoError(t, err)
	defer l.Close()
	assert.False(t, warned(t, l)["synchronous standby"].OK)
	kept := newID()
	_, err = l.Decide(t.Context(), kept, txlog.Commit, shards)
	require.NoError(t, err)
	caughtUp(t, primary, standby)
	require.NoError(t, standby.Stop(t.Context(), xatest.Fast))
	lost := newID()
	_, err = l.Decide(t.Context(), lost, txlog.Commit, shards)
	require.NoError(t, err)
	require.NoError(t, primary.Stop(t.Context(), xatest.Immediate))
	require.NoError(t, standby.Start(t.Context()))
	require.NoError(t, standby.Promote(t.Context()))

	_, err = l.Decide(t.Context(), lost, txlog.Abort, shards)
	var damaged *txlog.DamagedError
	require.ErrorAs(t, err, &damaged)
	assert.ErrorContains(t, err, "lacks 1 of the latest decisions")
	_, err = l.Decide(t.Context(), newID(), txlog.Commit, shards)
	assert.ErrorAs(t, err, &damaged, "nothing else is decided either")
	assert.ErrorIs(t, err, txlog.ErrNotStored)
	_, err = pglog.Open(t.Context(), url, pglog.Options{Cluster: "bank"})
	assert.ErrorAs(t, err, &damaged, "nor by others")
	assert.ErrorAs(t, l.Seal(t.Context(), "elsewhere"), &damaged, "nor is it moved")
	d, err := l.Lookup(t.Context(), kept)
	require.NoError(t, err, "what is there can be read")
	assert.Equal(t, txlog.Commit, d.Outcome)
}

func caughtUp(t *testing.T, primary, standby *xatest.Server) {
	t.Helper()
	var at string
	conn, err := pgx.Connect(t.Context(), primary.DSN())
	require.NoError(t, err)
	defer conn.Close(context.Background())
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT pg_current_wal_lsn()::text").Scan(&at))
	replica, err := pgx.Connect(t.Context(), standby.DSN())
	require.NoError(t, err)
	defer replica.Close(context.Background())
	require.Eventually(t, func() bool {
		var done bool
		require.NoError(t, replica.QueryRow(t.Context(), "SELECT pg_last_wal_replay_lsn() >= $1::text::pg_lsn", at).Scan(&done))
		return done
	}, time.Minute, 20*time.Millisecond)
}

func warned(t *testing.T, l *pglog.Log) map[string]txlog.Warning {
	t.Helper()
	list, err := l.Check(t.Context())
	require.NoError(t, err)
	found := make(map[string]txlog.Warning)
	for _, w := range list {
		found[w.What] = w
	}
	return found
}
