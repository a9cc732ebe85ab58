package deadlock_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver/internal/deadlock"
)

// said is who waits for whom, by the names that people see.
func said(g *deadlock.Graph) string {
	var list []string
	for _, e := range g.Edges {
		list = append(list, e.From.Name+" for "+e.To.Name)
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}

// victims are the names of those whom the circles cost.
func victims(g *deadlock.Graph) []string {
	list := []string{}
	for _, c := range g.Circles() {
		list = append(list, c.Victim.Name)
	}
	return list
}

func TestACircleOverTwoShardsIsFoundByAnybody(t *testing.T) {
	w := opposite()
	assert.Equal(t, "00000001 for 00000002, 00000002 for 00000001", said(w.graph()))
	assert.Equal(t, []string{"00000002"}, victims(w.graph()))
	views := w.views()
	slices.Reverse(views)
	assert.Equal(t, []string{"00000002"}, victims(deadlock.NewGraph(views, names)), "in whichever order the shards answer")
}

func TestSessionsOfOneTransactionAreKnownToBelongTogether(t *testing.T) {
	for name, plant := range map[string]func(world){
		"a key leads to the first session": func(w world) { w.txn(1, 11, 0, athos, porthos) },
		"two keys lead to each other": func(w world) {
			w.txn(1, 11, 0, aramis, athos, porthos)
		},
		"a key without a first session that is known": func(w world) {
			w.session(athos, 11, 0)
			w.session(porthos, 11, 0)
			for _, shard := range []string{athos, porthos} {
				w.key(shard, 11, deadlock.MakeKey(id(1), number[aramis], 0))
			}
		},
		"both prepare": func(w world) {
			w.session(athos, 11, 0)
			w.session(porthos, 11, 0)
			w.preparing(athos, 11, 1)
			w.preparing(porthos, 11, 1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			plant(w)
			w.session(athos, 99, 60)
			w.session(porthos, 98, 60)
			w.wait(porthos, 11, 98)
			w.wait(athos, 99, 11)
			assert.Equal(t, "00000001 for porthos/98, athos/99 for 00000001", said(w.graph()))
		})
	}
}

func TestPreparedPartsBelongToTheirTransaction(t *testing.T) {
	for name, plant := range map[string]func(world){
		"the first branch is prepared, another one holds the key": func(w world) {
			w.session(porthos, 11, 0)
			w.key(porthos, 11, deadlock.MakeKey(id(1), number[athos], 11))
		},
		"the first branch prepares": func(w world) {
			w.session(porthos, 11, 0)
			w.preparing(porthos, 11, 1)
		},
		"the prepared one holds the key": func(w world) {
			w[athos].Keys = append(w[athos].Keys, deadlock.Holding{VXID: "-1/9", Key: deadlock.MakeKey(id(1), number[porthos], 11)})
			w.session(porthos, 11, 0)
			w.preparing(porthos, 11, 1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			w.prepared(athos, 1)
			plant(w)
			w.session(athos, 99, 60)
			w.session(porthos, 98, 60)
			w.wait(porthos, 11, 98)
			w.wait(athos, 99, 0)
			assert.Equal(t, "00000001 for porthos/98, athos/99 for 00000001", said(w.graph()))
			assert.Equal(t, id(1), w.graph().Edges[0].To.ID)
		})
	}
}

func TestWhatProvesNothingJoinsNobody(t *testing.T) {
	for name, plant := range map[string]func(world){
		"an advisory lock of the application": func(w world) {
			w.key(porthos, 11, 4711)
			w.key(athos, 11, 4711)
		},
		"one that looks like a key, and leads nowhere": func(w world) {
			w.key(porthos, 11, deadlock.MakeKey(id(1), number[aramis], 77))
			w.key(athos, 11, deadlock.MakeKey(id(1), number[aramis], 77))
		},
		"a shard that there is not": func(w world) {
			w.key(porthos, 11, deadlock.MakeKey(id(1), 700, 11))
			w.key(athos, 11, deadlock.MakeKey(id(1), 700, 11))
		},
		"the first session prepared, and is at work for somebody else": func(w world) {
			w.prepared(aramis, 1)
			w.key(porthos, 11, deadlock.MakeKey(id(1), number[athos], 11))
		},
		"two transactions that say the same session was their first": func(w world) {
			w.key(porthos, 11, deadlock.MakeKey(id(1), number[athos], 11))
			w.session(aramis, 12, 0)
			w.key(aramis, 12, deadlock.MakeKey(id(2), number[athos], 11))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			w.session(athos, 11, 0)
			w.session(porthos, 11, 0)
			plant(w)
			w.session(athos, 99, 60)
			w.session(porthos, 99, 60)
			w.key(porthos, 99, deadlock.MakeKey(id(9), number[athos], 99))
			w.wait(porthos, 11, 99)
			w.wait(athos, 99, 11)
			g := w.graph()
			require.Len(t, g.Edges, 2)
			assert.Contains(t, said(g), "00000009 for athos/11")
			assert.Empty(t, victims(g))
		})
	}
}

func TestAPreparedTransactionBlocksByLocksThatConflict(t *testing.T) {
	for _, c := range []struct {
		wants, holds string
		blocks       bool
	}{
		{"ShareLock", "ExclusiveLock", true},
		{"AccessShareLock", "AccessExclusiveLock", true},
		{"AccessExclusiveLock", "AccessShareLock", true},
		{"RowExclusiveLock", "ShareLock", true},
		{"RowExclusiveLock", "RowExclusiveLock", false},
		{"AccessShareLock", "ExclusiveLock", false},
	} {
		w := newWorld()
		w.prepared(athos, 1)
		w[athos].Held[0].Mode = c.holds
		w.session(athos, 11, 0)
		w.wait(athos, 11, 0).Mode = c.wants
		assert.Equal(t, c.blocks, len(w.graph().Edges) == 1, "%s behind %s", c.wants, c.holds)
	}
}

func TestTheYoungestIsTheVictim(t *testing.T) {
	ring := func(began ...int) world {
		w := newWorld()
		shards := []string{athos, porthos, aramis}
		for i, at := range began {
			w.txn(i+1, 10+i, at, shards[i], shards[(i+1)%3])
		}
		for i := range began {
			w.wait(shards[(i+1)%3], 10+i, 10+(i+1)%3)
		}
		return w
	}
	assert.Equal(t, []string{"00000003"}, victims(ring(0, 10, 20).graph()))
	assert.Equal(t, []string{"00000001"}, victims(ring(30, 10, 20).graph()))
	assert.Equal(t, []string{"00000003"}, victims(ring(5, 5, 5).graph()), "names decide between twins")

	w := ring(30, 10, 20)
	w[athos].Session(10).Began = nil // somebody who may not see that cannot know who is the youngest
	assert.Equal(t, []string{"00000003"}, victims(w.graph()), "and names decide")
}

func TestATransactionIsAsOldAsItsFirstBranch(t *testing.T) {
	w := newWorld()
	w.txn(1, 11, 0, athos, porthos)
	w.txn(2, 22, 10, porthos, athos)
	began := noon.Add(time.Minute)
	w[porthos].Session(11).Began = &began // it came to porthos late
	w.wait(porthos, 11, 22)
	w.wait(athos, 22, 11)
	assert.Equal(t, []string{"00000002"}, victims(w.graph()))
}

func TestATransactionThatHasVotedIsOlderThanOthers(t *testing.T) {
	// The first branch of the one that began later is prepared; the other one waits at
	// PREPARE.
	plant := func(voters ...int) world {
		w := newWorld()
		w.session(porthos, 11, 0)
		w.session(athos, 22, 10)
		w.key(porthos, 11, deadlock.MakeKey(id(1), number[athos], 11))
		w.key(athos, 22, deadlock.MakeKey(id(2), number[porthos], 22))
		w.session(athos, 11, 0)
		w.session(porthos, 22, 10)
		w.wait(porthos, 11, 22)
		w.wait(athos, 22, 11)
		shards := []string{athos, porthos}
		for _, n := range voters {
			shard := shards[n-1]
			w.prepared(shard, n)
			w[shard].Session(11 * n).VXID = "" // it is over there
			w[shard].Waits[0].Blockers, w[shard].Waits[0].Tag = []int{0}, "transactionid/0"
		}
		return w
	}
	assert.Equal(t, []string{"00000002"}, victims(plant().graph()))
	assert.Equal(t, []string{"00000002"}, victims(plant(1).graph()))
	assert.Equal(t, []string{"00000001"}, victims(plant(2).graph()))
	assert.Equal(t, []string{"00000002"}, victims(plant(1, 2).graph()), "names decide between voters")
}

func TestNoMoreVictimsThanNeeded(t *testing.T) {
	w := opposite() // 1 and 2 wait for each other
	w.txn(3, 33, 20, aramis, porthos)
	w.session(aramis, 22, 12)
	w.key(aramis, 22, deadlock.MakeKey(id(2), number[porthos], 22))
	w.wait(aramis, 22, 33) // 2 waits for 3 as well, which waits for 1
	w.session(porthos, 44, 99)
	w.wait(porthos, 33, 11)
	w.wait(porthos, 44, 33)
	assert.Equal(t, []string{"00000002"}, victims(w.graph()), "3 is younger, and in a circle; but that is broken with the other one")

	w = opposite()
	w.txn(3, 33, 0, aramis, athos)
	w.txn(4, 44, 10, athos, aramis)
	w.wait(athos, 33, 44)
	w.wait(aramis, 44, 33)
	assert.ElementsMatch(t, []string{"00000002", "00000004"}, victims(w.graph()), "two circles that have nothing in common")
}

func TestAQueueIsNoCircle(t *testing.T) {
	w := newWorld()
	const many = 100
	var ahead []int
	for i := range many {
		w.txn(i+1, 100+i, i, athos, porthos)
		if i > 0 {
			w.wait(porthos, 100+i, ahead...)
		}
		ahead = append(ahead, 100+i)
	}
	assert.Len(t, w.graph().Edges, many*(many-1)/2)
	assert.Empty(t, victims(w.graph()))
	w.wait(athos, 100, 100+many-1) // the head waits for the tail, on another shard
	assert.Equal(t, []string{fmt.Sprintf("%08x", many)}, victims(w.graph()), "the shortest way around is through these two")
}

func TestCirclesWithinOneServerAreLeftToIt(t *testing.T) {
	w := newWorld()
	w.session(athos, 11, 0)
	w.session(athos, 22, 1)
	w.wait(athos, 11, 22)
	w.wait(athos, 22, 11)
	require.Len(t, w.graph().Edges, 2)
	assert.Empty(t, victims(w.graph()))

	w = newWorld()
	w.txn(1, 11, 0, athos, porthos)
	w.session(athos, 22, 1)
	w.session(athos, 33, 2)
	w.key(athos, 33, deadlock.MakeKey(id(1), number[athos], 11))
	w.wait(athos, 22, 11)
	w.wait(athos, 33, 22)
	assert.Equal(t, []string{"athos/22"}, victims(w.graph()), "two sessions of one transaction on a server are two to that server")
}

func TestATransactionThatWaitsForItself(t *testing.T) {
	w := newWorld()
	w.session(athos, 11, 0)
	w.session(athos, 12, 1)
	w.key(athos, 12, deadlock.MakeKey(id(1), number[athos], 11))
	w.wait(athos, 12, 11)
	assert.Equal(t, []string{"00000001"}, victims(w.graph()))
}

func TestAWaitThatHasOnlyJustBegunIsInNoCircle(t *testing.T) {
	w := opposite()
	w[athos].Waits[0].Since = ""
	assert.Empty(t, victims(w.graph()))
}

func TestStatementsAreShownAsTheyWereWritten(t *testing.T) {
	key := deadlock.MakeKey(id(1), 1, 11)
	for query, want := range map[string]string{
		"UPDATE t SET a = 1":                                      "UPDATE t SET a = 1",
		"BEGIN;UPDATE t SET a = 1":                                "UPDATE t SET a = 1",
		"BEGIN;SAVEPOINT s;" + key.Take() + ";UPDATE t SET a = 1": "UPDATE t SET a = 1",
		"BEGIN": "BEGIN",
	} {
		assert.Equal(t, want, (&deadlock.Session{Query: query}).Statement())
	}
}
