package main

import (
	"encoding/json"
	"os"
	"sync"
)

// told is what an application was told of a transaction.
type told string

const (
	committed  told = "committed"
	rolledBack told = "rolled back"
	inDoubt    told = "in doubt"
	untold     told = "untold" // it ended before it could be told
)

// event is one line that a child says. Each is with the parent before the child goes
// on: what is in the pipe survives the child.
type event struct {
	E       string   `json:"e"`
	ID      int64    `json:"id,omitempty"`
	Kind    string   `json:"kind,omitempty"`
	On      []int    `json:"on,omitempty"`   // the shards that it writes
	Mask    int      `json:"mask,omitempty"` // of a counter: its set of shards
	At      int64    `json:"at,omitempty"`   // by the host's monotonic clock, in nanoseconds
	Told    told     `json:"told,omitempty"`
	Reads   []read   `json:"reads,omitempty"`
	Appends []string `json:"appends,omitempty"` // the lists that it appends to
	Locked  bool     `json:"locked,omitempty"`  // it has locked all it read
	Opening int64    `json:"opening,omitempty"` // of the log, by this process
	Point   string   `json:"point,omitempty"`
	Err     string   `json:"err,omitempty"`
	Why     string   `json:"why,omitempty"` // the kind of the error
}

// What children say.
const (
	saysHello    = "hello"    // it is ready; Opening
	saysBegin    = "begin"    // before the first statement; ID, Kind, On, Mask, At
	saysSaw      = "saw"      // before Commit; ID, Reads, Appends, Locked
	saysTold     = "told"     // before the next transaction; ID, Told, At
	saysDying    = "dying"    // it kills itself; Point
	saysSleeping = "sleeping" // it stops itself; Point
	saysPaused   = "paused"   // nothing is under way any more
	saysFailed   = "failed"   // it cannot go on; Err
)

// What children are told.
const (
	doPause = "pause"
	doGo    = "go"
	logGood = "log good"
	logFull = "log full" // every decision is refused
	logLost = "log lost" // decisions are stored, and then the answer is an error
)

// read is what a transaction read of a list.
type read struct {
	Key string  `json:"k"`
	V   []int64 `json:"v"`
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
