package commit

import "github.com/google/uuid"

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
