package goose

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pressly/goose/v3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver/clients/cluster"
)

func number(t testing.TB, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	require.NoError(t, err)
	return n
}

// file is an fs.FS of one migration after the library's.
func file(text string) fstest.MapFS {
	return fstest.MapFS{"00006_fails.sql": &fstest.MapFile{Data: []byte(text)}}
}

func TestAMigrationThatFailsLeavesNothingOnAnyShard(t *testing.T) {
	prior := "-- +goose Up\n" +
		"CREATE TABLE visits (member bigint PRIMARY KEY, n int);\n" +
		"ALTER TABLE members ADD COLUMN phone text;\n" +
		"UPDATE members SET lent = lent + 100;\n" +
		"INSERT INTO genres VALUES ('x', 'xylography', 1);\n" +
		"INSERT INTO notices (text) VALUES ('closed');\n"
	cluster.Each(t, append([]string{"key.visits=member"}, placement...), func(t *testing.T, c *cluster.Cluster) {
		db := c.Open(t)
		_, err := library(t, db, unlocked).Up(t.Context())
		require.NoError(t, err)
		for name, test := range map[string]struct{ last, code string }{
			"a statement in the middle":          {"SELECT 1 / (n - n) FROM (SELECT 1 AS n) x;\nCREATE TABLE after (id int);\n", "22012"},
			"a syntax error":                     {"SELEC 1;\n", "42601"},
			"a constraint that one shard judges": {"ALTER TABLE members ADD CHECK (id <> 7);\n", "23514"},
			"a duplicate on one shard":           {"INSERT INTO members (id, name) VALUES (1000, 'new'), (7, 'old');\n", "23505"},
			"a deferred constraint, at commit": {"INSERT INTO loans SELECT n, 'Ulysses', 'c', '2026-03-01' FROM generate_series(1, 10) n;\n" +
				"INSERT INTO loans VALUES (1007, 'Ulysses', 'c', '2026-03-01');\n", "23503"},
		} {
			t.Run(name, func(t *testing.T) { unharmed(t, c, db, prior+test.last, test.code) })
		}
		t.Run("in Go", func(t *testing.T) { unharmedByGo(t, c, db) })
	})
}

// unharmed runs a migration that fails, and requires that no shard shows anything of it.
func unharmed(t *testing.T, c *cluster.Cluster, db *sql.DB, text, code string) {
	t.Helper()
	before := state(t, c)
	p := provider(t, db, file(text), goose.WithAllowOutofOrder(true))
	_, err := p.Up(t.Context())
	var partial *goose.PartialError
	require.ErrorAs(t, err, &partial)
	assert.Empty(t, partial.Applied)
	var failure *pgconn.PgError
	require.ErrorAs(t, err, &failure)
	assert.Equal(t, code, failure.Code)
	assert.Equal(t, before, state(t, c))
	v, err := p.GetDBVersion(t.Context())
	require.NoError(t, err)
	assert.Equal(t, int64(latest), v)
}

var errInGo = errors.New("the migration in Go changed its mind")

func unharmedByGo(t *testing.T, c *cluster.Cluster, db *sql.DB) {
	t.Helper()
	before := state(t, c)
	p := provider(t, db, nil, goose.WithAllowOutofOrder(true), goose.WithGoMigrations(goose.NewGoMigration(6, &goose.GoFunc{
		RunTx: func(ctx context.Context, tx *sql.Tx) error {
			for _, q := range []string{
				"ALTER TABLE loans ADD COLUMN fine numeric", "UPDATE loans SET fine = 1",
				"DELETE FROM notices", "UPDATE genres SET name = upper(name)",
			} {
				if _, err := tx.ExecContext(ctx, q); err != nil {
					return err
				}
			}
			return errInGo
		},
	}, nil)))
	_, err := p.Up(t.Context())
	require.ErrorIs(t, err, errInGo)
	assert.Equal(t, before, state(t, c))
}
