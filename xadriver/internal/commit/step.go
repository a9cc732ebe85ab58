package commit

import (
	"context"

	"github.com/google/uuid"
)

// Point names a place in the protocol at which it can be watched or, in a
// test, stopped for good.
type Point string

// The points, in the order in which a two-phase commit passes them.
const (
	BeforeAsk      Point = "before_ask"      // about to ask a shard whether it wrote
	AfterAsk       Point = "after_ask"       //
	BeforeCommit   Point = "before_commit"   // about to COMMIT a reader or an only writer
	AfterCommit    Point = "after_commit"    //
	BeforePrepare  Point = "before_prepare"  // about to PREPARE TRANSACTION on a shard
	AfterPrepare   Point = "after_prepare"   // the shard has answered, or not
	BeforeDecide   Point = "before_decide"   // all votes are yes; nothing is stored
	AfterDecide    Point = "after_decide"    // the register has answered
	BeforeFinish   Point = "before_finish"   // about to COMMIT or ROLLBACK PREPARED on a shard
	AfterFinish    Point = "after_finish"    //
	BeforeRollback Point = "before_rollback" // about to ROLLBACK what is not prepared
	AfterRollback  Point = "after_rollback"  //
	BeforeForget   Point = "before_forget"   // all shards have answered; the record is not marked yet
)

// Points lists every point, for tests that visit them all.
func Points() []Point {
	return []Point{
		BeforeAsk, AfterAsk, BeforeCommit, AfterCommit, BeforePrepare, AfterPrepare,
		BeforeDecide, AfterDecide, BeforeFinish, AfterFinish, BeforeRollback, AfterRollback, BeforeForget,
	}
}

// Step is one passing of a point.
type Step struct {
	Point Point
	Txn   uuid.UUID // uuid.Nil while the transaction has no id
	Shard string    // empty at the points that concern the register
}

// Phase is what is done between two points.
type Phase string

// The phases: each has a point before it and one after it.
const (
	Ask      Phase = "ask"      // a shard is asked whether it wrote
	Alone    Phase = "commit"   // a reader or an only writer commits
	Prepare  Phase = "prepare"  // a shard votes
	Decide   Phase = "decide"   // the register stores the decision
	Finish   Phase = "finish"   // a shard hears of it
	Rollback Phase = "rollback" // a shard that is not prepared rolls back
)

// Watch is told of a phase that begins: for which transaction, which is uuid.Nil
// while it has no id, and on which shard, "" for the register. It returns the
// context for what is done within, and what to call when that is over.
type Watch func(ctx context.Context, phase Phase, id uuid.UUID, shard string) (context.Context, func(error))

// phase does f between its two points.
func (c *Coordinator) phase(ctx context.Context, phase Phase, id uuid.UUID, p Participant, f func(context.Context) error) error {
	if c.Observe != nil {
		c.observe(Point("before_"+phase), id, p)
		defer c.observe(Point("after_"+phase), id, p)
	}
	if c.Watch == nil {
		return f(ctx)
	}
	shard := ""
	if p != nil {
		shard = p.Shard()
	}
	ctx, end := c.Watch(ctx, phase, id, shard)
	err := f(ctx)
	end(err)
	return err
}

func (c *Coordinator) observe(at Point, id uuid.UUID, p Participant) {
	if c.Observe == nil {
		return
	}
	s := Step{Point: at, Txn: id}
	if p != nil {
		s.Shard = p.Shard()
	}
	c.Observe(s)
}
