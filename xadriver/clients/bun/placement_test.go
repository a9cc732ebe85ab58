package bun_test

import (
	"context"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/xapg/xapg/xadriver"
	"github.com/xapg/xapg/xadriver/clients/cluster"
)

func rowsAreWhereTheMapSays(ctx context.Context, t *testing.T, db *bun.DB, c *cluster.Cluster, articles []*Article) {
	insert(ctx, t, db, &[]Audit{{What: "one"}, {What: "two"}})

	sharded := map[string]int{"users": 30, "profiles": 30, "articles": 30, "comments": 20, "article_tags": 45}
	for table, rows := range sharded {
		counts := c.Counts(t, table)
		assert.Equal(t, rows, sum(t, counts), "every row of %s is on exactly one shard: %v", table, counts)
		if c.Sharded() {
			assert.NotContains(t, counts, strconv.Itoa(rows), "the rows of %s are not all on one shard", table)
		}
	}
	for i := range c.URLs {
		assert.Equal(t, "3", c.On(t, i, "SELECT count(*) FROM tags"), "a reference table is on every shard")
		assert.Equal(t, "0", c.On(t, i, "SELECT count(*) FROM articles a WHERE NOT EXISTS (SELECT FROM users u WHERE u.id = a.user_id)"),
			"an article is where its author is")
	}
	assert.Equal(t, 2, sum(t, c.Counts(t, "audits")))
	assert.Equal(t, "2", c.On(t, 0, "SELECT count(*) FROM audits"), "other tables are on the first shard")

	ids := make([]int64, 0, len(articles))
	for _, a := range articles {
		ids = append(ids, a.ID)
	}
	slices.Sort(ids)
	assert.Len(t, slices.Compact(ids), 30, "numbers given by the shards' sequences are unique over all shards")
}

// TestUniqueColumns: a constraint that a shard cannot judge alone is refused when
// the table is made, not when the first duplicate comes; and if the setting allows
// it, where a statement relies on it.
func TestUniqueColumns(t *testing.T) {
	type Invoice struct {
		bun.BaseModel `bun:"table:invoices"`
		ID            int64 `bun:",pk,autoincrement"`
		UserID        int64
	}
	type Login struct {
		bun.BaseModel `bun:"table:logins"`
		UserID        int64  `bun:",pk"`
		Email         string `bun:",unique"`
	}
	c := cluster.New(t, 3, "keys=user_id")
	db := open(t, c)
	for _, m := range []any{(*Invoice)(nil), (*Login)(nil)} {
		_, err := db.NewCreateTable().Model(m).Exec(t.Context())
		var refused *xadriver.UnsupportedError
		require.ErrorAs(t, err, &refused)
	}
	for i := range c.URLs {
		assert.Equal(t, "0", c.On(t, i, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), "nothing of it is left")
	}

	type Coupon struct {
		bun.BaseModel `bun:"table:coupons"`
		UserID        int64  `bun:",pk"`
		Code          string `bun:",unique"`
	}
	lenient := *c
	lenient.DSN += " unique_per_shard=on"
	db = open(t, &lenient)
	_, err := db.NewCreateTable().Model((*Coupon)(nil)).Exec(t.Context())
	require.NoError(t, err)
	_, err = db.NewInsert().Model(&Coupon{UserID: 1, Code: "x"}).On("CONFLICT (code) DO NOTHING").Exec(t.Context())
	var refused *xadriver.UnsupportedError
	require.ErrorAs(t, err, &refused)
}

func sum(t *testing.T, counts []string) (n int) {
	t.Helper()
	for _, c := range counts {
		i, err := strconv.Atoi(c)
		require.NoError(t, err)
		n += i
	}
	return n
}
