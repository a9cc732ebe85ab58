package bun_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/xapg/xapg/xadriver/clients/cluster"
)

// TestReads shares one library, which only the last part changes.
func TestReads(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, db *bun.DB, c *cluster.Cluster) {
		users, articles := library(ctx, t, db)
		t.Run("rows are where the map says", func(t *testing.T) { rowsAreWhereTheMapSays(ctx, t, db, c, articles) })
		t.Run("relations", func(t *testing.T) { relations(ctx, t, db, users, articles) })
		t.Run("selects", func(t *testing.T) { selects(ctx, t, db, users) })
		t.Run("raw queries", func(t *testing.T) { rawQueries(ctx, t, db, users) })
	})
}

func relations(ctx context.Context, t *testing.T, db *bun.DB, users []*User, articles []*Article) {
	byID := func(q *bun.SelectQuery) *bun.SelectQuery { return q.Order("id") }

	t.Run("has-one", func(t *testing.T) {
		var got []User
		require.NoError(t, db.NewSelect().Model(&got).Relation("Profile").Order("u.id").Scan(ctx))
		require.Len(t, got, len(users))
		for _, u := range got {
			require.NotNil(t, u.Profile)
			assert.Equal(t, u.ID, u.Profile.UserID)
			assert.Equal(t, "I am "+u.Name, u.Profile.Motto)
		}
		var one User
		require.NoError(t, db.NewSelect().Model(&one).Relation("Profile").Where("u.id = ?", users[5].ID).Scan(ctx))
		assert.Equal(t, "I am "+users[5].Name, one.Profile.Motto)
	})
	t.Run("belongs-to", func(t *testing.T) {
		var got []Article
		require.NoError(t, db.NewSelect().Model(&got).Relation("Author").Relation("Author.Profile").Order("a.title").Scan(ctx))
		require.Len(t, got, len(articles))
		for i, a := range got {
			assert.Equal(t, articles[i].Title, a.Title)
			assert.Equal(t, users[i/3].Name, a.Author.Name)
			assert.Equal(t, "I am "+users[i/3].Name, a.Author.Profile.Motto)
		}
	})
	t.Run("belongs-to across shards", func(t *testing.T) {
		var got []Comment
		require.NoError(t, db.NewSelect().Model(&got).Relation("By").Where("c.text = ?", "so true").Scan(ctx))
		require.Len(t, got, 10)
		for _, c := range got {
			assert.Equal(t, users[29].Name, c.By.Name)
		}
	})
	t.Run("has-many", func(t *testing.T) {
		var got []User
		require.NoError(t, db.NewSelect().Model(&got).Relation("Articles", byID).Relation("Articles.Comments").OrderExpr("u.id").Scan(ctx))
		require.Len(t, got, len(users))
		for _, u := range got {
			if n := position(users, u.ID); n >= 10 {
				assert.Empty(t, u.Articles)
				continue
			}
			require.Len(t, u.Articles, 3)
			for _, a := range u.Articles {
				want := articles[articlePosition(articles, a.ID)]
				assert.Equal(t, want.Title, a.Title)
				assert.Equal(t, u.ID, a.UserID)
			}
			comments := 0
			for _, a := range u.Articles {
				comments += len(a.Comments)
			}
			assert.Equal(t, 2, comments, "only a user's first article has comments")
		}
	})
	t.Run("has-many with conditions", func(t *testing.T) {
		var got []User
		err := db.NewSelect().Model(&got).Where("u.id IN (?)", bun.List([]int64{users[0].ID, users[1].ID, users[2].ID})).OrderExpr("u.name DESC").
			Relation("Articles", func(q *bun.SelectQuery) *bun.SelectQuery { return q.Where("stars >= ?", 3).Order("stars DESC") }).Scan(ctx)
		require.NoError(t, err)
		var lines []string
		for _, u := range got {
			for _, a := range u.Articles {
				lines = append(lines, fmt.Sprint(u.Name, " ", a.Title, " ", a.Stars))
			}
		}
		assert.Equal(t, []string{"user ac On ag 6", "user ab On af 5", "user ab On ae 4", "user ab On ad 3"}, lines)
	})
	t.Run("many to many", func(t *testing.T) {
		var got []Article
		err := db.NewSelect().Model(&got).Order("a.title").Relation("Tags", func(q *bun.SelectQuery) *bun.SelectQuery { return q.Order("t.code") }).Scan(ctx)
		require.NoError(t, err)
		require.Len(t, got, 30)
		want := [][]string{{"go", "pg"}, {"pg"}, {"db", "go"}, {"go"}, {"db", "pg"}, {"db"}}
		for i, a := range got {
			var codes []string
			for _, tag := range a.Tags {
				codes = append(codes, tag.Code)
			}
			assert.Equal(t, want[i%6], codes, a.Title)
		}
	})
	t.Run("an article with everything", func(t *testing.T) {
		var a Article
		err := db.NewSelect().Model(&a).Relation("Author.Profile").Relation("Comments.By").Relation("Tags").
			Where("a.user_id = ?", users[2].ID).Where("a.title = ?", "On ag").Scan(ctx)
		require.NoError(t, err)
		assert.Equal(t, "user ac", a.Author.Name)
		require.Len(t, a.Comments, 2)
		for _, c := range a.Comments {
			assert.Equal(t, map[int]string{1: users[29].Name, 2: users[6].Name}[c.N], c.By.Name)
		}
		assert.Len(t, a.Tags, 2)
	})
}

func position(users []*User, id int64) int {
	for i, u := range users {
		if u.ID == id {
			return i
		}
	}
	return -1
}

func articlePosition(articles []*Article, id int64) int {
	for i, a := range articles {
		if a.ID == id {
			return i
		}
	}
	return -1
}
