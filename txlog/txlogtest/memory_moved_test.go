package txlogtest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/xapg/xapg/txlog"
)

// Ways in which a log that can be moved, or loses answers, can be broken.
const (
	decidesSealed   fault = "a sealed log decides"
	sealsItself     fault = "only the opening that sealed is sealed"
	opensSealed     fault = "a sealed log is opened"
	marksSealed     fault = "a sealed log gets a mark"
	sealsLate       fault = "what a sealed log refuses is stored"
	sealsForGood    fault = "a seal stays"
	forgetsTo       fault = "a seal does not say where the log is"
	movesNoMarks    fault = "marks stay behind"
	movesNoVotes    fault = "votes stay behind"
	movesUnfinished fault = "what was finished is unfinished"
	movesPage       fault = "only the first records are moved"
	movesToFresh    fault = "a moved log has an identity of its own"
	movesInto       fault = "a log is moved into another"
	movesAny        fault = "another cluster's log is moved"
	movesHalf       fault = "what was moved before an error stays"

	lostIsNone      fault = "a lost answer is taken for nothing stored"
	lostIsWanted    fault = "a lost answer is taken for what was wanted"
	lostIsUnknown   fault = "a lost answer is not asked for again"
	lostIsOverruled fault = "asking again overwrites"
)

// movable is an opening of a log in memory that can be moved.
type movable struct {
	*memory
	w     *movables
	place string
	own   bool // sealed by this opening
}

type movables struct {
	world
	seals sync.RWMutex // held by who decides
	to    map[string]*string
}

func newMovables(f fault) *movables {
	return &movables{world: world{fault: f, places: make(map[string]*place)}, to: make(map[string]*string)}
}

func (w *movables) factory() Factory {
	open := func(sealed bool) Open {
		return func(ctx context.Context, place, cluster string) (txlog.Log, error) {
			return w.open(ctx, place, cluster, sealed)
		}
	}
	return Factory{Open: open(false), OpenSealed: open(true), Create: w.create}
}

func (w *movables) open(ctx context.Context, place, cluster string, reading bool) (txlog.Log, error) {
	w.seals.RLock()
	to := w.to[place]
	w.seals.RUnlock()
	if to != nil && !reading && w.fault != opensSealed {
		return nil, &txlog.SealedError{Log: place, To: *to}
	}
	l, err := w.world.open(ctx, place, cluster)
	if err != nil {
		return nil, err
	}
	m := l.(*memory)
	if to != nil && w.fault != marksSealed {
		m.mu.Lock()
		m.marks = m.marks[:len(m.marks)-1]
		m.mu.Unlock()
	}
	return &movable{memory: m, w: w, place: place}, nil
}

func (m *movable) Decide(ctx context.Context, id uuid.UUID, want txlog.Outcome, participants []txlog.Participant) (txlog.Outcome, error) {
	m.w.seals.RLock()
	defer m.w.seals.RUnlock()
	to := m.w.to[m.place]
	if to == nil || m.fault == decidesSealed || m.fault == sealsItself && !m.own {
		return m.memory.Decide(ctx, id, want, participants)
	}
	if m.fault == sealsLate {
		_, _ = m.memory.Decide(ctx, id, want, participants)
	}
	return 0, errors.Join(txlog.ErrNotStored, &txlog.SealedError{Log: m.place, To: *to})
}

func (m *movable) Seal(_ context.Context, to string) error {
	m.own = true
	if m.fault == forgetsTo {
		to = ""
	}
	m.w.seals.Lock()
	defer m.w.seals.Unlock()
	if m.w.to[m.place] == nil {
		m.w.to[m.place] = &to
	}
	return nil
}

func (m *movable) Unseal(context.Context) error {
	m.w.seals.Lock()
	defer m.w.seals.Unlock()
	if m.fault != sealsForGood {
		delete(m.w.to, m.place)
	}
	return nil
}

func (m *movable) Sealed(context.Context) (string, bool, error) {
	m.w.seals.RLock()
	defer m.w.seals.RUnlock()
	if to := m.w.to[m.place]; to != nil {
		return *to, true, nil
	}
	return "", false, nil
}

func (w *movables) create(ctx context.Context, name string, c txlog.Contents) (txlog.Log, error) {
	if c.Identity.Cluster != Cluster && w.fault != movesAny || w.places[name] != nil && w.fault != movesInto {
		return nil, &txlog.ForeignError{Log: name, Reason: "no"}
	}
	p := &place{cluster: Cluster, id: c.Identity.ID, decisions: make(map[uuid.UUID]*txlog.Decision)}
	if w.fault == movesToFresh {
		p.id = randomID()
	}
	if w.fault == movesHalf {
		w.places[name] = p
	}
	for o, err := range c.Openings {
		if err != nil {
			return nil, err
		}
		if w.fault != movesNoMarks {
			p.marks = append(p.marks, o.Mark)
			p.at = append(p.at, o.At)
		}
	}
	for d, err := range c.Records {
		if err != nil {
			return nil, err
		}
		if w.fault == movesPage && len(p.order) == 1000 {
			break
		}
		if w.fault == movesNoVotes {
			d.Participants = slices.Clone(d.Participants)
			for i := range d.Participants {
				d.Participants[i].Vote = ""
			}
		}
		d.Finished = d.Finished && w.fault != movesUnfinished
		p.decisions[d.ID], p.order = &d, append(p.order, d.ID)
	}
	w.places[name] = p
	return w.open(ctx, name, Cluster, false)
}

func movedFails(t *testing.T, f fault) map[string]error {
	failed := make(map[string]error)
	for _, c := range movedChecks() {
		factory := newMovables(f).factory()
		if err := c.check(factory).Run(factory.Open, "place", "other"); err != nil {
			failed[c.name] = err
		}
	}
	return failed
}

func TestBrokenMovesAreCaught(t *testing.T) {
	assert.Empty(t, movedFails(t, sound))
	found := make(map[string]bool)
	for f, check := range map[fault]string{
		decidesSealed:   "a sealed log decides nothing more",
		sealsItself:     "a sealed log decides nothing more",
		opensSealed:     "a sealed log decides nothing more",
		marksSealed:     "a sealed log decides nothing more",
		forgetsTo:       "a sealed log decides nothing more",
		sealsLate:       "a seal falls between decisions",
		sealsForGood:    "a seal can be taken away",
		movesNoMarks:    "what was moved is all there",
		movesNoVotes:    "what was moved is all there",
		movesUnfinished: "what was moved is all there",
		movesPage:       "what was moved is all there",
		movesToFresh:    "a moved log is a log",
		movesInto:       "nothing is moved into a log",
		movesAny:        "another cluster's log is not moved",
		movesHalf:       "half a log is none",
	} {
		require.Contains(t, movedFails(t, f), check, "%s", f)
		found[check] = true
	}
	for _, c := range movedChecks() {
		assert.True(t, found[c.name], "no fault shows that the check can fail: %s", c.name)
	}
}

// losing is an opening that loses answers.
type losing struct {
	*memory
	mu     sync.Mutex
	needle string
	stored bool
	away   bool
}

func (l *losing) lose(participant string, stored, away bool) func() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.needle, l.stored, l.away = participant, stored, away
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.needle, l.away = "", false
	}
}

func (l *losing) Decide(ctx context.Context, id uuid.UUID, want txlog.Outcome, participants []txlog.Participant) (txlog.Outcome, error) {
	l.mu.Lock()
	hit := len(participants) > 0 && participants[0].Name == l.needle
	stored, away := l.stored, l.away
	if hit {
		l.needle = ""
	}
	l.mu.Unlock()
	ask := func() (txlog.Outcome, error) { return l.memory.Decide(ctx, id, want, participants) }
	if !hit {
		return ask()
	}
	if stored {
		_, _ = ask()
	}
	switch {
	case l.fault == lostIsNone:
		return 0, txlog.ErrNotStored
	case l.fault == lostIsWanted:
		return want, nil
	case l.fault == lostIsUnknown || away && l.fault != lostIsOverruled:
		return 0, errors.New("no answer")
	case l.fault == lostIsOverruled:
		time.Sleep(10 * time.Millisecond) // others are told something else
		l.place.mu.Lock()
		delete(l.decisions, id)
		l.place.mu.Unlock()
	}
	return ask()
}

func lossyFails(t *testing.T, f fault) map[string]error {
	failed := make(map[string]error)
	for _, c := range lossyChecks() {
		w := &world{fault: f, places: make(map[string]*place)}
		err := c.check(func() Lossy {
			l, err := w.open(t.Context(), "place", Cluster)
			require.NoError(t, err)
			lossy := &losing{memory: l.(*memory)}
			return Lossy{Log: lossy, Lose: lossy.lose}
		}).Run(w.open, "place", "")
		if err != nil {
			failed[c.name] = err
		}
	}
	return failed
}

func TestDishonestAnswersAreCaught(t *testing.T) {
	assert.Empty(t, lossyFails(t, sound))
	found := make(map[string]bool)
	for f, checks := range map[fault][]string{
		lostIsNone:      {"an answer that was lost is found out", "a store that stays away leaves honest doubt"},
		lostIsWanted:    {"a store that stays away leaves honest doubt"},
		lostIsUnknown:   {"an answer that was lost is found out"},
		lostIsOverruled: {"lost answers among others change nothing"},
	} {
		failed := lossyFails(t, f)
		for _, check := range checks {
			require.Contains(t, failed, check, "%s", f)
			found[check] = true
		}
	}
	for _, c := range lossyChecks() {
		assert.True(t, found[c.name], "no fault shows that the check can fail: %s", c.name)
	}
}
