package otelsql

import (
	"database/sql"
	"testing"

	"github.com/XSAM/otelsql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/xapg/xapg/xadriver"
	"github.com/xapg/xapg/xadriver/clients/cluster"
)

// placement says where the tables live: books on all shards, authors on each,
// visits at home.
var placement = []string{"key.books=id", "reference=authors"}

// books is how many there are.
const books = 40

// recorder keeps the spans that end.
type recorder struct {
	*tracetest.SpanRecorder
	provider *sdktrace.TracerProvider
}

func newRecorder() *recorder {
	spans := tracetest.NewSpanRecorder()
	return &recorder{SpanRecorder: spans, provider: sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))}
}

// options are those of the tests: spans for what a statement does, not for the
// pool's own doings.
func (r *recorder) options() []otelsql.Option {
	return []otelsql.Option{
		otelsql.WithTracerProvider(r.provider),
		otelsql.WithSpanOptions(otelsql.SpanOptions{Ping: true, OmitConnectorConnect: true, OmitConnResetSession: true}),
	}
}

// traced opens a cluster through the wrapper.
func traced(t testing.TB, c *cluster.Cluster, options ...otelsql.Option) *sql.DB {
	t.Helper()
	db, err := otelsql.Open("xapg", c.DSN, options...)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, db.Close()) })
	return db
}

// stocked makes the tables and their rows.
func stocked(t testing.TB, db *sql.DB) {
	t.Helper()
	for _, q := range []string{
		"CREATE TABLE authors (id bigint PRIMARY KEY, name varchar(20) NOT NULL)",
		`CREATE TABLE books (id bigint PRIMARY KEY, author bigint REFERENCES authors (id), title text, price numeric(8, 2),
			tags text[], info jsonb, printed date, code uuid, cover bytea)`,
		"CREATE TABLE visits (id serial PRIMARY KEY, at timestamptz NOT NULL DEFAULT now())",
		"INSERT INTO authors VALUES (1, 'Kafka'), (2, 'Woolf')",
		"INSERT INTO books (id, author, title, price) SELECT n, n % 2 + 1, 'book ' || n, n + 0.5 FROM generate_series(1, 40) n",
	} {
		_, err := db.ExecContext(t.Context(), q)
		require.NoError(t, err, q)
	}
}

// wrapped is registered by WrapDriver, as a program would in an init function.
const wrapped = "xapg wrapped"

func init() { sql.Register(wrapped, otelsql.WrapDriver(&xadriver.Driver{})) }

func TestEveryWayOfOpeningLeadsToTheSameCluster(t *testing.T) {
	cluster.Each(t, placement, func(t *testing.T, c *cluster.Cluster) {
		stocked(t, traced(t, c))
		registered, err := otelsql.Register("xapg")
		require.NoError(t, err)
		for name, open := range map[string]func() (*sql.DB, error){
			"Open":       func() (*sql.DB, error) { return otelsql.Open("xapg", c.DSN) },
			"Register":   func() (*sql.DB, error) { return sql.Open(registered, c.DSN) },
			"WrapDriver": func() (*sql.DB, error) { return sql.Open(wrapped, c.DSN) },
			"OpenDB": func() (*sql.DB, error) {
				cfg, err := xadriver.ParseDSN(c.DSN)
				require.NoError(t, err)
				connector, err := xadriver.NewConnector(*cfg)
				require.NoError(t, err)
				return otelsql.OpenDB(connector), nil
			},
		} {
			db, err := open()
			require.NoError(t, err, name)
			require.NoError(t, db.PingContext(t.Context()), name)
			var n int
			require.NoError(t, db.QueryRowContext(t.Context(), "SELECT count(*) FROM books").Scan(&n), name)
			assert.Equal(t, books, n, name)
			require.NoError(t, db.Close(), name)
		}
		if c.Sharded() {
			for i, n := range c.Counts(t, "books") {
				assert.NotEqual(t, "0", n, "shard %d has its part", i+1)
			}
			assert.Equal(t, []string{"2", "2", "2"}, c.Counts(t, "authors"))
		}
	})
}
