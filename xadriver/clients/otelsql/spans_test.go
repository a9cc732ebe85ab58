package otelsql

import (
	"context"
	"database/sql"
	"errors"
	"testing"

	"github.com/XSAM/otelsql"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/xapg/xapg/xadriver"
	"github.com/xapg/xapg/xadriver/clients/cluster"
)

// names are those of the spans that have ended, in order.
func (r *recorder) names() []string {
	var out []string
	for _, s := range r.Ended() {
		out = append(out, s.Name())
	}
	return out
}

// attribute is the value of a span's attribute, as text.
func attribute(s sdktrace.ReadOnlySpan, key string) string {
	for _, a := range s.Attributes() {
		if string(a.Key) == key {
			return a.Value.String()
		}
	}
	return ""
}

// What a statement does on several shards is one span: that of the statement.
func TestSpansAreTheSameForOneShardAndForSeveral(t *testing.T) {
	inTx := func(end func(*sql.Tx) error, queries ...string) func(context.Context, *sql.DB) error {
		return func(ctx context.Context, db *sql.DB) error {
			tx, err := db.BeginTx(ctx, nil)
			if err != nil {
				return err
			}
			for _, q := range queries {
				if _, err := tx.ExecContext(ctx, q); err != nil {
					return errors.Join(err, tx.Rollback())
				}
			}
			return end(tx)
		}
	}
	var n int
	tests := map[string]struct {
		do   func(ctx context.Context, db *sql.DB) error
		want []string
	}{
		"ping": {func(ctx context.Context, db *sql.DB) error { return db.PingContext(ctx) }, []string{"sql.conn.ping"}},
		"exec by key": {func(ctx context.Context, db *sql.DB) error {
			_, err := db.ExecContext(ctx, "UPDATE books SET price = $1 WHERE id = $2", 7, 7)
			return err
		}, []string{"sql.conn.exec"}},
		"exec everywhere": {func(ctx context.Context, db *sql.DB) error {
			_, err := db.ExecContext(ctx, "UPDATE books SET price = price + 1")
			return err
		}, []string{"sql.conn.exec"}},
		"query": {func(ctx context.Context, db *sql.DB) error {
			return db.QueryRowContext(ctx, "SELECT count(*) FROM books JOIN visits ON visits.id = books.id").Scan(&n)
		}, []string{"sql.conn.query", "sql.rows"}},
		"prepared": {func(ctx context.Context, db *sql.DB) error {
			s, err := db.PrepareContext(ctx, "SELECT author FROM books WHERE id = $1")
			if err != nil {
				return err
			}
			defer s.Close()
			return s.QueryRowContext(ctx, 3).Scan(&n)
		}, []string{"sql.conn.prepare", "sql.stmt.query", "sql.rows"}},
		"commit": {inTx((*sql.Tx).Commit, "UPDATE books SET title = 'x'", "INSERT INTO visits DEFAULT VALUES"),
			[]string{"sql.conn.begin_tx", "sql.conn.exec", "sql.conn.exec", "sql.tx.commit"}},
		"rollback": {inTx((*sql.Tx).Rollback, "DELETE FROM books"), []string{"sql.conn.begin_tx", "sql.conn.exec", "sql.tx.rollback"}},
	}
	cluster.Each(t, placement, func(t *testing.T, c *cluster.Cluster) {
		r, db := spanned(t, c)
		for name, test := range tests {
			t.Run(name, func(t *testing.T) {
				r.Reset()
				require.NoError(t, test.do(t.Context(), db))
				assert.Equal(t, test.want, r.names())
			})
		}
	})
}

// spanned is a database with its rows, and its recorder, which is empty.
func spanned(t *testing.T, c *cluster.Cluster) (*recorder, *sql.DB) {
	t.Helper()
	r := newRecorder()
	db := traced(t, c, r.options()...)
	stocked(t, db)
	r.Reset()
	return r, db
}

func TestASpanHasItsStatementItsParentAndItsError(t *testing.T) {
	cluster.Each(t, placement, func(t *testing.T, c *cluster.Cluster) {
		r, db := spanned(t, c)
		ctx, parent := r.provider.Tracer("test").Start(t.Context(), "request")
		_, err := db.ExecContext(ctx, "INSERT INTO books (id) VALUES (100), (101), (102), (7)")
		require.IsType(t, (*pgconn.PgError)(nil), err, "PostgreSQL's error comes bare")
		parent.End()

		exec := r.Ended()[0]
		assert.Equal(t, "INSERT INTO books (id) VALUES (100), (101), (102), (7)", attribute(exec, "db.query.text"))
		assert.Equal(t, parent.SpanContext().SpanID(), exec.Parent().SpanID())
		assert.Equal(t, "Error", exec.Status().Code.String())
		require.Len(t, exec.Events(), 1)
		assert.Equal(t, "exception", exec.Events()[0].Name)

		r.Reset()
		_, err = db.ExecContext(t.Context(), "COPY books TO STDOUT")
		exec = r.Ended()[0]
		if !c.Sharded() {
			require.NoError(t, err)
			return
		}
		var refused *xadriver.UnsupportedError
		require.ErrorAs(t, err, &refused)
		assert.Equal(t, "Error", exec.Status().Code.String(), "a refusal is an error of its span")
	})
}

func TestMetricsCountConnectionsAndStatements(t *testing.T) {
	cluster.Each(t, placement, func(t *testing.T, c *cluster.Cluster) {
		reader := sdkmetric.NewManualReader()
		meters := otelsql.WithMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)))
		db := traced(t, c, meters)
		stocked(t, db)
		registration, err := otelsql.RegisterDBStatsMetrics(db, meters)
		require.NoError(t, err)
		conn, err := db.Conn(t.Context())
		require.NoError(t, err)

		var collected metricdata.ResourceMetrics
		require.NoError(t, reader.Collect(t.Context(), &collected))
		require.NoError(t, conn.Close())
		require.NoError(t, registration.Unregister())

		open, statements := make(map[string]int64), make(map[string]uint64)
		for _, scope := range collected.ScopeMetrics {
			for _, m := range scope.Metrics {
				switch data := m.Data.(type) {
				case metricdata.Gauge[int64]:
					for _, p := range data.DataPoints {
						if status, ok := p.Attributes.Value("status"); ok {
							open[status.AsString()] = p.Value
						}
					}
				case metricdata.Histogram[float64]:
					for _, p := range data.DataPoints {
						operation, _ := p.Attributes.Value("db.operation.name")
						statements[operation.AsString()] += p.Count
					}
				}
			}
		}
		assert.Equal(t, map[string]int64{"inuse": 1, "idle": 0}, open, "connections of database/sql, whatever the number of shards")
		assert.Equal(t, uint64(5), statements["sql.conn.exec"], "as many as were run, whatever the number of shards")
	})
}
