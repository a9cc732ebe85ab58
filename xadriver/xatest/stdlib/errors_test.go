package stdlib_test

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// mistakes are statements that PostgreSQL refuses, each for a reason of its own.
var mistakes = []struct {
	query string
	args  []any
	state string
}{
	{"SELEC 1", nil, "42601"},
	{"SELECT * FROM %s WHERE", nil, "42601"},
	{"SELECT 'open", nil, "42601"},
	{`SELECT id AS "" FROM %s`, nil, "42601"},
	{"SELECT nosuch FROM %s WHERE id = $1", []any{1}, "42703"},
	{"SELECT idd FROM %s WHERE id = $1", []any{1}, "42703"}, // with a hint
	{"SELECT * FROM nosuch WHERE id = $1", []any{1}, "42P01"},
	{"SELECT nosuch(id) FROM %s WHERE id = 1", nil, "42883"},
	{"SELECT id + 'x'::text FROM %s WHERE id = 1", nil, "42883"},
	{"SELECT 1 / (id - $1) FROM %s WHERE id = $1", []any{1}, "22012"},
	{"SELECT c_text::int FROM %s WHERE id = $1", []any{1}, "22P02"},
	{"INSERT INTO %s (id) VALUES ($1)", []any{1}, "23505"},
	{"INSERT INTO %s (id, c_varchar_5) VALUES ($1, $2)", []any{300, "abcdef"}, "22001"},
	{"INSERT INTO %s (id, c_positive) VALUES ($1, $2)", []any{300, -1}, "23514"},
	{"INSERT INTO %s (id, c_mood) VALUES ($1, $2)", []any{300, "great"}, "22P02"},
	{"INSERT INTO %s (id, c_smallint) VALUES ($1, 40000)", []any{300}, "22003"},
	{"UPDATE %s SET c_date = '2024-02-30' WHERE id = $1", []any{1}, "22008"},
	{"SELECT c_text FROM %s WHERE id = $1 GROUP BY c_integer", []any{1}, "42803"},
	{"SELECT id FROM %s WHERE id = (SELECT generate_series(1, 2)) AND id = $1", []any{1}, "21000"},
	{"SET nosuch_setting = 1", nil, "42704"},
	{"ROLLBACK TO SAVEPOINT s", nil, "25P01"},
	{"DROP TABLE nosuch", nil, "42P01"},
	{"CREATE TABLE %s (id int)", nil, "42P07"},
}

func TestErrorsAreThoseOfPostgreSQLWithAllTheirFields(t *testing.T) {
	all := func(t *testing.T, db *sql.DB, table string) (seen []outcome) {
		for _, m := range mistakes {
			o, p := asked(t.Context(), db, on(m.query, table), m.args...), done(t.Context(), db, on(m.query, table), m.args...)
			assert.Equal(t, m.state, o.State, "%s: %s", on(m.query, table), o.Error)
			assert.Equal(t, m.state, p.State, "%s: %s", on(m.query, table), p.Error)
			seen = append(seen, o, p)
		}
		return seen
	}
	inEachMode(t, func(t *testing.T, mode pgx.QueryExecMode) {
		sameOnOneShard(t, mode, func(t *testing.T, db *sql.DB) []outcome { return all(t, db, "everything") })
		all(t, spread(t, mode), "everything_spread")
	})
}

// bare is an error as the type that many programs assert instead of using
// errors.As. In the modes in which pgx prepares statements, what it hears then is
// wrapped in its *pgconn.PrepareError.
func bare(t *testing.T, err error) *pgconn.PgError {
	t.Helper()
	if prepare, ok := err.(*pgconn.PrepareError); ok {
		err = prepare.Unwrap()
	}
	require.IsType(t, (*pgconn.PgError)(nil), err)
	return err.(*pgconn.PgError)
}

func TestErrorsOfServersComeBareWithTheirFields(t *testing.T) {
	inEachMode(t, func(t *testing.T, mode pgx.QueryExecMode) {
		everywhere(t, mode, func(t *testing.T, db *sql.DB, table string) {
			_, err := db.ExecContext(t.Context(), "INSERT INTO "+table+" (id) VALUES ($1)", 1)
			got := bare(t, err)
			assert.Equal(t, []string{"ERROR", "23505", table + "_pkey", "Key (id)=(1) already exists.", table, "public"},
				[]string{got.Severity, got.Code, got.ConstraintName, got.Detail, got.TableName, got.SchemaName})
			_, err = db.QueryContext(t.Context(), "SELECT id, idd FROM "+table+" WHERE id = $1", 1)
			got = bare(t, err)
			assert.Equal(t, []string{"42703", `Perhaps you meant to reference the column "` + table + `.id".`}, []string{got.Code, got.Hint})
			assert.EqualValues(t, 12, got.Position)
			_, err = db.ExecContext(t.Context(), "UPDATE "+table+" SET c_positive = -1 WHERE id = $1", 1)
			assert.Equal(t, []string{"positive", "positive_check"}, []string{bare(t, err).DataTypeName, bare(t, err).ConstraintName})
			_, err = db.ExecContext(t.Context(), "SELECT id FROM "+table+" WHERE id = 1 AND 'käse' = nosuch")
			assert.EqualValues(t, len([]rune("SELECT id FROM "+table+" WHERE id = 1 AND 'käse' = n")), bare(t, err).Position, "counted in characters")
		})
	})
}

func TestErrorsWhileRowsAreRead(t *testing.T) {
	inEachMode(t, func(t *testing.T, mode pgx.QueryExecMode) {
		everywhere(t, mode, func(t *testing.T, db *sql.DB, table string) {
			for _, order := range []string{"", " ORDER BY id"} {
				rows, err := db.QueryContext(t.Context(), "SELECT id, 10 / (3 - id) FROM "+table+" WHERE id < $1"+order, 4)
				if err != nil {
					assert.ErrorContains(t, err, "division by zero", "the first row is fetched with the query")
					continue
				}
				n := 0
				for rows.Next() {
					n++
				}
				assert.ErrorContains(t, rows.Err(), "division by zero")
				assert.LessOrEqual(t, n, 3)
				_, ok := rows.Err().(*pgconn.PgError)
				assert.True(t, ok, "%T", rows.Err())
				_ = rows.Close()
			}
			assert.Empty(t, asked(t.Context(), db, "SELECT 1").Error)
		})
	})
}

func TestWhatPostgreSQLDoesNotOffer(t *testing.T) {
	inEachMode(t, func(t *testing.T, mode pgx.QueryExecMode) {
		everywhere(t, mode, func(t *testing.T, db *sql.DB, table string) {
			res, err := db.ExecContext(t.Context(), "UPDATE "+table+" SET c_integer = c_integer WHERE id = $1", 1)
			require.NoError(t, err)
			_, err = res.LastInsertId()
			assert.EqualError(t, err, "LastInsertId is not supported by this driver")
			var n int
			_, err = db.ExecContext(t.Context(), "SELECT $1", sql.Out{Dest: &n})
			assert.Error(t, err, "there are no output parameters")
			for _, arg := range []any{make(chan int), func() {}, struct{ C chan int }{}, complex(1, 2)} {
				_, err = db.ExecContext(t.Context(), "UPDATE "+table+" SET c_integer = $2 WHERE id = $1", 1, arg)
				assert.Error(t, err, "%T", arg)
			}
			assert.Empty(t, asked(t.Context(), db, "SELECT 1").Error)
		})
	})
}

func TestAfterAnErrorTheConnectionIsUsedAgain(t *testing.T) {
	inEachMode(t, func(t *testing.T, mode pgx.QueryExecMode) {
		everywhere(t, mode, func(t *testing.T, db *sql.DB, table string) {
			conn, err := db.Conn(t.Context())
			require.NoError(t, err)
			defer conn.Close()
			_ = asked(t.Context(), conn, "SELECT set_config('xapg.mark', 'x', false)")
			for _, query := range []string{"SELECT 1/0 FROM " + table + " WHERE id = 1", "SELEC", "INSERT INTO " + table + " (id) VALUES (1)"} {
				_, err := conn.ExecContext(t.Context(), query)
				require.Error(t, err)
				assert.False(t, errors.Is(err, driver.ErrBadConn))
			}
			assert.Len(t, asked(t.Context(), conn, "SELECT id FROM "+table).Rows, everythingRows)
		})
	})
}
