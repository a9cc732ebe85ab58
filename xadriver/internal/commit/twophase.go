package commit

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/xapg/xapg/txlog"
)

// twoPhase prepares, decides and finishes.
func (r *round) twoPhase(ctx context.Context) (Outcome, error) {
	c := r.c
	if c.Register == nil {
		r.abort(ctx)
		return Outcome{ID: r.id, Kind: TwoPhase}, errors.New("a transaction that wrote on several shards needs a decision log")
	}
	if err := c.Ready(ctx, r.shards(func(p *part) bool { return p.wrote != No })); err != nil {
		r.abort(ctx)
		return Outcome{ID: r.id, Kind: TwoPhase}, err
	}
	id, err := r.newID()
	if err != nil {
		r.abort(ctx)
		return Outcome{ID: r.id, Kind: TwoPhase}, fmt.Errorf("no transaction id: %w", err)
	}
	r.id = id
	if c.Keep > 0 {
		r.begun = c.Clock()
	}
	if err := r.vote(ctx); err != nil {
		r.abort(ctx)
		return Outcome{ID: r.id, Kind: TwoPhase}, err
	}
	// A caller who has given up by now is told the truth at once; a moment later
	// it would be too late to turn back.
	if err := ctx.Err(); err != nil {
		r.abort(ctx)
		return Outcome{ID: r.id, Kind: TwoPhase}, err
	}

	if c.Trust != nil {
		if err := c.Trust(r.id, r.voters()); err != nil {
			r.abort(ctx)
			return Outcome{ID: r.id, Kind: TwoPhase}, err
		}
	}

	out := Outcome{ID: id, Kind: TwoPhase}
	outcome, err := r.decide(ctx)
	if err == nil && r.slept() {
		err = errSlept
	}
	switch {
	case err != nil && errors.Is(err, txlog.ErrNotStored):
		// Nobody else ever stores "commit" for this transaction, so none is stored.
		r.abort(ctx)
		return out, &UndecidedError{ID: id, Cause: err}
	case err != nil:
		shards := r.shards(isPrepared)
		c.Successor.Settle(id, shards)
		r.release()
		return out, &InDoubtError{ID: id, Shards: shards, Cause: err}
	case outcome != txlog.Commit:
		shards := r.shards(isPrepared)
		r.abort(ctx)
		return out, &OverruledError{ID: id, Shards: shards}
	}
	r.finish(ctx)
	return out, nil
}

// errSlept is why a coordinator does not believe the register.
var errSlept = errors.New("this process stood still for so long that others may have decided, finished and forgotten the transaction")

// slept tells that this coordinator has stood still (SIGSTOP, a host that was
// suspended) for so long that the register may have forgotten what it once held: a
// resolver may have stored "abort", rolled back, and dropped the record, so that our
// "commit" was stored once more, and decides nothing. It looks after the register has
// answered, so that no pause goes unnoticed, and only at its own clock, of which both
// readings are taken: the monotonic one does not count a suspended host, the other may
// be set back.
func (r *round) slept() bool {
	if r.c.Keep <= 0 {
		return false
	}
	now := r.c.Clock()
	return max(now.Sub(r.begun), now.Round(0).Sub(r.begun.Round(0))) > r.c.Keep/2
}

// newID is the id that the transaction has already, or a new one.
func (r *round) newID() (uuid.UUID, error) {
	for i := range r.parts {
		if p, ok := r.parts[i].Participant.(Named); ok && p.Txn() != uuid.Nil {
			return p.Txn(), nil
		}
	}
	return r.c.NewID()
}

// vote lets every part that wrote prepare, and commits the others beside them.
func (r *round) vote(ctx context.Context) error {
	if r.c.AnswerWait > 0 {
		var cancel context.CancelFunc
		ctx, cancel = r.c.Timeout(ctx, r.c.AnswerWait)
		defer cancel()
	}
	if !r.gateOne() && r.count(Maybe) > 0 {
		if err := r.ask(ctx); err != nil {
			return err
		}
		r.gateOne()
	}
	return r.run(func(*part) bool { return true }, func(p *part) error {
		if p.wrote == Maybe {
			if err := r.askOne(ctx, p); err != nil {
				return err
			}
		}
		if p.wrote == No {
			return r.commitReader(ctx, p)
		}
		return r.prepare(ctx, p)
	})
}

// gateOne lets one part pass its shard's gate that is known to have written.
func (r *round) gateOne() bool {
	for i := range r.parts {
		if p := &r.parts[i]; p.wrote == Yes && gate(p.Participant) {
			return true
		}
	}
	return false
}

func (r *round) prepare(ctx context.Context, p *part) error {
	p.gid = r.c.Name(r.id, p.Shard())
	err := r.c.phase(ctx, Prepare, r.id, p, func(ctx context.Context) (err error) {
		p.vote, err = p.Prepare(ctx, p.gid)
		return err
	})
	switch {
	case err == nil:
		p.state = prepared
	case Lost(err):
		p.state = unknown
	default:
		p.state = over
	}
	return err
}

// decide stores "commit" and returns what the register holds. When it is not
// known whether that was stored, storing "abort" settles it one way or the
// other: the register answers with whatever came first.
func (r *round) decide(ctx context.Context) (txlog.Outcome, error) {
	c, voters := r.c, r.voters()
	if r.slept() { // seen in time: nothing was stored
		return txlog.Unknown, fmt.Errorf("%w: %w", txlog.ErrNotStored, errSlept)
	}
	ctx, cancel := c.finishing(ctx)
	defer cancel()
	var outcome txlog.Outcome
	err := c.phase(ctx, Decide, r.id, nil, func(ctx context.Context) (err error) {
		outcome, err = c.Register.Decide(ctx, r.id, txlog.Commit, voters)
		if err != nil && !errors.Is(err, txlog.ErrNotStored) {
			if settled, again := c.Register.Decide(ctx, r.id, txlog.Abort, voters); again == nil {
				outcome, err = settled, nil
			}
		}
		return err
	})
	return outcome, err
}

// abort rolls every part back and releases it. What cannot be reached is left to
// the successor; it needs no record, since none that says "commit" can appear.
func (r *round) abort(ctx context.Context) {
	c := r.c
	ctx, cancel := c.finishing(ctx)
	defer cancel()
	var all []*part
	for i := range r.parts {
		all = append(all, &r.parts[i])
	}
	each(all, func(p *part) {
		defer p.Release()
		switch p.state {
		case open:
			_ = c.phase(ctx, Rollback, r.id, p, func(ctx context.Context) error {
				p.Rollback(ctx)
				return nil
			})
		case prepared:
			err := c.phase(ctx, Finish, r.id, p, func(ctx context.Context) error { return p.RollbackPrepared(ctx, p.gid) })
			if err != nil && !Gone(err) {
				c.Successor.Finish(r.id, txlog.Abort, []string{p.Shard()}, false)
			}
		case unknown:
			c.Successor.Finish(r.id, txlog.Abort, []string{p.Shard()}, false)
		case over:
		}
	})
}

func isPrepared(p *part) bool { return p.state == prepared }
