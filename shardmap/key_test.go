package shardmap_test

import (
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/shardmap"
)

func TestEqualValuesAreEqualKeys(t *testing.T) {
	id := uuid.MustParse("0193d5a4-6a3e-7b1c-9f0e-1234567890ab")
	for _, tc := range []struct {
		typ  shardmap.Type
		args []any
	}{
		{shardmap.Int8, []any{1, int32(1), "1", uint8(1), 1.0, " +1 ", []byte("1")}},
		{shardmap.Numeric, []any{1, "1", "1.000", 1.0, "10e-1", "0.001e3"}},
		{shardmap.Numeric, []any{0, "-0", "0.00", "0e10"}},
		{shardmap.UUID, []any{id, id.String(), [16]byte(id), id[:], strings.ToUpper(id.String())}},
		{shardmap.Bpchar, []any{"a", "a ", []byte("a   ")}},
		{shardmap.Timestamptz, []any{"2024-01-01 00:00:00Z", "2024-01-01T05:30:00+05:30", time.Date(2024, 1, 1, 0, 0, 0, 999, time.UTC)}},
		{shardmap.Date, []any{"2024-01-01", time.Date(2024, 1, 1, 23, 0, 0, 0, time.FixedZone("", -9*3600))}},
		{shardmap.Bool, []any{true, "t", "yes", "1"}},
	} {
		first := key(t, tc.typ, tc.args[0])
		for _, arg := range tc.args[1:] {
			assert.True(t, first == key(t, tc.typ, arg), "%s: %v and %v", tc.typ, tc.args[0], arg)
		}
	}
	assert.Equal(t, key(t, shardmap.Int2, 7), key(t, shardmap.Int8, 7), "whatever the width")
	assert.NotEqual(t, key(t, shardmap.Text, "a"), key(t, shardmap.Text, "a "))
	assert.NotEqual(t, key(t, shardmap.Int8, 0), key(t, shardmap.Int8, nil))
}

func TestTypesOfTheCatalog(t *testing.T) {
	for typ, oid := range oids {
		got, ok := shardmap.TypeOf(oid)
		assert.True(t, ok)
		assert.Equal(t, typ, got)
	}
	for _, oid := range []uint32{0, 19, 700, 3802} {
		_, ok := shardmap.TypeOf(oid)
		assert.False(t, ok, oid)
	}
	assert.Equal(t, "unknown type", shardmap.Type(0).String())
	_, err := shardmap.Type(0).Key(1)
	require.Error(t, err)
}

func TestKeysInMessagesAreShortAndHarmless(t *testing.T) {
	for _, tc := range []struct {
		typ  shardmap.Type
		arg  any
		want string
	}{
		{shardmap.Int8, -5, "-5"},
		{shardmap.Int8, nil, "NULL"},
		{shardmap.Text, "a\n\"b\x1b[31m", `"a\n\"b\x1b[31m"`},
		{shardmap.Text, strings.Repeat("é", 100), `"` + strings.Repeat("é", 39) + `…"`},
		{shardmap.UUID, "{A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11}", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
		{shardmap.Date, "2024-02-29", "2024-02-29"},
		{shardmap.Date, "-infinity", "-infinity"},
		{shardmap.Timestamp, "1999-12-31 23:59:59.5", "1999-12-31 23:59:59.5"},
		{shardmap.Timestamptz, "2024-02-29 01:00:00+01", "2024-02-29 00:00:00+00"},
		{shardmap.Timestamptz, "infinity", "infinity"},
		{shardmap.Bool, "f", "false"},
		{shardmap.Bytea, []byte{0, 255}, `\x00ff`},
		{shardmap.Bytea, make([]byte, 50), `\x` + strings.Repeat("00", 19) + "…"},
		{shardmap.Numeric, "-00120.0450", "-120.045"},
		{shardmap.Numeric, "0.00000120", "0.0000012"},
		{shardmap.Numeric, "12e3", "12000"},
		{shardmap.Numeric, "1e100000", "0.1e100001"},
		{shardmap.Numeric, strings.Repeat("7", 100), strings.Repeat("7", 39) + "…"},
		{shardmap.Numeric, "nan", "NaN"},
	} {
		assert.Equal(t, tc.want, key(t, tc.typ, tc.arg).String())
	}
	assert.Equal(t, "no value", shardmap.Key{}.String())

	_, err := shardmap.Int8.Parse("secret " + strings.Repeat("x", 1000) + "\n")
	require.Error(t, err)
	assert.Less(t, len(err.Error()), 120)
	assert.NotContains(t, err.Error(), "\n")
}

type customPgx int

func (customPgx) Int64Value() (int, error) { return 0, nil }

func TestArgumentsThatCannotBeKeysAreNamed(t *testing.T) {
	failing := errors.New("no value today")
	for _, tc := range []struct {
		typ  shardmap.Type
		arg  any
		kind error
		says string
	}{
		{shardmap.Int8, true, shardmap.ErrUnsupported, "Go bool"},
		{shardmap.Int8, 1.5, shardmap.ErrUnsupported, "whole number"},
		{shardmap.Int8, 1e30, shardmap.ErrOutOfRange, "out of range"},
		{shardmap.Int4, 1 << 40, shardmap.ErrOutOfRange, "integer"},
		{shardmap.Int2, uint64(1 << 63), shardmap.ErrOutOfRange, "smallint"},
		{shardmap.Text, 5, shardmap.ErrUnsupported, "Go int is not taken for it; pass a string"},
		{shardmap.Text, "\xff", shardmap.ErrInvalid, "UTF-8"},
		{shardmap.Text, "a\x00", shardmap.ErrInvalid, "zero byte"},
		{shardmap.UUID, make([]byte, 15), shardmap.ErrUnsupported, "15 bytes"},
		{shardmap.UUID, [15]byte{}, shardmap.ErrUnsupported, "Go [15]uint8"},
		{shardmap.Bool, 1, shardmap.ErrUnsupported, "Go int"},
		{shardmap.Date, 1, shardmap.ErrUnsupported, "time.Time"},
		{shardmap.Date, time.Date(99_000_000, 1, 1, 0, 0, 0, 0, time.UTC), shardmap.ErrInvalid, "can hold"},
		{shardmap.Int8, struct{}{}, shardmap.ErrUnsupported, "Go struct {}"},
		{shardmap.Int8, customPgx(1), shardmap.ErrUnsupported, "encodes itself"},
		{shardmap.Int8, failingValuer{failing}, failing, "no value today"},
		{shardmap.Int8, loop{}, shardmap.ErrUnsupported, "loop"},
		{shardmap.Int8, big.NewFloat(1.5), shardmap.ErrInvalid, "1.5"},
	} {
		_, err := tc.typ.Key(tc.arg)
		require.ErrorIs(t, err, tc.kind, "%T", tc.arg)
		var conv *shardmap.ConversionError
		require.ErrorAs(t, err, &conv)
		assert.Contains(t, err.Error(), tc.says)
		assert.Contains(t, err.Error(), tc.typ.String())
	}
}

func TestKeyOfAnIntegerDoesNotAllocate(t *testing.T) {
	table, err := newMap(t, shardmap.Spec{Keys: []string{"k"}}).Table("", "t", column("k", shardmap.Int8))
	require.NoError(t, err)
	var arg any = int64(1) << 40
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		k, err := shardmap.Int8.Key(arg)
		if err != nil {
			panic(err)
		}
		if _, err = table.Shard(k); err != nil {
			panic(err)
		}
	}))
}

// Two spellings of one number are one key, and what numeric prints is read back.
func FuzzNumericKey(f *testing.F) {
	for _, s := range append([]string{"1e5", "-12.5e-3"}, edges[shardmap.Numeric]...) {
		f.Add(s, uint8(3))
	}
	f.Fuzz(func(t *testing.T, text string, shift uint8) {
		k, err := shardmap.Numeric.Parse(text)
		if err != nil {
			return
		}
		number := strings.ToLower(strings.Trim(text, " \t\n\v\f\r"))
		if strings.ContainsAny(number, "ni") {
			return
		}
		mantissa, exponent, _ := strings.Cut(number, "e")
		if len(mantissa) > 1000 || len(exponent) > 5 {
			return
		}
		spellings := []string{"\t" + number + " "}
		if exponent == "" {
			if !strings.Contains(mantissa, ".") {
				mantissa += "."
			}
			zeros := strings.Repeat("0", int(shift))
			sign := strings.TrimRight(mantissa, "0123456789.")
			spellings = append(spellings, mantissa+zeros, sign+zeros+mantissa[len(sign):], mantissa+"0e-0", mantissa+"0E+00")
		}
		if r, ok := new(big.Rat).SetString(number); ok && r.IsInt() && len(exponent) <= 3 {
			spellings = append(spellings, r.Num().String())
		}
		for _, s := range spellings {
			again, err := shardmap.Numeric.Parse(s)
			if err != nil {
				t.Fatalf("%q is read, %q is not: %v", text, s, err)
			}
			if again != k || again.Hash(shardmap.Seed) != k.Hash(shardmap.Seed) {
				t.Fatalf("%q is %v, %q is %v", text, k, s, again)
			}
		}
	})
}

func BenchmarkHashInt8(b *testing.B) {
	b.ReportAllocs()
	var arg any = int64(1234567890123)
	for b.Loop() {
		k, _ := shardmap.Int8.Key(arg)
		_ = k.Hash(shardmap.Seed)
	}
}

func BenchmarkHashText20(b *testing.B) {
	b.ReportAllocs()
	var arg any = "twenty bytes of text"
	for b.Loop() {
		k, _ := shardmap.Text.Key(arg)
		_ = k.Hash(shardmap.Seed)
	}
}
