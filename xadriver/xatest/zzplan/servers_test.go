package differential_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"

	_ "github.com/xapg/xapg/xadriver"
	"github.com/xapg/xapg/xadriver/xatest"
	"github.com/xapg/xapg/xadriver/xatest/differential"
)

// envOnly selects the scripts whose names contain it.
const envOnly = "XAPG_DIFF_ONLY"

var (
	once       sync.Once
	cluster    *xatest.Cluster
	errCluster error
)

func TestMain(m *testing.M) {
	code := m.Run()
	if cluster != nil {
		_ = cluster.Close()
	}
	os.Exit(code)
}

// servers are five: up to four shards, and the last to compare them with.
func servers(t testing.TB) []*xatest.Server {
	t.Helper()
	once.Do(func() { cluster, errCluster = xatest.Open(context.Background(), xatest.Shards(5)) })
	require.NoError(t, errCluster, "the tests need PostgreSQL: see package xatest")
	return cluster.Shards
}

var databases atomic.Int64

// createDatabase makes a database that sorts text as people do, for as long as the
// test runs.
func createDatabase(t testing.TB, s *xatest.Server) (url string) {
	t.Helper()
	name := fmt.Sprintf("diff%d", databases.Add(1))
	run := func(ctx context.Context, statement string) {
		conn, err := pgx.Connect(ctx, s.DSN())
		require.NoError(t, err)
		defer conn.Close(ctx)
		_, err = conn.Exec(ctx, statement)
		require.NoError(t, err)
	}
	run(t.Context(), "CREATE DATABASE "+name+" TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US' LOCALE 'C.UTF-8' ENCODING 'UTF8'")
	t.Cleanup(func() { run(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)") })
	return s.Database(name)
}

// plainDB is a fresh database of one PostgreSQL; more may follow its URL.
func plainDB(t testing.TB, s *xatest.Server, more string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", createDatabase(t, s)+more)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

// shardedDB is a fresh cluster.
func shardedDB(t testing.TB, shards []*xatest.Server, settings []string) *sql.DB {
	t.Helper()
	dsn := "cluster=diff log=" + xatest.Quote("sqlite:"+filepath.Join(t.TempDir(), "xapg.db"))
	for _, s := range shards {
		dsn += " shard." + s.Name() + "=" + xatest.Quote(createDatabase(t, s))
	}
	if len(shards) == 2 {
		dsn += " shard_conns=1" // what a statement needs must be had with one connection to each shard
	}
	db, err := sql.Open("xapg", dsn+" "+strings.Join(settings, " "))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

// scripts are those of the corpus.
func scripts(t testing.TB) []*differential.Script {
	t.Helper()
	files, err := filepath.Glob("testdata/*.sql")
	require.NoError(t, err)
	var list []*differential.Script
	for _, f := range files {
		name := filepath.Base(f)
		if !strings.Contains(name, os.Getenv(envOnly)) {
			continue
		}
		text, err := os.ReadFile(f)
		require.NoError(t, err)
		s, err := differential.Parse(name, string(text))
		if err != nil {
			t.Error(err)
			continue
		}
		list = append(list, s)
	}
	require.NotEmpty(t, list, "no scripts")
	return list
}
