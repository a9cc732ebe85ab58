package goose

import (
	"context"
	"database/sql"
	"embed"
	"io/fs"
	"testing"

	"github.com/pressly/goose/v3"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver/clients/cluster"
)

//go:embed testdata/library/*.sql
var testdata embed.FS

// placement says where the library's tables live.
var placement = []string{"key.members=id", "key.loans=member", "reference=genres"}

// latest is the library's last migration.
const latest = 5

func files(t testing.TB) fs.FS {
	t.Helper()
	sub, err := fs.Sub(testdata, "testdata/library")
	require.NoError(t, err)
	return sub
}

// members is how many members the Go migration brings.
const members = 60

// enrol is the migration in Go: its statements and the version are one transaction.
func enrol(ctx context.Context, tx *sql.Tx) error {
	stmt, err := tx.PrepareContext(ctx, "INSERT INTO members (id, name) VALUES ($1, $2)")
	if err != nil {
		return err
	}
	defer stmt.Close()
	for i := range members {
		if _, err := stmt.ExecContext(ctx, i, "member"); err != nil {
			return err
		}
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO loans SELECT id, 'The Trial', 'c', '2026-02-01' FROM members")
	return err
}

// dismiss is the way back from enrol.
func dismiss(ctx context.Context, tx *sql.Tx) error {
	if _, err := tx.ExecContext(ctx, "DELETE FROM loans"); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, "DELETE FROM members")
	return err
}

// library is a provider of the library's migrations, and of more in Go.
func library(t testing.TB, db *sql.DB, option goose.ProviderOption, more ...*goose.Migration) *goose.Provider {
	t.Helper()
	inGo := append(more, goose.NewGoMigration(4, &goose.GoFunc{RunTx: enrol}, &goose.GoFunc{RunTx: dismiss}))
	return provider(t, db, files(t), option, goose.WithGoMigrations(inGo...))
}

// unlocked is for providers that need no lock.
var unlocked = goose.WithVerbose(false)

func provider(t testing.TB, db *sql.DB, files fs.FS, options ...goose.ProviderOption) *goose.Provider {
	t.Helper()
	p, err := goose.NewProvider(goose.DialectPostgres, db, files, append(options, goose.WithDisableGlobalRegistry(true))...)
	require.NoError(t, err)
	return p
}

// schemaSQL gives a shard's tables with their columns, and its functions, indexes
// and triggers, in one text.
const schemaSQL = `SELECT coalesce(string_agg(what, chr(10) ORDER BY what), '') FROM (
	SELECT format('column %s.%s %s %s', table_name, column_name, data_type, is_nullable) AS what
		FROM information_schema.columns WHERE table_schema = 'public'
	UNION ALL SELECT format('function %s: %s', proname, obj_description(oid)) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
	UNION ALL SELECT 'trigger ' || tgname FROM pg_trigger WHERE NOT tgisinternal
	UNION ALL SELECT format('index %s %s', relname, indisvalid) FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
		WHERE relnamespace = 'public'::regnamespace) x`

// sameEverywhere requires that all shards have the same schema, and gives it.
func sameEverywhere(t testing.TB, c *cluster.Cluster) string {
	t.Helper()
	first := c.On(t, 0, schemaSQL)
	for i := 1; i < len(c.URLs); i++ {
		require.Equal(t, first, c.On(t, i, schemaSQL), "shard %d", i+1)
	}
	return first
}

// state is all that the shards have: their schemas and their rows.
func state(t testing.TB, c *cluster.Cluster) []string {
	t.Helper()
	query := "SELECT (" + schemaSQL + ")"
	for _, table := range []string{"members", "loans", "genres", "notices", "goose_db_version"} {
		query += " || (SELECT coalesce(string_agg(x::text, chr(10) ORDER BY x::text), '') FROM " + table + " x)"
	}
	out := make([]string, len(c.URLs))
	for i := range out {
		out[i] = c.On(t, i, query)
	}
	return out
}
