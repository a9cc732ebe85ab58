package xadriver_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver/xatest"
)

// One state of all shards cannot be had from a standby, which has no gates and of which
// nobody can tell how far it has come. What needs no such state is read as ever.
func TestOneStateOfAllShardsIsNotReadFromStandbys(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := xatest.Start(t, xatest.Shards(2))
	dsn := func(servers ...*xatest.Server) string {
		log := filepath.Join(t.TempDir(), "xapg.db")
		return fmt.Sprintf("cluster=test log=sqlite:%s shard.s1=%s shard.s2=%s key.accounts=owner consistent_reads=statement",
			log, xatest.Quote(servers[0].DSN()), xatest.Quote(servers[1].DSN()))
	}
	primaries, err := sql.Open("xapg", dsn(c.Shards...))
	require.NoError(t, err)
	defer primaries.Close()
	_, err = primaries.ExecContext(ctx, "CREATE TABLE accounts (owner int PRIMARY KEY, balance bigint NOT NULL)")
	require.NoError(t, err)
	_, err = primaries.ExecContext(ctx, "INSERT INTO accounts SELECT i, 10 FROM generate_series(1, 20) i")
	require.NoError(t, err)
	all, err := inTransaction(ctx, primaries, &sql.TxOptions{Isolation: sql.LevelRepeatableRead})
	require.NoError(t, err)
	require.Equal(t, 200, sum(all))

	standby, err := c.Shards[1].AddStandby(ctx, "replica")
	require.NoError(t, err)
	require.NoError(t, standby.CatchUp(ctx, c.Shards[1]))
	replicas, err := sql.Open("xapg", dsn(c.Shards[0], standby))
	require.NoError(t, err)
	defer replicas.Close()
	for name, read := range map[string]func() error{
		"REPEATABLE READ": func() error {
			_, err := inTransaction(ctx, replicas, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
			return err
		},
		"a statement": func() error {
			_, err := allBalances(ctx, replicas)
			return err
		},
	} {
		require.ErrorContains(t, read(), "standby", name)
	}
	for owner := range 20 {
		var n int64
		require.NoError(t, replicas.QueryRowContext(ctx, "SELECT balance FROM accounts WHERE owner = $1", owner+1).Scan(&n))
	}
}
