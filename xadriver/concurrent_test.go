package xadriver_test

import (
	"context"
	"database/sql"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// blocked waits until somebody waits for a lock on any shard.
func blocked(t *testing.T, b *bank) {
	t.Helper()
	require.Eventually(t, func() bool {
		for _, url := range b.urls {
			db, err := sql.Open("pgx", url)
			require.NoError(t, err)
			var n int
			err = db.QueryRow("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'").Scan(&n)
			require.NoError(t, err)
			require.NoError(t, db.Close())
			if n > 0 {
				return true
			}
		}
		return false
	}, 10*time.Second, 10*time.Millisecond)
}

func TestNothingIsLostBetweenFindingRowsAndChangingThem(t *testing.T) {
	for name, statement := range map[string]string{
		"joined off the key": "UPDATE accounts a SET balance = a.balance + l.amount FROM ledger l WHERE l.n = 1 AND l.amount = length(a.note)",
		"moving":             "UPDATE movers SET owner = owner || '!', balance = balance + 7 WHERE note = 'seven77'",
		"deleting":           "DELETE FROM accounts a USING ledger l WHERE l.n = 1 AND l.amount = length(a.note) AND a.balance < 50",
	} {
		t.Run(name, func(t *testing.T) {
			b := openBank(t, 3, "key.movers=owner", "lock_wait=off")
			_, err := b.Exec(`CREATE TABLE movers (owner text PRIMARY KEY, balance bigint, note text);
				INSERT INTO movers VALUES ('x', 10, 'seven77');
				INSERT INTO accounts VALUES ('x', 10, 'seven77'), ('y', 10, 'four');
				INSERT INTO ledger VALUES ('y', 1, 7)`)
			require.NoError(t, err)
			first, err := b.Begin()
			require.NoError(t, err)
			_, err = first.Exec("UPDATE accounts SET balance = 100 WHERE owner = 'x'")
			require.NoError(t, err)
			_, err = first.Exec("UPDATE movers SET balance = 100 WHERE owner = 'x'")
			require.NoError(t, err)
			done := make(chan error, 1)
			go func() {
				_, err := b.Exec(statement)
				done <- err
			}()
			blocked(t, b)
			require.NoError(t, first.Commit())
			require.NoError(t, <-done)
			var balance int
			switch name {
			case "moving":
				require.NoError(t, b.QueryRow("SELECT balance FROM movers WHERE owner = 'x!'").Scan(&balance))
			default:
				require.NoError(t, b.QueryRow("SELECT balance FROM accounts WHERE owner = 'x'").Scan(&balance))
			}
			want := 107
			if name == "deleting" {
				want = 100 // it no longer is one of those to delete
			}
			assert.Equal(t, want, balance)
		})
	}
}

func TestAGatheredStatementSeesOneMomentOfAShard(t *testing.T) {
	b := openBank(t, 3)
	_, err := b.Exec("INSERT INTO accounts VALUES ('a', 1000)")
	require.NoError(t, err)
	_, err = b.Exec("INSERT INTO ledger VALUES ('a', 1, 0)")
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() {
		for ctx.Err() == nil {
			tx, err := b.Begin()
			if err != nil {
				return
			}
			_, err = tx.Exec("UPDATE accounts SET balance = balance - 1 WHERE owner = 'a'")
			assert.NoError(t, err)
			_, err = tx.Exec("UPDATE ledger SET amount = amount + 1 WHERE owner = 'a' AND n = 1")
			assert.NoError(t, err)
			assert.NoError(t, tx.Commit())
		}
	})
	for ctx.Err() == nil {
		var sum int
		require.NoError(t, b.QueryRow("SELECT (SELECT sum(balance) FROM accounts) + (SELECT sum(amount) FROM ledger)").Scan(&sum))
		require.Equal(t, 1000, sum)
	}
	wg.Wait()
}
