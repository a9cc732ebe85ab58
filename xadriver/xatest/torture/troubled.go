package main

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/google/uuid"

	"github.com/xapg/xapg/txlog"
)

// troubledLog is a log that may refuse, or lose answers.
type troubledLog struct {
	txlog.Log
	trouble atomic.Pointer[string]
}

var (
	errFull = errors.New("there is no room in the decision log")
	errLost = errors.New("the answer of the decision log was lost")
)

// noRoom proves that nothing was stored.
type noRoom struct{ error }

func (e noRoom) Unwrap() []error { return []error{e.error, txlog.ErrNotStored} }

// Decide implements txlog.Log.
func (l *troubledLog) Decide(ctx context.Context, id uuid.UUID, want txlog.Outcome, voters []txlog.Participant) (txlog.Outcome, error) {
	trouble := ""
	if t := l.trouble.Load(); t != nil {
		trouble = *t
	}
	if trouble == logFull {
		return txlog.Unknown, noRoom{errFull}
	}
	outcome, err := l.Log.Decide(ctx, id, want, voters)
	if err == nil && trouble == logLost {
		return txlog.Unknown, errLost
	}
	return outcome, err
}
