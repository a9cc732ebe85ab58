package otelsql

import (
	"database/sql"
	"fmt"
	"math/big"
	"reflect"
	"testing"
	"time"

	"github.com/XSAM/otelsql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver/clients/cluster"
)

func TestArgumentsGoThroughAsPgxTakesThem(t *testing.T) {
	day := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	tests := map[string]struct {
		query string
		args  []any
		want  string
	}{
		"numbers":               {"SELECT title FROM books WHERE id = $1", []any{int32(7)}, "book 7"},
		"a slice of keys":       {"SELECT string_agg(id::text, ' ' ORDER BY id) FROM books WHERE id = ANY($1)", []any{[]int64{30, 1, 99, 12}}, "1 12 30"},
		"named":                 {"SELECT title FROM books WHERE id = @id AND price > @price", []any{pgx.NamedArgs{"id": 9, "price": 2}}, "book 9"},
		"named, strictly":       {"SELECT count(*) FROM books WHERE id < @n", []any{pgx.StrictNamedArgs{"n": 11}}, "10"},
		"a mode first":          {"SELECT title FROM books WHERE id = $1", []any{pgx.QueryExecModeSimpleProtocol, 8}, "book 8"},
		"a mode, everywhere":    {"SELECT sum(price) FROM books WHERE id <= $1", []any{pgx.QueryExecModeExec, 4}, "12.00"},
		"formats first":         {"SELECT id FROM books WHERE title = $1", []any{pgx.QueryResultFormats{pgx.TextFormatCode}, "book 11"}, "11"},
		"a mode and names":      {"SELECT title FROM books WHERE id = @id", []any{pgx.QueryExecModeDescribeExec, pgx.NamedArgs{"id": 5}}, "book 5"},
		"a numeric":             {"SELECT title FROM books WHERE price = $1", []any{pgtype.Numeric{Int: big.NewInt(65), Exp: -1, Valid: true}}, "book 6"},
		"a nullable":            {"SELECT count(*) FROM books WHERE $1::text IS NULL", []any{pgtype.Text{}}, "40"},
		"a nullable key":        {"SELECT title FROM books WHERE id = $1", []any{pgtype.Int8{Int64: 3, Valid: true}}, "book 3"},
		"a sql.Null":            {"SELECT title FROM books WHERE id = $1", []any{sql.Null[int64]{V: 4, Valid: true}}, "book 4"},
		"a date":                {"SELECT $1::date - 1 FROM books WHERE id = $2", []any{day, 1}, "2026-02-28T00:00:00Z"},
		"texts":                 {"SELECT array_length($1::text[], 1) FROM books WHERE id = 1", []any{[]string{"a", "b"}}, "2"},
		"JSON of a map":         {"SELECT $1::jsonb ->> 'a' FROM books WHERE id = 1", []any{map[string]any{"a": "b"}}, "b"},
		"a uuid of bytes":       {"SELECT $1::uuid::text FROM books WHERE id = 1", []any{pgtype.UUID{Bytes: [16]byte{15: 1}, Valid: true}}, "00000000-0000-0000-0000-000000000001"},
		"bytes":                 {"SELECT encode($1::bytea, 'hex') FROM books WHERE id = 1", []any{[]byte{1, 2, 255}}, "0102ff"},
		"a join of other kinds": {"SELECT count(*) FROM books b JOIN authors a ON a.id = b.author WHERE a.name = $1", []any{"Kafka"}, "20"},
	}
	cluster.Each(t, placement, func(t *testing.T, c *cluster.Cluster) {
		db := traced(t, c)
		stocked(t, db)
		for name, test := range tests {
			t.Run(name, func(t *testing.T) {
				var got string
				require.NoError(t, db.QueryRowContext(t.Context(), test.query, test.args...).Scan(&got))
				assert.Equal(t, test.want, got)
			})
		}
	})
}

// The wrapper hides what Rows.ColumnTypeScanType says, below Go 1.27. Everything
// else about columns is what it is with the driver "pgx".
func TestColumnTypesAreThoseOfPgx(t *testing.T) {
	const query = "SELECT id, title, price, tags, info, printed, code, cover FROM books WHERE id = 1"
	columns := func(t *testing.T, db *sql.DB) (out []string) {
		rows, err := db.QueryContext(t.Context(), query)
		require.NoError(t, err)
		defer rows.Close()
		types, err := rows.ColumnTypes()
		require.NoError(t, err)
		for _, c := range types {
			length, hasLength := c.Length()
			precision, scale, decimal := c.DecimalSize()
			nullable, known := c.Nullable()
			out = append(out, fmt.Sprint(c.Name(), c.DatabaseTypeName(), length, hasLength, precision, scale, decimal, nullable, known, reflect.TypeOf(c.ScanType())))
		}
		require.NoError(t, rows.Err())
		return out
	}
	cluster.Each(t, placement, func(t *testing.T, c *cluster.Cluster) {
		db := traced(t, c)
		stocked(t, db)
		direct, err := otelsql.Open("pgx", c.URLs[0])
		require.NoError(t, err)
		defer direct.Close()
		assert.Equal(t, columns(t, direct), columns(t, db))
	})
}

func TestValuesComeBackAsTheyWent(t *testing.T) {
	cluster.Each(t, placement, func(t *testing.T, c *cluster.Cluster) {
		db := traced(t, c)
		stocked(t, db)
		printed := time.Date(1915, 10, 15, 0, 0, 0, 0, time.UTC)
		stmt, err := db.PrepareContext(t.Context(), "UPDATE books SET tags = $1, info = $2, printed = $3, cover = $4 WHERE id = $5")
		require.NoError(t, err)
		defer stmt.Close()
		for id := 1; id <= 3; id++ {
			res, err := stmt.ExecContext(t.Context(), []string{"a", "b c"}, `{"pages": 70}`, printed, []byte{0, 255}, id)
			require.NoError(t, err)
			n, err := res.RowsAffected()
			require.NoError(t, err)
			assert.Equal(t, int64(1), n)
		}

		rows, err := db.QueryContext(t.Context(), "SELECT id, price, tags, info, printed, cover, code FROM books WHERE id <= 3 ORDER BY id")
		require.NoError(t, err)
		defer rows.Close()
		ids := 0
		types := pgtype.NewMap()
		for rows.Next() {
			ids++
			var (
				id    int
				price pgtype.Numeric
				tags  []string
				info  string
				at    time.Time
				cover []byte
				code  pgtype.UUID
			)
			require.NoError(t, rows.Scan(&id, &price, types.SQLScanner(&tags), &info, &at, &cover, &code))
			assert.Equal(t, ids, id)
			assert.Equal(t, []string{"a", "b c"}, tags)
			assert.JSONEq(t, `{"pages": 70}`, info)
			assert.True(t, printed.Equal(at))
			assert.Equal(t, []byte{0, 255}, cover)
			assert.False(t, code.Valid)
		}
		require.NoError(t, rows.Err())
		assert.Equal(t, 3, ids)
	})
}
