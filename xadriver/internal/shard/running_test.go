package shard_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver/internal/shard"
	"github.com/xapg/xapg/xadriver/xatest"
)

var verdict = pgconn.PgError{Code: "40P01", Message: "deadlock detected", Detail: "who waits for whom", Hint: "again"}

func TestOnlyTheStatementThatIsMeantIsCancelled(t *testing.T) {
	c := xatest.Start(t, xatest.Shards(1))
	cfg, err := pgx.ParseConfig(c.Shards[0].DSN())
	require.NoError(t, err)
	s, err := shard.NewPgx("s1", 0, cfg, shard.Options{})
	require.NoError(t, err)
	defer s.Close()
	conn, err := s.Acquire(t.Context())
	require.NoError(t, err)
	defer conn.Release()
	other, err := pgx.Connect(t.Context(), c.Shards[0].DSN())
	require.NoError(t, err)
	defer other.Close(context.Background())
	_, err = conn.Exec(t.Context(), "CREATE TABLE t (k int PRIMARY KEY, a int)", nil)
	require.NoError(t, err)
	for name, do := range map[string]func() error{
		"exec":        func() error { _, err := conn.Exec(t.Context(), "SELECT 1", nil); return err },
		"an error":    func() error { _, err := conn.Exec(t.Context(), "SELECT 1/0", nil); return noError(err) },
		"a bad query": func() error { _, err := conn.Query(t.Context(), "SELECT nothing", nil); return noError(err) },
		"a command":   func() error { _, err := conn.Command(t.Context(), "SET lock_timeout = 0"); return err },
		"two": func() error {
			_, _, err := conn.CommandAnd(t.Context(), "SET lock_timeout = 0", "SELECT 1")
			return err
		},
		"a question": func() error { _, err := conn.Describe(t.Context(), "SELECT 1"); return err },
		"copying": func() error {
			_, err := conn.CopyFrom(t.Context(), pgx.Identifier{"t"}, []string{"k"}, pgx.CopyFromRows([][]any{{7}}))
			return err
		},
	} {
		require.NoError(t, do(), name)
		assert.Zero(t, conn.Running(), "%s is over: nobody need look why it takes so long", name)
	}
	exec := func(sql string) {
		_, err := other.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	waits := func() {
		for {
			var n int
			require.NoError(t, other.QueryRow(t.Context(), "SELECT count(*) FROM pg_locks WHERE NOT granted AND pid = $1", int(conn.PID())).Scan(&n))
			if n > 0 {
				return
			}
		}
	}
	cancel := func() bool {
		var ok bool
		err := other.QueryRow(t.Context(), "SELECT pg_cancel_backend($1)", int(conn.PID())).Scan(&ok)
		return err == nil && ok
	}
	exec("INSERT INTO t VALUES (1, 0)")

	t.Run("a statement that waits ends with the verdict", func(t *testing.T) {
		exec("BEGIN; UPDATE t SET a = 1")
		done := make(chan error, 1)
		go func() {
			_, err := conn.Exec(context.Background(), "UPDATE t SET a = 2", nil)
			done <- err
		}()
		waits()
		n := conn.Running()
		assert.NotZero(t, n)
		assert.False(t, conn.Cancel(n-1, verdict, cancel), "the statement before")
		assert.False(t, conn.Cancel(n+1, verdict, cancel), "the one after")
		assert.False(t, conn.Cancel(n, verdict, func() bool { return false }), "it was found not to wait")
		assert.True(t, conn.Cancel(n, verdict, cancel))
		var pgErr *pgconn.PgError
		require.ErrorAs(t, <-done, &pgErr)
		assert.Equal(t, []string{verdict.Code, verdict.Message, verdict.Detail, verdict.Hint}, []string{pgErr.Code, pgErr.Message, pgErr.Detail, pgErr.Hint})
		exec("ROLLBACK")
	})
	t.Run("a statement that somebody else cancels keeps its error", func(t *testing.T) {
		exec("BEGIN; UPDATE t SET a = 1")
		done := make(chan error, 1)
		go func() {
			_, err := conn.Exec(context.Background(), "UPDATE t SET a = 2", nil)
			done <- err
		}()
		waits()
		require.True(t, cancel())
		var pgErr *pgconn.PgError
		require.ErrorAs(t, <-done, &pgErr)
		assert.Equal(t, "57014", pgErr.Code)
		exec("ROLLBACK")
	})
	t.Run("the next statement waits until the cancellation is out", func(t *testing.T) {
		rows, err := conn.Query(t.Context(), "SELECT k FROM t", nil)
		require.NoError(t, err)
		n := conn.Running()
		require.NotZero(t, n, "its rows have not been read")
		next := make(chan error, 1)
		assert.True(t, conn.Cancel(n, verdict, func() bool {
			// The statement ends, and another one is begun, while this is on its way.
			assert.NoError(t, rows.Close())
			conn.Done(nil)
			go func() {
				_, err := conn.Exec(context.Background(), "SELECT pg_sleep(0.3)", nil)
				next <- err
			}()
			time.Sleep(100 * time.Millisecond) // if it does not wait, it has begun by now
			assert.Zero(t, conn.Running())
			return cancel()
		}))
		require.NoError(t, <-next, "it hit nobody")
	})
}

// noError is an error where there is none.
func noError(err error) error {
	if err == nil {
		return errors.New("no error")
	}
	return nil
}
