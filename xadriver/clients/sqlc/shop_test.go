package sqlc_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strconv"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver/clients/cluster"
	"github.com/xapg/xapg/xadriver/clients/sqlc/shop"
)

func TestQueries(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, db *sql.DB, c *cluster.Cluster) {
		customers, orders := stock(ctx, t, shop.New(db))
		for _, table := range []string{"customers", "orders", "items"} {
			counts := c.Counts(t, table)
			want := map[string]int{"customers": 20, "orders": 20, "items": 40}[table]
			assert.Equal(t, want, sum(t, counts), "every row of %s is on exactly one shard: %v", table, counts)
			if c.Sharded() {
				assert.NotContains(t, counts, strconv.Itoa(want), "the rows of %s are not all on one shard", table)
			}
		}
		for i := range c.URLs {
			assert.Equal(t, "3", c.On(t, i, "SELECT count(*) FROM products"), "a reference table is on every shard")
			assert.Equal(t, "0", c.On(t, i, "SELECT count(*) FROM orders WHERE customer_id NOT IN (SELECT id FROM customers)"))
		}
		for form, q := range forms(ctx, t, db) {
			t.Run(form, func(t *testing.T) {
				t.Run("one", func(t *testing.T) { one(ctx, t, q) })
				t.Run("many", func(t *testing.T) { many(ctx, t, q, customers) })
				t.Run("embedded", func(t *testing.T) { embedded(ctx, t, q, customers, orders) })
				t.Run("batches", func(t *testing.T) { batches(ctx, t, q, c, customers, orders) })
				_, err := db.ExecContext(ctx, "DELETE FROM items WHERE sku = 'bolt'") // for the next form
				require.NoError(t, err)
			})
		}
	})
}

func one(ctx context.Context, t *testing.T, q *shop.Queries) {
	made, err := q.CreateCustomer(ctx, shop.CreateCustomerParams{
		Name: "O'Hara", City: sql.NullString{String: "Lamu", Valid: true}, Tags: []string{"new", `a "b", c`}, Settings: json.RawMessage(`{"a": [1, null]}`),
	})
	require.NoError(t, err)
	got, err := q.GetCustomer(ctx, made.ID)
	require.NoError(t, err)
	assert.Equal(t, made, got)
	assert.Equal(t, []string{"new", `a "b", c`}, got.Tags)
	got, err = q.ChangeCustomer(ctx, shop.ChangeCustomerParams{ID: made.ID, City: sql.NullString{String: "Lodwar", Valid: true}})
	require.NoError(t, err)
	assert.Equal(t, "O'Hara of Lodwar", got.Name+" of "+got.City.String, "what is not given stays")
	n, err := q.DeleteCustomer(ctx, made.ID)
	require.NoError(t, err)
	assert.EqualValues(t, 1, n)
	_, err = q.GetCustomer(ctx, made.ID)
	require.ErrorIs(t, err, sql.ErrNoRows)
	n, err = q.CountCustomers(ctx)
	require.NoError(t, err)
	assert.EqualValues(t, 20, n)
}

func many(ctx context.Context, t *testing.T, q *shop.Queries, customers []int64) {
	page, err := q.ListCustomers(ctx, shop.ListCustomersParams{Limit: 3, Offset: 5})
	require.NoError(t, err)
	require.Len(t, page, 3)
	assert.Equal(t, "customer f", page[0].Name)
	some, err := q.CustomersByIDs(ctx, customers[3:9])
	require.NoError(t, err)
	assert.Len(t, some, 6)
	none, err := q.CustomersByIDs(ctx, nil)
	require.NoError(t, err)
	assert.Empty(t, none)

	for name, search := range map[string]struct {
		arg  shop.SearchCustomersParams
		want int
	}{
		"all":        {shop.SearchCustomersParams{Pattern: "%"}, 20},
		"of a city":  {shop.SearchCustomersParams{Pattern: "%", City: sql.NullString{String: "Kisii", Valid: true}}, 7},
		"and a name": {shop.SearchCustomersParams{Pattern: "%a", City: sql.NullString{String: "Kisii", Valid: true}}, 1},
		"of a tag":   {shop.SearchCustomersParams{Pattern: "%", Tag: sql.NullString{String: "none", Valid: true}}, 0},
	} {
		found, err := q.SearchCustomers(ctx, search.arg)
		require.NoError(t, err, name)
		assert.Len(t, found, search.want, name)
	}
	cities, err := q.CustomersPerCity(ctx, 6)
	require.NoError(t, err)
	assert.Equal(t, "[{{Kisii true} 7 customer a} {{Nairobi true} 7 customer b}]", fmt.Sprint(cities))
	require.NoError(t, q.Log(ctx, "one"))
	require.NoError(t, q.Log(ctx, "two"))
	events, err := q.Events(ctx, 2)
	require.NoError(t, err)
	assert.Equal(t, []string{"two", "one"}, events)
}

func embedded(ctx context.Context, t *testing.T, q *shop.Queries, customers, orders []int64) {
	affected(t, 20)(q.SumUp(ctx))
	open, err := q.OrdersOf(ctx, shop.OrderStatusOpen)
	require.NoError(t, err)
	require.Len(t, open, 20)
	for i, o := range open {
		assert.Equal(t, "customer "+string(rune('a'+i)), o.Customer.Name)
		assert.Equal(t, orders[i], o.Order.ID)
		assert.Equal(t, o.Customer.ID, o.Order.CustomerID)
	}
	assert.Equal(t, "39.95", open[1].Order.Total, "one nut, two saws")
	items, err := q.ItemsOf(ctx, customers[4])
	require.NoError(t, err)
	require.Len(t, items, 2)
	assert.Equal(t, `Saw, "fine" 5`, fmt.Sprint(items[1].Product.Name, " ", items[1].Item.Amount))

	for i := range 3 {
		affected(t, 1)(q.SetStatus(ctx, shop.SetStatusParams{Status: shop.OrderStatusPaid, CustomerID: customers[10+i], ID: orders[10+i]}))
	}
	best, err := q.BestCustomers(ctx, 2)
	require.NoError(t, err)
	assert.Equal(t, "[{customer m 259.95 1} {customer l 239.95 2}]", fmt.Sprint(best))
	for i := range 3 {
		affected(t, 1)(q.SetStatus(ctx, shop.SetStatusParams{Status: shop.OrderStatusOpen, CustomerID: customers[10+i], ID: orders[10+i]}))
	}
}

func batches(ctx context.Context, t *testing.T, q *shop.Queries, c *cluster.Cluster, customers, orders []int64) {
	more := shop.AddItemsParams{}
	for i := range customers {
		more.CustomerIds, more.OrderIds = append(more.CustomerIds, customers[i]), append(more.OrderIds, orders[i])
		more.Skus, more.Amounts = append(more.Skus, "bolt"), append(more.Amounts, 1)
	}
	for range 2 { // new, and then on conflict
		n, err := q.AddItems(ctx, more)
		require.NoError(t, err)
		assert.EqualValues(t, 20, n)
	}
	assert.Equal(t, 60, sum(t, c.Counts(t, "items")))

	require.NoError(t, q.PutProducts(ctx, shop.PutProductsParams{Skus: []string{"saw", "file"}, Names: []string{"Saw, \"fine\"", "File"}, Prices: []string{"19.95", "3"}}))
	for i := range c.URLs {
		assert.Equal(t, "bolt,file,nut,saw", c.On(t, i, "SELECT string_agg(sku, ',' ORDER BY sku) FROM products"))
	}
	n, err := q.TagCustomers(ctx, shop.TagCustomersParams{Tag: "coast", Cities: []string{"Mombasa", "Malindi"}})
	require.NoError(t, err)
	assert.EqualValues(t, 6, n)
	_, err = q.CreateOrder(ctx, shop.CreateOrderParams{CustomerID: -1, Token: uuid.New()})
	var state interface{ SQLState() string }
	require.ErrorAs(t, err, &state)
	assert.Equal(t, "23503", state.SQLState(), "a foreign key by the shard's key")
}

func affected(t *testing.T, want int64) func(sql.Result, error) {
	return func(res sql.Result, err error) {
		t.Helper()
		require.NoError(t, err)
		n, err := res.RowsAffected()
		require.NoError(t, err)
		assert.Equal(t, want, n)
	}
}
