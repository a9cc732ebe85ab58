package sqlx_test

import (
	"testing"

	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver/clients/cluster"
)

func named(t *testing.T, c *cluster.Cluster, db *sqlx.DB) {
	ctx := t.Context()
	// The server gives the numbers, and tells them in the order of the rows.
	rows, err := sqlx.NamedQueryContext(ctx, db, "INSERT INTO authors (name, extra) VALUES (:name, :extra) RETURNING id, name",
		[]author{{Name: "new 1", Extra: []byte("{}")}, {Name: "new 2", Extra: []byte("{}")}, {Name: "new 3", Extra: []byte("{}")}, {Name: "new 4", Extra: []byte("{}")}})
	require.NoError(t, err)
	defer rows.Close()
	fresh := map[string]int64{}
	for rows.Next() {
		var a author
		require.NoError(t, rows.StructScan(&a))
		fresh[a.Name] = a.ID
	}
	require.NoError(t, rows.Err())
	require.Len(t, fresh, 4)

	res, err := db.NamedExecContext(ctx, "UPDATE authors SET born = :born WHERE id = :id", map[string]any{"born": 1999, "id": fresh["new 3"]})
	require.NoError(t, err)
	n, err := res.RowsAffected()
	require.NoError(t, err)
	assert.EqualValues(t, 1, n)

	stmt, err := db.PrepareNamedContext(ctx, "SELECT name FROM authors WHERE born >= :from AND born < :to ORDER BY born")
	require.NoError(t, err)
	defer stmt.Close()
	for range 3 {
		var names []string
		require.NoError(t, stmt.SelectContext(ctx, &names, map[string]any{"from": 1911, "to": 2000}))
		assert.Equal(t, []string{"author 12", "new 3"}, names)
	}

	// Named parameters and lists together.
	sql, args, err := sqlx.Named("SELECT count(*) FROM authors WHERE id IN (:ids) OR name = :name", map[string]any{"ids": []int{1, 2, 3}, "name": "new 4"})
	require.NoError(t, err)
	sql, args, err = sqlx.In(sql, args...)
	require.NoError(t, err)
	require.NoError(t, db.GetContext(ctx, &n, db.Rebind(sql), args...))
	assert.EqualValues(t, 4, n)

	_, err = db.NamedExecContext(ctx, "DELETE FROM authors WHERE name LIKE :name", map[string]any{"name": "new%"})
	require.NoError(t, err)
	for i := range c.URLs {
		assert.Equal(t, "0", c.On(t, i, "SELECT count(*) FROM authors WHERE name LIKE 'new%'"))
	}
}

func lists(t *testing.T, _ *cluster.Cluster, db *sqlx.DB) {
	query, args, err := sqlx.In("SELECT name FROM authors WHERE id IN (?) AND language = ? ORDER BY name", []int64{1, 2, 3, 7, 12}, "sw")
	require.NoError(t, err)
	var names []string
	require.NoError(t, db.SelectContext(t.Context(), &names, db.Rebind(query), args...))
	assert.Equal(t, []string{"author 01", "author 03", "author 07"}, names)

	// An array is one argument, and its elements are keys all the same.
	names = nil
	require.NoError(t, db.SelectContext(t.Context(), &names, "SELECT name FROM authors WHERE id = ANY($1) ORDER BY id", []int64{4, 8}))
	assert.Equal(t, []string{"author 04", "author 08"}, names)
}

func prepared(t *testing.T, _ *cluster.Cluster, db *sqlx.DB) {
	byKey, err := db.PreparexContext(t.Context(), "SELECT id, name, born, language, extra FROM authors WHERE id = $1")
	require.NoError(t, err)
	defer byKey.Close()
	for i := int64(1); i <= 12; i++ { // the same statement, on whatever shard has the row
		var a author
		require.NoError(t, byKey.GetContext(t.Context(), &a, i))
		assert.Equal(t, i, a.ID)
	}
	everywhere, err := db.PreparexContext(t.Context(), "SELECT title FROM books WHERE copies = $1 ORDER BY title")
	require.NoError(t, err)
	defer everywhere.Close()
	for i := range 12 {
		var titles []string
		require.NoError(t, everywhere.SelectContext(t.Context(), &titles, i+1))
		assert.Len(t, titles, i+1)
	}
	_, err = everywhere.ExecContext(t.Context())
	require.Error(t, err, "an argument is missing")
}

func transactions(t *testing.T, c *cluster.Cluster, db *sqlx.DB) {
	ctx := t.Context()
	prices := func(tx sqlx.QueryerContext) (sum float64) {
		require.NoError(t, sqlx.GetContext(ctx, tx, &sum, "SELECT coalesce(sum(price), 0) FROM books"))
		return sum
	}
	tx, err := db.BeginTxx(ctx, nil)
	require.NoError(t, err)
	stmt, err := tx.PreparexContext(ctx, "UPDATE books SET price = $1 WHERE author_id = $2")
	require.NoError(t, err)
	for i := range 12 {
		_, err = stmt.ExecContext(ctx, 1.5, i+1)
		require.NoError(t, err)
	}
	_, err = tx.NamedExecContext(ctx, "INSERT INTO log (what) VALUES (:what)", struct{ What string }{"priced"})
	require.NoError(t, err)
	assert.InDelta(t, 78*1.5, prices(tx), 0, "a transaction sees what it has written")
	assert.InDelta(t, 0, prices(db), 0, "and nobody else does")
	require.NoError(t, tx.Commit())
	assert.InDelta(t, 78*1.5, prices(db), 0)

	tx = db.MustBegin()
	tx.MustExecContext(ctx, "UPDATE books SET price = 0")
	require.NoError(t, tx.Rollback())
	assert.InDelta(t, 78*1.5, prices(db), 0)
	assert.Equal(t, "1", c.On(t, 0, "SELECT count(*) FROM log WHERE what = 'priced'"))

	outside, err := db.PreparexContext(ctx, "SELECT title FROM books WHERE author_id = $1 AND copies > $2 ORDER BY id LIMIT 1")
	require.NoError(t, err)
	defer outside.Close()
	tx = db.MustBegin()
	defer func() { _ = tx.Rollback() }()
	var title string
	require.NoError(t, tx.StmtxContext(ctx, outside).GetContext(ctx, &title, 5, 1))
	assert.Equal(t, "volume 1", title)
}
