package stdlib_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"strconv"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTransactionsHaveTheLevelThatIsAsked(t *testing.T) {
	inEachMode(t, func(t *testing.T, mode pgx.QueryExecMode) {
		everywhere(t, mode, func(t *testing.T, db *sql.DB, table string) {
			for _, c := range []struct {
				options *sql.TxOptions
				level   string
				only    string
			}{
				{nil, "read committed", "off"},
				{&sql.TxOptions{}, "read committed", "off"},
				{&sql.TxOptions{ReadOnly: true}, "read committed", "on"},
				{&sql.TxOptions{Isolation: sql.LevelReadUncommitted}, "read uncommitted", "off"},
				{&sql.TxOptions{Isolation: sql.LevelReadCommitted}, "read committed", "off"},
				{&sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}, "repeatable read", "on"},
				{&sql.TxOptions{Isolation: sql.LevelSnapshot}, "repeatable read", "off"},
				{&sql.TxOptions{Isolation: sql.LevelSerializable}, "serializable", "off"},
			} {
				tx, err := db.BeginTx(t.Context(), c.options)
				require.NoError(t, err)
				var level, only string
				for id := range everythingRows {
					// Asked where the row is: each shard has a transaction of its own.
					query := "SELECT current_setting('transaction_isolation'), current_setting('transaction_read_only') FROM " + table + " WHERE id = $1"
					require.NoError(t, tx.QueryRowContext(t.Context(), query, id).Scan(&level, &only))
					assert.Equal(t, []string{c.level, c.only}, []string{level, only})
				}
				o := done(t.Context(), tx, "UPDATE "+table+" SET c_integer = c_integer WHERE id = 1")
				assert.Equal(t, map[string]string{"on": "25006", "off": ""}[c.only], o.State, "%v", o)
				require.NoError(t, tx.Rollback())
			}
			for _, level := range []sql.IsolationLevel{sql.LevelWriteCommitted, sql.LevelLinearizable, 42} {
				_, err := db.BeginTx(t.Context(), &sql.TxOptions{Isolation: level})
				assert.EqualError(t, err, "unsupported isolation: "+strconv.Itoa(int(level)))
			}
		})
	})
}

func TestAFailedTransactionCannotBeCommitted(t *testing.T) {
	inEachMode(t, func(t *testing.T, mode pgx.QueryExecMode) {
		everywhere(t, mode, func(t *testing.T, db *sql.DB, table string) {
			tx, err := db.BeginTx(t.Context(), nil)
			require.NoError(t, err)
			require.Empty(t, done(t.Context(), tx, "INSERT INTO "+table+" (id) VALUES (300)").Error)
			assert.Equal(t, "23505", done(t.Context(), tx, "INSERT INTO "+table+" (id) VALUES ($1)", 1).State)
			assert.Equal(t, "25P02", done(t.Context(), tx, "SELECT 1").State)
			assert.Equal(t, "25P02", asked(t.Context(), tx, "SELECT id FROM "+table+" WHERE id = $1", 2).State)
			err = tx.Commit()
			assert.ErrorIs(t, err, pgx.ErrTxCommitRollback)
			assert.EqualError(t, err, "commit unexpectedly resulted in rollback")
			assert.ErrorIs(t, tx.Commit(), sql.ErrTxDone)
			assert.ErrorIs(t, tx.Rollback(), sql.ErrTxDone)
			assert.Empty(t, asked(t.Context(), db, "SELECT id FROM "+table+" WHERE id = 300").Rows)
		})
	})
}

func TestSavepointsSaveATransaction(t *testing.T) {
	inEachMode(t, func(t *testing.T, mode pgx.QueryExecMode) {
		everywhere(t, mode, func(t *testing.T, db *sql.DB, table string) {
			tx, err := db.BeginTx(t.Context(), nil)
			require.NoError(t, err)
			for _, step := range []struct{ query, state string }{
				{"INSERT INTO %s (id) VALUES (300)", ""},
				{"SAVEPOINT a", ""},
				{"INSERT INTO %s (id) VALUES (301), (302)", ""},
				{"INSERT INTO %s (id) VALUES (0)", "23505"},
				{"RELEASE a", "25P02"},
				{"ROLLBACK TO SAVEPOINT a", ""},
				{"INSERT INTO %s (id) VALUES (303)", ""},
				{"RELEASE SAVEPOINT a", ""},
				{"ROLLBACK TO a", "3B001"},
				{"SELECT 1", "25P02"},
			} {
				assert.Equal(t, step.state, done(t.Context(), tx, on(step.query, table)).State, step.query)
			}
			assert.ErrorIs(t, tx.Commit(), pgx.ErrTxCommitRollback)
			assert.Len(t, asked(t.Context(), db, "SELECT id FROM "+table).Rows, everythingRows)
		})
	})
}

func TestRowsLeftOpenDoNotKeepATransactionFromItsEnd(t *testing.T) {
	inEachMode(t, func(t *testing.T, mode pgx.QueryExecMode) {
		everywhere(t, mode, func(t *testing.T, db *sql.DB, table string) {
			for _, end := range []func(*sql.Tx) error{(*sql.Tx).Commit, (*sql.Tx).Rollback} {
				tx, err := db.BeginTx(t.Context(), nil)
				require.NoError(t, err)
				rows, err := tx.QueryContext(t.Context(), "SELECT id, repeat('x', 10000) FROM "+table+", generate_series(1, 100) ORDER BY 1")
				require.NoError(t, err)
				require.True(t, rows.Next())
				assert.NoError(t, end(tx))
				assert.False(t, rows.Next())
				require.NoError(t, rows.Close())
				assert.Empty(t, asked(t.Context(), db, "SELECT 1").Error)
			}
		})
	})
}

func TestATransactionIsBusyWithItsRows(t *testing.T) {
	inEachMode(t, func(t *testing.T, mode pgx.QueryExecMode) {
		everywhere(t, mode, func(t *testing.T, db *sql.DB, table string) {
			tx, err := db.BeginTx(t.Context(), nil)
			require.NoError(t, err)
			defer tx.Rollback()
			rows, err := tx.QueryContext(t.Context(), "SELECT id, repeat('x', 10000) FROM "+table+", generate_series(1, 100) ORDER BY 1")
			require.NoError(t, err)
			require.True(t, rows.Next())
			_, err = tx.ExecContext(t.Context(), "SELECT 1")
			assert.Error(t, err, "a connection does one thing at a time")
			if table == "everything" {
				assert.ErrorIs(t, err, driver.ErrBadConn)
			} else {
				assert.ErrorContains(t, err, "conn busy")
			}
			require.NoError(t, rows.Close())
			_, err = tx.ExecContext(t.Context(), "INSERT INTO "+table+" (id) VALUES (300)")
			assert.NoError(t, err, "and goes on when the rows are closed")
			assert.NoError(t, tx.Commit())
			assert.Equal(t, [][]string{{"1"}}, done(t.Context(), db, "DELETE FROM "+table+" WHERE id = 300").Rows)
		})
	})
}

func TestTransactionControlAsText(t *testing.T) {
	inEachMode(t, func(t *testing.T, mode pgx.QueryExecMode) {
		everywhere(t, mode, func(t *testing.T, db *sql.DB, table string) {
			conn, err := db.Conn(t.Context())
			require.NoError(t, err)
			defer conn.Close()
			run := func(query string) string { return done(t.Context(), conn, on(query, table)).State }
			assert.Empty(t, run("COMMIT"), "outside of a transaction that is a warning")
			assert.Empty(t, run("BEGIN"))
			assert.Empty(t, run("BEGIN"), "twice is a warning too")
			assert.Empty(t, run("INSERT INTO %s (id) VALUES (300)"))
			assert.Empty(t, run("ROLLBACK"))
			assert.Empty(t, run("START TRANSACTION READ ONLY"))
			assert.Equal(t, "25006", run("INSERT INTO %s (id) VALUES (300)"))
			assert.Empty(t, run("END"), "PostgreSQL answers ROLLBACK, which a caller of Exec cannot see")
			assert.Equal(t, "25P01", run("SAVEPOINT s"))
			assert.Len(t, asked(t.Context(), conn, "SELECT id FROM "+table).Rows, everythingRows)
		})
	})
}

func TestATransactionTextWithinATransaction(t *testing.T) {
	inEachMode(t, func(t *testing.T, mode pgx.QueryExecMode) {
		everywhere(t, mode, func(t *testing.T, db *sql.DB, table string) {
			tx, err := db.BeginTx(t.Context(), nil)
			require.NoError(t, err)
			require.Empty(t, done(t.Context(), tx, "BEGIN").Error)
			require.Empty(t, done(t.Context(), tx, "INSERT INTO "+table+" (id) VALUES (300)").Error)
			require.Empty(t, done(t.Context(), tx, "ROLLBACK").Error)
			assert.Empty(t, asked(t.Context(), db, "SELECT id FROM "+table+" WHERE id = 300").Rows)
			_ = tx.Rollback()
			assert.Empty(t, asked(t.Context(), db, "SELECT 1").Error, "the connection is whole, or not used again")
		})
	})
}

func TestBeginWithAContextThatHasEnded(t *testing.T) {
	inEachMode(t, func(t *testing.T, mode pgx.QueryExecMode) {
		everywhere(t, mode, func(t *testing.T, db *sql.DB, table string) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			_, err := db.BeginTx(ctx, nil)
			assert.ErrorIs(t, err, context.Canceled)
			ctx, cancel = context.WithCancel(t.Context())
			tx, err := db.BeginTx(ctx, nil)
			require.NoError(t, err)
			require.Empty(t, done(t.Context(), tx, "INSERT INTO "+table+" (id) VALUES (300)").Error)
			cancel()
			err = tx.Commit()
			assert.True(t, err == context.Canceled || err == sql.ErrTxDone, "%v", err)
			assert.Empty(t, asked(t.Context(), db, "SELECT id FROM "+table+" WHERE id = 300").Rows, "the transaction is rolled back")
		})
	})
}

func TestDeferredConstraintsAreErrorsOfCommit(t *testing.T) {
	inEachMode(t, func(t *testing.T, mode pgx.QueryExecMode) {
		check := func(t *testing.T, db *sql.DB) {
			tx, err := db.BeginTx(t.Context(), nil)
			require.NoError(t, err)
			require.Empty(t, done(t.Context(), tx, "CREATE TEMPORARY TABLE later (id int PRIMARY KEY, of int REFERENCES later DEFERRABLE INITIALLY DEFERRED) ON COMMIT DROP").Error)
			require.Empty(t, done(t.Context(), tx, "INSERT INTO later VALUES ($1, $2)", 1, 2).Error)
			var o outcome
			o.fail(tx.Commit())
			assert.Equal(t, "23503", o.State, o.Error)
			assert.Contains(t, o.Error, "*pgconn.PgError: ", "bare")
			assert.Contains(t, o.Error, "later_of_fkey")
		}
		inBothDrivers(t, mode, check)
		t.Run("spread", func(t *testing.T) { check(t, spread(t, mode)) })
	})
}
