package ent_test

import (
	"context"
	stdsql "database/sql"
	"strconv"
	"testing"
	"time"

	entsql "entgo.io/ent/dialect/sql"
	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver"
	"github.com/xapg/xapg/xadriver/clients/cluster"
	"github.com/xapg/xapg/xadriver/clients/ent/ent"
	"github.com/xapg/xapg/xadriver/clients/ent/ent/card"
	"github.com/xapg/xapg/xadriver/clients/ent/ent/group"
	"github.com/xapg/xapg/xadriver/clients/ent/ent/post"
	"github.com/xapg/xapg/xadriver/clients/ent/ent/user"
)

func TestWrites(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, client *ent.Client, c *cluster.Cluster) {
		users, everyone, even := village(ctx, t, client)

		t.Run("a user with everything", func(t *testing.T) {
			at := time.Date(2024, 2, 29, 1, 2, 3, 456000, time.UTC)
			u, err := client.User.Create().SetName("Ann").SetRole(user.RoleAdmin).SetCreatedAt(at).
				SetSettings(map[string]any{"deep": map[string]any{"list": []any{1.5, "x", nil}}}).AddGroups(everyone, even).Save(ctx)
			require.NoError(t, err)
			posts, err := client.Post.CreateBulk(
				client.Post.Create().SetAuthor(u).SetSlug("one").SetBody("It's").SetTags([]string{"a", `"b"`}),
				client.Post.Create().SetAuthor(u).SetSlug("two"),
			).Save(ctx)
			require.NoError(t, err)
			expires := at.AddDate(1, 0, 0)
			_, err = client.Card.Create().SetOwner(u).SetNumber("77").SetExpires(expires).Save(ctx)
			require.NoError(t, err)

			got, err := client.User.Query().Where(user.ID(u.ID)).WithPosts(func(q *ent.PostQuery) { q.Order(post.BySlug()) }).WithCard().WithGroups().Only(ctx)
			require.NoError(t, err)
			assert.Equal(t, u.Settings, got.Settings)
			assert.True(t, got.CreatedAt.Equal(at))
			assert.Equal(t, 18, got.Age)
			assert.Len(t, got.Edges.Groups, 2)
			require.Len(t, got.Edges.Posts, 2)
			assert.Equal(t, posts[0].ID, got.Edges.Posts[0].ID)
			assert.Equal(t, []string{"a", `"b"`}, got.Edges.Posts[0].Tags)
			assert.True(t, got.Edges.Card.Expires.Equal(expires))
		})
		t.Run("one by its id", func(t *testing.T) {
			u, err := client.User.UpdateOneID(users[0].ID).SetName("renamed").AddAge(5).ClearSettings().RemoveGroups(even).Save(ctx)
			require.NoError(t, err)
			assert.Equal(t, "renamed", u.Name)
			assert.Equal(t, 25, u.Age)
			assert.Nil(t, u.Settings)
			n, err := u.QueryGroups().Count(ctx)
			require.NoError(t, err)
			assert.Equal(t, 1, n)
			// Of a post, the id does not say the shard: every shard is asked, unless there is a hint.
			p, err := client.Post.Query().Where(post.Slug("post-a")).Only(ctx)
			require.NoError(t, err)
			p, err = p.Update().AddStars(10).AppendTags([]string{"more"}).Save(ctx)
			require.NoError(t, err)
			assert.Equal(t, []string{"t0", "all", "more"}, p.Tags)
			p, err = client.Post.UpdateOne(p).SetStars(11).Save(xadriver.WithKey(ctx, p.UserID))
			require.NoError(t, err)
			assert.Equal(t, 11, p.Stars)
			require.True(t, ent.IsNotFound(client.Post.UpdateOneID(uuid.New()).SetStars(1).Exec(ctx)))
		})
		t.Run("many by a condition", func(t *testing.T) {
			n, err := client.User.Update().Where(user.AgeEQ(21)).AddAge(100).Save(ctx)
			require.NoError(t, err)
			assert.Equal(t, 6, n)
			n, err = client.Post.Update().Where(post.HasAuthorWith(user.HasGroupsWith(group.Name("even")))).SetStars(50).Save(ctx)
			require.NoError(t, err)
			assert.Equal(t, 9+2, n, "those of three of the village, and Ann's")
			n, err = client.Group.Update().Where(group.Open(false)).SetOpen(true).Save(ctx)
			require.NoError(t, err)
			assert.Equal(t, 1, n)
		})
		t.Run("upsert", func(t *testing.T) {
			id, err := client.Post.Create().SetAuthor(users[1]).SetSlug("post-d").SetStars(99).
				OnConflictColumns(post.FieldUserID, post.FieldSlug).Update(func(u *ent.PostUpsert) { u.UpdateStars().SetBody("upserted") }).ID(ctx)
			require.NoError(t, err)
			p, err := client.Post.Get(ctx, id)
			require.NoError(t, err)
			assert.Equal(t, "upserted 99 "+strconv.FormatInt(users[1].ID, 10), p.Body+" "+strconv.Itoa(p.Stars)+" "+strconv.FormatInt(p.UserID, 10))

			rows := make([]*ent.PostCreate, 0, len(users))
			for _, u := range users {
				rows = append(rows, client.Post.Create().SetAuthor(u).SetSlug("daily").SetStars(1))
			}
			for range 2 {
				err = client.Post.CreateBulk(rows...).OnConflictColumns(post.FieldUserID, post.FieldSlug).
					Update(func(u *ent.PostUpsert) { u.AddStars(1) }).Exec(ctx)
				require.NoError(t, err)
			}
			daily := func(stars int) int {
				n, err := client.Post.Query().Where(post.Slug("daily"), post.Stars(stars)).Count(ctx)
				require.NoError(t, err)
				return n
			}
			assert.Equal(t, 24, daily(2))
			// Every column is set anew, the key too, to what it is.
			require.NoError(t, client.Post.CreateBulk(rows...).OnConflictColumns(post.FieldUserID, post.FieldSlug).UpdateNewValues().Exec(ctx))
			assert.Equal(t, 24, daily(1))

			require.NoError(t, client.Group.Create().SetName("everyone").SetOpen(false).OnConflictColumns(group.FieldName).UpdateNewValues().Exec(ctx))
			err = client.Group.Create().SetName("everyone").OnConflict(entsql.DoNothing()).Exec(ctx)
			require.ErrorIs(t, err, stdsql.ErrNoRows, "nothing was inserted, so that there is no id: ent passes it on")
			for i := range c.URLs {
				assert.Equal(t, "false", c.On(t, i, "SELECT open FROM groups WHERE name = 'everyone'"))
			}
		})
		t.Run("constraints", func(t *testing.T) {
			_, err := client.Post.Create().SetAuthor(users[2]).SetSlug("post-g").Save(ctx)
			assert.True(t, ent.IsConstraintError(err), "%v", err)
			_, err = client.Post.Create().SetUserID(-5).SetSlug("orphan").Save(ctx)
			assert.True(t, ent.IsConstraintError(err), "%v", err)
			_, err = client.Card.Create().SetOwner(users[2]).SetNumber("second").Save(ctx)
			assert.True(t, ent.IsConstraintError(err), "%v", err)
			_, err = client.User.Create().SetName("").Save(ctx)
			assert.True(t, ent.IsValidationError(err), "%v", err)
		})
		t.Run("deletes, with what hangs on them", func(t *testing.T) {
			cards := sum(t, c.Counts(t, "cards"))
			require.NoError(t, client.User.DeleteOneID(users[5].ID).Exec(ctx))
			assert.Equal(t, cards-1, sum(t, c.Counts(t, "cards")))
			n, err := client.Post.Delete().Where(post.HasAuthorWith(user.HasCardWith(card.NumberIn("1006", "1007"))), post.SlugNEQ("daily")).Exec(ctx)
			require.NoError(t, err)
			assert.Equal(t, 6, n)
			n, err = client.User.Delete().Exec(ctx)
			require.NoError(t, err)
			assert.Equal(t, 24, n)
			for _, table := range []string{"users", "cards", "posts", "memberships"} {
				assert.Zero(t, sum(t, c.Counts(t, table)), table)
			}
		})
	})
}

func TestUpsertByIDIsRefused(t *testing.T) {
	c := cluster.New(t, 3, placement...)
	client := open(t, c)
	require.NoError(t, client.Schema.Create(t.Context()))
	u, err := client.User.Create().SetName("a").Save(t.Context())
	require.NoError(t, err)
	require.NoError(t, client.User.Create().SetID(u.ID).SetName("b").OnConflictColumns(user.FieldID).UpdateNewValues().Exec(t.Context()), "of users, the id is the key")
	err = client.Post.Create().SetAuthor(u).SetSlug("x").OnConflictColumns(post.FieldID).UpdateNewValues().Exec(t.Context())
	var refused *xadriver.UnsupportedError
	require.ErrorAs(t, err, &refused)
}
