package xadriver_test

import (
	"context"
	"database/sql"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver"
	"github.com/xapg/xapg/xadriver/xatest"
)

func quoted(s string) string { return xatest.Quote(s) }

// keptOn confines a transaction to one of the test's shards.
func keptOn(ctx context.Context, i int) context.Context {
	return xadriver.WithShard(ctx, fmt.Sprintf("s%d", i+1))
}

// said runs statements on a connection of their own, which is closed in the end.
func said(t *testing.T, b *bank, statements ...string) *sql.Conn {
	t.Helper()
	conn, err := b.Conn(context.Background())
	require.NoError(t, err)
	t.Cleanup(func() {
		_, _ = conn.ExecContext(context.Background(), "ROLLBACK")
		_, _ = conn.ExecContext(context.Background(), "DISCARD ALL")
		_ = conn.Close()
	})
	for _, s := range statements {
		_, err := conn.ExecContext(context.Background(), s)
		require.NoError(t, err, s)
	}
	return conn
}

func savepointsDoNotEndTheTurn(t *testing.T, b *bank, _ []string) {
	for _, before := range [][]string{{"SAVEPOINT s"}, {"SET LOCAL work_mem = '7MB'", "SAVEPOINT s"}, {"SAVEPOINT s", "SET LOCAL work_mem = '7MB'", "SAVEPOINT within"}} {
		conn := said(t, b, append([]string{"BEGIN ISOLATION LEVEL SERIALIZABLE"}, before...)...)
		var n int
		require.NoError(t, conn.QueryRowContext(t.Context(), "SELECT count(*) FROM accounts").Scan(&n))
		assert.Equal(t, 4, n)
		_, err := conn.ExecContext(t.Context(), "ROLLBACK TO s")
		require.NoError(t, err)
		assert.Equal(t, 1, b.turns(t, true), before)
		_, err = conn.ExecContext(t.Context(), "UPDATE accounts SET balance = balance + 1")
		require.NoError(t, err)
		_, err = conn.ExecContext(t.Context(), "COMMIT")
		require.NoError(t, err)
		assert.Zero(t, b.turns(t, true))
	}
}

func statementsOfTheirOwnTakeTurns(t *testing.T, b *bank, who []string) {
	for _, statement := range []string{
		"UPDATE accounts SET balance = balance + 1", "SELECT balance FROM accounts", "SELECT sum(balance) FROM accounts",
		"INSERT INTO currencies VALUES ('KES') ON CONFLICT DO NOTHING",
	} {
		holder := b.wide(t, serial, who[1])
		conn := said(t, b, "SET default_transaction_isolation = serializable")
		_, err := balance(t.Context(), conn, who[1])
		require.NoError(t, err, "one shard's own needs no turn")
		_, err = conn.ExecContext(t.Context(), "CREATE TABLE IF NOT EXISTS later (id int)")
		require.NoError(t, err, "nor do tables")
		done := make(chan error, 1)
		go func() {
			_, err := conn.ExecContext(context.Background(), statement)
			done <- err
		}()
		b.waiting(t)
		require.NoError(t, holder.Rollback())
		require.NoError(t, <-done, statement)
	}
}

// A deferrable transaction of one shard waits until nothing can go wrong any more; one of
// several must not, while the others wait for it.
func deferrableDoesNotWait(t *testing.T, b *bank, who []string) {
	writer, err := b.BeginTx(keptOn(t.Context(), 2), serial)
	require.NoError(t, err)
	require.NoError(t, setBalance(t.Context(), writer, who[2], 1))
	for _, before := range [][]string{
		{"BEGIN ISOLATION LEVEL SERIALIZABLE, READ ONLY, DEFERRABLE"},
		{"BEGIN ISOLATION LEVEL SERIALIZABLE, READ ONLY, DEFERRABLE", "SET LOCAL work_mem = '7MB'"},
		{"BEGIN ISOLATION LEVEL SERIALIZABLE", "SET TRANSACTION READ ONLY, DEFERRABLE"},
		{"SET default_transaction_deferrable = on", "SET default_transaction_read_only = on", "BEGIN ISOLATION LEVEL SERIALIZABLE"},
	} {
		conn := said(t, b, before...)
		var n int
		require.NoError(t, conn.QueryRowContext(t.Context(), "SELECT sum(balance) FROM accounts").Scan(&n), before)
		assert.Equal(t, 4*60, n)
		_, err := conn.ExecContext(t.Context(), "COMMIT")
		require.NoError(t, err)
	}
	require.NoError(t, writer.Rollback())
}

func confinedTransactionsUseOneShard(t *testing.T, b *bank, who []string) {
	holder := b.wide(t, serial, who[1]) // for whom a confined one does not wait
	defer holder.Rollback()             //nolint:errcheck // it is over then
	for name, ctx := range map[string]context.Context{"shard": keptOn(t.Context(), 2), "key": xadriver.WithKey(t.Context(), who[2])} {
		for _, opts := range []*sql.TxOptions{serial, snapshot} {
			for what, other := range map[string]string{
				"another shard": "SELECT balance FROM accounts WHERE owner = '" + who[1] + "'", "all of them": "SELECT sum(balance) FROM accounts",
				"home": "SELECT count(*) FROM audit", "a copy": "INSERT INTO currencies VALUES ('UGX')",
			} {
				tx, err := b.BeginTx(ctx, opts)
				require.NoError(t, err)
				_, err = tx.Exec("SET LOCAL work_mem = '7MB'")
				require.NoError(t, err)
				_, err = tx.Exec("SHOW work_mem")
				require.NoError(t, err)
				n, err := balance(t.Context(), tx, who[2])
				require.NoError(t, err)
				assert.Equal(t, 60, n)
				require.NoError(t, tx.QueryRow("SELECT count(*) FROM currencies").Scan(&n), "reference tables are there as well")
				_, err = tx.Exec(other)
				var refused *xadriver.UnsupportedError
				require.ErrorAs(t, err, &refused, "%s, %s, %s", name, opts.Isolation, what)
				assert.Contains(t, err.Error(), "begun for shard s3 alone")
				require.NoError(t, tx.Rollback())
			}
		}
	}
	_, err := b.BeginTx(xadriver.WithShard(t.Context(), "nowhere"), serial)
	require.ErrorContains(t, err, "no such shard")
	conn := said(t, b, "/* xapg:shard=s3 */ BEGIN ISOLATION LEVEL SERIALIZABLE")
	_, err = balance(t.Context(), conn, who[1])
	require.ErrorContains(t, err, "begun for shard s3 alone")
}

// As in one PostgreSQL, who locks tables before he reads sees what was there when he had
// the locks.
func locksComeBeforeTheSnapshot(t *testing.T, b *bank, who []string) {
	conn := said(t, b, "BEGIN ISOLATION LEVEL SERIALIZABLE", "LOCK TABLE currencies IN SHARE MODE")
	assert.Equal(t, 1, b.turns(t, true))
	require.NoError(t, setBalance(t.Context(), b, who[2], 7))
	n, err := balance(t.Context(), conn, who[2])
	require.NoError(t, err)
	assert.Equal(t, 7, n)
	require.NoError(t, setBalance(t.Context(), b, who[1], 8))
	n, err = balance(t.Context(), conn, who[1])
	require.NoError(t, err)
	assert.Equal(t, 60, n)
	_, err = conn.ExecContext(t.Context(), "COMMIT")
	require.NoError(t, err)
}

func copiesTakeTurns(t *testing.T, b *bank, _ []string) {
	conn := said(t, b, "BEGIN ISOLATION LEVEL SERIALIZABLE")
	rows := [][]any{{"x1", 1}, {"x2", 1}, {"x3", 1}, {"x4", 1}, {"x5", 1}, {"x6", 1}}
	n, err := xadriver.CopyFrom(t.Context(), conn, "accounts", []string{"owner", "balance"}, pgx.CopyFromRows(rows))
	require.NoError(t, err)
	assert.EqualValues(t, 6, n)
	assert.Equal(t, 1, b.turns(t, true))
	_, err = conn.ExecContext(t.Context(), "ROLLBACK")
	require.NoError(t, err)
	conn = said(t, b, "SET default_transaction_isolation = serializable")
	_, err = xadriver.CopyFrom(t.Context(), conn, "accounts", []string{"owner", "balance"}, pgx.CopyFromRows(rows))
	require.NoError(t, err, "outside of a transaction too")
	_, err = b.Exec("DELETE FROM accounts WHERE owner LIKE 'x%'")
	require.NoError(t, err)
}

func beginningsAreForgotten(t *testing.T, b *bank, who []string) {
	one := func(second string) error {
		tx, err := b.BeginTx(t.Context(), serial)
		if err == nil {
			_, err = tx.Exec("UPDATE accounts SET note = 'forgotten' WHERE owner = $1", who[1])
		}
		if err == nil {
			err = setBalance(t.Context(), tx, second, 1)
		}
		if err != nil {
			_ = tx.Rollback()
			return err
		}
		return tx.Commit()
	}
	require.NoError(t, one(who[2]), "one that begins with something new takes its turn")
	for range 16 {
		require.NoError(t, one(who[1]))
	}
	require.Equal(t, "40001", codeOf(t, one(who[2])), "it had come to be known as one of one shard")
	require.NoError(t, one(who[2]))
	for range 16 {
		require.NoError(t, one(who[1]))
	}
	holder := b.wide(t, serial, who[1])
	require.NoError(t, one(who[1]), "it would wait for its turn")
	require.NoError(t, holder.Rollback())
}

func TestSerializableIsRefusedWhereShardsShowStatesOfTheirOwn(t *testing.T) {
	b := openBank(t, 2, "consistent_reads=off")
	who := fill(t, b)
	refused := func(err error) {
		t.Helper()
		var e *xadriver.UnsupportedError
		require.ErrorAs(t, err, &e)
		assert.Contains(t, err.Error(), "set consistent_reads=snapshot")
	}
	tx, err := b.BeginTx(t.Context(), serial)
	require.NoError(t, err)
	require.NoError(t, setBalance(t.Context(), tx, who[1], 1), "one shard's own is as good as ever")
	refused(setBalance(t.Context(), tx, who[0], 1))
	require.NoError(t, tx.Rollback())
	tx, err = b.BeginTx(t.Context(), serial)
	require.NoError(t, err)
	_, err = tx.Exec("SELECT sum(balance) FROM accounts")
	refused(err)
	require.NoError(t, tx.Rollback())
	conn := said(t, b, "SET default_transaction_isolation = serializable", "CREATE TABLE later (id int)")
	_, err = conn.ExecContext(t.Context(), "UPDATE accounts SET balance = 1")
	refused(err)
	_, err = balance(t.Context(), conn, who[1])
	require.NoError(t, err)
	conn = said(t, b, "SET default_transaction_isolation = 'repeatable read'")
	_, err = conn.ExecContext(t.Context(), "UPDATE accounts SET balance = 1")
	require.NoError(t, err, "below, nobody is promised anything")
}
