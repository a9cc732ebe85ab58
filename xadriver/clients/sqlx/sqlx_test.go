package sqlx_test

import (
	"database/sql"
	"fmt"
	"strconv"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver/clients/cluster"
)

func TestLibrary(t *testing.T) {
	cluster.Each(t, placement, func(t *testing.T, c *cluster.Cluster) {
		db := library(t, c)
		for _, test := range []struct {
			name string
			run  func(*testing.T, *cluster.Cluster, *sqlx.DB)
		}{
			{"rows are where the map says", whereTheMapSays},
			{"placeholders", placeholders},
			{"get", get},
			{"select", selects},
			{"structs within structs", nestedStructs},
			{"row by row", rowByRow},
			{"named queries", named},
			{"lists", lists},
			{"prepared", prepared},
			{"on one connection", connections},
			{"transactions", transactions},
			{"transactions that fail", failures},
		} {
			t.Run(test.name, func(t *testing.T) { test.run(t, c, db) })
		}
	})
}

// whereTheMapSays asks each shard by PostgreSQL's own hash function, 4096 buckets and
// a run of them for each shard.
func whereTheMapSays(t *testing.T, c *cluster.Cluster, _ *sqlx.DB) {
	for table, want := range map[string]struct {
		key  string
		rows int
	}{"authors": {"id", 12}, "books": {"author_id", 78}} {
		sum, filled := 0, 0
		for i := range c.URLs {
			n, err := strconv.Atoi(c.Counts(t, table)[i])
			require.NoError(t, err)
			sum += n
			if n > 0 {
				filled++
			}
			assert.Equal(t, c.Counts(t, table)[i], c.On(t, i, fmt.Sprintf(
				"SELECT count(*) FROM %s WHERE (hashint8extended(%s, 8816678312871386365) & 4095) * %d / 4096 = %d", table, want.key, len(c.URLs), i)))
			assert.Equal(t, "2", c.Counts(t, "languages")[i])
		}
		assert.Equal(t, want.rows, sum, table)
		assert.Equal(t, len(c.URLs) > 1, filled > 1, table)
	}
}

func placeholders(t *testing.T, _ *cluster.Cluster, db *sqlx.DB) {
	assert.Equal(t, "xapg", db.DriverName())
	assert.Equal(t, sqlx.DOLLAR, sqlx.BindType(db.DriverName()))
	assert.Equal(t, "SELECT $1, $2", db.Rebind("SELECT ?, ?"))
}

func get(t *testing.T, _ *cluster.Cluster, db *sqlx.DB) {
	var a author
	require.NoError(t, db.GetContext(t.Context(), &a, "SELECT id, name, born, language, extra FROM authors WHERE id = $1", 5))
	assert.Equal(t, "author 05", a.Name)
	assert.Equal(t, sql.NullInt64{Int64: 1904, Valid: true}, a.Born)
	assert.Equal(t, "sw", *a.Language)
	var extra struct{ N int }
	require.NoError(t, a.Extra.Unmarshal(&extra))
	assert.Equal(t, 5, extra.N)

	var n int
	require.NoError(t, db.GetContext(t.Context(), &n, "SELECT sum(copies) FROM books"))
	assert.Equal(t, 650, n)
	require.ErrorIs(t, db.GetContext(t.Context(), &a, "SELECT id, name FROM authors WHERE name = $1", "nobody"), sql.ErrNoRows)
	require.ErrorContains(t, db.GetContext(t.Context(), &a, "SELECT * FROM authors"), "missing destination name links")
	require.NoError(t, db.Unsafe().GetContext(t.Context(), &a, "SELECT * FROM authors ORDER BY id DESC"))
	assert.EqualValues(t, 12, a.ID)
}

func selects(t *testing.T, _ *cluster.Cluster, db *sqlx.DB) {
	var authors []author
	require.NoError(t, db.SelectContext(t.Context(), &authors, "SELECT id, name, born, language, extra FROM authors ORDER BY born DESC NULLS LAST, id LIMIT 9"))
	require.Len(t, authors, 9)
	assert.EqualValues(t, 12, authors[0].ID)
	assert.False(t, authors[8].Born.Valid)
	assert.EqualValues(t, 1, authors[8].ID)

	var pointers []*book
	require.NoError(t, db.SelectContext(t.Context(), &pointers, "SELECT * FROM books WHERE copies > 10 ORDER BY author_id, title"))
	require.Len(t, pointers, 23)
	assert.Equal(t, "volume 1", pointers[0].Title)

	var names []string
	require.NoError(t, db.SelectContext(t.Context(), &names, "SELECT DISTINCT l.name FROM authors a JOIN languages l ON l.code = a.language ORDER BY 1"))
	assert.Equal(t, []string{"Français", "Kiswahili"}, names)

	var born []sql.NullInt64
	require.NoError(t, db.SelectContext(t.Context(), &born, "SELECT born FROM authors WHERE id IN (1, 2) ORDER BY id"))
	assert.Equal(t, []sql.NullInt64{{}, {Int64: 1901, Valid: true}}, born)
}

func nestedStructs(t *testing.T, _ *cluster.Cluster, db *sqlx.DB) {
	type counted struct {
		Books  int `db:"books"`
		Copies int `db:"copies"`
	}
	var rows []struct {
		author
		counted
		Tongue struct {
			Name string `db:"name"`
		} `db:"tongue"`
	}
	require.NoError(t, db.SelectContext(t.Context(), &rows, `
		SELECT a.id, a.name, l.name AS "tongue.name", count(*) AS books, sum(b.copies) AS copies
		FROM authors a JOIN languages l ON l.code = a.language JOIN books b ON b.author_id = a.id
		GROUP BY a.id, a.name, l.name HAVING count(*) > 9 ORDER BY a.id`))
	require.Len(t, rows, 3)
	assert.Equal(t, counted{Books: 10, Copies: 100}, rows[0].counted)
	assert.Equal(t, "Kiswahili", rows[1].Tongue.Name)
	assert.Equal(t, "author 12", rows[2].Name)
}

func rowByRow(t *testing.T, _ *cluster.Cluster, db *sqlx.DB) {
	rows, err := db.QueryxContext(t.Context(), "SELECT id, name, born FROM authors ORDER BY id")
	require.NoError(t, err)
	defer rows.Close()
	for i := int64(1); rows.Next(); i++ {
		switch i % 3 {
		case 0:
			var a author
			require.NoError(t, rows.StructScan(&a))
			assert.Equal(t, i, a.ID)
		case 1:
			m := map[string]any{}
			require.NoError(t, rows.MapScan(m))
			assert.Equal(t, map[string]any{"id": i, "name": fmt.Sprintf("author %02d", i), "born": nil}, m)
		case 2:
			s, err := rows.SliceScan()
			require.NoError(t, err)
			assert.Equal(t, []any{i, fmt.Sprintf("author %02d", i), 1899 + i}, s)
		}
	}
	require.NoError(t, rows.Err())

	// Rows in no order, of all shards: none is missing, and none twice.
	rows, err = db.QueryxContext(t.Context(), "SELECT author_id, id FROM books")
	require.NoError(t, err)
	defer rows.Close()
	seen := map[[2]int64]bool{}
	for rows.Next() {
		s, err := rows.SliceScan()
		require.NoError(t, err)
		seen[[2]int64{s[0].(int64), s[1].(int64)}] = true
	}
	require.NoError(t, rows.Err())
	assert.Len(t, seen, 78)

	m := map[string]any{}
	require.NoError(t, db.QueryRowxContext(t.Context(), "SELECT count(*) AS n, max(name) AS last FROM authors").MapScan(m))
	assert.Equal(t, map[string]any{"n": int64(12), "last": "author 12"}, m)
}

func connections(t *testing.T, _ *cluster.Cluster, db *sqlx.DB) {
	conn, err := db.Connx(t.Context())
	require.NoError(t, err)
	defer conn.Close()
	_, err = conn.ExecContext(t.Context(), "SET application_name = 'sqlx'")
	require.NoError(t, err)
	var name string
	require.NoError(t, conn.GetContext(t.Context(), &name, "SHOW application_name"))
	assert.Equal(t, "sqlx", name)
	_, err = conn.ExecContext(t.Context(), "RESET application_name")
	require.NoError(t, err)
}

func failures(t *testing.T, c *cluster.Cluster, db *sqlx.DB) {
	tx := db.MustBegin()
	defer func() { _ = tx.Rollback() }()
	tx.MustExecContext(t.Context(), "UPDATE books SET copies = -1")
	_, err := tx.ExecContext(t.Context(), "INSERT INTO books (author_id, title) VALUES (3, 'volume 1')")
	var refused *pgconn.PgError
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, "23505", refused.Code)
	_, err = tx.ExecContext(t.Context(), "SELECT 1")
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, "25P02", refused.Code)
	require.Error(t, tx.Commit())
	for i := range c.URLs {
		assert.Equal(t, "0", c.On(t, i, "SELECT count(*) FROM books WHERE copies < 0"))
	}
	assert.Panics(t, func() { db.MustExecContext(t.Context(), "INSERT INTO books (author_id, title) VALUES (99, 'x')") }, "no such author")
}
