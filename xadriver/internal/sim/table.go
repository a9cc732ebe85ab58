package sim

import "encoding/binary"

// packed is a state in nine words, without any gaps.
type packed [9]uint64

//go:norace
func (s *state) pack() (k packed) {
	for i, b := range s.parts {
		k[0] |= uint64(b) << (8 * i)
	}
	k[0] |= uint64(s.reg)<<32 | uint64(s.told)<<40
	k[1] = uint64(s.late)
	k[2] = binary.LittleEndian.Uint64(s.left[:])
	for i := range s.procs {
		p := &s.procs[i]
		k[3+2*i] = uint64(p.node) | uint64(p.rounds)<<32
		if p.alive {
			k[3+2*i] |= 1 << 40
		}
		var status uint64
		for j, a := range p.status {
			status |= uint64(a) << (8 * j)
		}
		k[4+2*i] = status
	}
	return k
}

//go:norace
func (k *packed) unpack() (s state) {
	for i := range s.parts {
		s.parts[i] = branch(k[0] >> (8 * i))
	}
	s.reg, s.told = record(k[0]>>32), told(k[0]>>40)
	s.late = uint32(k[1])
	binary.LittleEndian.PutUint64(s.left[:], k[2])
	for i := range s.procs {
		p := &s.procs[i]
		p.node, p.rounds, p.alive = uint32(k[3+2*i]), uint8(k[3+2*i]>>32), k[3+2*i]>>40 != 0
		for j := range p.status {
			p.status[j] = answer(k[4+2*i] >> (8 * j))
		}
	}
	return s
}

// hashed is what a table keeps.
type hashed interface {
	comparable
	hash() uint64
}

// table is a set of states, numbered in the order in which they came. The states
// themselves are kept, not hashes of them: no two are ever mixed up.
type table[K hashed] struct {
	slots  []uint32 // number + 1; a power of two of them
	states []K
}

// add tells whether a state is new.
//
//go:norace
func (t *table[K]) add(k K) bool {
	if 2*len(t.states) >= len(t.slots) {
		t.grow()
	}
	for i := k.hash(); ; i++ {
		slot := &t.slots[i&uint64(len(t.slots)-1)]
		if *slot == 0 {
			t.states = append(t.states, k)
			*slot = uint32(len(t.states))
			return true
		}
		if t.states[*slot-1] == k {
			return false
		}
	}
}

//go:norace
func (t *table[K]) has(k K) bool {
	if len(t.states) == 0 {
		return false
	}
	for i := k.hash(); ; i++ {
		slot := t.slots[i&uint64(len(t.slots)-1)]
		if slot == 0 || t.states[slot-1] == k {
			return slot != 0
		}
	}
}

//go:norace
func (t *table[K]) grow() {
	t.slots = make([]uint32, max(1024, 4*len(t.slots)))
	for n := range t.states {
		i := t.states[n].hash()
		for t.slots[i&uint64(len(t.slots)-1)] != 0 {
			i++
		}
		t.slots[i&uint64(len(t.slots)-1)] = uint32(n + 1)
	}
}

//go:norace
func (k packed) hash() uint64 {
	return hashWords(k[:])
}

//go:norace
func hashWords(words []uint64) uint64 {
	h := uint64(0x9e3779b97f4a7c15)
	for _, w := range words {
		h = (h ^ w) * 0xff51afd7ed558ccd
		h ^= h >> 32
	}
	return h
}
