package xadriver_test

import (
	"context"
	"database/sql"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver"
)

func codeOf(t *testing.T, err error) string {
	t.Helper()
	var state interface{ SQLState() string }
	require.ErrorAs(t, err, &state)
	return state.SQLState()
}

// fill opens an account of each owner.
func fill(t *testing.T, b *bank) []string {
	t.Helper()
	names := owners(t, b)
	for _, n := range names {
		_, err := b.Exec("INSERT INTO accounts VALUES ($1, 100)", n)
		require.NoError(t, err)
	}
	return names
}

func TestSettingsHoldOnEveryShard(t *testing.T) {
	b := openBank(t, 2)
	names := fill(t, b)
	conn, err := b.Conn(t.Context())
	require.NoError(t, err)
	defer conn.Close()
	ask := func(owner string) (v string) {
		require.NoError(t, conn.QueryRowContext(t.Context(), "SELECT current_setting('work_mem') FROM accounts WHERE owner = $1", owner).Scan(&v))
		return v
	}
	exec := func(sql string) error { _, err := conn.ExecContext(t.Context(), sql); return err }
	require.NoError(t, exec("SET work_mem = '7MB'"))
	assert.Equal(t, "7MB", ask(names[0]))
	assert.Equal(t, "7MB", ask(names[1]))
	require.NoError(t, exec("BEGIN"))
	require.NoError(t, exec("SET LOCAL work_mem = '8MB'"))
	assert.Equal(t, "8MB", ask(names[1]), "a branch that opens late hears of it")
	require.NoError(t, exec("SAVEPOINT s"))
	require.NoError(t, exec("SET work_mem = '9MB'"))
	assert.Equal(t, "9MB", ask(names[0]))
	require.NoError(t, exec("ROLLBACK TO s"))
	assert.Equal(t, "8MB", ask(names[0]))
	require.NoError(t, exec("COMMIT"))
	assert.Equal(t, "7MB", ask(names[1]))
	require.NoError(t, exec("BEGIN"))
	require.NoError(t, exec("SET work_mem = '10MB'"))
	require.NoError(t, exec("COMMIT"))
	assert.Equal(t, "10MB", ask(names[0]))
	assert.Equal(t, "22023", codeOf(t, exec("SET work_mem = 'much'")))
	require.NoError(t, exec("DISCARD ALL"))
	assert.NotEqual(t, "10MB", ask(names[0]))
	require.NoError(t, exec("SET search_path = nowhere"))
	assert.Equal(t, "42P01", codeOf(t, exec("DELETE FROM accounts")))
}

func TestTransactionControlAsText(t *testing.T) {
	b := openBank(t, 2)
	names := fill(t, b)
	conn, err := b.Conn(t.Context())
	require.NoError(t, err)
	defer conn.Close()
	exec := func(sql string, args ...any) error { _, err := conn.ExecContext(t.Context(), sql, args...); return err }
	assert.Equal(t, "25P01", codeOf(t, exec("SAVEPOINT s")))
	require.NoError(t, exec("START TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
	for _, n := range names {
		require.NoError(t, exec("UPDATE accounts SET balance = 1 WHERE owner = $1", n))
	}
	require.NoError(t, exec("COMMIT"))
	require.NoError(t, exec("BEGIN"))
	require.NoError(t, exec("UPDATE accounts SET balance = 2"))
	assert.Equal(t, "3B001", codeOf(t, exec("ROLLBACK TO nosuch")))
	assert.Equal(t, "25P02", codeOf(t, exec("SELECT 1")))
	require.NoError(t, exec("ROLLBACK"))
	for i := range names {
		assert.Equal(t, "1", b.on(t, i, "SELECT balance::text FROM accounts"))
	}
	assert.Equal(t, "0A000", codeOf(t, exec("PREPARE TRANSACTION 'x'")))
	require.NoError(t, exec("BEGIN; UPDATE accounts SET balance = 3; COMMIT"))
	assert.Equal(t, "3", b.on(t, 1, "SELECT balance::text FROM accounts"))
}

func TestPreparedStatementsOpenBranchesToo(t *testing.T) {
	b := openBank(t, 3)
	names := fill(t, b)
	tx, err := b.Begin()
	require.NoError(t, err)
	stmt, err := tx.Prepare("UPDATE accounts SET balance = balance - $2 WHERE owner = $1")
	require.NoError(t, err)
	for range 2 {
		for _, n := range names {
			res, err := stmt.Exec(n, 10)
			require.NoError(t, err)
			count, _ := res.RowsAffected()
			assert.EqualValues(t, 1, count)
		}
	}
	require.NoError(t, tx.Commit())
	assert.Equal(t, "80", b.on(t, 2, "SELECT balance::text FROM accounts"))
}

func TestErrorPositionsAreThoseOfTheStatement(t *testing.T) {
	b := openBank(t, 2)
	names := fill(t, b)
	for _, args := range [][]any{nil, {names[0]}} { // the simple and the extended protocol
		query := "SELECT nosuch FROM accounts WHERE owner = "
		if args == nil {
			query += "'" + names[0] + "'"
		} else {
			query += "$1"
		}
		tx, err := b.Begin()
		require.NoError(t, err)
		_, err = tx.Exec(query, args...)
		var pgErr *pgconn.PgError
		require.ErrorAs(t, err, &pgErr)
		assert.EqualValues(t, 8, pgErr.Position, "BEGIN went ahead of it")
		require.NoError(t, tx.Rollback())
	}
}

func TestAStatementInATransactionOfSeveralShardsWaitsOnlySoLong(t *testing.T) {
	b := openBank(t, 2, "lock_wait=300ms")
	names := fill(t, b)
	holder, err := b.Begin()
	require.NoError(t, err)
	defer holder.Rollback()
	_, err = holder.Exec("UPDATE accounts SET balance = 0 WHERE owner = $1", names[1])
	require.NoError(t, err)
	tx, err := b.Begin()
	require.NoError(t, err)
	_, err = tx.Exec("UPDATE accounts SET balance = 0 WHERE owner = $1", names[0])
	require.NoError(t, err)
	_, err = tx.Exec("UPDATE accounts SET balance = 0 WHERE owner = $1", names[1])
	assert.Equal(t, "55P03", codeOf(t, err))
	require.NoError(t, tx.Rollback())
}

func TestDDLIsAtomicOverAllShards(t *testing.T) {
	b := openBank(t, 2)
	tx, err := b.Begin()
	require.NoError(t, err)
	_, err = tx.Exec("CREATE TABLE born (owner text PRIMARY KEY)")
	require.NoError(t, err)
	_, err = tx.Exec("INSERT INTO born VALUES ('x')") // seen within the transaction
	require.NoError(t, err)
	require.NoError(t, tx.Rollback())
	_, err = b.Exec("SELECT * FROM born")
	assert.Equal(t, "42P01", codeOf(t, err))
	_, err = b.Exec("CREATE TABLE born (owner text PRIMARY KEY)")
	require.NoError(t, err)
	for i := range 2 {
		assert.Equal(t, "born", b.on(t, i, "SELECT relname FROM pg_class WHERE relname = 'born'"))
	}
	// What exists on one shard only fails everywhere.
	conn, err := pgx.Connect(t.Context(), b.urls[1])
	require.NoError(t, err)
	defer conn.Close(context.Background())
	_, err = conn.Exec(t.Context(), "CREATE TABLE odd (x int)")
	require.NoError(t, err)
	_, err = b.Exec("CREATE TABLE odd (x int)")
	assert.Equal(t, "42P07", codeOf(t, err))
	assert.Equal(t, "0", b.on(t, 0, "SELECT count(*)::text FROM pg_class WHERE relname = 'odd'"))
}

func TestATableThatSomebodyElseMakesIsFound(t *testing.T) {
	b := openBank(t, 2, "keys=tenant_id")
	_, err := b.Exec("SELECT * FROM later")
	assert.Equal(t, "42P01", codeOf(t, err))
	other := openDB(t, b.dsn)
	_, err = other.Exec("CREATE TABLE later (tenant_id int, x int)")
	require.NoError(t, err)
	for i := range 20 {
		_, err = b.Exec("INSERT INTO later VALUES ($1, 0)", i)
		require.NoError(t, err)
	}
	assert.NotEqual(t, "20", b.on(t, 0, "SELECT count(*)::text FROM later"))
}

func TestHintsSendAStatementAway(t *testing.T) {
	b := openBank(t, 2)
	names := fill(t, b)
	var n int
	require.NoError(t, b.QueryRowContext(xadriver.WithShard(t.Context(), "s2"), "SELECT count(*) FROM accounts").Scan(&n))
	assert.Equal(t, 1, n)
	var owner string
	require.NoError(t, b.QueryRowContext(xadriver.WithKey(t.Context(), names[1]), "SELECT max(owner) FROM accounts").Scan(&owner))
	assert.Equal(t, names[1], owner)
	_, err := b.ExecContext(xadriver.WithShard(t.Context(), "nowhere"), "SELECT 1")
	require.ErrorContains(t, err, "s1, s2")
}

func TestACancelledStatementEndsTheTransaction(t *testing.T) {
	b := openBank(t, 2, fast...)
	names := fill(t, b)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	tx, err := b.BeginTx(context.Background(), nil)
	require.NoError(t, err)
	_, err = tx.Exec("UPDATE accounts SET balance = 0 WHERE owner = $1", names[0])
	require.NoError(t, err)
	stopped := make(chan error, 1)
	go func() {
		_, err := tx.ExecContext(ctx, "UPDATE accounts SET note = pg_sleep(60)::text WHERE owner = $1", names[1])
		stopped <- err
	}()
	b.asleep(t, 1)
	cancel()
	require.Error(t, <-stopped)
	require.ErrorIs(t, tx.Commit(), pgx.ErrTxCommitRollback)
	assert.Equal(t, "100", b.on(t, 0, "SELECT balance::text FROM accounts"))
	_, err = b.Exec("UPDATE accounts SET balance = 5 WHERE owner = $1", names[1])
	require.NoError(t, err)
}

func TestReadersOfATransactionAreNotPrepared(t *testing.T) {
	b := openBank(t, 2)
	names := fill(t, b)
	var steps []string
	s := &stepper{}
	db := openStepped(t, b.dsn, s, func(cfg *xadriver.Config) {
		cfg.OnStep = func(step xadriver.Step) { steps = append(steps, string(step.Point)+"/"+step.Shard) }
	})
	tx, err := db.BeginTx(t.Context(), &sql.TxOptions{})
	require.NoError(t, err)
	var n int
	require.NoError(t, tx.QueryRow("SELECT balance FROM accounts WHERE owner = $1", names[0]).Scan(&n))
	_, err = tx.Exec("UPDATE accounts SET balance = 0 WHERE owner = $1", names[1])
	require.NoError(t, err)
	require.NoError(t, tx.Commit())
	assert.Equal(t, "before_ask/s1 after_ask/s1 before_commit/s1 after_commit/s1 before_commit/s2 after_commit/s2", strings.Join(steps, " "))
}

// A session that keeps its connections must not keep a BEGIN that was never sent.
func TestNoTransactionIsLeftOnASessionsConnections(t *testing.T) {
	b := openBank(t, 3)
	names := fill(t, b)
	conn, err := b.Conn(t.Context())
	require.NoError(t, err)
	_, err = conn.ExecContext(t.Context(), "SET work_mem = '5MB'")
	require.NoError(t, err)
	_, err = conn.ExecContext(t.Context(), "INSERT INTO currencies VALUES ('KES', 'shilling')")
	require.NoError(t, err)
	tx, err := conn.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	_, err = tx.Exec("INSERT INTO currencies VALUES ('KES', 'shilling')") // fails on home, before the others are asked
	require.Equal(t, "23505", codeOf(t, err))
	require.NoError(t, tx.Rollback())
	for _, name := range names {
		_, err = conn.ExecContext(t.Context(), "UPDATE accounts SET balance = 1 WHERE owner = $1", name)
		require.NoError(t, err)
	}
	var sum int
	require.NoError(t, b.QueryRow("SELECT sum(balance) FROM accounts").Scan(&sum))
	assert.Equal(t, 3, sum, "others see what was written")
	require.NoError(t, conn.Close())
	require.NoError(t, b.QueryRow("SELECT sum(balance) FROM accounts").Scan(&sum))
	assert.Equal(t, 3, sum, "and it stays")
}
