package stdlib_test

import (
	"database/sql"
	"math"
	"reflect"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// columnOf is what ColumnTypes tells of an expression's column.
type columnOf struct {
	expression string
	database   string
	scan       reflect.Type
	length     int64 // -1 for types of no variable length
	precision  int64 // -1 for types that are not decimal
	scale      int64
}

var (
	text  = reflect.TypeFor[string]()
	float = reflect.TypeFor[float64]()
	bytes = reflect.TypeFor[[]byte]()
	clock = reflect.TypeFor[time.Time]()
)

// columnTypes are pgx's promises, one for each branch that it has, and its oddities:
// a varchar without a length, or a numeric without precision, shows what is left of
// -1 when the header's size is taken from it.
var columnTypes = []columnOf{
	{"1::int2", "INT2", reflect.TypeFor[int16](), -1, -1, 0},
	{"1::int4", "INT4", reflect.TypeFor[int32](), -1, -1, 0},
	{"1::int8", "INT8", reflect.TypeFor[int64](), -1, -1, 0},
	{"1::float4", "FLOAT4", reflect.TypeFor[float32](), -1, -1, 0},
	{"1::float8", "FLOAT8", float, -1, -1, 0},
	{"true", "BOOL", reflect.TypeFor[bool](), -1, -1, 0},
	{"1.28::numeric(9,2)", "NUMERIC", float, -1, 9, 2},
	{"1.28::numeric", "NUMERIC", float, -1, 65535, 65531},
	{"'a'::text", "TEXT", text, math.MaxInt64, -1, 0},
	{"'a'::varchar(255)", "VARCHAR", text, 255, -1, 0},
	{"'a'::varchar", "VARCHAR", text, -5, -1, 0},
	{"'a'::char(10)", "BPCHAR", text, 10, -1, 0},
	{`'\x00'::bytea`, "BYTEA", bytes, math.MaxInt64, -1, 0},
	{"'101'::varbit(50)", "VARBIT", text, 50, -1, 0},
	{"'101'::bit(3)", "BIT", text, -1, -1, 0},
	{"'2024-01-01'::date", "DATE", clock, -1, -1, 0},
	{"'2024-01-01'::timestamp", "TIMESTAMP", clock, -1, -1, 0},
	{"'2024-01-01'::timestamptz", "TIMESTAMPTZ", clock, -1, -1, 0},
	{"'12:00'::time", "TIME", text, -1, -1, 0},
	{"'12:00Z'::timetz", "1266", text, -1, -1, 0},
	{"'1 day'::interval", "INTERVAL", text, -1, -1, 0},
	{"'{}'::json", "JSON", text, -1, -1, 0},
	{"'{}'::jsonb", "JSONB", text, -1, -1, 0},
	{"'1.2.3.4'::inet", "INET", text, -1, -1, 0},
	{"gen_random_uuid()", "UUID", text, -1, -1, 0},
	{"1::oid", "OID", text, -1, -1, 0},
	{"array[1]", "_INT4", text, -1, -1, 0},
	{"array['a']", "_TEXT", text, -1, -1, 0},
	{"'1'::money", "790", text, -1, -1, 0},
	{"point(1,2)", "POINT", text, -1, -1, 0},
	{"int4range(1,2)", "INT4RANGE", text, -1, -1, 0},
	{"'a'::name", "NAME", text, -1, -1, 0},
	{"row(1,2)", "RECORD", text, -1, -1, 0},
	{"NULL", "TEXT", text, math.MaxInt64, -1, 0},
}

func TestColumnTypesTellWhatPgxTells(t *testing.T) {
	query := "SELECT "
	for i, c := range columnTypes {
		if i > 0 {
			query += ", "
		}
		query += c.expression + " AS c" + strconv.Itoa(i)
	}
	check := func(t *testing.T, db *sql.DB) {
		rows, err := db.QueryContext(t.Context(), query)
		require.NoError(t, err)
		defer rows.Close()
		got, err := rows.ColumnTypes()
		require.NoError(t, err)
		names, err := rows.Columns()
		require.NoError(t, err)
		require.Len(t, got, len(columnTypes))
		for i, want := range columnTypes {
			c := got[i]
			assert.Equal(t, "c"+strconv.Itoa(i), c.Name())
			assert.Equal(t, names[i], c.Name())
			assert.Equal(t, want.database, c.DatabaseTypeName(), want.expression)
			assert.Equal(t, want.scan, c.ScanType(), want.expression)
			length, variable := c.Length()
			if want.length == -1 {
				length = -1 - length
			}
			assert.Equal(t, want.length, length, want.expression)
			assert.Equal(t, want.length != -1, variable, want.expression)
			precision, scale, decimal := c.DecimalSize()
			assert.Equal(t, want.precision != -1, decimal, want.expression)
			assert.Equal(t, []int64{max(want.precision, 0), want.scale}, []int64{precision, scale}, want.expression)
			_, known := c.Nullable()
			assert.False(t, known, "PostgreSQL does not tell whether a column may be NULL")
		}
		require.NoError(t, rows.Err())
	}
	inEachMode(t, func(t *testing.T, mode pgx.QueryExecMode) {
		inBothDrivers(t, mode, check)
		t.Run("spread", func(t *testing.T) { check(t, spread(t, mode)) })
	})
}

func TestColumnsAreNamedAsPostgreSQLNamesThem(t *testing.T) {
	inEachMode(t, func(t *testing.T, mode pgx.QueryExecMode) {
		for _, list := range []string{
			"1, 'a'", `id AS "Id", id AS "a b"`, "count(*), max(c_integer), sum(id) + 1", "id, id", "c_integer::text, CASE WHEN true THEN 1 END, (SELECT 1), array[1], row(1)",
			`1 AS "käse"`, "everything.*", "id AS abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz",
		} {
			ask := func(db *sql.DB, table string) outcome {
				return asked(t.Context(), db, "SELECT "+list+" FROM "+table+" AS everything WHERE id = 1 GROUP BY id")
			}
			want := sameOnOneShard(t, mode, func(_ *testing.T, db *sql.DB) outcome { return ask(db, "everything") })
			require.Empty(t, want.Error)
			for _, table := range tablesOfEverything {
				sameSpread(t, want, ask(spread(t, mode), table), "%s: %s", table, list)
			}
		}
	})
}

func TestColumnsAreKnownWithoutRows(t *testing.T) {
	inEachMode(t, func(t *testing.T, mode pgx.QueryExecMode) {
		for _, query := range []string{
			"SELECT * FROM %s WHERE false",
			"SELECT * FROM %s WHERE id = -1",
			"SELECT * FROM %s WHERE id < 0 ORDER BY id",
			"SELECT * FROM %s WHERE id < 0 ORDER BY c_interval LIMIT 1",
			"SELECT c_text, count(*), sum(c_numeric), avg(c_integer), max(c_date) FROM %s WHERE id < 0 GROUP BY c_text",
			"UPDATE %s SET c_integer = c_integer WHERE id < 0 RETURNING *",
			"UPDATE %s SET c_integer = c_integer WHERE id = 1",
			"DELETE FROM %s WHERE id < 0 RETURNING c_jsonb, c_numeric_9_2",
			"INSERT INTO %s (id) SELECT 1 WHERE false RETURNING *",
		} {
			want := sameOnOneShard(t, mode, func(t *testing.T, db *sql.DB) outcome { return asked(t.Context(), db, on(query, "everything")) })
			assert.Empty(t, want.Rows)
			assert.Empty(t, want.Error)
			for _, table := range tablesOfEverything {
				sameSpread(t, want, asked(t.Context(), spread(t, mode), on(query, table)), "%s: %s", table, query)
			}
		}
	})
}

func TestStatementsWithoutColumnsHaveNone(t *testing.T) {
	inEachMode(t, func(t *testing.T, mode pgx.QueryExecMode) {
		check := func(t *testing.T, db *sql.DB) {
			for _, query := range []string{"SELECT", "SET work_mem = '5MB'", "RESET work_mem", "-- nothing", ""} {
				rows, err := db.QueryContext(t.Context(), query)
				require.NoError(t, err, query)
				names, err := rows.Columns()
				require.NoError(t, err)
				assert.Empty(t, names, query)
				n := 0
				for rows.Next() {
					n++
					require.NoError(t, rows.Scan())
				}
				require.NoError(t, rows.Err())
				require.NoError(t, rows.Close())
				assert.Equal(t, map[string]int{"SELECT": 1}[query], n, query)
			}
		}
		inBothDrivers(t, mode, check)
		t.Run("spread", func(t *testing.T) { check(t, spread(t, mode)) })
	})
}
