package xadriver_test

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// keys counts the advisory locks on each shard.
func (c *circles) keys(t testing.TB) (list []string) {
	t.Helper()
	for i := range c.urls {
		list = append(list, c.on(t, i, "SELECT count(*)::text FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"))
	}
	return list
}

func keysAreTaken(t *testing.T, c *circles) {
	tx := begun(t, c.DB, c.who[1])
	assert.Equal(t, []string{"0", "0", "0"}, c.keys(t), "a transaction of a single shard has no key")
	_, err := tx.Exec("SAVEPOINT s")
	require.NoError(t, err)
	for range 2 {
		_, err = tx.Exec(pay, c.who[0])
		require.NoError(t, err)
		assert.Equal(t, []string{"1", "0", "0"}, c.keys(t), "nor has the first branch of one with several")
	}
	_, err = tx.Exec("ROLLBACK TO SAVEPOINT s")
	require.NoError(t, err)
	assert.Equal(t, []string{"0", "0", "0"}, c.keys(t), "PostgreSQL gives it up with what was done since the savepoint")
	_, err = tx.Exec(pay, c.who[0])
	require.NoError(t, err)
	assert.Equal(t, []string{"1", "0", "0"}, c.keys(t), "and it is taken again")
	_, err = tx.Exec(pay, c.who[2])
	require.NoError(t, err)
	assert.Equal(t, []string{"1", "0", "1"}, c.keys(t))
	require.NoError(t, tx.Commit())
	assert.Equal(t, []string{"0", "0", "0"}, c.keys(t))

	off := openDB(t, c.with("deadlock_timeout=off"))
	tx = begun(t, off, c.who[1])
	_, err = tx.Exec(pay, c.who[0])
	require.NoError(t, err)
	assert.Equal(t, []string{"0", "0", "0"}, c.keys(t), "who does not look needs none")
	require.NoError(t, tx.Commit())
}

// lockingBeforeReading is what PostgreSQL's manual advises: the snapshot is to be taken
// when the locks are there, and a key must not take it before.
func lockingBeforeReading(t *testing.T, c *circles) {
	tx, err := c.BeginTx(t.Context(), &sql.TxOptions{Isolation: sql.LevelRepeatableRead})
	require.NoError(t, err)
	defer tx.Rollback()
	_, err = tx.Exec("LOCK TABLE accounts IN ACCESS SHARE MODE")
	require.NoError(t, err)
	_, err = c.Exec("UPDATE accounts SET balance = 70")
	require.NoError(t, err)
	var sum int
	require.NoError(t, tx.QueryRow("SELECT sum(balance)::int FROM accounts").Scan(&sum))
	assert.Equal(t, 3*70, sum)
	require.NoError(t, tx.Commit())
}

// inOneOrder are writers of every shard: they take their locks on home first, and queue
// there.
func inOneOrder(t *testing.T, c *circles) {
	texts := []string{
		"LOCK TABLE accounts IN EXCLUSIVE MODE",
		"UPDATE currencies SET name = name",
		"ALTER TABLE accounts ALTER COLUMN note SET DEFAULT 'x'",
	}
	var all sync.WaitGroup
	errs := make(chan error, 100)
	for _, text := range texts {
		for range 2 {
			all.Go(func() {
				for range 3 {
					tx, err := c.BeginTx(context.Background(), nil)
					if err == nil {
						_, err = tx.Exec(text)
						_ = tx.Rollback()
					}
					if err != nil {
						errs <- fmt.Errorf("%s: %w", text, err)
					}
				}
			})
		}
	}
	all.Wait()
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}
}
