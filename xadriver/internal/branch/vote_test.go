package branch_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver/internal/branch"
	"github.com/xapg/xapg/xadriver/internal/commit"
	"github.com/xapg/xapg/xadriver/internal/failover"
	"github.com/xapg/xapg/xadriver/internal/shard"
	"github.com/xapg/xapg/xadriver/xatest"
)

func TestAVoteTellsItsPlaceWhereAnotherServerMayTakeOver(t *testing.T) {
	c := xatest.Start(t, xatest.Shards(1))
	direct, err := pgx.Connect(t.Context(), c.Shards[0].DSN())
	require.NoError(t, err)
	defer direct.Close(context.Background())
	_, err = direct.Exec(t.Context(), "CREATE TABLE t (k int); CREATE ROLE app LOGIN; GRANT ALL ON t TO app; REVOKE EXECUTE ON FUNCTION pg_walfile_name FROM PUBLIC")
	require.NoError(t, err)
	at := func() string {
		var file, lsn string
		require.NoError(t, direct.QueryRow(t.Context(), "SELECT pg_walfile_name(pg_current_wal_flush_lsn()), pg_current_wal_flush_lsn()::text").Scan(&file, &lsn))
		return failover.PlaceOf([]string{file, lsn})
	}
	for _, v := range []struct {
		name    string
		role    string
		standby bool
		sql     string
		told    bool
		bad     bool
	}{
		{name: "a lone server", role: "postgres", sql: "INSERT INTO t VALUES (1)"},
		{name: "a server with standbys", role: "postgres", standby: true, sql: "INSERT INTO t VALUES (1)", told: true},
		{name: "a role that may not ask", role: "app", standby: true, sql: "INSERT INTO t VALUES (1)"},
		{name: "a transaction that failed", role: "postgres", standby: true, sql: "SELECT 1/0", bad: true},
		{name: "one that cannot be prepared", role: "postgres", standby: true, sql: "CREATE TEMP TABLE x (i int)", bad: true},
	} {
		t.Run(v.name, func(t *testing.T) {
			cfg, err := pgx.ParseConfig(c.Shards[0].DSN())
			require.NoError(t, err)
			cfg.User = v.role
			s, err := shard.NewPgx("s1", 0, cfg, shard.Options{})
			require.NoError(t, err)
			defer s.Close()
			if v.standby {
				s.CanFailOver()
			}
			txn := branch.NewTxn(1, branch.Options{
				Acquire: func(ctx context.Context, s *shard.Shard) (*shard.Conn, error) { return s.Acquire(ctx) },
				Release: func(c *shard.Conn) { c.Release() },
			})
			b, err := txn.Branch(t.Context(), s)
			require.NoError(t, err)
			defer b.Release()
			_, _ = b.Exec(t.Context(), v.sql, nil, branch.Writes)
			before := at()
			vote, err := b.Prepare(t.Context(), "gid")
			if v.bad {
				require.Error(t, err)
				assert.False(t, commit.Lost(err), "it is the server's word that there is no vote")
				assert.Empty(t, vote)
				return
			}
			require.NoError(t, err)
			if v.told {
				assert.Greater(t, lsn(t, vote), lsn(t, before))
				assert.LessOrEqual(t, lsn(t, vote), lsn(t, at()))
			} else {
				assert.Empty(t, vote)
			}
			require.NoError(t, b.RollbackPrepared(t.Context(), "gid"))
		})
	}
}

func lsn(t *testing.T, place string) failover.LSN {
	t.Helper()
	p, ok := failover.ParsePosition(place)
	require.True(t, ok, place)
	return p.LSN
}
