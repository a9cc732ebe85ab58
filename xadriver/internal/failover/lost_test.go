package failover_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/cmd/xapg/command"
	"github.com/xapg/xapg/txlog"
	"github.com/xapg/xapg/txlog/sqlitelog"
	"github.com/xapg/xapg/xadriver"
)

// program is one that commits a transaction and is held at a step.
type program struct {
	*xadriver.Connector
	txn  uuid.UUID
	goOn func() error // lets it go on, and returns what it was told
}

// held starts a program that looks for nothing by itself.
func (b *bank) held(id, at string) *program {
	b.t.Helper()
	reached, gone, done := make(chan uuid.UUID), make(chan struct{}), make(chan error, 1)
	s := &stepper{}
	if at == "voted" { // all votes have come: the second one is awaited
		at, s.skip = "after_prepare", 1
	}
	s.arm(at, func(step xadriver.Step) {
		reached <- step.Txn
		<-gone
	})
	db, connector := b.open(s, quiet)
	go func() { done <- b.move(db, id) }()
	select {
	case txn := <-reached:
		return &program{connector, txn, func() error { close(gone); return <-done }}
	case err := <-done:
		require.Fail(b.t, "it did not get there", "%v", err)
		return nil
	}
}

// quiet leaves it to the test when to look for what is in doubt.
func quiet(cfg *xadriver.Config) { cfg.NoResolver = true }

// look looks twice: what the first look takes over, the second finishes.
func look(t *testing.T, c *xadriver.Connector) {
	t.Helper()
	for range 2 {
		list, err := c.Resolve(t.Context(), time.Hour)
		require.NoError(t, err)
		for _, r := range list {
			require.Empty(t, r.Problem)
		}
	}
}

// newest finds the transaction that a program has just committed.
func (b *bank) newest() uuid.UUID {
	b.t.Helper()
	log, err := sqlitelog.Open(b.t.Context(), b.log, sqlitelog.Options{Cluster: "bank"})
	require.NoError(b.t, err)
	defer log.Close()
	list, err := log.Records(b.t.Context(), uuid.Nil, 1000)
	require.NoError(b.t, err)
	return slices.MaxFunc(list, func(a, b txlog.Decision) int { return a.At.Compare(b.At) }).ID
}

func (b *bank) record(id uuid.UUID) txlog.Decision {
	b.t.Helper()
	log, err := sqlitelog.Open(b.t.Context(), b.log, sqlitelog.Options{Cluster: "bank"})
	require.NoError(b.t, err)
	defer log.Close()
	d, err := log.Lookup(b.t.Context(), id)
	require.NoError(b.t, err)
	return d
}

func TestALostVoteIsReported(t *testing.T) {
	b := newBank(t)
	out := &lines{}
	live, connector := b.open(nil, quiet, out.into)
	require.NoError(t, b.move(live, "early"))
	require.NoError(t, b.standby.CatchUp(t.Context(), b.primary))

	// Prepared where the standby sees it, and decided, but not finished.
	survivor := b.held("survivor", "after_decide")
	require.NoError(t, b.standby.CatchUp(t.Context(), b.primary))
	require.NoError(t, b.standby.Detach(t.Context()))

	// What is acknowledged from here on, the standby never hears of.
	require.NoError(t, b.move(live, "finished"))
	finished := b.newest()
	decided := b.held("unfinished", "after_decide")
	unfinished := decided.txn
	late := b.held("late", "before_decide") // it will not know
	warned := b.held("warned", "voted")
	b.fail()

	report := func() (ids []uuid.UUID) {
		lost, err := connector.Lost(t.Context(), false)
		require.NoError(t, err)
		for _, l := range lost {
			assert.Equal(t, "s1", l.Shard)
			assert.Equal(t, []string{"s2"}, l.Others)
			assert.True(t, l.Certain)
			assert.Equal(t, b.timeline(), l.Timeline)
			assert.NotEmpty(t, l.LeftAt)
			ids = append(ids, l.ID)
		}
		return ids
	}
	look(t, connector)
	assert.ElementsMatch(t, []uuid.UUID{finished, unfinished}, report(), "what survived is not among them, nor what was not decided")
	require.NoError(t, survivor.goOn())
	require.NoError(t, decided.goOn(), "it was decided before anybody could know")

	// Who has not decided yet, and knows that a standby has taken over, does not commit.
	look(t, warned.Connector)
	assert.Equal(t, 2, warned.Stats().Recovery[0].Lost)
	var overtaken *xadriver.OvertakenError
	require.ErrorAs(t, warned.goOn(), &overtaken)
	assert.Equal(t, "s1", overtaken.Shard)

	// Who does not know loses more, and that is noticed when it happens.
	require.NoError(t, late.goOn())
	look(t, connector)
	assert.ElementsMatch(t, []uuid.UUID{finished, unfinished, late.txn}, report())
	require.NoError(t, connector.Acknowledge(t.Context(), late.txn, "operator", "for the rest of this test"))
	b.goOn(live, "later")
	look(t, connector)
	b.settle()
	assert.Equal(t, []string{"finished", "late", "unfinished"}, b.halves(), "the others are whole")
	assert.Equal(t, 3, out.count("heuristic outcome"), "each is said once")
	for _, id := range []uuid.UUID{finished, unfinished} {
		assert.Equal(t, 1, out.count("txn="+id.String()+" shard=s1 fate=lost"))
	}
	assert.Equal(t, 2, connector.Stats().Recovery[0].Lost)
	assert.Zero(t, connector.Stats().Recovery[1].Lost)
	assert.False(t, b.record(unfinished).Finished, "the record stays open")

	// A program that is started later knows it too, and does not say it again.
	out2 := &lines{}
	_, later := b.open(nil, quiet, out2.into)
	look(t, later)
	assert.Zero(t, out2.count("heuristic outcome"))
	lost, err := later.Lost(t.Context(), false)
	require.NoError(t, err)
	assert.Len(t, lost, 2)
	assert.Equal(t, 2, later.Stats().Recovery[0].Lost)
	assert.False(t, b.record(unfinished).Finished)

	b.command(t, unfinished, finished)

	// Until somebody has mended it.
	require.NoError(t, later.Acknowledge(t.Context(), unfinished, "operator", "the row was written again"))
	assert.ErrorIs(t, later.Acknowledge(t.Context(), unfinished, "operator", "again"), xadriver.ErrNotLost)
	assert.ErrorIs(t, later.Acknowledge(t.Context(), uuid.New(), "operator", "who?"), xadriver.ErrNotLost)
	look(t, later)
	require.NoError(t, later.Close()) // Finish is durable then
	assert.True(t, b.record(unfinished).Finished)
	assert.Equal(t, []uuid.UUID{finished}, report())
	all, err := connector.Lost(t.Context(), true)
	require.NoError(t, err)
	require.Len(t, all, 3)
	at := slices.IndexFunc(all, func(l xadriver.Lost) bool { return l.ID == unfinished })
	assert.Equal(t, "operator", all[at].AckedBy)
	assert.Equal(t, "the row was written again", all[at].AckedWhy)
	assert.False(t, all[at].Acked.IsZero())
}

// command is what operators see of it.
func (b *bank) command(t *testing.T, unfinished, finished uuid.UUID) {
	run := func(args ...string) (int, string) {
		var out, errs bytes.Buffer
		code := command.Main(append(args, "--dsn", b.dsn(b.primary)), &out, &errs)
		return code, out.String() + errs.String()
	}
	code, out := run("txns", "lost")
	assert.Equal(t, 1, code, out)
	assert.Contains(t, out, unfinished.String())
	assert.Contains(t, out, finished.String())
	code, out = run("txns")
	assert.Equal(t, 1, code, out)
	assert.Contains(t, out, "a failover of shard s1 has lost it")
	assert.NotContains(t, out, finished.String(), "it is not in doubt")
	code, out = run("check")
	assert.Equal(t, 1, code, out)
	assert.Contains(t, out, "a failover has lost 2 committed transactions here")
	code, out = run("txns", "ack", finished.String())
	assert.Equal(t, 2, code, out)
	assert.Contains(t, out, "--reason")
	code, out = run("txns", "ack", uuid.NewString(), "--reason", "x")
	assert.Equal(t, 1, code, out)
}
