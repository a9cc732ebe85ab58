package txlog

import (
	"errors"
	"fmt"
)

// What a call on an open log may answer.
var (
	// ErrNoDecision: the log holds no decision on the transaction.
	ErrNoDecision = errors.New("txlog: no decision is stored")

	// ErrClosed: the log was closed. Decide's error then matches ErrNotStored,
	// too.
	ErrClosed = errors.New("txlog: log is closed")

	// ErrNotStored: this call of Decide has provably stored nothing and never
	// will, because the disk was full, the log was read-only, the context
	// ended before the store took the decision up, and the like. It comes with
	// its cause; match it with errors.Is.
	ErrNotStored = errors.New("txlog: decision not stored")
)

// ForeignError is returned when opening a log that is somebody else's: another
// cluster's, no log at all, or one of a newer version of this software. It has
// been left as it was.
type ForeignError struct {
	Log    string // where it is: a path or an address, without secrets
	Reason string // what it is instead, and what to do
}

func (e *ForeignError) Error() string {
	return fmt.Sprintf("txlog: %s cannot be used as the decision log: %s", e.Log, e.Reason)
}

// DamagedError is returned when a log's contents cannot be trusted any more.
type DamagedError struct {
	Log    string // where it is: a path or an address, without secrets
	Advice string // what to do
	Err    error  // what was found
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("txlog: the decision log %s is damaged: %v; %s", e.Log, e.Err, e.Advice)
}

// Unwrap returns what was found.
func (e *DamagedError) Unwrap() error { return e.Err }
