package migrate

import (
	"strconv"
	"testing"

	"github.com/golang-migrate/migrate/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver/clients/cluster"
)

func TestUpDownStepsForceAndDrop(t *testing.T) {
	eachDriver(t, func(t *testing.T, c *cluster.Cluster, with instance) {
		m := open(t, c, with, warehouse(t), false)
		assert.Equal(t, "none", version(t, m))
		require.NoError(t, m.Steps(1))
		assert.Equal(t, "1", version(t, m))
		first := sameEverywhere(t, c)

		require.NoError(t, m.Up())
		assert.Equal(t, "4", version(t, m))
		require.ErrorIs(t, m.Up(), migrate.ErrNoChange)
		whole := sameEverywhere(t, c)
		for _, what := range []string{"column parts.name text NO", "column units.title", "function move_part", "trigger move_part", "index parts_unit t"} {
			assert.Contains(t, whole, what)
		}
		rowsAreWhereTheMapSays(t, c)

		require.NoError(t, m.Down())
		assert.Equal(t, "none", version(t, m))
		assert.NotContains(t, sameEverywhere(t, c), "parts")

		require.NoError(t, m.Migrate(2))
		require.NoError(t, m.Steps(-1))
		assert.Equal(t, "1", version(t, m))
		assert.Equal(t, first, sameEverywhere(t, c))

		require.NoError(t, m.Force(latest))
		assert.Equal(t, "4", version(t, m))
		require.ErrorIs(t, m.Up(), migrate.ErrNoChange)
		require.NoError(t, m.Drop())
		assert.NotContains(t, sameEverywhere(t, c), "column")
	})
}

func rowsAreWhereTheMapSays(t *testing.T, c *cluster.Cluster) {
	t.Helper()
	if !c.Sharded() {
		assert.Equal(t, []string{"60"}, c.Counts(t, "parts"))
		return
	}
	total := 0
	for i, n := range c.Counts(t, "parts") {
		assert.NotEqual(t, "0", n, "shard %d has its part of the parts", i+1)
		assert.Equal(t, n, c.On(t, i, "SELECT count(*) FROM parts JOIN moves USING (sku) WHERE n = 1 AND stock >= amount AND name = upper(sku)"))
		here, err := strconv.Atoi(n)
		require.NoError(t, err)
		total += here
	}
	assert.Equal(t, 60, total)
	assert.Equal(t, []string{"3", "3", "3"}, c.Counts(t, "units"), "reference tables are everywhere")
	assert.Equal(t, []string{"2", "0", "0"}, c.Counts(t, "counts"), "unsharded tables are at home")
	assert.Equal(t, []string{"1", "0", "0"}, c.Counts(t, "schema_migrations"), "as is the library's own")
	assert.Equal(t, "kg=337 m=274", c.On(t, 0, "SELECT string_agg(what || '=' || n, ' ' ORDER BY what) FROM counts"), "of all shards' parts")
}
