package xadriver_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver"
)

var quick = &xadriver.RetryOptions{MinDelay: time.Millisecond, MaxDelay: 2 * time.Millisecond}

func TestRetryRunsAgainOnNothingButSerializationFailuresAndDeadlocks(t *testing.T) {
	b := openBank(t, 2)
	for _, c := range []struct {
		err   error
		again bool
	}{
		{&pgconn.PgError{Code: "40001"}, true},
		{&pgconn.PgError{Code: "40P01"}, true},
		{fmt.Errorf("paying: %w", &pgconn.PgError{Code: "40001"}), true},
		{&pgconn.PgError{Code: "40002"}, false},
		{&pgconn.PgError{Code: "23505"}, false},
		{&pgconn.PgError{Code: "55P03"}, false},
		{&xadriver.AbortedError{}, false},
		{&xadriver.OverruledError{}, true}, // presumed dead, and rolled back for certain
		{&xadriver.InDoubtError{Cause: &pgconn.PgError{Code: "40001"}}, false},
		{driver.ErrBadConn, false},
		{errors.New("not enough money"), false},
		{context.DeadlineExceeded, false},
	} {
		runs := 0
		err := xadriver.Retry(t.Context(), b, quick, func(*sql.Tx) error { runs++; return c.err })
		assert.Equal(t, c.err, err, "it comes as it is")
		want := 1
		if c.again {
			want = 10
		}
		assert.Equal(t, want, runs, "%v", c.err)
	}
}

func TestRetryStopsWithItsContext(t *testing.T) {
	b := openBank(t, 2)
	ctx, cancel := context.WithCancel(t.Context())
	failure := &pgconn.PgError{Code: "40001"}
	runs := 0
	err := xadriver.Retry(ctx, b, &xadriver.RetryOptions{MinDelay: time.Hour}, func(*sql.Tx) error { runs++; cancel(); return failure })
	assert.Equal(t, error(failure), err)
	assert.Equal(t, 1, runs)
	require.ErrorIs(t, xadriver.Retry(ctx, b, nil, func(*sql.Tx) error { return nil }), context.Canceled)
}

func TestRetryRollsBackWhatFailsOrPanics(t *testing.T) {
	b := openBank(t, 2)
	names := owners(t, b)
	insert := func(tx *sql.Tx, owner string) {
		_, err := tx.Exec("INSERT INTO accounts VALUES ($1)", owner)
		require.NoError(t, err)
	}
	refused := errors.New("no")
	require.ErrorIs(t, xadriver.Retry(t.Context(), b, quick, func(tx *sql.Tx) error { insert(tx, names[0]); insert(tx, names[1]); return refused }), refused)
	assert.PanicsWithValue(t, "oh", func() {
		_ = xadriver.Retry(t.Context(), b, quick, func(tx *sql.Tx) error { insert(tx, names[0]); insert(tx, names[1]); panic("oh") })
	})
	require.NoError(t, xadriver.Retry(t.Context(), b, quick, func(tx *sql.Tx) error { insert(tx, names[0]); return nil }))
	var n int
	require.NoError(t, b.QueryRow("SELECT count(*) FROM accounts").Scan(&n))
	assert.Equal(t, 1, n)
}

// Transactions that read and write what the others do: without Retry most fail.
func TestRetryMakesSerializableTransactionsSucceed(t *testing.T) {
	b := openBank(t, 2)
	names := fill(t, b)
	opts := &xadriver.RetryOptions{Tx: &sql.TxOptions{Isolation: sql.LevelSerializable}, Tries: 1000, MinDelay: time.Millisecond}
	// Transactions that begin so are taken for ones of one shard then, and each that comes
	// before the first of them has failed fails as well.
	tx, err := b.BeginTx(t.Context(), opts.Tx)
	require.NoError(t, err)
	require.NoError(t, tx.QueryRow("SELECT balance FROM accounts WHERE owner = $1", names[0]).Scan(new(int)))
	require.NoError(t, tx.Commit())
	var failures int
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 5 {
				err := xadriver.Retry(t.Context(), b, opts, func(tx *sql.Tx) error {
					for _, name := range names {
						var balance int
						err := tx.QueryRow("SELECT balance FROM accounts WHERE owner = $1", name).Scan(&balance)
						if err == nil {
							_, err = tx.Exec("UPDATE accounts SET balance = $2 WHERE owner = $1", name, balance+1)
						}
						if err != nil {
							mu.Lock()
							failures++
							mu.Unlock()
							return err
						}
					}
					return nil
				})
				assert.NoError(t, err)
			}
		})
	}
	wg.Wait()
	var sum int
	require.NoError(t, b.QueryRow("SELECT sum(balance) FROM accounts").Scan(&sum))
	assert.Equal(t, 200+2*20, sum)
	assert.Positive(t, failures, "nothing had to be run again")
}
