package otelsql

import (
	"database/sql"
	"database/sql/driver"
	"fmt"
	"testing"

	"github.com/XSAM/otelsql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/propagation"

	"github.com/xapg/xapg/xadriver"
	"github.com/xapg/xapg/xadriver/clients/cluster"
)

func TestRawLeadsToTheConnectionOfXapg(t *testing.T) {
	cluster.Each(t, placement, func(t *testing.T, c *cluster.Cluster) {
		conn, err := traced(t, c).Conn(t.Context())
		require.NoError(t, err)
		defer conn.Close()
		require.NoError(t, conn.Raw(func(outer any) error {
			inner, ok := outer.(interface{ Raw() driver.Conn })
			require.True(t, ok, "the wrapper's connection, which is no exported type: %T", outer)
			require.IsType(t, (*xadriver.Conn)(nil), inner.Raw())
			shard := inner.Raw().(*xadriver.Conn).Raw()
			if c.Sharded() {
				assert.Nil(t, shard)
			} else {
				assert.IsType(t, (*stdlib.Conn)(nil), shard)
			}
			return nil
		}))
	})
}

func TestCopyFromGoesThroughTheWrapper(t *testing.T) {
	cluster.Each(t, placement, func(t *testing.T, c *cluster.Cluster) {
		db := traced(t, c)
		stocked(t, db)
		conn, err := db.Conn(t.Context())
		require.NoError(t, err)
		defer conn.Close()
		tx, err := conn.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		n, err := xadriver.CopyFrom(t.Context(), conn, "books", []string{"id", "title"}, pgx.CopyFromSlice(50, func(i int) ([]any, error) {
			return []any{int64(1000 + i), "copied"}, nil
		}))
		require.NoError(t, err)
		assert.Equal(t, int64(50), n)
		require.NoError(t, tx.Commit())
		for i := range c.URLs {
			assert.NotEqual(t, "0", c.On(t, i, "SELECT count(*) FROM books WHERE title = 'copied'"))
		}
	})
}

func TestSavepointsGoThroughTheWrapper(t *testing.T) {
	cluster.Each(t, placement, func(t *testing.T, c *cluster.Cluster) {
		db := traced(t, c)
		stocked(t, db)
		tx, err := db.BeginTx(t.Context(), &sql.TxOptions{Isolation: sql.LevelRepeatableRead})
		require.NoError(t, err)
		exec := func(q string) error {
			_, err := tx.ExecContext(t.Context(), q)
			return err
		}
		require.NoError(t, exec("UPDATE books SET title = 'kept'"))
		require.NoError(t, exec("SAVEPOINT here"))
		require.NoError(t, exec("UPDATE books SET title = 'lost'"))
		err = exec("INSERT INTO books (id) VALUES (201), (202), (7)")
		require.IsType(t, (*pgconn.PgError)(nil), err)
		assert.Equal(t, "23505", err.(*pgconn.PgError).Code)
		require.NoError(t, exec("ROLLBACK TO here"))
		require.NoError(t, exec("INSERT INTO visits DEFAULT VALUES"))
		require.NoError(t, tx.Commit())

		total := 0
		for i := range c.URLs {
			var n int
			_, err := fmt.Sscan(c.On(t, i, "SELECT count(*) FROM books WHERE title = 'kept'"), &n)
			require.NoError(t, err)
			total += n
			assert.Equal(t, c.Counts(t, "books")[i], fmt.Sprint(n))
		}
		assert.Equal(t, books, total)
		assert.Equal(t, "1", c.Counts(t, "visits")[0])
	})
}

// With the comments that carry the trace, no two statements have the same text;
// hints in comments must be found beside them.
func TestCommentsWithTheTraceDoNotDisturb(t *testing.T) {
	cluster.Each(t, placement, func(t *testing.T, c *cluster.Cluster) {
		r := newRecorder()
		db := traced(t, c, append(r.options(), otelsql.WithSQLCommenter(true), otelsql.WithTextMapPropagator(propagation.TraceContext{}))...)
		stocked(t, db)
		var n int
		require.NoError(t, db.QueryRowContext(t.Context(), "SELECT count(*) FROM books WHERE id = ANY($1)", []int{1, 2, 3}).Scan(&n))
		assert.Equal(t, 3, n)
		require.NoError(t, db.QueryRowContext(t.Context(), "SELECT count(*) FROM books WHERE id = $1", 5).Scan(&n))
		assert.Equal(t, 1, n)
		if c.Sharded() {
			require.NoError(t, db.QueryRowContext(t.Context(), "/* xapg:shard=s2 */ SELECT count(*) FROM books").Scan(&n))
			assert.Equal(t, c.Counts(t, "books")[1], fmt.Sprint(n))
		}
		var text string
		require.NoError(t, db.QueryRowContext(t.Context(), "SELECT query FROM pg_stat_activity WHERE pid = pg_backend_pid()").Scan(&text))
		assert.Contains(t, text, "traceparent='00-", "the server sees the trace")
	})
}
