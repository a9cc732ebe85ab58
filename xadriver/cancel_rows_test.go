package xadriver_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

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
					for more := true; more; more = rows.NextResultSet() {
						for rows.Next() {
						}
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

	// So have those whose first statement's rows were read to their end, and no more.
	tx, err = b.Begin()
	require.NoError(t, err)
	defer tx.Rollback() //nolint:errcheck // over by then
	ctx, cancel = context.WithCancel(t.Context())
	rows, err = tx.QueryContext(ctx, "SELECT owner FROM accounts; SELECT balance FROM accounts")
	require.NoError(t, err)
	for rows.Next() {
	}
	require.NoError(t, rows.Err())
	cancel()
	require.Eventually(t, func() bool { return rows.Err() != nil }, 10*time.Second, time.Millisecond)
	assert.False(t, rows.NextResultSet())
	_ = rows.Close()
	_, err = tx.Exec("SELECT 1")
	assert.Equal(t, "25P02", codeOf(t, err))
	require.ErrorIs(t, tx.Commit(), pgx.ErrTxCommitRollback)

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

// manyRows are queries whose results do not fit into the buffers on the way.
var manyRows = map[string]string{
	"one shard":           "SELECT owner, repeat('x', 500) FROM accounts, generate_series(1, 20000) WHERE owner = $1",
	"joined":              "SELECT owner, repeat('x', 500) FROM accounts, generate_series(1, 2000)",
	"ordered merge":       "SELECT g, repeat('x', 500) FROM accounts, generate_series(1, 2000) g ORDER BY g",
	"merge by PostgreSQL": `SELECT owner, repeat('x', 500) FROM accounts, generate_series(1, 1000) ORDER BY owner COLLATE "en-x-icu"`,
	"gather":              "SELECT a.owner, repeat('x', 500) FROM accounts a JOIN accounts b ON a.note = b.note, generate_series(1, 500)",
}

func TestRowsCanBeStoppedWhileTheyAreRead(t *testing.T) {
	w := openWorld(t, nil)
	for name, query := range manyRows {
		for _, inside := range []bool{false, true} {
			for _, reading := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/in a transaction: %t/while they are read: %t", name, inside, reading), func(t *testing.T) {
					w.reset(t)
					a := &attempt{world: w, pastOn: []int{0, 1, 2}}
					conn := a.pin(t)
					tx := a.begin(t, conn)
					var on runner = tx
					if !inside {
						require.NoError(t, tx.Rollback())
						on = w.DB
					}
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					rows, err := on.QueryContext(ctx, query, w.args(query)...)
					require.NoError(t, err)
					require.True(t, rows.Next())
					if reading {
						time.AfterFunc(2*time.Millisecond, cancel)
						for n := 0; rows.Next(); n++ {
							if n == 5000 { // with most of the rows to come, it hears of it
								require.Eventually(t, func() bool { return rows.Err() != nil }, 20*time.Second, time.Millisecond)
							}
						}
						assert.ErrorIs(t, rows.Err(), context.Canceled)
					}
					cancel()
					_ = rows.Close()
					w.quiet(t)
					if inside {
						_, err = tx.Exec("SELECT balance FROM accounts WHERE owner = $1", w.names[0])
						assert.Equal(t, "25P02", codeOf(t, err), "%v", err)
						assert.ErrorIs(t, tx.Commit(), pgx.ErrTxCommitRollback)
					}
					require.NoError(t, conn.Close())
					w.settled(t, name)
					assert.Zero(t, w.past(t))
					got, err := read(t.Context(), w.DB, "SELECT owner FROM accounts")
					require.NoError(t, err)
					assert.Len(t, strings.Split(got, "\n"), 15, "nothing of the rows is left for whoever comes next")
				})
			}
		}
	}
}
