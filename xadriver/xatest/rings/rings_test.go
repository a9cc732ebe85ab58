package main

import (
	"bytes"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if s, ok, err := childSpec(); ok {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		os.Exit(live(s))
	}
	goleak.VerifyTestMain(m)
}

// short are the options of a run that takes seconds, in which no time is judged.
func short(t *testing.T, args ...string) options {
	t.Helper()
	o, err := flags(append([]string{"-seed=5", "-shards=3", "-processes=2", "-lanes=6", "-clients=4", "-zones=2", "-deadlock-timeout=150ms", "-strict=false"}, args...), os.Stderr)
	require.NoError(t, err)
	return o
}

// The long version is make deadlocks.
func TestCirclesAreBrokenAtOneVictimAndQueuesAtNone(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes its time")
	}
	var out bytes.Buffer
	r := newReport(&out, short(t, "-rings=18", "-transactions=300", "-long=16"))
	require.NoError(t, run(t.Context(), r.options, r), "%s", &out)
	t.Log("\n" + out.String())
	assert.Empty(t, r.violationsOf(""))
	assert.Equal(t, 18, r.victims)
	assert.Equal(t, 300, r.tally.Committed)
	assert.Positive(t, r.tally.Waited, "somebody waited for longer than deadlock_timeout")
}

func TestLongTransactionsAreSpreadAmongTheOthers(t *testing.T) {
	for _, q := range []queue{{Transactions: 150, Long: 2}, {Transactions: 150, Long: 8}, {Transactions: 50, Long: 1}, {Transactions: 7, Long: 3}, {Transactions: 25000, Long: 125}, {Transactions: 10}} {
		long := 0
		for n := 1; n <= q.Transactions; n++ {
			if q.long(n) {
				long++
			}
		}
		assert.Equal(t, q.Long, long, "%+v", q)
		assert.False(t, q.long(q.Transactions), "%+v", q)
	}
}

func TestControlWithoutDetectionACircleStays(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes its time")
	}
	var out bytes.Buffer
	r := newReport(&out, short(t, "-shards=2", "-rings=2", "-lanes=2", "-only=updated row", "-transactions=0", "-deadlock-timeout=off", "-settings=lock_wait=1s"))
	require.NoError(t, run(t.Context(), r.options, r), "%s", &out)
	t.Log("\n" + out.String())
	assert.Zero(t, r.victims)
	assert.Len(t, r.violationsOf(vVictims), 2, "nobody breaks it")
	for _, v := range r.violationsOf(vOther) {
		assert.Contains(t, v, "55P03", "until lock_wait is over")
	}
	assert.NotEmpty(t, r.violationsOf(vOther))
}

// judged is the report of a ring of three over two shards, with what its members say.
func judged(t *testing.T, change func(*ring, []*event)) *report {
	t.Helper()
	o := short(t, "-strict=true", "-deadlock-timeout=1s")
	r := newReport(&bytes.Buffer{}, o)
	a := &arena{options: o, report: r, names: []string{"athos", "porthos"}, expected: make(map[string]int64)}
	g := &ring{no: 1, shards: []int{0, 1}, process: []int{0, 1, 0}, delay: make([]time.Duration, 3), things: []thing{
		{kind: updatedRow, shard: 0, id: 1, name: "athos"}, {kind: reference, shard: 1, id: 2, name: "porthos"}, {kind: updatedRow, shard: 1, id: 3, name: "porthos"},
	}}
	said := make([]*event, 3)
	for i := range said {
		said[i] = &event{E: saysEnded, Ring: 1, Member: i, Stage: "commit", Began: int64(10 * i), Had: int64(10*i + 5), Asked: 100, Ended: 100 + int64(1500*time.Millisecond)}
	}
	v := said[2]
	v.Stage, v.Code, v.Err, v.Detail = doWant, deadlockDetected, "deadlock detected", "on athos and on porthos"
	change(g, said)
	a.judge(&outcome{ring: g, has: said, ended: said})
	if len(r.violationsOf("")) == 0 {
		assert.Equal(t, map[string]int64{"pawns 1": 1, "flags 2": 2, "pawns 3": 1}, a.expected, "what the two others count")
	}
	return r
}

func TestEachMistakeIsFound(t *testing.T) {
	assert.Empty(t, judged(t, func(*ring, []*event) {}).violationsOf(""))
	for _, m := range []struct {
		name   string
		change func(*ring, []*event)
		want   violation
	}{
		{"two victims", func(_ *ring, e []*event) { e[1].Code = deadlockDetected }, vVictims},
		{"none", func(_ *ring, e []*event) { e[2].Code = "" }, vVictims},
		{"a bystander fails", func(_ *ring, e []*event) { e[0].Code = "55P03" }, vOther},
		{"it stays", func(_ *ring, e []*event) { e[2].Ended = e[2].Asked + int64(2001*time.Millisecond) }, vLate},
		{"an older one", func(_ *ring, e []*event) { e[2].Began, e[2].Had = 0, 9 }, vYoungest},
		{"a shard is not named", func(_ *ring, e []*event) { e[2].Detail = "on athos" }, vDetail},
		{"other words", func(_ *ring, e []*event) { e[2].Err = "canceling statement due to user request" }, vDetail},
		{"it cannot begin", func(_ *ring, e []*event) { e[0].Stage, e[0].Code = doTake, "55P03" }, vBroken},
	} {
		t.Run(m.name, func(t *testing.T) {
			assert.NotEmpty(t, judged(t, m.change).violationsOf(m.want))
		})
	}
}

func TestTransactionsWithoutACircleMustNotFail(t *testing.T) {
	for why, want := range map[string]violation{"40P01 deadlock detected": vFalse, "55P03 canceling statement due to lock timeout": vFalse, "bad connection": vBroken} {
		r := newReport(&bytes.Buffer{}, short(t, "-long=1"))
		r.queued(&tally{Committed: 10, Waited: 1, Failed: map[string]int{why: 2}})
		r.judgeQueues()
		assert.Len(t, r.violationsOf(want), 1, why)
		assert.Len(t, r.violationsOf(""), 1, why)
	}
	r := newReport(&bytes.Buffer{}, short(t, "-long=1"))
	r.queued(&tally{Committed: 10})
	r.judgeQueues()
	assert.NotEmpty(t, r.violationsOf(vNoWait), "a run in which nobody waits shows nothing")
}

func TestTheSeedDeterminesTheRings(t *testing.T) {
	o := short(t)
	names := []string{"a", "b", "c", "d"}
	ids := make([][]int64, len(names))
	for s := range ids {
		for i := range o.lanes * mostMembers {
			ids[s] = append(ids[s], int64(1000*s+i))
		}
	}
	lengths, widths, seen := make(map[int]int), make(map[int]int), make(map[kind]int)
	single, local, several := 0, 0, 0
	for no := range 1000 {
		g := drawRing(&o, no, no%o.lanes, time.Second, names, ids)
		require.Equal(t, g, drawRing(&o, no, no%o.lanes, time.Second, names, ids))
		lengths[len(g.things)]++
		processes, shards, rows := make(map[int]bool), make(map[int]bool), make(map[string]bool)
		for i, x := range g.things {
			seen[x.kind]++
			processes[g.process[i]], shards[x.shard], rows[counter(x.table, x.id)] = true, true, true
		}
		require.Len(t, rows, len(g.things), "no two members have the same thing")
		require.Len(t, shards, len(g.shards))
		if len(processes) > 1 {
			several++
		}
		if g.local {
			local++
			continue
		}
		widths[len(shards)]++
		if g.single() > 0 {
			single++
		}
	}
	assert.Len(t, lengths, 7, "from 2 to 8 members")
	assert.Len(t, widths, 3, "over 2 to 4 shards")
	assert.Len(t, seen, len(kinds))
	assert.Equal(t, 1000, several, "all are of several processes")
	assert.Greater(t, single, 100)
	assert.Positive(t, local)
}

func TestOptionsThatMakeNoSenseAreRefused(t *testing.T) {
	for _, arg := range []string{"-shards=1", "-shards=9", "-processes=1", "-lanes=0", "-clients=0", "-zones=0", "-rings=-1", "-only=nothing", "-deadlock-timeout=soon", "-what"} {
		var out bytes.Buffer
		_, err := flags([]string{arg}, &out)
		require.Error(t, err, arg)
		assert.NotEmpty(t, out.String())
	}
	o, err := flags(nil, os.Stderr)
	require.NoError(t, err)
	assert.NotZero(t, o.seed, "one is drawn")
}
