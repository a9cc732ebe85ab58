//go:build go1.27

package stdlib_test

import (
	"database/sql"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// direct are what pgx scans into without an adapter as of Go 1.27, where a driver
// may scan its columns itself.
func direct() []any {
	type pair struct {
		N *int
		S *string
	}
	return []any{
		new([]int), new([]int64), new([]*int), new([]string), new([]*string), new([]sql.NullString), new([]float64), new([]bool), new([][]byte), new([]time.Time), new([][]int), new([3]int),
		new(*[]int), new(**[]string),
		new(pgtype.Array[int64]), new(pgtype.Array[*string]), new(pgtype.FlatArray[string]), new(pgtype.FlatArray[byte]), new(pgtype.PreallocBytes),
		new(pgtype.Range[pgtype.Int4]), new(pgtype.Range[time.Time]), new(*pgtype.Range[int]), new(pgtype.Multirange[pgtype.Range[pgtype.Int4]]),
		new(map[string]any), new(*map[string]any), new([]any), new(pair), new(*pair), new(struct{ A []*int }),
		new(netip.Addr), new(netip.Prefix), new(*netip.Prefix), new(time.Duration), new(pgtype.Hstore), new(map[string]*string),
		new(any), new(*any), new(string), new(*string), new([]byte), new(*[]byte), new(sql.RawBytes), new(int), new(*int), new(time.Time), new(*time.Time), new(title), new(*title), new(level), new(celsius),
		new(sql.NullString), new(sql.Null[[]byte]), new(pgtype.Text), new(pgtype.Numeric), new(pgtype.Interval), new(pgtype.Point), new(pgtype.UUID), new([16]byte),
		nil, (*int)(nil), (*[]int)(nil), new(chan int), 5,
	}
}

func scanned(t *testing.T, db *sql.DB, query string, kinds []sampled) map[string]string {
	seen := make(map[string]string)
	for _, s := range kinds {
		rows, err := db.QueryContext(t.Context(), fmt.Sprintf(query, s.column()))
		require.NoError(t, err)
		for n := 0; rows.Next(); n++ {
			var value any
			require.NoError(t, rows.Scan(&value))
			for i, target := range direct() {
				if value == nil && !nullable(target) {
					continue
				}
				err := rows.Scan(target)
				what := fmt.Sprintf("%s (%d) into the %dth, a %T", s.name, n, i, target)
				seen[what] = failure(err)
				if err == nil {
					seen[what] = shown(target)
				}
			}
		}
		require.NoError(t, rows.Err())
		require.NoError(t, rows.Close())
	}
	return seen
}

func TestColumnsAreScannedIntoGoValuesAsPgxDoes(t *testing.T) {
	prepareStage(t)
	kinds := present()
	for _, c := range []struct {
		mode  pgx.QueryExecMode
		order string
	}{
		{modes[0], "WHERE id = 0"},
		{modes[0], "WHERE id IN (1, 4) ORDER BY id"},         // merged by the driver
		{modes[4], "WHERE id IN (1, 4) ORDER BY c_interval"}, // merged by PostgreSQL
	} {
		want := sameOnOneShard(t, c.mode, func(t *testing.T, db *sql.DB) map[string]string {
			return scanned(t, db, "SELECT %s FROM everything "+c.order, kinds)
		})
		got := scanned(t, spread(t, c.mode), "SELECT %s FROM everything_spread "+c.order, kinds)
		for what := range want {
			assert.Equal(t, want[what], got[what], "%s: %s", c.order, what)
		}
	}
}

func TestColumnsAreScannedIntoGoValues(t *testing.T) {
	inEachMode(t, func(t *testing.T, mode pgx.QueryExecMode) {
		everywhere(t, mode, func(t *testing.T, db *sql.DB, table string) {
			var (
				list   []*int
				texts  []string
				span   pgtype.Range[pgtype.Int4]
				doc    map[string]any
				prefix netip.Prefix
				none   *[]string
			)
			query := "SELECT ARRAY[1, NULL, id], ARRAY['a,b', 'NULL'], int4range(id, 9), jsonb_build_object('id', id), '10.0.0.1/8'::inet, NULL::text[] FROM " + table + " WHERE id = $1"
			require.NoError(t, db.QueryRowContext(t.Context(), query, 1).Scan(&list, &texts, &span, &doc, &prefix, &none))
			require.Len(t, list, 3)
			assert.Equal(t, []int{1, 1}, []int{*list[0], *list[2]})
			assert.Nil(t, list[1])
			assert.Equal(t, []string{"a,b", "NULL"}, texts)
			assert.EqualValues(t, 9, span.Upper.Int32)
			assert.Equal(t, map[string]any{"id": 1.0}, doc)
			assert.Equal(t, "10.0.0.1/8", prefix.String())
			assert.Nil(t, none)

			rows, err := db.QueryContext(t.Context(), "SELECT ARRAY[id, id + 1] FROM "+table+" ORDER BY id")
			require.NoError(t, err)
			defer rows.Close()
			var kept [][]int
			for rows.Next() {
				var pair []int
				require.NoError(t, rows.Scan(&pair))
				kept = append(kept, pair)
			}
			require.NoError(t, rows.Err())
			assert.Equal(t, [][]int{{0, 1}, {1, 2}, {2, 3}, {3, 4}, {4, 5}}, kept)
		})
	})
}

func TestColumnsOfSumsAreScannedIntoGoValues(t *testing.T) {
	// Rows that the driver makes of several shards' rows are scanned as if they were
	// one server's.
	inEachMode(t, func(t *testing.T, mode pgx.QueryExecMode) {
		everywhere(t, mode, func(t *testing.T, db *sql.DB, table string) {
			var ids []int
			var total, largest int
			var average pgtype.Numeric
			require.NoError(t, db.QueryRowContext(t.Context(), "SELECT array_agg(id ORDER BY id), sum(id), max(id), avg(id) FROM "+table).Scan(&ids, &total, &largest, &average))
			assert.Equal(t, []int{0, 1, 2, 3, 4}, ids)
			assert.Equal(t, []int{10, 4}, []int{total, largest})
			assert.True(t, average.Valid)
			var doc map[string]int
			require.NoError(t, db.QueryRowContext(t.Context(), "SELECT jsonb_object_agg(id::text, id) FROM "+table).Scan(&doc))
			assert.Equal(t, map[string]int{"0": 0, "1": 1, "2": 2, "3": 3, "4": 4}, doc)
			require.NoError(t, db.QueryRowContext(t.Context(), "UPDATE "+table+" SET c_integer = c_integer WHERE id = $1 RETURNING ARRAY[id]", 2).Scan(&ids))
			assert.Equal(t, []int{2}, ids)
		})
	})
}
