package migrate

import (
	"sync"
	"testing"

	"github.com/golang-migrate/migrate/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver/clients/cluster"
)

// Statements one by one are transactions one by one, each of them whole, and may be
// such as PostgreSQL runs outside of transactions only.
func TestOfStatementsOneByOneThoseBeforeTheFailureStay(t *testing.T) {
	cluster.Each(t, placement, func(t *testing.T, c *cluster.Cluster) {
		require.NoError(t, open(t, c, drivers["pgx"], warehouse(t), false).Up())
		m := open(t, c, drivers["pgx"], with(t, "5_fails.up.sql", "ALTER TABLE parts ADD COLUMN weight numeric;\n"+
			"UPDATE parts SET weight = 1;\n"+
			"CREATE INDEX CONCURRENTLY moves_n ON moves (n);\n"+
			"CREATE UNIQUE INDEX CONCURRENTLY units_title ON units (title);\n"+
			"VACUUM parts;\n"+
			"INSERT INTO units VALUES ('s', 'second');\n"+
			"INSERT INTO parts (sku, unit, name) VALUES ('part 1000', 'm', ''), ('part 1001', 'm', ''), ('part 7', 'm', '');\n"+
			"UPDATE parts SET weight = 2;\n"), true)
		assert.Equal(t, "23505", code(t, m.Up()))
		assert.Equal(t, "5 dirty", version(t, m))
		everything := sameEverywhere(t, c)
		for _, what := range []string{"column parts.weight", "index moves_n t", "index units_title t"} {
			assert.Contains(t, everything, what)
		}
		for i := range c.URLs {
			assert.Equal(t, "0", c.On(t, i, "SELECT count(*) FROM parts WHERE weight IS DISTINCT FROM 1 OR sku IN ('part 1000', 'part 1001')"))
			assert.Equal(t, "4", c.On(t, i, "SELECT count(*) FROM units"))
		}
	})
}

func TestABlockOfCodeInATextGoesToAllShardsByItsHint(t *testing.T) {
	cluster.Each(t, placement, func(t *testing.T, c *cluster.Cluster) {
		m := open(t, c, drivers["pgx"], file("1_block.up.sql", "CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1';\n"+
			"/* xapg:shard=* */ DO $$ BEGIN COMMENT ON FUNCTION one() IS 'first; and only'; END; $$;\n"), false)
		require.NoError(t, m.Up())
		assert.Contains(t, sameEverywhere(t, c), "function one: first; and only")
	})
}

// The third migration is left out: CREATE INDEX CONCURRENTLY waits for whoever
// waits in pg_advisory_lock, on any PostgreSQL.
func TestOfTwoProcessesOneMigrates(t *testing.T) {
	eachDriver(t, func(t *testing.T, c *cluster.Cluster, driver instance) {
		files := with(t, "3_index.up.sql", "CREATE INDEX parts_unit ON parts (unit);\n")
		errs := make([]error, 2)
		var wg sync.WaitGroup
		for i := range errs {
			m := open(t, c, driver, files, false)
			wg.Go(func() { errs[i] = m.Up() })
		}
		wg.Wait()
		assert.ElementsMatch(t, []error{nil, migrate.ErrNoChange}, errs)
		rowsAreWhereTheMapSays(t, c)
		sameEverywhere(t, c)
		assert.Equal(t, "0", c.On(t, 0, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' "+
			"AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"), "both have unlocked")
	})
}
