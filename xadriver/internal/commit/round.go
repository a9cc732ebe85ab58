package commit

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/xapg/xapg/txlog"
)

// state is how far one participant has come.
type state uint8

const (
	open     state = iota // its transaction is open
	over                  // committed, rolled back, or never prepared: nothing is left
	prepared              // it voted yes
	unknown               // it may be prepared, now or later
)

// part is a participant in a round.
type part struct {
	Participant
	wrote Wrote
	state state
	gid   string
	last  bool   // others wait for its locks until the rest is visible
	vote  string // where its vote is, in its own terms
}

// round is one run of the protocol over several participants.
type round struct {
	c     *Coordinator
	id    uuid.UUID
	parts []part
	begun time.Time // before the first vote; zero where nobody looks

	mu    sync.Mutex
	first error // the error that came first, which is the one to report
}

func (r *round) count(w Wrote) (n int) {
	for i := range r.parts {
		if r.parts[i].wrote == w {
			n++
		}
	}
	return n
}

// keepLocks makes parts that hold locks for their own sake end after the others have
// become visible, whether they wrote themselves or not: as writers, that is.
func (r *round) keepLocks() {
	writes := false
	for i := range r.parts {
		p := &r.parts[i]
		k, ok := p.Participant.(Keeping)
		p.last = ok && k.Keeps()
		writes = writes || p.wrote == Yes || !p.last && p.wrote == Maybe
	}
	for i := range r.parts {
		if p := &r.parts[i]; p.last && writes {
			p.wrote = Yes
		}
	}
}

func (r *round) shards(which func(*part) bool) []string {
	var names []string
	for i := range r.parts {
		if which == nil || which(&r.parts[i]) {
			names = append(names, r.parts[i].Shard())
		}
	}
	return names
}

// voters are the parts that voted yes, as the register keeps them.
func (r *round) voters() []txlog.Participant {
	var list []txlog.Participant
	for i := range r.parts {
		if p := &r.parts[i]; isPrepared(p) {
			list = append(list, txlog.Participant{Name: p.Shard(), Vote: p.vote})
		}
	}
	return list
}

// run calls f for all parts at once that which selects, and reports the first error so far.
func (r *round) run(which func(*part) bool, f func(*part) error) error {
	var chosen []*part
	for i := range r.parts {
		if which(&r.parts[i]) {
			chosen = append(chosen, &r.parts[i])
		}
	}
	each(chosen, func(p *part) {
		if err := f(p); err != nil {
			r.fail(err)
		}
	})
	return r.first
}

func (r *round) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.first == nil {
		r.first = err
	}
}

// ask settles, for all parts of which it is not known, whether they wrote.
func (r *round) ask(ctx context.Context) error {
	return r.run(func(p *part) bool { return p.wrote == Maybe }, func(p *part) error { return r.askOne(ctx, p) })
}

func (r *round) askOne(ctx context.Context, p *part) error {
	var wrote bool
	err := r.c.phase(ctx, Ask, r.id, p, func(ctx context.Context) (err error) {
		wrote, err = p.Ask(ctx)
		return err
	})
	if err != nil {
		return err
	}
	p.wrote = No
	if wrote {
		p.wrote = Yes
	}
	return nil
}

// commitReader ends a part that wrote nothing. Under SERIALIZABLE this may
// fail, and then everything must.
func (r *round) commitReader(ctx context.Context, p *part) error {
	err := r.c.phase(ctx, Alone, r.id, p, p.Commit)
	p.state = over
	return err
}

// onePhase commits the readers and then the only part that may have written.
func (r *round) onePhase(ctx context.Context) (Outcome, error) {
	err := r.run(func(p *part) bool { return p.wrote == No }, func(p *part) error { return r.commitReader(ctx, p) })
	if err != nil {
		r.abort(ctx)
		return Outcome{Kind: r.planned(ReadOnly, OnePhase)}, err
	}
	kind := ReadOnly
	for i := range r.parts {
		p := &r.parts[i]
		if p.state != open {
			continue
		}
		kind = OnePhase
		_ = gate(p.Participant)
		err = r.c.phase(ctx, Alone, r.id, p, func(ctx context.Context) error { return r.c.commitOne(ctx, p) })
		p.state = over
		if err != nil && Lost(err) {
			err = &InDoubtError{Shards: []string{p.Shard()}, Cause: err}
		}
	}
	r.release()
	return Outcome{Kind: kind}, err
}

// planned is what the commit would have been.
func (r *round) planned(none, some Kind) Kind {
	if r.count(Yes)+r.count(Maybe) == 0 {
		return none
	}
	return some
}

func (r *round) release() {
	for i := range r.parts {
		r.parts[i].Release()
	}
}
