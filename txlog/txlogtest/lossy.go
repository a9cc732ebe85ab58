package txlogtest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/xapg/xapg/txlog"
)

// Lossy opens logs whose store's answers can be lost: the write may have happened, and
// whoever asked for it does not hear of it.
type Lossy struct {
	Log txlog.Log // which the suite closes

	// Lose arranges that the answer is lost to the next decision that has a
	// participant of this name: after the store has done what was asked, or, unless
	// stored, before it could. The store itself goes on at once; with away, it cannot
	// be asked anything until restore is called. Calling restore again does nothing.
	Lose func(participant string, stored, away bool) (restore func())
}

// lossyName is a participant that a store can find in what it passes on.
func lossyName(i int) string { return fmt.Sprintf("lost-answer-%04d", i) }

// lossyCheck is one thing that a store must do when answers are lost.
type lossyCheck struct {
	name string
	away bool // the store stays away, until whoever asks has given up
	run  func(*probe, Lossy)
}

func lossyChecks() []lossyCheck {
	return []lossyCheck{
		{"an answer that was lost is found out", false, lostAnswer},
		{"a store that stays away leaves honest doubt", true, lostAndAway},
		{"lost answers among others change nothing", false, lostAmongOthers},
	}
}

func lossy(t *testing.T, f Factory) {
	for _, c := range lossyChecks() {
		t.Run(strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) {
			place := f.Fresh(t)
			require.NoError(t, c.check(func() Lossy { return f.Lossy(t, place, c.away) }).Run(f.Open, place, ""))
		})
	}
}

func (c lossyCheck) check(open func() Lossy) Check {
	return Check{Name: c.name, run: func(p *probe) {
		l := open()
		p.logs = append(p.logs, l.Log)
		c.run(p, l)
	}}
}

// honest looks whether what Decide said of a decision to commit is so, by asking for
// the opposite, from elsewhere and then again from the same opening.
func (p *probe) honest(elsewhere, l txlog.Log, id uuid.UUID, got txlog.Outcome, err error) {
	if errors.Is(err, txlog.ErrNotStored) {
		p.lookupNone(elsewhere, id, "Decide said that it was not stored")
	}
	stored := p.agreed(elsewhere, l, id)
	switch {
	case err == nil:
		assert.Equal(p, got, stored, "Decide told something else than what is stored")
	case errors.Is(err, txlog.ErrNotStored):
		assert.Equal(p, txlog.Abort, stored, "Decide said that it was not stored: %v", err)
	}
}

// agreed asks for the opposite from elsewhere, and looks whether l says the same.
func (p *probe) agreed(elsewhere, l txlog.Log, id uuid.UUID) (stored txlog.Outcome) {
	stored = p.decide(elsewhere, id, txlog.Abort, named("the other")...)
	assert.Equal(p, stored, p.decide(l, id, txlog.Commit, named("once more")...), "deciding again")
	d := p.lookup(l, id)
	assert.Equal(p, stored, d.Outcome)
	assert.Equal(p, d, p.lookup(elsewhere, id))
	return stored
}

// hasty is a log that soon gives up, and then is asked again.
type hasty struct {
	txlog.Log
}

func (h hasty) Decide(ctx context.Context, id uuid.UUID, want txlog.Outcome, participants []txlog.Participant) (got txlog.Outcome, err error) {
	again(ctx, func() error { got, err = h.Log.Decide(ctx, id, want, participants); return err })
	return got, err
}

func (h hasty) Lookup(ctx context.Context, id uuid.UUID) (d txlog.Decision, err error) {
	again(ctx, func() error { d, err = h.Log.Lookup(ctx, id); return err })
	return d, err
}

// again asks until there is an answer.
func again(ctx context.Context, ask func() error) {
	for ask() != nil && ctx.Err() == nil {
		time.Sleep(10 * time.Millisecond)
	}
}

func lostAnswer(p *probe, l Lossy) {
	elsewhere := p.open()
	p.busy(l.Log)
	for i := range 12 {
		id, name := newID(), lossyName(i)
		restore := l.Lose(name, i%2 == 0, false)
		got, err := l.Log.Decide(p.ctx, id, txlog.Commit, named(name, "porthos"))
		restore()
		assert.NoError(p, err, "the store could be asked again")
		p.honest(elsewhere, l.Log, id, got, err)
	}
}

// busy has several callers decide at once, which makes a store open the connections
// that it will use.
func (p *probe) busy(l txlog.Log) {
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			_, err := l.Decide(p.ctx, newID(), txlog.Abort, shards)
			assert.NoError(p, err)
		})
	}
	wg.Wait()
}

// lostAndAway lets somebody who loses patience ask elsewhere.
func lostAndAway(p *probe, l Lossy) {
	elsewhere, patient := p.open(), hasty{l.Log}
	p.busy(patient)
	for i, stored := range []bool{true, false, true} {
		id, name := newID(), lossyName(i)
		restore := l.Lose(name, stored, true)
		got, err := l.Log.Decide(p.ctx, id, txlog.Commit, named(name))
		restore()
		p.honest(elsewhere, patient, id, got, err)
	}
}

// lostAmongOthers loses answers while several callers decide, each both ways.
func lostAmongOthers(p *probe, l Lossy) {
	elsewhere := p.open()
	const rounds, callers = 10, 6
	for round := range rounds {
		type answer struct {
			got [2]txlog.Outcome
			err [2]error
		}
		ids, answers := make([]uuid.UUID, callers), make([]answer, callers)
		restore := l.Lose(lossyName(round), round%2 == 0, false)
		var wg sync.WaitGroup
		for i := range callers {
			ids[i] = newID()
			for side, log := range []txlog.Log{l.Log, elsewhere} {
				wg.Go(func() {
					a := &answers[i]
					a.got[side], a.err[side] = log.Decide(context.WithoutCancel(p.ctx), ids[i],
						[]txlog.Outcome{txlog.Commit, txlog.Abort}[(i+side)%2], named(lossyName(round)))
				})
			}
		}
		wg.Wait()
		restore()
		for i, a := range answers {
			d, err := elsewhere.Lookup(p.ctx, ids[i])
			for side := range a.got {
				if a.err[side] == nil {
					require.NoError(p, err)
					assert.Equal(p, d.Outcome, a.got[side], "a caller was told something else than what is stored")
				}
			}
			if a.err[1] == nil {
				assert.Equal(p, d.Outcome, p.agreed(elsewhere, l.Log, ids[i]))
			}
		}
	}
}
