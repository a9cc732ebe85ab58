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
	const size = 8 << 20
	text := strings.Repeat("käse\\'\x01", size/8)
	blob := []byte(strings.Repeat("\x00\xff\\'", size/4))
	for _, mode := range []pgx.QueryExecMode{modes[0], modes[3], modes[4]} {
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
		got, err := db.QueryContext(t.Context(), fmt.Sprintf("SELECT n * %d + id, 'row' || n FROM %s, generate_series(0, %d) n WHERE id < %[1]d %s", everythingRows, table, per-1, order))
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
	inBothDrivers(t, mode, func(t *testing.T, db *sql.DB) { check(t, db, "everything", "ORDER BY 1") })
	for _, order := range []string{"", "ORDER BY 1"} {
		t.Run("spread "+order, func(t *testing.T) { check(t, spread(t, mode), "everything_spread", order) })
	}
}

func TestAsManyParametersAsTheProtocolAllows(t *testing.T) {
	const most = 65535
	query := func(n int) string {
		var b strings.Builder
		for i := range n {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteByte('$')
			b.WriteString(strconv.Itoa(i + 1))
		}
		return "SELECT count(*) FROM %s WHERE id IN (" + b.String() + ")"
	}
	args := make([]any, most+1)
	for i := range args {
		args[i] = i - 2 // five of them are there
	}
	few, many := query(most), query(most+1)
	see := func(t *testing.T, db *sql.DB, table string) []outcome {
		return []outcome{asked(t.Context(), db, on(few, table), args[:most]...), asked(t.Context(), db, on(many, table), args...)}
	}
	for _, mode := range []pgx.QueryExecMode{modes[0], modes[3]} {
		want := sameOnOneShard(t, mode, func(t *testing.T, db *sql.DB) []outcome { return see(t, db, "everything") })
		assert.Equal(t, [][]string{{"int64(5)"}}, want[0].Rows)
		assert.NotEmpty(t, want[1].Error)
		got := see(t, spread(t, mode), "everything_spread")
		sameSpread(t, want[0], got[0])
		assert.NotEmpty(t, got[1].Error, "one too many")
	}
}

func TestAsManyColumnsAsATableCanHave(t *testing.T) {
	columns := make([]string, 1664)
	for i := range columns {
		columns[i] = fmt.Sprintf("id + %d AS c%d", i, i)
	}
	query := "SELECT " + strings.Join(columns, ", ") + " FROM %s WHERE id IN (1, 2, 3) ORDER BY id"
	tooMany := "SELECT 1, " + strings.TrimPrefix(query, "SELECT ")
	for _, mode := range modes {
		ask := func(t *testing.T, db *sql.DB, table string) []outcome {
			return []outcome{asked(t.Context(), db, on(query, table)), asked(t.Context(), db, on(tooMany, table))}
		}
		want := sameOnOneShard(t, mode, func(t *testing.T, db *sql.DB) []outcome { return ask(t, db, "everything") })
		require.Len(t, want[0].Rows, 3)
		assert.Equal(t, "54011", want[1].State)
		got := ask(t, spread(t, mode), "everything_spread")
		assert.True(t, assert.ObjectsAreEqual(want[0], got[0]), "1,664 columns: %v", got[0].Error)
		assert.Equal(t, "54011", got[1].State, got[1].Error)
	}
}

func TestLongTexts(t *testing.T) {
	// A statement of several megabytes, most of which is a literal.
	query := "SELECT length('" + strings.Repeat("x", 4<<20) + "')"
	for _, mode := range []pgx.QueryExecMode{modes[0], modes[4]} {
		everywhere(t, mode, func(t *testing.T, db *sql.DB, table string) {
			assert.Equal(t, strconv.Itoa(4<<20), value(t, db, query+" FROM "+table+" WHERE id = 1"))
		})
	}
}
