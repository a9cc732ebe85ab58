package sqlc_test

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver/clients/cluster"
	"github.com/xapg/xapg/xadriver/clients/sqlc/typed"
)

// TestTypesOfPgx: pgx's own types are Valuers and Scanners, and pass through database/sql.
func TestTypesOfPgx(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, db *sql.DB, _ *cluster.Cluster) {
		q := typed.New(db)
		at := time.Date(2024, 2, 29, 1, 2, 3, 4000, time.UTC)
		var tokens []pgtype.UUID
		for i, price := range []string{"1.50", "20.25", "3.00", "20.25", "NaN", "0.01", "7.00"} {
			city := pgtype.Text{String: "Kisii", Valid: i%2 == 0}
			if !city.Valid {
				city.String = ""
			}
			c, err := q.PutCustomer(ctx, typed.PutCustomerParams{
				Name: "n", City: city, CreatedAt: pgtype.Timestamptz{Time: at.Add(time.Duration(i) * time.Hour), Valid: true},
			})
			require.NoError(t, err)
			assert.Equal(t, city, c.City)
			var total pgtype.Numeric
			require.NoError(t, total.Scan(price))
			token := pgtype.UUID{Bytes: uuid.New(), Valid: true}
			made, err := q.PutOrder(ctx, typed.PutOrderParams{CustomerID: c.ID, Token: token, Total: total, Status: typed.OrderStatusSent})
			require.NoError(t, err)
			got, err := q.GetOrder(ctx, typed.GetOrderParams{CustomerID: c.ID, Token: token})
			require.NoError(t, err)
			assert.Equal(t, made, got)
			assert.Equal(t, total.NaN, got.Total.NaN)
			tokens = append(tokens, token)
		}
		var least pgtype.Numeric
		require.NoError(t, least.Scan("7"))
		dear, err := q.DearestOrders(ctx, typed.DearestOrdersParams{Total: least, Limit: 4})
		require.NoError(t, err)
		require.Len(t, dear, 4)
		assert.True(t, dear[0].Total.NaN, "PostgreSQL's order: NaN is greater than every number")
		assert.ElementsMatch(t, []pgtype.UUID{tokens[1], tokens[3]}, []pgtype.UUID{dear[1].Token, dear[2].Token})
		assert.Equal(t, tokens[6], dear[3].Token)

		since, err := q.CustomersSince(ctx, pgtype.Timestamptz{Time: at.Add(2 * time.Hour), Valid: true})
		require.NoError(t, err)
		require.Len(t, since, 5)
		for i, c := range since {
			assert.True(t, c.CreatedAt.Time.Equal(at.Add(time.Duration(i+2)*time.Hour)))
			assert.Equal(t, i%2 == 0, c.City.Valid)
		}
	})
}
