package migrate

import (
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"testing"
	"testing/fstest"
	"time"

	"github.com/golang-migrate/migrate/v4"
	"github.com/golang-migrate/migrate/v4/database"
	pgxmigrate "github.com/golang-migrate/migrate/v4/database/pgx/v5"
	"github.com/golang-migrate/migrate/v4/database/postgres"
	"github.com/golang-migrate/migrate/v4/source/iofs"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver/clients/cluster"
)

//go:embed testdata/warehouse/*.sql
var testdata embed.FS

// placement says where the warehouse's tables live.
var placement = []string{"key.parts=sku", "key.moves=sku", "key.later=sku", "reference=units"}

// latest is the warehouse's last migration.
const latest = 4

// instance makes the library's driver of an open database. Several statements in a
// file are one text to PostgreSQL, unless multi splits them.
type instance func(db *sql.DB, multi bool) (database.Driver, error)

// drivers are the two that take a *sql.DB for PostgreSQL.
var drivers = map[string]instance{
	"pgx": func(db *sql.DB, multi bool) (database.Driver, error) {
		return pgxmigrate.WithInstance(db, &pgxmigrate.Config{MultiStatementEnabled: multi, MultiStatementMaxSize: 1 << 20})
	},
	"postgres": func(db *sql.DB, multi bool) (database.Driver, error) {
		return postgres.WithInstance(db, &postgres.Config{MultiStatementEnabled: multi, MultiStatementMaxSize: 1 << 20})
	},
}

// eachDriver runs a test with both drivers, over one shard and over three.
func eachDriver(t *testing.T, test func(t *testing.T, c *cluster.Cluster, with instance)) {
	t.Helper()
	for name, with := range drivers {
		t.Run(name, func(t *testing.T) {
			cluster.Each(t, placement, func(t *testing.T, c *cluster.Cluster) { test(t, c, with) })
		})
	}
}

// open is migrate over a database of its own, which it closes.
func open(t testing.TB, c *cluster.Cluster, with instance, files fs.FS, multi bool) *migrate.Migrate {
	t.Helper()
	source, err := iofs.New(files, ".")
	require.NoError(t, err)
	driver, err := with(c.Open(t), multi)
	require.NoError(t, err)
	m, err := migrate.NewWithInstance("iofs", source, "xapg", driver)
	require.NoError(t, err)
	m.LockTimeout = 2 * time.Minute // on busy machines
	t.Cleanup(func() { _, _ = m.Close() })
	return m
}

func warehouse(t testing.TB) fs.FS {
	t.Helper()
	sub, err := fs.Sub(testdata, "testdata/warehouse")
	require.NoError(t, err)
	return sub
}

func file(name, text string) fstest.MapFS {
	return fstest.MapFS{name: &fstest.MapFile{Data: []byte(text)}}
}

// with are the warehouse's files and one more, or one in another's place.
func with(t testing.TB, name, text string) fs.FS {
	t.Helper()
	all := fstest.MapFS{}
	names, err := fs.Glob(warehouse(t), "*.sql")
	require.NoError(t, err)
	for _, n := range names {
		data, err := fs.ReadFile(warehouse(t), n)
		require.NoError(t, err)
		all[n] = &fstest.MapFile{Data: data}
	}
	maps.Copy(all, file(name, text))
	return all
}

// version is where migrate says that it is: "3", "5 dirty", or "none".
func version(t testing.TB, m *migrate.Migrate) string {
	t.Helper()
	v, dirty, err := m.Version()
	if err == migrate.ErrNilVersion {
		return "none"
	}
	require.NoError(t, err)
	if dirty {
		return fmt.Sprint(v, " dirty")
	}
	return fmt.Sprint(v)
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

// state is all that the shards have: their schemas, and the rows of the warehouse.
func state(t testing.TB, c *cluster.Cluster) []string {
	t.Helper()
	query := "SELECT (" + schemaSQL + ")"
	for _, table := range []string{"parts", "moves", "units", "counts"} {
		query += " || (SELECT coalesce(string_agg(x::text, chr(10) ORDER BY x::text), '') FROM " + table + " x)"
	}
	out := make([]string, len(c.URLs))
	for i := range out {
		out[i] = c.On(t, i, query)
	}
	return out
}
