package bun_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"

	"github.com/xapg/xapg/xadriver/clients/cluster"
)

// placement: what belongs to a user is where the user is, so that joins of it stay
// on one shard; a primary key names the column that places the row.
var placement = []string{
	"key.users=id", "key.profiles=user_id", "key.articles=user_id", "key.article_tags=user_id",
	"key.comments=article_id", // not by user: joins with users are across shards
	"reference=tags",          // a copy on every shard
	// audits is named nowhere: it lives on the first shard
}

type User struct {
	bun.BaseModel `bun:"table:users,alias:u"`

	ID        int64 `bun:",pk,autoincrement"`
	Name      string
	Email     string    `bun:",nullzero"`
	Age       int       `bun:",nullzero"`
	CreatedAt time.Time `bun:",nullzero,notnull,default:current_timestamp"`
	DeletedAt time.Time `bun:",soft_delete,nullzero"`

	Profile  *Profile   `bun:"rel:has-one,join:id=user_id"`
	Articles []*Article `bun:"rel:has-many,join:id=user_id"`
}

type Profile struct {
	bun.BaseModel `bun:"table:profiles,alias:p"`

	UserID int64 `bun:",pk"`
	Motto  string
	User   *User `bun:"rel:belongs-to,join:user_id=id"`
}

type Article struct {
	bun.BaseModel `bun:"table:articles,alias:a"`

	UserID   int64 `bun:",pk"`
	ID       int64 `bun:",pk,autoincrement"`
	Title    string
	Stars    int
	Author   *User      `bun:"rel:belongs-to,join:user_id=id"`
	Comments []*Comment `bun:"rel:has-many,join:id=article_id"`
	Tags     []*Tag     `bun:"m2m:article_tags,join:Article=Tag"`
}

type Comment struct {
	bun.BaseModel `bun:"table:comments,alias:c"`

	ArticleID int64 `bun:",pk"`
	N         int   `bun:",pk"`
	UserID    int64
	Text      string
	By        *User `bun:"rel:belongs-to,join:user_id=id"`
}

type Tag struct {
	bun.BaseModel `bun:"table:tags,alias:t"`

	Code string `bun:",pk"`
	Name string
}

type ArticleTag struct {
	bun.BaseModel `bun:"table:article_tags,alias:at"`

	UserID    int64    `bun:",pk"`
	ArticleID int64    `bun:",pk"`
	TagCode   string   `bun:",pk"`
	Article   *Article `bun:"rel:belongs-to,join:user_id=user_id,join:article_id=id"`
	Tag       *Tag     `bun:"rel:belongs-to,join:tag_code=code"`
}

type Audit struct {
	bun.BaseModel `bun:"table:audits,alias:au"`

	ID   int64 `bun:",pk,autoincrement"`
	What string
}

var models = []any{
	(*User)(nil), (*Profile)(nil), (*Article)(nil), (*Comment)(nil), (*Tag)(nil), (*ArticleTag)(nil), (*Audit)(nil),
}

// each runs a test over one shard and over three, with the tables there and empty.
func each(t *testing.T, test func(ctx context.Context, t *testing.T, db *bun.DB, c *cluster.Cluster)) {
	t.Helper()
	cluster.Each(t, placement, func(t *testing.T, c *cluster.Cluster) {
		db := open(t, c)
		for _, m := range models {
			_, err := db.NewCreateTable().Model(m).Exec(t.Context())
			require.NoError(t, err)
		}
		test(t.Context(), t, db, c)
	})
}

func open(t *testing.T, c *cluster.Cluster) *bun.DB {
	t.Helper()
	db := bun.NewDB(c.Open(t), pgdialect.New())
	db.RegisterModel((*ArticleTag)(nil))
	return db
}

// library is what most tests read: 30 users with profiles, three articles of each of
// the first ten, two comments on each first article, and tags.
func library(ctx context.Context, t *testing.T, db *bun.DB) (users []*User, articles []*Article) {
	t.Helper()
	for i := range 30 {
		users = append(users, &User{Name: "user " + letters(i), Age: 20 + i%5})
	}
	insert(ctx, t, db, &users)
	var profiles []*Profile
	for _, u := range users {
		profiles = append(profiles, &Profile{UserID: u.ID, Motto: "I am " + u.Name})
	}
	insert(ctx, t, db, &profiles)
	for i, u := range users[:10] {
		for j := range 3 {
			articles = append(articles, &Article{UserID: u.ID, Title: "On " + letters(3*i+j), Stars: (3*i + j) % 7})
		}
	}
	insert(ctx, t, db, &articles)
	insert(ctx, t, db, &[]Tag{{Code: "go", Name: "Go"}, {Code: "pg", Name: "PostgreSQL"}, {Code: "db", Name: "Databases"}})
	var comments []Comment
	var tags []ArticleTag
	for i, a := range articles {
		if i%3 == 0 {
			comments = append(comments, Comment{ArticleID: a.ID, N: 1, UserID: users[29].ID, Text: "so true"},
				Comment{ArticleID: a.ID, N: 2, UserID: users[i].ID, Text: "thanks"})
		}
		tags = append(tags, ArticleTag{UserID: a.UserID, ArticleID: a.ID, TagCode: []string{"go", "pg", "db"}[i%3]})
		if i%2 == 0 {
			tags = append(tags, ArticleTag{UserID: a.UserID, ArticleID: a.ID, TagCode: []string{"pg", "db", "go"}[i%3]})
		}
	}
	insert(ctx, t, db, &comments)
	insert(ctx, t, db, &tags)
	return users, articles
}

func insert(ctx context.Context, t *testing.T, db bun.IDB, model any) {
	t.Helper()
	_, err := db.NewInsert().Model(model).Exec(ctx)
	require.NoError(t, err)
}

// letters are the names of things, in an order: aa, ab, ac …
func letters(i int) string {
	return strings.ToLower(string(rune('A'+i/26)) + string(rune('A'+i%26)))
}
