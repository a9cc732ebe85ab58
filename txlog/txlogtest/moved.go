package txlogtest

import (
	"errors"
	"iter"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/xapg/xapg/txlog"
)

// movedCheck is one thing that a store must do whose logs can be moved.
type movedCheck struct {
	name string
	run  func(*probe, Factory)
}

func movedChecks() []movedCheck {
	return []movedCheck{
		{"a sealed log decides nothing more", sealed},
		{"a seal falls between decisions", sealedUnderLoad},
		{"a seal can be taken away", unsealed},
		{"what was moved is all there", movedExactly},
		{"a moved log is a log", movedGoesOn},
		{"nothing is moved into a log", movedIntoLog},
		{"another cluster's log is not moved", movedToOther},
		{"half a log is none", movedHalf},
	}
}

func moved(t *testing.T, f Factory) {
	for _, c := range movedChecks() {
		t.Run(strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) {
			require.NoError(t, c.check(f).Run(f.Open, f.Fresh(t), f.Fresh(t)))
		})
	}
}

func (c movedCheck) check(f Factory) Check {
	return Check{Name: c.name, run: func(p *probe) { c.run(p, f) }}
}

// mover opens the log under test once more.
func (p *probe) mover() txlog.Mover {
	m, ok := p.open().(txlog.Mover)
	require.True(p, ok, "the log should be a txlog.Mover")
	return m
}

func (p *probe) refuses(l txlog.Log, id uuid.UUID, why string) {
	_, err := l.Decide(p.ctx, id, txlog.Commit, shards)
	assert.ErrorIs(p, err, txlog.ErrNotStored, why)
	var moved *txlog.SealedError
	if assert.ErrorAs(p, err, &moved, why) {
		assert.Equal(p, "the new place", moved.To, why)
	}
	p.lookupNone(l, id, why)
}

func sealed(p *probe, f Factory) {
	l, beside := p.mover(), p.open()
	done, left := newID(), newID()
	p.decide(l, done, txlog.Commit, shards...)
	p.decide(beside, left, txlog.Abort, shards...)
	to, is, err := l.Sealed(p.ctx)
	require.NoError(p, err)
	assert.False(p, is)
	assert.Empty(p, to)
	require.NoError(p, l.Seal(p.ctx, "the new place"))
	require.NoError(p, l.Seal(p.ctx, "elsewhere"), "the first seal is kept")

	for name, l := range map[string]txlog.Log{"the one that sealed": l, "another opening": beside} {
		p.refuses(l, newID(), name)
		assert.Equal(p, txlog.Commit, p.lookup(l, done).Outcome, name)
		assert.Equal(p, []uuid.UUID{done, left}, p.listedBy(l.Records, 10), name)
		got, err := l.Decide(p.ctx, left, txlog.Commit, shards)
		if err == nil { // what is stored may be told
			assert.Equal(p, txlog.Abort, got, name)
		} else {
			assert.ErrorIs(p, err, txlog.ErrNotStored, name)
		}
	}
	_, err = p.opener(p.ctx, p.place, Cluster)
	var moved *txlog.SealedError
	require.ErrorAs(p, err, &moved, "a later opening")
	assert.Equal(p, "the new place", moved.To)

	p.finish(l, done)
	require.NoError(p, l.Close())
	openings, err := beside.Openings(p.ctx, 0, 10)
	require.NoError(p, err)
	again, err := f.OpenSealed(p.ctx, p.place, Cluster)
	require.NoError(p, err, "opened for reading")
	p.logs = append(p.logs, again)
	p.refuses(again, newID(), "opened for reading")
	assert.True(p, p.lookup(again, done).Finished, "what is decided can be finished")
	after, err := again.Openings(p.ctx, 0, 10)
	require.NoError(p, err)
	assert.Equal(p, openings, after, "reading leaves no mark")
	to, is, err = again.(txlog.Mover).Sealed(p.ctx)
	require.NoError(p, err)
	assert.True(p, is)
	assert.Equal(p, "the new place", to)
}

// sealedUnderLoad seals while several openings decide: what they were told to be
// stored is there when Seal returns, and nothing comes after.
func sealedUnderLoad(p *probe, _ Factory) {
	l, over := p.mover(), make(chan struct{}) // closed when Seal has returned
	var mu sync.Mutex
	var stored []uuid.UUID
	var wg sync.WaitGroup
	for _, l := range []txlog.Log{p.open(), p.open()} {
		for range 4 {
			wg.Go(func() {
				for late := false; !late; {
					select {
					case <-over:
						late = true
					default:
					}
					id := newID()
					_, err := l.Decide(p.ctx, id, txlog.Commit, shards)
					if err != nil {
						var moved *txlog.SealedError
						assert.ErrorIs(p, err, txlog.ErrNotStored)
						assert.ErrorAs(p, err, &moved)
						return
					}
					mu.Lock()
					stored = append(stored, id)
					mu.Unlock()
					time.Sleep(100 * time.Microsecond) // the log may be a fast one
				}
				p.Errorf("it was decided after Seal had returned")
			})
		}
	}
	require.Eventually(p, func() bool { mu.Lock(); defer mu.Unlock(); return len(stored) > 100 }, patience/2, time.Millisecond)
	require.NoError(p, l.Seal(p.ctx, "the new place"))
	close(over)
	there := p.listedBy(l.Records, 1000)
	wg.Wait()
	assert.Equal(p, there, p.listedBy(l.Records, 1000), "something was stored after the seal")
	assert.Equal(p, sorted(stored), there, "what was acknowledged is what is stored")
}

func unsealed(p *probe, _ Factory) {
	l, beside := p.mover(), p.open()
	require.NoError(p, l.Seal(p.ctx, "the new place"))
	p.refuses(beside, newID(), "sealed")
	require.NoError(p, l.Unseal(p.ctx))
	require.NoError(p, l.Unseal(p.ctx), "once more")
	id := newID()
	assert.Equal(p, txlog.Commit, p.decide(beside, id, txlog.Commit, shards...))
	assert.Equal(p, txlog.Commit, p.decide(p.open(), id, txlog.Abort, shards...))
}

// full makes a log with something of everything in it, and seals it.
func (p *probe) full() txlog.Mover {
	first := p.open()
	ids := make([]uuid.UUID, 1100) // more than is read at once
	for i := range ids {
		ids[i] = newID()
	}
	decide := func(i int) {
		list := named("athos", "porthos", "d'Artagnan \"x\"; --\\")[:1+i%3]
		if i%4 == 0 {
			list = []txlog.Participant{{Name: "athos", Vote: "1/0/16B3748"}, {Name: "aramis"}}
		}
		if i == 7 {
			list = nil
		}
		_, err := first.Decide(p.ctx, ids[i], []txlog.Outcome{txlog.Commit, txlog.Abort}[i%2], list)
		assert.NoError(p, err, "Decide")
	}
	const alone, callers = 11, 16
	for i := range alone {
		decide(i)
	}
	first = p.open()
	var wg sync.WaitGroup
	for g := range callers {
		wg.Go(func() {
			for i := alone + g; i < len(ids); i += callers {
				decide(i)
			}
		})
	}
	wg.Wait()
	for i, id := range ids {
		if i%5 != 0 {
			p.finish(first, id)
		}
	}
	require.NoError(p, first.Close())
	l := p.mover()
	require.NoError(p, l.Seal(p.ctx, "the new place"))
	return l
}

func collect[T any](p *probe, list iter.Seq2[T, error]) (all []T) {
	for entry, err := range list {
		require.NoError(p, err)
		all = append(all, entry)
	}
	return all
}

func movedExactly(p *probe, f Factory) {
	from := p.full()
	to, err := f.Create(p.ctx, p.other, txlog.ContentsOf(p.ctx, from))
	require.NoError(p, err)
	p.logs = append(p.logs, to)
	assert.Equal(p, from.Identity(), to.Identity())

	want, got := collect(p, txlog.ContentsOf(p.ctx, from).Records), collect(p, txlog.ContentsOf(p.ctx, to).Records)
	require.Len(p, got, len(want))
	for i := range want {
		require.True(p, want[i].At.Equal(got[i].At), "the time of %v: %v and %v", want[i].ID, want[i].At, got[i].At)
		got[i].At = want[i].At
		require.Equal(p, want[i], got[i])
	}
	openings, copied := collect(p, txlog.ContentsOf(p.ctx, from).Openings), collect(p, txlog.ContentsOf(p.ctx, to).Openings)
	require.Len(p, copied, len(openings)+1, "the old openings and that of the new log")
	assert.Equal(p, to.Mark(), copied[len(openings)].Mark)
	assert.Greater(p, to.Mark().Seq, openings[len(openings)-1].Mark.Seq)
	for i, o := range openings {
		assert.Equal(p, o.Mark, copied[i].Mark)
		assert.Equal(p, o.By, copied[i].By)
		assert.True(p, o.At.Equal(copied[i].At))
		known, err := to.HasMark(p.ctx, o.Mark)
		require.NoError(p, err)
		assert.True(p, known, "the moved log should know %v", o.Mark)
	}
	known, err := from.HasMark(p.ctx, to.Mark())
	require.NoError(p, err)
	assert.False(p, known, "the log that stays behind does not know the new mark")
}

func movedGoesOn(p *probe, f Factory) {
	from := p.full()
	left := p.listed(from, 1000)
	to, err := f.Create(p.ctx, p.other, txlog.ContentsOf(p.ctx, from))
	require.NoError(p, err)
	assert.Equal(p, left, p.listed(to, 1000))
	stored := p.lookup(from, left[0]).Outcome
	assert.Equal(p, stored, p.decide(to, left[0], opposite(stored), shards...), "what was decided there is decided here")
	fresh := newID()
	assert.Equal(p, txlog.Abort, p.decide(to, fresh, txlog.Abort, named("aramis", "bazin")...))
	p.finish(to, left...)
	require.NoError(p, to.Close())
	again := p.openAt(p.other)
	assert.Equal(p, []uuid.UUID{fresh}, p.listed(again, 1000))
	assert.Equal(p, named("aramis", "bazin"), p.lookup(again, fresh).Participants)
	assert.Equal(p, 1100, p.forget(again, 0))
	assert.Equal(p, from.Identity(), again.Identity())
	p.refuses(from, newID(), "the original")
}

func movedIntoLog(p *probe, f Factory) {
	from := p.full()
	there := p.openAt(p.other)
	require.NoError(p, there.Close())
	_, err := f.Create(p.ctx, p.other, txlog.ContentsOf(p.ctx, from))
	var foreign *txlog.ForeignError
	require.ErrorAs(p, err, &foreign, "there is a log already")
	again := p.openAt(p.other)
	assert.Equal(p, there.Identity(), again.Identity())
	assert.Empty(p, p.listedBy(again.Records, 10))
}

func movedToOther(p *probe, f Factory) {
	c := txlog.ContentsOf(p.ctx, p.full())
	c.Identity.Cluster = "stranger"
	_, err := f.Create(p.ctx, p.other, c)
	var foreign *txlog.ForeignError
	require.ErrorAs(p, err, &foreign, "another cluster's contents")
}

func movedHalf(p *probe, f Factory) {
	from := p.full()
	c := txlog.ContentsOf(p.ctx, from)
	broken := errors.New("the rest cannot be read")
	records := c.Records
	c.Records = func(yield func(txlog.Decision, error) bool) {
		n := 0
		for d, err := range records {
			if n++; n == 500 {
				yield(txlog.Decision{}, broken)
				return
			}
			if !yield(d, err) {
				return
			}
		}
	}
	_, err := f.Create(p.ctx, p.other, c)
	require.ErrorIs(p, err, broken)
	fresh := p.openAt(p.other)
	assert.NotEqual(p, from.Identity().ID, fresh.Identity().ID, "half a log is none")
	assert.Empty(p, p.listedBy(fresh.Records, 10))
	assert.Len(p, collect(p, txlog.ContentsOf(p.ctx, fresh).Openings), 1)
}
