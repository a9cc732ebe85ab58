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

	"github.com/xapg/xapg/xadriver"
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
	o, err := flags(append([]string{"-seed=7", "-shards=2", "-apps=2", "-clients=3", "-rate=10", "-stage=3s", "-resolve-after=300ms", "-resolve-every=100ms", "-strict=false"}, args...), os.Stderr)
	require.NoError(t, err)
	return o
}

func TestAllHoldsInAShortRun(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes its time")
	}
	t.Parallel()
	var out bytes.Buffer
	r := newReport(&out)
	require.NoError(t, run(t.Context(), short(t, "-shards=3", "-for=7s", "-stage=2s"), r), "%s", &out)
	assert.Empty(t, r.violationsOf(""))
	assert.Positive(t, r.crashes["application"])
	assert.Positive(t, r.outcomes[kindTransfer][committed])
	assert.Positive(t, r.reads)
	t.Log("\n" + out.String())
}

// control runs one stage with a crew that makes a mistake, for so many transactions
// or until nobody is left. The others come when the first one is ready.
func control(t *testing.T, transactions int, duties ...duty) *report {
	t.Helper()
	t.Parallel()
	var out bytes.Buffer
	r := newReport(&out)
	a, err := openArena(t.Context(), short(t, "-stage=30s", "-settle=2s"), &out)
	require.NoError(t, err)
	defer func() {
		assert.NoError(t, a.Close())
		assert.NoDirExists(t, a.dir)
	}()
	w := newWatch(a)
	defer w.Close()
	tt := &torture{crew: newCrew(a, r, w), base: map[int]int64{3: 0}}
	err = tt.stage(t.Context(), "control", duties[:1], func(stop <-chan struct{}) {
		for _, d := range duties[1:] {
			tt.employ(d)
		}
		for over := false; !over && r.toldCount() < transactions; {
			select {
			case <-stop:
				over = true
			case <-time.After(10 * time.Millisecond):
				over = duties[0].once && r.crashCount() == len(duties)
			}
		}
	})
	t.Log("\n" + out.String())
	require.ErrorIs(t, err, errViolated)
	return r
}

func TestControlCommittingShardByShardIsFound(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes its time")
	}
	r := control(t, 150, duty{role: onebyone, slot: 0}, duty{role: onebyone, slot: 1})
	assert.NotEmpty(t, r.violationsOf(vHalf))
}

func TestControlPresumingAbortWithoutTheRegisterIsFound(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes its time")
	}
	r := control(t, 300, duty{role: presumer}, duty{role: application, slot: 0, steady: true}, duty{role: application, slot: 1, steady: true})
	assert.NotEmpty(t, r.violationsOf(vHalf))
	assert.NotEmpty(t, r.violationsOf(vMoney))
	assert.NotEmpty(t, r.violationsOf(vCounter))
	assert.NotEmpty(t, r.violationsOf(vList))
}

func TestControlNobodyResolvingIsFound(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes its time")
	}
	dying := plan{Do: die, At: string(xadriver.BeforeDecide), After: 1}
	r := control(t, 1000, duty{role: application, plan: dying, noResolver: true, once: true})
	assert.NotEmpty(t, r.violationsOf(vPrepared))
}

func TestOptionsThatMakeNoSenseAreRefused(t *testing.T) {
	for _, arg := range []string{"-shards=1", "-shards=9", "-apps=0", "-clients=0", "-backups=-1", "-rate=0", "-only=nothing", "-what"} {
		var out bytes.Buffer
		_, err := flags([]string{arg}, &out)
		require.Error(t, err, arg)
		assert.NotEmpty(t, out.String())
	}
	o, err := flags(nil, os.Stderr)
	require.NoError(t, err)
	assert.NotZero(t, o.seed, "one is drawn")
}

func TestTheSeedDeterminesTheFaults(t *testing.T) {
	draw := func(seed uint64) (list []string) {
		for s := newSchedule(seed, 5, 4, 4); s.n < 300; {
			list = append(list, s.next().String())
		}
		return list
	}
	assert.Equal(t, draw(1), draw(1))
	assert.NotEqual(t, draw(1), draw(2))
	kinds := make(map[trouble]bool)
	for s := newSchedule(3, 5, 4, 4); s.n < 2000; {
		f := s.next()
		kinds[f.Kind] = true
		assert.Less(t, f.For, 5*time.Second)
	}
	assert.Len(t, kinds, len(odds), "every kind comes")
}
