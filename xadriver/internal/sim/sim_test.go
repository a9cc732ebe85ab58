package sim

import (
	"context"
	"maps"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	pair    = []wrote3{Writer, Writer}
	trio    = []wrote3{Writer, Writer, Writer}
	quartet = []wrote3{Writer, Writer, Writer, Writer}
)

// byID resolves like an operator who names the transaction.
var byID = Program{Sweep: func(p *Process, ctx context.Context) {
	_, _ = p.Resolver().Only(ctx, liveAge, []uuid.UUID{txn})
}}

// worlds are explored by every run of the tests. Faults are, in order: crash of the
// coordinator, crash of a backup, restart of a shard, messages, the store, votes of
// no, the caller giving up, time running out.
var worlds = []World{
	{Name: "two shards, nobody else, every fault twice", Parts: pair, Faults: Budget{1, 0, 2, 2, 2, 2, 1, 1}},
	{Name: "two shards, nobody else, answers travel", Parts: pair, Faults: Budget{1, 0, 1, 2, 2, 1, 1, 1}},
	{Name: "two shards, a backup that sweeps twice", Parts: pair, Backups: 1, Rounds: 2, Faults: Budget{1, 1, 1, 1, 1, 1, 0, 0}, Swift: true},
	{Name: "two shards, a backup, answers travel", Parts: pair, Backups: 1, Rounds: 1, Faults: Budget{1, 1, 0, 1, 1, 0, 0, 0}},
	{Name: "two shards, a backup, callers and time run out", Parts: pair, Backups: 1, Rounds: 1, Faults: Budget{1, 0, 0, 1, 0, 0, 1, 1}, Swift: true},
	{Name: "two shards, the coordinator's own resolver", Parts: pair, Own: 1, Faults: Budget{0, 0, 0, 1, 0, 0, 0, 0}, Swift: true, Ripe: true},
	{Name: "two shards, two backups", Parts: pair, Backups: 2, Rounds: 1, Faults: Budget{1, 2, 0, 0, 0, 0, 0, 0}, Swift: true, Ripe: true},
	{Name: "two shards, an operator who names the transaction", Parts: pair, Backups: 1, Rounds: 1, Resolver: byID, Faults: Budget{1, 1, 1, 1, 1, 1, 0, 0}, Swift: true},
	{Name: "three shards, nobody else", Parts: trio, Faults: Budget{1, 0, 1, 1, 1, 1, 1, 1}, Swift: true},
	{Name: "three shards, a backup", Parts: trio, Backups: 1, Rounds: 1, Faults: Budget{1, 0, 0, 0, 0, 0, 0, 0}, Swift: true, Ripe: true},
	{Name: "four shards, nobody else", Parts: quartet, Faults: Budget{1, 0, 1, 1, 1, 1, 0, 0}, Swift: true},
	{Name: "writers and a reader", Parts: []wrote3{MaybeWriter, MaybeReader, Writer}, Faults: Budget{1, 0, 1, 1, 1, 1, 1, 1}, Swift: true},
	{Name: "one writer and readers", Parts: []wrote3{MaybeWriter, MaybeReader, Reader}, Faults: Budget{1, 0, 1, 2, 0, 1, 1, 1}},
}

// deep is explored when XAPG_SIM=deep is set; it takes minutes, and gigabytes.
var deep = []World{
	{Name: "two shards, a backup, every fault", Parts: pair, Backups: 1, Rounds: 1, Faults: Budget{1, 1, 1, 1, 1, 1, 1, 1}, Swift: true},
	{Name: "two shards, a backup that sweeps twice, faults twice", Parts: pair, Backups: 1, Rounds: 2, Faults: Budget{1, 1, 2, 2, 2, 2, 0, 0}, Swift: true},
	{Name: "two shards, a backup, every fault, answers travel", Parts: pair, Backups: 1, Rounds: 1, Faults: Budget{1, 1, 1, 1, 1, 1, 0, 0}},
	{Name: "two shards, the coordinator's own resolver, more faults", Parts: pair, Own: 1, Faults: Budget{1, 0, 1, 1, 1, 1, 0, 0}, Swift: true},
	{Name: "two shards, the coordinator's own resolver and a backup", Parts: pair, Own: 1, Backups: 1, Rounds: 1, Faults: Budget{1, 1, 0, 1, 1, 1, 0, 0}, Swift: true},
	{Name: "two shards, two backups that may crash", Parts: pair, Backups: 2, Rounds: 1, Faults: Budget{1, 1, 0, 1, 1, 0, 0, 0}, Swift: true},
	{Name: "three shards, a backup, more faults", Parts: trio, Backups: 1, Rounds: 1, Faults: Budget{1, 1, 0, 1, 1, 1, 0, 0}, Swift: true},
	{Name: "three shards, two backups", Parts: trio, Backups: 2, Rounds: 1, Faults: Budget{1, 0, 0, 0, 0, 0, 0, 0}, Swift: true, Ripe: true},
	{Name: "four shards, a backup", Parts: quartet, Backups: 1, Rounds: 1, Faults: Budget{1, 0, 0, 0, 0, 0, 0, 0}, Swift: true, Ripe: true},
}

// TestR1R2R3R4HoldInEveryStateAndTheApplicationIsToldTheTruth explores all worlds.
func TestR1R2R3R4HoldInEveryStateAndTheApplicationIsToldTheTruth(t *testing.T) {
	t.Parallel()
	list, limit := worlds, 0
	if os.Getenv("XAPG_SIM") == "deep" {
		list, limit = append(slices.Clone(worlds), deep...), 10_000_000
	}
	var states, transitions, endings, runs, complete atomic.Int64
	t.Cleanup(func() {
		t.Logf("%d states, %d transitions, %d endings, %d runs of the code; %d of %d worlds to their bound",
			states.Load(), transitions.Load(), endings.Load(), runs.Load(), complete.Load(), len(list))
	})
	for _, w := range list {
		w.StateLimit = limit
		t.Run(w.Name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := w.Explore()
				t.Log(r)
				for _, what := range slices.Sorted(maps.Keys(r.Outcomes)) {
					t.Logf("ended %6d times: %s", r.Outcomes[what], what)
				}
				states.Add(int64(r.States))
				transitions.Add(int64(r.Transitions))
				endings.Add(int64(r.Endings))
				runs.Add(int64(r.Runs))
				if r.Complete {
					complete.Add(1)
				}
				if v := r.Violation; v != nil {
					t.Errorf("%s: %s, by\n    %s\nreplay: %s", v.Rule, v.Why, strings.Join(v.Schedule, "\n    "), v)
				}
			})
		})
	}
}

// small is a world that can be explored in other ways, too.
var small = World{Parts: pair, Backups: 1, Rounds: 1, Faults: Budget{1, 0, 0, 1, 0, 1, 0, 0}, Swift: true}

// TestTheOrderOfAnswersWithinAProcessIsNoState compares with an exploration in which
// every order in which a process got its answers is a state of its own.
func TestTheOrderOfAnswersWithinAProcessIsNoState(t *testing.T) {
	for _, w := range []World{
		{Parts: pair, Backups: 1, Rounds: 1, Swift: true, Ripe: true},
		{Parts: pair, Faults: Budget{Crash: 1, Message: 2, Store: 1, No: 1}, Swift: true},
		{Parts: trio, Faults: Budget{Message: 1, No: 1}, Swift: true},
	} {
		exact := w
		exact.Exact = true
		assert.Equal(t, reach(t, w, false), reach(t, exact, false))
	}
}

// TestAnswersThatTravelLeadNowhereElse compares with an exploration in which an answer
// and the effect that it tells of are two events, by what both come to rest in: the
// states in which nobody waits for an answer.
func TestAnswersThatTravelLeadNowhereElse(t *testing.T) {
	travel := small
	travel.Swift = false
	assert.Equal(t, reach(t, small, true), reach(t, travel, true))
}

// TestWhatLooksYoungLeadsNowhereElse compares with a world in which nothing does.
func TestWhatLooksYoungLeadsNowhereElse(t *testing.T) {
	ripe := small
	ripe.Ripe = true
	assert.Equal(t, reach(t, small, false), reach(t, ripe, false))
}

// public is what can be seen of a state from outside of the processes.
type public struct {
	parts [maxParts]branch
	reg   record
	told  told
	late  uint32
	alive [maxProcs]bool
}

func reach(t *testing.T, w World, atRest bool) map[public]bool {
	found := make(map[public]bool)
	synctest.Test(t, func(t *testing.T) {
		x := newExplorer(&w)
		defer x.close()
		require.Nil(t, x.explore())
		for _, k := range x.seen.states {
			s := k.unpack()
			p := public{parts: s.parts, reg: s.reg, told: s.told, late: s.late}
			waits := 0
			for i := range s.procs {
				if p.alive[i] = s.procs[i].alive; p.alive[i] {
					waits += len(x.calls(&s, uint8(i)))
				}
			}
			if waits == 0 || !atRest {
				found[p] = true
			}
		}
		t.Logf("%d states, %d from outside", len(x.from), len(found))
	})
	return found
}

// TestTheCommittedIsReachedWithoutFaults: the world is no trivial one, in which all
// rules hold because nothing ever happens.
func TestTheCommittedIsReachedWithoutFaults(t *testing.T) {
	w := World{Parts: trio, Swift: true}
	synctest.Test(t, func(t *testing.T) {
		r := w.Explore()
		require.Nil(t, r.Violation)
		assert.NotZero(t, r.Outcomes["told committed, commit, all committed"])
		assert.Zero(t, r.Outcomes["told rolled back, no record, nothing committed"])
	})
}

func TestAStateIsTheSameUnpacked(t *testing.T) {
	s := state{
		parts: [maxParts]branch{prepared, done, undone, votedNo}, reg: 0x73, told: inDoubt, late: 1 << 22,
		left: Budget{1, 2, 3, 4, 5, 6, 7, 8},
	}
	s.procs[0] = process{alive: true, rounds: 2, node: 70_000, status: [maxCalls]answer{1, 2, 3, 4, 5, 6, 7, 0x7f}}
	s.procs[2] = process{alive: true, node: 1}
	k := s.pack()
	assert.Equal(t, s, k.unpack())
}
