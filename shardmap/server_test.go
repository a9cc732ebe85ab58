package shardmap_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"math/rand"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/shardmap"
)

// One server answers for all of these: each asks it what PostgreSQL makes of
// thousands of values, and expects the same of this package.
func TestAgainstAServer(t *testing.T) {
	db := openServer(t)
	for _, agreement := range []struct {
		name string
		run  func(*testing.T, *sql.DB)
	}{
		{"HashEqualsTheServersForEveryType", hashEqualsTheServersForEveryType},
		{"ParseAgreesWithTheServerOnDamagedText", parseAgreesWithTheServerOnDamagedText},
		{"RangesOrderKeysAsTheServerDoes", rangesOrderKeysAsTheServerDoes},
		{"StoredDoesWhatAssignmentDoes", storedDoesWhatAssignmentDoes},
		{"KeyOfAnArgumentIsWhatPgxSends", keyOfAnArgumentIsWhatPgxSends},
		{"KeyRefusesWhatCouldBeMisread", keyRefusesWhatCouldBeMisread},
	} {
		t.Run(agreement.name, func(t *testing.T) { agreement.run(t, db) })
	}
}

// settings are sessions that read dates and write bytea differently. What Parse
// accepts must mean the same in all of them.
var settings = [][]string{
	{"DateStyle=ISO,MDY", "TimeZone=UTC", "bytea_output=hex"},
	{"DateStyle=SQL,DMY", "TimeZone=America/New_York", "bytea_output=escape"},
	{"DateStyle=German,YMD", "TimeZone=Asia/Kathmandu", "bytea_output=hex"},
}

// session gives one connection with its own settings and a function that tells
// what the server makes of a text: the hash, or the SQLSTATE of its error.
func session(t *testing.T, db *sql.DB, set []string) *sql.Conn {
	t.Helper()
	ctx := context.Background()
	conn, err := db.Conn(ctx)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	for _, s := range set {
		name, value, _ := strings.Cut(s, "=")
		_, err = conn.ExecContext(ctx, "SELECT set_config($1, $2, false)", name, value)
		require.NoError(t, err)
	}
	_, err = conn.ExecContext(ctx, `
		CREATE OR REPLACE FUNCTION pg_temp.attempt(command text, seed bigint, OUT hash bigint, OUT state text)
		LANGUAGE plpgsql AS $$
		BEGIN
			EXECUTE command INTO hash USING seed;
		EXCEPTION WHEN OTHERS THEN
			state := sqlstate;
		END $$`)
	require.NoError(t, err)
	return conn
}

// arrayHash undoes what hash_array_extended adds to the hash of a single element.
func arrayHash(h int64) uint64 { return uint64(h) - 31 }

const seedSQL = int64(shardmap.Seed)

func hashEqualsTheServersForEveryType(t *testing.T, db *sql.DB) {
	for _, typ := range allTypes {
		t.Run(typ.String(), func(t *testing.T) {
			rng := rand.New(rand.NewSource(int64(typ)))
			texts := literals(rng, typ, 3000)
			keys := make([]shardmap.Key, len(texts))
			for i, text := range texts {
				var err error
				keys[i], err = typ.Parse(text)
				require.NoError(t, err, "%q", text)
			}
			table := hashTable(t, typ)
			for n, set := range settings {
				conn := session(t, db, set)
				seed := seedSQL
				switch n {
				case 1:
					seed = 0
				case 2:
					seed = rng.Int63() - rng.Int63()
				}
				direct := "0::bigint"
				if f := typ.HashFunction(); f != "" {
					direct = f + "(v::" + pgName(typ) + ", $2)"
				}
				rows, err := conn.QueryContext(context.Background(), fmt.Sprintf(`
					SELECT hash_array_extended(ARRAY[v::%[1]s], $2), v::%[1]s::text, %[2]s,
						((hash_array_extended(ARRAY[v::%[1]s], 8816678312871386365) & 4095) + 4096 - 31) & 4095
					FROM unnest($1::text[]) WITH ORDINALITY AS u(v, i) ORDER BY i`, pgName(typ), direct), texts, seed)
				require.NoError(t, err)
				t.Cleanup(func() { _ = rows.Close() })
				i := 0
				for ; rows.Next(); i++ {
					var hash, directHash int64
					var bucket int
					var text string
					require.NoError(t, rows.Scan(&hash, &text, &directHash, &bucket))
					if !assert.Equal(t, arrayHash(hash), keys[i].Hash(uint64(seed)), "%q", texts[i]) {
						break
					}
					if typ.HashFunction() != "" {
						assert.Equal(t, uint64(directHash), keys[i].Hash(uint64(seed)), "%q", texts[i])
					}
					got, ok := table.Bucket(keys[i])
					require.True(t, ok)
					assert.Equal(t, bucket, got, "%q", texts[i])
					shard, err := table.Shard(keys[i])
					require.NoError(t, err)
					assert.Equal(t, bucket*3/4096, shard)
					// Under other settings the server writes dates in forms that are refused.
					if n == 0 {
						again, err := typ.Parse(text)
						require.NoError(t, err, "the server's %q", text)
						assert.Equal(t, keys[i], again, "%q, which the server writes %q", texts[i], text)
					}
				}
				require.NoError(t, rows.Err())
				require.Equal(t, len(texts), i)
			}
			t.Logf("%d values, %d settings", len(texts), len(settings))
		})
	}
}

// Texts with random damage: what Parse takes the server must take for the same
// value under all settings, what it calls invalid the server must refuse.
func parseAgreesWithTheServerOnDamagedText(t *testing.T, db *sql.DB) {
	for _, typ := range allTypes {
		t.Run(typ.String(), func(t *testing.T) {
			rng := rand.New(rand.NewSource(100 + int64(typ)))
			texts := append(damaged(rng, typ, 3000), oddities[typ]...)
			var accepted, refused, unsure int
			for n, set := range settings {
				conn := session(t, db, set)
				rows, err := conn.QueryContext(context.Background(), fmt.Sprintf(`
					SELECT a.hash, coalesce(a.state, '') FROM unnest($1::text[]) WITH ORDINALITY AS u(v, i),
						LATERAL pg_temp.attempt(format('SELECT hash_array_extended(ARRAY[%%L::%s], $1)', v), $2) AS a
					ORDER BY i`, pgName(typ)), texts, seedSQL)
				require.NoError(t, err)
				t.Cleanup(func() { _ = rows.Close() })
				i := 0
				for ; rows.Next(); i++ {
					var hash sql.NullInt64
					var state string
					require.NoError(t, rows.Scan(&hash, &state))
					k, err := typ.Parse(texts[i])
					var conv *shardmap.ConversionError
					switch {
					case err == nil:
						if assert.Equal(t, "", state, "%q is taken for %s", texts[i], k) {
							assert.Equal(t, arrayHash(hash.Int64), k.Hash(shardmap.Seed), "%q", texts[i])
						}
						accepted++
					case errors.Is(err, shardmap.ErrAmbiguous):
						unsure++
					case assert.ErrorAs(t, err, &conv):
						// Of two things wrong, the server may name the other one.
						if errors.Is(err, shardmap.ErrOutOfRange) {
							assert.Equal(t, state, conv.State, "%q: %v", texts[i], err)
						}
						assert.NotEmpty(t, state, "%q: %v", texts[i], err)
						refused++
					}
				}
				require.NoError(t, rows.Err())
				require.Equal(t, len(texts), i, "settings %d", n)
			}
			t.Logf("%d texts, %d settings: %d accepted, %d refused, %d not read for sure",
				len(texts), len(settings), accepted, refused, unsure)
		})
	}
}

// Bounds given in the server's order must count as ascending.
func rangesOrderKeysAsTheServerDoes(t *testing.T, db *sql.DB) {
	for _, typ := range allTypes {
		t.Run(typ.String(), func(t *testing.T) {
			rng := rand.New(rand.NewSource(200 + int64(typ)))
			conn := session(t, db, settings[0])
			collate := ""
			switch typ {
			case shardmap.Text, shardmap.Varchar, shardmap.Bpchar:
				collate = `COLLATE "C"`
			}
			rows, err := conn.QueryContext(context.Background(), fmt.Sprintf(`
				SELECT min(v::text) FROM (SELECT v::%s AS v FROM unnest($1::text[]) AS u(v)) AS d
				WHERE v::text <> '' GROUP BY v ORDER BY v %s`, pgName(typ), collate), literals(rng, typ, 2500))
			require.NoError(t, err)
			t.Cleanup(func() { _ = rows.Close() })
			var bounds []shardmap.RangeBound
			for rows.Next() {
				var below string
				require.NoError(t, rows.Scan(&below))
				bounds = append(bounds, shardmap.RangeBound{Below: below, Shard: []string{"a", "b"}[len(bounds)%2]})
			}
			require.NoError(t, rows.Err())
			m, err := shardmap.New(shardmap.Spec{Shards: []string{"a", "b"},
				Tables: []shardmap.TableSpec{{Name: "t", Key: "k", Range: bounds}}})
			require.NoError(t, err)
			table, err := m.Table("", "t", []shardmap.Column{{Name: "k", TypeOID: oids[typ], Typmod: -1}})
			require.NoError(t, err)
			for i, b := range bounds {
				k, err := typ.Parse(b.Below)
				require.NoError(t, err)
				shard, err := table.Shard(k)
				if i == len(bounds)-1 {
					require.ErrorIs(t, err, shardmap.ErrNoPlace)
					break
				}
				require.NoError(t, err)
				assert.Equal(t, (i+1)%2, shard, "a bound belongs to the next range")
			}
			t.Logf("%d bounds", len(bounds))
		})
	}
}

func storedDoesWhatAssignmentDoes(t *testing.T, db *sql.DB) {
	conn := session(t, db, settings[0])
	ctx := context.Background()
	tables := []struct {
		typ    shardmap.Type
		column string
	}{
		{shardmap.Int2, "smallint"}, {shardmap.Int4, "integer"},
		{shardmap.Varchar, "varchar(5)"}, {shardmap.Varchar, "varchar(1)"}, {shardmap.Varchar, "varchar"},
		{shardmap.Bpchar, "char(4)"}, {shardmap.Bpchar, "bpchar"}, {shardmap.Text, "text"},
		{shardmap.Numeric, "numeric"}, {shardmap.Numeric, "numeric(10)"}, {shardmap.Numeric, "numeric(10,2)"},
		{shardmap.Numeric, "numeric(3,3)"}, {shardmap.Numeric, "numeric(2,5)"}, {shardmap.Numeric, "numeric(5,-3)"},
		{shardmap.Numeric, "numeric(1000,500)"},
		{shardmap.Timestamp, "timestamp"}, {shardmap.Timestamp, "timestamp(0)"}, {shardmap.Timestamp, "timestamp(3)"},
		{shardmap.Timestamptz, "timestamptz(1)"}, {shardmap.Timestamptz, "timestamptz(6)"}, {shardmap.Date, "date"},
		{shardmap.UUID, "uuid"}, {shardmap.Bool, "boolean"}, {shardmap.Bytea, "bytea"}, {shardmap.Int8, "bigint"},
	}
	for n, tc := range tables {
		t.Run(tc.column, func(t *testing.T) {
			rng := rand.New(rand.NewSource(300 + int64(n)))
			name := fmt.Sprintf("stored_%d", n)
			_, err := conn.ExecContext(ctx, fmt.Sprintf("CREATE TEMP TABLE %s (k %s)", name, tc.column))
			require.NoError(t, err)
			var typmod int32
			require.NoError(t, conn.QueryRowContext(ctx,
				"SELECT atttypmod FROM pg_attribute WHERE attrelid = $1::regclass AND attname = 'k'", name).Scan(&typmod))
			m, err := shardmap.New(shardmap.Spec{Shards: []string{"a"}, Keys: []string{"k"}})
			require.NoError(t, err)
			table, err := m.Table("", name, []shardmap.Column{{Name: "k", TypeOID: oids[tc.typ], Typmod: typmod}})
			require.NoError(t, err)

			// Values come as the widest type of the kind, so that the column must narrow them.
			wide, source := tc.typ, pgName(tc.typ)
			if tc.typ == shardmap.Int2 || tc.typ == shardmap.Int4 {
				wide, source = shardmap.Int8, "bigint"
			}
			texts := literals(rng, wide, 2000)
			rows, err := conn.QueryContext(ctx, fmt.Sprintf(`
				SELECT a.hash, coalesce(a.state, '') FROM unnest($1::text[]) WITH ORDINALITY AS u(v, i),
					LATERAL pg_temp.attempt(format('INSERT INTO %s VALUES (%%L::%s) RETURNING hash_array_extended(ARRAY[k], $1)', v), $2) AS a
				ORDER BY i`, name, source), texts, seedSQL)
			require.NoError(t, err)
			t.Cleanup(func() { _ = rows.Close() })
			i, held := 0, 0
			for ; rows.Next(); i++ {
				var hash sql.NullInt64
				var state string
				require.NoError(t, rows.Scan(&hash, &state))
				k, err := wide.Parse(texts[i])
				require.NoError(t, err)
				stored, err := table.Stored(k)
				if err != nil {
					var conv *shardmap.ConversionError
					require.ErrorAs(t, err, &conv)
					assert.Equal(t, state, conv.State, "%q: %v", texts[i], err)
					continue
				}
				held++
				if assert.Equal(t, "", state, "%q is stored as %s", texts[i], stored) {
					assert.Equal(t, arrayHash(hash.Int64), stored.Hash(shardmap.Seed), "%q is stored as %s", texts[i], stored)
				}
			}
			require.NoError(t, rows.Err())
			require.Equal(t, len(texts), i)
			t.Logf("%d values, %d stored", i, held)
		})
	}
}

type (
	namedInt    int32
	namedUint   uint16
	namedString string
	namedBytes  []byte
	namedBool   bool
	namedUUID   [16]byte
	colour      int
	point       struct{ x, y int }
	valuer      struct{ v any }
)

func (c colour) String() string               { return "colour " + string(rune('a'+c)) }
func (p point) String() string                { return fmt.Sprint(p.x) }
func (v valuer) Value() (driver.Value, error) { return v.v, nil }
func (u namedUUID) String() string            { return "not its text" }
func ptr[T any](v T) *T                       { return &v }
func at(s string, loc *time.Location) time.Time {
	return must(time.ParseInLocation(time.DateTime, s, loc))
}
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// Whatever Key takes for an argument must be what pgx sends.
func keyOfAnArgumentIsWhatPgxSends(t *testing.T, db *sql.DB) {
	conn := session(t, db, settings[1])
	id := uuid.MustParse("0193d5a4-6a3e-7b1c-9f0e-1234567890ab")
	kolkata := time.FixedZone("IST", 5*3600+1800)
	var nilInt *int64
	var nilBytes []byte
	var nilNested any = ptr(nilInt)
	args := []any{
		nil, nilInt, nilBytes, nilNested, (*uuid.UUID)(nil), sql.NullString{},
		0, -1, int8(-128), int16(300), int32(1 << 30), int64(math.MinInt64), int64(math.MaxInt64),
		uint(7), uint8(255), uint16(65535), uint32(math.MaxUint32), uint64(math.MaxInt64), uint64(math.MaxUint64),
		namedInt(-5), namedUint(9), ptr(namedInt(12)), ptr(ptr(int64(99))), colour(2), time.March, time.Hour,
		1.0, math.Copysign(0, -1), 1.5, 1e15, 1e18, 9.3e18, -9.223372036854775808e18, 0.1, 5e-324, math.MaxFloat64, math.NaN(), math.Inf(1), math.Inf(-1),
		float32(0.1), float32(16777216), float32(-3),
		"", "1", " 42 ", "-7", "1e3", "12.50", "NaN", "infinity", "true", "no", "abc", "a ", "  ", "héllo ✓", "x\x00y", "\xff",
		`\x00ff`, `\\x`, "2024-02-29", "2024-02-29 12:34:56.789", "2024-02-29T12:34:56Z", "2024-02-29 12:34:56.7899995+05:30", "0044-03-15 BC",
		"tomorrow", "1/2/2024", id.String(), strings.ToUpper(id.String()), "{" + id.String() + "}",
		namedString("17"), ptr("18"), json.Number("19"), json.RawMessage("20"),
		[]byte("21"), []byte{}, []byte{0, 255}, id[:], namedBytes("22"), []byte(id.String()), []byte("2024-01-01"), []byte("t"),
		true, false, namedBool(true), ptr(true),
		at("2024-02-29 23:30:00", time.UTC), at("2024-02-29 23:30:00", kolkata), at("1969-12-31 23:59:59", kolkata).Add(999999999),
		at("2024-02-29 23:30:00", time.UTC).Add(1999), time.Time{}, at("0001-01-01 00:00:00", time.UTC).AddDate(-3000, 0, 0),
		at("2024-01-01 00:00:00", time.UTC).AddDate(200000, 0, 0), at("2024-01-01 00:00:00", time.UTC).AddDate(300000, 0, 0),
		at("2024-01-01 00:00:00", time.UTC).AddDate(5000000, 0, 0), at("2024-01-01 00:00:00", time.UTC).AddDate(-5000, 0, 0),
		ptr(at("2024-02-29 23:30:00", kolkata)),
		id, &id, [16]byte(id), namedUUID(id), uuid.NullUUID{UUID: id, Valid: true}, uuid.NullUUID{},
		sql.NullInt64{Int64: 5, Valid: true}, sql.NullString{String: "2024-01-01", Valid: true}, sql.NullTime{Time: at("2024-01-01 10:00:00", kolkata), Valid: true},
		sql.NullBool{Bool: true, Valid: true}, sql.NullFloat64{Float64: 3, Valid: true}, sql.Null[int32]{V: 4, Valid: true}, sql.NullByte{Byte: 6, Valid: true},
		pgtype.Int8{Int64: 5, Valid: true}, pgtype.Int4{Int32: -5, Valid: true}, pgtype.Int2{Int16: 6, Valid: true}, pgtype.Int8{},
		pgtype.Text{String: "31", Valid: true}, pgtype.Bool{Bool: true, Valid: true}, pgtype.UUID{Bytes: id, Valid: true}, pgtype.UUID{},
		pgtype.Numeric{Int: big.NewInt(1234500), Exp: -3, Valid: true}, pgtype.Numeric{Int: big.NewInt(-5), Exp: 10, Valid: true},
		pgtype.Numeric{NaN: true, Valid: true}, pgtype.Numeric{InfinityModifier: pgtype.NegativeInfinity, Valid: true}, pgtype.Numeric{},
		pgtype.Date{Time: at("2024-02-29 00:00:00", time.UTC), Valid: true}, pgtype.Date{InfinityModifier: pgtype.Infinity, Valid: true},
		pgtype.Timestamp{Time: at("2024-02-29 01:02:03", kolkata), Valid: true}, pgtype.Timestamp{InfinityModifier: pgtype.NegativeInfinity, Valid: true},
		pgtype.Timestamptz{Time: at("2024-02-29 01:02:03", kolkata), Valid: true}, pgtype.Timestamptz{InfinityModifier: pgtype.Infinity, Valid: true},
		pgtype.Float8{Float64: 2.5, Valid: true}, pgtype.Float8{Float64: 4, Valid: true}, pgtype.Infinity, pgtype.DriverBytes("23"),
		valuer{int64(3)}, valuer{"33"}, valuer{[]byte("34")}, valuer{true}, valuer{2.0}, valuer{nil}, valuer{at("2024-02-29 23:30:00", kolkata)},
		valuer{`\x6162`}, valuer{`ab\\c`}, valuer{"2024-02-29 12:34:56.7899995"}, valuer{"{" + id.String() + "}"}, valuer{id[:]}, &valuer{"35"}, (*valuer)(nil),
		big.NewInt(123), big.NewFloat(1.25), netip.MustParseAddr("10.0.0.1"), point{8, 9}, ptr(point{7, 7}),
		struct{ A int }{1}, []int{1}, map[string]int{}, complex(1, 2), [15]byte{}, make(chan int),
	}
	accepted, refused := 0, 0
	for _, typ := range allTypes {
		query := fmt.Sprintf("SELECT hash_array_extended(ARRAY[$1::%[1]s], %[2]d) - 31, $1::%[1]s IS NULL", pgName(typ), seedSQL)
		for _, arg := range args {
			k, err := typ.Key(arg)
			if err != nil {
				var conv *shardmap.ConversionError
				require.ErrorAs(t, err, &conv, "%s from %T(%v)", typ, arg, arg)
				refused++
				continue
			}
			accepted++
			var hash int64
			var null bool
			err = conn.QueryRowContext(context.Background(), query, arg).Scan(&hash, &null)
			if arg == nilNested && k.IsNull() {
				continue // pgx has no plan for it where **int64 would not do either
			}
			if !assert.NoError(t, err, "%s from %T(%v), taken for %s", typ, arg, arg, k) {
				continue
			}
			assert.Equal(t, null, k.IsNull(), "%s from %T(%v)", typ, arg, arg)
			if !null {
				assert.Equal(t, uint64(hash), k.Hash(shardmap.Seed), "%s from %T(%v), taken for %s", typ, arg, arg, k)
			}
		}
	}
	t.Logf("%d arguments of %d types: %d accepted, %d refused", len(args), len(allTypes), accepted, refused)
}

// The price of not guessing: what is refused although pgx sends it and the server
// takes it, with the reason.
func keyRefusesWhatCouldBeMisread(t *testing.T, db *sql.DB) {
	conn := session(t, db, settings[0])
	for _, tc := range []struct {
		typ    shardmap.Type
		arg    any
		kind   error
		reason string
	}{
		{shardmap.Int8, 1.5, shardmap.ErrUnsupported, "pgx cuts the fraction off"},
		{shardmap.UUID, []byte("0193d5a4-6a3e-7b1c-9f0e-1234567890ab"), shardmap.ErrUnsupported, "pgx takes the first 16 bytes"},
		{shardmap.Timestamptz, "2024-01-01", shardmap.ErrAmbiguous, "depends on TimeZone"},
		{shardmap.Date, "1/2/2024", shardmap.ErrAmbiguous, "depends on DateStyle"},
		{shardmap.Date, "tomorrow", shardmap.ErrAmbiguous, "depends on the day"},
		{shardmap.Timestamp, "January 8, 1999", shardmap.ErrAmbiguous, "not one of the forms read"},
		{shardmap.Int8, pgtype.Numeric{Int: big.NewInt(50), Exp: -1, Valid: true}, shardmap.ErrInvalid, "its text is 5.0"},
	} {
		_, err := tc.typ.Key(tc.arg)
		require.ErrorIs(t, err, tc.kind, tc.reason)
		var text string
		err = conn.QueryRowContext(context.Background(), "SELECT $1::"+pgName(tc.typ)+"::text", tc.arg).Scan(&text)
		require.NoError(t, err, "%s: refused by the server as well, it is no special case", tc.reason)
	}
}

func hashTable(t *testing.T, typ shardmap.Type) *shardmap.Table {
	t.Helper()
	m, err := shardmap.New(shardmap.Spec{Shards: []string{"a", "b", "c"}, Keys: []string{"k"}})
	require.NoError(t, err)
	table, err := m.Table("", "t", []shardmap.Column{{Name: "k", TypeOID: oids[typ], Typmod: -1}})
	require.NoError(t, err)
	return table
}
