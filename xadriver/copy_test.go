package xadriver_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver"
)

func copied(n int) pgx.CopyFromSource {
	return pgx.CopyFromSlice(n, func(i int) ([]any, error) { return []any{fmt.Sprintf("o%d", i), int64(i), nil}, nil })
}

var accountColumns = []string{"owner", "balance", "note"}

func TestCopyFromSplitsRowsByKey(t *testing.T) {
	for _, shards := range []int{1, 3} {
		t.Run(fmt.Sprint(shards), func(t *testing.T) {
			b := openBank(t, shards)
			conn, err := b.Conn(t.Context())
			require.NoError(t, err)
			defer conn.Close()
			n, err := xadriver.CopyFrom(t.Context(), conn, "accounts", accountColumns, copied(5000))
			require.NoError(t, err)
			assert.EqualValues(t, 5000, n)
			var count, sum int64
			require.NoError(t, b.QueryRow("SELECT count(*), sum(balance) FROM accounts").Scan(&count, &sum))
			assert.EqualValues(t, 5000, count)
			assert.EqualValues(t, 5000*4999/2, sum)
			var one int64
			require.NoError(t, b.QueryRow("SELECT balance FROM accounts WHERE owner = $1", "o4321").Scan(&one))
			assert.EqualValues(t, 4321, one)
		})
	}
}

func TestCopyFromIsPartOfItsTransaction(t *testing.T) {
	b := openBank(t, 3)
	conn, err := b.Conn(t.Context())
	require.NoError(t, err)
	defer conn.Close()
	tx, err := conn.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	_, err = xadriver.CopyFrom(t.Context(), conn, "accounts", accountColumns, copied(100))
	require.NoError(t, err)
	var n int64
	require.NoError(t, tx.QueryRow("SELECT count(*) FROM accounts").Scan(&n))
	assert.EqualValues(t, 100, n)
	require.NoError(t, tx.Rollback())
	require.NoError(t, b.QueryRow("SELECT count(*) FROM accounts").Scan(&n))
	assert.Zero(t, n)
}

func TestCopyFromIsAllOrNothing(t *testing.T) {
	b := openBank(t, 3)
	conn, err := b.Conn(t.Context())
	require.NoError(t, err)
	defer conn.Close()
	none := func() {
		t.Helper()
		var n int64
		require.NoError(t, b.QueryRow("SELECT count(*) FROM accounts").Scan(&n))
		assert.Zero(t, n)
	}
	boom := errors.New("the source broke")
	_, err = xadriver.CopyFrom(t.Context(), conn, "accounts", accountColumns, pgx.CopyFromFunc(func() func() ([]any, error) {
		i := 0
		return func() ([]any, error) {
			if i++; i > 1000 {
				return nil, boom
			}
			return []any{fmt.Sprint(i), int64(i), nil}, nil
		}
	}()))
	require.ErrorIs(t, err, boom)
	none()
	_, err = xadriver.CopyFrom(t.Context(), conn, "accounts", accountColumns, pgx.CopyFromRows([][]any{{"a", int64(1), nil}, {"b", int64(2), nil}, {"a", int64(3), nil}}))
	assert.Equal(t, "23505", codeOf(t, err))
	none()
	_, err = xadriver.CopyFrom(t.Context(), conn, "accounts", accountColumns, pgx.CopyFromRows([][]any{{"a", int64(1), nil}, {nil, int64(2), nil}}))
	assert.Equal(t, "23502", codeOf(t, err))
	none()
	_, err = xadriver.CopyFrom(t.Context(), conn, "accounts", []string{"balance"}, copied(1))
	assert.Equal(t, "23502", codeOf(t, err))
	_, err = xadriver.CopyFrom(t.Context(), conn, "nothing", accountColumns, copied(1))
	assert.Equal(t, "42P01", codeOf(t, err))
	ctx, cancel := context.WithCancel(t.Context())
	_, err = xadriver.CopyFrom(ctx, conn, "accounts", accountColumns, pgx.CopyFromFunc(func() ([]any, error) {
		cancel()
		return []any{"x", int64(1), nil}, nil
	}))
	require.Error(t, err)
	none()
}

func TestCopyFromFillsReferenceAndUnshardedTables(t *testing.T) {
	b := openBank(t, 3)
	conn, err := b.Conn(t.Context())
	require.NoError(t, err)
	defer conn.Close()
	n, err := xadriver.CopyFrom(t.Context(), conn, "currencies", []string{"code", "name"}, pgx.CopyFromRows([][]any{{"KES", "shilling"}, {"EUR", "euro"}}))
	require.NoError(t, err)
	assert.EqualValues(t, 2, n)
	for _, url := range b.urls {
		db, err := sql.Open("pgx", url)
		require.NoError(t, err)
		require.NoError(t, db.QueryRow("SELECT count(*) FROM currencies").Scan(&n))
		assert.EqualValues(t, 2, n)
		require.NoError(t, db.Close())
	}
	_, err = xadriver.CopyFrom(t.Context(), conn, "public.audit", []string{"id", "what"}, pgx.CopyFromRows([][]any{{int64(1), "x"}}))
	require.NoError(t, err)
}

func TestACopyThatFailsLeavesTheSavepoint(t *testing.T) {
	b := openBank(t, 3)
	_, err := b.Exec("INSERT INTO accounts (owner) VALUES ('x500')")
	require.NoError(t, err)
	conn, err := b.Conn(t.Context())
	require.NoError(t, err)
	defer conn.Close()
	tx, err := conn.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	_, err = tx.Exec("INSERT INTO accounts (owner) VALUES ('before')")
	require.NoError(t, err)
	for name, rows := range map[string]pgx.CopyFromSource{
		"a row that is there": pgx.CopyFromSlice(2000, func(i int) ([]any, error) { return []any{fmt.Sprint("x", i)}, nil }),
		"a source that fails": pgx.CopyFromSlice(2000, func(i int) ([]any, error) {
			if i == 1000 {
				return nil, errors.New("the source ran dry")
			}
			return []any{fmt.Sprint("y", i)}, nil
		}),
	} {
		_, err = tx.Exec("SAVEPOINT s")
		require.NoError(t, err)
		_, err = xadriver.CopyFrom(t.Context(), conn, "accounts", []string{"owner"}, rows)
		require.Error(t, err, name)
		_, err = tx.Exec("ROLLBACK TO SAVEPOINT s")
		require.NoError(t, err, name)
	}
	require.NoError(t, tx.Commit())
	var n int
	require.NoError(t, b.QueryRow("SELECT count(*) FROM accounts").Scan(&n))
	assert.Equal(t, 2, n)
}
