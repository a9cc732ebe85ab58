package sqlc_test

import (
	"context"
	"database/sql"
	_ "embed"
	"strconv"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver/clients/cluster"
	"github.com/xapg/xapg/xadriver/clients/sqlc/shop"
)

func TestMain(m *testing.M) { cluster.Main(m) }

//go:embed schema.sql
var schema string

// placement: a customer's orders and their items are where the customer is. Products
// are on every shard, events on the first.
var placement = []string{"key.customers=id", "key.orders=customer_id", "key.items=customer_id", "reference=products"}

// each runs a test over one shard and over three, with the tables there and empty.
func each(t *testing.T, test func(ctx context.Context, t *testing.T, db *sql.DB, c *cluster.Cluster)) {
	t.Helper()
	cluster.Each(t, placement, func(t *testing.T, c *cluster.Cluster) {
		db := c.Open(t)
		_, err := db.ExecContext(t.Context(), schema)
		require.NoError(t, err)
		test(t.Context(), t, db, c)
	})
}

// forms are the two ways to run sqlc's code: as text, and prepared beforehand.
func forms(ctx context.Context, t *testing.T, db *sql.DB) map[string]*shop.Queries {
	t.Helper()
	prepared, err := shop.Prepare(ctx, db)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, prepared.Close()) })
	return map[string]*shop.Queries{"as text": shop.New(db), "prepared": prepared}
}

// stock makes 20 customers with an order each, of two products.
func stock(ctx context.Context, t *testing.T, q *shop.Queries) (customers, orders []int64) {
	t.Helper()
	require.NoError(t, q.PutProducts(ctx, shop.PutProductsParams{
		Skus: []string{"nut", "bolt", "saw"}, Names: []string{"Nut", "Bolt", "Saw, \"fine\""}, Prices: []string{"0.05", "0.10", "19.95"},
	}))
	var names, cities []string
	for i := range 20 {
		names = append(names, "customer "+string(rune('a'+i)))
		cities = append(cities, []string{"Kisii", "Nairobi", "Mombasa"}[i%3])
	}
	rows, err := q.CreateCustomers(ctx, shop.CreateCustomersParams{Names: names, Cities: cities})
	require.NoError(t, err)
	require.Len(t, rows, 20)
	ids := make(map[string]int64)
	for _, r := range rows {
		ids[r.Name] = r.ID
	}
	items := shop.AddItemsParams{}
	for i, name := range names {
		order, err := q.CreateOrder(ctx, shop.CreateOrderParams{CustomerID: ids[name], Token: uuid.New()})
		require.NoError(t, err)
		customers, orders = append(customers, ids[name]), append(orders, order)
		for j, sku := range []string{"nut", "saw"} {
			items.CustomerIds, items.OrderIds = append(items.CustomerIds, ids[name]), append(items.OrderIds, order)
			items.Skus, items.Amounts = append(items.Skus, sku), append(items.Amounts, int32(i+j))
		}
	}
	n, err := q.AddItems(ctx, items)
	require.NoError(t, err)
	require.EqualValues(t, 40, n)
	return customers, orders
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
