package stdlib_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// backwards is a QueryRewriter that reverses the arguments, and repeats them.
type backwards struct{ failure error }

func (b backwards) RewriteQuery(_ context.Context, _ *pgx.Conn, query string, args []any) (string, []any, error) {
	out := make([]any, 0, 2*len(args))
	for i := len(args) - 1; i >= 0; i-- {
		out = append(out, args[i])
	}
	return strings.ReplaceAll(query, "@@", "id"), out, b.failure
}

// options are what pgx takes before a statement's arguments, in the orders that it
// allows, and what it makes of mistakes in them.
var options = []struct {
	name  string
	query string
	args  []any
}{
	{"named arguments", "SELECT id, @name::text, c_text FROM %s WHERE id = @id", []any{pgx.NamedArgs{"id": 1, "name": "x"}}},
	{"named twice", "SELECT @id::int + 1 FROM %s WHERE id = @id AND id = @id", []any{pgx.NamedArgs{"id": 2}}},
	{"named and missing", "SELECT @id::int, @other::text FROM %s WHERE id = @id", []any{pgx.NamedArgs{"id": 2}}},
	{"named and too many", "SELECT id FROM %s WHERE id = @id", []any{pgx.NamedArgs{"id": 2, "unused": 3}}},
	{"strictly named", "SELECT id FROM %s WHERE id = @id", []any{pgx.StrictNamedArgs{"id": 3}}},
	{"strictly named and missing", "SELECT id, @x::int FROM %s WHERE id = @id", []any{pgx.StrictNamedArgs{"id": 3}}},
	{"strictly named and too many", "SELECT id FROM %s WHERE id = @id", []any{pgx.StrictNamedArgs{"id": 3, "x": 1}}},
	{"named, in quotes and comments", "SELECT '@id', id /* @id */ FROM %s WHERE id = @id -- @id", []any{pgx.NamedArgs{"id": 1}}},
	{"named, with operators", `SELECT c_jsonb @> '1', '{1}'::int[] <@ ARRAY[@id::int] FROM %s WHERE id = @id`, []any{pgx.NamedArgs{"id": 0}}},
	{"a rewriter", "SELECT id, $2::int FROM %s WHERE @@ = $1", []any{backwards{}, 40, 2}},
	{"a rewriter that fails", "SELECT id FROM %s", []any{backwards{errors.New("not today")}}},
	{"no arguments", "SELECT id FROM %s WHERE id = 1", []any{pgx.NamedArgs{}}},
	{"formats", "SELECT id, c_boolean, c_bytea FROM %s WHERE id = $1", []any{pgx.QueryResultFormats{1, 1, 1}, 1}},
	{"formats, short", "SELECT id, c_boolean FROM %s WHERE id = $1", []any{pgx.QueryResultFormats{1}, 1}},
	{"formats by OID", "SELECT id, c_date, c_boolean FROM %s WHERE id = $1", []any{pgx.QueryResultFormatsByOID{pgtype.DateOID: 0, pgtype.Int4OID: 1}, 1}},
	{"a mode and formats", "SELECT id, c_date FROM %s WHERE id = $1", []any{pgx.QueryExecModeDescribeExec, pgx.QueryResultFormatsByOID{pgtype.DateOID: 0}, 1}},
	{"formats and a mode", "SELECT id, c_date FROM %s WHERE id = $1", []any{pgx.QueryResultFormatsByOID{}, pgx.QueryExecModeSimpleProtocol, 1}},
	{"a mode and names", "SELECT id FROM %s WHERE id = @id", []any{pgx.QueryExecModeExec, pgx.NamedArgs{"id": 1}}},
	{"two modes", "SELECT id FROM %s WHERE id = $1", []any{pgx.QueryExecModeExec, pgx.QueryExecModeCacheDescribe, 1}},
	{"a mode that is none", "SELECT id FROM %s WHERE id = $1", []any{pgx.QueryExecMode(99), 1}},
	{"a mode behind the arguments", "SELECT id FROM %s WHERE id = $1", []any{1, pgx.QueryExecModeExec}},
	{"too few", "SELECT id FROM %s WHERE id = $1 AND id < $2", []any{1}},
	{"too many", "SELECT id FROM %s WHERE id = $1", []any{1, 2}},
	{"none", "SELECT id FROM %s WHERE id = $1", nil},
	{"unwanted", "SELECT id FROM %s WHERE id = 1", []any{1}},
	{"a gap", "SELECT id FROM %s WHERE id = $2", []any{1, 2}},
	{"of database/sql's naming", "SELECT id FROM %s WHERE id = $1", []any{sql.Named("id", 1)}},
}

func TestOptionsBeforeArguments(t *testing.T) {
	all := func(t *testing.T, db *sql.DB, table string) map[string][]outcome {
		seen := make(map[string][]outcome)
		for _, o := range options {
			seen[o.name] = []outcome{asked(t.Context(), db, on(o.query, table), o.args...), done(t.Context(), db, on(o.query, table), o.args...)}
		}
		return seen
	}
	inEachMode(t, func(t *testing.T, mode pgx.QueryExecMode) {
		want := sameOnOneShard(t, mode, func(t *testing.T, db *sql.DB) map[string][]outcome { return all(t, db, "everything") })
		assert.Equal(t, [][]string{{"int64(1)", `"x"`, `"a'b\"c\\d"`}}, want["named arguments"][0].Rows)
		assert.Contains(t, want["a rewriter that fails"][0].Error, "not today")
		for _, table := range tablesOfEverything {
			got := all(t, spread(t, mode), table)
			for _, o := range options {
				for i, w := range want[o.name] {
					assert.True(t, alike(w, got[o.name][i]), "%s, %s (%d): pgx: %v, xapg: %v", table, o.name, i, w, got[o.name][i])
				}
			}
		}
	})
}

func TestModesAsArgumentsWorkWhereverTheStatementGoes(t *testing.T) {
	inEachMode(t, func(t *testing.T, mode pgx.QueryExecMode) {
		for _, query := range []string{
			"SELECT id, c_text FROM %s WHERE id = $1",
			"SELECT id, c_text FROM %s WHERE id >= $1 ORDER BY id",
			"SELECT id, c_timestamptz, c_bytea, c_jsonb FROM %s WHERE id >= $1 ORDER BY c_interval, id",
			"SELECT count(*), sum(id) FROM %s WHERE id > $1",
			"SELECT a.id FROM %s a JOIN %s b ON a.id = b.id + $1 ORDER BY 1",
			"WITH w AS (SELECT id FROM %s WHERE id > $1) SELECT max(id) FROM w",
			"UPDATE %s SET c_integer = c_integer WHERE id = $1 RETURNING id",
		} {
			want := sameOnOneShard(t, modes[0], func(t *testing.T, db *sql.DB) outcome {
				return asked(t.Context(), db, on(query, "everything"), mode, 1)
			})
			require.Empty(t, want.Error)
			for _, table := range tablesOfEverything {
				sameSpread(t, want, asked(t.Context(), spread(t, modes[0]), on(query, table), mode, 1), fmt.Sprintf("%s: %s", table, query))
			}
		}
	})
}
