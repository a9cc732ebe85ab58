package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/xapg/xapg/xadriver/xatest/history/check"
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

// The long version is a program: make history. XAPG_HISTORY says what it would be told,
// to run it here instead, with the race detector for instance.
func TestLevelsAndSettingsOnRealServers(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes its time")
	}
	a, err := openArena(t.Context(), os.Stderr)
	require.NoError(t, err)
	defer func() { assert.NoError(t, a.Close()) }()
	t.Run("what is allowed happens and nothing else", func(t *testing.T) { whatHappens(t, a) })
	t.Run("each level shows only what its row allows", func(t *testing.T) {
		args := "-seed=7 -for=1ms -stage=20s -enough=100 -apps=2 -clients=3 -rate=0.5 -stops=false -only=off,rc/statement,rr/snapshot,ser/snapshot"
		if long := os.Getenv("XAPG_HISTORY"); long != "" {
			args = long
		}
		o, err := flags(strings.Fields(args), os.Stderr)
		require.NoError(t, err)
		var out bytes.Buffer
		require.NoError(t, a.run(t.Context(), o, &out), "%s", &out)
		t.Log("\n" + out.String())
	})
}

func TestOptionsThatMakeNoSenseAreRefused(t *testing.T) {
	for _, arg := range []string{"-apps=0", "-clients=0", "-clients=256", "-rate=-1", "-only=nothing", "-what"} {
		var out bytes.Buffer
		_, err := flags([]string{arg}, &out)
		require.Error(t, err, arg)
		assert.NotEmpty(t, out.String())
	}
	o, err := flags(nil, os.Stderr)
	require.NoError(t, err)
	assert.NotZero(t, o.seed, "one is drawn")
}

func TestCombinationsAreChosenByTheirNames(t *testing.T) {
	for names, want := range map[string]int{"": 9, "rr": 3, "off": 3, "rc/off": 1, "rc/off,ser": 4} {
		list, err := chosen(names)
		require.NoError(t, err)
		assert.Len(t, list, want, names)
	}
}

func TestWhatIsToldInPartsIsOneHistory(t *testing.T) {
	r := newRecord()
	for _, e := range []event{
		{E: saysBegin, ID: 1, Session: 5, Shape: "a", At: 10, Ops: []check.Op{{Key: 3, Value: 16}}},
		{E: saysBegin, ID: 2, Session: 6, Shape: "a", At: 5, Ops: []check.Op{{Key: 3, Value: 32}}},
		{E: saysSaw, ID: 1, Ops: []check.Op{{Key: 3}, {Key: 3, Value: 16}}},
		{E: saysTold, ID: 1, At: 10 + int64(patience), Outcome: check.Committed},
		{E: saysBegin, ID: 3, Session: 5, Shape: "b", At: 30, Confined: true},
		{E: saysTold, ID: 3, At: 40, Outcome: check.Aborted, Err: "refused", Ops: []check.Op{{Key: listsOf + 4}}},
	} {
		r.note(e)
	}
	r.outages = [][2]int64{{15, 18}}
	h := r.history(cell{check.RepeatableRead, check.Snapshot}, nil)
	require.Len(t, h.Txns, 3)
	assert.Equal(t, check.Txn{ID: 2, Session: 6, Begin: 5, Ops: []check.Op{{Key: 3, Value: 32}}, Cut: true}, h.Txns[0], "it was killed before it told its end")
	assert.Equal(t, check.Txn{ID: 1, Session: 5, Begin: 10, End: 10 + int64(patience), Outcome: check.Committed, Ops: []check.Op{{Key: 3}, {Key: 3, Value: 16}}, Cut: true, Early: true}, h.Txns[1])
	assert.Equal(t, check.Aborted, h.Txns[2].Outcome)
	assert.Empty(t, h.Txns[2].Ops, "what was rolled back has seen nothing")
	assert.Equal(t, 1, r.outcomes["b"][check.Aborted])
	assert.Equal(t, map[string]int{"refused": 1}, r.errors)
}
