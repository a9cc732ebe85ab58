package txlogtest

import (
	"fmt"
	"sync"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/xapg/xapg/txlog"
)

var shards = named("athos", "porthos")

// named makes participants of which no votes are known.
func named(names ...string) []txlog.Participant {
	list := make([]txlog.Participant, len(names))
	for i, name := range names {
		list[i].Name = name
	}
	return list
}

// decide decides and expects no error.
func (p *probe) decide(l txlog.Log, id uuid.UUID, want txlog.Outcome, participants ...txlog.Participant) txlog.Outcome {
	got, err := l.Decide(p.ctx, id, want, participants)
	require.NoError(p, err, "Decide")
	return got
}

// lookup expects a decision.
func (p *probe) lookup(l txlog.Log, id uuid.UUID) txlog.Decision {
	d, err := l.Lookup(p.ctx, id)
	require.NoError(p, err, "Lookup")
	return d
}

// lookupNone expects none.
func (p *probe) lookupNone(l txlog.Log, id uuid.UUID, why string) {
	d, err := l.Lookup(p.ctx, id)
	assert.ErrorIs(p, err, txlog.ErrNoDecision, why)
	assert.Zero(p, d, why)
}

func newID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

func opposite(o txlog.Outcome) txlog.Outcome {
	if o == txlog.Commit {
		return txlog.Abort
	}
	return txlog.Commit
}

func firstWins(p *probe) {
	for _, want := range []txlog.Outcome{txlog.Commit, txlog.Abort} {
		id := newID()
		l, beside := p.open(), p.open()
		assert.Equal(p, want, p.decide(l, id, want, shards...), "the first decision is stored")
		later := p.open()
		for range 2 {
			for name, l := range map[string]txlog.Log{"first": l, "beside": beside, "later": later} {
				assert.Equal(p, want, p.decide(l, id, opposite(want), shards...), "a later decision, %s opening", name)
				assert.Equal(p, want, p.decide(l, id, want, shards...), "the same decision again, %s opening", name)
				assert.Equal(p, want, p.lookup(l, id).Outcome, "lookup, %s opening", name)
			}
		}
		for _, l := range []txlog.Log{l, beside, later} {
			require.NoError(p, l.Close())
		}
		again := p.open()
		assert.Equal(p, want, p.decide(again, id, opposite(want), shards...), "after all were closed")
		assert.Equal(p, want, p.lookup(again, id).Outcome, "after all were closed")
	}
}

func race(p *probe) {
	const rounds, callers = 60, 4
	openings := []txlog.Log{p.open(), p.open()}
	for range rounds {
		id := newID()
		type answer struct {
			got txlog.Outcome
			err error
		}
		answers := make([]answer, callers*len(openings))
		start := make(chan struct{})
		var wg sync.WaitGroup
		for i := range answers {
			wg.Go(func() {
				<-start
				want := []txlog.Outcome{txlog.Commit, txlog.Abort}[(i/2)%2]
				got, err := openings[i%2].Decide(p.ctx, id, want, shards)
				answers[i] = answer{got, err}
			})
		}
		close(start)
		wg.Wait()
		stored := p.lookup(openings[0], id).Outcome
		for i, a := range answers {
			require.NoError(p, a.err)
			require.Equal(p, stored, a.got, "caller %d was told something else than what is stored", i)
		}
	}
}

func lookup(p *probe) {
	long := make([]txlog.Participant, 200)
	for i := range long {
		long[i].Name = fmt.Sprintf("shard-%03d", i)
	}
	l, beside := p.open(), p.open()
	mark := l.Mark().Seq
	for what, participants := range map[string][]txlog.Participant{
		"two":         shards,
		"other order": named("porthos", "athos"),
		"one":         named("aramis"),
		"many":        long,
		"odd names":   named("d'Artagnan \"x\"; --", "Ünï©ødé/\x01", "a,b", "{}", " "),
		"with votes":  {{Name: "athos", Vote: "1/0/16B3748"}, {Name: "porthos", Vote: "23/A/FFFFFFFF"}},
		"with a vote": {{Name: "athos"}, {Name: "porthos", Vote: "1/0/1"}, {Name: "aramis"}},
		"none":        {},
	} {
		id := newID()
		p.lookupNone(l, id, "nothing was decided yet")
		p.decide(l, id, txlog.Commit, participants...)
		for _, l := range []txlog.Log{l, beside} {
			d := p.lookup(l, id)
			assert.Equal(p, id, d.ID)
			assert.Equal(p, txlog.Commit, d.Outcome)
			assert.Equal(p, append([]txlog.Participant{}, participants...), append([]txlog.Participant{}, d.Participants...), what)
			assert.False(p, d.At.IsZero(), "the time of the decision")
			assert.False(p, d.Finished)
			assert.Equal(p, mark, d.By, "the mark of the opening that decided")
		}
		p.lookupNone(l, newID(), "something else was decided")
	}
	first, second := newID(), newID()
	p.decide(l, first, txlog.Abort)
	p.decide(l, second, txlog.Abort)
	assert.Equal(p, txlog.Abort, p.lookup(l, first).Outcome)
	at := p.lookup(l, first).At
	assert.False(p, p.lookup(l, second).At.Before(at), "times should follow the decisions")
	p.decide(l, first, txlog.Commit)
	assert.True(p, at.Equal(p.lookup(l, first).At), "the time should be the decision's own")
}

func loserIgnored(p *probe) {
	l, id := p.open(), newID()
	p.decide(l, id, txlog.Abort, named("athos")...)
	p.decide(l, id, txlog.Commit, named("porthos", "aramis")...)
	p.decide(l, id, txlog.Abort, named("dartagnan")...)
	assert.Equal(p, named("athos"), p.lookup(l, id).Participants)
}

func refused(p *probe) {
	l := p.open()
	for _, want := range []txlog.Outcome{txlog.Unknown, 3, 255} {
		id := newID()
		_, err := l.Decide(p.ctx, id, want, shards)
		assert.ErrorIs(p, err, txlog.ErrNotStored, "outcome %d", want)
		p.lookupNone(l, id, "it was refused")
	}
	_, err := l.Decide(p.ctx, uuid.Nil, txlog.Commit, shards)
	assert.ErrorIs(p, err, txlog.ErrNotStored, "the nil id")
	p.lookupNone(l, uuid.Nil, "it was refused")
}
