package bun_test

import (
	"context"
	"database/sql"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
)

func selects(ctx context.Context, t *testing.T, db *bun.DB, users []*User) {
	t.Run("pages with the count of all", func(t *testing.T) {
		var page []User
		n, err := db.NewSelect().Model(&page).Where("age >= ?", 21).Order("name").Limit(5).Offset(10).ScanAndCount(ctx)
		require.NoError(t, err)
		assert.EqualValues(t, 24, n)
		var names []string
		for _, u := range page {
			names = append(names, u.Name)
		}
		assert.Equal(t, []string{"user an", "user ao", "user aq", "user ar", "user as"}, names)
	})
	t.Run("count and exists", func(t *testing.T) {
		n, err := db.NewSelect().Model((*Article)(nil)).Where("stars = 6").Count(ctx)
		require.NoError(t, err)
		assert.EqualValues(t, 4, n)
		for stars, want := range map[int]bool{6: true, 7: false} {
			there, err := db.NewSelect().Model((*Article)(nil)).Where("stars = ?", stars).Exists(ctx)
			require.NoError(t, err)
			assert.Equal(t, want, there)
		}
	})
	t.Run("by primary key", func(t *testing.T) {
		u := User{ID: users[7].ID}
		require.NoError(t, db.NewSelect().Model(&u).WherePK().Scan(ctx))
		assert.Equal(t, "user ah", u.Name)
		some := []User{{ID: users[3].ID}, {ID: users[4].ID}, {ID: users[5].ID}}
		require.NoError(t, db.NewSelect().Model(&some).WherePK().Order("id").Scan(ctx))
		assert.Len(t, some, 3)
		require.ErrorIs(t, db.NewSelect().Model(&User{ID: -1}).WherePK().Scan(ctx), sql.ErrNoRows)
	})
	t.Run("columns, expressions and groups", func(t *testing.T) {
		var groups []struct {
			Age   int
			N     int
			Names []string `bun:",array"`
		}
		err := db.NewSelect().Model((*User)(nil)).Column("age").ColumnExpr("count(*) AS n").ColumnExpr("array_agg(name ORDER BY name) AS names").
			Group("age").Having("count(*) > ?", 1).OrderExpr("age DESC").Limit(2).Scan(ctx, &groups)
		require.NoError(t, err)
		require.Len(t, groups, 2)
		assert.Equal(t, 24, groups[0].Age)
		assert.Equal(t, 6, groups[0].N)
		assert.Equal(t, []string{"user ae", "user aj", "user ao", "user at", "user ay", "user bd"}, groups[0].Names)
	})
	t.Run("scalars, slices and maps", func(t *testing.T) {
		var total, most int
		require.NoError(t, db.NewSelect().Model((*Article)(nil)).ColumnExpr("sum(stars), max(stars)").Scan(ctx, &total, &most))
		assert.Equal(t, []int{85, 6}, []int{total, most})
		var ids []int64
		var names []string
		require.NoError(t, db.NewSelect().Model((*User)(nil)).Column("id", "name").Order("name").Limit(3).Scan(ctx, &ids, &names))
		assert.Equal(t, []int64{users[0].ID, users[1].ID, users[2].ID}, ids)
		assert.Equal(t, []string{"user aa", "user ab", "user ac"}, names)
		var rows []map[string]any
		require.NoError(t, db.NewSelect().Model((*Article)(nil)).Column("title", "stars").Where("stars = 6").Order("title").Scan(ctx, &rows))
		require.Len(t, rows, 4)
		assert.Equal(t, map[string]any{"title": "On ag", "stars": int64(6)}, rows[0])
	})
	t.Run("subqueries and CTEs", func(t *testing.T) {
		best := db.NewSelect().Model((*Article)(nil)).Column("user_id").ColumnExpr("sum(stars) AS stars").Group("user_id")
		var rows []struct {
			Name  string
			Stars int
		}
		err := db.NewSelect().With("best", best).TableExpr("best").Join("JOIN users AS u ON u.id = best.user_id").
			ColumnExpr("u.name, best.stars").OrderExpr("best.stars DESC, u.name").Limit(3).Scan(ctx, &rows)
		require.NoError(t, err)
		require.Len(t, rows, 3)
		assert.Equal(t, "user ag", rows[0].Name) // its articles have 4, 5 and 6 stars
		assert.Equal(t, 15, rows[0].Stars)

		busy := db.NewSelect().Model((*Comment)(nil)).Column("user_id")
		n, err := db.NewSelect().Model((*User)(nil)).Where("u.id IN (?)", busy).Count(ctx)
		require.NoError(t, err)
		assert.EqualValues(t, 11, n)
	})
	t.Run("set operations", func(t *testing.T) {
		young := db.NewSelect().Model((*User)(nil)).Column("name").Where("age = 20")
		old := db.NewSelect().Model((*User)(nil)).Column("name").Where("age >= 23")
		var names []string
		require.NoError(t, db.NewSelect().TableExpr("(?) AS s", young.Union(old)).Column("name").Order("name").Limit(4).Scan(ctx, &names))
		assert.Equal(t, []string{"user aa", "user ad", "user ae", "user af"}, names)
	})
	t.Run("distinct", func(t *testing.T) {
		var ages []int
		require.NoError(t, db.NewSelect().Model((*User)(nil)).Distinct().Column("age").Order("age").Scan(ctx, &ages))
		assert.Equal(t, []int{20, 21, 22, 23, 24}, ages)
		var first []Article
		err := db.NewSelect().Model(&first).DistinctOn("a.user_id").OrderExpr("a.user_id, a.title DESC").Scan(ctx)
		require.NoError(t, err)
		assert.Len(t, first, 10)
		assert.Equal(t, "On ac", first[0].Title)
	})
	t.Run("values", func(t *testing.T) {
		list := []*Profile{{UserID: users[1].ID, Motto: "x"}, {UserID: users[2].ID, Motto: "y"}}
		var names []string
		err := db.NewSelect().With("v", db.NewValues(&list).Column("user_id", "motto").WithOrder()).
			Model((*User)(nil)).ColumnExpr("u.name || v.motto").Join("JOIN v ON v.user_id = u.id").OrderExpr("v._order").Scan(ctx, &names)
		require.NoError(t, err)
		assert.Equal(t, []string{"user abx", "user acy"}, names)
	})
	t.Run("row by row", func(t *testing.T) {
		rows, err := db.NewSelect().Model((*User)(nil)).Order("id").Rows(ctx)
		require.NoError(t, err)
		defer rows.Close()
		n := 0
		for rows.Next() {
			var u User
			require.NoError(t, db.ScanRow(ctx, rows, &u))
			assert.Equal(t, users[position(users, u.ID)].Name, u.Name)
			n++
		}
		require.NoError(t, rows.Err())
		assert.Equal(t, 30, n)
	})
}

func rawQueries(ctx context.Context, t *testing.T, db *bun.DB, users []*User) {
	var got []User
	require.NoError(t, db.NewRaw("SELECT * FROM ? WHERE age = ? ORDER BY name LIMIT 2", bun.Ident("users"), 22).Scan(ctx, &got))
	require.Len(t, got, 2)
	assert.Equal(t, "user ac", got[0].Name)

	var name string
	require.NoError(t, db.NewRaw("SELECT name FROM users WHERE id = ?0 AND ?0 > ?1", users[4].ID, 0).Scan(ctx, &name))
	assert.Equal(t, "user ae", name)

	res, err := db.NewRaw("UPDATE users SET age = age + 1 WHERE age = ?", 20).Exec(ctx)
	require.NoError(t, err)
	n, err := res.RowsAffected()
	require.NoError(t, err)
	assert.EqualValues(t, 6, n)

	// database/sql's own way, with bun's placeholders.
	require.NoError(t, db.QueryRowContext(ctx, "SELECT count(*) FROM users WHERE age = ?", 21).Scan(&n))
	assert.EqualValues(t, 12, n)
}
