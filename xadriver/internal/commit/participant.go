package commit

import (
	"context"
	"errors"
	"sync"

	"github.com/google/uuid"
)

// Wrote is what is known, without asking, about a participant's writes.
type Wrote uint8

// The answers of Participant.Wrote.
const (
	No    Wrote = iota // it cannot have written anything
	Maybe              // only the server can tell
	Yes                // it wrote
)

// Participant is one shard's part of a transaction: an open transaction on one
// connection. Its methods are called by one goroutine at a time.
//
// An error for which Lost reports true means that the server's answer is not
// known: it may or may not have done what it was asked. Any other error is the
// server's word that it did not.
type Participant interface {
	// Shard is the name of the shard.
	Shard() string
	// Wrote tells what is known without a round trip.
	Wrote() Wrote
	// Ask asks the server whether the transaction has written.
	Ask(ctx context.Context) (bool, error)
	// Commit is the plain COMMIT.
	Commit(ctx context.Context) error
	// Prepare votes: a nil error is a yes that survives any crash of the shard. It
	// comes with the place of the vote in the shard's own history (see
	// txlog.Participant), or with "". An error leaves no open transaction behind.
	Prepare(ctx context.Context, gid string) (vote string, err error)
	// CommitPrepared and RollbackPrepared finish a prepared transaction. An error
	// for which Gone reports true means that the shard knows no such gid.
	CommitPrepared(ctx context.Context, gid string) error
	RollbackPrepared(ctx context.Context, gid string) error
	// Rollback ends a transaction that is not prepared. A broken connection is
	// not an error: the server rolls back by itself.
	Rollback(ctx context.Context)
	// Release gives the connection back. It is the last call.
	Release()
}

// Named is a participant whose branch had to be given its name when it began, before
// anybody knew that the commit would need one: the transaction has that id.
type Named interface {
	Txn() uuid.UUID
}

// Keeping is a participant that may hold locks which others take for the sake of mutual
// exclusion, such as advisory ones: who gets them must see all of the transaction.
type Keeping interface {
	Keeps() bool
}

// Gated is a participant whose shard has a gate that readers of several shards close
// while they take their snapshots; see package cut.
type Gated interface {
	// Gate lets the next Prepare or Commit pass the gate, and reports whether there is
	// one. It is called until one participant that wrote has said so, and for no other
	// after that: a transaction that waits for one gate must not hold another.
	Gate() bool
}

// gate lets a participant's next step pass its shard's gate, and reports whether it has one.
func gate(p Participant) bool {
	g, ok := p.(Gated)
	return ok && g.Gate()
}

// errors that participants wrap around a server's or a network's answer.
var (
	// ErrLost marks an error after which the server's answer is not known.
	ErrLost = errors.New("the server's answer was lost")
	// ErrGone marks the answer that no prepared transaction of that name exists.
	ErrGone = errors.New("no such prepared transaction")
)

// Lost reports whether err leaves open what the server did.
func Lost(err error) bool { return errors.Is(err, ErrLost) }

// Gone reports whether err says that the prepared transaction does not exist.
func Gone(err error) bool { return errors.Is(err, ErrGone) }

// each calls f for all items at once and waits. The first runs on the caller's
// goroutine, so that a transaction of n shards starts n-1.
func each[T any](items []T, f func(T)) {
	if len(items) == 0 {
		return
	}
	var wg sync.WaitGroup
	for _, item := range items[1:] {
		wg.Go(func() { f(item) })
	}
	f(items[0])
	wg.Wait()
}
