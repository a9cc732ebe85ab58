package shardmap_test

import (
	"database/sql"
	"os"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"
)

// openServer connects to the server that XAPG_TEST_DSN names.
func openServer(t *testing.T) *sql.DB {
	t.Helper()
	dsn := os.Getenv("XAPG_TEST_DSN")
	if dsn == "" {
		t.Skip("XAPG_TEST_DSN names no server")
	}
	db, err := sql.Open("pgx", dsn)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}
