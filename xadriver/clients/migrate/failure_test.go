package migrate

import (
	"testing"

	"github.com/golang-migrate/migrate/v4/database"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver/clients/cluster"
)

// good are statements that change every kind of table, before one that fails.
const good = "CREATE TABLE later (sku text PRIMARY KEY);\n" +
	"ALTER TABLE parts ADD COLUMN weight numeric;\n" +
	"UPDATE parts SET stock = -1;\n" +
	"DELETE FROM moves;\n" +
	"INSERT INTO units VALUES ('s', 'second');\n" +
	"INSERT INTO counts (what, n) VALUES ('lost', 1);\n"

// failing are the ends of files that fail, and how.
var failing = map[string]struct{ bad, code string }{
	"a statement in the middle":          {"SELECT 1 / (n - n) FROM (SELECT 1 AS n) x;\nCREATE TABLE never (id int);\n", "22012"},
	"a syntax error":                     {"SELECT 1;\nSELEC 1;\n", "42601"},
	"a column that there is not":         {"SELECT 1;\nSELECT sku,\n  colour FROM parts;\n", "42703"},
	"a constraint that one shard judges": {"ALTER TABLE parts ADD CHECK (sku <> 'part 7');\n", "23514"},
	"a duplicate on one shard":           {"INSERT INTO parts (sku, unit, name) VALUES ('part 1000', 'm', ''), ('part 7', 'm', '');\n", "23505"},
	"a deferred constraint, at commit":   {"INSERT INTO moves SELECT 'part ' || n, 9, 1 FROM generate_series(55, 61) n;\n", "23503"},
	"a concurrent index in a text":       {"CREATE INDEX CONCURRENTLY moves_n ON moves (n);\n", "25001"},
}

func TestAFileThatFailsLeavesNothingOnAnyShard(t *testing.T) {
	cluster.Each(t, placement, func(t *testing.T, c *cluster.Cluster) {
		driver := drivers["pgx"]
		require.NoError(t, open(t, c, driver, warehouse(t), false).Up())
		before := state(t, c)
		for name, test := range failing {
			t.Run(name, func(t *testing.T) {
				m := open(t, c, driver, with(t, "5_fails.up.sql", good+test.bad), false)
				assert.Equal(t, test.code, code(t, m.Up()))
				assert.Equal(t, before, state(t, c))
				assert.Equal(t, "5 dirty", version(t, m))
				require.ErrorContains(t, m.Up(), "Dirty database version 5. Fix and force version.")
				require.NoError(t, m.Force(latest))
			})
		}

		m := open(t, c, driver, with(t, "5_mended.up.sql", good), false)
		require.NoError(t, m.Up())
		assert.Equal(t, "5", version(t, m))
		assert.Contains(t, sameEverywhere(t, c), "column later.sku")
	})
}

// code is the SQLSTATE that a migration has failed with. The library asserts the
// type of its cause, so that must be PostgreSQL's error itself.
func code(t testing.TB, err error) string {
	t.Helper()
	var failure database.Error
	require.ErrorAs(t, err, &failure)
	require.IsType(t, (*pgconn.PgError)(nil), failure.OrigErr)
	return failure.OrigErr.(*pgconn.PgError).Code
}

func TestTheErrorTellsTheLineInTheFile(t *testing.T) {
	cluster.Each(t, placement, func(t *testing.T, c *cluster.Cluster) {
		for text, line := range map[string]uint{
			"SELECT 1;\nSELEC 1;\n": 2,
			"SELECT 1;\nCREATE TABLE parts (sku text PRIMARY KEY);\nSELECT sku,\n  colour FROM parts;\n": 4,
		} {
			m := open(t, c, drivers["pgx"], file("1_fails.up.sql", text), false)
			var failure database.Error
			require.ErrorAs(t, m.Up(), &failure)
			assert.Equal(t, line, failure.Line, text)
			require.NoError(t, m.Force(-1))
		}
	})
}

func TestAFileWithATransactionOfItsOwnThatFailsLeavesNothing(t *testing.T) {
	cluster.Each(t, placement, func(t *testing.T, c *cluster.Cluster) {
		require.NoError(t, open(t, c, drivers["pgx"], warehouse(t), false).Up())
		before := state(t, c)
		m := open(t, c, drivers["pgx"], with(t, "5_fails.up.sql", "BEGIN;\n"+good+"SELECT 1 / 0;\nCOMMIT;\n"), false)
		// The connection is left in the failed transaction, in which the library
		// cannot unlock.
		require.ErrorContains(t, m.Up(), "current transaction is aborted")
		assert.Equal(t, before, state(t, c), "it holds no locks on any shard")
		sourceErr, dbErr := m.Close()
		require.NoError(t, sourceErr)
		require.NoError(t, dbErr)

		// But its lock has gone with it.
		again := open(t, c, drivers["pgx"], with(t, "5_mended.up.sql", "BEGIN;\n"+good+"COMMIT;\n"), false)
		assert.Equal(t, "5 dirty", version(t, again))
		require.NoError(t, again.Force(latest))
		require.NoError(t, again.Up())
		assert.Contains(t, sameEverywhere(t, c), "column parts.weight")
	})
}
