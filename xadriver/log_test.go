package xadriver_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver"
	"github.com/xapg/xapg/xadriver/xatest"
)

// The decision log's URL in all three forms of a DSN.
func TestTheLogCanBeInPostgreSQL(t *testing.T) {
	const url = "postgres://app:s3cret@log1,log2/xapg?schema=bank"
	file := write(t, "cluster: bank\nlog: '"+url+"'\nshards: {a: host=h1, b: host=h2}\n")
	other := write(t, "cluster: bank\nlog: sqlite:x.db\nshards: {a: host=h1, b: host=h2}\n")
	for _, dsn := range []string{
		"cluster=bank log=" + url + " shard.a='host=h1' shard.b='host=h2'",
		file,
		other + "?log=postgres://app:s3cret@log1,log2/xapg%3Fschema%3Dbank",
	} {
		cfg, err := xadriver.ParseDSN(dsn)
		require.NoError(t, err, dsn)
		assert.Equal(t, url, cfg.Log)
		for _, shown := range []string{cfg.String(), fmt.Sprintf("%#v", cfg), cfg.LogValue().String()} {
			assert.NotContains(t, shown, "s3cret")
			assert.Contains(t, shown, "log=postgres://app@log1,log2/xapg")
		}
	}
}

func TestALogThatCannotBeOpenedShowsNoSecrets(t *testing.T) {
	for log, want := range map[string]string{
		"mysql://app:s3cret@h/x": "this kind of log is not known; valid: postgres://USER@HOST/DATABASE, sqlite:PATH",
		"s3cret":                 "this kind of log is not known",
		"s3cret:":                "this kind of log is not known",
		"etcd://app:s3cret@h/x":  `import _ "github.com/xapg/xapg/txlog/etcdlog"`,
		"sqlite:":                "this log has no place; valid: sqlite:PATH",
		"postgres://":            "this log has no place; valid: postgres://USER@HOST/DATABASE",
		"postgres://app:s3cret@127.0.0.1:1/x?answer_timeout=300ms":              "postgres://app@127.0.0.1:1/x",
		"postgres://app:s3cret@127.0.0.1:1/x?answer_timeout=s3cret":             "answer_timeout is not a duration",
		"postgres://app:s3cret@127.0.0.1:s3cret/x":                              "it cannot be read",
		"postgres://app:s3c/ret@127.0.0.1:1/x?password=s3cret&sslmode=s3cret":   "it cannot be read",
		"postgres://app@127.0.0.1:1/x?password=s3cret&answer_timeout=300ms":     "no server can be reached",
		"postgres://app:s3cret@127.0.0.1:1,127.0.0.1:2/x?answer_timeout=300ms":  "postgres://app@127.0.0.1:1,127.0.0.1:2/x",
		"postgres://app:s3cret@127.0.0.1:1/x?sslmode=disable&connect_timeout=x": "it cannot be read",
	} {
		cfg, err := xadriver.ParseDSN("cluster=bank log=" + xatest.Quote(log) + " shard.a='host=h1' shard.b='host=h2'")
		if err == nil {
			_, err = xadriver.NewConnector(*cfg)
		}
		require.Error(t, err, log)
		assert.Contains(t, err.Error(), want)
		assert.NotContains(t, err.Error(), "s3c")
	}
}

func TestACommitIsDecidedInPostgreSQL(t *testing.T) {
	c := xatest.Start(t, xatest.Names("athos", "porthos", "log"))
	dsn := func(log string) string {
		return fmt.Sprintf("cluster=bank log=%s shard.athos=%s shard.porthos=%s key.moves=owner", xatest.Quote(log),
			xatest.Quote(c.Server("athos").DSN()), xatest.Quote(c.Server("porthos").DSN()))
	}
	log := c.Server("log").DSN()
	db := openDB(t, dsn(log))
	_, err := db.ExecContext(t.Context(), "CREATE TABLE moves (owner bigint, amount bigint)")
	require.NoError(t, err)
	tx, err := db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	for owner := range 20 {
		_, err = tx.ExecContext(t.Context(), "INSERT INTO moves VALUES ($1, 1)", owner)
		require.NoError(t, err)
	}
	require.NoError(t, tx.Commit())
	var n int
	require.NoError(t, db.QueryRowContext(t.Context(), "SELECT count(*) FROM moves").Scan(&n))
	assert.Equal(t, 20, n)

	cfg, err := xadriver.ParseDSN(dsn(log))
	require.NoError(t, err)
	con, err := xadriver.NewConnector(*cfg)
	require.NoError(t, err)
	defer con.Close()
	found := check(t, con)
	assert.Equal(t, "none (0 standbys): a failover may lose decisions that were acknowledged, which leaves transactions half done; "+
		"set synchronous_standby_names on the server", found["log/synchronous standby"].Note)
	assert.False(t, found["log/synchronous standby"].OK)
	assert.NotContains(t, found, "log/place")

	// On a shard's own database, it goes when the shard goes.
	cfg, err = xadriver.ParseDSN(dsn(c.Server("athos").DSN()))
	require.NoError(t, err)
	beside, err := xadriver.NewConnector(*cfg)
	require.NoError(t, err)
	defer beside.Close()
	found = check(t, beside)
	assert.Contains(t, found["log/place"].Note, "the server of shard athos")
	assert.True(t, found["porthos/tables"].OK, found["porthos/tables"].Note)
}

func check(t *testing.T, con *xadriver.Connector) map[string]xadriver.Finding {
	t.Helper()
	list, err := con.Check(t.Context(), false)
	require.NoError(t, err)
	found := make(map[string]xadriver.Finding)
	for _, f := range list {
		found[f.Shard+"/"+f.What] = f
	}
	return found
}

func TestALogThatCannotSayHowSafeItIsIsNotAsked(t *testing.T) {
	c := xatest.Start(t)
	cfg, err := xadriver.ParseDSN(c.DSN("bank", filepath.Join(t.TempDir(), "x.db")))
	require.NoError(t, err)
	con, err := xadriver.NewConnector(*cfg)
	require.NoError(t, err)
	defer con.Close()
	for what := range check(t, con) {
		assert.False(t, strings.HasPrefix(what, "log/"), what)
	}
}
