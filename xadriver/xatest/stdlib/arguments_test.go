package stdlib_test

import (
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Types of a caller's own, as arguments of the kinds that programs have.
type (
	level    int
	title    string
	blob     []byte
	weekday  uint8
	celsius  float64
	person   struct{ Name string }
	fraction struct{ over, under int }
	upper    string
	failing  struct{}
	stringer struct{}
)

func (f fraction) Value() (driver.Value, error) { return fmt.Sprintf("%d/%d", f.over, f.under), nil }
func (failing) Value() (driver.Value, error)    { return nil, errors.New("no value today") }
func (stringer) String() string                 { return "says so" }

// Value is called by pgx for a nil pointer too, if the method is the pointer's.
func (u *upper) Value() (driver.Value, error) {
	if u == nil {
		return "nobody", nil
	}
	return "UP:" + string(*u), nil
}

func ptr[T any](v T) *T { return &v }

var (
	noon    = time.Date(2024, 2, 29, 12, 34, 56, 789012345, time.FixedZone("here", 2*3600))
	someone = uuid.MustParse("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")
	nothing *int
	noTime  *time.Time
	noUpper *upper
)

// passed are arguments with the types that they are passed for.
var passed = []struct {
	as   string
	args []any
}{
	{"int2", []any{int8(-1), int16(7), 40000, uint16(65535)}},
	{"int4", []any{1, int32(-2), int64(3), uint8(4), uint64(5), ptr(6), nothing, nil, level(7), weekday(3), sql.NullInt32{Int32: 8, Valid: true}, sql.NullInt32{}, pgtype.Int4{Int32: 9, Valid: true}, pgtype.Int4{}, "10", math.MaxInt64, 1.0, 1.5, true, []byte("11"), ptr(ptr(12)), sql.Null[int]{V: 13, Valid: true}, sql.Null[int]{}}},
	{"int8", []any{1, uint64(math.MaxInt64), uint64(math.MaxUint64), int64(math.MinInt64), sql.NullInt64{Int64: 2, Valid: true}, pgtype.Int8{Int64: 3, Valid: true}, json.Number("4"), big.NewInt(5), time.Second}},
	{"float4", []any{1, 1.5, float32(2.5), math.NaN(), math.Inf(1), 1e300, "1e3", celsius(4)}},
	{"float8", []any{1, 1.5, float32(0.1), math.NaN(), math.Inf(-1), math.MaxFloat64, sql.NullFloat64{Float64: 1, Valid: true}, sql.NullFloat64{}, pgtype.Float8{Float64: 2, Valid: true}, ptr(3.0), celsius(4)}},
	{"numeric", []any{1, 1.25, "123456789012345678901234567890.5", "NaN", math.NaN(), math.Inf(1), *big.NewInt(7), big.NewInt(8), big.NewRat(1, 4), pgtype.Numeric{Int: big.NewInt(125), Exp: -2, Valid: true}, pgtype.Numeric{NaN: true, Valid: true}, pgtype.Numeric{}, uint64(math.MaxUint64), json.Number("1.5")}},
	{"bool", []any{true, false, "true", "yes", 1, 0, ptr(true), sql.NullBool{Bool: true, Valid: true}, sql.NullBool{}, pgtype.Bool{Bool: true, Valid: true}}},
	{"text", []any{"", "a'b\"c\\d", "käse\n日本", "$1", "nul\x00byte", "\xff", []byte("bytes"), 1, true, title("t"), ptr("p"), (*string)(nil), nil, sql.NullString{String: "n", Valid: true}, sql.NullString{}, pgtype.Text{String: "x", Valid: true}, fraction{1, 2}, ptr(fraction{3, 4}), ptr(upper("x")), upper("y"), noUpper, failing{}, stringer{}, json.RawMessage(`{"a": 1}`), noon, someone, person{"p"}, 'x', time.Second, []string{"a"}, map[string]int{"a": 1}, sql.Null[string]{V: "g", Valid: true}, netip.MustParseAddr("10.0.0.1"), netip.MustParsePrefix("10.0.0.0/8"), net.IPv4(10, 0, 0, 1), pgtype.Interval{Days: 1, Valid: true}, pgtype.UUID{Bytes: someone, Valid: true}, pgtype.Date{Time: noon, Valid: true}, 1.5, json.Number("1.0"), blob("b"), level(3), big.NewInt(5)}},
	{"varchar(3)", []any{"abcdef", "ab"}},
	{"char(3)", []any{"a", "abcd"}},
	{"bytea", []any{[]byte{0, 255, '\\', '\''}, []byte{}, []byte(nil), "text", `\x00ff`, blob{1, 2}, ptr([]byte{3}), sql.RawBytes("raw"), json.RawMessage("{}"), [4]byte{1, 2, 3, 4}, nil, fraction{1, 2}}},
	{"uuid", []any{someone, someone.String(), [16]byte(someone), someone[:], ptr(someone), uuid.NullUUID{UUID: someone, Valid: true}, uuid.NullUUID{}, pgtype.UUID{Bytes: someone, Valid: true}, "not one", uuid.Nil}},
	{"date", []any{noon, "2024-02-29", "infinity", pgtype.Date{Time: noon, Valid: true}, pgtype.Date{InfinityModifier: pgtype.Infinity, Valid: true}, noTime, time.Time{}, sql.NullTime{}, sql.NullTime{Time: noon, Valid: true}}},
	{"time", []any{"12:34", noon, pgtype.Time{Microseconds: 1e6, Valid: true}, time.Second, "24:00"}},
	{"timetz", []any{"12:34+02", noon}},
	{"timestamp", []any{noon, noon.UTC(), "2024-02-29 12:34:56", ptr(noon), noTime, pgtype.Timestamp{Time: noon.UTC(), Valid: true}, pgtype.Timestamp{Time: noon, Valid: true}, pgtype.Timestamp{InfinityModifier: pgtype.NegativeInfinity, Valid: true}, time.Time{}, sql.NullTime{Time: noon, Valid: true}}},
	{"timestamptz", []any{noon, noon.UTC(), "2024-02-29 12:34:56+02", ptr(noon), noTime, pgtype.Timestamptz{Time: noon, Valid: true}, pgtype.Timestamptz{}, time.Time{}, sql.NullTime{Time: noon, Valid: true}, time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC), 5}},
	{"interval", []any{90 * time.Minute, "1 day 2 hours", pgtype.Interval{Months: 1, Days: 2, Microseconds: 3, Valid: true}, pgtype.Interval{}}},
	{"json", []any{`{"a": 1}`, []byte(`[1, 2]`), json.RawMessage(`{"b":2}`), map[string]any{"c": 3}, person{"p"}, ptr(person{"q"}), []int{1, 2}, nil, 1, true, "not json", sql.NullString{}, sql.NullString{String: "{}", Valid: true}, (*person)(nil)}},
	{"jsonb", []any{`{"a": 1}`, []byte(`[1, 2]`), json.RawMessage(`{"b":2}`), json.RawMessage(nil), map[string]any{"c": 3}, person{"p"}, []person{{"q"}}, nil, 1.5}},
	{"inet", []any{"10.0.0.1/8", netip.MustParseAddr("::1"), netip.MustParsePrefix("10.0.0.0/8"), net.IPv4(1, 2, 3, 4), net.IPNet{IP: net.IPv4(10, 0, 0, 0), Mask: net.CIDRMask(8, 32)}, netip.Addr{}}},
	{"cidr", []any{"10.0.0.0/8", netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("10.0.0.1/8")}},
	{"macaddr", []any{"08:00:2b:01:02:03", net.HardwareAddr{8, 0, 0x2b, 1, 2, 3}}},
	{"bit(3)", []any{"101", pgtype.Bits{Bytes: []byte{0xa0}, Len: 3, Valid: true}}},
	{"varbit", []any{"1", pgtype.Bits{Bytes: []byte{0x80}, Len: 1, Valid: true}}},
	{"money", []any{"12.34", 12, 12.5}},
	{"mood", []any{"ok", title("sad"), "unheard of", nil}},
	{"positive", []any{5, "6", -1}},
	{"code", []any{"ab", "abcd"}},
	{"pair", []any{`(1,"a,b")`, nil}},
	{"int4range", []any{"[1,5)", pgtype.Range[pgtype.Int4]{Lower: pgtype.Int4{Int32: 1, Valid: true}, Upper: pgtype.Int4{Int32: 4, Valid: true}, LowerType: pgtype.Inclusive, UpperType: pgtype.Inclusive, Valid: true}}},
	{"int4multirange", []any{"{[1,2)}", pgtype.Multirange[pgtype.Range[int32]]{{Lower: 1, Upper: 2, LowerType: pgtype.Inclusive, UpperType: pgtype.Exclusive, Valid: true}}}},
	{"point", []any{"(1,2)", pgtype.Point{P: pgtype.Vec2{X: 1, Y: 2}, Valid: true}}},
	{"oid", []any{uint32(math.MaxUint32), 7, "8", int64(-1)}},
	{"xid", []any{uint32(7)}},
	{"tsvector", []any{"a b"}},
	{"int4[]", []any{[]int{1, 2}, []int32{}, []int32(nil), []*int{ptr(1), nil}, "{1,NULL}", [2]int{5, 6}, []any{1, nil}, pgtype.Array[int32]{Elements: []int32{1, 2}, Dims: []pgtype.ArrayDimension{{Length: 2, LowerBound: 0}}, Valid: true}, pgtype.FlatArray[int]{7}, []pgtype.Int4{{Int32: 8, Valid: true}, {}}, []sql.NullInt32{{}}, []level{9}, []string{"10"}, ptr([]int{11}), nil, 5}},
	{"text[]", []any{[]string{"a", "NULL", `b"c\`, "", "{}", "x,y"}, []*string{nil}, []title{"t"}, []sql.NullString{{String: "s", Valid: true}, {}}, []any{"a", nil}, []fraction{{1, 2}}}},
	{"bool[]", []any{[]bool{true, false}}},
	{"float8[]", []any{[]float64{1.5, math.NaN()}}},
	{"bytea[]", []any{[][]byte{{1}, nil, {}}}},
	{"uuid[]", []any{[]uuid.UUID{someone}, []string{someone.String()}, [][16]byte{someone}}},
	{"timestamptz[]", []any{[]time.Time{noon}}},
	{"jsonb[]", []any{[]map[string]int{{"a": 1}}, []json.RawMessage{json.RawMessage("1")}, []string{"{}"}}},
	{"mood[]", []any{[]string{"sad", "ok"}, "{sad}"}},
	{"hstore", []any{pgtype.Hstore{"a": ptr("1"), "b": nil}, `a=>1`}},
	{"citext", []any{"MiXed"}},
	{"xml", []any{"<a/>", []byte("<b/>")}},
}

// eachArgument visits the arguments with their SQL types: all of them in the modes
// that write arguments in ways of their own, some in those that share one.
func eachArgument(mode pgx.QueryExecMode, visit func(name, as string, arg any)) {
	n := 0
	for _, p := range passed {
		if slices.Contains(stage.lacking, p.as) {
			continue
		}
		for i, arg := range p.args {
			n++
			if (mode == pgx.QueryExecModeCacheDescribe || mode == pgx.QueryExecModeDescribeExec) && n%4 != 0 {
				continue
			}
			visit(fmt.Sprintf("%s from argument %d, a %T", p.as, i, arg), p.as, arg)
		}
	}
}

func TestArgumentsAreTakenAsPgxTakesThem(t *testing.T) {
	inEachMode(t, func(t *testing.T, mode pgx.QueryExecMode) {
		take := func(t *testing.T, db *sql.DB, before ...any) map[string]outcome {
			seen := make(map[string]outcome)
			eachArgument(mode, func(name, as string, arg any) {
				seen[name] = asked(t.Context(), db, "SELECT $1::"+as, append(before[:len(before):len(before)], arg)...)
			})
			return seen
		}
		want := sameOnOneShard(t, mode, func(t *testing.T, db *sql.DB) map[string]outcome { return take(t, db) })
		if mode == modes[0] {
			assert.Equal(t, []string{`"says so"`}, want["text from argument 22, a stdlib_test.stringer"].Rows[0])
		}
		given := []map[string]outcome{take(t, spread(t, mode))}
		if slices.Contains(untyped, mode) {
			given = append(given, take(t, spread(t, modes[0]), mode))
		}
		for _, got := range given {
			for name := range want {
				sameSpread(t, want[name], got[name], name)
			}
		}
	})
}

func TestArgumentsAreStoredAsPgxStoresThem(t *testing.T) {
	inEachMode(t, func(t *testing.T, mode pgx.QueryExecMode) {
		good := make(map[string]bool) // the others would fail the transaction
		db := open(t, "pgx", mode)
		eachArgument(mode, func(name, as string, arg any) {
			good[name] = done(t.Context(), db, "SELECT $1::"+as, arg).Error == "" &&
				done(t.Context(), db, "UPDATE everything SET "+sampled{name: stored(as)}.column()+" = $1 WHERE false", arg).Error == ""
		})
		store := func(t *testing.T, db *sql.DB, table string) (seen map[string][]outcome) {
			seen = make(map[string][]outcome)
			tx, err := db.BeginTx(t.Context(), nil)
			require.NoError(t, err)
			defer tx.Rollback()
			id := 100
			eachArgument(mode, func(name, as string, arg any) {
				if id++; !good[name] {
					return
				}
				column := sampled{name: stored(as)}.column()
				seen[name] = []outcome{
					done(t.Context(), tx, "INSERT INTO "+table+" (id, "+column+") VALUES ($1, $2)", id, arg),
					asked(t.Context(), tx, "SELECT "+column+", "+column+"::text FROM "+table+" WHERE id = $1", id),
				}
			})
			return seen
		}
		want := sameOnOneShard(t, mode, func(t *testing.T, db *sql.DB) map[string][]outcome { return store(t, db, "everything") })
		got := store(t, spread(t, mode), "everything_spread")
		for name, w := range want {
			require.Len(t, w[1].Rows, 1, "%s: %v", name, w)
			sameSpread(t, w[0], got[name][0], name)
			sameSpread(t, w[1], got[name][1], name)
		}
	})
}

func TestSlicesOfSlicesAreArraysOfSeveralDimensions(t *testing.T) {
	// A connection of pgx's remembers how it wrote a slice, so that what it makes of a
	// slice of slices may depend on what it has seen before: each of these is of a type
	// that no other test uses.
	inEachMode(t, func(t *testing.T, mode pgx.QueryExecMode) {
		take := func(t *testing.T, db *sql.DB) []outcome {
			return []outcome{
				asked(t.Context(), db, "SELECT $1::float4[]", [][]float32{{1, 2}, {3, 4}}),
				asked(t.Context(), db, "SELECT $1::float4[]", [][]float32{{5}, {6}}),
				asked(t.Context(), db, "SELECT array_dims($1::int8[])", [][][]int64{{{1}, {2}}, {{3}, {4}}}),
				asked(t.Context(), db, "SELECT $1::int2[]", [][]int16{{1}, {2, 3}}),
			}
		}
		want := sameOnOneShard(t, mode, take)
		if !slices.Contains(untyped, mode) { // where a Go type must be known to stand for an array
			assert.Equal(t, [][]string{{`"{{1,2},{3,4}}"`}}, want[0].Rows)
			assert.Equal(t, [][]string{{`"[1:2][1:2][1:1]"`}}, want[2].Rows)
		}
		assert.NotEmpty(t, want[3].Error, "of different lengths")
		for i, got := range take(t, spread(t, mode)) {
			sameSpread(t, want[i], got)
		}
	})
}

// stored is the name under which everything has a column of the type.
func stored(as string) string {
	if name, ok := map[string]string{
		"int2": "smallint", "int4": "integer", "int8": "bigint", "float4": "real", "float8": "double precision", "bool": "boolean", "varchar(3)": "code",
		"char(3)": "char(5)", "int4[]": "integer[]", "bool[]": "boolean[]", "float8[]": "double precision[]",
	}[as]; ok {
		return name
	}
	return as
}
