package xadriver_test

import (
	"context"
	"database/sql"
	"testing"

	"github.com/stretchr/testify/require"
)

// A program that changes its tables is not told that what was prepared before is
// outdated, neither outside of transactions nor within them.
func TestStatementsSurviveTheProgramsOwnChanges(t *testing.T) {
	for _, shards := range []int{1, 3} {
		b := openBank(t, shards)
		if shards == 1 {
			b.DB = openDB(t, b.urls[0])
		}
		b.SetMaxOpenConns(2)
		names := fill(t, b)
		read := func(q interface {
			QueryContext(context.Context, string, ...any) (*sql.Rows, error)
		}) {
			t.Helper()
			for query, arg := range map[string][]any{
				"SELECT * FROM accounts":                              nil,
				"SELECT * FROM accounts WHERE owner = $1":             {names[0]},
				"SELECT * FROM accounts WHERE balance > $1 LIMIT 100": {0},
				"UPDATE accounts SET balance = $1 RETURNING *":        {5},
			} {
				rows, err := q.QueryContext(t.Context(), query, arg...)
				require.NoError(t, err, "%d shards: %s", shards, query)
				for rows.Next() {
				}
				require.NoError(t, rows.Err(), query)
				require.NoError(t, rows.Close())
			}
		}
		change := func(q interface {
			ExecContext(context.Context, string, ...any) (sql.Result, error)
		}, column string) {
			t.Helper()
			_, err := q.ExecContext(t.Context(), "-- more\nALTER TABLE accounts ADD COLUMN "+column+" int")
			require.NoError(t, err)
		}
		for range 3 {
			read(b)
		}
		change(b, "a")
		for range 3 {
			read(b)
		}
		for _, column := range []string{"b", "c"} {
			tx, err := b.Begin()
			require.NoError(t, err)
			read(tx)
			change(tx, column)
			read(tx)
			require.NoError(t, tx.Commit())
		}
		tx, err := b.Begin()
		require.NoError(t, err)
		read(tx)
		require.NoError(t, tx.Rollback())
	}
}
