package xadriver_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

func TestWritersOfEveryShardQueueInsteadOfDeadlocking(t *testing.T) {
	b := openBank(t, 3, "lock_wait=20s")
	_, err := b.Exec("INSERT INTO currencies VALUES ('KES', '0')")
	require.NoError(t, err)
	var group errgroup.Group
	for range 8 {
		group.Go(func() error {
			for range 10 {
				if _, err := b.Exec("UPDATE currencies SET name = (name::int + 1)::text WHERE code = 'KES'"); err != nil {
					return err
				}
			}
			return nil
		})
	}
	require.NoError(t, group.Wait())
	for i := range 3 {
		assert.Equal(t, "80", b.on(t, i, "SELECT name FROM currencies"))
	}
}

func TestValuesOfTheSessionAreAskedForWhereTheyAre(t *testing.T) {
	b := openBank(t, 2)
	_, err := b.Exec("CREATE SEQUENCE numbers; CREATE TABLE numbered (n bigint DEFAULT nextval('numbers'))")
	require.NoError(t, err)
	var n int
	assert.Equal(t, "0A000", codeOf(t, b.QueryRow("SELECT currval('numbers')").Scan(&n)))
	tx, err := b.Begin()
	require.NoError(t, err)
	_, err = tx.Exec("INSERT INTO numbered DEFAULT VALUES")
	require.NoError(t, err)
	require.NoError(t, tx.QueryRow("SELECT currval('numbers')").Scan(&n))
	assert.Equal(t, 1, n)
	require.NoError(t, tx.Commit())
}

func TestAdvisoryLocksStayWithTheirConnection(t *testing.T) {
	b := openBank(t, 2)
	conn, err := b.Conn(t.Context())
	require.NoError(t, err)
	tx, err := conn.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	_, err = tx.Exec("SELECT pg_advisory_lock(7)")
	require.NoError(t, err)
	require.NoError(t, tx.Commit())
	var got bool
	require.NoError(t, b.QueryRow("SELECT pg_try_advisory_lock(7)").Scan(&got))
	assert.False(t, got, "another connection does not get it")
	_, err = conn.ExecContext(t.Context(), "SELECT pg_advisory_unlock(7)")
	require.NoError(t, err)
	require.NoError(t, conn.Close())
}

func TestKeysAreFoundInEveryExecMode(t *testing.T) {
	b := newBank(t, 3, "key.days=day", "key.texts=k")
	db := openDB(t, b.dsn)
	_, err := db.Exec("CREATE TABLE days (day timestamp PRIMARY KEY); CREATE TABLE texts (k text PRIMARY KEY)")
	require.NoError(t, err)
	nairobi := time.FixedZone("EAT", 3*3600)
	for i, mode := range []pgx.QueryExecMode{pgx.QueryExecModeCacheStatement, pgx.QueryExecModeDescribeExec, pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol} {
		for h := range 6 {
			_, err := db.Exec("INSERT INTO days VALUES ($1)", mode, time.Date(2026, 1, 1+i, h, 0, 0, 0, nairobi))
			require.NoError(t, err, mode)
			_, err = db.Exec("INSERT INTO texts VALUES ($1)", mode, fmt.Sprint(mode, h))
			require.NoError(t, err, mode)
		}
	}
	for shard := range 3 {
		for table, hash := range map[string]string{"days": "timestamp_hash_extended(day, 8816678312871386365)", "texts": "hashtextextended(k, 8816678312871386365)"} {
			assert.Equal(t, "0", b.on(t, shard, fmt.Sprintf("SELECT count(*)::text FROM %s WHERE (%s & 4095) * 3 / 4096 <> %d", table, hash, shard)))
		}
	}
}
