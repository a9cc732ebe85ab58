package deadlock_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver/internal/deadlock"
)

func TestTheVictimsProcessCancelsItAtThatVeryWait(t *testing.T) {
	p := newProcess([]string{"athos/22"}, opposite())
	assert.Equal(t, 1, p.Run(t.Context()))
	assert.Equal(t, []string{"athos/22 since 2026-11-21T12:00:30.000022+00:00 in 3/22"}, p.cancels())
	require.Len(t, p.verdicts, 1)
	v := p.verdicts[0]
	assert.Equal(t, "40P01", v.Code)
	assert.Equal(t, "deadlock detected", v.Message)
	assert.Equal(t, "Transaction 00000002 waits on shard athos (process 22) for ShareLock on transaction 711; blocked by transaction 00000001 (process 11).\n"+
		"Transaction 00000001 waits on shard porthos (process 11) for ShareLock on transaction 722; blocked by transaction 00000002 (process 22).\n"+
		"Transaction 00000002 on shard athos: UPDATE by process 22\n"+
		"Transaction 00000001 on shard porthos: UPDATE by process 11", v.Detail)
	assert.NotEmpty(t, v.Hint)
}

func TestNobodyElseCancelsTheVictim(t *testing.T) {
	p := newProcess([]string{"porthos/11"}, opposite())
	assert.Zero(t, p.Run(t.Context()))
	assert.Empty(t, p.cancels())
}

func TestACircleThatHasDissolvedCancelsNobody(t *testing.T) {
	for name, change := range map[string]func(world){
		"nobody waits any more":               func(w world) { w[athos].Waits, w[porthos].Waits = nil, nil },
		"one does not wait":                   func(w world) { w[porthos].Waits = nil },
		"the victim waits anew":               func(w world) { w[athos].Waits[0].Since = "2026-11-21T12:00:31+00:00" },
		"another one waits anew":              func(w world) { w[porthos].Waits[0].Since = "2026-11-21T12:00:31+00:00" },
		"the session has another transaction": func(w world) { w[porthos].Waits[0].VXID = "3/999" },
		"it waits for somebody else":          func(w world) { w[porthos].Waits[0].Blockers = []int{33}; w.session(porthos, 33, 0) },
		"the key is that of a later one":      func(w world) { w[porthos].Keys[0].Key = deadlock.MakeKey(id(7), number[athos], 11) },
		"what was prepared is not there":      func(w world) { w[athos].Waits[0].Blockers = []int{0} },
		"a shard does not answer":             func(w world) { w[porthos] = nil },
		"another is the youngest in between": func(w world) {
			*w[athos].Session(11).Began = noon.Add(time.Hour)
			*w[porthos].Session(11).Began = noon.Add(time.Hour)
		},
		"the first session is not known by now": func(w world) { w[athos].Session(11).VXID = "" },
	} {
		t.Run(name, func(t *testing.T) {
			later := opposite()
			change(later)
			p := newProcess([]string{"athos/22", "porthos/11"}, opposite(), later)
			assert.Zero(t, p.Run(t.Context()))
			assert.Empty(t, p.cancels())
		})
	}
}

func TestOneVictimWhereSeveralProcessesLook(t *testing.T) {
	one, two := newProcess([]string{"porthos/11"}, opposite()), newProcess([]string{"athos/22"}, opposite())
	third := newProcess(nil, opposite())
	for _, p := range []*process{one, two, third} {
		p.Run(t.Context())
	}
	assert.Empty(t, one.cancels())
	assert.Len(t, two.cancels(), 1)
	assert.Empty(t, third.cancels())
}

func TestAnybodyCancelsTheVictimWhenItsProcessDoesNot(t *testing.T) {
	p := newProcess(nil, opposite())
	p.Run(t.Context())
	p.now = p.now.Add(900 * time.Millisecond)
	p.Run(t.Context())
	assert.Empty(t, p.cancels(), "it has some time left")
	p.now = p.now.Add(200 * time.Millisecond)
	assert.Equal(t, 1, p.Run(t.Context()))
	assert.Equal(t, []string{"athos/22 since 2026-11-21T12:00:30.000022+00:00 in 3/22"}, p.cancels())
}

func TestAnotherCircleHasATimeOfItsOwn(t *testing.T) {
	later := opposite()
	later[athos].Waits[0].Since = "2026-11-21T12:00:31+00:00"
	p := newProcess(nil, opposite(), opposite(), later)
	p.Run(t.Context())
	p.now = p.now.Add(2 * time.Second)
	p.Run(t.Context())
	assert.Empty(t, p.cancels(), "the same transactions, but they wait in a circle for the first time")
}

func TestALookThatTookLongIsNoReasonToCancel(t *testing.T) {
	p := newProcess([]string{"athos/22"}, opposite())
	slow := 0
	p.Clock = func() time.Time {
		if slow > 0 {
			slow--
			p.now = p.now.Add(2 * time.Second)
		}
		return p.now
	}
	p.Pause = func(context.Context) error { slow = 2; return nil }
	assert.Equal(t, 1, p.Run(t.Context()), "the next one is quick")
	slow = 0
	p = newProcess([]string{"athos/22"}, opposite())
	p.Clock = func() time.Time { p.now = p.now.Add(2 * time.Second); return p.now }
	assert.Zero(t, p.Run(t.Context()), "all are slow")
	assert.Empty(t, p.cancels())
}

func TestAllWaitsOfTheVictimEnd(t *testing.T) {
	w := opposite()
	w.session(aramis, 22, 12) // a statement of all shards waits on two of them
	w.key(aramis, 22, deadlock.MakeKey(id(2), number[porthos], 22))
	w.session(aramis, 55, 0)
	w.wait(aramis, 22, 55)
	p := newProcess([]string{"athos/22", "aramis/22"}, w)
	assert.Equal(t, 1, p.Run(t.Context()))
	assert.Len(t, p.cancels(), 2, "else it would go on holding what it holds there")
}

func TestAVictimThatIsGoneIsNotCountedAsBroken(t *testing.T) {
	p := newProcess([]string{"athos/22"}, opposite())
	for _, a := range p.shards {
		a.refuse = true
	}
	assert.Zero(t, p.Run(t.Context()))
}

func TestADownShardHidesNoCircleOfOthers(t *testing.T) {
	w := opposite()
	w[aramis] = nil
	p := newProcess([]string{"athos/22"}, w)
	assert.Equal(t, 1, p.Run(t.Context()))
	assert.Len(t, p.cancels(), 1)
	_, errs := deadlock.Look(t.Context(), p.Shards)
	require.Len(t, errs, 1)
	assert.ErrorIs(t, errs[0], errDown)
}

func TestNothingIsCancelledAfterTheEnd(t *testing.T) {
	p := newProcess([]string{"athos/22"}, opposite())
	ctx, cancel := context.WithCancel(t.Context())
	p.Pause = func(context.Context) error { cancel(); return nil }
	assert.Zero(t, p.Run(ctx))
	assert.Empty(t, p.cancels())
}
