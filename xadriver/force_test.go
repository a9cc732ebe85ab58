package xadriver_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/txlog"
	"github.com/xapg/xapg/txlog/sqlitelog"
	"github.com/xapg/xapg/xadriver"
	"github.com/xapg/xapg/xadriver/internal/gid"
)

const lostLog = "lostlostlost"

// orphan prepares a transaction of a lost log on the first shards of a bank.
func orphan(t *testing.T, b *bank, log string, shards ...string) uuid.UUID {
	t.Helper()
	id, err := gid.NewTxn(7)
	require.NoError(t, err)
	for i, url := range b.urls {
		name := servers(t).Shards[i].Name()
		if len(shards) == 0 || strings.Contains(strings.Join(shards, " "), name) {
			prepareByHand(t, url, gid.ID{Cluster: "bank", Log: log, Txn: id, Shard: name}.String())
		}
	}
	return id
}

func (b *bank) exec(t testing.TB, shard int, sql string) {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), b.urls[shard])
	require.NoError(t, err)
	defer conn.Close(context.Background())
	_, err = conn.Exec(context.Background(), sql)
	require.NoError(t, err)
}

func (b *bank) end(t *testing.T, shard int, how string, id uuid.UUID) {
	t.Helper()
	b.exec(t, shard, how+" PREPARED '"+gid.ID{Cluster: "bank", Log: lostLog, Txn: id, Shard: servers(t).Shards[shard].Name()}.String()+"'")
}

func force(t *testing.T, dsn string, f xadriver.Forcing) (*xadriver.Forced, error) {
	t.Helper()
	cfg, err := xadriver.ParseDSN(dsn)
	require.NoError(t, err)
	if f.Who == "" {
		f.Who, f.Reason = "the night shift", "the disk is gone"
	}
	return xadriver.Force(t.Context(), *cfg, f)
}

func refused(t *testing.T, err error, words string) {
	t.Helper()
	var no *xadriver.ForceRefusedError
	require.ErrorAs(t, err, &no)
	assert.Contains(t, err.Error(), words)
}

// walCanBeRead installs pg_walinspect where the servers have it. What is prepared after
// that is at the beginning of a file, and nothing older is there: no checkpoint takes away
// what is searched.
func walCanBeRead(t *testing.T, b *bank) bool {
	t.Helper()
	if b.on(t, 0, "SELECT count(*)::text FROM pg_available_extensions WHERE name = 'pg_walinspect'") == "0" {
		return false
	}
	for i := range b.urls {
		b.exec(t, i, "CREATE EXTENSION IF NOT EXISTS pg_walinspect")
		b.exec(t, i, "SELECT pg_switch_wal()")
		b.exec(t, i, "CHECKPOINT")
	}
	return true
}

func TestNothingIsForcedWhileItsLogIsThere(t *testing.T) {
	b := newBank(t, 2)
	log, err := sqlitelog.Open(t.Context(), b.log, sqlitelog.Options{Cluster: "bank"})
	require.NoError(t, err)
	id := orphan(t, b, log.Identity().ID)
	require.NoError(t, log.Close())
	_, err = force(t, b.dsn, xadriver.Forcing{ID: id, Outcome: "commit", Looked: true})
	refused(t, err, "is there")
	assert.Len(t, gids(t, b.urls[0]), 1, "nothing was done")

	require.NoError(t, os.Rename(b.log, b.log+".away"))
	done, err := force(t, b.dsn, xadriver.Forcing{ID: id, Outcome: "commit"})
	var unproven *xadriver.UnprovenError
	require.ErrorAs(t, err, &unproven, "a log that cannot be opened may come back")
	assert.Contains(t, err.Error(), "cannot be opened")
	assert.Len(t, done.Evidence, 2)
	_, err = os.Stat(b.log)
	require.ErrorIs(t, err, os.ErrNotExist, "no new log is made in its place")

	require.NoError(t, os.Rename(b.log+".away", b.log))
	db := openDB(t, b.dsn+" resolve_after=1ms resolve_every=20ms")
	require.NoError(t, db.Ping())
	heal(t, b.urls)
}

func TestWhatNothingProvesMustBeLookedInto(t *testing.T) {
	b := newBank(t, 2)
	id := orphan(t, b, lostLog)
	_, err := force(t, b.dsn, xadriver.Forcing{ID: id, Outcome: "commit"})
	var unproven *xadriver.UnprovenError
	require.ErrorAs(t, err, &unproven)
	assert.Equal(t, 2, len(gids(t, b.urls[0]))+len(gids(t, b.urls[1])), "nothing was done")
	assert.Equal(t, "true", b.on(t, 0, "SELECT (to_regclass('_xapg.forced') IS NULL)::text"), "nor recorded")

	done, err := force(t, b.dsn, xadriver.Forcing{ID: id, Outcome: "commit", Looked: true})
	require.NoError(t, err)
	assert.Equal(t, []string{"s1", "s2"}, done.Done)
	assert.Empty(t, done.Left)
	assert.False(t, done.Proven)
	heal(t, b.urls)
	for i := range b.urls {
		assert.Equal(t, "commit the night shift the disk is gone", b.on(t, i, "SELECT outcome || ' ' || who || ' ' || why FROM _xapg.forced WHERE txn = $1", id))
	}
	_, err = force(t, b.dsn, xadriver.Forcing{ID: id, Outcome: "abort", Looked: true})
	refused(t, err, "forced to commit already, by the night shift")
	_, err = force(t, b.dsn, xadriver.Forcing{ID: uuid.Must(uuid.NewV7()), Outcome: "abort", Looked: true})
	refused(t, err, "no shard that can be reached has it prepared")
}

func TestWhatOneShardHasDoneProvesTheOutcome(t *testing.T) {
	for _, c := range []struct{ did, outcome, other, words string }{
		{"COMMIT", "commit", "abort", "it was committed"},
		{"ROLLBACK", "abort", "commit", "it was rolled back"},
	} {
		t.Run(c.did, func(t *testing.T) {
			b := newBank(t, 3)
			can := walCanBeRead(t, b)
			id := orphan(t, b, lostLog)
			b.end(t, 1, c.did, id)
			if !can {
				done, err := force(t, b.dsn, xadriver.Forcing{ID: id, Outcome: c.other})
				require.Error(t, err, "it cannot be proven")
				assert.Contains(t, done.Evidence[1].Words, "pg_walinspect")
				_, err = force(t, b.dsn, xadriver.Forcing{ID: id, Outcome: c.outcome, Looked: true})
				require.NoError(t, err)
				return
			}
			b.exec(t, 1, "CHECKPOINT") // what is proven does not depend on what is still in memory
			done, err := force(t, b.dsn, xadriver.Forcing{ID: id, Outcome: c.other, Looked: true})
			refused(t, err, c.words)
			assert.Contains(t, done.Evidence[1].Words, "PREPARE at")
			assert.Len(t, gids(t, b.urls[0]), 1, "nothing was done")

			done, err = force(t, b.dsn, xadriver.Forcing{ID: id, Outcome: c.outcome})
			require.NoError(t, err, "what is proven needs nobody to look")
			assert.True(t, done.Proven)
			assert.Equal(t, []string{"s1", "s3"}, done.Done)
			heal(t, b.urls)
		})
	}
}

func TestWhatIsBrokenAlreadyIsLeftToHumanHands(t *testing.T) {
	b := newBank(t, 3)
	if !walCanBeRead(t, b) {
		t.Skip("the servers have no pg_walinspect")
	}
	id := orphan(t, b, lostLog)
	b.end(t, 0, "COMMIT", id)
	b.end(t, 1, "ROLLBACK", id)
	for _, outcome := range []string{"commit", "abort"} {
		_, err := force(t, b.dsn, xadriver.Forcing{ID: id, Outcome: outcome, Looked: true})
		refused(t, err, "broken already")
	}
	b.end(t, 2, "ROLLBACK", id)
}

func TestThatAShardTookNoPartIsNotTakenForProof(t *testing.T) {
	b := newBank(t, 3)
	can := walCanBeRead(t, b)
	id := orphan(t, b, lostLog, "s1", "s3")
	done, err := force(t, b.dsn, xadriver.Forcing{ID: id, Outcome: "abort"})
	var unproven *xadriver.UnprovenError
	require.ErrorAs(t, err, &unproven)
	assert.Contains(t, err.Error(), "shard s2 may have ended it otherwise")
	if can {
		assert.Contains(t, done.Evidence[1].Words, "it took no part here, or that is older")
	}
	_, err = force(t, b.dsn, xadriver.Forcing{ID: id, Outcome: "abort", Looked: true})
	require.NoError(t, err)
	heal(t, b.urls)
}

// A shard that is away when a transaction is forced is bound by the records of the
// others when it is back.
func TestAForcedOutcomeHoldsForShardsThatComeBack(t *testing.T) {
	b := newBank(t, 3)
	id := orphan(t, b, lostLog)
	away := strings.Replace(b.dsn, b.urls[0], "postgres://nobody@127.0.0.1:1/none", 1)
	done, err := force(t, away, xadriver.Forcing{ID: id, Outcome: "abort", Looked: true})
	require.NoError(t, err)
	assert.Equal(t, []string{"s2", "s3"}, done.Done)
	require.Len(t, done.Left, 1)
	assert.Contains(t, done.Left[0], "s1: cannot be reached")

	_, err = force(t, b.dsn, xadriver.Forcing{ID: id, Outcome: "commit", Looked: true})
	refused(t, err, "forced to abort already")
	done, err = force(t, b.dsn, xadriver.Forcing{ID: id, Outcome: "abort"})
	require.NoError(t, err, "who forced it first has answered for it")
	assert.Equal(t, []string{"s1"}, done.Done)
	heal(t, b.urls)
}

func TestOfTwoWhoForceDifferentlyOneIsTold(t *testing.T) {
	b := newBank(t, 3)
	for range 5 {
		id := orphan(t, b, lostLog)
		errs := make(map[string]error)
		var mu sync.Mutex
		var wg sync.WaitGroup
		for _, outcome := range []string{"commit", "abort"} {
			wg.Go(func() {
				_, err := force(t, b.dsn, xadriver.Forcing{ID: id, Outcome: outcome, Looked: true})
				mu.Lock()
				defer mu.Unlock()
				errs[outcome] = err
			})
		}
		wg.Wait()
		require.NotEqual(t, errs["commit"] == nil, errs["abort"] == nil, "%v", errs)
		won := "commit"
		lost := errs["abort"]
		if errs["commit"] != nil {
			won, lost = "abort", errs["commit"]
		}
		assert.NotContains(t, lost.Error(), "cannot be kept", "both have made the table")
		for i := range b.urls {
			assert.Equal(t, won, b.on(t, i, "SELECT string_agg(outcome, ' ') FROM _xapg.forced WHERE txn = $1", id))
		}
		heal(t, b.urls)
		for i := range b.urls {
			b.exec(t, i, "DROP TABLE _xapg.forced")
		}
	}
}

func TestTheLogIsNamedWhereSeveralHaveATransactionOfOneID(t *testing.T) {
	b := newBank(t, 2)
	id := orphan(t, b, lostLog)
	for i, url := range b.urls {
		prepareByHand(t, url, gid.ID{Cluster: "bank", Log: "otherotherot", Txn: id, Shard: servers(t).Shards[i].Name()}.String())
	}
	foreign := gid.ID{Cluster: "shop", Log: lostLog, Txn: id, Shard: "s1"}.String()
	prepareByHand(t, b.urls[0], foreign)
	_, err := force(t, b.dsn, xadriver.Forcing{ID: id, Outcome: "abort", Looked: true})
	refused(t, err, "--log-id lostlostlost or --log-id otherotherot")
	for _, log := range []string{lostLog, "otherotherot"} {
		_, err = force(t, b.dsn, xadriver.Forcing{ID: id, Outcome: "abort", Looked: true, LogID: log})
		require.NoError(t, err)
	}
	assert.Equal(t, []string{foreign}, gids(t, b.urls[0]), "another cluster's is not touched")
	b.exec(t, 0, "ROLLBACK PREPARED '"+foreign+"'")
}

// A copy of the log decides nothing; but what it knows was decided.
func TestWhatACopyOfTheLogKnowsIsEvidence(t *testing.T) {
	b := newBank(t, 2)
	log, err := sqlitelog.Open(t.Context(), b.log, sqlitelog.Options{Cluster: "bank"})
	require.NoError(t, err)
	id := orphan(t, b, log.Identity().ID)
	_, err = log.Decide(t.Context(), id, txlog.Commit, []txlog.Participant{{Name: "s1"}, {Name: "s2"}})
	require.NoError(t, err)
	require.NoError(t, log.Close())
	content, err := os.ReadFile(b.log)
	require.NoError(t, err)
	// The original is opened once more, and leaves its mark on the shards.
	cfg, err := xadriver.ParseDSN(b.dsn + " resolve_every=1h")
	require.NoError(t, err)
	cfg.NoResolver = true
	connector, err := xadriver.NewConnector(*cfg)
	require.NoError(t, err)
	_, err = connector.Resolve(t.Context(), 0)
	require.NoError(t, err)
	require.NoError(t, connector.Close())
	for i, url := range b.urls { // as if they had not heard of it
		prepareByHand(t, url, gid.ID{Cluster: "bank", Log: cfgLog(t, b), Txn: id, Shard: servers(t).Shards[i].Name()}.String())
	}
	require.NoError(t, os.WriteFile(b.log+".copy", content, 0o600))
	copied := strings.Replace(b.dsn, b.log, b.log+".copy", 1)
	_, err = force(t, copied, xadriver.Forcing{ID: id, Outcome: "abort", Looked: true})
	refused(t, err, "a copy of the log has the decision to commit")
	done, err := force(t, copied, xadriver.Forcing{ID: id, Outcome: "commit"})
	require.NoError(t, err)
	assert.Len(t, done.Done, 2)
	heal(t, b.urls)
}

func cfgLog(t *testing.T, b *bank) string {
	t.Helper()
	log, err := sqlitelog.Open(t.Context(), b.log, sqlitelog.Options{Cluster: "bank"})
	require.NoError(t, err)
	defer func() { require.NoError(t, log.Close()) }()
	return log.Identity().ID
}

func TestAnOrderWithoutAReasonIsNone(t *testing.T) {
	b := newBank(t, 2)
	cfg, err := xadriver.ParseDSN(b.dsn)
	require.NoError(t, err)
	for _, f := range []xadriver.Forcing{{Outcome: "commit", Who: "me"}, {Outcome: "commit", Reason: "so"}, {Outcome: "maybe", Who: "me", Reason: "so"}} {
		_, err := xadriver.Force(t.Context(), *cfg, f)
		require.Error(t, err)
		assert.Contains(t, err.Error(), "say commit or abort")
	}
	single, err := xadriver.ParseDSN(b.urls[0])
	require.NoError(t, err)
	_, err = xadriver.Force(t.Context(), *single, xadriver.Forcing{})
	require.True(t, errors.Is(err, xadriver.ErrSingleShard))
}
