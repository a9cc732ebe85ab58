package river

import (
	"testing"

	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver"
	"github.com/xapg/xapg/xadriver/clients/cluster"
)

const tables = `SELECT coalesce(string_agg(table_name || '.' || column_name || ' ' || data_type, ', ' ORDER BY table_name, column_name), '')
	FROM information_schema.columns WHERE table_schema = 'public'`

func TestMigrationsMakeTheSameTablesOnAllShards(t *testing.T) {
	cluster.Each(t, placement, func(t *testing.T, c *cluster.Cluster) {
		db := c.Open(t)
		m := migrate(t, db, rivermigrate.DirectionUp, nil)
		first := c.On(t, 0, tables)
		assert.Contains(t, first, "river_job.unique_states bit")
		for i := range c.URLs {
			assert.Equal(t, first, c.On(t, i, tables), "shard %d", i+1)
		}
		assert.Equal(t, home(c, "6"), padded(c.Counts(t, "river_migration")), "the versions are rows of an unsharded table")
		result, err := m.Validate(t.Context())
		require.NoError(t, err)
		assert.True(t, result.OK, result.Messages)

		migrate(t, db, rivermigrate.DirectionDown, &rivermigrate.MigrateOpts{TargetVersion: -1})
		for i := range c.URLs {
			assert.Empty(t, c.On(t, i, tables), "shard %d", i+1)
		}
	})
}

// padded has an empty text for "0".
func padded(counts []string) []string {
	for i, n := range counts {
		if n == "0" {
			counts[i] = ""
		}
	}
	return counts
}

func TestMigrationsWithoutTheHintAreRefused(t *testing.T) {
	c := cluster.New(t, 3, placement...)
	m, err := rivermigrate.New(riverdatabasesql.New(c.Open(t)), &rivermigrate.Config{Logger: quiet})
	require.NoError(t, err)
	_, err = m.Migrate(t.Context(), rivermigrate.DirectionUp, nil)
	var refused *xadriver.UnsupportedError
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, "DO and CALL", refused.Clause)
	for i := range c.URLs {
		assert.Equal(t, c.On(t, 0, tables), c.On(t, i, tables), "what came before it is the same on all shards")
	}
}
