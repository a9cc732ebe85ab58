package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
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

// short takes seconds. The long run is make audit.
func short(t *testing.T, args ...string) (*tally, string) {
	t.Helper()
	if testing.Short() {
		t.Skip("it takes its time")
	}
	t.Parallel()
	o, err := flags(append([]string{"-seed=7", "-auditors=2", "-readers=2", "-clients=2", "-movers=1", "-linger=1ms", "-share=100"}, args...), os.Stderr)
	require.NoError(t, err)
	var out bytes.Buffer
	seen, err := audit(t.Context(), o, o.reads, o.sums, &out)
	require.NoError(t, err, "%s", &out)
	t.Log("\n" + out.String())
	return seen, out.String()
}

func TestConsistentSumsAreAllEqualThoughThereAreCrashes(t *testing.T) {
	seen, out := short(t, "-reads=statement", "-sums=100", "-faults=2", "-within=60s")
	require.NoError(t, seen.verdict(1))
	assert.Positive(t, seen.Fresh, "the money moved meanwhile")
	assert.Contains(t, out, "ALL EQUAL")
}

func TestSumsAreFracturedWithoutConsistency(t *testing.T) {
	seen, out := short(t, "-reads=off", "-sums=200", "-faults=0", "-linger=5ms", "-shards=2", "-within=30s")
	assert.Positive(t, seen.Fracture)
	require.Error(t, seen.verdict(1))
	assert.Contains(t, out, "FRACTURED")
}

func TestSumsAreJudged(t *testing.T) {
	right := func() map[int64]int64 { return map[int64]int64{1: 900, 2: 1100, 10: 5, 20: 4} }
	for _, c := range []struct {
		name             string
		spoil            func(map[int64]int64)
		fracture, effect int64
	}{
		{"what is right", func(map[int64]int64) {}, 0, 0},
		{"one half of a transfer", func(m map[int64]int64) { m[1] -= 10 }, 1, 0},
		{"a row that is missing, and another that makes up for it", func(m map[int64]int64) { delete(m, 1); m[2] = 2000 }, 1, 0},
		{"an effect without its cause", func(m map[int64]int64) { m[20] = 6 }, 0, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := reader{child: &child{spec: spec{Owners: [][]int64{{1}, {2}}, Chains: [][]int64{{10, 20}}, Total: 2000}}, balances: right()}
			c.spoil(r.balances)
			r.judge(atOnce, time.Millisecond)
			got := r.tally.take()
			assert.Equal(t, []int64{1, c.fracture, c.effect}, []int64{got.Sums, got.Fracture, got.Effect})
			assert.Len(t, got.Evidence, int(c.fracture+c.effect))
		})
	}
}

func TestASumIsFreshWhenTheMoneyHasMovedSinceTheLastOne(t *testing.T) {
	r := reader{child: &child{spec: spec{Owners: [][]int64{{1}, {2}}, Total: 2000}}}
	for i, c := range []struct{ one, fresh int64 }{{900, 0}, {900, 0}, {910, 1}, {910, 0}} {
		r.balances = map[int64]int64{1: c.one, 2: 2000 - c.one}
		r.judge(atOnce, time.Millisecond)
		assert.Equal(t, c.fresh, r.tally.take().Fresh, "sum %d", i)
	}
}

func TestAdditionsLoseNothing(t *testing.T) {
	var parent, child tally
	for i := range int64(100) {
		child.mu.Lock()
		child.span(i-50, i-50)
		child.Sums++
		add(&child.Times, bucket(time.Duration(rand.IntN(1000))*time.Microsecond), 1)
		child.mu.Unlock()
		if i%7 == 0 {
			parent.plus(child.take())
		}
	}
	parent.plus(child.take())
	parent.plus(child.take()) // nothing any more
	assert.Equal(t, []int64{100, -50, 49, 100}, []int64{parent.Sums, parent.Lowest, parent.Highest, sumOf(parent.Times)})
}

func TestQuantilesAreCloseFromAbove(t *testing.T) {
	times := make(map[int]int64)
	for i := range 1000 {
		times[bucket(time.Duration(i+1)*time.Millisecond)]++
	}
	for q, want := range map[float64]time.Duration{0.5: 500 * time.Millisecond, 0.9: 900 * time.Millisecond, 1: time.Second} {
		assert.InEpsilon(t, want, quantile(times, q), 0.1)
	}
	assert.Equal(t, "1,234,567", grouped(1_234_567))
}
