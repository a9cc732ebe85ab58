package xadriver_test

import (
	"context"
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver/xatest"
)

// A shard is silent for longer than gates stay closed, just when it takes its snapshot:
// the snapshots are taken again, and the transaction loses neither its connection nor
// what it has done.
func TestASnapshotThatComesTooLateCostsNothing(t *testing.T) {
	for what, test := range map[string]struct {
		setting string
		level   sql.IsolationLevel
		before  string // in the transaction
		needle  string // of what takes the snapshot
		state   string // of the error, if there is one
	}{
		"repeatable read": {"snapshot", sql.LevelRepeatableRead, "SAVEPOINT s", "SELECT 1\x00", ""},
		"serializable":    {"snapshot", sql.LevelSerializable, "SET LOCAL work_mem = '5MB'", "SELECT 1\x00", ""},
		"read committed":  {"statement", sql.LevelReadCommitted, "UPDATE accounts SET balance = balance + 7 WHERE owner = '%s'", "CLOSE", ""},
		"with locks":      {"snapshot", sql.LevelRepeatableRead, "LOCK TABLE accounts IN SHARE MODE", "SELECT 1\x00", "40001"},
	} {
		t.Run(what, func(t *testing.T) {
			b := openBank(t, 2)
			names := owners(t, b)
			for _, name := range names {
				_, err := b.Exec("INSERT INTO accounts (owner, balance) VALUES ($1, 100)", name)
				require.NoError(t, err)
			}
			silent, err := xatest.NewProxy(fmt.Sprintf("127.0.0.1:%d", servers(t).Shards[1].Port()))
			require.NoError(t, err)
			t.Cleanup(func() { _ = silent.Close() })
			db := openDB(t, fmt.Sprintf("cluster=bank log=%s shard.s1=%s shard.s2=%s key.accounts=owner consistent_reads=%s cut_wait=1m",
				xatest.Quote("sqlite:"+b.log), xatest.Quote(b.urls[0]), xatest.Quote(silent.Rewrite(b.urls[1])), test.setting))
			tx, err := db.BeginTx(t.Context(), &sql.TxOptions{Isolation: test.level})
			require.NoError(t, err)
			defer func() { _ = tx.Rollback() }()
			before := test.before
			if test.setting == "statement" {
				before = fmt.Sprintf(before, names[1])
			}
			_, err = tx.Exec(before)
			require.NoError(t, err)

			const longerThanGatesAreHeld = time.Second
			silent.When(test.needle, func() {
				silent.Stall(false, true)
				time.AfterFunc(longerThanGatesAreHeld, func() { silent.Stall(false, false) })
			})
			balances, err := allBalances(context.Background(), tx)
			assert.False(t, silent.Armed(), "it was not silent")
			if test.state != "" {
				require.Equal(t, test.state, codeOf(t, err))
				return
			}
			require.NoError(t, err)
			want := 200
			if test.setting == "statement" {
				want = 207 // what it wrote itself is there
			}
			assert.Equal(t, want, sum(balances))
			if test.level == sql.LevelSerializable {
				assert.Equal(t, "1", b.on(t, 0, "SELECT count(*)::text FROM pg_locks WHERE relation = '_xapg.turn'::regclass AND mode = 'ExclusiveLock' AND granted"), "it is still its turn")
			}
			_, err = tx.Exec("UPDATE accounts SET balance = balance + 1")
			require.NoError(t, err)
			require.NoError(t, tx.Commit())
			balances, err = allBalances(context.Background(), b)
			require.NoError(t, err)
			assert.Equal(t, want+2, sum(balances))
		})
	}
}
