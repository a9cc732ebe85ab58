package sim

import (
	"errors"

	"github.com/xapg/xapg/xadriver/internal/commit"
)

// wrote3 is what a participant did, and what is known of that without asking.
type wrote3 uint8

// What participants do in a transaction.
const (
	Writer      wrote3 = iota // it wrote, and that is known
	MaybeWriter               // it wrote, which only its server knows
	MaybeReader               // it did not write, which only its server knows
	Reader                    // it did not write, and that is known
)

func (w wrote3) known() commit.Wrote {
	return [...]commit.Wrote{commit.Yes, commit.Maybe, commit.Maybe, commit.No}[w]
}

func (w wrote3) writes() bool { return w <= MaybeWriter }

// told is what the application was told by Commit.
type told uint8

const (
	nothing told = iota
	committed
	inDoubt
	rolledBack
)

func (t told) String() string {
	return [...]string{"nothing", "committed", "in doubt", "rolled back"}[t]
}

func toldBy(err error) told {
	var doubt *commit.InDoubtError
	switch {
	case err == nil:
		return committed
	case errors.As(err, &doubt):
		return inDoubt
	default:
		return rolledBack
	}
}

// branch is the state of the transaction's part on a shard.
type branch uint8

const (
	open      branch = iota // under way, not prepared: it does not survive a restart
	prepared                // it voted yes
	done                    // committed
	votedNo                 // refused by the server, and rolled back
	neverMade               // rolled back without a vote: by request, with its connection, or by a restart
	undone                  // rolled back after it was prepared
)

var branches = [...]string{"open", "prepared", "committed", "voted no", "rolled back unprepared", "rolled back"}

func (b branch) String() string { return branches[b] }

func (b branch) aborted() bool { return b >= votedNo }
func (b branch) voted() bool   { return b == prepared || b == done || b == undone }

// Fault is a kind of thing that goes wrong. How often each may in a run is bounded;
// everything else that can happen (the order of all events, how old a transaction
// looks, whether and when a backup sweeps) is not.
type Fault uint8

// The faults.
const (
	Crash   Fault = iota // the committing process dies, with its own resolver
	Backup               // a backup dies in the midst of a sweep
	Restart              // a shard restarts: unprepared work is lost, connections break
	Message              // between a process and a shard: a request lost or late, an answer lost
	Store                // of the register: not stored, stored with the answer lost, stored later
	No                   // a shard votes no
	Cancel               // the application's context ends during Commit
	Timeout              // the coordinator's own bounds run out
	faults
)

// Budget says how often each fault may happen in a run.
type Budget [faults]uint8

// World is what is explored: a transaction, processes, and the bound.
type World struct {
	Name    string
	Parts   []wrote3
	Faults  Budget
	Own     uint8 // sweeps of the committing process's own resolver
	Backups uint8 // processes that only resolve, up to two
	Rounds  uint8 // sweeps of each of them

	Committer Program // zero: the real one
	Resolver  Program // of the backups; zero: the real one
	Exact     bool    // see Program.Exact
	Swift     bool    // answers travel in no time: see the package comment
	Ripe      bool    // what is prepared looks old to every sweep: see the package comment

	// Mutants of the world itself.
	LastWriteWins bool // the register stores what it is told, every time
	Volatile      bool // what is prepared does not survive a restart
	ForgetsAtOnce bool // the log may drop a finished record at any time
	StateLimit    int  // stop there, unfinished; 0 is none
}

// process is one process in a state of the world.
type process struct {
	alive  bool
	rounds uint8 // sweeps that it may still begin
	node   uint32
	status [maxCalls]answer // of its outstanding calls: none, or the answer that is on its way
}

// state is a state of the world: comparable, and all that matters for what follows.
type state struct {
	parts [maxParts]branch
	reg   record
	told  told
	late  uint32 // requests that may still arrive, any number of times: see op.late
	left  Budget
	procs [maxProcs]process
}

//go:norace
func (w *World) writers() (set uint8) {
	for i, p := range w.Parts {
		if p.writes() {
			set |= 1 << i
		}
	}
	return set
}

// serve lets a request take effect, with one of the answers that options lists.
//
//go:norace
func (w *World) serve(s *state, o op, a answer) {
	switch o.verb {
	case commitPlain, prepare, passCommit, passPrepare:
		switch {
		case s.parts[o.arg] != open:
		case a == refused:
			s.parts[o.arg] = votedNo
		case o.verb == prepare || o.verb == passPrepare:
			s.parts[o.arg] = prepared
		default:
			s.parts[o.arg] = done
		}
	case commitPrepared, rollbackPrepared:
		if s.parts[o.arg] != prepared || a == busy {
			return
		}
		s.parts[o.arg] = undone
		if o.verb == commitPrepared {
			s.parts[o.arg] = done
		}
	case rollback:
		if s.parts[o.arg] == open {
			s.parts[o.arg] = neverMade
		}
	case decideCommit, decideAbort:
		if a == notStored || s.reg.exists() && !w.LastWriteWins {
			return
		}
		s.reg = record(isRecord) | record(o.arg)
		if o.verb == decideCommit {
			s.reg |= recCommit
		}
	case finishRecord:
		if s.reg.exists() && a != unkept {
			s.reg |= recFinished
		}
	}
}

// options lists the answers that a request may get, if it arrives now. Those beyond
// the first are choices of the world.
//
//go:norace
func (w *World) options(s *state, o op) []answer {
	var at branch
	if o.onShard() {
		at = s.parts[o.arg]
	}
	switch o.verb {
	case ask:
		switch {
		case at != open:
			return []answer{lost}
		case w.Parts[o.arg].writes():
			return []answer{wrote}
		}
		return []answer{ok}
	case commitPlain, prepare, passCommit, passPrepare:
		switch {
		case at != open: // its connection broke
			return []answer{lost}
		case s.left[No] > 0:
			return []answer{ok, refused}
		}
		return []answer{ok}
	case commitPrepared, rollbackPrepared:
		if at == prepared {
			return []answer{ok}
		}
		return []answer{gone}
	case list:
		switch {
		case at == prepared && w.Ripe:
			return []answer{old}
		case at == prepared:
			return []answer{old, young}
		}
		return []answer{absent}
	case lookup:
		if s.reg.exists() {
			return []answer{answer(s.reg)}
		}
		return []answer{noRecord}
	case unfinished:
		if s.reg.exists() && !s.reg.finished() {
			return []answer{answer(s.reg)}
		}
		return []answer{noRecord}
	case decideCommit, decideAbort:
		holds := isAbort
		if s.reg.commits() || (!s.reg.exists() || w.LastWriteWins) && o.verb == decideCommit {
			holds = isCommit
		}
		if w.LastWriteWins && o.verb == decideAbort {
			holds = isAbort
		}
		if s.left[Store] > 0 {
			return []answer{holds, notStored}
		}
		return []answer{holds}
	case finishRecord:
		if s.left[Store] > 0 {
			return []answer{ok, unkept}
		}
		return []answer{ok}
	default:
		return []answer{ok}
	}
}

// tidy drops late requests that can have no effect any more, and gives up open
// branches that nobody can reach any more: their server rolls them back.
//
//go:norace
func (w *World) tidy(s *state) {
	for _, o := range lateOps(s.late, w.writers()) {
		switch o.verb {
		case prepare, commitPlain, passPrepare, passCommit:
			if s.parts[o.arg] == open {
				continue
			}
		case commitPrepared, rollbackPrepared:
			if s.parts[o.arg] == open || s.parts[o.arg] == prepared {
				continue
			}
		case decideCommit, decideAbort:
			if !s.reg.exists() || w.LastWriteWins {
				continue
			}
		case finishRecord:
			if !s.reg.finished() {
				continue
			}
		}
		s.late &^= o.late()
	}
	if !s.procs[0].alive {
		for i := range w.Parts {
			if s.parts[i] == open && s.late&unborn(uint8(i)) == 0 {
				s.parts[i] = neverMade
			}
		}
	}
}

// unborn are the late requests that keep an open branch waiting for them.
//
//go:norace
func unborn(i uint8) uint32 {
	return op{prepare, i}.late() | op{commitPlain, i}.late() | op{passPrepare, i}.late() | op{passCommit, i}.late()
}
