package stdlib_test

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// preparers are what has Prepare.
type preparer interface {
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
}

func prepare(t *testing.T, p preparer, query string) *sql.Stmt {
	t.Helper()
	stmt, err := p.PrepareContext(t.Context(), query)
	require.NoError(t, err)
	t.Cleanup(func() { _ = stmt.Close() })
	return stmt
}

func TestPreparedStatementsAreUsedAgain(t *testing.T) {
	inEachMode(t, func(t *testing.T, mode pgx.QueryExecMode) {
		everywhere(t, mode, func(t *testing.T, db *sql.DB, table string) {
			stmt := prepare(t, db, "SELECT id, c_text FROM "+table+" WHERE id = $1")
			for range 3 {
				for id := range everythingRows {
					var got int
					var text sql.NullString
					require.NoError(t, stmt.QueryRowContext(t.Context(), id).Scan(&got, &text))
					assert.Equal(t, id, got)
				}
			}
			assert.ErrorContains(t, stmt.QueryRowContext(t.Context()).Err(), "expected 1 arguments, got 0")
			assert.ErrorContains(t, stmt.QueryRowContext(t.Context(), 1, 2).Err(), "expected 1 arguments, got 2")
			count := prepare(t, db, "UPDATE "+table+" SET c_integer = c_integer WHERE id >= $1")
			for from := range everythingRows {
				assert.Equal(t, [][]string{{fmt.Sprint(everythingRows - from)}}, counted(count.ExecContext(t.Context(), from)).Rows)
			}
			require.NoError(t, stmt.Close())
			assert.ErrorContains(t, stmt.QueryRowContext(t.Context(), 1).Err(), "statement is closed")
		})
	})
}

func TestOneTextMayBePreparedTwice(t *testing.T) {
	inEachMode(t, func(t *testing.T, mode pgx.QueryExecMode) {
		everywhere(t, mode, func(t *testing.T, db *sql.DB, table string) {
			conn, err := db.Conn(t.Context())
			require.NoError(t, err)
			defer conn.Close()
			query := "SELECT max(id) FROM " + table + " WHERE id < $1"
			a, b := prepare(t, conn, query), prepare(t, conn, query)
			var n int
			require.NoError(t, a.QueryRowContext(t.Context(), 3).Scan(&n))
			require.NoError(t, a.Close())
			require.NoError(t, b.QueryRowContext(t.Context(), 4).Scan(&n), "the other goes on")
			assert.Equal(t, 3, n)
			require.NoError(t, conn.QueryRowContext(t.Context(), query, 2).Scan(&n), "so does the text")
			require.NoError(t, b.Close())
			require.NoError(t, prepare(t, conn, query).QueryRowContext(t.Context(), 2).Scan(&n))
		})
	})
}

func TestPreparedStatementsSurviveErrors(t *testing.T) {
	inEachMode(t, func(t *testing.T, mode pgx.QueryExecMode) {
		everywhere(t, mode, func(t *testing.T, db *sql.DB, table string) {
			stmt := prepare(t, db, "SELECT 10 / $2::int FROM "+table+" WHERE id = $1")
			var n int
			for range 2 {
				require.NoError(t, stmt.QueryRowContext(t.Context(), 1, 5).Scan(&n))
				assert.Equal(t, 2, n)
				assert.Contains(t, drained(stmt.QueryContext(t.Context(), 1, 0)).State, "22012")
				assert.NotEmpty(t, drained(stmt.QueryContext(t.Context(), "one", 1)).Error)
			}
			tx, err := db.BeginTx(t.Context(), nil)
			require.NoError(t, err)
			inside := tx.StmtContext(t.Context(), stmt)
			assert.Equal(t, "22012", drained(inside.QueryContext(t.Context(), 1, 0)).State)
			assert.Equal(t, "25P02", drained(inside.QueryContext(t.Context(), 1, 5)).State)
			require.NoError(t, tx.Rollback())
			assert.ErrorContains(t, inside.QueryRowContext(t.Context(), 1, 5).Err(), "statement is closed")
			require.NoError(t, stmt.QueryRowContext(t.Context(), 1, 5).Scan(&n), "the statement outlives its transaction")
		})
	})
}

func TestPreparingTellsWhatIsWrong(t *testing.T) {
	// Each is wrong when it is prepared, or at the latest when it is used.
	states := map[string]string{
		"SELEC 1": "42601", "SELECT nosuch FROM %s": "42703", "SELECT 1 FROM nosuch_table": "42P01", "SELECT nosuch(1)": "42883",
		"SELECT 1::nosuch": "42704", "SELECT 1; SELECT 2": "42601", "INSERT INTO %s (id) VALUES ('x')": "22P02", "SELECT 1 FROM %s WHERE id = 'x'": "22P02",
	}
	inEachMode(t, func(t *testing.T, mode pgx.QueryExecMode) {
		everywhere(t, mode, func(t *testing.T, db *sql.DB, table string) {
			for query, state := range states {
				stmt, err := db.PrepareContext(t.Context(), on(query, table))
				if err == nil {
					_, err = stmt.ExecContext(t.Context())
					require.NoError(t, stmt.Close())
				}
				var o outcome
				o.fail(err)
				assert.Equal(t, state, o.State, "%s: %v", query, err)
			}
		})
	})
}

func TestPreparedStatementsInTransactions(t *testing.T) {
	inEachMode(t, func(t *testing.T, mode pgx.QueryExecMode) {
		everywhere(t, mode, func(t *testing.T, db *sql.DB, table string) {
			outside := prepare(t, db, "INSERT INTO "+table+" (id) VALUES ($1)")
			tx, err := db.BeginTx(t.Context(), nil)
			require.NoError(t, err)
			inside := prepare(t, tx, "SELECT count(*) FROM "+table+" WHERE id >= $1")
			for id := 200; id < 206; id++ {
				require.Equal(t, [][]string{{"1"}}, counted(tx.StmtContext(t.Context(), outside).ExecContext(t.Context(), id)).Rows)
			}
			var n int
			require.NoError(t, inside.QueryRowContext(t.Context(), 200).Scan(&n))
			assert.Equal(t, 6, n)
			require.NoError(t, tx.Rollback())
			require.NoError(t, db.QueryRowContext(t.Context(), "SELECT count(*) FROM "+table+" WHERE id >= 200").Scan(&n))
			assert.Zero(t, n)
		})
	})
}

func TestAStatementMayBeClosedWhileItsRowsAreOpen(t *testing.T) {
	inEachMode(t, func(t *testing.T, mode pgx.QueryExecMode) {
		everywhere(t, mode, func(t *testing.T, db *sql.DB, table string) {
			stmt := prepare(t, db, "SELECT id FROM "+table+" WHERE id >= $1 ORDER BY id")
			rows, err := stmt.QueryContext(t.Context(), 0)
			require.NoError(t, err)
			require.True(t, rows.Next())
			require.NoError(t, stmt.Close())
			o := drained(rows, nil)
			assert.Empty(t, o.Error)
			assert.Len(t, o.Rows, everythingRows-1)
		})
	})
}

func TestManyGoroutinesShareAStatement(t *testing.T) {
	for _, mode := range []pgx.QueryExecMode{modes[0], modes[3]} {
		everywhere(t, mode, func(t *testing.T, db *sql.DB, table string) {
			stmt := prepare(t, db, "SELECT $1::int + id FROM "+table+" WHERE id = $2")
			var all sync.WaitGroup
			for g := range 8 {
				all.Go(func() {
					for i := range 10 {
						var n int
						if assert.NoError(t, stmt.QueryRowContext(t.Context(), g*100, i%everythingRows).Scan(&n)) {
							assert.Equal(t, g*100+i%everythingRows, n)
						}
					}
				})
			}
			all.Wait()
		})
	}
}
