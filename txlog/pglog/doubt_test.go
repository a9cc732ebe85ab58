package pglog_test

import (
	"context"
	"errors"
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

// One that cannot be stored is not in the others' way.
func TestNamesThatCannotBeStoredAreRefusedAlone(t *testing.T) {
	l := openLog(t, fresh(t))
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			name := "athos"
			if i%4 == 0 {
				name = []string{"a\x00b", "\xff"}[i/4%2]
			}
			_, err := l.Decide(t.Context(), newID(), txlog.Commit, named(name))
			if i%4 == 0 {
				assert.ErrorIs(t, err, txlog.ErrNotStored)
			} else {
				assert.NoError(t, err)
			}
		})
	}
	wg.Wait()
}

// While no server can be reached, nothing is taken up, and the context ends the wait.
func TestNothingIsStoredWhileTheServerIsAway(t *testing.T) {
	t.Parallel()
	server := xatest.Start(t, xatest.Names("log")).Shards[0]
	place := schemaOn(server)
	l, patient := opened(t, place+"&answer_timeout=1s", "bank"), opened(t, place, "bank")
	require.NoError(t, server.Stop(t.Context(), xatest.Immediate))
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	id := newID()
	_, err := patient.Decide(ctx, id, txlog.Commit, shards)
	require.ErrorIs(t, err, txlog.ErrNotStored)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	_, err = l.Decide(t.Context(), id, txlog.Commit, shards)
	require.ErrorIs(t, err, txlog.ErrNotStored, "after answer_timeout")
	_, err = l.Lookup(t.Context(), id)
	require.Error(t, err)
	require.NotErrorIs(t, err, txlog.ErrNoDecision)

	require.NoError(t, server.Start(t.Context()))
	var got txlog.Outcome
	require.Eventually(t, func() bool {
		got, err = l.Decide(t.Context(), id, txlog.Abort, shards)
		return err == nil
	}, time.Minute, 10*time.Millisecond, "it goes on by itself")
	assert.Equal(t, txlog.Abort, got)
	var d txlog.Decision
	require.Eventually(t, func() bool {
		d, err = l.Lookup(t.Context(), id)
		return err == nil
	}, time.Minute, 10*time.Millisecond)
	assert.Equal(t, txlog.Abort, d.Outcome)
}

// A restart of the server is a pause.
func TestARestartOfTheServerIsOnlyAPause(t *testing.T) {
	t.Parallel()
	server := xatest.Start(t, xatest.Names("log")).Shards[0]
	l, err := pglog.Open(t.Context(), schemaOn(server), pglog.Options{Cluster: "bank", Logger: quiet})
	require.NoError(t, err)
	defer l.Close()
	var wg sync.WaitGroup
	done := make(chan struct{})
	var mu sync.Mutex
	told := make(map[uuid.UUID]txlog.Outcome)
	for i := range 4 {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				id, want := newID(), txlog.Outcome(1+i%2)
				got, err := l.Decide(t.Context(), id, want, shards)
				if assert.NoError(t, err) {
					assert.Equal(t, want, got)
				}
				mu.Lock()
				told[id] = got
				mu.Unlock()
			}
		})
	}
	for _, mode := range []xatest.Mode{xatest.Immediate, xatest.Fast} {
		require.NoError(t, server.Restart(t.Context(), mode))
		mu.Lock()
		n := len(told)
		mu.Unlock()
		require.Eventually(t, func() bool { mu.Lock(); defer mu.Unlock(); return len(told) > n+50 }, time.Minute, time.Millisecond)
	}
	close(done)
	wg.Wait()
	for id, got := range told {
		d, err := l.Lookup(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, got, d.Outcome)
	}
}

// A session that was lost may be stuck with what was decided there, and in the way of
// whoever asks again: it is ended.
func TestALostSessionIsEndedBeforeItIsAskedAgain(t *testing.T) {
	server := cluster.Shards[0]
	place := fresh(t)
	p, err := xatest.NewProxy(strings.TrimPrefix(strings.TrimSuffix(server.DSN(), "/postgres?sslmode=disable"), "postgres://postgres@"))
	require.NoError(t, err)
	defer p.Close()
	l, err := pglog.Open(t.Context(), p.Rewrite(place), pglog.Options{Cluster: "bank", Logger: quiet})
	require.NoError(t, err)
	defer l.Close()
	require.NoError(t, decide(t, l, newID()))
	// Whoever locks the table lets the writer wait on the server, where it stays.
	conn, err := pgx.Connect(t.Context(), server.DSN())
	require.NoError(t, err)
	defer conn.Close(context.Background())
	tx, err := conn.Begin(t.Context())
	require.NoError(t, err)
	schema := strings.ReplaceAll(place[strings.LastIndex(place, "=")+1:], "%20", " ")
	_, err = tx.Exec(t.Context(), "LOCK TABLE "+pgx.Identifier{schema, "decision"}.Sanitize()+" IN EXCLUSIVE MODE")
	require.NoError(t, err)
	id := newID()
	answer := make(chan error, 1)
	go func() { answer <- decide(t, l, id) }()
	waiting := func() string {
		return sessions(t, `SELECT coalesce(string_agg(application_name, ','), '') FROM pg_stat_activity
			WHERE wait_event_type = 'Lock' AND application_name LIKE 'xapg decision log%'`)
	}
	require.Eventually(t, func() bool { return waiting() != "" }, time.Minute, 5*time.Millisecond)
	first := waiting()
	p.Refuse(true) // nor can it be cancelled
	p.Cut()
	time.Sleep(300 * time.Millisecond)
	p.Refuse(false)
	require.Eventually(t, func() bool { now := waiting(); return now != "" && !strings.Contains(now, first) }, time.Minute, 5*time.Millisecond,
		"the new session waits, the old one is gone")
	require.NoError(t, tx.Rollback(t.Context()))
	require.NoError(t, <-answer)
}

func decide(t *testing.T, l *pglog.Log, id uuid.UUID) error {
	got, err := l.Decide(t.Context(), id, txlog.Commit, shards)
	if err == nil && got != txlog.Commit {
		err = errors.New("it was decided otherwise")
	}
	return err
}

// A commit whose wait for the standby was cancelled is on the primary only. Nobody may
// be told of it before it is on the standby, too.
func TestACancelledWaitForTheStandbyIsNoAnswer(t *testing.T) {
	t.Parallel()
	primary, standby, _ := pair(t, true)
	place := schemaOn(primary)
	l, err := pglog.Open(t.Context(), place, pglog.Options{Cluster: "bank", Logger: quiet})
	require.NoError(t, err)
	defer l.Close()
	other, err := pglog.Open(t.Context(), place, pglog.Options{Cluster: "bank", Logger: quiet})
	require.NoError(t, err)
	defer other.Close()
	require.NoError(t, decide(t, l, newID()))

	require.NoError(t, standby.Freeze())
	id := newID()
	answer := make(chan error, 1)
	go func() { answer <- decide(t, l, id) }()
	waiting := func() (n int) {
		conn, err := pgx.Connect(t.Context(), primary.DSN())
		require.NoError(t, err)
		defer conn.Close(context.Background())
		require.NoError(t, conn.QueryRow(t.Context(), "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'SyncRep'").Scan(&n))
		return n
	}
	require.Eventually(t, func() bool { return waiting() > 0 }, time.Minute, 5*time.Millisecond)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err = other.Lookup(ctx, id)
	assert.Error(t, err, "it cannot be told before the standby has it")
	select {
	case err := <-answer:
		require.FailNow(t, "it was answered while the standby did not have it", "%v", err)
	case <-time.After(100 * time.Millisecond):
	}
	require.NoError(t, standby.Thaw())
	require.NoError(t, <-answer)
	d, err := other.Lookup(t.Context(), id)
	require.NoError(t, err)
	assert.Equal(t, txlog.Commit, d.Outcome)
}
