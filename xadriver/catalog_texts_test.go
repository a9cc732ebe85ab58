package xadriver_test

import (
	"context"
	"database/sql"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What a view stands for is read when it is named, wherever that is.
func TestViewsAreReadWhereverTheyAreNamed(t *testing.T) {
	b := openTwoTables(t)
	_, err := b.Exec(`CREATE VIEW over_over_b AS SELECT o.id, b.n FROM over_b AS o JOIN b USING (id) WHERE EXISTS (SELECT FROM of_a WHERE of_a.id = o.id);
		CREATE FUNCTION n_of(who int) RETURNS int LANGUAGE sql STABLE AS 'SELECT n FROM of_b WHERE id = who'`)
	require.NoError(t, err)
	for _, c := range []struct{ prepare, query, want string }{
		{query: "SELECT count(*) FROM over_over_b", want: "9"},
		{query: "SELECT n FROM over_over_b WHERE id = 3", want: "1"},
		{query: "SELECT string_agg(id::text, ',') FROM (SELECT id FROM over_b ORDER BY id DESC LIMIT 2) AS last", want: "9,8"},
		{query: "WITH w AS (SELECT id FROM over_over_b) SELECT max(id) FROM w", want: "9"},
		{query: "SELECT n_of(id) FROM b WHERE id = 4", want: "1"},
		{prepare: "PREPARE p AS SELECT count(*) FROM over_b WHERE id < $1", query: "EXECUTE p(4)", want: "3"},
		{prepare: "CREATE TEMPORARY VIEW mine AS SELECT id FROM over_b", query: "SELECT count(*) FROM mine WHERE id = 2", want: "1"},
		{prepare: "CREATE TABLE few AS SELECT id FROM over_b WHERE id < 3", query: "SELECT count(*) FROM few", want: "2"},
		{query: "INSERT INTO a (id, n) SELECT id + 100, n FROM over_over_b WHERE id = 7 RETURNING id", want: "107"},
		{query: "UPDATE a SET n = v.n + 1 FROM over_over_b AS v WHERE v.id = 5 AND a.id = 5 RETURNING a.n", want: "2"},
	} {
		fresh := openDB(t, b.dsn)
		conn, err := fresh.Conn(t.Context())
		require.NoError(t, err)
		if c.prepare != "" {
			_, err = conn.ExecContext(t.Context(), c.prepare)
			require.NoError(t, err, c.prepare)
		}
		var got string
		require.NoError(t, conn.QueryRowContext(t.Context(), c.query).Scan(&got), c.query)
		assert.Equal(t, c.want, got, c.query)
		require.NoError(t, conn.Close())
	}
	rows, err := openDB(t, b.dsn).Query("EXPLAIN SELECT * FROM over_b WHERE id = 3")
	require.NoError(t, err)
	require.NoError(t, rows.Close())
}

// A view that somebody replaces, or the table of which somebody renames, is another one
// from then on: in the same program at once, in others soon.
func TestViewsAreReadAgainWhenTheyChange(t *testing.T) {
	b := openTwoTables(t)
	other := openDB(t, b.dsn)
	of := func(db *sql.DB, query string) (got string) {
		require.NoError(t, db.QueryRow(query).Scan(&got))
		return got
	}
	const count = "SELECT count(*) FROM over_b"
	require.Equal(t, "9", of(b.DB, count))
	require.Equal(t, "9", of(other, count))
	_, err := b.Exec("CREATE OR REPLACE VIEW of_b AS SELECT id, n FROM b WHERE id < 5")
	require.NoError(t, err)
	assert.Equal(t, "4", of(b.DB, count))
	require.Eventually(t, func() bool { return of(other, count) == "4" }, 20*time.Second, 5*time.Millisecond)
	_, err = b.Exec("ALTER TABLE b RENAME COLUMN n TO m; INSERT INTO b (id, m) VALUES (0, 77)")
	require.NoError(t, err)
	const last = "SELECT n FROM of_b ORDER BY n DESC LIMIT 1"
	assert.Equal(t, "77", of(b.DB, last))
	require.Eventually(t, func() bool { return of(other, last) == "77" }, 20*time.Second, 5*time.Millisecond)

	tx, err := b.BeginTx(t.Context(), &sql.TxOptions{Isolation: sql.LevelRepeatableRead})
	require.NoError(t, err)
	var n int
	require.NoError(t, tx.QueryRow("SELECT count(*) FROM a").Scan(&n))
	behind(t, b, "CREATE OR REPLACE VIEW of_a AS SELECT id, n FROM a WHERE id < 5")
	require.NoError(t, tx.QueryRow("SELECT count(*) FROM of_a").Scan(&n))
	require.NoError(t, tx.Commit())
	require.Eventually(t, func() bool { return of(b.DB, "SELECT count(*) FROM of_a") == "4" }, 20*time.Second, 5*time.Millisecond)
}

// The defaults of a reference table are the same on every shard, also those that
// PostgreSQL cannot write out without looking at another table.
func TestDefaultsOfCompositeTypesAreRead(t *testing.T) {
	b := openTwoTables(t)
	_, err := b.Exec(`CREATE TYPE pair AS (x int, y timestamptz);
		CREATE TABLE currencies (id int PRIMARY KEY, p pair DEFAULT ROW(1, clock_timestamp())::pair, twice int GENERATED ALWAYS AS (id * 2) STORED, e text[] DEFAULT '{a}')`)
	require.NoError(t, err)
	for _, sql := range []string{"INSERT INTO currencies (id) VALUES (1)", "INSERT INTO currencies VALUES (2, DEFAULT)"} {
		_, err = openDB(t, b.dsn).Exec(sql)
		require.NoError(t, err, sql)
		const all = "SELECT string_agg(currencies::text, ';' ORDER BY id) FROM currencies"
		for i := range b.urls {
			assert.Equal(t, b.on(t, 0, all), b.on(t, i, all), sql)
		}
	}
}

// Whatever the reading of the catalog needs is taken back, within transactions too.
func TestReadingTheCatalogLeavesNothingInTheSession(t *testing.T) {
	b := openTwoTables(t, "lock_wait=11s")
	ctx := context.Background()
	const settings = "SELECT string_agg(name || '=' || setting, E'\\n' ORDER BY name) FROM pg_settings"
	conn, err := b.Conn(ctx)
	require.NoError(t, err)
	defer conn.Close()
	for _, s := range []string{`SET search_path TO "odd one", public`, "SET lock_timeout TO '13s'"} {
		_, err = conn.ExecContext(ctx, s)
		require.NoError(t, err)
	}
	ask := func() []string {
		var got string
		require.NoError(t, conn.QueryRowContext(ctx, settings).Scan(&got))
		return strings.Split(got, "\n")
	}
	read := func(end string) {
		before := ask()
		require.Contains(t, before, "lock_timeout=13000")
		require.Contains(t, before, `search_path="odd one", public`)
		for _, s := range []string{
			"BEGIN", "SELECT count(*) FROM over_b", "ALTER TABLE a ADD COLUMN IF NOT EXISTS x int", "SELECT count(*) FROM over_b", "SELECT * FROM of_a ORDER BY n",
			"SAVEPOINT s", "ALTER TABLE b ADD COLUMN IF NOT EXISTS x int", "SELECT count(*) FROM over_b",
		} {
			_, err := conn.ExecContext(ctx, s)
			require.NoError(t, err, s)
			if s != "BEGIN" {
				assert.Equal(t, before, ask(), "after %s", s)
			}
		}
		_, err := conn.ExecContext(ctx, end)
		require.NoError(t, err)
		assert.Equal(t, before, ask(), "after %s", end)
	}
	read("ROLLBACK")
	read("COMMIT")
}
