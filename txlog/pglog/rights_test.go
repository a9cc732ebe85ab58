package pglog_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/xapg/xapg/txlog"
	"github.com/xapg/xapg/txlog/pglog"
)

// A role that may not create anything gets by with what an administrator grants.
func TestARoleWithFewRightsCanUseTheLog(t *testing.T) {
	server := cluster.Shards[0]
	exec(t, server, "CREATE ROLE plain LOGIN", "CREATE SCHEMA granted")
	url := strings.Replace(server.DSN(), "postgres://postgres@", "postgres://plain@", 1)
	_, err := pglog.Open(t.Context(), url, pglog.Options{Cluster: "bank"})
	require.ErrorContains(t, err, "let an administrator make the tables (pglog.Setup)")

	for text := range strings.SplitSeq(strings.ReplaceAll(pglog.Setup, "{schema}", "granted"), ";\n") {
		exec(t, server, text)
	}
	exec(t, server, "GRANT USAGE ON SCHEMA granted TO plain", "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA granted TO plain")
	l := openLog(t, url+"&schema=granted")
	id := newID()
	require.NoError(t, decide(t, l, id))
	require.NoError(t, l.Finish(t.Context(), id))
	n, err := l.Forget(t.Context(), 0)
	require.NoError(t, err)
	assert.Equal(t, 1, n)
	_, err = l.Check(t.Context())
	require.NoError(t, err)
	_, err = l.Server(t.Context())
	require.NoError(t, err)
	require.NoError(t, l.Seal(t.Context(), "elsewhere"))
	assert.ErrorIs(t, decide(t, l, newID()), txlog.ErrNotStored)
	assert.Equal(t, "true", sessions(t, "SELECT has_function_privilege('plain', 'pg_logical_emit_message(boolean, text, text)', 'execute')::text"))
}
