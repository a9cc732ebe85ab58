// Package txlog keeps what was decided about distributed transactions.
//
// A transaction that has written on several shards is first prepared on each of
// them, which promises that either end is still possible. Which end it gets is
// then decided in one place, once: in a register that maps the transaction's id
// to commit or abort. [Log.Decide] stores an outcome if none is stored and tells
// which one is stored; the first to ask wins and everybody else, whenever and
// from wherever they ask, is told the same. The transaction is committed at the
// moment when "commit" is durable in the register, and not before.
//
// # Presumed abort
//
// A coordinator that dies before it decides leaves no record, so no record has to
// mean abort. It may not merely be presumed, though: the coordinator may only be
// slow, and decide to commit a moment later. Whoever finds a prepared transaction
// without a decision first stores abort in the register, and rolls back only if
// that is what the register then holds. The late coordinator is told abort and
// obeys. That makes any number of resolvers safe, on any host that reaches the
// log, with no lease, no leader and no clock that two of them would have to share.
// See C. Mohan, B. Lindsay and R. Obermarck, "Transaction Management in the R*
// Distributed Database Management System" (1986) for presumed abort, and J. Gray
// and L. Lamport, "Consensus on Transaction Commit" (2006) for the register.
//
// # A record's life
//
// A decision is unfinished until every participant has carried it out
// ([Log.Finish]); [Log.Unfinished] lists those for recovery. Finished ones are
// kept for a while, since a standby that is promoted with a little loss may bring
// back a prepared transaction, and then dropped ([Log.Forget]).
//
// # One register
//
// All this holds only while there is one register. A copy of it, or one restored
// from a backup, would decide again what is decided already. Each opening
// therefore leaves a [Mark] in the log, which is also left on the shards: a log
// that does not have the shards' latest mark is not the one they obeyed last.
//
// # Stores
//
// Package txlog/sqlitelog keeps the register in a file of one host and is the default;
// txlog/pglog keeps it in a table of any PostgreSQL and txlog/etcdlog in etcd, for
// several hosts. [Open] finds them by URL, and a register can be moved from one to
// another ([Mover]). Package txlog/txlogtest is the conformance suite for stores.
package txlog

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// Log is a register of decisions, and durable.
//
// All methods may be called at any time by any number of goroutines, and any
// number of openings, in one process or several, may share a register. After
// Close, every method but Identity, Mark and Close fails with [ErrClosed].
type Log interface {
	// Identity tells which log this is. It is the same for every opening.
	Identity() Identity

	// Mark is what this opening left in the log. It was durable there before
	// the log was handed to its opener.
	Mark() Mark

	// HasMark tells whether m is one of this log's marks, from whichever
	// opening. A log never drops a mark.
	HasMark(ctx context.Context, m Mark) (bool, error)

	// Decide stores want as the outcome of transaction id, unless one is stored
	// already, and returns the stored one, which may not be the wanted one. It
	// is durable before Decide returns. Participants are those who must carry
	// the decision out; they are kept, in this order, when this call stores the
	// outcome, and ignored when it does not.
	//
	// The context bounds only the wait for the store to take the decision up.
	// Once that has happened Decide waits for the definite answer, whatever
	// becomes of the context.
	//
	// An error that matches [ErrNotStored] proves that this call has not stored,
	// and never will store, anything; it tells nothing about what others, or
	// earlier calls, have stored. Any other error leaves open whether the
	// outcome was stored; to find out, call Decide again. An outcome other
	// than Commit and Abort and the nil id are refused with ErrNotStored.
	Decide(ctx context.Context, id uuid.UUID, want Outcome, participants []Participant) (Outcome, error)

	// Lookup returns the decision on transaction id, or [ErrNoDecision]. What
	// it returns is durable. That there is no decision holds for that moment
	// only: who needs it to stay so must Decide.
	Lookup(ctx context.Context, id uuid.UUID) (Decision, error)

	// Finish notes that every participant has carried out the decision on id.
	// This opening's later calls see it at once. It may become durable, and
	// visible to other openings, somewhat later (about a second, or Close): if
	// it is lost in a crash, recovery merely asks the participants once more.
	// Finishing what is finished, forgotten or was never decided does nothing.
	Finish(ctx context.Context, id uuid.UUID) error

	// Unfinished returns up to limit unfinished decisions with ids greater than
	// after, in ascending order of ids (bytewise). Begin with [uuid.Nil] and go
	// on with the last id returned; fewer than limit means that there are no
	// more. A limit below 1 returns none.
	Unfinished(ctx context.Context, after uuid.UUID, limit int) ([]Decision, error)

	// Records is Unfinished for all decisions that the log still has, the finished
	// ones among them.
	Records(ctx context.Context, after uuid.UUID, limit int) ([]Decision, error)

	// Openings returns up to limit openings with marks greater than after, in
	// ascending order, beginning with 0: who has opened the log, and when. Nothing
	// is told of whether they still have it open.
	Openings(ctx context.Context, after int64, limit int) ([]Opening, error)

	// Forget drops finished decisions that were made age ago or earlier, by the
	// log's own clock, and tells how many. It may be interrupted through the
	// context between records: the number is right in any case. A forgotten
	// transaction can be decided anew, so nothing may be left of it.
	Forget(ctx context.Context, age time.Duration) (int, error)

	// Close makes durable what Finish left pending, and releases the log. Calls
	// under way are answered first. Closing again does nothing.
	Close() error
}

// Outcome is how a transaction ends.
type Outcome uint8

// Outcomes. Their numbers are stored and do not change.
const (
	Unknown Outcome = 0 // no decision; never stored
	Commit  Outcome = 1
	Abort   Outcome = 2
)

// String returns "unknown", "commit" or "abort".
func (o Outcome) String() string {
	switch o {
	case Commit:
		return "commit"
	case Abort:
		return "abort"
	default:
		return "unknown"
	}
}

// Decision is what the log holds about one transaction.
type Decision struct {
	ID           uuid.UUID
	Outcome      Outcome
	Participants []Participant // as given by whoever decided, in that order
	At           time.Time     // when it was stored, by the log's clock
	By           int64         // the mark (Mark.Seq) of the opening that stored it
	Finished     bool          // every participant has carried it out
}

// Participant is one of those who carry a decision out.
type Participant struct {
	Name string // of the shard, or of another resource
	// Vote tells where the participant's own history has its vote, in terms of its
	// own: for PostgreSQL a timeline and a position in the write-ahead log, such as
	// "1/0/16B3748". It is what can tell, after a failover, whether a vote was lost.
	// Empty where that is not known. At most 100 bytes.
	Vote string
}

// Identity names a log.
type Identity struct {
	Cluster string // whose transactions it decides
	ID      string // 12 random characters of a-z and 2-7, stored in the log
}

// Opening is what is known of one opening of a log.
type Opening struct {
	Mark Mark
	By   string    // who opened it: a host, a process, a program; "" where nobody said
	At   time.Time // when, by the log's clock
}

// Mark is the trace of one opening of a log. Marks are comparable; the one with
// the greater Seq is the later one of the same log.
type Mark struct {
	Seq int64     // 1 for the log's first opening, and growing
	ID  uuid.UUID // random: tells a log from its copy
}

// Checker is implemented by logs that can tell whether their store keeps decisions as
// safely as it should.
type Checker interface {
	// Check looks at the store. An error means that it could not be asked.
	Check(ctx context.Context) ([]Warning, error)
}

// Warning is one thing that was looked at.
type Warning struct {
	What string // that was looked at, such as "synchronous standbys"
	OK   bool   // nothing to warn of
	Note string // what was found, and what to do
}
