package xadriver_test

import (
	"database/sql"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver"
)

func TestRowsLiveWhereTheirKeySays(t *testing.T) {
	b := openBank(t, 3)
	names := owners(t, b)
	for _, name := range names {
		_, err := b.Exec("INSERT INTO accounts (owner, balance) VALUES ($1, 100)", name)
		require.NoError(t, err)
	}
	for i, name := range names {
		assert.Equal(t, name, b.on(t, i, "SELECT string_agg(owner, ',') FROM accounts"))
		var balance int
		require.NoError(t, b.QueryRow("SELECT balance FROM accounts WHERE owner = $1", name).Scan(&balance))
		assert.Equal(t, 100, balance)
	}
	rows, err := b.Query("SELECT owner FROM accounts")
	require.NoError(t, err)
	var all []string
	for rows.Next() {
		var s string
		require.NoError(t, rows.Scan(&s))
		all = append(all, s)
	}
	require.NoError(t, rows.Err())
	assert.ElementsMatch(t, names, all)

	var n int64
	require.NoError(t, b.QueryRow("SELECT count(*) FROM accounts").Scan(&n))
	assert.EqualValues(t, 3, n)
	_, err = b.Query("SELECT ctid FROM accounts")
	var refused *xadriver.UnsupportedError
	require.ErrorAs(t, err, &refused)
	assert.Contains(t, refused.Clause, "ctid")

	res, err := b.Exec("UPDATE accounts SET balance = balance + 1")
	require.NoError(t, err)
	n, _ = res.RowsAffected()
	assert.EqualValues(t, 3, n)
}

func TestTransferCommitsOrRollsBackEverywhere(t *testing.T) {
	b := openBank(t, 3)
	names := owners(t, b)
	for _, name := range names {
		_, err := b.Exec("INSERT INTO accounts VALUES ($1, 100)", name)
		require.NoError(t, err)
	}
	transfer := func(end func(*sql.Tx) error) error {
		tx, err := b.Begin()
		require.NoError(t, err)
		_, err = tx.Exec("UPDATE accounts SET balance = balance - 10 WHERE owner = $1", names[0])
		require.NoError(t, err)
		_, err = tx.Exec("UPDATE accounts SET balance = balance + 10 WHERE owner = $1", names[2])
		require.NoError(t, err)
		return end(tx)
	}
	require.NoError(t, transfer((*sql.Tx).Commit))
	require.NoError(t, transfer((*sql.Tx).Rollback))
	assert.Equal(t, "90", b.on(t, 0, "SELECT balance::text FROM accounts"))
	assert.Equal(t, "100", b.on(t, 1, "SELECT balance::text FROM accounts"))
	assert.Equal(t, "110", b.on(t, 2, "SELECT balance::text FROM accounts"))
	assert.Zero(t, b.prepared(t))
}

func TestAFailedStatementFailsTheTransactionOnAllShards(t *testing.T) {
	b := openBank(t, 2)
	names := owners(t, b)
	tx, err := b.Begin()
	require.NoError(t, err)
	_, err = tx.Exec("INSERT INTO accounts VALUES ($1)", names[0])
	require.NoError(t, err)
	_, err = tx.Exec("SAVEPOINT s")
	require.NoError(t, err)
	_, err = tx.Exec("INSERT INTO ledger VALUES ($1, 1, 1)", names[1])
	pgErr, ok := err.(*pgconn.PgError)
	require.True(t, ok, "%T", err)
	assert.Equal(t, "23503", pgErr.Code)
	_, err = tx.Exec("SELECT 1 FROM accounts WHERE owner = $1", names[0])
	require.ErrorAs(t, err, &pgErr)
	assert.Equal(t, "25P02", pgErr.Code)
	_, err = tx.Exec("ROLLBACK TO s")
	require.NoError(t, err)
	_, err = tx.Exec("INSERT INTO accounts VALUES ($1)", names[1])
	require.NoError(t, err)
	require.NoError(t, tx.Commit())
	assert.Equal(t, names[1], b.on(t, 1, "SELECT owner FROM accounts"))

	tx, err = b.Begin()
	require.NoError(t, err)
	_, err = tx.Exec("INSERT INTO accounts VALUES ($1)", names[0])
	require.Error(t, err)
	require.ErrorIs(t, tx.Commit(), pgx.ErrTxCommitRollback)
}

func TestReferenceTablesAndUnshardedOnes(t *testing.T) {
	b := openBank(t, 2)
	_, err := b.Exec("INSERT INTO currencies VALUES ('KES', 'shilling'), ('EUR', 'euro')")
	require.NoError(t, err)
	_, err = b.Exec("INSERT INTO audit VALUES (1, 'hello')")
	require.NoError(t, err)
	for i := range 2 {
		assert.Equal(t, "2", b.on(t, i, "SELECT count(*)::text FROM currencies"))
	}
	assert.Equal(t, "1", b.on(t, 0, "SELECT count(*)::text FROM audit"))
	assert.Equal(t, "0", b.on(t, 1, "SELECT count(*)::text FROM audit"))
	var n int
	require.NoError(t, b.QueryRow("SELECT count(*) FROM currencies").Scan(&n))
	assert.Equal(t, 2, n)
	require.NoError(t, b.QueryRow("SELECT count(*) FROM audit a JOIN currencies c ON true").Scan(&n))
	assert.Equal(t, 2, n)
}
