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

func TestRowsOfWhatGoesAheadAreThrownAway(t *testing.T) {
	c := xatest.Start(t, xatest.Shards(1))
	for _, mode := range []pgx.QueryExecMode{pgx.QueryExecModeCacheStatement, pgx.QueryExecModeDescribeExec, pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol} {
		t.Run(mode.String(), func(t *testing.T) {
			cfg, err := pgx.ParseConfig(c.Shards[0].DSN())
			require.NoError(t, err)
			cfg.DefaultQueryExecMode = mode
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
			ask := func(sql string, args ...driver.NamedValue) (out []driver.Value) {
				rows, err := conn.Query(t.Context(), sql, args)
				require.NoError(t, err)
				for value := make([]driver.Value, 1); rows.Next(value) == nil; {
					out = append(out, value[0])
				}
				require.NoError(t, rows.Close())
				return out
			}
			const held = "SELECT count(*)::text FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
			const both = held + " UNION ALL SELECT $1::text"
			arg := driver.NamedValue{Ordinal: 1, Value: "x"}
			ask(both, arg) // prepared now, in the mode that does so
			before := trips.Load()
			ask(both, arg)
			alone := trips.Load() - before
			before = trips.Load()
			conn.Queue("BEGIN")
			conn.Queue("SELECT pg_catalog.pg_advisory_xact_lock_shared(1)")
			conn.Queue("SELECT g FROM generate_series(1, 3) g")
			conn.Queue("SAVEPOINT s")
			assert.Equal(t, []driver.Value{"1", "x"}, ask(both, arg))
			assert.Equal(t, alone, trips.Load()-before, "they cost no round trip")
			tag, err := conn.Command(t.Context(), "COMMIT")
			require.NoError(t, err)
			assert.Equal(t, "COMMIT", tag)
			assert.Equal(t, []driver.Value{"0"}, ask(held))

			conn.Queue("SELECT pg_catalog.pg_advisory_xact_lock_shared(1)")
			tag, err = conn.Command(t.Context(), "CREATE TEMPORARY TABLE IF NOT EXISTS q (a int)")
			require.NoError(t, err)
			assert.Equal(t, "CREATE TABLE", tag)
		})
	}
}
