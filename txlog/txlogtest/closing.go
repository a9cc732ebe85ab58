package txlogtest

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/xapg/xapg/txlog"
)

func closed(p *probe) {
	l := p.open()
	mark := l.Mark()
	id, late := newID(), newID()
	p.decide(l, id, txlog.Commit, shards...)
	require.NoError(p, l.Close())
	require.NoError(p, l.Close(), "closing again")

	_, err := l.Decide(p.ctx, late, txlog.Commit, shards)
	assert.ErrorIs(p, err, txlog.ErrClosed, "Decide")
	assert.ErrorIs(p, err, txlog.ErrNotStored, "Decide")
	_, err = l.Lookup(p.ctx, id)
	assert.ErrorIs(p, err, txlog.ErrClosed, "Lookup")
	assert.ErrorIs(p, l.Finish(p.ctx, id), txlog.ErrClosed, "Finish")
	_, err = l.Unfinished(p.ctx, uuid.Nil, 10)
	assert.ErrorIs(p, err, txlog.ErrClosed, "Unfinished")
	_, err = l.Forget(p.ctx, 0)
	assert.ErrorIs(p, err, txlog.ErrClosed, "Forget")
	_, err = l.HasMark(p.ctx, mark)
	assert.ErrorIs(p, err, txlog.ErrClosed, "HasMark")
	assert.Equal(p, mark, l.Mark())

	again := p.open()
	p.lookupNone(again, late, "the log was closed")
	assert.Equal(p, []uuid.UUID{id}, p.listed(again, 10), "finishing on a closed log should do nothing")
}

func closeOne(p *probe) {
	one, other := p.open(), p.open()
	id := newID()
	p.decide(one, id, txlog.Commit, shards...)
	require.NoError(p, one.Close())
	assert.Equal(p, txlog.Commit, p.decide(other, id, txlog.Abort, shards...))
	next := newID()
	assert.Equal(p, txlog.Abort, p.decide(other, next, txlog.Abort, shards...))
	assert.Equal(p, txlog.Abort, p.lookup(p.open(), next).Outcome)
}

func endedContext(p *probe) {
	l, id := p.open(), newID()
	p.decide(l, id, txlog.Commit, shards...)
	p.finish(l, id)
	ended, cancel := context.WithCancel(p.ctx)
	cancel()
	late := newID()
	_, err := l.Decide(ended, late, txlog.Commit, shards)
	assert.ErrorIs(p, err, txlog.ErrNotStored, "Decide")
	assert.ErrorIs(p, err, context.Canceled, "Decide")
	p.lookupNone(l, late, "its context had ended")
	_, err = l.Lookup(ended, id)
	assert.ErrorIs(p, err, context.Canceled, "Lookup")
	_, err = l.Unfinished(ended, uuid.Nil, 10)
	assert.ErrorIs(p, err, context.Canceled, "Unfinished")
	_, err = l.HasMark(ended, l.Mark())
	assert.ErrorIs(p, err, context.Canceled, "HasMark")
	n, err := l.Forget(ended, 0)
	assert.ErrorIs(p, err, context.Canceled, "Forget")
	assert.Equal(p, 0, n)
	assert.True(p, p.lookup(l, id).Finished, "nothing should be forgotten")
}

// endingContext cancels decisions while they are being made. Each must then be known
// to be stored or not.
func endingContext(p *probe) {
	l := p.open()
	type answer struct {
		id  uuid.UUID
		got txlog.Outcome
		err error
	}
	answers := make([]answer, 300)
	var wg sync.WaitGroup
	for i := range answers {
		ctx, cancel := context.WithCancel(p.ctx)
		id := newID()
		if i%3 == 0 { // some have ended before
			cancel()
		}
		wg.Go(func() {
			got, err := l.Decide(ctx, id, txlog.Commit, shards)
			answers[i] = answer{id, got, err}
		})
		wg.Go(func() {
			defer cancel()
			if i%3 == 2 { // some end at once, some a little later
				timer := time.NewTimer(time.Duration(i) * 20 * time.Microsecond)
				defer timer.Stop()
				<-timer.C
			}
		})
	}
	wg.Wait()
	for _, a := range answers {
		switch {
		case a.err == nil:
			assert.Equal(p, txlog.Commit, a.got)
			assert.Equal(p, txlog.Commit, p.lookup(l, a.id).Outcome)
		case errors.Is(a.err, txlog.ErrNotStored):
			p.lookupNone(l, a.id, "Decide said that it was not stored")
		default:
			p.Errorf("it is left open whether the decision was stored: %v", a.err)
		}
	}
}
