package sim

import "time"

// maxShards and maxCuts bound a world with readers.
const (
	maxShards  = 3
	maxReaders = 2
	maxCuts    = 2
)

// CutFault is a kind of thing that goes wrong with readers.
type CutFault uint8

// The faults.
const (
	Dies     CutFault = iota // a reader's process dies; shards miss it at any later time
	Idle                     // a shard opens a gate although its reader lives
	Patience                 // a reader gives up at a gate
	Pauses                   // a reader's pause ends: a bound on how often it tries
	cutFaults
)

// CutBudget says how often each may happen in a run; many is any number of times.
type CutBudget [cutFaults]uint8

const many = 255

// CutWorld is a world with readers: the transaction of World, on the first of several
// shards that have gates, another writer of one shard that begins after it has seen the
// transaction on some shard, and readers that want to see all shards as they were at one
// moment.
type CutWorld struct {
	World
	Shards  int   // up to maxShards; the transaction's parts are on the first of them
	Other   int8  // the shard on which the other writer writes; -1: there is none
	Blind   bool  // the other writer begins at any time, and has seen nothing
	Cuts    uint8 // how many are wanted
	Shared  bool  // by one process, at once; else each by a process of its own
	Limits  CutBudget
	Patient bool          // without faults nobody has to lose patience
	Hold    time.Duration // see cut.Options; zero is very short: one look, a pause, another look

	Reader Program // zero: the real one
	Writer Program // the other writer; zero: the real one

	Endless bool // fair runs are not followed
	Travel  bool // answers travel, and can be lost on their way; else they are there at once: see World.Swift

	// Mutants of the world itself.
	OpensAtPrepare bool // the lock that passes a gate ends at PREPARE
}

// The sessions that wait at gates. The session of a reader that has gone, or has lost
// its connection, stays until its shard misses it.
const (
	nobody     uint8 = iota
	theWriter        // the transaction's
	theOther         // the other writer's
	theReaders       // two for each reader: its own, and one that is left of it
)

func sessionOf(reader uint8) uint8 { return theReaders + 2*reader }
func leftOf(reader uint8) uint8    { return theReaders + 2*reader + 1 }

// theTurn is among the gates the lock for which readers queue before they close any: it
// is on the first shard.
const theTurn = maxShards

// gateState is a shard's gate: the readers' sessions that keep it closed, as bits, and who
// waits, four bits each, the first in the lowest. Writers that hold it are not kept
// here: the transaction does while it is prepared, and a COMMIT takes no time.
type gateState struct {
	shut  uint8
	queue uint32
}

// view is one cut.
type view struct {
	begun bool
	ended told // committed: it was had
	must  uint8
	seen  [maxShards]uint8
}

// What is seen on a shard, or must be: that a snapshot was taken, the transaction, the
// other writer's.
const (
	seesShard uint8 = 1 << iota
	seesTxn
	seesOther
)

// cutState is a state of a world with readers.
type cutState struct {
	state
	other     process
	readers   [maxReaders]process
	gates     [maxShards + 1]gateState // the last is the readers' turn
	views     [maxCuts]view
	limits    CutBudget
	passed    uint8 // the shards whose gate the transaction has passed
	otherAt   branch
	otherTold told
	otherLate bool // its request may still come
	begun     bool // the other writer
}

// cutPacked is such a state without any gaps.
type cutPacked [21]uint64

//go:norace
func (k cutPacked) hash() uint64 { return hashWords(k[:]) }

//go:norace
func (s *cutState) pack() (k cutPacked) {
	base := s.state.pack()
	copy(k[:], base[:])
	packProcess(&s.other, k[9:11])
	for i := range s.readers {
		packProcess(&s.readers[i], k[11+2*i:13+2*i])
	}
	for i, g := range s.gates {
		k[15+i] = uint64(g.queue)<<8 | uint64(g.shut)
	}
	for i := range s.views {
		v := &s.views[i]
		word := uint64(v.ended)<<1 | uint64(v.must)<<4 | one(v.begun)
		for j, seen := range v.seen {
			word |= uint64(seen) << (8 + 4*j)
		}
		k[19] |= word << (32 * i)
	}
	for i, n := range s.limits {
		k[20] |= uint64(n) << (8 * i)
	}
	k[20] |= uint64(s.passed)<<32 | uint64(s.otherAt)<<40 | uint64(s.otherTold)<<48 | one(s.otherLate)<<56 | one(s.begun)<<57
	return k
}

//go:norace
func (k *cutPacked) unpack() (s cutState) {
	base := packed(k[:9])
	s.state = base.unpack()
	s.other = unpackProcess(k[9:11])
	for i := range s.readers {
		s.readers[i] = unpackProcess(k[11+2*i : 13+2*i])
	}
	for i := range s.gates {
		s.gates[i] = gateState{shut: uint8(k[15+i]), queue: uint32(k[15+i] >> 8)}
	}
	for i := range s.views {
		v, word := &s.views[i], k[19]>>(32*i)
		v.begun, v.ended, v.must = word&1 != 0, told(word>>1&7), uint8(word>>4&15)
		for j := range v.seen {
			v.seen[j] = uint8(word >> (8 + 4*j) & 15)
		}
	}
	for i := range s.limits {
		s.limits[i] = uint8(k[20] >> (8 * i))
	}
	s.passed, s.otherAt, s.otherTold = uint8(k[20]>>32), branch(k[20]>>40&255), told(k[20]>>48&255)
	s.otherLate, s.begun = k[20]>>56&1 != 0, k[20]>>57&1 != 0
	return s
}

//go:norace
func one(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

//go:norace
func packProcess(p *process, into []uint64) {
	into[0] = uint64(p.node) | uint64(p.rounds)<<32 | one(p.alive)<<40
	into[1] = 0
	for j, a := range p.status {
		into[1] |= uint64(a) << (8 * j)
	}
}

//go:norace
func unpackProcess(from []uint64) (p process) {
	p.node, p.rounds, p.alive = uint32(from[0]), uint8(from[0]>>32), from[0]>>40 != 0
	for j := range p.status {
		p.status[j] = answer(from[1] >> (8 * j))
	}
	return p
}
