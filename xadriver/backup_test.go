package xadriver_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/txlog"
	"github.com/xapg/xapg/txlog/sqlitelog"
	"github.com/xapg/xapg/xadriver"
	"github.com/xapg/xapg/xadriver/internal/gid"
)

// backup is a process that shares the log and does nothing but resolve.
func backup(t *testing.T, dsn string) *xadriver.Connector {
	t.Helper()
	cfg, err := xadriver.ParseDSN(dsn)
	require.NoError(t, err)
	cfg.Logger, _ = logged()
	c, err := xadriver.NewConnector(*cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

// leftBy counts the prepared transactions of those whose opening of the log came
// after a given one: of the coordinators that were started since.
func leftBy(ctx context.Context, conns []*pgx.Conn, after int64) (n int, err error) {
	for _, conn := range conns {
		rows, err := conn.Query(ctx, "SELECT gid FROM pg_prepared_xacts WHERE database = current_database()")
		if err != nil {
			return 0, err
		}
		list, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return 0, err
		}
		for _, name := range list {
			if id, err := gid.Parse(name); err == nil && gid.Opening(id.Txn) > after {
				n++
			}
		}
	}
	return n, nil
}

// untilGone measures how long it takes until those have left nothing any more.
func untilGone(t *testing.T, b *bank, after int64) time.Duration {
	t.Helper()
	begin := time.Now()
	var conns []*pgx.Conn
	for _, url := range b.urls {
		conn, err := pgx.Connect(t.Context(), url)
		require.NoError(t, err)
		defer conn.Close(context.Background())
		conns = append(conns, conn)
	}
	for {
		n, err := leftBy(t.Context(), conns, after)
		require.NoError(t, err)
		if n == 0 {
			return time.Since(begin)
		}
		require.Less(t, time.Since(begin), time.Minute, "something stays prepared")
		time.Sleep(5 * time.Millisecond)
	}
}

func distribution(times []time.Duration) string {
	slices.Sort(times)
	at := func(q float64) time.Duration { return times[int(q*float64(len(times)-1))].Round(time.Millisecond) }
	return fmt.Sprintf("%d deaths: min %s, median %s, 90%% %s, max %s", len(times), at(0), at(.5), at(.9), at(1))
}

// A coordinator is killed in every phase while two backups and other programs are at
// work: what it left is ended while it is down, and the others notice nothing.
func TestBackupsEndWhatADeadCoordinatorLeft(t *testing.T) {
	const after = 500 * time.Millisecond
	b := newBank(t, 2, "resolve_after="+after.String(), "resolve_every=300ms", "key.moves=owner")
	db := openDB(t, b.dsn)
	_, err := db.Exec(movesSchema)
	require.NoError(t, err)
	names := owners(t, b)
	backup(t, b.dsn)
	backup(t, b.dsn)
	const opened = 3 // by this process

	history := make(map[string]told)
	var lives int
	stop, stopped := make(chan struct{}), make(chan error, 1)
	go func() {
		for {
			select {
			case <-stop:
				stopped <- nil
				return
			default:
			}
			id := fmt.Sprintf("live-%d", lives)
			// On a machine so busy that a commit takes as long as resolve_after, it is
			// presumed dead and run again: that is no disturbance but the rule.
			err := xadriver.Retry(context.Background(), db, nil, func(tx *sql.Tx) error {
				for _, name := range names {
					if _, err := tx.Exec("INSERT INTO moves VALUES ($1, $2)", name, id); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				stopped <- err
				return
			}
			lives++
		}
	}()

	var undecided, finished []time.Duration
	for i, at := range points([]string{"s1", "s2"}) {
		for try := 0; ; try++ { // so may the child be, and is not killed then
			run := fmt.Sprintf("run%d.%d", i, try)
			if crash(t, b, names, at, run, history) {
				break
			}
			require.True(t, try < 9 && history[run+"-1"] == toldRolledBack, "the child was not killed at %s", at)
		}
		took := untilGone(t, b, opened)
		if decided(at) {
			finished = append(finished, took)
		} else {
			undecided = append(undecided, took)
		}
	}
	close(stop)
	require.NoError(t, <-stopped, "the others went on")
	for i := range lives {
		history[fmt.Sprintf("live-%d", i)] = toldCommitted
	}
	heal(t, b.urls)
	requireWhole(t, b.urls, history)
	t.Logf("resolve_after %s: locks gone after the death of an undecided coordinator, %s", after, distribution(undecided))
	t.Logf("of one that had decided, %s", distribution(finished))
	t.Logf("%d transactions of others went on meanwhile", lives)
}

// Without a backup, the next start ends it.
func TestTheNextStartEndsWhatADeadCoordinatorLeft(t *testing.T) {
	b := newBank(t, 2, "resolve_after=10s", "resolve_every=300ms", "key.moves=owner")
	db := openDB(t, b.dsn)
	_, err := db.Exec(movesSchema)
	require.NoError(t, err)
	names := owners(t, b)
	require.NoError(t, db.Close())
	history := make(map[string]told)
	var took []time.Duration
	for i, at := range []string{"after_prepare/s2", "before_decide", "log.after_commit", "before_finish/s1", "after_finish/s2", "before_forget"} {
		run := fmt.Sprintf("run%d", i)
		require.True(t, crash(t, b, names, at, run, history), at)
		if at != "before_forget" && !strings.HasPrefix(at, "after_") {
			assert.Positive(t, b.prepared(t), "killed at %s, it holds its locks for as long as nobody looks", at)
		}
		cfg, err := xadriver.ParseDSN(b.dsn)
		require.NoError(t, err)
		cfg.Logger, _ = logged()
		c, err := xadriver.NewConnector(*cfg)
		require.NoError(t, err)
		took = append(took, untilGone(t, b, 0))
		require.NoError(t, c.Close())
		there := b.on(t, 0, "SELECT count(*)::text FROM moves WHERE id = $1", run+"-1") == "1"
		assert.Equal(t, decided(at), there, "killed at %s", at)
	}
	requireWhole(t, b.urls, history)
	t.Logf("locks gone after the next start, %s", distribution(took))
}

// A coordinator that was only slow learns that it was presumed dead, and tells its
// application the truth, which can run the transaction again.
func TestASlowCoordinatorIsToldThatItWasPresumedDead(t *testing.T) {
	b := newBank(t, 2, "resolve_after=50ms", "resolve_every=20ms", "key.moves=owner")
	cfg, err := xadriver.ParseDSN(b.dsn)
	require.NoError(t, err)
	var slow atomic.Bool
	asleep, wake := make(chan struct{}), make(chan struct{})
	cfg.Logger, _ = logged()
	cfg.NoResolver = true
	cfg.OnStep = func(s xadriver.Step) {
		if s.Point == xadriver.BeforeDecide && slow.CompareAndSwap(true, false) {
			close(asleep)
			<-wake
		}
	}
	c, err := xadriver.NewConnector(*cfg)
	require.NoError(t, err)
	db := sql.OpenDB(c)
	defer db.Close()
	_, err = db.Exec(movesSchema)
	require.NoError(t, err)
	names := owners(t, b)
	backup(t, b.dsn)

	let := sync.OnceFunc(func() { close(wake) })
	defer let()
	done := make(chan error, 1)
	runs := 0
	slow.Store(true)
	go func() {
		done <- xadriver.Retry(context.Background(), db, nil, func(tx *sql.Tx) error {
			runs++
			for _, name := range names {
				if _, err := tx.Exec("INSERT INTO moves VALUES ($1, 'slow')", name); err != nil {
					return err
				}
			}
			return nil
		})
	}()
	<-asleep
	heal(t, b.urls)
	let()
	require.NoError(t, <-done)
	assert.GreaterOrEqual(t, runs, 2, "nothing of the first run was left, so it was run again")
	heal(t, b.urls) // the backup may have been at it when Commit returned
	requireWhole(t, b.urls, map[string]told{"slow": toldCommitted})

	slow.Store(true)
	asleep, wake = make(chan struct{}), make(chan struct{})
	go func() { done <- move(context.Background(), db, names, "once") }()
	<-asleep
	heal(t, b.urls)
	close(wake)
	err = <-done
	var (
		overruled *xadriver.OverruledError
		aborted   *xadriver.AbortedError
		state     interface{ SQLState() string }
	)
	require.ErrorAs(t, err, &overruled)
	require.ErrorAs(t, err, &aborted, "who looks for the more general error finds it")
	require.ErrorAs(t, err, &state)
	assert.Equal(t, "40001", state.SQLState())
	assert.ElementsMatch(t, []string{"s1", "s2"}, overruled.Shards)
	assert.Equal(t, overruled.ID, aborted.ID)
	assert.False(t, errors.As(err, new(*xadriver.InDoubtError)))
	assert.Equal(t, "0", b.on(t, 0, "SELECT count(*)::text FROM moves WHERE id = 'once'"))
}

// refusingLog is a log that stores nothing for a while.
type refusingLog struct {
	txlog.Log
	full atomic.Bool
}

func (l *refusingLog) Decide(ctx context.Context, id uuid.UUID, want txlog.Outcome, participants []txlog.Participant) (txlog.Outcome, error) {
	if l.full.Load() {
		return txlog.Unknown, fmt.Errorf("%w: disk full", txlog.ErrNotStored)
	}
	return l.Log.Decide(ctx, id, want, participants)
}

func TestWhatIsInDoubtForTooLongRaisesAnAlarm(t *testing.T) {
	b := newBank(t, 2, "resolve_after=1h", "resolve_every=20ms", "alarm_after=50ms", "key.moves=owner")
	db := openDB(t, b.dsn)
	_, err := db.Exec(movesSchema)
	require.NoError(t, err)
	names := owners(t, b)
	require.NoError(t, db.Close())
	require.True(t, crash(t, b, names, "before_decide", "run", make(map[string]told)))
	cfg, err := xadriver.ParseDSN(b.dsn)
	require.NoError(t, err)
	inner, err := sqlitelog.Open(t.Context(), b.log, sqlitelog.Options{Cluster: "bank"})
	require.NoError(t, err)
	full := &refusingLog{Log: inner}
	full.full.Store(true)
	logger, said := logged()
	cfg.Logger, cfg.DecisionLog = logger, full
	c, err := xadriver.NewConnector(*cfg)
	require.NoError(t, err)
	each := func(f func(xadriver.RecoveryStats) bool) func() bool {
		return func() bool {
			return !slices.ContainsFunc(c.Stats().Recovery, func(s xadriver.RecoveryStats) bool { return !f(s) })
		}
	}
	require.Eventually(t, each(func(s xadriver.RecoveryStats) bool { return s.Alarms >= 1 && s.Overdue == 1 }), time.Minute, 5*time.Millisecond)
	full.full.Store(false)
	_, err = c.Resolve(t.Context(), 0)
	require.NoError(t, err)
	require.Eventually(t, each(func(s xadriver.RecoveryStats) bool { return s.Overdue == 0 && s.InDoubt == 0 }), time.Minute, 5*time.Millisecond)
	require.NoError(t, c.Close())
	require.NoError(t, inner.Close())
	assert.Contains(t, said.String(), "a transaction is in doubt for too long")
	assert.Contains(t, said.String(), "no longer in doubt")
	heal(t, b.urls)
}
