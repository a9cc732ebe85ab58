package shardmap

import (
	"encoding/binary"
	"math/bits"
)

// Seed is the one that PostgreSQL gives the hash functions for PARTITION BY HASH
// (HASH_PARTITION_SEED); as an argument in SQL it is 8816678312871386365.
const Seed uint64 = 0x7A5B22367996DCFD

// hashInit is the initial state for a key of n bytes.
func hashInit(n int, seed uint64) (a, b, c uint32) {
	a = 0x9e3779b9 + uint32(n) + 3923095
	b, c = a, a
	if seed != 0 {
		a, b, c = mix(a+uint32(seed>>32), b+uint32(seed), c)
	}
	return a, b, c
}

// hashBytes is hash_bytes_extended of PostgreSQL's src/common/hashfn.c, which is
// Bob Jenkins' lookup3. PostgreSQL has a second path for aligned input on
// little-endian machines that gives the same result.
func hashBytes(k string, seed uint64) uint64 {
	a, b, c := hashInit(len(k), seed)
	for len(k) >= 12 {
		a, b, c = mix(a+word(k, 0), b+word(k, 4), c+word(k, 8))
		k = k[12:]
	}
	var tail [12]byte
	copy(tail[:], k)
	a += binary.LittleEndian.Uint32(tail[0:])
	b += binary.LittleEndian.Uint32(tail[4:])
	// The lowest byte of c is kept for the length.
	c += binary.LittleEndian.Uint32(tail[8:]) << 8
	return final(a, b, c)
}

func word(s string, i int) uint32 {
	return uint32(s[i]) | uint32(s[i+1])<<8 | uint32(s[i+2])<<16 | uint32(s[i+3])<<24
}

// hashUint32 is hash_bytes_uint32_extended.
func hashUint32(k uint32, seed uint64) uint64 {
	a, b, c := hashInit(4, seed)
	return final(a+k, b, c)
}

// hashInt is hashint8extended, and with it the functions of the smaller integers:
// the upper half is folded in so that equal numbers of any width hash alike.
func hashInt(v int64, seed uint64) uint64 {
	lo, hi := uint32(v), uint32(v>>32)
	if v < 0 {
		hi = ^hi
	}
	return hashUint32(lo^hi, seed)
}

// hashUUID is uuid_hash_extended: hashBytes of the sixteen bytes.
func hashUUID(hi, lo, seed uint64) uint64 {
	a, b, c := hashInit(16, seed)
	a, b, c = mix(a+bits.ReverseBytes32(uint32(hi>>32)), b+bits.ReverseBytes32(uint32(hi)), c+bits.ReverseBytes32(uint32(lo>>32)))
	return final(a+bits.ReverseBytes32(uint32(lo)), b, c)
}

func mix(a, b, c uint32) (uint32, uint32, uint32) {
	a -= c
	a ^= bits.RotateLeft32(c, 4)
	c += b
	b -= a
	b ^= bits.RotateLeft32(a, 6)
	a += c
	c -= b
	c ^= bits.RotateLeft32(b, 8)
	b += a
	a -= c
	a ^= bits.RotateLeft32(c, 16)
	c += b
	b -= a
	b ^= bits.RotateLeft32(a, 19)
	a += c
	c -= b
	c ^= bits.RotateLeft32(b, 4)
	b += a
	return a, b, c
}

func final(a, b, c uint32) uint64 {
	c ^= b
	c -= bits.RotateLeft32(b, 14)
	a ^= c
	a -= bits.RotateLeft32(c, 11)
	b ^= a
	b -= bits.RotateLeft32(a, 25)
	c ^= b
	c -= bits.RotateLeft32(b, 16)
	a ^= c
	a -= bits.RotateLeft32(c, 4)
	b ^= a
	b -= bits.RotateLeft32(a, 14)
	c ^= b
	c -= bits.RotateLeft32(b, 24)
	return uint64(b)<<32 | uint64(c)
}
