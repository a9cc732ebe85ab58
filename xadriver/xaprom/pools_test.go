package xaprom_test

import (
	"database/sql"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func inUse(f figures) float64 {
	return f.sum("xapg_pool_connections", `pool="statements"`, `state="in_use"`)
}

func TestPoolsShowWhatIsInUseAndNothingAfterwards(t *testing.T) {
	b := openBank(t, nil, "shard_conns=7")
	rows, err := b.Query("SELECT generate_series(1, 100000) FROM accounts WHERE owner = $1", owners[2])
	require.NoError(t, err)
	tx := b.write(t, 0, 1)
	f := b.scrape(t)
	assert.EqualValues(t, 3, inUse(f))
	for _, shard := range []string{`shard="s1"`, `shard="s2"`, `shard="s3"`} {
		assert.EqualValues(t, 1, f.sum("xapg_pool_connections", shard, `pool="statements"`, `state="in_use"`))
		assert.EqualValues(t, 7, f.sum("xapg_pool_connections_max", shard, `pool="statements"`))
		assert.Zero(t, f.sum("xapg_pool_connections_max", shard, `pool="own"`))
		assert.Positive(t, f.sum("xapg_pool_opened_total", shard, `pool="own"`))
		assert.Positive(t, f.sum("xapg_pool_acquired_total", shard, `pool="statements"`))
		assert.Positive(t, f.sum("xapg_pool_opening_seconds_total", shard, `pool="statements"`))
	}
	require.NoError(t, rows.Close())
	require.NoError(t, tx.Commit())
	f = b.scrape(t)
	assert.Zero(t, inUse(f))
	assert.Positive(t, f.sum("xapg_pool_connections", `state="idle"`))
	require.NoError(t, b.Close())
	require.Eventually(t, func() bool { return b.scrape(t).sum("xapg_pool_connections") == 0 }, 10*time.Second, time.Millisecond)
}

func TestASessionsOwnConnectionsAreParked(t *testing.T) {
	b := openBank(t, nil)
	conn, err := b.Conn(t.Context())
	require.NoError(t, err)
	_, err = conn.ExecContext(t.Context(), "SET work_mem = '5MB'")
	require.NoError(t, err)
	assert.EqualValues(t, 1, b.scrape(t).sum("xapg_pool_connections", `state="parked"`))
	require.NoError(t, conn.Close())
}

func TestWhoWaitsForAConnectionIsSeen(t *testing.T) {
	b := openBank(t, nil, "shard_conns=1")
	f := b.scrape(t)
	require.Contains(t, f, "xapg_connection_waiters")
	tx := b.write(t, 0)
	second := make(chan *sql.Tx, 1)
	var waiting sync.WaitGroup
	defer waiting.Wait()
	waiting.Go(func() {
		tx, err := b.begin(t.Context(), 1)
		assert.NoError(t, err)
		second <- tx
	})
	require.Eventually(t, func() bool { return b.scrape(t).sum("xapg_connection_waiters") == 1 }, 10*time.Second, time.Millisecond)
	require.NoError(t, tx.Commit())
	tx = <-second
	require.NotNil(t, tx)
	f = b.scrape(t)
	assert.Zero(t, f.sum("xapg_connection_waiters"))
	assert.EqualValues(t, 1, f.sum("xapg_connection_waits_total"))
	assert.Positive(t, f.sum("xapg_connection_wait_seconds_total"))
	require.NoError(t, tx.Rollback())
}

func TestClosedConnectionsAreCountedByReason(t *testing.T) {
	b := openBank(t, nil, "conn_max_idle=1ms", "health_check=5ms", "resolve_every=1h")
	require.NoError(t, b.write(t, 0, 1, 2).Commit())
	require.Eventually(t, func() bool {
		return b.scrape(t).sum("xapg_pool_closed_total", `reason="idle"`, `pool="statements"`) == 3
	}, 10*time.Second, 5*time.Millisecond)
	assert.Zero(t, b.scrape(t).sum("xapg_pool_closed_total", `reason="old"`))
}
