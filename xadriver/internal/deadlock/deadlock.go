// Package deadlock finds transactions that wait for each other in a circle that runs
// over several servers, none of which sees it, and cancels the youngest of them.
//
// Whose session is whose, anybody must be able to tell from the servers alone: the
// transactions are those of many processes on many hosts. A transaction over several
// shards therefore takes a shared advisory lock with each of its branches but the
// first, in the message that carries BEGIN or the first statement. Its key names the
// transaction and the session of the first branch (see Key). It is seen in pg_locks,
// survives PREPARE TRANSACTION, and nobody ever waits for it. Parts that are prepared
// also tell the transaction by their name. A transaction of a single shard needs no
// key: it is its session.
//
// One look at all shards gives who waits for whom. It is no picture of one moment, so a
// circle counts only when a second look finds every wait of it again: the same session
// in the same transaction has waited since the same time, for the same transaction.
// Then all these waits existed at once, between the two looks. As everybody in it waits
// for somebody in it, such a circle does not end by itself.
//
// All who look find the same victim: the transaction that began last. Its own process
// cancels it, and nobody else, so that one goes where several processes see the circle.
// Only when the circle is still there some seconds later, because that process
// stands still or the victim is no session of ours, does anybody cancel it. A session
// is cancelled only while it is at that very wait. Circles within one server are left
// to that server, which ends them itself.
package deadlock

import (
	"encoding/binary"
	"fmt"

	"github.com/google/uuid"
)

// Of a key's 64 bits, 32 are the transaction's, 10 tell the shard of its first branch,
// and 22 the process there: no process id is greater (PID_MAX_LIMIT of Linux).
const (
	shardBits = 10
	pidBits   = 22
)

// Key is the advisory lock by which the sessions of a transaction know each other.
type Key int64

// MakeKey makes the key of a transaction whose first branch is the session of a server
// process on a shard, by its number among the names of all shards in ascending order.
// It is 0, which is none, where there is no room for the shard.
func MakeKey(txn uuid.UUID, shard int, pid uint32) Key {
	if shard < 0 || shard >= 1<<shardBits || pid >= 1<<pidBits {
		return 0
	}
	return Key(uint64(tagOf(txn))<<(shardBits+pidBits) | uint64(shard)<<pidBits | uint64(pid)) //nolint:gosec // the bits are what counts
}

// tag is what a key tells of a transaction's id: its last 32 bits, which are random, and
// which people recognize.
type tag uint32

func tagOf(txn uuid.UUID) tag { return tag(binary.BigEndian.Uint32(txn[12:])) }

func (t tag) String() string { return fmt.Sprintf("%08x", uint32(t)) }

func (k Key) tag() tag   { return tag(uint64(k) >> (shardBits + pidBits)) } //nolint:gosec // as above
func (k Key) shard() int { return int(uint64(k) >> pidBits & (1<<shardBits - 1)) }
func (k Key) pid() int   { return int(uint64(k) & (1<<pidBits - 1)) }

// Take is the statement that takes a key's lock. It never waits, as all take it shared.
func (k Key) Take() string {
	return fmt.Sprintf("SELECT pg_catalog.pg_advisory_xact_lock_shared(%d)", int64(k))
}
