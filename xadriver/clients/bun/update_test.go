package bun_test

import (
	"context"
	"database/sql"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/xapg/xapg/xadriver"
	"github.com/xapg/xapg/xadriver/clients/cluster"
)

func updates(ctx context.Context, t *testing.T, db *bun.DB, c *cluster.Cluster) {
	users, articles := library(ctx, t, db)

	t.Run("a row by its key", func(t *testing.T) {
		u := User{ID: users[0].ID, Name: "changed", Age: 99, CreatedAt: users[0].CreatedAt}
		changed(t, 1)(db.NewUpdate().Model(&u).WherePK().Exec(ctx))
		u = User{ID: users[0].ID, Age: 98}
		changed(t, 1)(db.NewUpdate().Model(&u).OmitZero().WherePK().Exec(ctx))
		changed(t, 1)(db.NewUpdate().Model(&User{ID: users[0].ID, Email: "a@b", Name: "not this"}).Column("email").WherePK().Exec(ctx))
		require.NoError(t, db.NewSelect().Model(&u).WherePK().Scan(ctx))
		assert.Equal(t, []any{"changed", 98, "a@b"}, []any{u.Name, u.Age, u.Email})
	})
	t.Run("by conditions, on all shards", func(t *testing.T) {
		changed(t, 6)(db.NewUpdate().Model((*User)(nil)).Set("age = age + ?", 100).Where("age = 21").Exec(ctx))
		var names []string
		_, err := db.NewUpdate().Model((*User)(nil)).Set("name = upper(name)").Where("age = 121").Returning("name").Exec(ctx, &names)
		require.NoError(t, err)
		assert.ElementsMatch(t, []string{"USER AB", "USER AG", "USER AL", "USER AQ", "USER AV", "USER BA"}, names)
	})
	t.Run("many rows in one statement", func(t *testing.T) {
		for _, a := range articles {
			a.Stars += 10
		}
		changed(t, 30)(db.NewUpdate().Model(&articles).Column("stars").Bulk().Exec(ctx))
		var got []Article
		require.NoError(t, db.NewSelect().Model(&got).Order("title").Scan(ctx))
		for i, a := range got {
			assert.Equal(t, articles[i].Stars, a.Stars)
			assert.Equal(t, articles[i].Title, a.Title, "other columns stay")
		}
	})
	t.Run("by values in a CTE", func(t *testing.T) {
		list := []*User{{ID: users[11].ID, Name: "eleven"}, {ID: users[12].ID, Name: "twelve"}}
		changed(t, 2)(db.NewUpdate().With("_data", db.NewValues(&list).Column("id", "name")).Model((*User)(nil)).
			TableExpr("_data").Set("name = _data.name").Where("u.id = _data.id").Exec(ctx))
		var names []string
		require.NoError(t, db.NewSelect().Model((*User)(nil)).Column("name").Where("name IN ('eleven', 'twelve')").Order("name").Scan(ctx, &names))
		assert.Equal(t, []string{"eleven", "twelve"}, names)
	})
	t.Run("from another table", func(t *testing.T) {
		changed(t, 30)(db.NewUpdate().Model((*Profile)(nil)).TableExpr("users AS u").Set("motto = u.name").Where("u.id = p.user_id").Exec(ctx))
		changed(t, 10)(db.NewUpdate().Model((*Comment)(nil)).TableExpr("users AS u").Set("text = u.name").
			Where("u.id = c.user_id").Where("u.id = ?", users[29].ID).Exec(ctx))
		n, err := db.NewSelect().Model((*Comment)(nil)).Where("text = ?", users[29].Name).Count(ctx)
		require.NoError(t, err)
		assert.EqualValues(t, 10, n)
	})
	t.Run("merge", func(t *testing.T) {
		list := []*Profile{{UserID: users[13].ID, Motto: "merged"}, {UserID: users[14].ID, Motto: "merged"}, {UserID: 7001, Motto: "new"}, {UserID: 7002, Motto: "new"}}
		merge := func(list []*Profile) error {
			_, err := db.NewMerge().Model((*Profile)(nil)).With("_data", db.NewValues(&list)).Using("_data").On("p.user_id = _data.user_id").
				WhenUpdate("MATCHED", func(q *bun.UpdateQuery) *bun.UpdateQuery { return q.Set("motto = _data.motto") }).
				WhenInsert("NOT MATCHED", func(q *bun.InsertQuery) *bun.InsertQuery {
					return q.Value("user_id", "_data.user_id").Value("motto", "_data.motto")
				}).Exec(ctx)
			return err
		}
		if c.Sharded() {
			var refused *xadriver.UnsupportedError
			require.ErrorAs(t, merge(list), &refused, "rows for several shards: one at a time, or ON CONFLICT")
			for i := range list {
				require.NoError(t, merge(list[i:i+1]))
			}
		} else {
			require.NoError(t, merge(list))
		}
		var mottos []string
		require.NoError(t, db.NewSelect().Model((*Profile)(nil)).Column("motto").Where("motto IN ('merged', 'new')").Order("motto").Scan(ctx, &mottos))
		assert.Equal(t, []string{"merged", "merged", "new", "new"}, mottos)
	})
	t.Run("reference tables, on every shard", func(t *testing.T) {
		changed(t, 1)(db.NewUpdate().Model(&Tag{Code: "go", Name: "Golang"}).WherePK().Exec(ctx))
		var name string
		require.NoError(t, db.NewSelect().Model((*Tag)(nil)).Column("name").Where("code = 'go'").Scan(ctx, &name))
		assert.Equal(t, "Golang", name)
	})
}

func deletes(ctx context.Context, t *testing.T, db *bun.DB, c *cluster.Cluster) {
	users, articles := library(ctx, t, db)

	t.Run("soft", func(t *testing.T) {
		count := func(q *bun.SelectQuery) int64 {
			n, err := q.Count(ctx)
			require.NoError(t, err)
			return n
		}
		changed(t, 1)(db.NewDelete().Model(users[3]).WherePK().Exec(ctx))
		changed(t, 6)(db.NewDelete().Model((*User)(nil)).Where("age = 24").Exec(ctx))
		assert.EqualValues(t, 23, count(db.NewSelect().Model((*User)(nil))))
		assert.EqualValues(t, 7, count(db.NewSelect().Model((*User)(nil)).WhereDeleted()))
		assert.EqualValues(t, 30, count(db.NewSelect().Model((*User)(nil)).WhereAllWithDeleted()))
		assert.Equal(t, 30, sum(t, c.Counts(t, "users")))
		changed(t, 1)(db.NewUpdate().Model(users[3]).WherePK().WhereAllWithDeleted().Set("deleted_at = NULL").Exec(ctx))
		assert.EqualValues(t, 24, count(db.NewSelect().Model((*User)(nil))))
		changed(t, 6)(db.NewDelete().Model((*User)(nil)).WhereDeleted().ForceDelete().Where("age = 24").Exec(ctx))
		assert.EqualValues(t, 24, count(db.NewSelect().Model((*User)(nil)).WhereAllWithDeleted()))
		assert.Equal(t, 24, sum(t, c.Counts(t, "users")))
	})
	t.Run("rows by their keys", func(t *testing.T) {
		changed(t, 1)(db.NewDelete().Model(articles[0]).WherePK().Exec(ctx))
		some := articles[1:5]
		changed(t, 4)(db.NewDelete().Model(&some).WherePK().Exec(ctx))
		require.ErrorIs(t, db.NewSelect().Model(&Article{UserID: articles[1].UserID, ID: articles[1].ID}).WherePK().Scan(ctx), sql.ErrNoRows)
		assert.Equal(t, 25, sum(t, c.Counts(t, "articles")))
	})
	t.Run("by conditions, with what was there", func(t *testing.T) {
		var gone []Comment
		_, err := db.NewDelete().Model(&gone).Where("n = 2").Returning("*").Exec(ctx)
		require.NoError(t, err)
		assert.Len(t, gone, 10)
		assert.Equal(t, "thanks", gone[0].Text)
	})
	t.Run("by a subquery across shards", func(t *testing.T) {
		popular := db.NewSelect().Model((*Comment)(nil)).Column("article_id")
		changed(t, 8)(db.NewDelete().Model((*Article)(nil)).Where("id IN (?)", popular).Exec(ctx))
		assert.Equal(t, 17, sum(t, c.Counts(t, "articles")))
	})
	t.Run("everything", func(t *testing.T) {
		_, err := db.NewTruncateTable().Model((*Article)(nil)).Exec(ctx)
		require.NoError(t, err)
		assert.Zero(t, sum(t, c.Counts(t, "articles")))
	})
}

// changed checks that a statement went well, and how many rows it changed.
func changed(t *testing.T, want int) func(sql.Result, error) {
	return func(res sql.Result, err error) {
		t.Helper()
		require.NoError(t, err)
		n, err := res.RowsAffected()
		require.NoError(t, err)
		assert.EqualValues(t, want, n)
	}
}
