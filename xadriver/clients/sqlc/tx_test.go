package sqlc_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver/clients/cluster"
	"github.com/xapg/xapg/xadriver/clients/sqlc/shop"
)

var errOnPurpose = errors.New("on purpose")

func TestTransactions(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, db *sql.DB, c *cluster.Cluster) {
		customers, orders := stock(ctx, t, shop.New(db))
		for form, q := range forms(ctx, t, db) {
			within := func(f func(q *shop.Queries) error) error {
				tx, err := db.BeginTx(ctx, nil)
				require.NoError(t, err)
				defer func() { _ = tx.Rollback() }()
				if err := f(q.WithTx(tx)); err != nil {
					return err
				}
				return tx.Commit()
			}
			t.Run(form, func(t *testing.T) {
				paid := func(fails error) error {
					return within(func(q *shop.Queries) error {
						locked, err := q.LockOrders(ctx, customers)
						if err != nil {
							return err
						}
						assert.Len(t, locked, 20)
						for i := range customers {
							if _, err := q.SetStatus(ctx, shop.SetStatusParams{Status: shop.OrderStatusPaid, CustomerID: customers[i], ID: orders[i]}); err != nil {
								return err
							}
							if err := q.Log(ctx, "paid"); err != nil {
								return err
							}
						}
						if _, err := q.CreateOrder(ctx, shop.CreateOrderParams{CustomerID: customers[0], Token: uuid.New()}); err != nil {
							return err
						}
						return fails
					})
				}
				where := "SELECT count(*) FROM orders WHERE status = 'paid'"
				count := func() (n int) {
					for i := range c.URLs {
						n += sum(t, []string{c.On(t, i, where)})
					}
					return n
				}
				made, events := sum(t, c.Counts(t, "orders")), sum(t, c.Counts(t, "events"))
				require.ErrorIs(t, paid(errOnPurpose), errOnPurpose)
				assert.Zero(t, count())
				assert.Equal(t, made, sum(t, c.Counts(t, "orders")))
				assert.Equal(t, events, sum(t, c.Counts(t, "events")))

				require.NoError(t, paid(nil))
				assert.Equal(t, 20, count())
				assert.Equal(t, made+1, sum(t, c.Counts(t, "orders")))
				assert.Equal(t, events+20, sum(t, c.Counts(t, "events")))

				// A failed statement makes the transaction fail, whatever its caller makes of it.
				err := within(func(q *shop.Queries) error {
					for i := range customers {
						_, _ = q.SetStatus(ctx, shop.SetStatusParams{Status: shop.OrderStatusOpen, CustomerID: customers[i], ID: orders[i]})
					}
					_, _ = q.CreateOrder(ctx, shop.CreateOrderParams{CustomerID: -1, Token: uuid.New()})
					return nil
				})
				require.Error(t, err)
				assert.Equal(t, 20, count())
				for i := range customers {
					affected(t, 1)(q.SetStatus(ctx, shop.SetStatusParams{Status: shop.OrderStatusOpen, CustomerID: customers[i], ID: orders[i]}))
				}
				_, err = q.DeleteCustomer(ctx, -1)
				require.NoError(t, err)
				_, err = db.ExecContext(ctx, "DELETE FROM orders WHERE NOT EXISTS (SELECT FROM items WHERE items.order_id = orders.id AND items.customer_id = orders.customer_id)")
				require.NoError(t, err)
			})
		}
		n, err := shop.New(db).DeleteCustomer(ctx, customers[7])
		require.NoError(t, err)
		assert.EqualValues(t, 1, n)
		assert.Equal(t, []int{19, 19, 38}, []int{sum(t, c.Counts(t, "customers")), sum(t, c.Counts(t, "orders")), sum(t, c.Counts(t, "items"))}, "ON DELETE CASCADE")
	})
}
