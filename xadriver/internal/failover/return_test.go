package failover_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/txlog"
	"github.com/xapg/xapg/txlog/sqlitelog"
	"github.com/xapg/xapg/xadriver"
	"github.com/xapg/xapg/xadriver/internal/gid"
	"github.com/xapg/xapg/xadriver/internal/resolve"
	"github.com/xapg/xapg/xadriver/internal/shard"
	"github.com/xapg/xapg/xadriver/xatest"

	"github.com/jackc/pgx/v5"
)

// The standby has the vote, but not that it was carried out: the transaction is
// prepared again. Its record is finished, and was kept for this.
func TestACommitThatAFailoverHasUndoneIsDoneAgain(t *testing.T) {
	for _, c := range []struct {
		name  string
		later bool // by a program that is started after the failover
	}{{"by the same program", false}, {"by a later program", true}} {
		t.Run(c.name, func(t *testing.T) {
			b := newBank(t)
			p := b.held("undone", "after_decide")
			require.NoError(t, b.standby.CatchUp(t.Context(), b.primary))
			require.NoError(t, b.standby.Detach(t.Context()))
			require.NoError(t, p.goOn())
			assert.Contains(t, b.on(b.primary), "undone")
			b.fail()
			assert.NotContains(t, b.on(b.primary), "undone")
			assert.Equal(t, 1, ask[int](t, b.primary, "SELECT count(*)::int FROM pg_prepared_xacts"))
			who := p.Connector
			if c.later {
				require.NoError(t, p.Close())
				_, who = b.open(nil, quiet)
			}
			_, err := who.Resolve(t.Context(), 0)
			require.NoError(t, err)
			b.settle()
			assert.Contains(t, b.on(b.primary), "undone")
			assert.Empty(t, b.halves())
			lost, err := who.Lost(t.Context(), true)
			require.NoError(t, err)
			assert.Empty(t, lost)
		})
	}
}

// After the failover the old primary is started again, as if nothing had happened, and
// takes writes.
func TestAnOldPrimaryThatComesBackDecidesNothing(t *testing.T) {
	b := newBank(t)
	live, _ := b.open(nil)
	require.NoError(t, b.move(live, "before"))
	require.NoError(t, b.standby.CatchUp(t.Context(), b.primary))
	b.fail()
	b.goOn(live, "after")
	_, watching := b.open(nil, quiet)
	look(t, watching) // the other shard has been told
	require.NoError(t, b.old.Start(t.Context()))
	before := b.on(b.old)

	t.Run("a program that is led to it is refused", func(t *testing.T) {
		db, connector := b.openAt([]*xatest.Server{b.old}, nil, quiet)
		var stale *xadriver.StaleServerError
		require.ErrorAs(t, b.move(db, "refused"), &stale)
		assert.Equal(t, "s1", stale.Shard)
		assert.Less(t, stale.Timeline, stale.Known)
		found, err := connector.Resolve(t.Context(), 0)
		require.NoError(t, err)
		assert.NotEmpty(t, found[0].Problem, "nor does it resolve there")
	})
	t.Run("a program that may choose finds the new one", func(t *testing.T) {
		db, connector := b.openAt([]*xatest.Server{b.old, b.primary}, nil, quiet)
		_, _ = connector.Resolve(t.Context(), 0)
		b.goOn(db, "chosen")
	})
	t.Run("who was connected all the time stays where he is", func(t *testing.T) {
		b.goOn(live, "lasting")
	})
	b.settle()
	assert.Empty(t, b.halves())
	assert.Equal(t, before, b.on(b.old), "nothing was written there")
	assert.Zero(t, ask[int](t, b.old, "SELECT count(*)::int FROM pg_prepared_xacts"))
}

// With the detection taken out, a half-committed transaction is left that nobody
// reports and whose record says that all is done.
func TestControlWithoutDetectionALossIsForgotten(t *testing.T) {
	for _, c := range []struct {
		name  string
		watch bool
	}{{"with detection", true}, {"without", false}} {
		t.Run(c.name, func(t *testing.T) {
			b := newBank(t)
			require.NoError(t, b.standby.Detach(t.Context()))
			p := b.held("half", "after_decide")
			b.fail()
			require.NoError(t, p.goOn())
			if c.watch {
				look(t, p.Connector)
			} else {
				b.blind()
			}
			assert.Equal(t, []string{"half"}, b.halves())
			lost, err := p.Lost(t.Context(), true)
			require.NoError(t, err)
			require.NoError(t, p.Close())
			assert.Equal(t, c.watch, len(lost) == 1, "reported")
			assert.Equal(t, !c.watch, b.record(p.txn).Finished)
		})
	}
}

// blind resolves without asking what a shard has lost.
func (b *bank) blind() {
	log, err := sqlitelog.Open(b.t.Context(), b.log, sqlitelog.Options{Cluster: "bank"})
	require.NoError(b.t, err)
	defer log.Close()
	var list []resolve.Shard
	for i, s := range []*xatest.Server{b.primary, b.other} {
		cfg, err := pgx.ParseConfig(s.DSN())
		require.NoError(b.t, err)
		sh, err := shard.NewPgx([]string{"s1", "s2"}[i], i, cfg, shard.Options{})
		require.NoError(b.t, err)
		defer sh.Close()
		list = append(list, resolve.Server{Shard: sh})
	}
	r := resolve.New(resolve.Config{Log: log, Shards: list, Verify: func(context.Context, string) error { return nil },
		CallTimeout: callTimeout, Logger: discard})
	for range 2 {
		for _, report := range r.Once(b.t.Context(), 0) {
			require.NoError(b.t, report.Err)
		}
	}
}

// A role that may not read the server's files, and a server that was started again after
// it had taken over: nobody can tell any more where it took over.
func TestWhatCannotBeToldIsSaid(t *testing.T) {
	b := newBank(t)
	for _, s := range []*xatest.Server{b.primary, b.other} {
		_, err := exec(s, "CREATE ROLE app LOGIN; GRANT ALL ON DATABASE postgres TO app; GRANT ALL ON SCHEMA public TO app; ALTER TABLE moves OWNER TO app; DROP SCHEMA IF EXISTS _xapg CASCADE")
		require.NoError(t, err)
	}
	b.role = "app"
	db, connector := b.open(nil, quiet)
	require.NoError(t, b.move(db, "early"))
	early := b.newest()
	look(t, connector)
	require.NoError(t, b.standby.CatchUp(t.Context(), b.primary))
	require.NoError(t, b.standby.Detach(t.Context()))
	require.NoError(t, b.move(db, "lost"))
	lost := b.newest()
	b.fail()
	require.NoError(t, b.primary.Restart(t.Context(), xatest.Fast))
	_, err := connector.Resolve(t.Context(), time.Hour) // finds its connections dead
	require.NoError(t, err)
	look(t, connector)
	list, err := connector.Lost(t.Context(), false)
	require.NoError(t, err)
	var ids []uuid.UUID
	for _, l := range list {
		assert.False(t, l.Certain, "%+v", l)
		assert.Empty(t, l.LeftAt)
		ids = append(ids, l.ID)
	}
	assert.Contains(t, ids, lost)
	assert.Contains(t, ids, early, "it is there, but nothing says so")

	// Who may read where a server took over is told for certain.
	_, err = exec(b.primary, "TRUNCATE _xapg.lost, _xapg.timeline")
	require.NoError(t, err)
	b.role = ""
	_, reader := b.open(nil, quiet)
	look(t, reader)
	list, err = reader.Lost(t.Context(), false)
	require.NoError(t, err)
	require.Len(t, list, 1)
	assert.Equal(t, lost, list[0].ID)
	assert.True(t, list[0].Certain)
}

// A vote's position is an upper bound: somebody else may have written between the vote
// and the question. What is prepared when the new server is first looked at survived.
func TestAVoteWithAPositionTooHighIsNotLost(t *testing.T) {
	b := newBank(t)
	log, err := sqlitelog.Open(t.Context(), b.log, sqlitelog.Options{Cluster: "bank"})
	require.NoError(t, err)
	txn, err := gid.NewTxn(log.Mark().Seq)
	require.NoError(t, err)
	var voters []txlog.Participant
	for _, s := range []*xatest.Server{b.primary, b.other} {
		name := gid.ID{Cluster: "bank", Log: log.Identity().ID, Txn: txn, Shard: []string{"s1", "s2"}[len(voters)]}.String()
		_, err := exec(s, "BEGIN; INSERT INTO moves VALUES ('"+b.keys[len(voters)]+"', 'high'); PREPARE TRANSACTION '"+name+"'")
		require.NoError(t, err)
		voters = append(voters, txlog.Participant{Name: []string{"s1", "s2"}[len(voters)], Vote: fmt.Sprintf("%d/FF/0", b.timeline())})
	}
	_, err = log.Decide(t.Context(), txn, txlog.Commit, voters)
	require.NoError(t, err)
	require.NoError(t, log.Close())
	require.NoError(t, b.standby.CatchUp(t.Context(), b.primary))
	b.fail()
	b.told["high"] = nil
	_, connector := b.open(nil, quiet)
	look(t, connector)
	b.settle()
	assert.Empty(t, b.halves())
	assert.Contains(t, b.on(b.primary), "high")
	_, again := b.open(nil, quiet)
	look(t, again)
	lost, err := again.Lost(t.Context(), true)
	require.NoError(t, err)
	assert.Empty(t, lost)
}
