package ent_test

import (
	"context"
	"strconv"
	"testing"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver/clients/cluster"
	"github.com/xapg/xapg/xadriver/clients/ent/ent"
	"github.com/xapg/xapg/xadriver/clients/ent/ent/user"
)

func TestMain(m *testing.M) { cluster.Main(m) }

// placement: users by their id; posts, cards and memberships with their user, by the
// column of the edge. Every table of ent has a primary key of its own id, so that
// unique_per_shard is needed: such ids are unique because they are UUIDs, or numbers
// of sequences, which are different on each shard.
var placement = []string{
	"key.users=id", "key.posts=user_id", "key.cards=user_id", "key.memberships=user_id", "reference=groups", "unique_per_shard=on",
}

// each runs a test over one shard and over three, with the schema there.
func each(t *testing.T, test func(ctx context.Context, t *testing.T, client *ent.Client, c *cluster.Cluster)) {
	t.Helper()
	cluster.Each(t, placement, func(t *testing.T, c *cluster.Cluster) {
		client := open(t, c)
		require.NoError(t, client.Schema.Create(t.Context()))
		test(t.Context(), t, client, c)
	})
}

func open(t *testing.T, c *cluster.Cluster) *ent.Client {
	t.Helper()
	return ent.NewClient(ent.Driver(entsql.OpenDB(dialect.Postgres, c.Open(t))))
}

// village makes 24 users with a card each; the first eight have three posts each and
// are members of groups: all of "everyone", every second of "even".
func village(ctx context.Context, t *testing.T, client *ent.Client) (users []*ent.User, everyone, even *ent.Group) {
	t.Helper()
	groups, err := client.Group.CreateBulk(client.Group.Create().SetName("everyone"), client.Group.Create().SetName("even").SetOpen(false)).Save(ctx)
	require.NoError(t, err)
	everyone, even = groups[0], groups[1]
	roles := []user.Role{user.RoleReader, user.RoleWriter, user.RoleAdmin}
	users, err = client.User.MapCreateBulk(make([]int, 24), func(c *ent.UserCreate, i int) {
		c.SetName("user " + letter(i)).SetAge(20 + i%4).SetRole(roles[i%3]).SetSettings(map[string]any{"theme": []string{"dark", "light"}[i%2], "n": i})
		if i < 8 {
			c.AddGroups(everyone)
		}
		if i < 8 && i%2 == 0 {
			c.AddGroups(even)
		}
	}).Save(ctx)
	require.NoError(t, err)
	_, err = client.Card.MapCreateBulk(users, func(c *ent.CardCreate, i int) {
		c.SetOwner(users[i]).SetNumber(strconv.Itoa(1000 + i))
	}).Save(ctx)
	require.NoError(t, err)
	_, err = client.Post.MapCreateBulk(make([]int, 24), func(c *ent.PostCreate, i int) {
		c.SetAuthor(users[i/3]).SetSlug("post-" + letter(i)).SetStars(i % 5).SetTags([]string{"t" + strconv.Itoa(i%3), "all"})
	}).Save(ctx)
	require.NoError(t, err)
	return users, everyone, even
}

func letter(i int) string { return string(rune('a' + i)) }

func sum(t *testing.T, counts []string) (n int) {
	t.Helper()
	for _, c := range counts {
		i, err := strconv.Atoi(c)
		require.NoError(t, err)
		n += i
	}
	return n
}
