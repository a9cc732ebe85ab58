package sim

import (
	"maps"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// lone is a transaction of one shard.
var lone = []wrote3{Writer}

// cutWorlds are explored by every run of the tests. Faults are as in worlds; the limits
// are, in order: a reader dies, a shard opens a gate by itself, a reader loses patience,
// its pauses end.
var cutWorlds = []CutWorld{
	{World: World{Name: "one reader, no patience needed", Parts: pair}, Shards: 2, Other: -1, Cuts: 1, Patient: true, Limits: CutBudget{0, 0, 0, many}},
	{World: World{Name: "one reader, the coordinator may die", Parts: pair, Faults: Budget{Crash: 1}}, Shards: 2, Other: -1, Cuts: 1, Limits: CutBudget{0, 0, many, many}},
	{World: World{Name: "one reader that may die", Parts: pair, Faults: Budget{Crash: 1}}, Shards: 2, Other: -1, Cuts: 1, Limits: CutBudget{1, 0, many, many}},
	{World: World{Name: "a gate that opens by itself", Parts: pair}, Shards: 2, Other: -1, Cuts: 1, Limits: CutBudget{0, 2, 1, many}},
	{World: World{Name: "shards restart, and vote no", Parts: pair, Faults: Budget{Restart: 1, No: 1}}, Shards: 2, Other: -1, Cuts: 1, Limits: CutBudget{0, 0, 1, many}},
	{World: World{Name: "messages are lost", Parts: pair, Faults: Budget{Message: 1}}, Shards: 2, Other: -1, Cuts: 1, Limits: CutBudget{0, 0, 1, many}},
	{World: World{Name: "the log fails, and time runs out", Parts: pair, Faults: Budget{Store: 1, Timeout: 1}}, Shards: 2, Other: -1, Cuts: 1, Limits: CutBudget{0, 0, 1, many}},
	{World: World{Name: "callers give up", Parts: pair, Faults: Budget{Crash: 1, Cancel: 1}}, Shards: 2, Other: -1, Cuts: 1, Limits: CutBudget{0, 0, many, many}},
	{World: World{Name: "callers of one process give up", Parts: lone, Faults: Budget{Cancel: 1}}, Shards: 2, Other: -1, Cuts: 2, Shared: true, Limits: CutBudget{0, 0, many, many}},
	{World: World{Name: "a backup", Parts: pair, Backups: 1, Rounds: 1, Faults: Budget{Crash: 1}}, Shards: 2, Other: -1, Cuts: 1, Limits: CutBudget{0, 0, 0, many}},
	{World: World{Name: "who saw the transaction writes on a third shard", Parts: pair, Faults: Budget{Crash: 1}}, Shards: 3, Other: 2, Cuts: 1, Limits: CutBudget{0, 0, many, many}},
	{World: World{Name: "who saw the transaction writes where it passed the gate", Parts: pair}, Shards: 2, Other: 0, Cuts: 1, Limits: CutBudget{0, 1, many, many}},
	{World: World{Name: "who saw the transaction writes where it passed none", Parts: pair}, Shards: 2, Other: 1, Cuts: 1, Limits: CutBudget{0, 1, many, many}},
	{World: World{Name: "who saw a transaction of one shard writes on another", Parts: lone, Faults: Budget{Restart: 1, Message: 1, No: 1}}, Shards: 2, Other: 1, Cuts: 1, Limits: CutBudget{1, 1, many, many}},
	{World: World{Name: "two readers and two writers of one shard, no patience needed", Parts: lone}, Shards: 2, Other: 1, Blind: true, Cuts: 2, Patient: true, Limits: CutBudget{1, 0, 0, many}},
	{World: World{Name: "two readers", Parts: pair}, Shards: 2, Other: -1, Cuts: 2, Limits: CutBudget{0, 0, many, many}},
	{World: World{Name: "two readers of one process", Parts: pair, Faults: Budget{Crash: 1}}, Shards: 2, Other: 1, Cuts: 2, Shared: true, Limits: CutBudget{0, 0, many, many}},
	{World: World{Name: "three shards", Parts: trio}, Shards: 3, Other: -1, Cuts: 1, Limits: CutBudget{0, 0, many, many}},
	{World: World{Name: "a shard on which it only read", Parts: []wrote3{MaybeReader, MaybeWriter, Writer}}, Shards: 3, Other: -1, Cuts: 1, Limits: CutBudget{0, 0, 1, many}},
}

// deepCuts are explored when XAPG_SIM=deep is set; they take minutes, and up to 12 GB
// each: run them with -parallel 1.
var deepCuts = []CutWorld{
	{World: World{Name: "one reader, every fault", Parts: pair, Faults: Budget{1, 0, 1, 1, 1, 1, 0, 1}}, Shards: 2, Other: -1, Cuts: 1, Limits: CutBudget{1, 1, 1, many}},
	{World: World{Name: "a backup that may die, a reader that may die", Parts: pair, Backups: 1, Rounds: 1, Faults: Budget{1, 1, 1, 0, 0, 0, 0, 0}}, Shards: 2, Other: -1, Cuts: 1, Limits: CutBudget{1, 1, 1, many}},
	{World: World{Name: "who saw the transaction writes on a third shard, faults", Parts: pair, Faults: Budget{1, 0, 1, 1, 0, 0, 0, 0}}, Shards: 3, Other: 2, Cuts: 1, Limits: CutBudget{1, 1, 1, many}},
	{World: World{Name: "who saw the transaction writes on its second shard, a backup", Parts: pair, Backups: 1, Rounds: 1, Faults: Budget{1, 0, 0, 0, 0, 0, 0, 0}}, Shards: 2, Other: 1, Cuts: 1, Limits: CutBudget{0, 1, 1, many}},
	{World: World{Name: "two readers that may die, a gate that opens by itself", Parts: pair, Faults: Budget{1, 0, 0, 0, 0, 0, 0, 0}}, Shards: 2, Other: 1, Cuts: 2, Limits: CutBudget{1, 1, many, many}},
	{World: World{Name: "two readers and two writers of one shard, faults", Parts: lone, Faults: Budget{0, 0, 1, 1, 0, 1, 0, 0}}, Shards: 2, Other: 1, Cuts: 2, Limits: CutBudget{1, 1, many, many}},
	{World: World{Name: "three shards, the coordinator may die", Parts: trio, Faults: Budget{1, 0, 1, 0, 0, 0, 0, 0}}, Shards: 3, Other: -1, Cuts: 1, Limits: CutBudget{1, 1, many, many}},
	{World: World{Name: "three shards, two readers", Parts: trio}, Shards: 3, Other: -1, Cuts: 2, Limits: CutBudget{0, 0, many, many}},
}

// TestCutsAreWholeRecentCausalAndHad explores all worlds with readers.
func TestCutsAreWholeRecentCausalAndHad(t *testing.T) {
	t.Parallel()
	list, limit := cutWorlds, 0
	if os.Getenv("XAPG_SIM") == "deep" {
		list, limit = append(slices.Clone(cutWorlds), deepCuts...), 22_000_000
	}
	var states, transitions, runs, complete atomic.Int64
	t.Cleanup(func() {
		t.Logf("%d states, %d transitions, %d runs of the code; %d of %d worlds to their bound",
			states.Load(), transitions.Load(), runs.Load(), complete.Load(), len(list))
	})
	for _, w := range list {
		w.StateLimit = limit
		t.Run(w.Name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := w.Explore()
				t.Log(r)
				for _, what := range slices.Sorted(maps.Keys(r.Cuts)) {
					t.Logf("%7d states with a cut that shows %s", r.Cuts[what], what)
				}
				states.Add(int64(r.States))
				transitions.Add(int64(r.Transitions))
				runs.Add(int64(r.Runs))
				if r.Complete {
					complete.Add(1)
				}
				if v := r.Violation; v != nil {
					t.Errorf("%s: %s, by\n    %s", v.Rule, v.Why, strings.Join(v.Schedule, "\n    "))
				}
			})
		})
	}
}

// cutPublic is what can be seen of a state from outside of the processes.
type cutPublic struct {
	parts   [maxParts]branch
	reg     record
	told    told
	other   branch
	gates   [maxShards + 1]gateState
	views   [maxCuts]view
	waiting bool // somebody waits for an answer
}

func cutReach(t *testing.T, w CutWorld, atRest bool) map[cutPublic]bool {
	found := make(map[cutPublic]bool)
	w.Endless = true
	synctest.Test(t, func(t *testing.T) {
		x := newCutExplorer(&w)
		defer x.close()
		require.Nil(t, x.explore())
		require.True(t, x.result.Complete)
		for i := range x.seen.states {
			s := x.seen.states[i].unpack()
			p := cutPublic{parts: s.parts, reg: s.reg, told: s.told, other: s.otherAt, gates: s.gates, views: s.views}
			for k := range p.views {
				if p.views[k].ended != committed { // nobody looks at it
					p.views[k].seen = [maxShards]uint8{}
				}
			}
			for who := range theReader + maxReaders {
				p.waiting = p.waiting || len(x.calls(&s, who)) > 0
			}
			if !p.waiting || !atRest {
				found[p] = true
			}
		}
		t.Logf("%d states, %d from outside; %d of a reader", len(x.from), len(found), len(x.reader.nodes))
	})
	return found
}

// same compares what two explorations have reached, and shows few of the differences.
func same(t *testing.T, a, b map[cutPublic]bool) {
	t.Helper()
	differ := func(what string, a, b map[cutPublic]bool) {
		n := 0
		for s := range a {
			if !b[s] {
				if n++; n <= 2 {
					t.Errorf("%s: %+v", what, s)
				}
			}
		}
		if n > 2 {
			t.Errorf("%s: %d in all", what, n)
		}
	}
	differ("only in the first", a, b)
	differ("only in the second", b, a)
	assert.NotEmpty(t, a)
}

// TestWhatAReaderForgetsIsNoState compares with an exploration in which a reader never
// forgets what it has observed.
func TestWhatAReaderForgetsIsNoState(t *testing.T) {
	for _, w := range []CutWorld{
		{World: World{Parts: pair}, Shards: 2, Other: -1, Cuts: 1, Limits: CutBudget{0, 0, 1, 1}},
		{World: World{Parts: lone}, Shards: 2, Other: 1, Cuts: 1, Limits: CutBudget{0, 1, 0, 1}},
		{World: World{Parts: lone}, Shards: 1, Other: -1, Cuts: 2, Shared: true, Limits: CutBudget{0, 0, 1, 1}},
	} {
		exact := w
		exact.Exact = true
		same(t, cutReach(t, w, false), cutReach(t, exact, false))
	}
}

// TestAnswersToReadersThatTravelLeadNowhereElse compares with an exploration in which an
// answer and the effect that it tells of are two events, by what both come to rest in.
func TestAnswersToReadersThatTravelLeadNowhereElse(t *testing.T) {
	w := CutWorld{World: World{Parts: pair, Faults: Budget{Message: 1}}, Shards: 2, Other: -1, Cuts: 1, Limits: CutBudget{0, 0, 1, 1}}
	travel := w
	travel.Travel = true
	same(t, cutReach(t, w, true), cutReach(t, travel, true))
}

// TestCutsShowEverythingThatTheyMay: the worlds are no trivial ones, in which every rule
// holds because cuts are never had, or never see anything.
func TestCutsShowEverythingThatTheyMay(t *testing.T) {
	w := CutWorld{World: World{Parts: pair}, Shards: 3, Other: 2, Cuts: 1, Limits: CutBudget{Pauses: many}}
	synctest.Test(t, func(t *testing.T) {
		r := w.Explore()
		require.Nil(t, r.Violation)
		assert.Equal(t, []string{"both", "neither", "the transaction"}, slices.Sorted(maps.Keys(r.Cuts)))
	})
}

func TestAStateWithReadersIsTheSameUnpacked(t *testing.T) {
	s := cutState{
		state:  state{parts: [maxParts]branch{prepared, done, undone, votedNo}, reg: 0x73, told: inDoubt, late: 1 << 30, left: Budget{1, 2, 3, 4, 5, 6, 7, 8}},
		other:  process{alive: true, node: 70_000, status: [maxCalls]answer{1, 2, 3}},
		limits: CutBudget{1, 2, many, 4}, passed: 7, otherAt: votedNo, otherTold: rolledBack, otherLate: true, begun: true,
	}
	for i := range s.readers {
		s.readers[i] = process{alive: true, node: uint32(80_000 + i), status: [maxCalls]answer{queued, held, 7: lost}}
	}
	for i := range s.gates {
		s.gates[i] = gateState{shut: uint8(0x18 + i), queue: uint32(0x654321 - i)}
	}
	for i := range s.views {
		s.views[i] = view{begun: true, ended: told(2 + i), must: 6, seen: [maxShards]uint8{7, 5, 3}}
	}
	k := s.pack()
	assert.Equal(t, s, k.unpack())
}
