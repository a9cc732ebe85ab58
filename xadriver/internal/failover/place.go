// Package failover notices that a shard is another server than before, and finds out
// what the change has lost.
//
// A standby that takes over may not have received all that its primary had
// acknowledged. What counts here are votes: a transaction that was prepared there,
// and was then committed by the log, is half committed when the new primary knows
// nothing of it. PostgreSQL says enough to tell. Each server that takes over begins a
// new timeline at some position of the write-ahead log, and the log of decisions
// keeps for each vote on which timeline and before which position it was given. A
// vote of an older timeline beyond the position where that was left is lost; unless it
// was prepared when the new server was first looked at, since a vote's position is an
// upper bound. Nothing is finished on a new timeline before that look.
//
// What a shard is known to be is kept in the table _xapg.timeline of every shard, so
// that an old primary that comes back, and takes writes, is told from the new one by
// what the other shards say of it. What is lost is kept in _xapg.lost, on the shard that
// lost it, until somebody acknowledges it.
package failover

import (
	"fmt"
	"strconv"
	"strings"
)

// Place asks a server where it is: its timeline, as the beginning of the name of a
// file of the write-ahead log, and the position up to which that is on its disk: a
// vote that was just given is before it, and what finishes the vote will be behind it.
const Place = "SELECT pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_flush_lsn()), pg_catalog.pg_current_wal_flush_lsn()"

// PlaceOf is the server's answer in the form in which votes are kept, such as
// "1/0/16B3748"; "" when there is none.
func PlaceOf(row []string) string {
	if len(row) != 2 {
		return ""
	}
	p, ok := answered(row[0], row[1])
	if !ok {
		return ""
	}
	return p.String()
}

// Position is a place in a server's history.
type Position struct {
	Timeline uint32
	LSN      LSN
}

// LSN is a position in the write-ahead log.
type LSN uint64

func (l LSN) String() string { return fmt.Sprintf("%X/%X", uint64(l)>>32, uint32(l)) }

func (p Position) String() string {
	return strconv.FormatUint(uint64(p.Timeline), 10) + "/" + p.LSN.String()
}

// ParsePosition reads the place of a vote.
func ParsePosition(s string) (Position, bool) {
	timeline, lsn, ok := strings.Cut(s, "/")
	if !ok {
		return Position{}, false
	}
	n, err := strconv.ParseUint(timeline, 10, 32)
	l, good := parseLSN(lsn)
	return Position{uint32(n), l}, err == nil && n > 0 && good
}

func parseLSN(s string) (LSN, bool) {
	high, low, ok := strings.Cut(s, "/")
	h, err1 := strconv.ParseUint(high, 16, 32)
	l, err2 := strconv.ParseUint(low, 16, 32)
	return LSN(h<<32 | l), ok && err1 == nil && err2 == nil
}

// answered reads a server's answer to Place.
func answered(file, lsn string) (Position, bool) {
	const digits = 8 // of the timeline, in the name of a file
	if len(file) < digits {
		return Position{}, false
	}
	timeline, err := strconv.ParseUint(file[:digits], 16, 32)
	l, ok := parseLSN(lsn)
	return Position{uint32(timeline), l}, err == nil && ok && timeline > 0
}
