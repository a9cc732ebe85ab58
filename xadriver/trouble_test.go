package xadriver_test

import (
	"database/sql"
	"database/sql/driver"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/txlog"
	"github.com/xapg/xapg/txlog/sqlitelog"
	"github.com/xapg/xapg/xadriver"
	"github.com/xapg/xapg/xadriver/xatest"
)

func TestWrongConfigurationsSayWhatToWrite(t *testing.T) {
	for dsn, want := range map[string]string{
		"cluster=bank shard.a='host=h1' shard.b='host=h2'":                                  "log=sqlite:",
		"log=sqlite:x shard.a='host=h1' shard.b='host=h2'":                                  "cluster",
		"cluster=bank log=file:x shard.a='host=h1' shard.b='host=h2'":                       "sqlite:PATH",
		"cluster=bank log=sqlite:x shard.a='host=h1' shard.b='host=h2' home=c":              "no shard is named \"c\"; valid: a, b",
		"cluster=bank log=sqlite:x shard.a='host=h1' shard.b='host=h2' lock_wiat=5s":        "did you mean \"lock_wait\"",
		"cluster=bank log=sqlite:x shard.a='host=h1' shard.b='host=h2' lock_wait=soon":      "such as 500ms",
		"cluster=bank log=sqlite:x shard.a='host=h1' shard.a='host=h2'":                     "twice",
		"cluster=bank log=sqlite:x shard.a='host=h1' shard.b='host=h2 port=x password=pw1'": "shards.b: its DSN cannot be read",
		"cluster=bank log=sqlite:x shard.a='host=h1":                                        "closing quote",
		"/no/such/file.yaml": "cannot be read",
	} {
		_, err := sql.Open("xapg", dsn)
		require.Error(t, err, dsn)
		assert.Contains(t, err.Error(), want, dsn)
		assert.NotContains(t, err.Error(), "pw1")
	}
}

func TestAShardWithoutPreparedTransactionsIsNamedAtOpening(t *testing.T) {
	c := xatest.Start(t, xatest.Names("athos", "porthos"), xatest.SetOn("porthos", "max_prepared_transactions", "0"))
	db := openDB(t, c.DSN("bank", filepath.Join(t.TempDir(), "x.db")))
	err := db.Ping()
	var disabled *xadriver.PrepareDisabledError
	require.ErrorAs(t, err, &disabled)
	assert.Equal(t, "porthos", disabled.Shard)
	assert.Contains(t, err.Error(), "max_prepared_transactions")
}

func TestAShardThatIsDownStopsOnlyWhatNeedsIt(t *testing.T) {
	c := xatest.Start(t, xatest.Names("athos", "porthos"))
	dsn := c.DSN("bank", filepath.Join(t.TempDir(), "x.db"), "key.moves=owner", "resolve_after=300ms", "resolve_every=200ms")
	b := &bank{urls: []string{c.Shards[0].DSN(), c.Shards[1].DSN()}}
	db := openDB(t, dsn)
	_, err := db.Exec(movesSchema)
	require.NoError(t, err)
	names := owners(t, b)
	require.NoError(t, c.Server("porthos").Stop(t.Context(), xatest.Fast))

	again := openDB(t, dsn) // opening does not wait for it
	_, err = again.Exec("INSERT INTO moves VALUES ($1, 'one')", names[0])
	require.NoError(t, err)
	_, err = again.Exec("INSERT INTO moves VALUES ($1, 'two')", names[1])
	require.Error(t, err)
	err = move(t.Context(), again, names, "both")
	require.Error(t, err)
	require.NoError(t, c.Server("porthos").Start(t.Context()))
	require.NoError(t, move(t.Context(), again, names, "later"))
	heal(t, b.urls)
	requireWhole(t, b.urls, map[string]told{"both": toldRolledBack, "later": toldCommitted}, "one")
}

func TestALogOfAnotherClusterIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	log, err := sqlitelog.Open(t.Context(), path, sqlitelog.Options{Cluster: "other"})
	require.NoError(t, err)
	require.NoError(t, log.Close())
	_, err = sql.Open("xapg", "cluster=bank log="+xatest.Quote("sqlite:"+path)+" shard.a='host=127.0.0.1 port=1' shard.b='host=127.0.0.1 port=1'")
	var foreign *txlog.ForeignError
	require.ErrorAs(t, err, &foreign)
	assert.Contains(t, err.Error(), "other")
}

func TestAShardThatDecidedTransactionsWaitForCannotBeDropped(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	log, err := sqlitelog.Open(t.Context(), path, sqlitelog.Options{Cluster: "bank"})
	require.NoError(t, err)
	id := uuid.Must(uuid.NewV7())
	_, err = log.Decide(t.Context(), id, txlog.Commit, voters([]string{"a", "gone"}))
	require.NoError(t, err)
	require.NoError(t, log.Close())
	_, err = sql.Open("xapg", "cluster=bank log="+xatest.Quote("sqlite:"+path)+" shard.a='host=127.0.0.1 port=1' shard.b='host=127.0.0.1 port=1'")
	var dropped *xadriver.DroppedShardError
	require.ErrorAs(t, err, &dropped)
	assert.Equal(t, "gone", dropped.Shard)
	assert.Equal(t, id, dropped.Txn)
}

func TestACopyOfTheLogIsRefused(t *testing.T) {
	b := newBank(t, 2, fast...)
	db := openDB(t, b.dsn)
	_, err := db.Exec(movesSchema)
	require.NoError(t, err)
	names := owners(t, b)
	require.NoError(t, db.Close())
	copied := b.log + ".copy"
	data, err := os.ReadFile(b.log)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(copied, data, 0o600))

	original := openDB(t, b.dsn)
	require.NoError(t, move(t.Context(), original, names, "by the original"))
	twin := openDB(t, strings.Replace(b.dsn, b.log, copied, 1))
	err = move(t.Context(), twin, names, "by the copy")
	var refused *xadriver.TwinLogError
	require.ErrorAs(t, err, &refused)
	requireWhole(t, b.urls, map[string]told{"by the original": toldCommitted, "by the copy": toldRolledBack})
}

func TestAFullDiskUnderTheLogRollsBack(t *testing.T) {
	b := newBank(t, 2, fast...)
	full := &fullLog{}
	db := openStepped(t, b.dsn, nil, func(c *xadriver.Config) {
		log, err := sqlitelog.Open(t.Context(), b.log, sqlitelog.Options{Cluster: "bank"})
		require.NoError(t, err)
		t.Cleanup(func() { _ = log.Close() })
		full.Log = log
		c.DecisionLog = full
	})
	_, err := db.Exec(movesSchema)
	require.NoError(t, err)
	names := owners(t, b)
	full.full.Store(true)
	err = move(t.Context(), db, names, "full")
	var aborted *xadriver.AbortedError
	require.ErrorAs(t, err, &aborted)
	assert.Contains(t, err.Error(), "disk")
	full.full.Store(false)
	require.NoError(t, move(t.Context(), db, names, "space again"))
	heal(t, b.urls)
	requireWhole(t, b.urls, map[string]told{"full": toldRolledBack, "space again": toldCommitted})
}

func TestAProgramForOneServerRunsUnchanged(t *testing.T) {
	url := servers(t).Shards[0].DSN()
	for _, name := range []string{"pgx", "xapg"} {
		db, err := sql.Open(name, url)
		require.NoError(t, err)
		table := "unchanged_" + name
		_, err = db.Exec("CREATE TABLE " + table + " (id int PRIMARY KEY, tags text[], doc jsonb); CREATE INDEX ON " + table + " (tags)")
		require.NoError(t, err)
		tx, err := db.BeginTx(t.Context(), &sql.TxOptions{Isolation: sql.LevelSerializable})
		require.NoError(t, err)
		_, err = tx.Exec("INSERT INTO "+table+" VALUES ($1, $2, $3)", 1, []string{"a", "b"}, map[string]any{"x": 1})
		require.NoError(t, err)
		require.NoError(t, tx.Commit())
		stmt, err := db.Prepare("SELECT doc->>'x', count(*) OVER () FROM " + table + " WHERE id = $1")
		require.NoError(t, err)
		var x string
		var n int
		require.NoError(t, stmt.QueryRow(1).Scan(&x, &n))
		assert.Equal(t, "1", x)
		require.NoError(t, stmt.Close())
		rows, err := db.Query("SELECT * FROM " + table)
		require.NoError(t, err)
		types, err := rows.ColumnTypes()
		require.NoError(t, err)
		assert.Equal(t, "INT4", types[0].DatabaseTypeName())
		require.NoError(t, rows.Close())
		conn, err := db.Conn(t.Context())
		require.NoError(t, err)
		_, err = conn.ExecContext(t.Context(), "SET search_path = pg_catalog")
		require.NoError(t, err)
		var path string
		require.NoError(t, conn.QueryRowContext(t.Context(), "SHOW search_path").Scan(&path))
		assert.Equal(t, "pg_catalog", path)
		require.NoError(t, conn.Raw(func(c any) error {
			if name == "xapg" {
				c = c.(*xadriver.Conn).Raw()
			}
			assert.Implements(t, (*driver.QueryerContext)(nil), c)
			return nil
		}))
		require.NoError(t, conn.Close())
		require.NoError(t, db.Close())
	}
}
