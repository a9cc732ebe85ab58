package shard_test

import (
	"database/sql/driver"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver/internal/shard"
	"github.com/xapg/xapg/xadriver/xatest"
)

const probe = "DELETE FROM gate WHERE false"

// A statement that runs behind another is part of its implicit transaction, and nothing
// of it is seen in the answer, in whatever way the statement is sent.
func TestAStatementRunsBehindAnother(t *testing.T) {
	c := xatest.Start(t, xatest.Shards(1))
	cfg, err := pgx.ParseConfig(c.Shards[0].DSN())
	require.NoError(t, err)
	s, err := shard.NewPgx("s1", 0, cfg, shard.Options{})
	require.NoError(t, err)
	defer s.Close()
	conn, err := s.Acquire(t.Context())
	require.NoError(t, err)
	defer conn.Release()
	for _, sql := range []string{
		"CREATE TABLE t (k int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED)", "CREATE TABLE gate ()", "CREATE TABLE seen (what text)",
		`CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO seen SELECT mode FROM pg_locks WHERE relation = 'gate'::regclass AND mode = 'RowExclusiveLock' AND pid = pg_backend_pid(); RETURN NULL; END $$`,
		"CREATE CONSTRAINT TRIGGER note AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION note()",
	} {
		_, err := conn.Exec(t.Context(), sql, nil)
		require.NoError(t, err, sql)
	}
	k := 0
	modes := []pgx.QueryExecMode{pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeDescribeExec, pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol}
	for _, mode := range modes {
		args := func(v ...any) []driver.NamedValue {
			list := []driver.NamedValue{{Ordinal: 1, Value: mode}}
			for i, a := range v {
				list = append(list, driver.NamedValue{Ordinal: i + 2, Value: a})
			}
			return list
		}
		t.Run(mode.String(), func(t *testing.T) {
			for range 3 {
				k++
				conn.Behind(probe)
				res, err := conn.Exec(t.Context(), "INSERT INTO t VALUES ($1), ($1 + 1000)", args(k))
				require.NoError(t, err)
				n, err := res.RowsAffected()
				require.NoError(t, err)
				assert.EqualValues(t, 2, n)

				conn.Behind(probe)
				rows, err := conn.Query(t.Context(), "INSERT INTO t VALUES ($1::int + 2000), ($1::int + 3000) RETURNING k -- at the end", args(k))
				require.NoError(t, err)
				value := make([]driver.Value, 1)
				require.NoError(t, rows.Next(value))
				assert.EqualValues(t, k+2000, value[0])
				require.NoError(t, rows.Next(value))
				require.Error(t, rows.Next(value))
				require.NoError(t, rows.Close())
				assert.Equal(t, shard.Idle, conn.Status())

				// An error of the statement, and one that comes at the end of the transaction.
				for _, wrong := range []string{"INSERT INTO t VALUES ($1::int / 0)", "INSERT INTO t VALUES ($1::int)"} {
					conn.Behind(probe)
					_, err = conn.Exec(t.Context(), wrong, args(k))
					var pgErr *pgconn.PgError
					require.ErrorAs(t, err, &pgErr)
				}
				rows, err = conn.Query(t.Context(), "SELECT count(*) FROM seen WHERE what = 'RowExclusiveLock'", args())
				require.NoError(t, err)
				require.NoError(t, rows.Next(value))
				require.NoError(t, rows.Close())
				assert.EqualValues(t, 4*k, value[0], "each row's deferred trigger, which runs at the end, saw the lock")
			}
		})
	}
	// What fails behind fails the statement as well.
	conn.Behind("DELETE FROM nowhere")
	_, err = conn.Exec(t.Context(), "INSERT INTO t VALUES (-1)", nil)
	var pgErr *pgconn.PgError
	require.ErrorAs(t, err, &pgErr)
	assert.Equal(t, "42P01", pgErr.Code)
	rows, err := conn.Query(t.Context(), "SELECT count(*) FROM t WHERE k = -1", nil)
	require.NoError(t, err)
	value := make([]driver.Value, 1)
	require.NoError(t, rows.Next(value))
	require.NoError(t, rows.Close())
	assert.EqualValues(t, 0, value[0])
}
