package stdlib_test

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// keyed are the types by whose values rows can be placed. For each there is a table
// keyed_TYPE, placed by its column k.
var keyed = []string{"int2", "int4", "int8", "text", "varchar(3)", "char(3)", "uuid", "date", "timestamp", "timestamptz", "bool", "bytea", "numeric"}

func keyTable(as string) string {
	return "keyed_" + strings.NewReplacer("(", "_", ")", "").Replace(as)
}

func makeKeyTables(ctx context.Context, db *sql.DB) error {
	var script strings.Builder
	for _, as := range keyed {
		script.WriteString("CREATE TABLE " + keyTable(as) + " (k " + as + " PRIMARY KEY, n int);")
	}
	_, err := db.ExecContext(ctx, script.String())
	return err
}

// used is what comes of an argument as a key: written, found again by itself and by
// its text, changed and deleted.
type used struct {
	Inserted, Found, FoundByText, Updated, Deleted outcome
}

func (u used) steps() map[string]outcome {
	return map[string]outcome{"inserted": u.Inserted, "found": u.Found, "found by its text": u.FoundByText, "updated": u.Updated, "deleted": u.Deleted}
}

func useKey(ctx context.Context, db *sql.DB, table string, before []any, arg any) (u used) {
	args := append(before[:len(before):len(before)], arg)
	u.Inserted = done(ctx, db, "INSERT INTO "+table+" (k) VALUES ($1)", args...)
	u.Found = asked(ctx, db, "SELECT k, k::text FROM "+table+" WHERE k = $1", args...)
	if len(u.Found.Rows) == 1 {
		text := strings.ReplaceAll(strings.Trim(u.Found.Rows[0][1], `"`), `\\`, `\`)
		u.FoundByText = asked(ctx, db, "SELECT count(*) FROM "+table+" WHERE k = '"+text+"'")
	}
	u.Updated = done(ctx, db, "UPDATE "+table+" SET n = 1 WHERE k IN ($1)", args...)
	u.Deleted = done(ctx, db, "DELETE FROM "+table+" WHERE k = $1", args...)
	if u.Inserted.Error == "" && len(u.Deleted.Rows) == 1 && u.Deleted.Rows[0][0] == "0" { // NaN, and what the types make of values
		_ = done(ctx, db, "DELETE FROM "+table)
	}
	return u
}

// alike tells whether a key came to the same. Errors of values that cannot be keys
// are the driver's own where it must know the value before any server does; then
// their SQLSTATE is the server's.
func alike(want, got outcome) bool {
	if want.Error != "" && got.Error != "" {
		return want.State == "" || want.State == got.State || got.State == "0A000" ||
			want.State == "08P01" && got.State == "22021" || // a zero byte, which in a query's text is the end of it
			want.State == "42P02" && got.State == "08P01" // a parameter without an argument
	}
	return assert.ObjectsAreEqual(want, got)
}

// untyped are the modes in which pgx does not ask for the parameters' types.
var untyped = []pgx.QueryExecMode{pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol}

// writtenByGoType tells whether pgx, in the untyped modes, writes a value as the
// PostgreSQL type that its Go type stands for, whatever the column is.
func writtenByGoType(arg any) bool {
	switch arg.(type) {
	case time.Time, time.Duration, netip.Addr, net.IP, pgtype.Date:
		return true
	default:
		return false
	}
}

func TestKeysAreFoundWhateverGoTypeTheyComeIn(t *testing.T) {
	// On several shards the driver must read an argument as the server will; if the
	// two disagree about a value, its row is looked for where it is not.
	refused := make(map[string]string)
	inEachMode(t, func(t *testing.T, mode pgx.QueryExecMode) {
		use := func(db *sql.DB, before ...any) map[string]used {
			seen := make(map[string]used)
			eachArgument(mode, func(name, as string, arg any) {
				if slices.Contains(keyed, as) && !(as == "text" && writtenByGoType(arg) && slices.Contains(untyped, mode)) {
					seen[name] = useKey(t.Context(), db, keyTable(as), before, arg)
				}
			})
			return seen
		}
		want := use(open(t, "pgx", mode))
		given := []map[string]used{use(spread(t, mode))}
		if slices.Contains(untyped, mode) {
			given = append(given, use(spread(t, modes[0]), mode))
		}
		for i, got := range given {
			for name, w := range want {
				g := got[name]
				switch {
				case w.Inserted.State == "23502": // see the test of NULLs
				case w.Found.Error == "" && g.Found.State == "0A000":
					refused[name] = g.Found.Error
				default:
					steps := g.steps()
					for step, o := range w.steps() {
						assert.True(t, alike(o, steps[step]), "%s (%d) %s: pgx: %v, xapg: %v", name, i, step, o, steps[step])
					}
				}
			}
		}
	})
	assert.LessOrEqual(t, len(refused), 1, "a float that is no whole number, for an integer: %v", refused)
}

func TestKeysThatAreWrittenByTheirGoTypeAreFound(t *testing.T) {
	for _, mode := range untyped {
		eachArgument(mode, func(name, as string, arg any) {
			if as != "text" || !writtenByGoType(arg) {
				return
			}
			want := useKey(t.Context(), open(t, "pgx", mode), keyTable(as), nil, arg)
			require.Equal(t, [][]string{{"int64(1)"}}, want.FoundByText.Rows)
			got := useKey(t.Context(), spread(t, mode), keyTable(as), nil, arg)
			if got.Inserted.State != "0A000" {
				assert.Equal(t, want, got, "%s, %v", name, mode)
			}
		})
	}
}

func TestRowsWithoutAKeyAreTheErrorOfANullColumn(t *testing.T) {
	inEachMode(t, func(t *testing.T, mode pgx.QueryExecMode) {
		for _, null := range []any{nil, nothing, sql.NullInt32{}, sql.Null[int]{}, pgtype.Int4{}} {
			for _, query := range []string{"INSERT INTO %s (id) VALUES ($1)", "INSERT INTO %s (id, c_text) VALUES (1000, 'x'), ($1, 'y')", "INSERT INTO %s (c_integer, id) SELECT 1, $1::int"} {
				want := sameOnOneShard(t, mode, func(t *testing.T, db *sql.DB) outcome { return done(t.Context(), db, on(query, "everything"), null) })
				require.Equal(t, "23502", want.State)
				for _, table := range tablesOfEverything {
					assert.Equal(t, "23502", done(t.Context(), spread(t, mode), on(query, table), null).State, "%s: %T", on(query, table), null)
				}
			}
		}
	})
}

func TestNoKeyIsNotFound(t *testing.T) {
	// NULL equals nothing, in whatever Go type it comes.
	inEachMode(t, func(t *testing.T, mode pgx.QueryExecMode) {
		for _, null := range []any{nil, nothing, sql.NullInt32{}, pgtype.Int4{}} {
			for _, query := range []string{"SELECT id FROM %s WHERE id = $1", "SELECT id FROM %s WHERE id IN ($1, 2)", "SELECT id FROM %s WHERE id = $1 OR id = 1"} {
				want := sameOnOneShard(t, mode, func(t *testing.T, db *sql.DB) outcome { return asked(t.Context(), db, on(query, "everything"), null) })
				for _, table := range tablesOfEverything {
					sameSpread(t, want, asked(t.Context(), spread(t, mode), on(query, table), null), fmt.Sprintf("%s: %T", query, null))
				}
			}
		}
	})
}
