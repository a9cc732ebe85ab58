package tpc_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	_ "github.com/xapg/xapg/xadriver"
	"github.com/xapg/xapg/xadriver/xatest"
)

const mostShards = 4

// systems are what is tested: xapg over so many shards, and with none a second
// PostgreSQL, which shows that the tests compare what can be compared.
var systems = []int{0, 1, 2, mostShards}

var shared struct {
	sync.Once
	*xatest.Cluster
	err error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if shared.Cluster != nil {
		_ = shared.Close()
	}
	if code == 0 {
		if err := goleak.Find(); err != nil {
			_, _ = os.Stderr.WriteString("leaked: " + err.Error() + "\n")
			code = 1
		}
	}
	os.Exit(code)
}

// servers are shared by all tests: each has databases of its own.
func servers(t testing.TB) []*xatest.Server {
	t.Helper()
	shared.Do(func() {
		shared.Cluster, shared.err = xatest.Open(context.Background(), xatest.Shards(mostShards), xatest.Set("max_connections", "100"))
	})
	require.NoError(t, shared.err, "the tests need PostgreSQL: see package xatest")
	return shared.Shards
}

// system is a database to be tested: one PostgreSQL, or xapg over several.
type system struct {
	*sql.DB
	name   string
	shards []string // their DSNs, of xapg only
}

func named(shards int) string {
	if shards == 0 {
		return "plain"
	}
	return fmt.Sprintf("%d shards", shards)
}

// target opens one of the systems.
func target(t testing.TB, database string, shards int, settings ...string) *system {
	t.Helper()
	if shards == 0 {
		return plain(t, database+"0")
	}
	return sharded(t, database, shards, settings...)
}

// plain opens one PostgreSQL with a fresh database.
func plain(t testing.TB, database string) *system {
	t.Helper()
	dsn := createDatabase(t, servers(t)[0], database)
	return &system{DB: open(t, "pgx", dsn), name: named(0)}
}

// sharded opens xapg with fresh databases on so many servers.
func sharded(t testing.TB, database string, shards int, settings ...string) *system {
	t.Helper()
	s := &system{name: named(shards)}
	dsn := "cluster=tpc log=" + xatest.Quote("sqlite:"+filepath.Join(t.TempDir(), "xapg.db"))
	for _, server := range servers(t)[:shards] {
		url := createDatabase(t, server, fmt.Sprintf("%s%d", database, shards))
		s.shards = append(s.shards, url)
		dsn += " shard." + server.Name() + "=" + xatest.Quote(url)
	}
	s.DB = open(t, "xapg", dsn+" "+strings.Join(settings, " "))
	return s
}

func open(t testing.TB, driver, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

// createDatabase makes a database in which text is ordered as people do, and not
// by its bytes.
func createDatabase(t testing.TB, server *xatest.Server, name string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), server.DSN())
	require.NoError(t, err)
	defer conn.Close(context.Background())
	_, err = conn.Exec(t.Context(), "CREATE DATABASE "+pgx.Identifier{name}.Sanitize()+
		" TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'en-US' LOCALE 'C'")
	require.NoError(t, err)
	return server.Database(name)
}
