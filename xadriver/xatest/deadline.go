package xatest

import (
	"context"
	"sync"
)

// Deadline is a context whose deadline comes when Pass is called: then a test knows what
// it comes in the midst of. It has its parent's values, and nothing else of it.
type Deadline struct {
	context.Context
	once   sync.Once
	passed chan struct{}
}

// NewDeadline makes a context whose deadline is still to come.
func NewDeadline(parent context.Context) *Deadline {
	return &Deadline{Context: context.WithoutCancel(parent), passed: make(chan struct{})}
}

// Pass lets the deadline come, once. It may be called concurrently.
func (d *Deadline) Pass() { d.once.Do(func() { close(d.passed) }) }

// Done implements context.Context.
func (d *Deadline) Done() <-chan struct{} { return d.passed }

// Err implements context.Context.
func (d *Deadline) Err() error {
	select {
	case <-d.passed:
		return context.DeadlineExceeded
	default:
		return nil
	}
}
