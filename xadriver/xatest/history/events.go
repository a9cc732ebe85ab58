package main

import (
	"encoding/json"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/xapg/xapg/xadriver/xatest/history/check"
)

// event is one line that a child says of a transaction. Each is with the parent before
// the child goes on: what is in the pipe survives the child.
type event struct {
	E        string        `json:"e"`
	ID       int64         `json:"id,omitempty"`
	Session  int64         `json:"session,omitempty"`
	Shape    string        `json:"shape,omitempty"`
	Confined bool          `json:"confined,omitempty"`
	At       int64         `json:"at,omitempty"` // by the host's monotonic clock, in nanoseconds
	Ops      []check.Op    `json:"ops,omitempty"`
	Outcome  check.Outcome `json:"outcome,omitempty"`
	Audit    *audit        `json:"audit,omitempty"`
	Err      string        `json:"err,omitempty"`
}

// audit is what a transaction saw of all accounts; each balance only where their sum is
// not what it must be.
type audit struct {
	Statement bool            `json:"statement,omitempty"` // by one statement
	Balances  map[int64]int64 `json:"balances,omitempty"`
}

// What children say.
const (
	saysHello  = "hello"  // it is ready
	saysBegin  = "begin"  // before the first statement; Ops are what it will append
	saysSaw    = "saw"    // before Commit; Ops are what it did and saw
	saysTold   = "told"   // before the next transaction; Outcome
	saysDying  = "dying"  // it kills itself
	saysFailed = "failed" // it cannot go on; Err
)

// voice says events on the standard output.
type voice struct{ mu sync.Mutex }

func (v *voice) say(e event) {
	line, err := json.Marshal(e)
	if err != nil {
		panic(err) // all of its fields can be marshaled
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if _, err := os.Stdout.Write(append(line, '\n')); err != nil {
		os.Exit(4) // whoever listens is gone
	}
}

// monotonic is the host's own clock, the same in all of its processes.
func monotonic() int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		panic(err) // every system of ours has it
	}
	return ts.Nano()
}
