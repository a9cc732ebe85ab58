package xadriver_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/txlog"
	"github.com/xapg/xapg/txlog/sqlitelog"
	"github.com/xapg/xapg/xadriver"
)

// A process stands still between the votes and its decision, for so long that another
// has aborted its transaction, finished it, and forgotten that. Its own "commit" is then
// the only one that the register holds.
func TestAProcessThatSleptThroughItsOwnTransactionDoesNotSayThatItIsCommitted(t *testing.T) {
	b := openBank(t, 2)
	log, err := sqlitelog.Open(t.Context(), b.log, sqlitelog.Options{Cluster: "bank"})
	require.NoError(t, err)
	defer log.Close()
	s := &stepper{}
	slow := openStepped(t, b.dsn+" retain=200ms", s, func(c *xadriver.Config) { c.NoResolver = true })
	require.NoError(t, slow.PingContext(t.Context()))
	reached := false
	s.arm("before_decide", func() {
		reached = true
		backup := openStepped(t, b.dsn+" retain=200ms resolve_after=100ms resolve_every=100ms", nil, nil)
		defer backup.Close() // it is to forget no more than that
		assert.NoError(t, backup.PingContext(t.Context()))
		assert.Eventually(t, func() bool {
			if b.prepared(t) > 0 { // asked first: before its decision, too, the log has no record
				return false
			}
			records, err := log.Records(t.Context(), uuid.Nil, 100)
			return err == nil && len(records) == 0
		}, 20*time.Second, 20*time.Millisecond, "the backup aborts, finishes and forgets")
	})
	for tries := 0; !reached; tries++ { // one that stood still while it let the shards vote does not even decide
		require.Less(t, tries, 100)
		tx, berr := slow.Begin()
		require.NoError(t, berr)
		for _, owner := range []string{"a", "b", "c", "d", "e", "f", "g"} {
			_, err = tx.Exec("INSERT INTO accounts (owner) VALUES ($1)", owner)
			require.NoError(t, err)
		}
		if err = tx.Commit(); !reached {
			var aborted *xadriver.AbortedError
			require.ErrorAs(t, err, &aborted)
		}
	}
	var doubt *xadriver.InDoubtError
	require.ErrorAs(t, err, &doubt)
	var n int
	require.NoError(t, b.QueryRow("SELECT count(*) FROM accounts").Scan(&n))
	assert.Zero(t, n)
	d, err := log.Lookup(t.Context(), doubt.ID)
	require.NoError(t, err)
	assert.Equal(t, txlog.Commit, d.Outcome, "what it stored was the first word once more")
}
