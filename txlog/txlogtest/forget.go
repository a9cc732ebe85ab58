package txlogtest

import (
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/xapg/xapg/txlog"
)

func (p *probe) forget(l txlog.Log, age time.Duration) int {
	n, err := l.Forget(p.ctx, age)
	require.NoError(p, err, "Forget")
	return n
}

// clock reads the log's own clock, by deciding something.
func (p *probe) clock(l txlog.Log) time.Time {
	id := newID()
	p.decide(l, id, txlog.Abort)
	return p.lookup(l, id).At
}

func forget(p *probe) {
	l := p.open()
	old, left := newID(), newID()
	p.decide(l, old, txlog.Commit, shards...)
	p.decide(l, left, txlog.Commit, shards...)
	p.finish(l, old)
	assert.Equal(p, 0, p.forget(l, time.Hour), "nothing is that old")
	assert.Equal(p, txlog.Commit, p.lookup(l, old).Outcome)
	assert.Equal(p, 1, p.forget(l, 0))
	p.lookupNone(l, old, "it was forgotten")
	assert.Equal(p, 0, p.forget(l, 0), "it is forgotten already")
	assert.Equal(p, txlog.Commit, p.lookup(l, left).Outcome)
	require.NoError(p, l.Close())
	p.lookupNone(p.open(), old, "it was forgotten in an earlier opening")
}

func forgetUnfinished(p *probe) {
	l, beside := p.open(), p.open()
	ids := make([]uuid.UUID, 20)
	for i := range ids {
		ids[i] = newID()
		p.decide(l, ids[i], []txlog.Outcome{txlog.Commit, txlog.Abort}[i%2], shards...)
	}
	for _, l := range []txlog.Log{l, beside} {
		assert.Equal(p, 0, p.forget(l, 0))
		assert.Equal(p, 0, p.forget(l, -time.Hour), "an age in the future makes no difference")
		assert.Equal(p, ids, p.listed(l, 100))
	}
	p.finish(l, ids[3])
	assert.Equal(p, 1, p.forget(l, 0), "and the finished one goes")
	for i, id := range ids {
		if i != 3 {
			assert.Equal(p, []txlog.Outcome{txlog.Commit, txlog.Abort}[i%2], p.lookup(beside, id).Outcome)
		}
	}
}

// forgetYounger compares no clocks: all times are the log's own.
func forgetYounger(p *probe) {
	const age = 50 * time.Millisecond
	l := p.open()
	old := newID()
	p.decide(l, old, txlog.Commit, shards...)
	p.finish(l, old)
	decided := p.lookup(l, old).At
	require.Eventually(p, func() bool { return p.clock(l).Sub(decided) > age },
		patience/2, 5*time.Millisecond, "the log's clock should go on")

	young := newID()
	p.decide(l, young, txlog.Commit, shards...)
	p.finish(l, young)
	decided = p.lookup(l, young).At
	p.forget(l, age)
	p.lookupNone(l, old, "it was old enough to be forgotten")
	if _, err := l.Lookup(p.ctx, young); err != nil {
		require.ErrorIs(p, err, txlog.ErrNoDecision)
		// On a machine that dawdles, it may have become old enough meanwhile.
		assert.GreaterOrEqual(p, p.clock(l).Sub(decided), age, "it was not old enough to be forgotten")
	}
}

func forgetMany(p *probe) {
	const n = 1300 // more than a store takes at once
	l := p.open()
	done := make(chan error)
	ids := make([]uuid.UUID, n)
	for i := range ids {
		ids[i] = newID()
		go func() {
			_, err := l.Decide(p.ctx, ids[i], txlog.Commit, shards)
			done <- err
		}()
	}
	for range ids {
		if err := <-done; err != nil {
			p.Errorf("deciding: %v", err)
		}
	}
	p.finish(l, ids[1:]...)
	assert.Equal(p, n-1, p.forget(l, 0))
	assert.Equal(p, []uuid.UUID{ids[0]}, p.listed(l, 100))
	for _, id := range ids[1:] {
		p.lookupNone(l, id, "it was forgotten")
	}
}

func decideForgotten(p *probe) {
	l, id := p.open(), newID()
	p.decide(l, id, txlog.Commit, shards...)
	p.finish(l, id)
	assert.Equal(p, 1, p.forget(l, 0))
	assert.Equal(p, txlog.Abort, p.decide(l, id, txlog.Abort, named("aramis")...))
	d := p.lookup(l, id)
	assert.Equal(p, txlog.Abort, d.Outcome)
	assert.Equal(p, named("aramis"), d.Participants)
	assert.False(p, d.Finished, "it is another decision")
	assert.Equal(p, []uuid.UUID{id}, p.listed(l, 10))
}
