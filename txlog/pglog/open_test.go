package pglog_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/xapg/xapg/txlog"
	"github.com/xapg/xapg/txlog/pglog"
)

func TestURLsThatCannotBeReadSayWhatToWrite(t *testing.T) {
	for url, want := range map[string]string{
		"postgres://app:s3cret@h/x?schema=":                    "this cannot be a schema's name",
		"postgres://app@h/x?schema=" + strings.Repeat("x", 64): "this cannot be a schema's name",
		"postgres://app:s3cret@h/x?answer_timeout=soon":        "answer_timeout is not a duration",
		"postgres://app:s3cret@h/x?answer_timeout=-1s":         "answer_timeout is not a duration",
		"postgres://app:s3cret@h:s3cret/x":                     "it cannot be read",
		"postgres://app@h/x?password=s3cret;x":                 "its parameters cannot be read",
		"postgres://app@h/x?password=s3cret&sslmode=s3cret":    "it cannot be read",
	} {
		_, err := pglog.Open(t.Context(), url, pglog.Options{Cluster: "bank"})
		require.ErrorContains(t, err, want, url)
		assert.ErrorContains(t, err, "?schema=NAME")
		assert.NotContains(t, err.Error(), "s3cret")
	}
	_, err := pglog.Open(t.Context(), fresh(t), pglog.Options{Cluster: "Bank"})
	assert.ErrorContains(t, err, "is not a cluster's name")
}

func TestAServerThatCannotBeReachedIsNamedWithoutSecrets(t *testing.T) {
	_, err := pglog.Open(t.Context(), "postgres://app:s3cret@127.0.0.1:1,127.0.0.1:2/x?answer_timeout=1s", pglog.Options{Cluster: "bank"})
	require.ErrorContains(t, err, "postgres://app@127.0.0.1:1,127.0.0.1:2/x")
	assert.ErrorContains(t, err, "no server can be reached that takes writes")
	assert.NotContains(t, err.Error(), "s3cret")
}

func TestLogsOfSeveralClustersShareADatabase(t *testing.T) {
	a, b := openLog(t, fresh(t)), openLog(t, fresh(t))
	assert.NotEqual(t, a.Identity().ID, b.Identity().ID)
	id := newID()
	_, err := a.Decide(t.Context(), id, txlog.Commit, shards)
	require.NoError(t, err)
	_, err = b.Lookup(t.Context(), id)
	assert.ErrorIs(t, err, txlog.ErrNoDecision)
}

func TestForeignSchemasAreLeftAlone(t *testing.T) {
	server := cluster.Shards[0]
	exec(t, server, "CREATE SCHEMA others", "CREATE TABLE others.log (message text)", "CREATE SCHEMA empty")
	var foreign *txlog.ForeignError
	_, err := pglog.Open(t.Context(), server.DSN()+"&schema=others", pglog.Options{Cluster: "bank"})
	require.ErrorAs(t, err, &foreign)
	assert.ErrorContains(t, err, "another application's; name another schema")
	openLog(t, server.DSN()+"&schema=empty")

	url := schemaOn(server)
	l := openLog(t, url)
	_, err = pglog.Open(t.Context(), url, pglog.Options{Cluster: "shop"})
	require.ErrorAs(t, err, &foreign)
	assert.ErrorContains(t, err, `it is the log of cluster "bank", not of "shop"`)
	table := func(name string) string { return pgx.Identifier{url[strings.LastIndex(url, "=")+1:], name}.Sanitize() }
	exec(t, server, strings.ReplaceAll("UPDATE "+table("log")+" SET version = 77", "Log%20", "Log "))
	_, err = pglog.Open(t.Context(), url, pglog.Options{Cluster: "bank"})
	require.ErrorAs(t, err, &foreign)
	assert.ErrorContains(t, err, "written by a newer version (schema 77")
	exec(t, server, strings.ReplaceAll("DELETE FROM "+table("log"), "Log%20", "Log "))
	var damaged *txlog.DamagedError
	_, err = pglog.Open(t.Context(), url, pglog.Options{Cluster: "bank"})
	require.ErrorAs(t, err, &damaged)
	require.NoError(t, l.Close())
}

func TestManyMayCreateTheLogAtOnce(t *testing.T) {
	url := fresh(t)
	logs := make([]*pglog.Log, 8)
	var wg sync.WaitGroup
	for i := range logs {
		wg.Go(func() { logs[i] = openLog(t, url) })
	}
	wg.Wait()
	seen := make(map[int64]bool)
	for _, l := range logs {
		assert.Equal(t, logs[0].Identity(), l.Identity())
		seen[l.Mark().Seq] = true
	}
	assert.Len(t, seen, len(logs))
}

func TestWhoOpenedTheLogIsKept(t *testing.T) {
	url := fresh(t)
	l, err := pglog.Open(t.Context(), url, pglog.Options{Cluster: "bank", By: "athos, process 7, " + strings.Repeat("ü", 200)})
	require.NoError(t, err)
	defer l.Close()
	list, err := l.Openings(t.Context(), 0, 10)
	require.NoError(t, err)
	require.Len(t, list, 1)
	assert.True(t, strings.HasPrefix(list[0].By, "athos, process 7, üü"), list[0].By)
	assert.LessOrEqual(t, len(list[0].By), 200)
}

// A role's own settings must not make decisions less durable.
func TestDecisionsAreDurableWhateverTheRoleSays(t *testing.T) {
	server := cluster.Shards[0]
	exec(t, server, "CREATE ROLE careless LOGIN SUPERUSER", "ALTER ROLE careless SET synchronous_commit = off")
	url := strings.Replace(schemaOn(server), "postgres://postgres@", "postgres://careless@", 1)
	for _, setting := range []string{"", "&options=-c%20synchronous_commit%3Dlocal"} {
		l := openLog(t, url+setting)
		_, err := l.Decide(t.Context(), newID(), txlog.Commit, shards)
		require.NoError(t, err)
		writing, reading, err := l.SynchronousCommit(t.Context())
		require.NoError(t, err)
		assert.Equal(t, "on", writing)
		assert.Equal(t, "on", reading)
		w := warned(t, l)["synchronous_commit"]
		assert.False(t, w.OK)
		assert.Contains(t, w.Note, "the log's own sessions use on")
		require.NoError(t, l.Close())
	}
	conn, err := pgx.Connect(t.Context(), url[:strings.Index(url, "&schema")]) //nolint:gocritic // it is there
	require.NoError(t, err)
	var setting string
	require.NoError(t, conn.QueryRow(t.Context(), "SHOW synchronous_commit").Scan(&setting))
	assert.Equal(t, "off", setting, "what others get")
	require.NoError(t, conn.Close(t.Context()))
}

func sessions(t *testing.T, query string) (found string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), cluster.Shards[0].DSN())
	require.NoError(t, err)
	defer conn.Close(t.Context())
	require.NoError(t, conn.QueryRow(t.Context(), query).Scan(&found))
	return found
}

func TestAStandbyIsNoLog(t *testing.T) {
	t.Parallel()
	_, standby, _ := pair(t, false)
	_, err := pglog.Open(t.Context(), fmt.Sprintf("%s&answer_timeout=%s", standby.DSN(), time.Second), pglog.Options{Cluster: "bank"})
	assert.ErrorContains(t, err, "no server can be reached that takes writes")
}
