// Package cluster gives the tests of this module databases: one PostgreSQL
// server behind xapg, and three.
//
// The servers are shared by a package's tests; each test has databases of its
// own on them. After a test, nothing may be left prepared on any of them.
package cluster

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

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx", to look at shards one by one
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	_ "github.com/xapg/xapg/xadriver" // the driver "xapg"
	"github.com/xapg/xapg/xadriver/xatest"
)

// Cluster is one or three databases behind one DSN.
type Cluster struct {
	DSN  string   // for sql.Open("xapg", …)
	URLs []string // of the shards, for sql.Open("pgx", …)
}

// Sharded reports whether there are several shards.
func (c *Cluster) Sharded() bool { return len(c.URLs) > 1 }

var (
	once    sync.Once
	started *xatest.Cluster
	failure error
	number  atomic.Int64
)

func servers(t testing.TB) *xatest.Cluster {
	t.Helper()
	once.Do(func() { started, failure = xatest.Open(context.Background(), xatest.Shards(3)) })
	require.NoError(t, failure, "the tests need PostgreSQL: see package xatest")
	return started
}

// Main runs a package's tests, stops the servers after them, and looks for goroutines
// that are left, but for those to ignore. It is called by TestMain, and ends the program.
func Main(m *testing.M, ignore ...goleak.Option) {
	code := m.Run()
	if started != nil {
		_ = started.Close()
	}
	for _, f := range atEnd {
		f()
	}
	if err := goleak.Find(ignore...); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// AtEnd lets Main stop what a package has started besides the servers, before it looks
// for goroutines that are left.
func AtEnd(f func()) { atEnd = append(atEnd, f) }

var atEnd []func()

// Each runs a test over one shard and over three. The keywords are those of
// xapg's DSN that say where tables live, such as "key.users=id".
func Each(t *testing.T, keywords []string, test func(t *testing.T, c *Cluster)) {
	t.Helper()
	for _, shards := range []int{1, 3} {
		t.Run(fmt.Sprintf("shards=%d", shards), func(t *testing.T) { test(t, New(t, shards, keywords...)) })
	}
}

// New makes fresh databases, without tables, on one server or several.
func New(t testing.TB, shards int, keywords ...string) *Cluster {
	t.Helper()
	c := &Cluster{}
	name := fmt.Sprintf("client%d", number.Add(1))
	var words strings.Builder
	for _, s := range servers(t).Shards[:shards] {
		url, err := s.CreateDatabase(t.Context(), name)
		require.NoError(t, err)
		c.URLs = append(c.URLs, url)
		words.WriteString(" shard." + s.Name() + "=" + xatest.Quote(url))
	}
	c.DSN = c.URLs[0]
	if shards > 1 {
		c.DSN = "cluster=clients log=" + xatest.Quote("sqlite:"+filepath.Join(t.TempDir(), "xapg.db")) + words.String()
		for _, k := range keywords {
			c.DSN += " " + k
		}
	}
	t.Cleanup(func() { c.nothingPrepared(t) })
	return c
}

// Open opens the cluster through xapg. It is closed with the test.
func (c *Cluster) Open(t testing.TB) *sql.DB {
	t.Helper()
	db, err := sql.Open("xapg", c.DSN)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, db.Close()) })
	return db
}

// On asks one shard directly, through pgx, for a single value.
func (c *Cluster) On(t testing.TB, shard int, query string, args ...any) (value string) {
	t.Helper()
	db, err := sql.Open("pgx", c.URLs[shard])
	require.NoError(t, err)
	defer db.Close()
	require.NoError(t, db.QueryRowContext(context.Background(), "SELECT ("+query+")::text", args...).Scan(&value), query)
	return value
}

// Counts are the numbers of rows that a table has on each shard, as text.
func (c *Cluster) Counts(t testing.TB, table string) []string {
	t.Helper()
	out := make([]string, len(c.URLs))
	for i := range c.URLs {
		out[i] = c.On(t, i, "SELECT count(*) FROM "+table)
	}
	return out
}

func (c *Cluster) nothingPrepared(t testing.TB) {
	for i := range c.URLs {
		assert.Equal(t, "0", c.On(t, i, "SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database()"), "left prepared on shard %d", i+1)
	}
}
