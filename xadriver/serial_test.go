package xadriver_test

import (
	"context"
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver"
)

var (
	serial   = &sql.TxOptions{Isolation: sql.LevelSerializable}
	snapshot = &sql.TxOptions{Isolation: sql.LevelRepeatableRead}
)

// openSerial is a bank of three shards with an account of 60 on each, and another one
// beside the last.
func openSerial(t *testing.T, more ...string) (*bank, []string) {
	t.Helper()
	b := openBank(t, 3, more...)
	who := owners(t, b)
	for i := 0; len(who) == 3; i++ {
		if name := "p" + string(rune('a'+i)); bucketOf(t, b, name)*3/4096 == 2 {
			who = append(who, name)
		}
	}
	for _, w := range who {
		_, err := b.Exec("INSERT INTO accounts VALUES ($1, 60)", w)
		require.NoError(t, err)
	}
	return b, who
}

// reset gives every account 60 again.
func (b *bank) reset(t *testing.T) {
	t.Helper()
	_, err := b.Exec("UPDATE accounts SET balance = 60")
	require.NoError(t, err)
}

// asker is a database or a transaction.
type asker interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// balance is what somebody has.
func balance(ctx context.Context, q asker, who string) (n int, err error) {
	err = q.QueryRowContext(ctx, "SELECT balance FROM accounts WHERE owner = $1", who).Scan(&n)
	return n, err
}

func setBalance(ctx context.Context, q asker, who string, n int) error {
	_, err := q.ExecContext(ctx, "UPDATE accounts SET balance = $2 WHERE owner = $1", who, n)
	return err
}

// balances are what accounts have in the end.
func balances(t *testing.T, b *bank, who ...string) (all []int) {
	t.Helper()
	for _, w := range who {
		n, err := balance(t.Context(), b, w)
		require.NoError(t, err)
		all = append(all, n)
	}
	return all
}

// withdraw takes 100 from one account if it and others have that together, and tells
// somebody when it has seen what they have.
func withdraw(ctx context.Context, tx *sql.Tx, seen func(), from string, others ...string) error {
	sum := 0
	for _, who := range append([]string{from}, others...) {
		n, err := balance(ctx, tx, who)
		if err != nil {
			return err
		}
		sum += n
	}
	seen()
	if sum < 100 {
		return nil
	}
	_, err := tx.ExecContext(ctx, "UPDATE accounts SET balance = balance - 100 WHERE owner = $1", from)
	return err
}

func nothing() {}

// retried runs a serializable transaction until it succeeds, at some other place.
func (b *bank) retried(f func(ctx context.Context, tx *sql.Tx) error) <-chan error {
	done := make(chan error, 1)
	go func() {
		ctx := context.Background()
		done <- xadriver.Retry(ctx, b, &xadriver.RetryOptions{Tx: serial}, func(tx *sql.Tx) error { return f(ctx, tx) })
	}()
	return done
}

// wide begins a serializable transaction of several shards: it has taken its turn.
func (b *bank) wide(t *testing.T, opts *sql.TxOptions, who string) *sql.Tx {
	t.Helper()
	for {
		tx, err := b.BeginTx(t.Context(), opts)
		require.NoError(t, err)
		var n int
		require.NoError(t, tx.QueryRow("SELECT count(*) FROM ledger").Scan(&n))
		if _, err = balance(t.Context(), tx, who); err == nil {
			return tx
		}
		require.NoError(t, tx.Rollback())
	}
}

// turns counts who holds, or waits for, the turn of serializable transactions.
func (b *bank) turns(t *testing.T, granted bool) (n int) {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), b.urls[0])
	require.NoError(t, err)
	defer conn.Close(context.Background())
	require.NoError(t, conn.QueryRow(context.Background(), `SELECT count(*) FROM pg_locks WHERE relation = to_regclass('_xapg.turn') AND granted = $1
		AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`, granted).Scan(&n))
	return n
}

// waiting returns when somebody waits for his turn.
func (b *bank) waiting(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool { return b.turns(t, false) > 0 }, 30*time.Second, 2*time.Millisecond)
}

func TestSerializableOverSeveralShards(t *testing.T) {
	b, who := openSerial(t)
	for name, test := range map[string]func(*testing.T, *bank, []string){
		"a second try succeeds":           secondTrySucceeds,
		"write skew is stopped":           writeSkewIsStopped,
		"write skew below":                writeSkewIsPossibleBelow,
		"the turn lasts":                  theTurnLastsUntilTheDecision,
		"rotation is stopped":             rotationIsStopped,
		"rotation below":                  rotationIsPossibleBelow,
		"skew with one shard":             skewWithOneShardIsStopped,
		"a report":                        reportsFitTheRest,
		"a report below":                  reportsDoNotFitBelow,
		"readers keep nobody waiting":     readersKeepNobodyWaiting,
		"savepoints do not end the turn":  savepointsDoNotEndTheTurn,
		"statements of their own":         statementsOfTheirOwnTakeTurns,
		"deferrable":                      deferrableDoesNotWait,
		"confined to one shard":           confinedTransactionsUseOneShard,
		"after locks":                     locksComeBeforeTheSnapshot,
		"copies":                          copiesTakeTurns,
		"what it began with is forgotten": beginningsAreForgotten,
	} {
		t.Run(name, func(t *testing.T) {
			b.reset(t)
			test(t, b, who)
			assert.Zero(t, b.turns(t, true)+b.turns(t, false), "somebody still has the turn")
		})
	}
}

func secondTrySucceeds(t *testing.T, b *bank, who []string) {
	var errs []error
	run := func() {
		t.Helper()
		require.NoError(t, xadriver.Retry(t.Context(), b, &xadriver.RetryOptions{Tx: serial}, func(tx *sql.Tx) error {
			_, err := tx.Exec("UPDATE accounts SET balance = balance - 1 WHERE owner = $1 AND balance > 0", who[1])
			if err == nil {
				_, err = tx.Exec("UPDATE accounts SET balance = balance + 1 WHERE owner = $1", who[2])
			}
			errs = append(errs, err)
			return err
		}))
	}
	// The first that begins so does with one shard, and so the next one begins on one.
	tx, err := b.BeginTx(t.Context(), serial)
	require.NoError(t, err)
	_, err = tx.Exec("UPDATE accounts SET balance = balance - 1 WHERE owner = $1 AND balance > 0", "nobody")
	require.NoError(t, err)
	require.NoError(t, tx.Commit())
	run()
	require.Len(t, errs, 2)
	require.NoError(t, errs[1])
	var pgErr *pgconn.PgError
	require.ErrorAs(t, errs[0], &pgErr)
	assert.Equal(t, "40001", pgErr.Code)
	assert.Equal(t, "could not serialize access: the transaction has begun on shard s2 alone and needs shard s3 as well", pgErr.Message)
	assert.Contains(t, pgErr.Hint, "Run the transaction again")
	run()
	assert.Len(t, errs, 3, "one that begins alike goes through at once")
	assert.Equal(t, []int{58, 62}, balances(t, b, who[1:3]...))

	_, err = b.Exec("CREATE TABLE IF NOT EXISTS later (id int)")
	require.NoError(t, err)
	run()
	assert.Len(t, errs, 4, "also when the tables have changed")

	for try := 1; try <= 2; try++ { // both texts are known as ones that do with one shard
		tx, err := b.BeginTx(t.Context(), serial)
		require.NoError(t, err)
		_, err = tx.Exec(fmt.Sprintf("UPDATE accounts SET note = 'try %d' WHERE owner = $1", try), "nobody")
		require.NoError(t, err)
		require.NoError(t, tx.Commit())
	}
	tries := 0
	require.NoError(t, xadriver.Retry(t.Context(), b, &xadriver.RetryOptions{Tx: serial, Tries: 2}, func(tx *sql.Tx) error {
		tries++
		if _, err := tx.Exec(fmt.Sprintf("UPDATE accounts SET note = 'try %d' WHERE owner = $1", tries), who[1]); err != nil {
			return err
		}
		return setBalance(t.Context(), tx, who[2], 60)
	}), "Retry knows, whatever text it begins with")
	assert.Equal(t, 2, tries)
}

// Two withdraw from two accounts that have enough together for one of them only.
func writeSkewIsStopped(t *testing.T, b *bank, who []string) {
	for _, pair := range [][]string{{who[0], who[1]}, {who[2], who[1]}} {
		b.reset(t)
		first := b.wide(t, serial, pair[0])
		var second <-chan error
		require.NoError(t, withdraw(t.Context(), first, func() {
			second = b.retried(func(ctx context.Context, tx *sql.Tx) error { return withdraw(ctx, tx, nothing, pair[1], pair[0]) })
			b.waiting(t)
		}, pair[0], pair[1]))
		require.NoError(t, first.Commit())
		require.NoError(t, <-second)
		assert.Equal(t, []int{-40, 60}, balances(t, b, pair...), "the second has seen what the first did")
	}
}

func writeSkewIsPossibleBelow(t *testing.T, b *bank, who []string) {
	first, second := b.wide(t, snapshot, who[1]), b.wide(t, snapshot, who[1])
	require.NoError(t, withdraw(t.Context(), first, nothing, who[1], who[2]))
	require.NoError(t, withdraw(t.Context(), second, nothing, who[2], who[1]))
	require.NoError(t, first.Commit())
	require.NoError(t, second.Commit())
	assert.Equal(t, []int{-40, -40}, balances(t, b, who[1:3]...))
}
