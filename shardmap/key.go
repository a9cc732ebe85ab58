package shardmap

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Key is a value of a key column. Keys are comparable with ==: equal keys are
// equal values to PostgreSQL, also where the types differ but are of one kind
// (smallint, integer and bigint; text and varchar). The zero Key is no value.
type Key struct {
	family family
	null   bool
	n      int64  // integers, dates, timestamps, bools; first half of a UUID; weight of a numeric
	m      uint64 // second half of a UUID; class of a numeric
	s      string // texts, byteas; digits of a numeric
}

func intKey(v int64) Key { return Key{family: integers, n: v} }

func uuidKey(b []byte) Key {
	k := Key{family: uuids}
	var hi uint64
	for i := range 8 {
		hi = hi<<8 | uint64(b[i])
		k.m = k.m<<8 | uint64(b[8+i])
	}
	k.n = int64(hi)
	return k
}

// IsNull tells whether the key is NULL, which no row of a sharded table can have.
func (k Key) IsNull() bool { return k.null }

// Hash is the extended hash that PostgreSQL's hash operator class of the key's
// type gives, which is 0 for NULL.
func (k Key) Hash(seed uint64) uint64 {
	if k.null {
		return 0
	}
	switch k.family {
	case integers, dates, timestamps, instants, bools:
		return hashInt(k.n, seed)
	case uuids:
		return hashUUID(uint64(k.n), k.m, seed)
	case texts, paddedTexts, byteas:
		return hashBytes(k.s, seed)
	case numerics:
		return k.hashNumeric(seed)
	default:
		return 0
	}
}

// compare orders keys of one family as their type's operators do, text byte by byte.
func (k Key) compare(o Key) int {
	switch k.family {
	case uuids:
		if c := cmp(uint64(k.n), uint64(o.n)); c != 0 {
			return c
		}
		return cmp(k.m, o.m)
	case texts, paddedTexts, byteas:
		return strings.Compare(k.s, o.s)
	case numerics:
		return k.compareNumeric(o)
	default:
		return cmp(k.n, o.n)
	}
}

func cmp[T int64 | uint64](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	default:
		return 0
	}
}

// String shows the key for messages: quoted where it is text, and never more than
// 40 characters of it.
func (k Key) String() string {
	if k.null {
		return "NULL"
	}
	switch k.family {
	case integers:
		return strconv.FormatInt(k.n, 10)
	case texts, paddedTexts:
		return quoteForMessage(k.s)
	case uuids:
		return k.uuidString()
	case dates:
		return k.dateString()
	case timestamps:
		return k.timestampString()
	case instants:
		if k.n == infinity || k.n == -infinity-1 {
			return k.timestampString()
		}
		return k.timestampString() + "+00"
	case bools:
		return strconv.FormatBool(k.n != 0)
	case byteas:
		const shown = maxShown/2 - 1
		if len(k.s) > shown {
			return `\x` + hex.EncodeToString([]byte(k.s[:shown])) + "…"
		}
		return `\x` + hex.EncodeToString([]byte(k.s))
	case numerics:
		return clip(k.decimal().String())
	default:
		return "no value"
	}
}

func (k Key) uuidString() string {
	s := fmt.Sprintf("%016x%016x", uint64(k.n), k.m)
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}

func (k Key) dateString() string {
	switch k.n {
	case dateInfinity:
		return "infinity"
	case -dateInfinity - 1:
		return "-infinity"
	}
	return isoTime(k.n*86400, 0, "2006-01-02")
}

func (k Key) timestampString() string {
	switch k.n {
	case infinity:
		return "infinity"
	case -infinity - 1:
		return "-infinity"
	}
	sec, us := k.n/usPerSecond, k.n%usPerSecond
	if us < 0 {
		sec, us = sec-1, us+usPerSecond
	}
	return isoTime(sec, us, "2006-01-02 15:04:05.999999")
}

// isoTime writes a time given in seconds since 2000-01-01. Years before 1 are
// written as ISO 8601 has them, not with BC: it is for messages only.
func isoTime(sec, us int64, layout string) string {
	return time.Unix(sec+epoch2000, us*1000).UTC().Format(layout)
}
