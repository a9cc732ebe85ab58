package ent_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"testing"

	entsql "entgo.io/ent/dialect/sql"
	"entgo.io/ent/dialect/sql/sqlgraph"
	"entgo.io/ent/dialect/sql/sqljson"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver/clients/cluster"
	"github.com/xapg/xapg/xadriver/clients/ent/ent"
	"github.com/xapg/xapg/xadriver/clients/ent/ent/card"
	"github.com/xapg/xapg/xadriver/clients/ent/ent/group"
	"github.com/xapg/xapg/xadriver/clients/ent/ent/post"
	"github.com/xapg/xapg/xadriver/clients/ent/ent/predicate"
	"github.com/xapg/xapg/xadriver/clients/ent/ent/user"
)

// TestReads shares one village, which nothing changes.
func TestReads(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, client *ent.Client, c *cluster.Cluster) {
		users, everyone, even := village(ctx, t, client)
		t.Run("rows are where the map says", func(t *testing.T) { rowsAreWhereTheMapSays(t, c, users) })
		t.Run("edges", func(t *testing.T) { edges(ctx, t, client, users, everyone, even) })
		t.Run("predicates", func(t *testing.T) { predicates(ctx, t, client) })
		t.Run("orders", func(t *testing.T) { orders(ctx, t, client) })
		t.Run("aggregates", func(t *testing.T) { aggregates(ctx, t, client) })
	})
}

func rowsAreWhereTheMapSays(t *testing.T, c *cluster.Cluster, users []*ent.User) {
	for table, rows := range map[string]int{"users": 24, "cards": 24, "posts": 24, "memberships": 12} {
		counts := c.Counts(t, table)
		assert.Equal(t, rows, sum(t, counts), "every row of %s is on exactly one shard: %v", table, counts)
		if c.Sharded() {
			assert.NotContains(t, counts, strconv.Itoa(rows), "the rows of %s are not all on one shard", table)
		}
	}
	for i := range c.URLs {
		assert.Equal(t, "2", c.On(t, i, "SELECT count(*) FROM groups"), "groups are on every shard")
		assert.Equal(t, "0", c.On(t, i, "SELECT count(*) FROM posts WHERE user_id NOT IN (SELECT id FROM users)"), "posts are where their authors are")
	}
	ids := make([]int64, 0, len(users))
	for _, u := range users {
		ids = append(ids, u.ID)
	}
	slices.Sort(ids)
	assert.Len(t, slices.Compact(ids), 24)
}

func edges(ctx context.Context, t *testing.T, client *ent.Client, users []*ent.User, everyone, even *ent.Group) {
	t.Run("eagerly", func(t *testing.T) {
		got, err := client.User.Query().Order(user.ByName()).WithCard().WithGroups(func(q *ent.GroupQuery) { q.Order(group.ByName()) }).
			WithPosts(func(q *ent.PostQuery) { q.Order(post.BySlug(entsql.OrderDesc())).WithAuthor() }).All(ctx)
		require.NoError(t, err)
		require.Len(t, got, 24)
		for i, u := range got {
			assert.Equal(t, users[i].ID, u.ID)
			assert.Equal(t, strconv.Itoa(1000+i), u.Edges.Card.Number)
			var posts, groups []string
			for _, p := range u.Edges.Posts {
				assert.Equal(t, u.ID, p.Edges.Author.ID)
				posts = append(posts, p.Slug)
			}
			for _, g := range u.Edges.Groups {
				groups = append(groups, g.Name)
			}
			switch {
			case i >= 8:
				assert.Empty(t, posts)
				assert.Empty(t, groups)
			case i%2 == 0:
				assert.Equal(t, []string{"even", "everyone"}, groups)
			default:
				assert.Equal(t, []string{"everyone"}, groups)
				assert.Equal(t, []string{"post-" + letter(3*i+2), "post-" + letter(3*i+1), "post-" + letter(3*i)}, posts)
			}
		}
	})
	t.Run("the other way", func(t *testing.T) {
		got, err := client.Group.Query().Order(group.ByName()).WithMembers(func(q *ent.UserQuery) { q.Order(user.ByName()).WithCard() }).All(ctx)
		require.NoError(t, err)
		require.Len(t, got, 2)
		assert.Len(t, got[0].Edges.Members, 4)
		require.Len(t, got[1].Edges.Members, 8)
		assert.Equal(t, "1007", got[1].Edges.Members[7].Edges.Card.Number)
	})
	t.Run("a number of each", func(t *testing.T) {
		got, err := client.User.Query().Where(user.HasPosts()).Order(user.ByName()).WithPosts(func(q *ent.PostQuery) {
			q.Modify(sqlgraph.LimitNeighbors(post.FieldUserID, 2, entsql.Expr("slug DESC")))
		}).All(ctx)
		require.NoError(t, err)
		require.Len(t, got, 8)
		for i, u := range got {
			require.Len(t, u.Edges.Posts, 2)
			for _, p := range u.Edges.Posts {
				assert.Contains(t, []string{"post-" + letter(3*i+2), "post-" + letter(3*i+1)}, p.Slug)
			}
		}
	})
	t.Run("walked", func(t *testing.T) {
		names, err := users[2].QueryGroups().Order(group.ByName()).Select(group.FieldName).Strings(ctx)
		require.NoError(t, err)
		assert.Equal(t, []string{"even", "everyone"}, names)
		owner, err := users[5].QueryCard().QueryOwner().Only(ctx)
		require.NoError(t, err)
		assert.Equal(t, users[5].ID, owner.ID)
		n, err := even.QueryMembers().QueryPosts().Count(ctx)
		require.NoError(t, err)
		assert.Equal(t, 12, n)
		slugs, err := everyone.QueryMembers().Where(user.AgeGT(22)).QueryPosts().Where(post.StarsGTE(4)).Order(post.BySlug()).Select(post.FieldSlug).Strings(ctx)
		require.NoError(t, err)
		assert.Equal(t, []string{"post-j"}, slugs)
	})
}

func predicates(ctx context.Context, t *testing.T, client *ent.Client) {
	for name, want := range map[string]struct {
		p predicate.User
		n int
	}{
		"has an edge":            {user.HasPosts(), 8},
		"has none":               {user.Not(user.HasGroups()), 16},
		"of an edge":             {user.HasPostsWith(post.StarsGTE(4)), 4},
		"of an edge's edge":      {user.HasPostsWith(post.HasAuthorWith(user.AgeGT(22))), 2},
		"of the other side":      {user.HasGroupsWith(group.Name("even"), group.Open(false)), 4},
		"one to one":             {user.HasCardWith(card.NumberIn("1003", "1020", "9")), 2},
		"and, or":                {user.And(user.RoleEQ(user.RoleAdmin), user.Or(user.AgeLT(21), user.NameHasSuffix("x"))), 3},
		"text":                   {user.NameContainsFold("USER B"), 1},
		"in JSON":                {jsonTheme("dark"), 12},
		"a list that is empty":   {user.IDIn(), 0},
		"not in":                 {user.NameNotIn("user a", "user b"), 22},
		"null":                   {user.SettingsIsNil(), 0},
		"of a card without date": {user.HasCardWith(card.ExpiresIsNil()), 24},
	} {
		n, err := client.User.Query().Where(want.p).Count(ctx)
		require.NoError(t, err, name)
		assert.Equal(t, want.n, n, name)
	}
	n, err := client.Post.Query().Where(func(s *entsql.Selector) { s.Where(sqljson.ValueContains(post.FieldTags, "t1")) }).Count(ctx)
	require.NoError(t, err)
	assert.Equal(t, 8, n)
	there, err := client.Post.Query().Where(post.Slug("post-z")).Exist(ctx)
	require.NoError(t, err)
	assert.False(t, there)
	_, err = client.User.Query().Where(user.HasPosts()).Only(ctx)
	assert.True(t, ent.IsNotSingular(err))
	_, err = client.User.Get(ctx, -1)
	assert.True(t, ent.IsNotFound(err))
}

func jsonTheme(theme string) predicate.User {
	return func(s *entsql.Selector) { s.Where(sqljson.ValueEQ(user.FieldSettings, theme, sqljson.Path("theme"))) }
}

func orders(ctx context.Context, t *testing.T, client *ent.Client) {
	names := func(q *ent.UserQuery) []string {
		list, err := q.Select(user.FieldName).Strings(ctx)
		require.NoError(t, err)
		return list
	}
	assert.Equal(t, []string{"user d", "user h", "user l"}, names(client.User.Query().Order(user.ByAge(entsql.OrderDesc()), user.ByName()).Limit(3)))
	assert.Equal(t, []string{"user k", "user l"}, names(client.User.Query().Order(user.ByName()).Offset(10).Limit(2)))
	all, err := client.User.Query().Order(user.ByPostsCount(entsql.OrderDesc()), user.ByName()).Limit(9).All(ctx)
	require.NoError(t, err)
	assert.Equal(t, "user h user i", all[7].Name+" "+all[8].Name)
	posts, err := client.Post.Query().Order(post.ByAuthorField(user.FieldName, entsql.OrderDesc()), post.BySlug()).Limit(2).All(ctx)
	require.NoError(t, err)
	assert.Equal(t, "post-v post-w", posts[0].Slug+" "+posts[1].Slug)
	all, err = client.User.Query().Where(user.HasPosts()).
		Order(user.ByPosts(entsql.OrderBySum(post.FieldStars, entsql.OrderDesc())), user.ByName()).Limit(2).All(ctx)
	require.NoError(t, err)
	assert.Equal(t, "user e user b", all[0].Name+" "+all[1].Name, "the stars of whose posts are 2+3+4 and 3+4+0")
	ages, err := client.User.Query().Unique(true).Order(user.ByAge()).Select(user.FieldAge).Ints(ctx)
	require.NoError(t, err)
	assert.Equal(t, []int{20, 21, 22, 23}, ages)
}

func aggregates(ctx context.Context, t *testing.T, client *ent.Client) {
	var groups []struct {
		Role  string
		Count int
		Mean  float64
		Min   int
		Max   int
	}
	err := client.User.Query().Order(user.ByRole()).GroupBy(user.FieldRole).
		Aggregate(ent.Count(), ent.As(ent.Mean(user.FieldAge), "mean"), ent.As(ent.Min(user.FieldAge), "min"), ent.As(ent.Max(user.FieldAge), "max")).Scan(ctx, &groups)
	require.NoError(t, err)
	assert.Equal(t, "[{admin 8 21.5 20 23} {reader 8 21.5 20 23} {writer 8 21.5 20 23}]", fmt.Sprint(groups))
	total, err := client.Post.Query().Aggregate(ent.Sum(post.FieldStars)).Int(ctx)
	require.NoError(t, err)
	assert.Equal(t, 46, total)

	var authors []struct {
		Name  string
		Stars int
	}
	err = client.User.Query().Modify(func(s *entsql.Selector) {
		p := entsql.Table(post.Table)
		s.Join(p).On(s.C(user.FieldID), p.C(post.FieldUserID)).GroupBy(s.C(user.FieldName)).
			Select(s.C(user.FieldName), entsql.As(entsql.Sum(p.C(post.FieldStars)), "stars")).OrderBy(entsql.Desc("stars"), s.C(user.FieldName)).Limit(3)
	}).Scan(ctx, &authors)
	require.NoError(t, err)
	assert.Equal(t, "[{user e 9} {user b 7} {user g 7}]", fmt.Sprint(authors))
}
