package ent_test

import (
	"strconv"
	"testing"

	"entgo.io/ent/dialect/sql/schema"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver"
	"github.com/xapg/xapg/xadriver/clients/cluster"
	"github.com/xapg/xapg/xadriver/clients/ent/ent"
	"github.com/xapg/xapg/xadriver/clients/ent/ent/migrate"
)

func TestSchemaIsMadeOnEveryShard(t *testing.T) {
	cluster.Each(t, placement, func(t *testing.T, c *cluster.Cluster) {
		ctx := t.Context()
		client := open(t, c)
		require.NoError(t, client.Schema.Create(ctx))
		require.NoError(t, client.Schema.Create(ctx), "a second time, nothing happens")
		for i := range c.URLs {
			assert.Equal(t, "cards,groups,memberships,posts,users",
				c.On(t, i, "SELECT string_agg(tablename, ',' ORDER BY tablename) FROM pg_tables WHERE schemaname = 'public'"))
			assert.Equal(t, "4", c.On(t, i, "SELECT count(*) FROM pg_constraint WHERE contype = 'f'"))
		}
		users, err := client.User.MapCreateBulk(make([]int, 12), func(c *ent.UserCreate, i int) {
			c.SetName(letter(i)).SetSettings(map[string]any{"a": i})
		}).Save(ctx)
		require.NoError(t, err)
		numbers := make(map[int]bool)
		for _, u := range users {
			card, err := client.Card.Create().SetOwner(u).SetNumber("1").Save(ctx)
			require.NoError(t, err)
			numbers[card.ID] = true
		}
		assert.Len(t, numbers, 12, "each shard gives numbers of its own, also after a second time")

		// A schema that has gone on, and lost something.
		db := c.Open(t)
		for _, change := range []string{
			"ALTER TABLE users DROP COLUMN version, DROP COLUMN role, ADD COLUMN obsolete text",
			"DROP TABLE cards", "ALTER TABLE posts ALTER COLUMN stars TYPE smallint",
		} {
			_, err := db.ExecContext(ctx, change)
			require.NoError(t, err, change)
		}
		client = open(t, c)
		require.NoError(t, client.Schema.Create(ctx, migrate.WithDropColumn(true), migrate.WithDropIndex(true), schema.WithForeignKeys(true)))
		for i := range c.URLs {
			assert.Equal(t, "id,name,age,settings,created_at,role,version",
				c.On(t, i, "SELECT string_agg(column_name, ',' ORDER BY ordinal_position) FROM information_schema.columns WHERE table_name = 'users'"))
			assert.Equal(t, "bigint", c.On(t, i, "SELECT data_type FROM information_schema.columns WHERE table_name = 'posts' AND column_name = 'stars'"))
		}
		users, err = client.User.Query().WithCard().All(ctx)
		require.NoError(t, err)
		require.Len(t, users, 12)
		assert.EqualValues(t, "reader", users[0].Role)
	})
}

// TestPrimaryKeysNeedASetting: ent's primary keys do not hold the column of the edge.
func TestPrimaryKeysNeedASetting(t *testing.T) {
	c := cluster.New(t, 3, placement[:len(placement)-1]...)
	err := open(t, c).Schema.Create(t.Context())
	var refused *xadriver.UnsupportedError
	require.ErrorAs(t, err, &refused)
	for i := range c.URLs {
		assert.Equal(t, "0", c.On(t, i, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), "nothing of it is left on shard "+strconv.Itoa(i+1))
	}
}
