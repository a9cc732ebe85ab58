package shardmap_test

import (
	"database/sql"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver/xatest"
)

// openServer starts a server that stops with the test.
func openServer(t *testing.T) *sql.DB {
	t.Helper()
	c := xatest.Start(t, xatest.Shards(1))
	db, err := sql.Open("pgx", c.Shards[0].DSN())
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}
