package shardmap

import (
	"fmt"
	"unicode/utf8"
)

// typmodHeader is added to the length or precision in a typmod (VARHDRSZ).
const typmodHeader = 4

// Stored is the key that a row has after k was assigned to the key column, which
// may have a length, a precision or fewer bits: varchar(n) drops trailing blanks
// beyond n characters, numeric(p,s) and timestamp(p) round half away from zero.
// The error, a *ConversionError, is for what the column cannot hold. It is for
// values about to be stored; a comparison sees the value unchanged.
func (t *Table) Stored(k Key) (Key, error) {
	if t.Kind != Sharded || k.null {
		return k, nil
	}
	if k.family != t.Type.family() {
		return Key{}, fmt.Errorf("table %s, key %s: %w", relation{t.Schema, t.Name}, quoteIdent(t.Key), ErrWrongType)
	}
	switch t.Type {
	case Int2, Int4, Int8:
		return t.Type.intKey(k.n)
	case Varchar, Bpchar:
		return t.storedText(k)
	case Numeric:
		return t.storedNumeric(k)
	case Timestamp, Timestamptz:
		return t.storedTimestamp(k)
	default:
		return k, nil
	}
}

func (t *Table) storedText(k Key) (Key, error) {
	n := int(t.typmod) - typmodHeader
	if n < 0 || len(k.s) <= n {
		return k, nil
	}
	count := 0
	for i := range k.s {
		if count == n {
			for _, c := range []byte(k.s[i:]) {
				if c != ' ' {
					return Key{}, refused(t.Type, ErrInvalid, stateTooLong, k.s,
						fmt.Sprintf("it has %d characters, and the column takes %d", utf8.RuneCountInString(k.s), n))
				}
			}
			k.s = k.s[:i]
			break
		}
		count++
	}
	return k, nil
}

// storedNumeric follows apply_typmod of numeric.c. The scale has eleven bits and
// may be negative from PostgreSQL 15 on; before, it was never above 1000, which
// reads the same.
func (t *Table) storedNumeric(k Key) (Key, error) {
	if t.typmod < typmodHeader || k.m == notANumber {
		return k, nil
	}
	mod := int(t.typmod - typmodHeader)
	precision, scale := mod>>16&0xffff, (mod&0x7ff^1024)-1024
	overflow := func() error {
		return refused(Numeric, ErrInvalid, stateOutOfRange, k.decimal().String(),
			fmt.Sprintf("the column has precision %d and scale %d", precision, scale))
	}
	if k.m == negInfinite || k.m == posInfinite {
		return Key{}, overflow()
	}
	d := k.decimal().round(scale)
	if d.class != zero && d.point > precision-scale {
		return Key{}, overflow()
	}
	return d.key(), nil
}

// storedTimestamp follows AdjustTimestampForTypmod, which does not mind when the
// last instant that a timestamp can hold is rounded up beyond it.
func (t *Table) storedTimestamp(k Key) (Key, error) {
	if t.typmod < 0 || t.typmod >= 6 || k.n == infinity || k.n == -infinity-1 {
		return k, nil
	}
	unit := int64(1)
	for range 6 - t.typmod {
		unit *= 10
	}
	if k.n >= 0 {
		k.n = (k.n + unit/2) / unit * unit
	} else {
		k.n = -((-k.n + unit/2) / unit * unit)
	}
	return k, nil
}
