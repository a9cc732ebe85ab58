package stdlib_test

import (
	"database/sql"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLargeValuesGoThere(t *testing.T) {
	for mode, size := range map[pgx.QueryExecMode]int{modes[0]: 8 << 20, modes[4]: 1 << 20} {
		text := strings.Repeat("käse\\'\x01", size/8)
		blob := []byte(strings.Repeat("\x00\xff\\'", size/4))
		check := func(t *testing.T, db *sql.DB, table string) {
			tx, err := db.BeginTx(t.Context(), nil)
			require.NoError(t, err)
			defer tx.Rollback()
			_, err = tx.ExecContext(t.Context(), "INSERT INTO "+table+" (id, c_text, c_bytea) VALUES ($1, $2, $3)", 300, text, blob)
			require.NoError(t, err)
			var gotText string
			var gotBlob []byte
			require.NoError(t, tx.QueryRowContext(t.Context(), "SELECT c_text, c_bytea FROM "+table+" WHERE id = $1", 300).Scan(&gotText, &gotBlob))
			assert.True(t, text == gotText && string(blob) == string(gotBlob), "megabytes differ")
		}
		inBothDrivers(t, mode, func(t *testing.T, db *sql.DB) { check(t, db, "everything") })
		t.Run("spread", func(t *testing.T) { check(t, spread(t, mode), "everything_spread") })
	}
}

func TestManyRowsComeOneByOne(t *testing.T) {
	const rows = 100_000
	check := func(t *testing.T, db *sql.DB, table, order string) {
		// Rows of every shard, and so many that they cannot all be on the way at once.
		per := rows / everythingRows
		got, err := db.QueryContext(t.Context(), fmt.Sprintf("SELECT n * %d + id, 'row' || n FROM %s, generate_series(0, %d) n %s", everythingRows, table, per-1, order))
		require.NoError(t, err)
		defer got.Close()
		var n, sum, id int
		var text string
		for got.Next() {
			require.NoError(t, got.Scan(&id, &text))
			if order != "" && id != n {
				require.Equal(t, n, id)
			}
			n, sum = n+1, sum+id
		}
		require.NoError(t, got.Err())
		assert.Equal(t, []int{rows, rows * (rows - 1) / 2}, []int{n, sum})
	}
	mode := modes[0]
	t.Run("one shard", func(t *testing.T) { check(t, open(t, "xapg", mode), "everything", "ORDER BY 1") })
	for _, order := range []string{"", "ORDER BY 1"} {
		t.Run("spread "+order, func(t *testing.T) { check(t, spread(t, mode), "everything_spread", order) })
	}
}

func TestAsManyParametersAsTheProtocolAllows(t *testing.T) {
	const most, several = 65535, 300 // planning for several shards takes its time
	query := func(n int) (string, []any) {
		list, args := make([]string, n), make([]any, n)
		for i := range n {
			list[i], args[i] = "$"+strconv.Itoa(i+1), i-2 // some of them are there
		}
		return "SELECT id FROM %s WHERE id IN (" + strings.Join(list, ", ") + ") ORDER BY id", args
	}
	ask := func(t *testing.T, db *sql.DB, table string, n int) outcome {
		text, args := query(n)
		return asked(t.Context(), db, on(text, table), args...)
	}
	for _, mode := range []pgx.QueryExecMode{modes[0], modes[3]} {
		for n, rows := range map[int]int{several: everythingRows, most: everythingRows, most + 1: 0} {
			want := sameOnOneShard(t, mode, func(t *testing.T, db *sql.DB) outcome { return ask(t, db, "everything", n) })
			assert.Len(t, want.Rows, rows, want.Error)
			if n == several {
				sameSpread(t, want, ask(t, spread(t, mode), "everything_spread", n))
			}
		}
	}
}

func TestAsManyColumnsAsATableCanHave(t *testing.T) {
	columns := make([]string, 1600)
	for i := range columns {
		columns[i] = fmt.Sprintf("id + %d AS c%d", i, i)
	}
	query := "SELECT " + strings.Join(columns, ", ") + " FROM %s WHERE id IN (1, 2, 3) ORDER BY id"
	tooMany := "SELECT " + strings.Repeat("1, ", 100) + strings.TrimPrefix(query, "SELECT ")
	for _, mode := range modes {
		want := sameOnOneShard(t, mode, func(t *testing.T, db *sql.DB) outcome { return asked(t.Context(), db, on(query, "everything")) })
		require.Len(t, want.Rows, 3)
		many := sameOnOneShard(t, mode, func(t *testing.T, db *sql.DB) outcome { return asked(t.Context(), db, on(tooMany, "everything")) })
		assert.Equal(t, "54011", many.State)
		if mode == modes[0] { // planning for several shards takes its time
			got := asked(t.Context(), spread(t, mode), on(query, "everything_spread"))
			assert.True(t, assert.ObjectsAreEqual(want, got), "1,600 columns: %v", got.Error)
		}
	}
}

func TestLongTexts(t *testing.T) {
	// A statement of a megabyte, most of which is a literal.
	query := "SELECT length('" + strings.Repeat("x", 1<<20) + "')"
	for _, mode := range []pgx.QueryExecMode{modes[0], modes[4]} {
		everywhere(t, mode, func(t *testing.T, db *sql.DB, table string) {
			assert.Equal(t, strconv.Itoa(1<<20), value(t, db, query+" FROM "+table+" WHERE id = 1"))
		})
	}
}
