package xaprom_test

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/txlog"
	"github.com/xapg/xapg/txlog/sqlitelog"
	"github.com/xapg/xapg/xadriver"
)

func TestTransactionsAreCountedByKindAndOutcome(t *testing.T) {
	b := openBank(t, nil)
	assert.Empty(t, b.scrape(t).of("xapg_transactions_total"))
	for range 3 { // of two shards
		require.NoError(t, b.write(t, 0, 1).Commit())
	}
	for range 4 { // of one
		require.NoError(t, b.write(t, 2).Commit())
	}
	for range 5 { // of readers
		tx := b.write(t)
		for _, owner := range owners {
			require.NoError(t, tx.QueryRow("SELECT balance FROM accounts WHERE owner = $1", owner).Scan(new(int)))
		}
		require.NoError(t, tx.Commit())
	}
	for range 6 {
		require.NoError(t, b.write(t, 0, 1, 2).Rollback())
	}
	for range 2 { // one statement that is a transaction of its own
		_, err := b.Exec("UPDATE accounts SET balance = balance + 1")
		require.NoError(t, err)
	}
	f := b.scrape(t)
	assert.Equal(t, map[string]float64{
		`{kind="two_phase",outcome="committed"}`: 5,
		`{kind="one_phase",outcome="committed"}`: 4,
		`{kind="read_only",outcome="committed"}`: 5,
		`{kind="none",outcome="rolled_back"}`:    6,
	}, f.of("xapg_transactions_total"))
	assert.Equal(t, map[string]float64{`{kind="two_phase"}`: 5, `{kind="one_phase"}`: 4, `{kind="read_only"}`: 5}, f.of("xapg_commit_seconds"))
	assert.Equal(t, map[string]float64{
		`{phase="prepare"}`: 3*2 + 2*3, `{phase="decide"}`: 5, `{phase="finish"}`: 3*2 + 2*3,
		`{phase="ask"}`: 5 * 3, `{phase="commit_one"}`: 4 + 5*3, `{phase="undo"}`: 6 * 3,
	}, f.of("xapg_commit_phase_seconds"))
	assert.Empty(t, f.of("xapg_commit_phase_errors_total"))
	assert.Positive(t, f.sum("xapg_commit_seconds_sum"))
}

func TestAVoteOfNoIsATransactionRolledBack(t *testing.T) {
	b := openBank(t, nil)
	tx := b.write(t, 0, 1, 2)
	_, err := tx.Exec("INSERT INTO payments VALUES ($1, 1)", owners[2]+"x") // a foreign key that is looked at last
	require.NoError(t, err)
	require.Error(t, tx.Commit())
	f := b.scrape(t)
	assert.Equal(t, map[string]float64{`{kind="two_phase",outcome="rolled_back"}`: 1}, f.of("xapg_transactions_total"))
	assert.EqualValues(t, 1, f.sum("xapg_commit_phase_errors_total", `phase="prepare"`))
	assert.Zero(t, f.sum("xapg_commit_phase_seconds", `phase="decide"`))
}

func TestACommitOfAFailedTransactionIsARollback(t *testing.T) {
	b := openBank(t, nil)
	tx := b.write(t, 0, 1)
	_, err := tx.Exec("SELECT 1/0")
	require.Error(t, err)
	require.Error(t, tx.Commit())
	assert.Equal(t, map[string]float64{`{kind="none",outcome="rolled_back"}`: 1}, b.scrape(t).of("xapg_transactions_total"))
}

// silent is a decision log that does not answer while it is silent.
type silent struct {
	txlog.Log
	mu  sync.Mutex
	yes bool
}

func (s *silent) be(yes bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.yes = yes
}

func (s *silent) Decide(ctx context.Context, id uuid.UUID, want txlog.Outcome, participants []txlog.Participant) (txlog.Outcome, error) {
	s.mu.Lock()
	yes := s.yes
	s.mu.Unlock()
	if yes {
		return txlog.Unknown, errors.New("no answer")
	}
	return s.Log.Decide(ctx, id, want, participants)
}

// openSilent opens a bank whose log can be silenced.
func openSilent(t *testing.T, more ...string) (*bank, *silent) {
	t.Helper()
	log, err := sqlitelog.Open(t.Context(), filepath.Join(t.TempDir(), "decisions.db"), sqlitelog.Options{Cluster: "bank"})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, log.Close()) })
	s := &silent{Log: log}
	return openBank(t, func(cfg *xadriver.Config) { cfg.DecisionLog = s }, more...), s
}

func TestATransactionInDoubtIsCountedAndThenRecovered(t *testing.T) {
	b, log := openSilent(t, "resolve_after=50ms", "resolve_every=20ms")
	tx := b.write(t, 0, 1)
	log.be(true)
	var doubt *xadriver.InDoubtError
	require.ErrorAs(t, tx.Commit(), &doubt)
	f := b.scrape(t)
	assert.Equal(t, map[string]float64{`{kind="two_phase",outcome="in_doubt"}`: 1}, f.of("xapg_transactions_total"))
	require.Eventually(t, func() bool { return b.scrape(t).sum("xapg_in_doubt_transactions") == 2 }, 10*time.Second, 5*time.Millisecond)
	f = b.scrape(t)
	assert.Equal(t, map[string]float64{`{shard="s1"}`: 1, `{shard="s2"}`: 1}, f.of("xapg_in_doubt_transactions"))
	assert.Positive(t, f.sum("xapg_in_doubt_oldest_age_seconds", `shard="s1"`))
	assert.Zero(t, f.sum("xapg_in_doubt_oldest_age_seconds", `shard="s3"`))

	log.be(false)
	require.Eventually(t, func() bool { return b.scrape(t).sum("xapg_recovered_transactions_total") == 2 }, 10*time.Second, 5*time.Millisecond)
	require.Eventually(t, func() bool { return b.scrape(t).sum("xapg_in_doubt_transactions") == 0 }, 10*time.Second, 5*time.Millisecond)
	f = b.scrape(t)
	assert.Equal(t, map[string]float64{`{outcome="rolled_back",shard="s1"}`: 1, `{outcome="rolled_back",shard="s2"}`: 1}, f.of("xapg_recovered_transactions_total"))
	assert.Zero(t, f.sum("xapg_in_doubt_oldest_age_seconds"))
	assert.Zero(t, f.sum("xapg_recovery_pending_transactions"))
}
