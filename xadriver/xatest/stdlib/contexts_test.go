package stdlib_test

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver/xatest"
)

// sleeping is a statement that lasts until it is cancelled. It tells that it is
// running by the lock that it holds.
const sleeping = "SELECT pg_advisory_lock_shared(%s), pg_sleep(60)"

// whenAsleep cancels when a server, the first one unless told otherwise, runs the
// statement that holds the lock.
func whenAsleep(t *testing.T, lock int, cancel func(), on ...*xatest.Server) {
	t.Helper()
	if len(on) == 0 {
		on = stage.servers.Shards[:1]
	}
	t.Cleanup(cancel)
	var done sync.WaitGroup
	ended, end := context.WithCancel(context.Background())
	for _, server := range on {
		watch := openURL(t, "pgx", server.DSN())
		done.Go(func() {
			for ended.Err() == nil {
				var n int
				err := watch.QueryRowContext(context.Background(), "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = $1 AND granted", lock).Scan(&n)
				if err != nil || n > 0 {
					cancel()
					return
				}
				time.Sleep(time.Millisecond)
			}
		})
	}
	t.Cleanup(done.Wait)
	t.Cleanup(end)
}

// canceled tells what every cancelled statement has in common.
func canceled(t *testing.T, err error, cause error) {
	t.Helper()
	require.Error(t, err)
	assert.ErrorIs(t, err, cause)
	if errors.Is(cause, context.DeadlineExceeded) {
		assert.True(t, pgconn.Timeout(err), "%T %v", err, err)
	}
}

// begun runs each kind of call with a context, and tells their errors.
func begun(ctx context.Context, q interface {
	queryer
	PingContext(context.Context) error
	BeginTx(context.Context, *sql.TxOptions) (*sql.Tx, error)
}, table string) (errs []error) {
	_, err := q.ExecContext(ctx, "INSERT INTO "+table+" (id) VALUES (300)")
	errs = append(errs, err)
	rows, err := q.QueryContext(ctx, "SELECT id FROM "+table+" WHERE id = $1", 1)
	if err == nil {
		err = errors.Join(rows.Err(), rows.Close())
	}
	errs = append(errs, err)
	_, err = q.PrepareContext(ctx, "SELECT 1")
	errs = append(errs, err, q.PingContext(ctx))
	tx, err := q.BeginTx(ctx, nil)
	if err == nil {
		_ = tx.Rollback()
	}
	return append(errs, err)
}

func TestAContextThatHasEndedKeepsAStatementFromBeingSent(t *testing.T) {
	inEachMode(t, func(t *testing.T, mode pgx.QueryExecMode) {
		everywhere(t, mode, func(t *testing.T, db *sql.DB, table string) {
			ended, cancel := context.WithCancel(t.Context())
			cancel()
			late, release := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
			defer release()
			for ctx, cause := range map[context.Context]error{ended: context.Canceled, late: context.DeadlineExceeded} {
				for i, err := range begun(ctx, db, table) {
					assert.ErrorIs(t, err, cause, "call %d", i)
				}
			}
			assert.Len(t, asked(t.Context(), db, "SELECT id FROM "+table).Rows, everythingRows, "nothing was sent")
		})
	})
}

func TestAContextThatHasEndedOnAConnectionOfOnesOwn(t *testing.T) {
	// pgx gives the connection up. On several shards there is none yet to be lost, so
	// that the context's own error can be told.
	inEachMode(t, func(t *testing.T, mode pgx.QueryExecMode) {
		see := func(t *testing.T, db *sql.DB, table string) (seen []string) {
			ended, cancel := context.WithCancel(t.Context())
			cancel()
			conn, err := db.Conn(t.Context())
			require.NoError(t, err)
			defer conn.Close()
			for _, err := range begun(ended, conn, table) {
				seen = append(seen, failure(err))
			}
			assert.Len(t, asked(t.Context(), db, "SELECT id FROM "+table).Rows, everythingRows)
			return seen
		}
		want := sameOnOneShard(t, mode, func(t *testing.T, db *sql.DB) []string { return see(t, db, "everything") })
		assert.Contains(t, want[0], "bad connection")
		for _, table := range tablesOfEverything {
			for _, err := range see(t, spread(t, mode), table) {
				assert.Contains(t, err, context.Canceled.Error())
			}
		}
	})
}

func TestACancelledStatementEnds(t *testing.T) {
	lock := 1000
	inEachMode(t, func(t *testing.T, mode pgx.QueryExecMode) {
		check := func(t *testing.T, db *sql.DB) {
			for name, run := range map[string]func(ctx context.Context, query string) error{
				"exec":  func(ctx context.Context, query string) error { _, err := db.ExecContext(ctx, query); return err },
				"query": func(ctx context.Context, query string) error { _, err := db.QueryContext(ctx, query); return err },
				"prepared": func(ctx context.Context, query string) error {
					stmt, err := db.PrepareContext(t.Context(), query)
					require.NoError(t, err)
					defer stmt.Close()
					_, err = stmt.ExecContext(ctx)
					return err
				},
			} {
				lock++
				ctx, cancel := context.WithCancel(t.Context())
				whenAsleep(t, lock, cancel)
				canceled(t, run(ctx, on(sleeping, strconv.Itoa(lock))), context.Canceled)
				assert.Empty(t, asked(t.Context(), db, "SELECT 1").Error, name)
			}
		}
		inBothDrivers(t, mode, check)
		t.Run("spread", func(t *testing.T) { check(t, spread(t, mode)) })
	})
}

func TestADeadlineEndsAStatement(t *testing.T) {
	lock := 3000
	for _, mode := range []pgx.QueryExecMode{modes[0], modes[4]} {
		everywhere(t, mode, func(t *testing.T, db *sql.DB, table string) {
			// What ends before the server has the statement would not be pgx's to tell.
			lock++
			ctx := xatest.NewDeadline(t.Context())
			whenAsleep(t, lock, ctx.Pass, stage.servers.Shards...)
			_, err := db.ExecContext(ctx, on(sleeping, strconv.Itoa(lock))+" FROM "+table+" WHERE id = $1", 1)
			canceled(t, err, context.DeadlineExceeded)
			assert.Empty(t, asked(t.Context(), db, "SELECT 1").Error)
		})
	}
}

func TestATransactionWhoseStatementIsCancelledIsOver(t *testing.T) {
	lock := 2000
	inEachMode(t, func(t *testing.T, mode pgx.QueryExecMode) {
		check := func(t *testing.T, db *sql.DB, table string) {
			lock++
			tx, err := db.BeginTx(t.Context(), nil)
			require.NoError(t, err)
			require.Empty(t, done(t.Context(), tx, "INSERT INTO "+table+" (id) VALUES (300), (301), (302)").Error)
			ctx, cancel := context.WithCancel(t.Context())
			whenAsleep(t, lock, cancel)
			_, err = tx.ExecContext(ctx, on(sleeping, strconv.Itoa(lock)))
			canceled(t, err, context.Canceled)
			assert.NotEmpty(t, done(t.Context(), tx, "SELECT 1").Error, "pgx closes the connection of a cancelled statement")
			assert.Error(t, tx.Commit())
			assert.Len(t, asked(t.Context(), db, "SELECT id FROM "+table).Rows, everythingRows)
		}
		inBothDrivers(t, mode, func(t *testing.T, db *sql.DB) { check(t, db, "everything") })
		t.Run("spread", func(t *testing.T) { check(t, spread(t, mode), "everything_spread") })
	})
}

func TestRowsEndWithTheirContext(t *testing.T) {
	inEachMode(t, func(t *testing.T, mode pgx.QueryExecMode) {
		everywhere(t, mode, func(t *testing.T, db *sql.DB, table string) {
			for _, order := range []string{"", " ORDER BY id"} {
				ctx, cancel := context.WithCancel(t.Context())
				rows, err := db.QueryContext(ctx, "SELECT id, repeat('x', 5000) FROM "+table+", generate_series(1, 2000)"+order)
				require.NoError(t, err)
				require.True(t, rows.Next())
				cancel()
				n := 1
				for rows.Next() {
					n++
				}
				assert.ErrorIs(t, rows.Err(), context.Canceled)
				assert.Less(t, n, 2000*everythingRows)
				_ = rows.Close()
				assert.Empty(t, asked(t.Context(), db, "SELECT 1").Error)
			}
		})
	})
}

// glance is a context that ends when it is looked at for the n-th time, which puts
// the end between any two steps of a statement.
type glance struct {
	context.Context
	end  func()
	left atomic.Int64
}

func (g *glance) Done() <-chan struct{} {
	if g.left.Add(-1) < 0 {
		g.end()
	}
	return g.Context.Done()
}

func TestAContextMayEndBetweenAnyTwoSteps(t *testing.T) {
	for _, mode := range []pgx.QueryExecMode{modes[0], modes[4]} {
		everywhere(t, mode, func(t *testing.T, db *sql.DB, table string) {
			for look := range int64(16) {
				require.Empty(t, asked(t.Context(), db, "SELECT id FROM "+table+" WHERE id = $1", 1).Error)
				ctx, cancel := context.WithCancel(t.Context())
				g := &glance{Context: ctx, end: cancel}
				tx, err := db.BeginTx(t.Context(), nil)
				require.NoError(t, err)
				g.left.Store(look)
				_, err = tx.ExecContext(g, "UPDATE "+table+" SET c_integer = c_integer WHERE id = $1", 1)
				if ctx.Err() == nil {
					assert.NoError(t, err)
				}
				if tx.Commit() != nil {
					_ = tx.Rollback()
				}
				g.left.Store(look)
				_, _ = db.ExecContext(g, "UPDATE "+table+" SET c_integer = c_integer")
				cancel()
			}
			assert.Len(t, asked(t.Context(), db, "SELECT id FROM "+table).Rows, everythingRows)
		})
	}
}

func TestCancellingWhileRowsAreReadIsNoRace(t *testing.T) {
	// The race detector is the judge; every ending is allowed but a wrong row.
	for _, mode := range []pgx.QueryExecMode{modes[0], modes[4]} {
		everywhere(t, mode, func(t *testing.T, db *sql.DB, table string) {
			for i := range 12 {
				ctx, cancel := context.WithCancel(t.Context())
				tx, err := db.BeginTx(ctx, nil)
				require.NoError(t, err)
				var both sync.WaitGroup
				both.Go(func() {
					time.Sleep(time.Duration(i) * 200 * time.Microsecond)
					cancel()
				})
				if rows, err := tx.QueryContext(ctx, "SELECT id, c_text FROM "+table+" WHERE id < 3 ORDER BY id"); err == nil {
					for want := 0; rows.Next(); want++ {
						var id int
						var text sql.NullString
						if rows.Scan(&id, &text) == nil {
							assert.Equal(t, want, id)
						}
					}
					_ = rows.Close()
				}
				err = tx.Commit()
				both.Wait()
				if err != nil {
					_ = tx.Rollback()
				}
			}
			assert.Empty(t, asked(t.Context(), db, "SELECT 1").Error)
		})
	}
}
