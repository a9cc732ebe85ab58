package xaotel_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/goleak"

	"github.com/xapg/xapg/xadriver"
	"github.com/xapg/xapg/xadriver/xaotel"
	"github.com/xapg/xapg/xadriver/xatest"
)

var (
	once    sync.Once
	cluster *xatest.Cluster
	errOpen error
)

func TestMain(m *testing.M) {
	code := m.Run()
	if cluster != nil {
		_ = cluster.Close()
	}
	if code == 0 {
		if err := goleak.Find(); err != nil {
			_, _ = os.Stderr.WriteString("leaked: " + err.Error() + "\n")
			code = 1
		}
	}
	os.Exit(code)
}

const schema = `
CREATE TABLE accounts (owner text PRIMARY KEY, balance bigint NOT NULL DEFAULT 0);
CREATE TABLE payments (owner text REFERENCES accounts DEFERRABLE INITIALLY DEFERRED, n bigint, PRIMARY KEY (owner, n));
CREATE TABLE currencies (code text PRIMARY KEY);
CREATE TABLE audit (what text)`

// password is in the shards' DSNs. The servers do not ask for it.
const password = "S3cr3tOfTheDSN"

// bank is a database over three shards whose spans are recorded.
type bank struct {
	*sql.DB
	cfg    *xadriver.Config
	tracer trace.Tracer // the application's own
	spans  *tracetest.SpanRecorder
}

// owners are accounts, the i-th of which is on the i-th shard.
var owners []string

// openBank opens the accounts of all tests with a tracer of its own.
func openBank(t *testing.T, opts ...xaotel.Option) *bank {
	t.Helper()
	once.Do(func() {
		if cluster, errOpen = xatest.Open(context.Background(), xatest.Shards(3)); errOpen == nil {
			owners, errOpen = fill(context.Background(), filepath.Join(t.TempDir(), "fill.db"))
		}
	})
	require.NoError(t, errOpen, "the tests need PostgreSQL: see package xatest")
	cfg, err := xadriver.ParseDSN(dsn(filepath.Join(t.TempDir(), "xapg.db")))
	require.NoError(t, err)
	b := &bank{cfg: cfg, spans: tracetest.NewSpanRecorder()}
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(b.spans))
	b.tracer = provider.Tracer("application")
	cfg.Tracer = xaotel.NewTracer(append([]xaotel.Option{xaotel.WithTracerProvider(provider)}, opts...)...)
	connector, err := xadriver.NewConnector(*cfg)
	require.NoError(t, err)
	b.DB = sql.OpenDB(connector)
	t.Cleanup(func() { require.NoError(t, b.Close()) })
	return b
}

func dsn(log string) string {
	dsn := "cluster=bank log=" + xatest.Quote("sqlite:"+log) + " key.accounts=owner key.payments=owner reference=currencies"
	for _, s := range cluster.Shards {
		dsn += " shard." + s.Name() + "=" + xatest.Quote(strings.Replace(s.DSN(), "@", ":"+password+"@", 1))
	}
	return dsn
}

// fill makes the tables, and an account on each shard.
func fill(ctx context.Context, log string) ([]string, error) {
	db, err := sql.Open("xapg", dsn(log))
	if err != nil {
		return nil, err
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, schema); err != nil {
		return nil, err
	}
	names := make([]string, len(cluster.Shards))
	for i := 0; slices.Contains(names, ""); i++ {
		name := fmt.Sprint("owner-", i)
		if _, err := db.ExecContext(ctx, "INSERT INTO accounts VALUES ($1, 100)", name); err != nil {
			return nil, err
		}
		for at, s := range cluster.Shards { // the servers know best where it is
			conn, err := pgx.Connect(ctx, s.DSN())
			if err != nil {
				return nil, err
			}
			var there bool
			err = errors.Join(conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM accounts WHERE owner = $1)", name).Scan(&there), conn.Close(ctx))
			if err != nil {
				return nil, err
			}
			if there {
				names[at] = name
			}
		}
	}
	return names, nil
}

// root begins the application's own span.
func (b *bank) root(t *testing.T) (context.Context, func()) {
	ctx, span := b.tracer.Start(t.Context(), "application")
	return ctx, func() { span.End() }
}

// tree writes the spans that have ended as an indented list: each by its name and
// by the given attributes; those below a span in the order of the alphabet.
func (b *bank) tree(keys ...attribute.Key) string {
	children := make(map[trace.SpanID][]sdktrace.ReadOnlySpan)
	for _, s := range b.spans.Ended() {
		children[s.Parent().SpanID()] = append(children[s.Parent().SpanID()], s)
	}
	var below func(id trace.SpanID, indent string) []string
	below = func(id trace.SpanID, indent string) (list []string) {
		for _, s := range children[id] {
			line := indent + s.Name()
			for _, key := range keys {
				if v, ok := value(s, key); ok {
					line += " " + v
				}
			}
			list = append(list, strings.Join(append([]string{line}, below(s.SpanContext().SpanID(), indent+"  ")...), "\n"))
		}
		slices.Sort(list)
		return list
	}
	return strings.Join(below(trace.SpanID{}, ""), "\n")
}

func value(s sdktrace.ReadOnlySpan, key attribute.Key) (string, bool) {
	for _, a := range s.Attributes() {
		if a.Key == key {
			return a.Value.String(), true
		}
	}
	return "", false
}

// named finds the spans of a name.
func (b *bank) named(name string) (list []sdktrace.ReadOnlySpan) {
	for _, s := range b.spans.Ended() {
		if s.Name() == name {
			list = append(list, s)
		}
	}
	return list
}
