package tpc_test

import (
	"database/sql"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver/xatest/tpc"
)

// addsUp compares what xapg counts with what is on its shards: each has all rows
// of a reference table, and a part of those of the others.
func addsUp(t *testing.T, s *system, tables []tpc.Table) {
	t.Helper()
	holders := make(map[string]bool)
	for _, table := range tables {
		query := "SELECT count(*) FROM " + table.Name
		var all, sum int
		if !assert.NoError(t, s.QueryRowContext(t.Context(), query).Scan(&all), table.Name) {
			continue
		}
		for i, url := range s.shards {
			here := countOn(t, url, query)
			sum += here
			switch {
			case table.Reference:
				assert.Equal(t, all, here, "%s on shard %d", table.Name, i+1)
			case here > 0:
				holders[url] = true
			}
		}
		if len(s.shards) > 0 && !table.Reference {
			assert.Equal(t, all, sum, table.Name)
		}
	}
	assert.GreaterOrEqual(t, len(holders), min(2, len(s.shards)), "shards that have rows")
}

// countOn asks one shard, past xapg.
func countOn(t *testing.T, url, query string) (n int) {
	t.Helper()
	db, err := sql.Open("pgx", url)
	require.NoError(t, err)
	defer db.Close()
	require.NoError(t, db.QueryRowContext(t.Context(), query).Scan(&n))
	return n
}
