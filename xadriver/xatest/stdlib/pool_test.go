package stdlib_test

import (
	"context"
	"database/sql"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// one makes the pool give no more than one connection, for the time of a test.
func one(t *testing.T, db *sql.DB) *sql.DB {
	t.Helper()
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.SetMaxOpenConns(0) })
	return db
}

func TestOneConnectionIsEnough(t *testing.T) {
	inEachMode(t, func(t *testing.T, mode pgx.QueryExecMode) {
		everywhere(t, mode, func(t *testing.T, db *sql.DB, table string) {
			one(t, db)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			for range 3 {
				rows, err := db.QueryContext(ctx, "SELECT id FROM "+table+" ORDER BY id")
				require.NoError(t, err)
				require.True(t, rows.Next())
				require.NoError(t, rows.Close(), "rows that are closed early give the connection back")
				require.NoError(t, db.QueryRowContext(ctx, "SELECT id FROM "+table+" WHERE id > 0 ORDER BY id").Scan(new(int)), "so does a row")
				assert.Equal(t, sql.ErrNoRows, db.QueryRowContext(ctx, "SELECT id FROM "+table+" WHERE id = -1").Scan(new(int)))
				rows, err = db.QueryContext(ctx, "SELECT id FROM "+table)
				require.NoError(t, err)
				for rows.Next() { // rows that are read to their end close themselves
				}
				assert.Error(t, db.QueryRowContext(ctx, "SELECT 1/0").Scan(new(int)))
				_, err = db.QueryContext(ctx, "SELECT nosuch FROM "+table)
				assert.Error(t, err)
				_, err = db.ExecContext(ctx, "SELECT id FROM "+table)
				require.NoError(t, err)
				tx, err := db.BeginTx(ctx, nil)
				require.NoError(t, err)
				_, err = tx.QueryContext(ctx, "SELECT id FROM "+table) //nolint:sqlclosecheck // the transaction's end closes them
				require.NoError(t, err)
				require.NoError(t, tx.Rollback())
				stmt, err := db.PrepareContext(ctx, "SELECT id FROM "+table+" WHERE id = $1")
				require.NoError(t, err)
				require.NoError(t, stmt.QueryRowContext(ctx, 1).Scan(new(int)))
				require.NoError(t, stmt.Close())
			}
			assert.LessOrEqual(t, db.Stats().OpenConnections, 1)
			assert.Zero(t, db.Stats().InUse)
		})
	})
}

func TestWhoeverWaitsForAConnectionHeedsItsContext(t *testing.T) {
	everywhere(t, modes[0], func(t *testing.T, db *sql.DB, _ string) {
		one(t, db)
		conn := pinned(t, db)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		_, err := db.ExecContext(ctx, "SELECT 1")
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		require.NoError(t, conn.Close())
		_, err = db.ExecContext(t.Context(), "SELECT 1")
		assert.NoError(t, err)
	})
}

func TestManyGoroutinesShareFewConnections(t *testing.T) {
	for _, mode := range []pgx.QueryExecMode{modes[0], modes[3]} {
		everywhere(t, mode, func(t *testing.T, db *sql.DB, table string) {
			db.SetMaxOpenConns(3)
			t.Cleanup(func() { db.SetMaxOpenConns(0) })
			var all sync.WaitGroup
			for g := range 10 {
				all.Go(func() {
					for i := range 6 {
						id := (g + i) % everythingRows
						var got int
						if !assert.NoError(t, db.QueryRowContext(t.Context(), "SELECT id FROM "+table+" WHERE id = $1", id).Scan(&got)) {
							return
						}
						assert.Equal(t, id, got)
						_, err := db.ExecContext(t.Context(), "UPDATE "+table+" SET c_integer = c_integer WHERE id = $1", id)
						assert.NoError(t, err)
					}
				})
			}
			all.Wait()
			assert.LessOrEqual(t, db.Stats().OpenConnections, 3)
		})
	}
}

func TestAClosedDatabaseIsClosed(t *testing.T) {
	prepareStage(t)
	for _, driver := range []string{"pgx", "xapg"} {
		db, err := sql.Open(driver, stage.url)
		require.NoError(t, err)
		rows, err := db.QueryContext(t.Context(), "SELECT generate_series(1, 3)")
		require.NoError(t, err)
		require.True(t, rows.Next())
		require.NoError(t, db.Close(), "rows that are open do not hinder it")
		_, err = db.ExecContext(t.Context(), "SELECT 1")
		assert.EqualError(t, err, "sql: database is closed")
		assert.NoError(t, db.Close(), "twice does nothing")
		_ = rows.Close()
	}
}
