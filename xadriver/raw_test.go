package xadriver_test

import (
	"database/sql"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver"
)

// raw calls f with the driver's connection.
func raw(t *testing.T, conn *sql.Conn, f func(*xadriver.Conn)) {
	t.Helper()
	require.NoError(t, conn.Raw(func(c any) error { f(c.(*xadriver.Conn)); return nil }))
}

func TestOneShardsConnectionIsPartOfTheTransaction(t *testing.T) {
	b, c := openPool(t, 3, "shard_conns=1")
	names := fill(t, b)
	for _, commit := range []bool{false, true} {
		conn, err := b.Conn(t.Context())
		require.NoError(t, err)
		tx, err := conn.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		_, err = tx.Exec("UPDATE accounts SET balance = 1 WHERE owner = $1", names[0])
		require.NoError(t, err)
		raw(t, conn, func(c *xadriver.Conn) {
			for i := 1; i < 3; i++ {
				pg, err := c.Shard(t.Context(), c.Connector().Stats().Pools[i].Shard)
				require.NoError(t, err)
				batch := &pgx.Batch{}
				batch.Queue("UPDATE accounts SET balance = 1 WHERE owner = $1", names[i])
				require.NoError(t, pg.Conn().SendBatch(t.Context(), batch).Close())
			}
		})
		if commit {
			require.NoError(t, tx.Commit())
		} else {
			require.NoError(t, tx.Rollback())
		}
		var sum int
		require.NoError(t, b.QueryRow("SELECT sum(balance) FROM accounts").Scan(&sum))
		assert.Equal(t, map[bool]int{false: 300, true: 3}[commit], sum)
		require.NoError(t, conn.Close())
	}
	assert.Zero(t, b.prepared(t))
	require.Eventually(t, func() bool { return inUse(c) == 0 }, 10*time.Second, time.Millisecond)
}

func TestOneShardsConnectionIsLentOutsideOfTransactions(t *testing.T) {
	b, c := openPool(t, 3, "shard_conns=1")
	fill(t, b)
	conn, err := b.Conn(t.Context())
	require.NoError(t, err)
	_, err = conn.ExecContext(t.Context(), "SET application_name = 'mine'")
	require.NoError(t, err)
	lent := func(shard string) (pg *stdlib.Conn) {
		raw(t, conn, func(c *xadriver.Conn) {
			pg, err = c.Shard(t.Context(), shard)
			require.NoError(t, err)
		})
		return pg
	}
	first := lent("s2")
	assert.Same(t, first, lent("s2"), "it is the same until it is taken back")
	var name string
	require.NoError(t, first.Conn().QueryRow(t.Context(), "SELECT current_setting('application_name')").Scan(&name))
	assert.Equal(t, "mine", name)
	_, err = first.Conn().Exec(t.Context(), "SET work_mem = '3MB'")
	require.NoError(t, err)
	lent("s3")
	require.NoError(t, conn.QueryRowContext(t.Context(), "SELECT count(*) FROM accounts").Scan(new(int)), "it was taken back, or this would wait for ever")
	var mem string
	require.NoError(t, lent("s2").Conn().QueryRow(t.Context(), "SELECT current_setting('work_mem')").Scan(&mem))
	assert.NotEqual(t, "3MB", mem, "what was left in the session ended with it")
	require.NoError(t, conn.Close())
	require.Eventually(t, func() bool { return inUse(c) == 0 }, 10*time.Second, time.Millisecond, "an idle connection holds no server connection")
}

func TestAShardThatIsNotThereIsAnError(t *testing.T) {
	b := openBank(t, 2)
	conn, err := b.Conn(t.Context())
	require.NoError(t, err)
	defer conn.Close()
	raw(t, conn, func(c *xadriver.Conn) {
		_, err := c.Shard(t.Context(), "s9")
		require.ErrorContains(t, err, "valid: s1, s2")
	})
}

func TestWithASingleShardPgxsConnectionCanBeHadDirectly(t *testing.T) {
	url := newBank(t, 1).urls[0]
	for dsn, own := range map[string]bool{url + "&xapg.raw=pgx": false, url + "&xapg.raw=xapg": true, url: true} {
		conn, err := openDB(t, dsn).Conn(t.Context())
		require.NoError(t, err)
		defer conn.Close()
		require.NoError(t, conn.Raw(func(c any) error {
			x, isOwn := c.(*xadriver.Conn)
			assert.Equal(t, own, isOwn, "%T", c)
			pg, isPgx := c.(*stdlib.Conn)
			assert.Equal(t, !own, isPgx)
			if isOwn {
				pg, err = x.Shard(t.Context(), "main")
				require.NoError(t, err)
				_, err := x.Shard(t.Context(), "other")
				require.ErrorContains(t, err, "valid: main")
			}
			assert.NoError(t, pg.Conn().Ping(t.Context()))
			return nil
		}))
	}
	for _, dsn := range []string{url + "&xapg.raw=nobody", url + "&xapg.row=pgx"} {
		_, err := xadriver.ParseDSN(dsn)
		var bad *xadriver.ConfigError
		require.ErrorAs(t, err, &bad)
		assert.Contains(t, bad.Error(), "raw")
	}
	cfg, err := xadriver.ParseDSN("host=h xapg.raw = 'pgx' dbname='my db' xapg.ping=none user=u")
	require.NoError(t, err)
	assert.Equal(t, "host=h  dbname='my db'  user=u", cfg.Shards[0].DSN)
	assert.Equal(t, "pgx", cfg.Raw)
	for dsn, want := range map[string]string{
		"postgres://u@h/d?xapg.raw=pgx#part":                      "postgres://u@h/d#part",
		"postgresql://u@h/d?a=1&xapg.raw=pgx&b=2":                 "postgresql://u@h/d?a=1&b=2",
		"application_name='a://b?c' host=h xapg.raw=pgx dbname=d": "application_name='a://b?c' host=h  dbname=d",
	} {
		cfg, err := xadriver.ParseDSN(strings.ReplaceAll(dsn, "?a=1&", "?application_name=1&"))
		if err == nil {
			assert.Equal(t, strings.ReplaceAll(want, "?a=1&b=2", "?application_name=1&b=2"), cfg.Shards[0].DSN)
			assert.Equal(t, "pgx", cfg.Raw)
		} else {
			t.Error(err)
		}
	}
}
