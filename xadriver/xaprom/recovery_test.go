package xaprom_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver"
	"github.com/xapg/xapg/xadriver/xaprom"
	"github.com/xapg/xapg/xadriver/xatest"
)

// A shard that is down keeps no scrape waiting, and is seen.
func TestAShardThatCannotBeLookedAtIsDown(t *testing.T) {
	b := openBank(t, nil, "resolve_every=50ms")
	up := func(shard string) func() bool {
		return func() bool { return b.scrape(t)[`xapg_shard_up{shard="`+shard+`"}`] == 1 }
	}
	for _, s := range cluster.Shards {
		require.Eventually(t, up(s.Name()), 10*time.Second, 5*time.Millisecond)
	}
	require.NoError(t, cluster.Server("s3").Stop(context.Background(), xatest.Fast))
	require.Eventually(t, func() bool { return !up("s3")() }, 10*time.Second, 5*time.Millisecond)
	f := b.scrape(t)
	assert.Contains(t, f, `xapg_shard_up{shard="s3"}`, "it is zero, not missing")
	assert.Equal(t, map[string]float64{`{shard="s1"}`: 1, `{shard="s2"}`: 1}, f.of("xapg_shard_up"))
	before := f.sum("xapg_recovery_look_timestamp_seconds", `shard="s1"`)
	require.Eventually(t, func() bool {
		return b.scrape(t).sum("xapg_recovery_look_timestamp_seconds", `shard="s1"`) > before
	}, 10*time.Second, 5*time.Millisecond, "the others are looked at all the same")
	assert.Positive(t, f.sum("xapg_recovery_look_timestamp_seconds", `shard="s3"`), "when it was last up")
	require.NoError(t, cluster.Server("s3").Start(context.Background()))
	require.Eventually(t, up("s3"), 10*time.Second, 5*time.Millisecond)
}

// Commits that are under way are prepared for a moment, and may be seen.
func TestACommitUnderWayIsInDoubtAndYoung(t *testing.T) {
	var hold atomic.Bool
	held, release := make(chan struct{}), make(chan struct{})
	b := openBank(t, func(cfg *xadriver.Config) {
		cfg.OnStep = func(s xadriver.Step) {
			if s.Point == xadriver.BeforeDecide && hold.CompareAndSwap(true, false) {
				close(held)
				<-release
			}
		}
	}, "resolve_every=20ms", "resolve_after=1h")
	tx := b.write(t, 1, 2)
	hold.Store(true)
	let := sync.OnceFunc(func() { close(release) })
	defer let()
	done := make(chan error, 1)
	go func() { done <- tx.Commit() }()
	<-held
	require.Eventually(t, func() bool { return b.scrape(t).sum("xapg_in_doubt_transactions") == 2 }, 10*time.Second, 5*time.Millisecond)
	assert.Less(t, b.scrape(t).sum("xapg_in_doubt_oldest_age_seconds", `shard="s2"`), 3600.0)
	let()
	require.NoError(t, <-done)
	require.Eventually(t, func() bool { return b.scrape(t).sum("xapg_in_doubt_transactions") == 0 }, 10*time.Second, 5*time.Millisecond)
	assert.Zero(t, b.scrape(t).sum("xapg_recovered_transactions_total"), "nobody else had to finish it")
}

func TestWhereNobodyLooksNothingIsSaid(t *testing.T) {
	b := openBank(t, func(cfg *xadriver.Config) { cfg.NoResolver = true })
	require.NoError(t, b.write(t, 0, 1).Commit())
	for name := range b.scrape(t) {
		assert.NotContains(t, name, "xapg_shard_up")
		assert.NotContains(t, name, "xapg_in_doubt")
	}
}

// source is a connector that has these figures.
type source xadriver.Stats

func (s source) Stats() xadriver.Stats { return xadriver.Stats(s) }

// Where a shard is down, what was last seen goes on to be shown, and grows older.
func TestRecoveryShowsWhatWasLastSeen(t *testing.T) {
	b := &bank{metrics: xaprom.New(), registry: prometheus.NewPedanticRegistry()}
	b.registry.MustRegister(b.metrics)
	assert.NotContains(t, b.scrape(t).names(), "xapg_pool_connections", "nobody is watched yet")
	ago := time.Now().Add(-10 * time.Second)
	b.metrics.Watch(source{Recovery: []xadriver.RecoveryStats{
		{Shard: "athos", Looked: ago, InDoubt: 2, Oldest: 5 * time.Second, Committed: 3, RolledBack: 4, Overdue: 1, Alarms: 9, Lost: 2},
		{Shard: "porthos", Looked: ago, Err: errors.New("down"), InDoubt: 1, Oldest: time.Minute, Pending: 6},
		{Shard: "aramis", Err: errors.New("down")},
		{Shard: "dartagnan"},
		{Shard: "milady", Looked: ago, Oldest: time.Hour},
	}})
	f := b.scrape(t)
	assert.Equal(t, map[string]float64{`{shard="athos"}`: 1, `{shard="milady"}`: 1}, f.of("xapg_shard_up"))
	for _, shard := range []string{"porthos", "aramis"} {
		assert.Contains(t, f, `xapg_shard_up{shard="`+shard+`"}`)
	}
	assert.NotContains(t, f, `xapg_shard_up{shard="dartagnan"}`, "it was not looked at yet")
	assert.NotContains(t, f, `xapg_in_doubt_transactions{shard="aramis"}`, "it was never seen")
	assert.Equal(t, map[string]float64{`{shard="athos"}`: 2, `{shard="porthos"}`: 1}, f.of("xapg_in_doubt_transactions"))
	ages := f.of("xapg_in_doubt_oldest_age_seconds")
	assert.Len(t, ages, 2, "nothing has no age")
	assert.GreaterOrEqual(t, ages[`{shard="athos"}`], 15.0)
	assert.GreaterOrEqual(t, ages[`{shard="porthos"}`], 70.0)
	assert.InDelta(t, float64(ago.UnixMilli())/1000, f[`xapg_recovery_look_timestamp_seconds{shard="athos"}`], 0.01)
	assert.Equal(t, map[string]float64{`{outcome="committed",shard="athos"}`: 3, `{outcome="rolled_back",shard="athos"}`: 4}, f.of("xapg_recovered_transactions_total"))
	assert.Equal(t, map[string]float64{`{shard="porthos"}`: 6}, f.of("xapg_recovery_pending_transactions"))
	assert.Equal(t, map[string]float64{`{shard="athos"}`: 1}, f.of("xapg_in_doubt_overdue_transactions"))
	assert.Equal(t, map[string]float64{`{shard="athos"}`: 9}, f.of("xapg_in_doubt_alarms_total"))
	assert.Equal(t, map[string]float64{`{shard="athos"}`: 2}, f.of("xapg_lost_transactions"))
}
