package sqlitelog

import (
	"context"
	"database/sql"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/xapg/xapg/txlog"
)

var shards = named("athos", "porthos")

// named makes participants of which no votes are known.
func named(names ...string) []txlog.Participant {
	list := make([]txlog.Participant, len(names))
	for i, name := range names {
		list[i].Name = name
	}
	return list
}

func openHooked(t testing.TB, hook func(point string)) *Log {
	t.Helper()
	l, err := Open(t.Context(), filepath.Join(t.TempDir(), "log.db"), Options{Cluster: "bank", Hook: hook})
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// stranger opens the file as another program would.
func stranger(t testing.TB, l *Log) *sql.Conn {
	t.Helper()
	db, err := sql.Open("sqlite", dsn(l.path, ""))
	require.NoError(t, err)
	conn, err := db.Conn(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() {
		_ = conn.Close()
		_ = db.Close()
	})
	return conn
}

func exec(t testing.TB, conn *sql.Conn, statement string) {
	t.Helper()
	_, err := conn.ExecContext(context.Background(), statement)
	require.NoError(t, err)
}

func soon(t testing.TB, condition func() bool, what string) {
	t.Helper()
	require.Eventually(t, condition, 20*time.Second, time.Millisecond, what)
}

func TestWhatWaitsSharesOneTransaction(t *testing.T) {
	var commits atomic.Int32
	held, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	l := openHooked(t, func(point string) {
		switch point {
		case "log.before_commit":
			once.Do(func() {
				close(held)
				<-release
			})
		case "log.after_commit":
			commits.Add(1)
		}
	})
	var wg sync.WaitGroup
	decide := func() {
		wg.Go(func() {
			_, err := l.Decide(t.Context(), uuid.New(), txlog.Commit, shards)
			assert.NoError(t, err)
		})
	}
	decide()
	<-held
	for range 50 {
		decide()
	}
	soon(t, func() bool { return l.queue.Len() == 50 }, "all should wait")
	close(release)
	wg.Wait()
	assert.EqualValues(t, 2, commits.Load(), "the first has one to itself, the rest shares the next")
}

func TestContextNoLongerMattersOnceTheDecisionIsTakenUp(t *testing.T) {
	for _, point := range []string{"log.before_insert", "log.before_commit", "log.after_commit"} {
		t.Run(point, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			l := openHooked(t, func(at string) {
				if at == point {
					cancel()
				}
			})
			id := uuid.New()
			got, err := l.Decide(ctx, id, txlog.Commit, shards)
			require.NoError(t, err)
			assert.Equal(t, txlog.Commit, got)
			d, err := l.Lookup(t.Context(), id)
			require.NoError(t, err)
			assert.Equal(t, txlog.Commit, d.Outcome)
		})
	}
}

func TestDecisionCanBeWithdrawnWhileAnotherProcessHoldsTheLock(t *testing.T) {
	l := openHooked(t, nil)
	other := stranger(t, l)
	exec(t, other, "BEGIN IMMEDIATE")
	ctx, cancel := context.WithCancel(t.Context())
	id, kept := uuid.New(), uuid.New()
	withdrawn, stored := make(chan error), make(chan error)
	go func() {
		_, err := l.Decide(ctx, id, txlog.Commit, shards)
		withdrawn <- err
	}()
	go func() {
		_, err := l.Decide(t.Context(), kept, txlog.Commit, shards)
		stored <- err
	}()
	soon(t, func() bool { return l.queue.Len() == 2 }, "both should wait")
	cancel()
	err := <-withdrawn
	assert.ErrorIs(t, err, txlog.ErrNotStored)
	assert.ErrorIs(t, err, context.Canceled)
	exec(t, other, "ROLLBACK")
	require.NoError(t, <-stored)
	_, err = l.Lookup(t.Context(), id)
	assert.ErrorIs(t, err, txlog.ErrNoDecision)
	_, err = l.Lookup(t.Context(), kept)
	assert.NoError(t, err)
}

func TestLockThatIsNotReleasedIsReported(t *testing.T) {
	l := openHooked(t, nil)
	before := busyWait
	busyWait = 50 * time.Millisecond
	t.Cleanup(func() { busyWait = before })
	known := uuid.New()
	_, err := l.Decide(t.Context(), known, txlog.Abort, shards)
	require.NoError(t, err)

	other := stranger(t, l)
	exec(t, other, "BEGIN IMMEDIATE")
	id := uuid.New()
	_, err = l.Decide(t.Context(), id, txlog.Commit, shards)
	assert.ErrorIs(t, err, txlog.ErrNotStored)
	assert.ErrorContains(t, err, "locked")
	got, err := l.Decide(t.Context(), known, txlog.Commit, shards)
	require.NoError(t, err, "what is known can be told all the same")
	assert.Equal(t, txlog.Abort, got)

	exec(t, other, "ROLLBACK")
	_, err = l.Lookup(t.Context(), id)
	assert.ErrorIs(t, err, txlog.ErrNoDecision)
	got, err = l.Decide(t.Context(), id, txlog.Commit, shards)
	require.NoError(t, err)
	assert.Equal(t, txlog.Commit, got)
}

func TestFinishIsStoredWithoutFurtherDecisions(t *testing.T) {
	l := openHooked(t, nil)
	beside, err := Open(t.Context(), l.path, Options{Cluster: "bank"})
	require.NoError(t, err)
	defer beside.Close()
	id := uuid.New()
	_, err = l.Decide(t.Context(), id, txlog.Commit, shards)
	require.NoError(t, err)
	require.NoError(t, l.Finish(t.Context(), id))
	soon(t, func() bool {
		d, err := beside.Lookup(t.Context(), id)
		return err == nil && d.Finished
	}, "the other opening should see it")
	soon(t, func() bool { return len(l.finishes.snapshot()) == 0 }, "nothing should wait any more")
}

func TestFinishThatCouldNotBeStoredIsTriedAgain(t *testing.T) {
	l := openHooked(t, nil)
	id := uuid.New()
	_, err := l.Decide(t.Context(), id, txlog.Commit, shards)
	require.NoError(t, err)
	exec(t, l.session.conn, "PRAGMA query_only = 1")
	require.NoError(t, l.Finish(t.Context(), id))
	_, err = l.Forget(t.Context(), 0)
	require.ErrorContains(t, err, "read-only")
	d, err := l.Lookup(t.Context(), id)
	require.NoError(t, err)
	assert.True(t, d.Finished, "this opening knows")
	list, err := l.Unfinished(t.Context(), uuid.Nil, 10)
	require.NoError(t, err)
	assert.Empty(t, list)

	exec(t, l.session.conn, "PRAGMA query_only = 0")
	n, err := l.Forget(t.Context(), 0)
	require.NoError(t, err)
	assert.Equal(t, 1, n)
	require.NoError(t, l.Close())
}

func TestCloseTellsWhatCouldNotBeStored(t *testing.T) {
	l := openHooked(t, nil)
	id := uuid.New()
	_, err := l.Decide(t.Context(), id, txlog.Commit, shards)
	require.NoError(t, err)
	exec(t, l.session.conn, "PRAGMA query_only = 1")
	require.NoError(t, l.Finish(t.Context(), id))
	assert.ErrorContains(t, l.Close(), "read-only")

	again, err := Open(t.Context(), l.path, Options{Cluster: "bank"})
	require.NoError(t, err)
	defer again.Close()
	list, err := again.Unfinished(t.Context(), uuid.Nil, 10)
	require.NoError(t, err)
	require.Len(t, list, 1, "recovery will finish it again")
	assert.Equal(t, id, list[0].ID)
}

func TestCloseAnswersWhatWaits(t *testing.T) {
	held, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	l := openHooked(t, func(string) {
		once.Do(func() {
			close(held)
			<-release
		})
	})
	errs := make(chan error)
	decide := func() {
		_, err := l.Decide(t.Context(), uuid.New(), txlog.Commit, shards)
		errs <- err
	}
	go decide()
	<-held
	go decide()
	soon(t, func() bool { return l.queue.Len() == 1 }, "the second should wait")
	closed := make(chan error)
	go func() { closed <- l.Close() }()
	soon(t, l.queue.Closed, "closing should have begun")
	close(release)
	assert.NoError(t, <-errs)
	assert.NoError(t, <-errs)
	assert.NoError(t, <-closed)
}

func TestWriterFlushesEveryCommit(t *testing.T) {
	l := openHooked(t, nil)
	check := func() {
		var mode string
		var synchronous int
		require.NoError(t, l.session.conn.QueryRowContext(t.Context(), "PRAGMA journal_mode").Scan(&mode))
		require.NoError(t, l.session.conn.QueryRowContext(t.Context(), "PRAGMA synchronous").Scan(&synchronous))
		assert.Equal(t, "wal", mode)
		assert.Equal(t, 2, synchronous, "2 is FULL")
	}
	check()

	// A connection that is stuck in a transaction is replaced, by one that flushes, too.
	stuck := l.session
	exec(t, stuck.conn, "BEGIN IMMEDIATE")
	id := uuid.New()
	got, err := l.Decide(t.Context(), id, txlog.Commit, shards)
	require.NoError(t, err)
	assert.Equal(t, txlog.Commit, got)
	require.NotSame(t, stuck, l.session)
	check()
	_, err = l.Lookup(t.Context(), id)
	assert.NoError(t, err)
}

func TestLogCanBeOpenedWhileItIsBusy(t *testing.T) {
	l := openHooked(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for ctx.Err() == nil {
				if _, err := l.Decide(t.Context(), uuid.New(), txlog.Commit, shards); !assert.NoError(t, err) {
					return
				}
			}
		})
	}
	defer wg.Wait()
	defer cancel()
	for range 10 {
		other, err := Open(t.Context(), l.path, Options{Cluster: "bank"})
		require.NoError(t, err)
		_, err = other.Decide(t.Context(), uuid.New(), txlog.Abort, shards)
		assert.NoError(t, err)
		require.NoError(t, other.Close())
	}
}
