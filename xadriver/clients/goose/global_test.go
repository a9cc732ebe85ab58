package goose

import (
	"testing"

	"github.com/pressly/goose/v3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver/clients/cluster"
)

// lines is a goose.Logger that keeps what it is told.
type lines struct{ all []string }

func (l *lines) Printf(format string, v ...any) {
	if len(v) > 0 {
		if name, ok := v[len(v)-1].(string); ok {
			format += " " + name
		}
	}
	l.all = append(l.all, format)
}
func (l *lines) Fatalf(format string, v ...any) { panic(format) }

// global sets up the package-level functions that goose had before it had providers.
func global(t *testing.T) *lines {
	t.Helper()
	log := &lines{}
	goose.SetBaseFS(files(t))
	goose.SetLogger(log)
	require.NoError(t, goose.SetDialect("postgres"))
	goose.AddNamedMigrationContext("00004_enrol.go", enrol, dismiss)
	t.Cleanup(func() {
		goose.ResetGlobalMigrations()
		goose.SetBaseFS(nil)
		goose.SetLogger(goose.NopLogger())
	})
	return log
}

func TestTheGlobalFunctionsMigrate(t *testing.T) {
	cluster.Each(t, placement, func(t *testing.T, c *cluster.Cluster) {
		log := global(t)
		db := c.Open(t)
		version := func() int64 {
			v, err := goose.GetDBVersionContext(t.Context(), db)
			require.NoError(t, err)
			return v
		}

		require.NoError(t, goose.UpByOneContext(t.Context(), db, "."))
		assert.Equal(t, int64(1), version())
		assert.NotContains(t, sameEverywhere(t, c), "count_loan")

		require.NoError(t, goose.UpContext(t.Context(), db, "."))
		assert.Equal(t, int64(latest), version())
		whole := sameEverywhere(t, c)
		assert.Contains(t, whole, "members.city")

		require.NoError(t, goose.RedoContext(t.Context(), db, "."))
		assert.Equal(t, int64(latest), version())
		assert.Equal(t, whole, sameEverywhere(t, c))

		require.NoError(t, goose.DownContext(t.Context(), db, "."))
		assert.Equal(t, int64(latest-1), version())
		assert.NotContains(t, sameEverywhere(t, c), "members.city")

		log.all = nil
		require.NoError(t, goose.StatusContext(t.Context(), db, "."))
		assert.Contains(t, log.all[len(log.all)-1], "00005_cities.sql")

		require.NoError(t, goose.ResetContext(t.Context(), db, "."))
		assert.Equal(t, int64(0), version())
		assert.NotContains(t, sameEverywhere(t, c), "members")

		require.NoError(t, goose.UpToContext(t.Context(), db, ".", 3))
		require.NoError(t, goose.DownToContext(t.Context(), db, ".", 1))
		assert.Equal(t, int64(1), version())
	})
}

func TestTheGlobalFunctionsKeepVersionsInASchemaOfTheirOwn(t *testing.T) {
	cluster.Each(t, placement, func(t *testing.T, c *cluster.Cluster) {
		global(t)
		goose.SetTableName("meta.versions")
		t.Cleanup(func() { goose.SetTableName("goose_db_version") })
		db := c.Open(t)
		_, err := db.ExecContext(t.Context(), "CREATE SCHEMA meta")
		require.NoError(t, err)
		require.NoError(t, goose.UpContext(t.Context(), db, "."))
		want := []string{"6", "0", "0"}
		assert.Equal(t, want[:len(c.URLs)], c.Counts(t, "meta.versions"))
	})
}
