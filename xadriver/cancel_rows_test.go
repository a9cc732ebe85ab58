package xadriver_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Whoever is told that reading was cut short has a transaction that has failed, also when
// the shards had sent everything by then, and no connection was lost by it.
func TestATransactionWhoseRowsWereCutShortHasFailed(t *testing.T) {
	b := openBank(t, 3)
	names := fill(t, b)
	for what, query := range map[string]string{
		"of one shard":  "SELECT g FROM accounts, generate_series(1, 3) g WHERE owner = '" + names[0] + "'",
		"of all shards": "SELECT owner FROM accounts",
		"in order":      "SELECT owner FROM accounts ORDER BY owner",
		"of a write":    "UPDATE accounts SET balance = balance + 1 RETURNING owner",
		"of a script":   "SELECT owner FROM accounts; SELECT balance FROM accounts",
	} {
		for _, told := range []string{"by reading on", "not at all"} {
			t.Run(what+", "+told, func(t *testing.T) {
				tx, err := b.Begin()
				require.NoError(t, err)
				defer tx.Rollback() //nolint:errcheck // over by then
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				rows, err := tx.QueryContext(ctx, query)
				require.NoError(t, err)
				require.True(t, rows.Next())
				cancel()
				if told == "by reading on" {
					for rows.Next() {
					}
					// The end may have come first: then nobody is told anything.
					if rows.Err() == nil {
						require.NoError(t, tx.Commit())
						return
					}
					require.ErrorIs(t, rows.Err(), context.Canceled)
				}
				_ = rows.Close()
				_, err = tx.Exec("SELECT 1")
				assert.Equal(t, "25P02", codeOf(t, err))
				assert.ErrorIs(t, tx.Commit(), pgx.ErrTxCommitRollback)
			})
		}
	}
	// So have those of a script's second statement, whose first one was read to its end.
	tx, err := b.Begin()
	require.NoError(t, err)
	defer tx.Rollback() //nolint:errcheck // over by then
	_, err = tx.Exec("SAVEPOINT s")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	rows, err := tx.QueryContext(ctx, "SELECT owner FROM accounts; SELECT balance FROM accounts")
	require.NoError(t, err)
	for rows.Next() {
	}
	require.True(t, rows.NextResultSet())
	require.True(t, rows.Next())
	cancel()
	_ = rows.Close()
	_, err = tx.Exec("SELECT 1")
	assert.Equal(t, "25P02", codeOf(t, err))
	_, err = tx.Exec("ROLLBACK TO SAVEPOINT s") // no connection was lost
	require.NoError(t, err)
	_, err = tx.Exec("UPDATE accounts SET balance = 1")
	require.NoError(t, err)
	require.NoError(t, tx.Commit())

	// Who closes them early was told nothing, and goes on.
	tx, err = b.Begin()
	require.NoError(t, err)
	defer tx.Rollback() //nolint:errcheck // over by then
	ctx, cancel = context.WithCancel(t.Context())
	rows, err = tx.QueryContext(ctx, "SELECT owner FROM accounts")
	require.NoError(t, err)
	require.True(t, rows.Next())
	require.NoError(t, rows.Close())
	cancel()
	_, err = tx.Exec("UPDATE accounts SET balance = 0")
	require.NoError(t, err)
	require.NoError(t, tx.Commit())
}
