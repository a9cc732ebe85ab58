package xadriver_test

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A failed transaction keeps nobody waiting until it is rolled back.
func TestAFailedTransactionGivesUpItsLocksAtOnce(t *testing.T) {
	b := openBank(t, 3)
	names := fill(t, b)
	for _, savepoint := range []bool{false, true} {
		tx, err := b.Begin()
		require.NoError(t, err)
		if savepoint {
			_, err = tx.Exec("SAVEPOINT s")
			require.NoError(t, err)
		}
		for _, name := range names {
			_, err = tx.Exec("UPDATE accounts SET balance = 0 WHERE owner = $1", name)
			require.NoError(t, err)
		}
		_, err = tx.Exec("UPDATE accounts SET balance = 1 / balance WHERE owner = $1", names[2])
		require.Equal(t, "22012", codeOf(t, err))
		_, err = b.Exec("UPDATE accounts SET note = 'seen'")
		require.NoError(t, err, "it would wait for ever")
		_, err = tx.Exec("SELECT 1")
		assert.Equal(t, "25P02", codeOf(t, err))
		if savepoint {
			_, err = tx.Exec("ROLLBACK TO s")
			require.NoError(t, err)
			_, err = tx.Exec("UPDATE accounts SET balance = balance + 1")
			require.NoError(t, err)
			require.NoError(t, tx.Commit())
			var sum int
			require.NoError(t, b.QueryRow("SELECT sum(balance) FROM accounts").Scan(&sum))
			assert.Equal(t, 303, sum)
			continue
		}
		require.ErrorIs(t, tx.Commit(), pgx.ErrTxCommitRollback)
	}
	assert.Zero(t, b.prepared(t))
}
