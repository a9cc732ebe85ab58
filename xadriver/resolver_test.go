package xadriver_test

import (
	"context"
	"database/sql"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/txlog/sqlitelog"
	"github.com/xapg/xapg/xadriver"
	"github.com/xapg/xapg/xadriver/internal/gid"
)

// prepareByHand leaves a prepared transaction.
func prepareByHand(t *testing.T, url, name string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer conn.Close(context.Background())
	for _, sql := range []string{"BEGIN", "SELECT pg_current_xact_id()", "PREPARE TRANSACTION '" + name + "'"} {
		_, err = conn.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
}

func gids(t *testing.T, url string) []string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer conn.Close(context.Background())
	rows, err := conn.Query(t.Context(), "SELECT gid FROM pg_prepared_xacts WHERE database = current_database()")
	require.NoError(t, err)
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return list
}

// looked waits until every shard and resource has been looked at for transactions in
// doubt: only the first look leaves marks there, and takes what it finds for leftovers.
func looked(t *testing.T, db *sql.DB) {
	t.Helper()
	conn, err := db.Conn(t.Context())
	require.NoError(t, err)
	defer conn.Close()
	var c *xadriver.Connector
	require.NoError(t, conn.Raw(func(raw any) error { c = xadriver.ConnectorOf(raw); return nil }))
	require.Eventually(t, func() bool {
		return !slices.ContainsFunc(c.Stats().Recovery, func(s xadriver.RecoveryStats) bool { return s.Looked.IsZero() })
	}, time.Minute, 5*time.Millisecond, "not every shard is looked at")
}

func TestTheResolverTakesItsOwnAndNothingElse(t *testing.T) {
	b := newBank(t, 2, fast...)
	other := newBank(t, 1)
	log, err := sqlitelog.Open(t.Context(), b.log, sqlitelog.Options{Cluster: "bank"})
	require.NoError(t, err)
	own := gid.ID{Cluster: "bank", Log: log.Identity().ID, Shard: "s1"}
	require.NoError(t, log.Close())
	name := func(id gid.ID) string {
		id.Txn = uuid.Must(uuid.NewV7())
		return id.String()
	}
	keep := map[string]string{
		"another log's":         name(gid.ID{Cluster: "bank", Log: "aaaaaaaaaaaa", Shard: "s2"}),
		"another cluster's":     name(gid.ID{Cluster: "shop", Log: own.Log, Shard: "s2"}),
		"another shard's":       name(gid.ID{Cluster: "bank", Log: own.Log, Shard: "s9"}),
		"another program's":     "citus_0_1_2_3",
		"not quite one of ours": "xapg_bank_" + own.Log + "_nonsense",
	}
	for _, g := range keep {
		prepareByHand(t, b.urls[1], g)
	}
	elsewhere := name(own)
	prepareByHand(t, other.urls[0], elsewhere)

	db := openDB(t, b.dsn)
	require.NoError(t, db.Ping())
	for range 3 { // a PREPARE that arrives after any sweep is found by the next
		for i, url := range b.urls {
			own.Shard = servers(t).Shards[i].Name()
			late := name(own)
			prepareByHand(t, url, late)
			require.Eventually(t, func() bool { return !slices.Contains(gids(t, url), late) }, 20*time.Second, 20*time.Millisecond)
		}
	}
	assert.Empty(t, gids(t, b.urls[0]))
	left := gids(t, b.urls[1])
	for what, g := range keep {
		assert.Contains(t, left, g, what)
	}
	assert.Equal(t, []string{elsewhere}, gids(t, other.urls[0]))
	for url, list := range map[string][]string{b.urls[1]: left, other.urls[0]: {elsewhere}} {
		conn, err := pgx.Connect(t.Context(), url)
		require.NoError(t, err)
		for _, g := range list {
			_, err = conn.Exec(t.Context(), "ROLLBACK PREPARED '"+g+"'")
			require.NoError(t, err)
		}
		require.NoError(t, conn.Close(context.Background()))
	}
}

func TestAFrozenShardHoldsUpNobodyElse(t *testing.T) {
	b := newBank(t, 2, append([]string{"finish_wait=500ms"}, fast...)...)
	db := openDB(t, b.dsn)
	_, err := db.Exec(movesSchema)
	require.NoError(t, err)
	names := owners(t, b)
	victim := servers(t).Shards[1]
	require.NoError(t, move(t.Context(), db, names, "warm"))
	require.NoError(t, victim.Freeze())
	t.Cleanup(func() { _ = victim.Thaw() }) // others use it, too
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	stuck := tellOf(move(ctx, db, names, "stuck"))
	_, err = db.Exec("INSERT INTO moves VALUES ($1, 'free')", names[0])
	require.NoError(t, err, "the other shard works")
	require.NoError(t, victim.Thaw())
	heal(t, b.urls)
	requireWhole(t, b.urls, map[string]told{"warm": toldCommitted, "stuck": stuck}, "free")
}
