package gorm_test

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/xapg/xapg/xadriver/clients/cluster"
)

// The map, written down a second time: a key is hashed as PARTITION BY HASH does,
// into 4096 buckets, of which each shard has a run.
const (
	bigints = "hashint8extended(%s, 8816678312871386365)"
	uuids   = "uuid_hash_extended(%s, 8816678312871386365)"
)

// liesWhereTheMapSays asks each shard for the rows of a table: there are so many
// altogether, all of them where their keys belong, and not all on one shard.
func liesWhereTheMapSays(t *testing.T, c *cluster.Cluster, table, key, hash string, rows int) {
	t.Helper()
	counts := c.Counts(t, table)
	if !c.Sharded() {
		assert.Equal(t, []string{strconv.Itoa(rows)}, counts, table)
		return
	}
	sum, filled := 0, 0
	for i := range c.URLs {
		n, err := strconv.Atoi(counts[i])
		require.NoError(t, err)
		sum += n
		if n > 0 {
			filled++
		}
		elsewhere := fmt.Sprintf("SELECT count(*) FROM %s WHERE (%s & 4095) * %d / 4096 <> %d", table, fmt.Sprintf(hash, key), len(c.URLs), i)
		assert.Equal(t, "0", c.On(t, i, elsewhere), "%s: rows on shard %d that belong elsewhere", table, i+1)
	}
	assert.Equal(t, rows, sum, "%s: rows altogether", table)
	assert.Greater(t, filled, 1, "%s: shards that have rows", table)
}

// customers makes users with all that can belong to one.
func customers(t *testing.T, db *gorm.DB, n int) []*User {
	t.Helper()
	users := make([]*User, n)
	for i := range users {
		users[i] = customer(fmt.Sprintf("customer %02d", i))
		require.NoError(t, db.Create(users[i]).Error)
	}
	return users
}

// customer is a user with a profile, two orders of one item each, and a note.
func customer(name string) *User {
	return &User{
		Name: name, Age: 20, Settings: map[string]string{"theme": "dark"},
		Profile: &Profile{Bio: "I am " + name},
		Orders: []Order{
			{Total: 10, Items: []OrderItem{{SKU: "pen", Quantity: 1}}},
			{Total: 20, Items: []OrderItem{{SKU: "ink", Quantity: 2}}},
		},
		Notes: []Note{{Text: "about " + name}},
	}
}

func rowsAreWhereTheMapSays(t *testing.T, c *cluster.Cluster, db *gorm.DB) {
	customers(t, db, 12)
	liesWhereTheMapSays(t, c, "users", "id", bigints, 12)
	liesWhereTheMapSays(t, c, "profiles", "user_id", bigints, 12)
	liesWhereTheMapSays(t, c, "orders", "user_id", bigints, 24)
	liesWhereTheMapSays(t, c, "order_items", "user_id", bigints, 24)
	liesWhereTheMapSays(t, c, "notes", "owner_id", bigints, 12)

	documents := make([]Document, 24)
	for i := range documents {
		documents[i].Title = fmt.Sprint("page ", i)
	}
	require.NoError(t, db.Create(&documents).Error)
	liesWhereTheMapSays(t, c, "documents", "id", uuids, 24)

	require.NoError(t, db.Create(&[]Country{{"KE", "Kenya"}, {"FR", "France"}}).Error)
	require.NoError(t, db.Create(&Audit{What: "opened"}).Error)
	for i := range c.URLs {
		assert.Equal(t, "2", c.Counts(t, "countries")[i], "a reference table is on every shard")
	}
	assert.Equal(t, "1", c.Counts(t, "audits")[0], "an unsharded table is on the first shard")
	if c.Sharded() {
		assert.Equal(t, []string{"1", "0", "0"}, c.Counts(t, "audits"))
	}
}
