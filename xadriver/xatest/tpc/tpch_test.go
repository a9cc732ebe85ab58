package tpc_test

import (
	"database/sql"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver/xatest/tpc"
)

// variants is how often the queries are asked with other parameters. With more
// it takes longer, and sees more.
const variants = 1

func TestTPCHQueriesGiveTheSameOverShards(t *testing.T) {
	tables := tpc.SmallScale.Tables()
	one, empty := plain(t, "tpch"), plain(t, "tpch_empty")
	fill(t, one, tpc.TPCHSchema, tables)
	fill(t, empty, tpc.TPCHSchema, nil)
	everyQueryFindsRows(t, one)
	for _, shards := range systems {
		t.Run(named(shards), func(t *testing.T) {
			s := target(t, "tpch", shards, tpc.TPCHSettings...)
			fill(t, s, tpc.TPCHSchema, nil)
			t.Run("empty", func(t *testing.T) { sameAnswers(t, empty, s, tpc.Queries()) })
			fill(t, s, "", tables)
			sameTables(t, one, s, tables)
			addsUp(t, s, tables)
			sameAnswers(t, one, s, tpc.Queries())
			for n := range variants {
				samePrepared(t, one, s, tpc.Variants(uint64(n+1)))
			}
		})
	}
}

// everyQueryFindsRows makes sure that the data are worth comparing.
func everyQueryFindsRows(t *testing.T, one *system) {
	t.Helper()
	for _, q := range tpc.Queries() {
		a, err := ask(t.Context(), one, q.SQL)
		require.NoError(t, err, q.Name)
		require.NotEmpty(t, a.rows, q.Name)
		require.NotContains(t, a.rows, "NULL", q.Name)
	}
}

// sameAnswers compares the answers to queries, which are all in order.
func sameAnswers(t *testing.T, one, other *system, queries []tpc.Query) {
	t.Helper()
	for _, q := range queries {
		t.Run(q.Name, func(t *testing.T) {
			want, err := ask(t.Context(), one, q.SQL)
			require.NoError(t, err)
			got, err := ask(t.Context(), other, q.SQL)
			require.NoError(t, err)
			assert.Empty(t, want.difference(got), q.SQL)
		})
	}
}

// samePrepared prepares queries within one transaction, and asks each twice.
func samePrepared(t *testing.T, one, other *system, queries []tpc.Query) {
	t.Helper()
	tx, err := other.BeginTx(t.Context(), &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	require.NoError(t, err)
	defer tx.Rollback()
	for _, q := range queries {
		want, err := ask(t.Context(), one, q.SQL)
		require.NoError(t, err, q.Name)
		stmt, err := tx.PrepareContext(t.Context(), q.SQL)
		require.NoError(t, err, q.Name)
		for range 2 {
			rows, err := stmt.QueryContext(t.Context())
			require.NoError(t, err, q.Name)
			got, err := read(rows)
			require.NoError(t, err, q.Name)
			assert.Empty(t, want.difference(got), q.SQL)
		}
		require.NoError(t, stmt.Close())
	}
	require.NoError(t, tx.Commit())
}

// fill makes a schema's tables and their rows.
func fill(t *testing.T, s *system, schema string, tables []tpc.Table) {
	t.Helper()
	if schema != "" {
		_, err := s.ExecContext(t.Context(), schema)
		require.NoError(t, err, s.name)
	}
	require.NoError(t, tpc.Load(t.Context(), s, tables), s.name)
}

// sameTables compares all rows of all tables.
func sameTables(t *testing.T, one, other *system, tables []tpc.Table) {
	t.Helper()
	for _, table := range tables {
		query := "SELECT * FROM " + table.Name
		want, err := ask(t.Context(), one, query)
		require.NoError(t, err, table.Name)
		got, err := ask(t.Context(), other, query)
		if assert.NoError(t, err, table.Name) {
			assert.Empty(t, want.sorted().difference(got.sorted()), table.Name)
		}
	}
}
