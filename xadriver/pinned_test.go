package xadriver_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver/xatest"
)

// A session with a temporary table that hides a real one must never reach the real
// one: neither while its connection is in use, nor after it is gone.
func TestAPinnedSessionUsesNoOtherConnection(t *testing.T) {
	for _, limit := range []string{"", "shard_conns=1"} {
		for _, begin := range []bool{false, true} {
			b := openBank(t, 3, limit)
			_, err := b.Exec("INSERT INTO audit VALUES (1, 'real')")
			require.NoError(t, err)
			conn, err := b.Conn(t.Context())
			require.NoError(t, err)
			defer conn.Close()
			exec := func(sql string) error { _, err := conn.ExecContext(t.Context(), sql); return err }
			if begin {
				require.NoError(t, exec("BEGIN"))
			}
			require.NoError(t, exec("CREATE TEMPORARY TABLE audit (id bigint)"))
			if begin {
				require.NoError(t, exec("COMMIT"))
			}
			require.NoError(t, exec("INSERT INTO audit VALUES (2)"))
			rows, err := conn.QueryContext(t.Context(), "SELECT generate_series(1, 100000)")
			require.NoError(t, err)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			_, err = conn.ExecContext(ctx, "DELETE FROM audit")
			cancel()
			assert.Equal(t, "55006", codeOf(t, err), "%s", limit)
			require.NoError(t, rows.Close())
			require.NoError(t, exec("DELETE FROM audit"))
			b.on(t, 0, "SELECT coalesce(sum(1), 0)::text FROM (SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()) q")
			for range 3 {
				if err = exec("DELETE FROM audit"); err == nil {
					t.Error("it went on without its temporary table")
				}
			}
			assert.Equal(t, "1", b.on(t, 0, "SELECT count(*)::text FROM audit"), "the real table was reached")
		}
	}
}

// What was in a session does not come back into the pool with its connection.
func TestNothingOfAPinnedSessionReachesTheNextUser(t *testing.T) {
	for _, how := range []string{"DISCARD ALL", "close"} {
		b := openBank(t, 2)
		b.SetMaxIdleConns(0)
		conn, err := b.Conn(t.Context())
		require.NoError(t, err)
		_, err = conn.ExecContext(t.Context(), "CREATE TEMPORARY TABLE mine (n int)")
		require.NoError(t, err)
		_, err = conn.ExecContext(t.Context(), "SELECT pg_advisory_lock(4711)")
		require.NoError(t, err)
		rows, err := conn.QueryContext(t.Context(), "SELECT n FROM mine")
		require.NoError(t, err)
		if how == "DISCARD ALL" {
			_, err = conn.ExecContext(t.Context(), how)
			require.NoError(t, err)
		}
		require.NoError(t, rows.Close())
		require.NoError(t, conn.Close())
		require.Eventually(t, func() bool {
			return b.on(t, 0, "SELECT count(*)::text FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())") == "0"
		}, 10*time.Second, 5*time.Millisecond, "the lock is still held after %s", how)
		for range 5 {
			var found *string
			require.NoError(t, b.QueryRow("SELECT to_regclass('mine')::text").Scan(&found))
			assert.Nil(t, found, "the next user sees somebody's temporary table")
		}
	}
}

// A context that ends takes the connection, and with it what was in the session.
func TestAPinnedSessionEndsWithItsConnection(t *testing.T) {
	b := openBank(t, 3)
	_, err := b.Exec("INSERT INTO audit VALUES (1, 'real')")
	require.NoError(t, err)
	conn, err := b.Conn(t.Context())
	require.NoError(t, err)
	defer conn.Close()
	_, err = conn.ExecContext(t.Context(), "CREATE TEMPORARY TABLE audit (n int)")
	require.NoError(t, err)
	ctx := xatest.NewDeadline(t.Context())
	defer ctx.Pass()
	stopped := make(chan error, 1)
	go func() {
		_, err := conn.ExecContext(ctx, "SELECT pg_sleep(60)")
		stopped <- err
	}()
	b.asleep(t, 0) // before anything is sent, nothing of the session would be lost
	ctx.Pass()
	require.ErrorIs(t, <-stopped, context.DeadlineExceeded)
	_, err = conn.ExecContext(t.Context(), "DELETE FROM audit")
	require.Error(t, err)
	assert.Equal(t, "1", b.on(t, 0, "SELECT count(*)::text FROM audit"))
}

// asleep waits until one shard runs a pg_sleep.
func (b *bank) asleep(t *testing.T, shard int) {
	t.Helper()
	require.Eventually(t, func() bool {
		return b.on(t, shard, "SELECT count(*)::text FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'") == "1"
	}, time.Minute, 5*time.Millisecond, "nobody sleeps")
}

func TestAPinnedSessionTakesNoSettingsWithinTransactions(t *testing.T) {
	b := openBank(t, 2)
	b.SetMaxIdleConns(0) // each has a session of his own
	for _, statements := range [][]string{
		{"SELECT pg_advisory_lock(1)", "BEGIN", "SET work_mem = '5MB'"},
		{"BEGIN", "SET work_mem = '5MB'", "CREATE TEMPORARY TABLE mine (n int)"},
	} {
		conn, err := b.Conn(t.Context())
		require.NoError(t, err)
		for i, s := range statements {
			_, err = conn.ExecContext(t.Context(), s)
			if i < 2 {
				require.NoError(t, err)
			}
		}
		assert.Equal(t, "0A000", codeOf(t, err))
		_, err = conn.ExecContext(t.Context(), "ROLLBACK")
		require.NoError(t, err)
		_, err = conn.ExecContext(t.Context(), "SET work_mem = '5MB'")
		require.NoError(t, err, "outside it holds")
		_, err = conn.ExecContext(t.Context(), "BEGIN; SET LOCAL work_mem = '6MB'; COMMIT")
		require.NoError(t, err)
		require.NoError(t, conn.Close())
	}
}
