package xadriver_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver"
	"github.com/xapg/xapg/xadriver/xatest"
)

// The server that has the decision log dies under load, and its synchronous standby
// takes over: what was acknowledged is there, on all shards, and nothing is half done.
func TestTheLogsServerFailsOver(t *testing.T) {
	c := xatest.Start(t, xatest.Names("athos", "porthos", "log"))
	standby, err := c.Server("log").AddStandby(t.Context(), "log2")
	require.NoError(t, err)
	run := func(s *xatest.Server, sql string) {
		conn, err := pgx.Connect(t.Context(), s.DSN())
		require.NoError(t, err)
		defer conn.Close(t.Context())
		_, err = conn.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	run(c.Server("log"), "ALTER SYSTEM SET synchronous_standby_names = '*'")
	run(c.Server("log"), "SELECT pg_reload_conf()")
	first, _, _ := strings.Cut(c.Server("log").DSN(), "/postgres?")
	url := first + "," + strings.TrimPrefix(standby.DSN(), "postgres://postgres@") + "&connect_timeout=2"
	db := openDB(t, fmt.Sprintf("cluster=bank log=%s shard.athos=%s shard.porthos=%s key.moves=owner resolve_after=1s resolve_every=200ms", xatest.Quote(url),
		xatest.Quote(c.Server("athos").DSN()), xatest.Quote(c.Server("porthos").DSN())))
	_, err = db.ExecContext(t.Context(), "CREATE TABLE moves (owner bigint, n bigint)")
	require.NoError(t, err)

	const rows = 6 // on both shards
	transfer := func(n int) error {
		tx, err := db.BeginTx(t.Context(), nil)
		if err != nil {
			return err
		}
		for owner := range rows {
			if _, err := tx.ExecContext(t.Context(), "INSERT INTO moves VALUES ($1, $2)", owner, n); err != nil {
				return errors.Join(err, tx.Rollback())
			}
		}
		return tx.Commit()
	}
	var mu sync.Mutex
	told := make(map[int]error)
	done := make(chan struct{})
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for n := worker; ; n += 4 {
				select {
				case <-done:
					return
				default:
				}
				err := transfer(n)
				mu.Lock()
				told[n] = err
				mu.Unlock()
			}
		})
	}
	committed := func() (n int) {
		mu.Lock()
		defer mu.Unlock()
		for _, err := range told {
			if err == nil {
				n++
			}
		}
		return n
	}
	require.Eventually(t, func() bool { return committed() > 40 }, time.Minute, time.Millisecond)
	require.NoError(t, c.Server("log").Stop(t.Context(), xatest.Immediate))
	run(standby, "ALTER SYSTEM RESET synchronous_standby_names")
	require.NoError(t, standby.Promote(t.Context()))
	before := committed()
	require.Eventually(t, func() bool { return committed() > before+40 }, time.Minute, time.Millisecond, "commits go on")
	close(done)
	wg.Wait()
	require.Eventually(t, func() bool {
		var n int
		return db.QueryRowContext(t.Context(), "SELECT count(*) FROM moves").Scan(&n) == nil && prepared(t, c) == 0
	}, time.Minute, 50*time.Millisecond, "nothing stays prepared")

	found := make(map[int]int)
	list, err := db.QueryContext(t.Context(), "SELECT n, count(*) FROM moves GROUP BY n")
	require.NoError(t, err)
	defer list.Close()
	for list.Next() {
		var n, count int
		require.NoError(t, list.Scan(&n, &count))
		found[n] = count
	}
	require.NoError(t, list.Err())
	rolledBack, open := 0, 0
	for n, err := range told {
		var doubt *xadriver.InDoubtError
		switch {
		case err == nil:
			require.Equal(t, rows, found[n], "transaction %d was acknowledged", n)
		case errors.As(err, &doubt):
			open++
			assert.Contains(t, []int{0, rows}, found[n], "transaction %d is half done", n)
		default:
			rolledBack++
			require.Zero(t, found[n], "transaction %d was rolled back: %v", n, err)
		}
	}
	t.Logf("%d committed, %d of them after the failover, %d rolled back, %d left open", committed(), committed()-before, rolledBack, open)
}

func prepared(t *testing.T, c *xatest.Cluster) (n int) {
	t.Helper()
	for _, name := range []string{"athos", "porthos"} {
		conn, err := pgx.Connect(t.Context(), c.Server(name).DSN())
		require.NoError(t, err)
		var found int
		require.NoError(t, conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_prepared_xacts").Scan(&found))
		require.NoError(t, conn.Close(t.Context()))
		n += found
	}
	return n
}
