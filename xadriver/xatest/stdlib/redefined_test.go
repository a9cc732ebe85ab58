package stdlib_test

import (
	"database/sql"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// redefinitions are changes of a table under a statement that knows it. PostgreSQL
// says "cached plan must not change result type" when a prepared statement would
// give other columns than it did, and pgx then forgets the statement.
var redefinitions = []struct{ name, ddl string }{
	{"a column added", "ALTER TABLE %s ADD COLUMN extra int DEFAULT 7"},
	{"a type changed", "ALTER TABLE %s ALTER COLUMN v TYPE text USING v::text || '!'"},
	{"the table made again", "DROP TABLE %s; CREATE TABLE %s (id int PRIMARY KEY, v bigint, w text); INSERT INTO %s VALUES (1, 8, 'x')"},
	{"the table dropped", "DROP TABLE %s"},
}

// shifted counts tables: connections remember statements, so each has a new name.
var shifted atomic.Int64

// makeShifting makes a table that is going to be redefined.
func makeShifting(t *testing.T, q queryer) (table string) {
	t.Helper()
	table = fmt.Sprint("shifting_", shifted.Add(1))
	_, err := q.ExecContext(t.Context(), on("CREATE TABLE %s (id int PRIMARY KEY, v int); INSERT INTO %s VALUES (1, 5), (2, 6), (3, 7)", table))
	require.NoError(t, err)
	return table
}

// across is what a connection sees of a table before and after it is redefined, by
// the same text and by a prepared statement.
func across(t *testing.T, db *sql.DB, ddl string) (texts, statements []outcome) {
	t.Helper()
	conn, err := db.Conn(t.Context())
	require.NoError(t, err)
	defer conn.Close()
	table := makeShifting(t, conn)
	stmt, err := conn.PrepareContext(t.Context(), "SELECT *, $1 + 1 FROM "+table+" WHERE id = $1")
	require.NoError(t, err)
	defer stmt.Close()
	look := func() {
		texts = append(texts, asked(t.Context(), conn, "SELECT * FROM "+table+" WHERE id = $1", 1))
		statements = append(statements, drained(stmt.QueryContext(t.Context(), 1)))
	}
	look()
	look()
	_, err = conn.ExecContext(t.Context(), on(ddl, table))
	require.NoError(t, err)
	look()
	look()
	look()
	for _, list := range [][]outcome{texts, statements} {
		for i := range list {
			list[i].Error = strings.ReplaceAll(list[i].Error, table, "it")
		}
	}
	return texts, statements
}

// notWorse tells whether a statement came to the same, or works where pgx's does not:
// pgx's prepared statements may stay broken, and its cached ones break once.
func notWorse(want, got outcome) bool {
	if broken := want.State == "0A000" || want.State == "08P01"; broken && got.Error == "" {
		return true
	}
	return alike(unprepared(want), unprepared(got))
}

func TestStatementsAcrossRedefinitions(t *testing.T) {
	inEachMode(t, func(t *testing.T, mode pgx.QueryExecMode) {
		for _, r := range redefinitions {
			t.Run(r.name, func(t *testing.T) {
				texts, statements := across(t, open(t, "pgx", mode), r.ddl)
				compare := func(db *sql.DB) (last outcome) {
					gotTexts, gotStatements := across(t, db, r.ddl)
					for i := range texts {
						assert.True(t, notWorse(texts[i], gotTexts[i]), "%d: pgx: %v, xapg: %v", i, texts[i], gotTexts[i])
						assert.True(t, notWorse(statements[i], gotStatements[i]), "%d, prepared: pgx: %v, xapg: %v", i, statements[i], gotStatements[i])
					}
					return gotStatements[4]
				}
				compare(open(t, "xapg", mode))
				if mode == modes[0] || r.name == "a type changed" { // DDL on several shards takes its time
					assert.Equal(t, texts[4].State, compare(spread(t, mode)).State, "in the end a statement works as its text does")
				}
			})
		}
	})
}

func TestRedefinitionsByOthersAreNoticed(t *testing.T) {
	// Somebody else's change: one answer may be the error, or a connection's last word
	// on the table as it was; then the new table is seen.
	inEachMode(t, func(t *testing.T, mode pgx.QueryExecMode) {
		see := func(t *testing.T, db, other *sql.DB) (last outcome) {
			conn, err := db.Conn(t.Context())
			require.NoError(t, err)
			defer conn.Close()
			table := makeShifting(t, conn)
			ask := func() outcome { return asked(t.Context(), conn, "SELECT v FROM "+table+" WHERE id = $1", 1) }
			require.Equal(t, [][]string{{"int64(5)"}}, ask().Rows)
			_, err = other.ExecContext(t.Context(), "ALTER TABLE "+table+" ALTER COLUMN v TYPE text USING v::text || '!'")
			require.NoError(t, err)
			for range 3 {
				last = ask()
			}
			return last
		}
		want := sameOnOneShard(t, mode, func(t *testing.T, db *sql.DB) outcome { return see(t, db, open(t, "pgx", mode)) })
		require.Equal(t, [][]string{{`"5!"`}}, want.Rows)
		sameSpread(t, want, see(t, spread(t, mode), spread(t, modes[1])))
	})
}
