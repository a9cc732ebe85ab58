package xadriver_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/txlog"
	"github.com/xapg/xapg/txlog/sqlitelog"
	"github.com/xapg/xapg/xadriver"
	"github.com/xapg/xapg/xadriver/internal/commit"
	"github.com/xapg/xapg/xadriver/internal/resolve"
	"github.com/xapg/xapg/xadriver/internal/shard"
)

// Negative controls: each takes one safety rule out, and shows that the checks
// that the other tests rely on then find a transaction that is not whole.

// fullLog is a decision log whose disk may be full.
type fullLog struct {
	txlog.Log
	full atomic.Bool
}

func (l *fullLog) Decide(ctx context.Context, id uuid.UUID, want txlog.Outcome, shards []txlog.Participant) (txlog.Outcome, error) {
	if l.full.Load() {
		return txlog.Unknown, diskFull{}
	}
	return l.Log.Decide(ctx, id, want, shards)
}

type diskFull struct{}

func (diskFull) Error() string { return "the disk is full" }
func (diskFull) Unwrap() error { return txlog.ErrNotStored }

// forgetful is a register that can be written twice.
type forgetful struct{ txlog.Log }

func (l forgetful) Decide(ctx context.Context, id uuid.UUID, want txlog.Outcome, shards []txlog.Participant) (txlog.Outcome, error) {
	if _, err := l.Log.Decide(ctx, id, want, shards); err != nil {
		return txlog.Unknown, err
	}
	return want, nil
}

func (l forgetful) Lookup(context.Context, uuid.UUID) (txlog.Decision, error) {
	return txlog.Decision{}, txlog.ErrNoDecision
}

func TestControlARegisterThatIsWrittenTwiceBreaksTransactions(t *testing.T) {
	for _, c := range []struct {
		name string
		wrap func(txlog.Log) txlog.Log
		good bool
	}{
		{"written once", func(l txlog.Log) txlog.Log { return l }, true},
		{"written twice", func(l txlog.Log) txlog.Log { return forgetful{l} }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBank(t, 2, fast...)
			open := func(s *stepper, change func(*xadriver.Config)) *sql.DB {
				log, err := sqlitelog.Open(t.Context(), b.log, sqlitelog.Options{Cluster: "bank"})
				require.NoError(t, err)
				t.Cleanup(func() { _ = log.Close() })
				return openStepped(t, b.dsn, s, func(cfg *xadriver.Config) {
					cfg.DecisionLog = c.wrap(log)
					change(cfg)
				})
			}
			s := &stepper{}
			db := open(s, func(cfg *xadriver.Config) { cfg.NoResolver = true })
			_, err := db.Exec(movesSchema)
			require.NoError(t, err)
			names := owners(t, b)
			// A backup takes the coordinator for dead and rolls back on one shard; the
			// other cannot be reached, or the coordinator would notice.
			s.arm(string(xadriver.BeforeDecide), func() {
				log, err := sqlitelog.Open(context.Background(), b.log, sqlitelog.Options{Cluster: "bank"})
				assert.NoError(t, err)
				defer log.Close()
				backup := resolver(t, b, c.wrap(log), 0)
				for _, r := range backup.Once(context.Background(), 0) {
					assert.NoError(t, r.Err)
				}
			})
			what := tellOf(move(t.Context(), db, names, "slow"))
			bad := violations(t, b.urls, map[string]told{"slow": what})
			assert.Equal(t, c.good, len(bad) == 0, "%v", bad)
		})
	}
}

// resolver is a backup for one of a bank's shards.
func resolver(t *testing.T, b *bank, log txlog.Log, at int) *resolve.Resolver {
	t.Helper()
	connector, err := stdlib.GetDefaultDriver().(driver.DriverContext).OpenConnector(b.urls[at])
	require.NoError(t, err)
	sh, err := shard.New("s"+string(rune('1'+at)), at, connector, shard.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = sh.Close() })
	logger, _ := logged()
	return resolve.New(resolve.Config{
		Log: log, Shards: []resolve.Shard{resolve.Server{Shard: sh}}, Verify: func(context.Context, string) error { return nil },
		Every: time.Hour, CallTimeout: 5 * time.Second, Logger: logger,
	})
}

// liar is a driver that takes every answer to PREPARE TRANSACTION for a vote.
type liar struct{ driver.Connector }

func (l liar) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := l.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return liarConn{conn.(*stdlib.Conn)}, nil
}

type liarConn struct{ *stdlib.Conn }

func (c liarConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if f := failing.Load(); f != nil && strings.HasPrefix(query, "PREPARE TRANSACTION") {
		(*f)(c.Conn)
	}
	res, err := c.Conn.ExecContext(ctx, query, args)
	if strings.HasPrefix(query, "PREPARE TRANSACTION") && err == nil {
		return votes{res}, nil
	}
	return res, err
}

type votes struct{ driver.Result }

func (votes) CommandTag() string { return "PREPARE TRANSACTION" }

func TestControlAnUncheckedTagBreaksTransactions(t *testing.T) {
	for name, good := range map[string]bool{"checked": true, "unchecked": false} {
		t.Run(name, func(t *testing.T) {
			b := newBank(t, 2, "key.moves=owner")
			s := &stepper{}
			db := openStepped(t, b.dsn, s, func(cfg *xadriver.Config) {
				for i := range cfg.Shards {
					connector, err := stdlib.GetDefaultDriver().(driver.DriverContext).OpenConnector(cfg.Shards[i].DSN)
					require.NoError(t, err)
					cfg.Shards[i].Connector = silent{connector}
					if !good {
						cfg.Shards[i].Connector = liar{connector}
					}
				}
			})
			_, err := db.Exec(movesSchema)
			require.NoError(t, err)
			names := owners(t, b)
			// Behind the driver's back, the transaction fails on one shard.
			tx, err := db.Begin()
			require.NoError(t, err)
			for _, name := range names {
				_, err = tx.Exec("INSERT INTO moves VALUES ($1, 'x')", name)
				require.NoError(t, err)
			}
			failOn(t, b, 1)
			what := tellOf(tx.Commit())
			require.Eventually(t, func() bool { return b.prepared(t) == 0 }, 10*time.Second, 20*time.Millisecond)
			bad := violations(t, b.urls, map[string]told{"x": what})
			assert.Equal(t, good, len(bad) == 0, "%v", bad)
		})
	}
}

// silent is a driver that does not tell command tags.
type silent struct{ driver.Connector }

func (s silent) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := s.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return silentConn{conn.(*stdlib.Conn)}, nil
}

type silentConn struct{ *stdlib.Conn }

// failing is set while transactions are to fail before they are prepared.
var failing atomic.Pointer[func(*stdlib.Conn)]

// failOn makes the transaction on one shard fail without the driver's notice.
func failOn(t *testing.T, b *bank, at int) {
	t.Helper()
	var done atomic.Bool
	f := func(c *stdlib.Conn) {
		if strings.Contains(b.urls[at], "/"+c.Conn().Config().Database) && c.Conn().Config().Port == portOf(t, b.urls[at]) && done.CompareAndSwap(false, true) {
			_, _ = c.Conn().PgConn().Exec(context.Background(), "SELECT 1/0").ReadAll()
		}
	}
	failing.Store(&f)
	t.Cleanup(func() { failing.Store(nil) })
}

func (c silentConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if f := failing.Load(); f != nil && strings.HasPrefix(query, "PREPARE TRANSACTION") {
		(*f)(c.Conn)
	}
	return c.Conn.ExecContext(ctx, query, args)
}

func portOf(t *testing.T, url string) uint16 {
	t.Helper()
	cfg, err := pgx.ParseConfig(url)
	require.NoError(t, err)
	return cfg.Port
}

func TestControlWithoutTheGidFilterLiveTransactionsAreRolledBack(t *testing.T) {
	for name, good := range map[string]bool{"filtered": true, "unfiltered": false} {
		t.Run(name, func(t *testing.T) {
			b := newBank(t, 2, "key.moves=owner")
			s := &stepper{}
			db := openStepped(t, b.dsn, s, nil)
			_, err := db.Exec(movesSchema)
			require.NoError(t, err)
			names := owners(t, b)
			// The resolver of another log looks at the same shards meanwhile.
			s.arm(string(xadriver.AfterDecide), func() {
				log, err := sqlitelog.Open(context.Background(), b.log+".other", sqlitelog.Options{Cluster: "bank"})
				assert.NoError(t, err)
				defer log.Close()
				r := resolver(t, b, log, 0)
				if !good {
					r.Shards[0] = unfiltered{r.Shards[0]}
					r = resolve.New(r.Config)
				}
				r.Once(context.Background(), 0)
			})
			what := tellOf(move(t.Context(), db, names, "live"))
			bad := violations(t, b.urls, map[string]told{"live": what})
			assert.Equal(t, good, len(bad) == 0, "%v", bad)
		})
	}
}

// unfiltered takes every prepared transaction for its own.
type unfiltered struct{ resolve.Shard }

func (u unfiltered) Prepared(ctx context.Context, _ string) ([]resolve.Prepared, error) {
	return u.Shard.Prepared(ctx, "xapg_")
}

var _ commit.Register = (*fullLog)(nil)
