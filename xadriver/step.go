package xadriver

import "github.com/xapg/xapg/xadriver/internal/commit"

// Step is one step of the commit protocol, as Config.OnStep sees it: which point
// was reached, for which transaction and, where it concerns one, on which shard.
type Step = commit.Step

// Point names a point of the commit protocol.
type Point = commit.Point

// The points, in the order in which a two-phase commit passes them.
const (
	BeforeAsk      = commit.BeforeAsk      // about to ask a shard whether it wrote
	AfterAsk       = commit.AfterAsk       // it has answered, or not
	BeforeCommit   = commit.BeforeCommit   // about to COMMIT a reader or an only writer
	AfterCommit    = commit.AfterCommit    // it has answered, or not
	BeforePrepare  = commit.BeforePrepare  // about to PREPARE TRANSACTION on a shard
	AfterPrepare   = commit.AfterPrepare   // it has voted, or not
	BeforeDecide   = commit.BeforeDecide   // all votes are yes; nothing is decided
	AfterDecide    = commit.AfterDecide    // the decision log has answered
	BeforeFinish   = commit.BeforeFinish   // about to COMMIT or ROLLBACK PREPARED on a shard
	AfterFinish    = commit.AfterFinish    // it has answered, or not
	BeforeRollback = commit.BeforeRollback // about to ROLLBACK what is not prepared
	AfterRollback  = commit.AfterRollback  // it has answered, or not
	BeforeForget   = commit.BeforeForget   // all shards have answered
)
