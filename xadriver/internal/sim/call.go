package sim

import (
	"fmt"
	"strings"
)

// maxParts and maxProcs bound a world: participants, and processes (the one that
// commits, and two backups).
const (
	maxParts = 4
	maxProcs = 3
	maxCalls = 8 // outstanding at once in one process
)

// verb is what a call asks for.
type verb uint8

const (
	ask verb = iota
	commitPlain
	prepare
	commitPrepared
	rollbackPrepared
	rollback
	list       // a resolver lists a shard's prepared transactions
	lookup     // the register is read
	unfinished // the register lists what is left to finish
	decideCommit
	decideAbort
	finishRecord
	touchForeign // somebody finishes what is not ours: wrong at once
	passPrepare  // PREPARE by way of the shard's gate
	passCommit   // COMMIT by way of the shard's gate
	takeTurn     // a reader waits until no other closes gates
	giveTurn     // and lets another do so
	closeGate    // a reader closes a shard's gate
	openGate     // and opens it
	listGate     // the session that keeps it closed lists what is prepared there
	holders      // somebody asks who holds the gate
	snapshot     // a reader's branch begins, and has its snapshot from now on; arg&3 is the shard
	hurryCommit  // a resolver is asked to commit what is prepared
	hurryAbort   // the same, to roll back
	pause        // a reader waits a moment
)

var verbs = [...]string{
	"ask", "COMMIT", "PREPARE", "COMMIT PREPARED", "ROLLBACK PREPARED", "ROLLBACK", "list",
	"lookup", "unfinished", "decide commit", "decide abort", "finish record", "finish a foreign transaction",
	"gate and PREPARE", "gate and COMMIT", "turn on", "turn over on", "close", "open", "list behind the gate of", "who holds", "snapshot",
	"have it committed on", "have it rolled back on", "pause",
}

// op is a call: a verb and whom it concerns. For the register's decisions, arg is
// the set of participants given, as bits; for calls on a shard it is the shard.
type op struct {
	verb verb
	arg  uint8
}

func (o op) String() string {
	switch {
	case o.onShard():
		return verbs[o.verb] + " " + shardName(int(o.shard()))
	case o.verb == decideCommit || o.verb == decideAbort:
		return verbs[o.verb] + " {" + setName(o.arg) + "}"
	default:
		return verbs[o.verb]
	}
}

//go:norace
func (o op) onShard() bool { return o.verb <= list || o.verb >= touchForeign && o.verb < pause }

// passes tells requests that pass a gate.
//
//go:norace
func (o op) passes() bool { return o.verb == passPrepare || o.verb == passCommit }

//go:norace
func (o op) shard() uint8 { return o.arg & (maxParts - 1) }

// reads reports whether a call changes nothing where it arrives: then it is all the
// same whether the request or its answer was lost.
//
//go:norace
func (o op) reads() bool {
	switch o.verb {
	case ask, list, lookup, unfinished, listGate, holders, pause:
		return true
	default:
		return false
	}
}

// late is the bit of a request that may arrive any time later.
//
//go:norace
func (o op) late() uint32 {
	switch o.verb {
	case prepare:
		return 1 << o.arg
	case commitPlain:
		return 1 << (4 + o.arg)
	case commitPrepared:
		return 1 << (8 + o.arg)
	case rollbackPrepared:
		return 1 << (12 + o.arg)
	case decideCommit:
		return 1 << 16
	case finishRecord:
		return 1 << 17
	case decideAbort:
		for i := range uint8(maxParts) {
			if o.arg == 1<<i {
				return 1 << (18 + i)
			}
		}
		return 1 << 22
	case passPrepare:
		return 1 << (23 + o.arg)
	case passCommit:
		return 1 << (27 + o.arg)
	default:
		return 0
	}
}

// lateOps is the inverse of op.late, given who votes.
//
//go:norace
func lateOps(set uint32, voters uint8) []op {
	var ops []op
	for i := range uint8(maxParts) {
		for _, o := range []op{{prepare, i}, {commitPlain, i}, {commitPrepared, i}, {rollbackPrepared, i}, {decideAbort, 1 << i}, {passPrepare, i}, {passCommit, i}} {
			if set&o.late() != 0 {
				ops = append(ops, o)
			}
		}
	}
	for _, o := range []op{{decideCommit, voters}, {decideAbort, voters}, {finishRecord, 0}} {
		if bits := o.late(); bits >= 1<<16 && set&bits != 0 && (o.verb != decideAbort || bits == 1<<22) {
			ops = append(ops, o)
		}
	}
	return ops
}

// answer is what comes back from a call. Answers that carry a record have the bit
// isRecord, and are then the record itself: see record.
type answer uint8

const (
	none      answer = iota // the request is still on its way
	ok                      // done; a vote of yes; the transaction has not written
	wrote                   // the transaction has written
	refused                 // the server's word that it did not, and never will
	lost                    // no answer: it may or may not have been done
	gone                    // no such prepared transaction
	busy                    // somebody else is finishing it
	isCommit                // the register holds commit
	isAbort                 // the register holds abort
	notStored               // the register has stored nothing, provably
	unkept                  // done, but not durable: a mark that a crash of the log's owner loses
	noRecord                // the register holds no record
	absent                  // nothing is prepared here
	young                   // it is prepared, and looks young
	old                     // it is prepared, and looks old
	queued                  // the request waits at a gate
	held                    // the gate was held for longer than the reader's patience
	isRecord  answer = 0x40
)

var answers = [...]string{
	"", "ok", "wrote", "refused", "lost", "no such prepared transaction", "busy", "commit", "abort",
	"not stored", "ok, but not durable", "no record", "nothing prepared", "prepared, young", "prepared, old",
	"waits", "held",
}

func (a answer) String() string {
	if a&isRecord != 0 {
		return "record: " + record(a).String()
	}
	return answers[a]
}

// record is what the register holds about the transaction, in a byte: 0 for
// nothing; else isRecord, the outcome, whether it is finished, and the set of the
// participants.
type record uint8

const (
	recCommit   record = 0x20
	recFinished record = 0x10
)

func (r record) exists() bool   { return r != 0 }
func (r record) commits() bool  { return r.exists() && r&recCommit != 0 }
func (r record) aborts() bool   { return r.exists() && r&recCommit == 0 }
func (r record) finished() bool { return r&recFinished != 0 }
func (r record) parts() uint8   { return uint8(r & 0x0f) }

func (r record) String() string {
	if !r.exists() {
		return "none"
	}
	text := "abort"
	if r.commits() {
		text = "commit"
	}
	text += " {" + setName(r.parts()) + "}"
	if r.finished() {
		text += " finished"
	}
	return text
}

func shardName(i int) string { return string(rune('a' + i)) }

func setName(set uint8) string {
	var names []string
	for i := range maxParts {
		if set&(1<<i) != 0 {
			names = append(names, shardName(i))
		}
	}
	return strings.Join(names, ",")
}

func shardIndex(name string) uint8 {
	if len(name) != 1 || name[0] < 'a' || name[0] >= 'a'+maxParts {
		panic(fmt.Sprintf("no shard is called %q", name))
	}
	return name[0] - 'a'
}
