package stdlib_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"math/big"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// targets are what a column can be scanned into: those of database/sql, Scanners
// of pgtype and others, and, through a pgtype.Map, everything that pgx can scan.
func targets(m *pgtype.Map) []any {
	through := func(v any) any { return m.SQLScanner(v) }
	return []any{
		new(any), new(string), new([]byte), new(bool), new(int), new(int8), new(int16), new(int32), new(int64), new(uint), new(uint8), new(uint32), new(uint64),
		new(float32), new(float64), new(time.Time), new(title), new(level), new(blob), new(json.RawMessage),
		new(*string), new(*int), new(*time.Time), new(*[]byte), new(**string),
		new(sql.NullString), new(sql.NullInt16), new(sql.NullInt32), new(sql.NullInt64), new(sql.NullByte), new(sql.NullFloat64), new(sql.NullBool), new(sql.NullTime),
		new(sql.Null[string]), new(sql.Null[int]), new(sql.Null[time.Time]), new(sql.Null[[]byte]),
		new(pgtype.Text), new(pgtype.Int2), new(pgtype.Int4), new(pgtype.Int8), new(pgtype.Float4), new(pgtype.Float8), new(pgtype.Numeric), new(pgtype.Bool), new(pgtype.UUID),
		new(pgtype.Date), new(pgtype.Time), new(pgtype.Timestamp), new(pgtype.Timestamptz), new(pgtype.Interval), new(pgtype.Point), new(pgtype.Bits), new(pgtype.Hstore), new(pgtype.Uint32),
		new(uuid.UUID), new(uuid.NullUUID), new([]int), new(map[string]any), new(struct{ A int }), new(chan int),
		&labelled{through(new([]string))}, &labelled{through(new([]*int))}, &labelled{through(new([]int64))}, &labelled{through(new([]time.Time))}, &labelled{through(new([]float64))},
		&labelled{through(new(pgtype.Array[*string]))}, &labelled{through(new(map[string]any))}, &labelled{through(new([]any))}, &labelled{through(new(pgtype.Range[pgtype.Int4]))},
		&labelled{through(new(pgtype.Multirange[pgtype.Range[pgtype.Int4]]))}, &labelled{through(new(netip.Prefix))}, &labelled{through(new(netip.Addr))}, &labelled{through(new(*netip.Addr))},
		&labelled{through(new(time.Duration))}, &labelled{through(new(big.Rat))}, &labelled{through(new(string))}, &labelled{through(new(struct {
			A []*int
			B int
		}))},
	}
}

// labelled is a Scanner that shows what it has scanned, which pgtype's hides.
type labelled struct{ inner any }

func (l *labelled) Scan(src any) error { return l.inner.(sql.Scanner).Scan(src) }

// shown writes what a target holds after a scan.
func shown(target any) string {
	if l, ok := target.(*labelled); ok {
		target = l.inner
	}
	text, err := json.Marshal(target)
	if err != nil {
		return fmt.Sprintf("%T", target) // NaN and channels
	}
	return fmt.Sprintf("%T %s", target, text)
}

// nullable tells whether a target can hold NULL. What pgx makes of NULL elsewhere is
// an error for some and nothing for others, as the types that it knows happen to be
// tried.
func nullable(target any) bool {
	if _, ok := target.(sql.Scanner); ok || target == nil {
		return ok
	}
	switch v := reflect.TypeOf(target); {
	case v.Kind() != reflect.Pointer:
		return false
	default:
		return slices.Contains([]reflect.Kind{reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface}, v.Elem().Kind())
	}
}

func TestEveryTargetTakesWhatItTakesFromPgx(t *testing.T) {
	scan := func(t *testing.T, db *sql.DB, table string, kinds []sampled) map[string][]string {
		seen := make(map[string][]string)
		m := pgtype.NewMap()
		for _, s := range kinds {
			rows, err := db.QueryContext(t.Context(), "SELECT "+s.column()+" FROM "+table+" WHERE id IN (0, 4) ORDER BY id")
			require.NoError(t, err)
			for rows.Next() {
				var value any
				require.NoError(t, rows.Scan(&value))
				for i, target := range targets(m) {
					if value == nil && !nullable(target) {
						continue
					}
					err := rows.Scan(target)
					what := fmt.Sprint(s.name, " into ", i)
					seen[what] = append(seen[what], shown(target)+" "+failure(err))
				}
			}
			require.NoError(t, rows.Err())
			require.NoError(t, rows.Close())
		}
		return seen
	}
	inEachMode(t, func(t *testing.T, mode pgx.QueryExecMode) {
		prepareStage(t)
		kinds := slices.DeleteFunc(present(), func(s sampled) bool {
			return strings.HasSuffix(s.name, "[]") && !slices.Contains([]string{"integer[]", "text[]", "bytea[]"}, s.name)
		})
		if mode != modes[0] { // the others give values as it does
			kinds = kinds[:4]
		}
		want := sameOnOneShard(t, mode, func(t *testing.T, db *sql.DB) map[string][]string { return scan(t, db, "everything", kinds) })
		got := scan(t, spread(t, mode), "everything_spread", kinds)
		for what := range want {
			assert.Equal(t, want[what], got[what], what)
		}
	})
}

func TestBytesMayBeKeptAndRawBytesMayNot(t *testing.T) {
	inEachMode(t, func(t *testing.T, mode pgx.QueryExecMode) {
		check := func(t *testing.T, db *sql.DB, table string) {
			rows, err := db.QueryContext(t.Context(), `SELECT repeat(id::text, 1000)::bytea, repeat(id::text, 10), to_jsonb(id), id FROM `+table+" ORDER BY id")
			require.NoError(t, err)
			defer rows.Close()
			var kept, documents [][]byte
			for id := 0; rows.Next(); id++ {
				var b, j []byte
				var s string
				var n int
				require.NoError(t, rows.Scan(&b, &s, &j, &n))
				var raw, text, doc, number sql.RawBytes
				require.NoError(t, rows.Scan(&raw, &text, &doc, &number))
				assert.Equal(t, string(b), string(raw))
				assert.Equal(t, s, string(text))
				assert.Equal(t, string(j), string(doc))
				assert.Equal(t, fmt.Sprint(id), string(number))
				kept, documents = append(kept, b), append(documents, j)
			}
			require.NoError(t, rows.Err())
			require.Len(t, kept, everythingRows)
			for id, b := range kept {
				require.Len(t, b, 1000)
				assert.Equal(t, byte('0'+id), b[999], "what was scanned into []byte is not overwritten by later rows")
				assert.Equal(t, fmt.Sprint(id), string(documents[id]))
			}
		}
		inBothDrivers(t, mode, func(t *testing.T, db *sql.DB) { check(t, db, "everything") })
		for _, table := range tablesOfEverything {
			check(t, spread(t, mode), table)
		}
	})
}

func TestRowOfOneAndErrorsOfScanning(t *testing.T) {
	inEachMode(t, func(t *testing.T, mode pgx.QueryExecMode) {
		check := func(t *testing.T, db *sql.DB) {
			var n int
			var s string
			ask := func(query string) *sql.Row { return db.QueryRowContext(t.Context(), query) }
			assert.ErrorIs(t, ask("SELECT 1 WHERE false").Scan(&n), sql.ErrNoRows)
			require.NoError(t, ask("SELECT generate_series(7, 9)").Scan(&n), "further rows are not looked at")
			assert.Equal(t, 7, n)
			assert.ErrorContains(t, ask("SELECT NULL::int").Scan(&n), "converting NULL to int is unsupported")
			assert.ErrorContains(t, ask("SELECT 'x'::text").Scan(&n), `converting driver.Value type string ("x") to a int`)
			assert.ErrorContains(t, ask("SELECT 300").Scan(new(int8)), "value out of range")
			assert.ErrorContains(t, ask("SELECT 1, 'a'").Scan(&n), "expected 2 destination arguments in Scan, not 1")
			assert.Error(t, ask("SELECT 1").Scan(n), "not a pointer")
			assert.Error(t, ask("SELECT 1").Scan((*int)(nil)))
			require.NoError(t, ask("SELECT 42").Scan(&s))
			assert.Equal(t, "42", s)
			require.NoError(t, ask("SELECT 1.5::numeric").Scan(new(float64)))
			assert.ErrorContains(t, ask("SELECT 1/0").Scan(&n), "division by zero")
		}
		inBothDrivers(t, mode, check)
		t.Run("spread", func(t *testing.T) { check(t, spread(t, mode)) })
	})
}
