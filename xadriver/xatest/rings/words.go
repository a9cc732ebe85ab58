package main

import (
	"encoding/json"
	"os"
	"sync"
)

// childEnv holds a child's spec.
const childEnv = "XAPG_RINGS_CHILD"

// spec is all that a child knows from the start.
type spec struct {
	Slot int    `json:"slot"`
	DSN  string `json:"dsn"`
}

// childSpec is this process's spec, if it is a child.
func childSpec() (s spec, ok bool, err error) {
	raw := os.Getenv(childEnv)
	if raw == "" {
		return s, false, nil
	}
	err = json.Unmarshal([]byte(raw), &s)
	return s, true, err
}

// What children are told.
const (
	doTake  = "take"  // begin a transaction and have the thing; then wait for doWant
	doWant  = "want"  // ask for the neighbour's thing, and commit
	doQueue = "queue" // run transactions without a circle
)

// order is one line that a child is told.
type order struct {
	Do     string    `json:"do"`
	Ring   int       `json:"ring,omitempty"`
	Member int       `json:"member,omitempty"`
	Have   statement `json:"have"`
	Want   statement `json:"want"`
	Delay  int64     `json:"delay,omitempty"` // in nanoseconds
	Bound  int64     `json:"bound,omitempty"` // after which a member gives up
	Queue  *queue    `json:"queue,omitempty"`
}

// What children say.
const (
	saysHello  = "hello"  // it is ready
	saysHas    = "has"    // a member has its thing; Began, Had
	saysEnded  = "ended"  // a member has ended; Asked, Ended, Code and so on
	saysQueued = "queued" // all its transactions without a circle are done; Tally
	saysFailed = "failed" // it cannot go on; Err
)

// event is one line that a child says. Times are by the host's monotonic clock, in
// nanoseconds.
type event struct {
	E      string `json:"e"`
	Ring   int    `json:"ring,omitempty"`
	Member int    `json:"member,omitempty"`
	Began  int64  `json:"began,omitempty"` // before the first statement was sent
	Had    int64  `json:"had,omitempty"`   // after it was answered
	Asked  int64  `json:"asked,omitempty"` // before the second statement was sent
	Ended  int64  `json:"ended,omitempty"` // after its answer, if that was an error; else after the commit
	Code   string `json:"code,omitempty"`  // of the error; empty when it committed
	Err    string `json:"err,omitempty"`
	Detail string `json:"detail,omitempty"`
	Stage  string `json:"stage,omitempty"` // in which it failed: take, want or commit
	Tally  *tally `json:"tally,omitempty"`
}

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
