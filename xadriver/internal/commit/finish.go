package commit

import (
	"context"

	"github.com/xapg/xapg/txlog"
)

// finish tells every prepared part that the transaction is committed. It returns
// when all have answered, or when the caller's context or FinishWait ends the
// wait; what is still running then goes on without the caller.
func (r *round) finish(ctx context.Context) {
	done := make(chan struct{})
	if ctx.Done() == nil {
		r.finishAll(ctx, done)
		return
	}
	r.c.late.Go(func() { r.finishAll(ctx, done) })
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// finishAll owns the parts: it releases each when it has answered, and hands
// those that did not answer to the successor.
func (r *round) finishAll(ctx context.Context, done chan<- struct{}) {
	defer close(done)
	c := r.c
	ctx, cancel := c.finishing(ctx)
	defer cancel()

	var first, last []*part
	for i := range r.parts {
		if p := &r.parts[i]; p.last {
			last = append(last, p)
		} else {
			first = append(first, p)
		}
	}
	finish := func(p *part) {
		defer p.Release()
		if p.state != prepared {
			return
		}
		err := c.phase(ctx, Finish, r.id, p, func(ctx context.Context) error { return p.CommitPrepared(ctx, p.gid) })
		// A resolver that was faster is the only reason for this very gid to be
		// gone: the decision is stored, so nobody can have rolled it back.
		if err == nil || Gone(err) && (c.Gone == nil || c.Gone(p.Shard(), p.vote)) {
			p.state = over
		}
	}
	each(first, finish)
	each(last, finish)
	if left := r.shards(isPrepared); len(left) > 0 {
		c.Successor.Finish(r.id, txlog.Commit, r.shards(func(p *part) bool { return p.gid != "" }), true)
		if c.Await != nil {
			c.Await(ctx, r.id)
		}
		return
	}
	c.observe(BeforeForget, r.id, nil)
	// Only a record that stays open longer than needed is at stake: recovery
	// closes it. No caller can do anything about it.
	_ = c.Register.Finish(context.WithoutCancel(ctx), r.id)
}
