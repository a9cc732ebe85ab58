package commit

import (
	"fmt"
	"strings"

	"github.com/google/uuid"
)

// InDoubtError says that the outcome of a transaction cannot be known now. It is
// committed on all shards or on none; the successor finds out and finishes it.
type InDoubtError struct {
	ID     uuid.UUID // uuid.Nil when it was a one-phase COMMIT whose answer was lost
	Shards []string
	Cause  error
}

func (e *InDoubtError) Error() string {
	if e.ID == uuid.Nil {
		return fmt.Sprintf("the answer to COMMIT on shard %s was lost: the transaction may be committed or rolled back: %v",
			strings.Join(e.Shards, ", "), e.Cause)
	}
	return fmt.Sprintf("transaction %s on shards %s is in doubt, and is being resolved: %v",
		e.ID, strings.Join(e.Shards, ", "), e.Cause)
}

// Unwrap gives the cause.
func (e *InDoubtError) Unwrap() error { return e.Cause }

// OverruledError says that somebody who took this coordinator for dead stored
// "abort" first: the transaction is rolled back on all shards.
type OverruledError struct {
	ID     uuid.UUID
	Shards []string
}

func (e *OverruledError) Error() string {
	return fmt.Sprintf("transaction %s on shards %s was rolled back: it took so long to commit that its coordinator was presumed dead; run it again",
		e.ID, strings.Join(e.Shards, ", "))
}

// UndecidedError says that the decision could not be stored, provably, and the
// transaction is therefore rolled back on all shards.
type UndecidedError struct {
	ID    uuid.UUID
	Cause error
}

func (e *UndecidedError) Error() string {
	return fmt.Sprintf("transaction %s was rolled back, because its decision could not be stored: %v", e.ID, e.Cause)
}

// Unwrap gives the cause.
func (e *UndecidedError) Unwrap() error { return e.Cause }
