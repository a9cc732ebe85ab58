package txlogtest

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/xapg/xapg/txlog"
)

// fault is one way in which a log can be broken.
type fault string

const (
	sound                fault = ""
	lastWriteWins        fault = "the last decision overwrites the first"
	answersWanted        fault = "Decide answers what was wanted"
	checksThenWrites     fault = "Decide looks first and writes later"
	privateCache         fault = "Lookup answers from what the opening has seen"
	keepsLoser           fault = "the loser's participants are kept"
	sortsParticipants    fault = "participants are kept in another order"
	losesAcknowledged    fault = "what was decided is gone after closing"
	storesUnknown        fault = "an unknown outcome is stored"
	storesNil            fault = "the nil id is decided"
	losesFinish          fault = "Finish is forgotten by closing"
	lateFinish           fault = "Finish is seen only after closing"
	finishInvents        fault = "Finish makes a record"
	finishDrops          fault = "Finish drops the record"
	decideUnfinishes     fault = "deciding again makes unfinished"
	unordered            fault = "unfinished ones are listed in the order of decisions"
	inclusive            fault = "a page begins with the last one's end"
	ignoresLimit         fault = "a page is as long as it gets"
	shortPages           fault = "finished ones make pages short"
	recordsUnfinished    fault = "Records lists what is unfinished only"
	hidesOpenings        fault = "Openings leaves out others"
	listsCommitsOnly     fault = "aborts are not listed as unfinished"
	forgetsUnfinished    fault = "unfinished ones are forgotten"
	forgetsYoung         fault = "age makes no difference when forgetting"
	forgetsInSeconds     fault = "ages are rounded down to seconds"
	forgetsOnePage       fault = "only the first 500 are forgotten"
	forgetsNothing       fault = "nothing is forgotten"
	miscounts            fault = "Forget counts all there are"
	sameMark             fault = "all openings share a mark"
	restartsMarks        fault = "marks begin anew"
	knowsAllMarks        fault = "every mark is known"
	knowsNumbers         fault = "marks are known by their number"
	knowsLatestMark      fault = "only the latest mark is known"
	freshIdentity        fault = "each opening has another identity"
	sharedIdentity       fault = "all logs have one identity"
	anyCluster           fault = "the cluster is not looked at"
	answersClosed        fault = "a closed log answers"
	closedSilent         fault = "a closed log does not say that nothing was stored"
	closesOnce           fault = "closing twice fails"
	closesAll            fault = "closing one opening closes all"
	ignoresContext       fault = "contexts are ignored"
	storesThenComplains  fault = "Decide stores and says that it has not"
	ambiguousWhenEnded   fault = "an ended context leaves doubt"
	restampsOnEveryWrite fault = "the time is that of the last call"
)

// place is a log in memory, which its openings share.
type place struct {
	mu        sync.Mutex
	cluster   string
	id        string
	decisions map[uuid.UUID]*txlog.Decision
	order     []uuid.UUID
	marks     []txlog.Mark
	at        []time.Time // of the openings
	closed    bool
}

// world holds the places of one test.
type world struct {
	mu     sync.Mutex
	fault  fault
	places map[string]*place
}

func (w *world) open(ctx context.Context, name, cluster string) (txlog.Log, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.places[name]
	if p == nil {
		p = &place{cluster: cluster, id: randomID(), decisions: make(map[uuid.UUID]*txlog.Decision)}
		if w.fault == sharedIdentity {
			p.id = "aaaaaaaaaaaa"
		}
		w.places[name] = p
	}
	if p.cluster != cluster && w.fault != anyCluster {
		return nil, &txlog.ForeignError{Log: name, Reason: "it is the log of " + p.cluster}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	m := txlog.Mark{Seq: int64(len(p.marks)) + 1, ID: uuid.New()}
	switch {
	case w.fault == sameMark && len(p.marks) > 0:
		m = p.marks[0]
	case w.fault == restartsMarks:
		m.Seq = 1
	}
	p.marks, p.at = append(p.marks, m), append(p.at, time.Now())
	id := p.id
	if w.fault == freshIdentity {
		id = randomID()
	}
	return &memory{place: p, fault: w.fault, identity: txlog.Identity{Cluster: p.cluster, ID: id}, mark: m,
		seen: make(map[uuid.UUID]txlog.Decision)}, nil
}

func randomID() string {
	return strings.NewReplacer("0", "k", "1", "l", "8", "m", "9", "n", "-", "").Replace(uuid.NewString())[:12]
}

// memory is one opening of a log in memory.
type memory struct {
	*place
	fault    fault
	identity txlog.Identity
	mark     txlog.Mark
	seen     map[uuid.UUID]txlog.Decision
	late     []uuid.UUID
	done     bool
}

var _ txlog.Log = (*memory)(nil)

func (m *memory) Identity() txlog.Identity { return m.identity }
func (m *memory) Mark() txlog.Mark         { return m.mark }

// enter locks the log for one call.
func (m *memory) enter(ctx context.Context) error {
	m.mu.Lock()
	if (m.done || m.closed) && m.fault != answersClosed {
		m.mu.Unlock()
		return txlog.ErrClosed
	}
	if err := ctx.Err(); err != nil && m.fault != ignoresContext {
		m.mu.Unlock()
		return err
	}
	return nil
}

func (m *memory) HasMark(ctx context.Context, mark txlog.Mark) (bool, error) {
	if err := m.enter(ctx); err != nil {
		return false, err
	}
	defer m.mu.Unlock()
	switch m.fault {
	case knowsAllMarks:
		return true, nil
	case knowsLatestMark:
		return m.marks[len(m.marks)-1] == mark, nil
	case knowsNumbers:
		return mark.Seq > 0 && mark.Seq <= int64(len(m.marks)), nil
	}
	return slices.Contains(m.marks, mark), nil
}

func (m *memory) Decide(ctx context.Context, id uuid.UUID, want txlog.Outcome, participants []txlog.Participant) (txlog.Outcome, error) {
	valid := want == txlog.Commit || want == txlog.Abort || m.fault == storesUnknown
	if !valid || id == uuid.Nil && m.fault != storesNil {
		return 0, txlog.ErrNotStored
	}
	if err := m.enter(ctx); err != nil {
		switch {
		case m.fault == closedSilent && errors.Is(err, txlog.ErrClosed), m.fault == ambiguousWhenEnded && ctx.Err() != nil:
			return 0, err
		case m.fault == storesThenComplains && ctx.Err() != nil:
			m.mu.Lock()
			m.decisions[id] = &txlog.Decision{ID: id, Outcome: want}
			m.mu.Unlock()
		}
		return 0, errors.Join(txlog.ErrNotStored, err)
	}
	defer m.mu.Unlock()
	d := m.decisions[id]
	if m.fault == checksThenWrites {
		m.mu.Unlock()
		runtime.Gosched()
		m.mu.Lock()
	}
	if d == nil || m.fault == lastWriteWins {
		if d == nil {
			m.order = append(m.order, id)
		}
		d = &txlog.Decision{ID: id, Outcome: want, Participants: slices.Clone(participants), At: time.Now(), By: m.mark.Seq}
		if m.fault == sortsParticipants {
			slices.SortFunc(d.Participants, func(a, b txlog.Participant) int { return strings.Compare(a.Name, b.Name) })
		}
		m.decisions[id] = d
	} else {
		switch m.fault {
		case keepsLoser:
			d.Participants = participants
		case decideUnfinishes:
			d.Finished = false
		case restampsOnEveryWrite:
			d.At = time.Now()
		case answersWanted:
			return want, nil
		}
	}
	m.seen[id] = *d
	return d.Outcome, nil
}

func (m *memory) Lookup(ctx context.Context, id uuid.UUID) (txlog.Decision, error) {
	if err := m.enter(ctx); err != nil {
		return txlog.Decision{}, err
	}
	defer m.mu.Unlock()
	if m.fault == privateCache {
		if d, ok := m.seen[id]; ok {
			return d, nil
		}
		if d, ok := m.decisions[id]; !ok || time.Since(d.At) < time.Millisecond {
			return txlog.Decision{}, txlog.ErrNoDecision
		}
	}
	if d, ok := m.decisions[id]; ok {
		return *d, nil
	}
	return txlog.Decision{}, txlog.ErrNoDecision
}

func (m *memory) Finish(ctx context.Context, id uuid.UUID) error {
	if err := m.enter(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	d := m.decisions[id]
	switch {
	case m.fault == lateFinish:
		m.late = append(m.late, id)
	case d == nil && m.fault == finishInvents:
		m.decisions[id] = &txlog.Decision{ID: id, Outcome: txlog.Abort, At: time.Now(), Finished: true}
	case d != nil && m.fault == finishDrops:
		delete(m.decisions, id)
	case d != nil:
		d.Finished = true
		m.late = append(m.late, id)
	}
	return nil
}

func (m *memory) Unfinished(ctx context.Context, after uuid.UUID, limit int) ([]txlog.Decision, error) {
	if err := m.enter(ctx); err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	ids := sorted(m.order)
	if m.fault == unordered {
		ids = m.order
	}
	var list []txlog.Decision
	n := 0
	for _, id := range ids {
		d := m.decisions[id]
		order := bytes.Compare(id[:], after[:])
		if d == nil || order < 0 || order == 0 && m.fault != inclusive || n >= limit && m.fault != ignoresLimit {
			continue
		}
		if m.fault == shortPages {
			n++
		}
		if d.Finished || m.fault == listsCommitsOnly && d.Outcome == txlog.Abort {
			continue
		}
		if list = append(list, *d); m.fault != shortPages {
			n++
		}
	}
	return list, nil
}

func (m *memory) Records(ctx context.Context, after uuid.UUID, limit int) ([]txlog.Decision, error) {
	if err := m.enter(ctx); err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	var list []txlog.Decision
	for _, id := range sorted(m.order) {
		d := m.decisions[id]
		if d != nil && bytes.Compare(id[:], after[:]) > 0 && len(list) < limit && (!d.Finished || m.fault != recordsUnfinished) {
			list = append(list, *d)
		}
	}
	return list, nil
}

func (m *memory) Openings(ctx context.Context, after int64, limit int) ([]txlog.Opening, error) {
	if err := m.enter(ctx); err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	var list []txlog.Opening
	for i, mark := range m.marks {
		if mark.Seq > after && len(list) < limit && (mark == m.mark || m.fault != hidesOpenings) {
			list = append(list, txlog.Opening{Mark: mark, At: m.at[i]})
		}
	}
	return list, nil
}

func (m *memory) Forget(ctx context.Context, age time.Duration) (int, error) {
	if err := m.enter(ctx); err != nil {
		return 0, err
	}
	defer m.mu.Unlock()
	if m.fault == forgetsInSeconds {
		age = age.Truncate(time.Second)
	}
	n := 0
	for _, id := range slices.Clone(m.order) {
		d := m.decisions[id]
		if d == nil || !d.Finished && m.fault != forgetsUnfinished ||
			time.Since(d.At) < age && m.fault != forgetsYoung ||
			n == 500 && m.fault == forgetsOnePage {
			continue
		}
		if m.fault != forgetsNothing {
			delete(m.decisions, id)
			m.order = slices.DeleteFunc(m.order, func(o uuid.UUID) bool { return o == id })
		}
		n++
	}
	if m.fault == miscounts {
		n += len(m.decisions)
	}
	return n, nil
}

func (m *memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.done {
		if m.fault == closesOnce {
			return txlog.ErrClosed
		}
		return nil
	}
	m.done = true
	m.closed = m.fault == closesAll
	switch m.fault {
	case losesAcknowledged:
		clear(m.decisions)
	case losesFinish, lateFinish:
		for _, id := range m.late {
			if d := m.decisions[id]; d != nil {
				d.Finished = m.fault == lateFinish
			}
		}
	}
	return nil
}
