package shard_test

import (
	"context"
	"database/sql/driver"
	"net"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver/internal/shard"
	"github.com/xapg/xapg/xadriver/xatest"
)

// counted counts the messages that a client sends.
type counted struct {
	net.Conn
	n *atomic.Int64
}

func (c counted) Write(p []byte) (int, error) {
	c.n.Add(1)
	return c.Conn.Write(p)
}

func TestBeginTravelsWithTheFirstStatement(t *testing.T) {
	c := xatest.Start(t, xatest.Shards(1))
	cfg, err := pgx.ParseConfig(c.Shards[0].DSN())
	require.NoError(t, err)
	var trips atomic.Int64
	cfg.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
		return counted{conn, &trips}, err
	}
	s, err := shard.NewPgx("s1", 0, cfg, shard.Options{})
	require.NoError(t, err)
	defer s.Close()
	conn, err := s.Acquire(t.Context())
	require.NoError(t, err)
	defer conn.Release()
	count := func(f func()) int64 {
		before := trips.Load()
		f()
		return trips.Load() - before
	}
	exec := func(sql string, args ...any) {
		values := make([]driver.NamedValue, len(args))
		for i, a := range args {
			values[i] = driver.NamedValue{Ordinal: i + 1, Value: a}
		}
		_, err := conn.Exec(t.Context(), sql, values)
		require.NoError(t, err)
	}
	exec("CREATE TABLE t (k int)")
	exec("INSERT INTO t VALUES ($1)", 0) // prepared now

	for name, statement := range map[string]func(){
		"extended protocol": func() { exec("INSERT INTO t VALUES ($1)", 1) },
		"simple protocol":   func() { exec("INSERT INTO t VALUES (2)") },
	} {
		t.Run(name, func(t *testing.T) {
			conn.Queue("BEGIN")
			conn.Queue("SAVEPOINT s")
			assert.EqualValues(t, 1, count(statement), "BEGIN, SAVEPOINT and the statement are one round trip")
			assert.Equal(t, shard.InTxn, conn.Status())
			assert.EqualValues(t, 1, count(func() {
				tag, err := conn.Command(t.Context(), "PREPARE TRANSACTION 'x'")
				require.NoError(t, err)
				assert.Equal(t, "PREPARE TRANSACTION", tag)
			}))
			assert.EqualValues(t, 1, count(func() {
				tag, err := conn.Command(t.Context(), "COMMIT PREPARED 'x'")
				require.NoError(t, err)
				assert.Equal(t, "COMMIT PREPARED", tag)
			}))
			assert.Equal(t, shard.Idle, conn.Status())
		})
	}
}

func TestNothingRunsWhenWhatGoesAheadFails(t *testing.T) {
	c := xatest.Start(t, xatest.Shards(1))
	cfg, err := pgx.ParseConfig(c.Shards[0].DSN())
	require.NoError(t, err)
	s, err := shard.NewPgx("s1", 0, cfg, shard.Options{})
	require.NoError(t, err)
	defer s.Close()
	conn, err := s.Acquire(t.Context())
	require.NoError(t, err)
	defer conn.Release()
	_, err = conn.Exec(t.Context(), "CREATE TABLE t (k int)", nil)
	require.NoError(t, err)
	for _, args := range [][]driver.NamedValue{nil, {{Ordinal: 1, Value: 1}}} {
		sql := "INSERT INTO t VALUES (1)"
		if args != nil {
			sql = "INSERT INTO t VALUES ($1)"
		}
		conn.Queue("SELECT 1/0") // as a BEGIN that is cancelled would
		_, err = conn.Exec(t.Context(), sql, args)
		require.ErrorContains(t, err, "division by zero")
		assert.Equal(t, shard.Idle, conn.Status())
	}
	rows, err := conn.Query(t.Context(), "SELECT count(*) FROM t", nil)
	require.NoError(t, err)
	v := make([]driver.Value, 1)
	require.NoError(t, rows.Next(v))
	assert.EqualValues(t, 0, v[0])
	require.NoError(t, rows.Close())
}
