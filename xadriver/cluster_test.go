package xadriver_test

import (
	"bytes"
	"context"
	"database/sql"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"

	_ "github.com/xapg/xapg/xadriver"
	"github.com/xapg/xapg/xadriver/xatest"
)

// bankSchema is what the tests of transactions work on.
const bankSchema = `
CREATE TABLE accounts (owner text PRIMARY KEY, balance bigint NOT NULL DEFAULT 0, note text);
CREATE TABLE ledger (owner text NOT NULL REFERENCES accounts, n bigint NOT NULL, amount bigint NOT NULL, PRIMARY KEY (owner, n));
CREATE TABLE currencies (code text PRIMARY KEY, name text);
CREATE TABLE audit (id bigint PRIMARY KEY, what text)`

var bankTables = []string{"key.accounts=owner", "key.ledger=owner", "reference=currencies"}

var (
	sharedOnce    sync.Once
	sharedCluster *xatest.Cluster
	errShared     error
)

// servers are shared by the tests that break none: each test has databases of its own.
func servers(t testing.TB) *xatest.Cluster {
	t.Helper()
	sharedOnce.Do(func() { sharedCluster, errShared = xatest.Open(context.Background(), xatest.Shards(3)) })
	require.NoError(t, errShared, "the tests need PostgreSQL: see package xatest")
	return sharedCluster
}

// bank is a cluster over fresh databases on the shared servers.
type bank struct {
	*sql.DB
	dsn  string
	urls []string // of the shards, directly
	log  string
}

func openBank(t testing.TB, shards int, more ...string) *bank {
	t.Helper()
	b := newBank(t, shards, more...)
	b.DB = openDB(t, b.dsn)
	_, err := b.Exec(bankSchema)
	require.NoError(t, err)
	return b
}

var databases struct {
	sync.Mutex
	n int
}

func newBank(t testing.TB, shards int, more ...string) *bank {
	t.Helper()
	databases.Lock()
	databases.n++
	name := "db" + string(rune('a'+databases.n/26%26)) + string(rune('a'+databases.n%26)) + string(rune('a'+databases.n/676))
	databases.Unlock()
	b := &bank{log: filepath.Join(t.TempDir(), "xapg.db")}
	b.dsn = "cluster=bank log=" + xatest.Quote("sqlite:"+b.log)
	for _, s := range servers(t).Shards[:shards] {
		url, err := s.CreateDatabase(context.Background(), name)
		require.NoError(t, err)
		b.urls = append(b.urls, url)
		b.dsn += " shard." + s.Name() + "=" + xatest.Quote(url)
	}
	for _, m := range append(append([]string(nil), bankTables...), more...) {
		b.dsn += " " + m
	}
	return b
}

func openDB(t testing.TB, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("xapg", dsn)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

// on asks one shard directly.
func (b *bank) on(t testing.TB, shard int, query string, args ...any) (out string) {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), b.urls[shard])
	require.NoError(t, err)
	defer conn.Close(context.Background())
	require.NoError(t, conn.QueryRow(context.Background(), query, args...).Scan(&out))
	return out
}

// prepared counts what is left prepared in the bank's databases.
func (b *bank) prepared(t testing.TB) (n int) {
	t.Helper()
	for i := range b.urls {
		if b.on(t, i, "SELECT count(*)::text FROM pg_prepared_xacts WHERE database = current_database()") != "0" {
			n++
		}
	}
	return n
}

// owners are names such that the i-th lives on shard i, by the placement that any
// server can compute.
func owners(t testing.TB, b *bank) []string {
	t.Helper()
	out := make([]string, len(b.urls))
	found := 0
	for i := 0; found < len(out); i++ {
		name := "o" + string(rune('a'+i%26)) + string(rune('a'+i/26))
		shard := bucketOf(t, b, name) * len(out) / 4096
		if out[shard] == "" {
			out[shard] = name
			found++
		}
	}
	return out
}

func bucketOf(t testing.TB, b *bank, name string) (bucket int) {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), b.urls[0])
	require.NoError(t, err)
	defer conn.Close(context.Background())
	require.NoError(t, conn.QueryRow(context.Background(), "SELECT (hashtextextended($1, 8816678312871386365) & 4095)::int", name).Scan(&bucket))
	return bucket
}

// logged collects what is logged.
func logged() (*slog.Logger, *bytes.Buffer) {
	var buf bytes.Buffer
	return slog.New(slog.NewTextHandler(&lockedWriter{w: &buf}, nil)), &buf
}

type lockedWriter struct {
	mu sync.Mutex
	w  *bytes.Buffer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}
