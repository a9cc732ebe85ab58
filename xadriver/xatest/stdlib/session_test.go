package stdlib_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver"
)

// pinned is a connection of one's own.
func pinned(t *testing.T, db *sql.DB) *sql.Conn {
	t.Helper()
	conn, err := db.Conn(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// value is a query's only value, as text.
func value(t *testing.T, q queryer, query string, args ...any) string {
	t.Helper()
	rows, err := q.QueryContext(t.Context(), query, args...)
	require.NoError(t, err, query)
	defer rows.Close()
	var out sql.NullString
	require.True(t, rows.Next(), query)
	require.NoError(t, rows.Scan(&out))
	require.NoError(t, rows.Close())
	return out.String
}

func TestSettingsBelongToTheirConnection(t *testing.T) {
	inEachMode(t, func(t *testing.T, mode pgx.QueryExecMode) {
		everywhere(t, mode, func(t *testing.T, db *sql.DB, table string) {
			a, b := pinned(t, db), pinned(t, db)
			_, err := a.ExecContext(t.Context(), "SET TIME ZONE 'Asia/Kolkata'")
			require.NoError(t, err)
			for id := range everythingRows {
				query := "SELECT current_setting('TimeZone') FROM " + table + " WHERE id = $1"
				assert.Equal(t, "Asia/Kolkata", value(t, a, query, id))
				assert.Equal(t, "UTC", value(t, b, query, id))
			}
			assert.Equal(t, "1970-01-01 05:30:00+05:30", value(t, a, "SELECT to_timestamp(0)::text"))
			_, err = a.ExecContext(t.Context(), "RESET ALL")
			require.NoError(t, err)
			assert.Equal(t, "UTC", value(t, a, "SHOW TIME ZONE"))
		})
	})
}

func TestSettingsInTransactions(t *testing.T) {
	inEachMode(t, func(t *testing.T, mode pgx.QueryExecMode) {
		everywhere(t, mode, func(t *testing.T, db *sql.DB, table string) {
			conn := pinned(t, db)
			ask := func(q queryer) string {
				return value(t, q, "SELECT current_setting('work_mem') FROM "+table+" WHERE id = $1", 2)
			}
			usual := ask(conn)
			for _, c := range []struct {
				set           string
				end           func(*sql.Tx) error
				inside, after string
			}{
				{"SET LOCAL work_mem = '5MB'", (*sql.Tx).Commit, "5MB", usual},
				{"SET work_mem = '6MB'", (*sql.Tx).Rollback, "6MB", usual},
				{"SET work_mem = '7MB'", (*sql.Tx).Commit, "7MB", "7MB"},
			} {
				tx, err := conn.BeginTx(t.Context(), nil)
				require.NoError(t, err)
				_, err = tx.ExecContext(t.Context(), c.set)
				require.NoError(t, err)
				assert.Equal(t, c.inside, ask(tx))
				require.NoError(t, c.end(tx))
				assert.Equal(t, c.after, ask(conn))
			}
		})
	})
}

func TestTemporaryTablesAndAdvisoryLocks(t *testing.T) {
	inEachMode(t, func(t *testing.T, mode pgx.QueryExecMode) {
		check := func(t *testing.T, db *sql.DB) {
			a, b := pinned(t, db), pinned(t, db)
			_, err := a.ExecContext(t.Context(), "CREATE TEMPORARY TABLE own (n int); INSERT INTO own VALUES (1), (2)")
			require.NoError(t, err)
			assert.Equal(t, "2", value(t, a, "SELECT count(*) FROM own WHERE n > $1", 0))
			assert.Equal(t, "42P01", asked(t.Context(), b, "SELECT count(*) FROM own WHERE n > $1", 0).State)
			assert.Equal(t, "true", value(t, a, "SELECT pg_try_advisory_lock(77)"))
			assert.Equal(t, "false", value(t, b, "SELECT pg_try_advisory_lock(77)"))
			assert.Equal(t, "true", value(t, a, "SELECT pg_advisory_unlock(77)"))
			assert.Equal(t, "true", value(t, b, "SELECT pg_try_advisory_lock(77)"))
			_, err = b.ExecContext(t.Context(), "SELECT pg_advisory_unlock_all()")
			require.NoError(t, err)
			tx, err := a.BeginTx(t.Context(), nil)
			require.NoError(t, err)
			assert.Empty(t, done(t.Context(), tx, "SELECT pg_advisory_xact_lock(78)").Error)
			assert.Equal(t, "false", value(t, b, "SELECT pg_try_advisory_xact_lock(78)"))
			require.NoError(t, tx.Rollback())
			assert.Equal(t, "true", value(t, b, "SELECT pg_try_advisory_xact_lock(78)"))
			_, err = a.ExecContext(t.Context(), "DISCARD ALL")
			require.NoError(t, err)
			assert.Equal(t, "42P01", asked(t.Context(), a, "SELECT count(*) FROM own").State)
		}
		inBothDrivers(t, mode, check, "application_name=temporary")
		if mode == modes[0] || mode == modes[3] {
			t.Run("spread", func(t *testing.T) { check(t, spread(t, mode)) })
		}
	})
}

func TestASessionThatKeepsItsConnectionsKeepsNoTransaction(t *testing.T) {
	// A transaction that fails before it has spoken to every server it meant to speak
	// to leaves nothing behind that the session's next statement would run in.
	for _, options := range []*sql.TxOptions{nil, {ReadOnly: true}} {
		everywhere(t, modes[0], func(t *testing.T, db *sql.DB, table string) {
			conn := pinned(t, db)
			require.Empty(t, done(t.Context(), conn, "SET work_mem = '5MB'").Error)
			tx, err := conn.BeginTx(t.Context(), options)
			require.NoError(t, err)
			failing := "everything_everywhere"
			if table == "everything" {
				failing = table
			}
			require.NotEmpty(t, done(t.Context(), tx, "INSERT INTO "+failing+" (id) VALUES (1)").Error)
			require.NoError(t, tx.Rollback())
			for id := 300; id < 306; id++ {
				require.Empty(t, done(t.Context(), conn, "INSERT INTO "+table+" (id) VALUES ($1)", id).Error)
				assert.Len(t, asked(t.Context(), db, "SELECT id FROM "+table+" WHERE id = $1", id).Rows, 1, "everybody sees what was written")
			}
			require.Empty(t, done(t.Context(), db, "DELETE FROM "+table+" WHERE id >= 300").Error)
		})
	}
}

func TestRawGivesTheDriversConnection(t *testing.T) {
	raw := func(t *testing.T, db *sql.DB) (inner driver.Conn) {
		require.NoError(t, pinned(t, db).Raw(func(c any) error { inner = c.(driver.Conn); return nil }))
		return inner
	}
	mode := modes[0]
	assert.IsType(t, (*stdlib.Conn)(nil), raw(t, open(t, "pgx", mode)))
	wrapped, ok := raw(t, open(t, "xapg", mode)).(*xadriver.Conn)
	require.True(t, ok)
	pg, ok := wrapped.Raw().(*stdlib.Conn)
	require.True(t, ok, "with one shard, its own connection is inside")
	var n int
	require.NoError(t, pg.Conn().QueryRow(t.Context(), "SELECT $1::int", 42).Scan(&n))
	assert.Equal(t, 42, n)
	several, ok := raw(t, spread(t, mode)).(*xadriver.Conn)
	require.True(t, ok)
	assert.Nil(t, several.Raw(), "with several there is none that would be the connection")
	assert.IsType(t, (*stdlib.Conn)(nil), raw(t, open(t, "xapg", mode, "xapg.raw=pgx")), "what asserts pgx's type can have it")
}

func TestNotificationsArriveOnPgxsConnection(t *testing.T) {
	inEachMode(t, func(t *testing.T, mode pgx.QueryExecMode) {
		listen := func(t *testing.T, db *sql.DB) (heard pgconn.Notification) {
			conn := pinned(t, db)
			_, err := conn.ExecContext(t.Context(), "LISTEN news")
			require.NoError(t, err)
			_, err = db.ExecContext(t.Context(), "SELECT pg_notify('news', $1)", "hello")
			require.NoError(t, err)
			require.NoError(t, conn.Raw(func(c any) error {
				if x, ok := c.(*xadriver.Conn); ok {
					c = x.Raw()
				}
				n, err := c.(*stdlib.Conn).Conn().WaitForNotification(context.Background())
				if err == nil {
					heard = *n
				}
				return err
			}))
			return pgconn.Notification{Channel: heard.Channel, Payload: heard.Payload}
		}
		assert.Equal(t, pgconn.Notification{Channel: "news", Payload: "hello"}, sameOnOneShard(t, mode, listen, "application_name=listening"))
	})
}
