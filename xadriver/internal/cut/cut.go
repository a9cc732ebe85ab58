// Package cut lets readers of several shards see one state of all of them.
//
// Each shard has a snapshot of its own, and a transaction over several shards becomes
// visible on one of them a moment before it does on another: who reads both in between
// sees half of it. So every writer passes a gate, a lock that many may hold, and a
// reader closes the gates of all shards while it takes its snapshots.
//
// A writer passes one gate only, that of one of the shards on which it wrote, with the
// message that carries its PREPARE TRANSACTION, or its COMMIT where it wrote on one
// shard. The lock is the transaction's: it survives PREPARE and every crash, and ends
// after what it guards has become visible. When a reader has closed the gates of all
// shards, each transaction over several shards is therefore either decided, and then
// finished where it passed the gate, or not decided, and will not be until that gate
// opens again: it cannot be without the vote of the shard whose gate it waits for. Of
// the decided ones some may be unfinished elsewhere. These are prepared there, and the
// decision log tells them from the undecided; the reader waits for them, or has them
// finished. Then the snapshots are one state: that of the moment at which the last gate
// was closed, with all that was decided by then. As no writer of a single shard commits
// in the meantime either, who saw something and wrote something else because of it is
// never seen without what he saw.
//
// Writers never wait for one gate while they hold another, nor for anything else but the
// log once they hold one, so that a reader and writers do not wait for each other in a
// circle. Two readers could, through writers that queue between them, and so they take
// turns: readers of one process share a cut, and processes queue for a lock of their
// own before they close any gate. A reader that finds a gate held for longer than Patience gives all of them up, so that nobody
// waits behind it for a transaction whose coordinator has died; it waits for that one
// without holding anything, and tries again.
//
// Fences against fractured reads are as old as the term (P. Bailis et al., "Scalable
// Atomic Visibility with RAMP Transactions", SIGMOD 2014, names the anomaly); that the
// lock is one per transaction, and the rest is read from a decision log, is ours.
package cut

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/xapg/xapg/txlog"
)

// Register is the part of the decision log that is needed here.
type Register interface {
	Lookup(ctx context.Context, id uuid.UUID) (txlog.Decision, error)
}

// Shard is one shard's gate, as a reader sees it. Its methods may be called
// concurrently.
type Shard interface {
	Name() string
	// Close closes the gate to writers, and returns when none holds it. The error is
	// ErrHeld when somebody holds it for longer than the reader's patience.
	Close(ctx context.Context) (Gate, error)
	// Turn waits until no other reader is about to close gates, and keeps others from it
	// until it is given up. It is asked of one shard, the same for all readers.
	Turn(ctx context.Context) (Turn, error)
	// Holders tells which writers hold the gate now.
	Holders(ctx context.Context) ([]Holder, error)
}

// Gate is a closed gate. Its methods are called by one goroutine at a time.
type Gate interface {
	// Prepared lists the transactions of our log that are prepared on the shard now,
	// that is at some moment during the call.
	Prepared(ctx context.Context) ([]uuid.UUID, error)
	// Open lets writers pass again. An error means that the gate may have opened by
	// itself earlier: what was seen since it was closed is worth nothing. It is open
	// afterwards in any case, at the latest when the shard misses us.
	Open(ctx context.Context) error
}

// Turn is a reader's right to close gates.
type Turn interface {
	// End gives it up. It cannot fail: the shard ends it when it misses us.
	End(ctx context.Context)
}

// Holder is a writer that holds a gate.
type Holder struct {
	ID    uuid.UUID // of a transaction of our log that is prepared, else uuid.Nil
	Token string    // tells this hold from others: it is the same as long as it lasts
}

// ErrHeld says that a gate was held for longer than the reader's patience.
var ErrHeld = errors.New("a writer holds the gate")

// Finisher has transactions finished that are decided, where somebody has left them.
type Finisher interface {
	// Hurry makes sure that a shard learns the outcome of a transaction. It returns at
	// once, and may be called again and again.
	Hurry(id uuid.UUID, outcome txlog.Outcome, shard string)
}

// Options of a Keeper. All durations are by the clock that Pause and Timeout know.
type Options struct {
	Register Register
	Shards   []Shard
	Finisher Finisher
	// Wait bounds how long a cut may take; 0 is no bound.
	Wait time.Duration
	// Hold bounds how long the gates are kept closed for transactions that are decided
	// and not finished, and for readers to take their snapshots.
	Hold time.Duration
	// Share is which part of the time, from 0 to 1, the gates may be closed while cuts
	// are wanted again and again; 0 is no bound. Clock is needed for it.
	Share float64
	Clock func() time.Time
	// Pause waits, or until the context ends, whose error it then returns.
	Pause func(ctx context.Context, d time.Duration) error
	// Timeout bounds a context, as context.WithTimeout does by the real clock.
	Timeout func(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc)
}
