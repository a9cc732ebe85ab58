package stdlib_test

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// tablesOfEverything are the same rows on three shards: each row on its shard, all
// rows on each, and all on the first.
var tablesOfEverything = []string{"everything_spread", "everything_everywhere", "everything_home"}

func TestValuesOfAllTypesAreThoseOfPgx(t *testing.T) {
	inEachMode(t, func(t *testing.T, mode pgx.QueryExecMode) {
		want := make([]outcome, everythingRows)
		sameOnOneShard(t, mode, func(t *testing.T, db *sql.DB) []outcome {
			for id := range everythingRows {
				want[id] = asked(t.Context(), db, "SELECT * FROM everything WHERE id = $1", id)
				require.Empty(t, want[id].Error)
				require.Len(t, want[id].Rows, 1)
			}
			return slices.Clone(want)
		})
		for _, table := range tablesOfEverything {
			for id := range everythingRows {
				got := asked(t.Context(), spread(t, mode), "SELECT * FROM "+table+" WHERE id = $1", id)
				sameSpread(t, want[id], got, "%s, row %d", table, id)
			}
		}
	})
}

func TestValuesOfAllTypesSurviveEveryKindOfMerge(t *testing.T) {
	inEachMode(t, func(t *testing.T, mode pgx.QueryExecMode) {
		for name, order := range map[string]string{
			"in the driver":       "ORDER BY id",
			"by PostgreSQL":       "ORDER BY c_numeric, id DESC",
			"in no order":         "",
			"of a limited number": "ORDER BY id DESC LIMIT 3",
			"with an offset":      "ORDER BY c_interval, id OFFSET 1",
		} {
			t.Run(name, func(t *testing.T) {
				ask := func(db *sql.DB, table string) outcome {
					o := asked(t.Context(), db, "SELECT * FROM "+table+" "+order)
					if order == "" {
						slices.SortFunc(o.Rows, func(a, b []string) int { return strings.Compare(a[0], b[0]) })
					}
					return o
				}
				want := sameOnOneShard(t, mode, func(_ *testing.T, db *sql.DB) outcome { return ask(db, "everything") })
				require.Empty(t, want.Error)
				for _, table := range tablesOfEverything {
					sameSpread(t, want, ask(spread(t, mode), table), table)
				}
			})
		}
	})
}

func TestValuesOfAllTypesCanBeReturned(t *testing.T) {
	// What a write returns takes other ways through the driver than what a query does.
	write := "UPDATE %s SET c_integer = c_integer WHERE id < 3 RETURNING *"
	inEachMode(t, func(t *testing.T, mode pgx.QueryExecMode) {
		sorted := func(o outcome) outcome {
			slices.SortFunc(o.Rows, func(a, b []string) int { return strings.Compare(a[0], b[0]) })
			return o
		}
		want := sameOnOneShard(t, mode, func(t *testing.T, db *sql.DB) outcome {
			return sorted(asked(t.Context(), db, fmt.Sprintf(write, "everything")))
		})
		require.Len(t, want.Rows, 3, want.Error)
		for _, table := range tablesOfEverything {
			sameSpread(t, want, sorted(asked(t.Context(), spread(t, mode), fmt.Sprintf(write, table))), table)
		}
	})
}

func TestFormatsThatAreAskedForAreUsed(t *testing.T) {
	// stdlib asks for text except for simple types. Who asks for another format gets
	// it, and with it the errors of values that then cannot be read as text.
	formats := []any{
		pgx.QueryResultFormats{pgx.BinaryFormatCode},
		pgx.QueryResultFormats{pgx.TextFormatCode},
		pgx.QueryResultFormatsByOID{pgtype.Int4OID: 0, pgtype.Int8OID: 0, pgtype.ByteaOID: 0, pgtype.TimestamptzOID: 0, pgtype.BoolOID: 0, pgtype.JSONBOID: 1, pgtype.Int4ArrayOID: 1},
	}
	in := func(t *testing.T, db *sql.DB, table string) map[string]outcome {
		seen := make(map[string]outcome)
		for i, format := range formats {
			for _, s := range present() {
				seen[fmt.Sprint(s.name, " ", i)] = asked(t.Context(), db, "SELECT "+s.column()+" FROM "+table+" WHERE id = 0", format)
			}
		}
		return seen
	}
	mode := pgx.QueryExecModeCacheDescribe
	want := sameOnOneShard(t, mode, func(t *testing.T, db *sql.DB) map[string]outcome { return in(t, db, "everything") })
	assert.Equal(t, want["integer[] 0"], want["integer[] 1"], "stdlib's own formats by OID win over formats by position")
	assert.NotEqual(t, want["integer[] 1"], want["integer[] 2"], "formats by OID win over stdlib's")
	for _, table := range tablesOfEverything {
		for what, got := range in(t, spread(t, mode), table) {
			sameSpread(t, want[what], got, "%s: %s", table, what)
		}
	}
}

func TestSessionTimeZonesAreTheServersNotTheDrivers(t *testing.T) {
	inEachMode(t, func(t *testing.T, mode pgx.QueryExecMode) {
		for _, zone := range []string{"UTC", "Asia/Kolkata", "America/St_Johns"} {
			seen := sameOnOneShard(t, mode, func(t *testing.T, db *sql.DB) []outcome {
				return []outcome{
					asked(t.Context(), db, "SELECT c_timestamptz, c_timestamptz::text, c_timestamp::timestamptz, c_timestamptz_array, c_tstzrange FROM everything ORDER BY id"),
					asked(t.Context(), db, "SELECT current_setting('TimeZone'), '2024-01-01 00:00'::timestamptz"),
				}
			}, "timezone="+zone)
			require.Equal(t, fmt.Sprintf("%q", zone), seen[1].Rows[0][0])
			assert.NotEqual(t, seen[0].Rows[0][0], seen[0].Rows[0][2], "in no mode are the two types the same")
		}
	})
}
