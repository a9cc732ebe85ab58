package xamysql_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver"
)

func TestAKilledMySQLKeepsWhatItPrepared(t *testing.T) {
	for _, point := range []xadriver.Point{xadriver.BeforePrepare, xadriver.AfterPrepare, xadriver.AfterDecide, xadriver.AfterFinish} {
		t.Run(string(point), func(t *testing.T) {
			s := newShop(t, 1)
			var armed atomic.Bool
			db, stock := s.open(t, func(cfg *xadriver.Config) {
				cfg.OnStep = func(step xadriver.Step) {
					if step.Point == point && (step.Shard == "stock" || step.Shard == "") && armed.CompareAndSwap(true, false) {
						shared.kill()
					}
				}
			})
			history := map[string]error{"before": send(t.Context(), db, stock, "before", 1)}
			armed.Store(true)
			history["meanwhile"] = send(t.Context(), db, stock, "meanwhile", 2)
			require.False(t, armed.Load(), "the server was not killed")
			require.NoError(t, shared.start())
			s.settle(t)
			assert.Empty(t, s.violations(t, history))
			if point != xadriver.BeforePrepare {
				var doubt *xadriver.InDoubtError
				assert.True(t, history["meanwhile"] == nil || errors.As(history["meanwhile"], &doubt), "%v", history["meanwhile"])
				assert.True(t, ids(t, s.mysql, "received")["meanwhile"], "what was voted and decided is kept")
			}
		})
	}
}

func TestWhatOthersHavePreparedIsLetBe(t *testing.T) {
	s := newShop(t, 1)
	txn := "0192f6a0-0000-7000-8000-000000000001"
	keep := []string{
		"'someone','else',1",
		"'xapg_clients_aaaaaaaaaaaa','" + txn + "_stock',2019651687", // another log's
		"'xapg_clients','mine',2019651687",                           // none of ours
		"'xapg_shop_aaaaaaaaaaaa','" + txn + "_stock',1",             // another format
	}
	for i, xid := range keep {
		conn, err := s.mysql.Conn(t.Context())
		require.NoError(t, err)
		for _, sql := range []string{"XA START " + xid, fmt.Sprintf("INSERT INTO received VALUES ('foreign%d')", i), "XA END " + xid, "XA PREPARE " + xid} {
			_, err := conn.ExecContext(t.Context(), sql)
			require.NoError(t, err, sql)
		}
		t.Cleanup(func() {
			_, err := conn.ExecContext(context.Background(), "XA ROLLBACK "+xid)
			assert.NoError(t, err)
			assert.NoError(t, conn.Close())
		})
	}
	before := prepared(t, s.mysql)
	require.Len(t, before, len(keep))
	_, wait := s.startChild(t, string(xadriver.BeforeDecide), "run", 1, false)
	require.Error(t, wait(make(map[string]error)))
	s.heal(t, before...)
	assert.Equal(t, before, prepared(t, s.mysql))
}

// The checker of these tests finds what is wrong: two commits by hand, with a crash
// between them.
func TestTwoCommitsByHandAreNotAtomic(t *testing.T) {
	s := newShop(t, 1)
	tx, err := s.Begin()
	require.NoError(t, err)
	_, err = tx.Exec("UPDATE accounts SET balance = balance - 1 WHERE id = 1")
	require.NoError(t, err)
	_, err = tx.Exec("INSERT INTO sent VALUES ('by hand')")
	require.NoError(t, err)
	my, err := s.mysql.Begin()
	require.NoError(t, err)
	_, err = my.Exec("UPDATE accounts SET balance = balance + 1 WHERE id = 1")
	require.NoError(t, err)
	_, err = my.Exec("INSERT INTO received VALUES ('by hand')")
	require.NoError(t, err)
	require.NoError(t, tx.Commit())
	shared.kill()
	assert.Error(t, my.Commit())
	require.NoError(t, shared.start())
	assert.Len(t, s.violations(t, map[string]error{"by hand": errDied}), 2, "half a transfer, and money that is gone")
}
