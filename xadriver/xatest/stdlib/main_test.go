// Package stdlib_test states, as a specification that runs, what users of pgx's
// database/sql driver rely on, and that "xapg" gives them the same: on one shard,
// where the two are run side by side on one server and whatever a caller can see
// is compared, and over three shards wherever a statement can be spread.
//
// The files are named by subject. A specification says what it expects where the
// expectation is worth reading; elsewhere pgx itself is the expectation.
package stdlib_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver to compare with
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	_ "github.com/xapg/xapg/xadriver"
	"github.com/xapg/xapg/xadriver/xatest"
)

// modes are pgx's ways of sending a statement, by the names that a DSN gives them.
var modes = []pgx.QueryExecMode{
	pgx.QueryExecModeCacheStatement,
	pgx.QueryExecModeCacheDescribe,
	pgx.QueryExecModeDescribeExec,
	pgx.QueryExecModeExec,
	pgx.QueryExecModeSimpleProtocol,
}

// stage is what all tests share: three servers, one database on the first for
// comparisons, and a cluster over all three for each mode.
var stage struct {
	once     sync.Once
	err      error
	servers  *xatest.Cluster
	url      string // of the database for comparisons
	dir      string // of the clusters' logs
	lacking  []string
	clusters map[pgx.QueryExecMode]*sql.DB
	opened   map[[2]string]*sql.DB // by driver and URL
}

func TestMain(m *testing.M) {
	code := m.Run()
	for _, db := range stage.clusters {
		_ = db.Close()
	}
	for _, db := range stage.opened {
		_ = db.Close()
	}
	if stage.servers != nil {
		_ = stage.servers.Close()
		_ = os.RemoveAll(stage.dir)
	}
	if code == 0 {
		if err := goleak.Find(); err != nil {
			_, _ = os.Stderr.WriteString("leaked: " + err.Error() + "\n")
			code = 1
		}
	}
	os.Exit(code)
}

// prepareStage starts the servers once.
func prepareStage(t testing.TB) {
	t.Helper()
	stage.once.Do(func() { stage.err = startStage(context.Background()) })
	require.NoError(t, stage.err, "the tests need PostgreSQL: see package xatest")
}

func startStage(ctx context.Context) error {
	var err error
	stage.opened = make(map[[2]string]*sql.DB)
	if stage.servers, err = xatest.Open(ctx, xatest.Shards(3)); err != nil {
		return err
	}
	if stage.dir, err = os.MkdirTemp("", "stdlib-"); err != nil {
		return err
	}
	if stage.url, err = stage.servers.Shards[0].CreateDatabase(ctx, "alone"); err != nil {
		return err
	}
	alone, err := sql.Open("pgx", stage.url)
	if err != nil {
		return err
	}
	defer alone.Close()
	if stage.lacking, err = makeTypes(ctx, alone); err != nil {
		return err
	}
	if err := errors.Join(makeEverything(ctx, alone, "everything"), makeKeyTables(ctx, alone)); err != nil {
		return err
	}
	return openClusters(ctx)
}

// openClusters opens a cluster over the servers' databases "spread" for each mode,
// which share their tables.
func openClusters(ctx context.Context) error {
	urls := make([]string, 0, len(stage.servers.Shards))
	for _, s := range stage.servers.Shards {
		url, err := s.CreateDatabase(ctx, "spread")
		if err != nil {
			return err
		}
		urls = append(urls, url)
	}
	stage.clusters = make(map[pgx.QueryExecMode]*sql.DB)
	for i, mode := range modes {
		dsn := "cluster=c" + fmt.Sprint(i) + " log=" + xatest.Quote("sqlite:"+filepath.Join(stage.dir, fmt.Sprint(i)+".db"))
		for j, url := range urls {
			dsn += fmt.Sprintf(" shard.s%d=%s", j+1, xatest.Quote(withMode(url, mode)))
		}
		db, err := sql.Open("xapg", dsn+" "+placement)
		if err != nil {
			return err
		}
		stage.clusters[mode] = db
	}
	db := stage.clusters[modes[0]]
	if _, err := makeTypes(ctx, db); err != nil {
		return err
	}
	for _, name := range tablesOfEverything {
		if err := makeEverything(ctx, db, name); err != nil {
			return err
		}
	}
	return makeKeyTables(ctx, db)
}

// placement says where the tables of the clusters are.
const placement = "keys=id,k reference=everything_everywhere unsharded=everything_home"

// withMode adds the mode to a server's URL.
func withMode(url string, mode pgx.QueryExecMode) string {
	return withSetting(url, "default_query_exec_mode="+strings.ReplaceAll(mode.String(), " ", "_"))
}

func withSetting(url string, setting ...string) string {
	if len(setting) == 0 {
		return url
	}
	separator := "?"
	if strings.Contains(url, "?") {
		separator = "&"
	}
	return url + separator + strings.Join(setting, "&")
}

// open opens the database for comparisons with a driver, once for all tests that ask
// for the same settings. A test that leaves something behind on a connection, which
// neither driver cleans up, asks for a setting of its own.
func open(t testing.TB, driver string, mode pgx.QueryExecMode, settings ...string) *sql.DB {
	t.Helper()
	prepareStage(t)
	url := withSetting(withMode(stage.url, mode), settings...)
	key := [2]string{driver, url}
	db := stage.opened[key]
	if db == nil {
		var err error
		db, err = sql.Open(driver, url)
		require.NoError(t, err)
		stage.opened[key] = db
	}
	return db
}

func openURL(t testing.TB, driver, url string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, url)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

// spread is the cluster over three shards whose connections have the mode.
func spread(t testing.TB, mode pgx.QueryExecMode) *sql.DB {
	t.Helper()
	prepareStage(t)
	return stage.clusters[mode]
}

// inEachMode runs a test once for each of pgx's modes.
func inEachMode(t *testing.T, test func(t *testing.T, mode pgx.QueryExecMode)) {
	t.Helper()
	for _, mode := range modes {
		t.Run(strings.ReplaceAll(mode.String(), " ", "_"), func(t *testing.T) { test(t, mode) })
	}
}

// inBothDrivers runs a test with pgx and with xapg on the same server: what the
// test expects must hold for both, else it is no description of pgx.
func inBothDrivers(t *testing.T, mode pgx.QueryExecMode, test func(t *testing.T, db *sql.DB), settings ...string) {
	t.Helper()
	for _, driver := range []string{"pgx", "xapg"} {
		t.Run(driver, func(t *testing.T) { test(t, open(t, driver, mode, settings...)) })
	}
}

// everywhere runs a test with pgx, with xapg on one shard, and with xapg on three,
// with the name of a table of everything in each. Tables that are not spread are
// looked at in two modes, one that prepares and one that does not.
func everywhere(t *testing.T, mode pgx.QueryExecMode, test func(t *testing.T, db *sql.DB, table string)) {
	t.Helper()
	inBothDrivers(t, mode, func(t *testing.T, db *sql.DB) { test(t, db, "everything") })
	tables := tablesOfEverything
	if mode != pgx.QueryExecModeCacheStatement && mode != pgx.QueryExecModeExec {
		tables = tables[:1]
	}
	for _, table := range tables {
		t.Run(table, func(t *testing.T) { test(t, spread(t, mode), table) })
	}
}
