package bun_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/xapg/xapg/xadriver/clients/cluster"
)

// TestWrites runs its parts on the same tables, empty at first.
func TestWrites(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, db *bun.DB, c *cluster.Cluster) {
		for _, part := range []struct {
			name string
			run  func(context.Context, *testing.T, *bun.DB, *cluster.Cluster)
		}{{"inserts", inserts}, {"updates", updates}, {"deletes", deletes}} {
			for _, m := range models {
				_, err := db.NewTruncateTable().Model(m).Exec(ctx)
				require.NoError(t, err)
			}
			t.Run(part.name, func(t *testing.T) { part.run(ctx, t, db, c) })
		}
	})
}

func inserts(ctx context.Context, t *testing.T, db *bun.DB, _ *cluster.Cluster) {
	t.Run("one row is given its number and its defaults", func(t *testing.T) {
		u := User{Name: "Ann"}
		res, err := db.NewInsert().Model(&u).Exec(ctx)
		require.NoError(t, err)
		n, err := res.RowsAffected()
		require.NoError(t, err)
		assert.EqualValues(t, 1, n)
		assert.NotZero(t, u.ID)
		assert.False(t, u.CreatedAt.IsZero())
	})
	t.Run("many rows are given theirs, each its own", func(t *testing.T) {
		users := make([]User, 200)
		for i := range users {
			users[i].Name = "bulk " + letters(i)
		}
		res, err := db.NewInsert().Model(&users).Exec(ctx)
		require.NoError(t, err)
		n, err := res.RowsAffected()
		require.NoError(t, err)
		assert.EqualValues(t, 200, n)
		ids := make([]int64, 0, len(users))
		for _, u := range users {
			ids = append(ids, u.ID)
		}
		var stored []User
		require.NoError(t, db.NewSelect().Model(&stored).Where("id IN (?)", bun.List(ids)).Scan(ctx))
		names := make(map[int64]string)
		for _, u := range stored {
			names[u.ID] = u.Name
		}
		require.Len(t, names, 200)
		for _, u := range users {
			assert.Equal(t, u.Name, names[u.ID], "the number is the row's own")
		}
	})
	t.Run("returning", func(t *testing.T) {
		var id int64
		err := db.NewInsert().Model(&User{Name: "Bea", Age: 40}).Returning("id").Scan(ctx, &id)
		require.NoError(t, err)
		assert.NotZero(t, id)
		articles := []*Article{{UserID: 1, Title: "x"}, {UserID: 2, Title: "y"}, {UserID: 3, Title: "z"}}
		var titles []string
		err = db.NewInsert().Model(&articles).Returning("upper(title)").Scan(ctx, &titles)
		require.NoError(t, err)
		assert.Equal(t, []string{"X", "Y", "Z"}, titles)
	})
	t.Run("maps", func(t *testing.T) {
		for id, motto := range []string{"from", "maps"} {
			_, err := db.NewInsert().Model(&map[string]any{"user_id": 5 + id, "motto": motto}).Table("profiles").Exec(ctx)
			require.NoError(t, err)
		}
		var motto string
		require.NoError(t, db.NewSelect().Model((*Profile)(nil)).Column("motto").Where("user_id = 6").Scan(ctx, &motto))
		assert.Equal(t, "maps", motto)
	})
	t.Run("on conflict", func(t *testing.T) {
		profiles := []Profile{{UserID: 100, Motto: "a"}, {UserID: 101, Motto: "b"}, {UserID: 102, Motto: "c"}, {UserID: 103, Motto: "d"}}
		insert(ctx, t, db, &profiles)
		for i := range profiles {
			profiles[i].Motto += "!"
		}
		profiles = append(profiles, Profile{UserID: 104, Motto: "e!"})
		_, err := db.NewInsert().Model(&profiles).On("CONFLICT (user_id) DO UPDATE").Set("motto = EXCLUDED.motto").Exec(ctx)
		require.NoError(t, err)
		_, err = db.NewInsert().Model(&profiles).On("CONFLICT (user_id) DO UPDATE").Set("motto = p.motto || ?", "?").
			Where("p.motto <> ?", "a!").Exec(ctx)
		require.NoError(t, err)
		res, err := db.NewInsert().Model(&[]Profile{{UserID: 100}, {UserID: 105, Motto: "f"}}).Ignore().Exec(ctx)
		require.NoError(t, err)
		n, err := res.RowsAffected()
		require.NoError(t, err)
		assert.EqualValues(t, 1, n)
		var mottos []string
		require.NoError(t, db.NewSelect().Model((*Profile)(nil)).Column("motto").Where("user_id >= 100").Order("user_id").Scan(ctx, &mottos))
		assert.Equal(t, []string{"a!", "b!?", "c!?", "d!?", "e!?", "f"}, mottos)
	})
	t.Run("a duplicate key is PostgreSQL's error, and stores nothing", func(t *testing.T) {
		many := []Profile{{UserID: 200}, {UserID: 201}, {UserID: 202}, {UserID: 203}, {UserID: 204}, {UserID: 200}}
		_, err := db.NewInsert().Model(&many).Exec(ctx)
		var pg *pgconn.PgError
		require.ErrorAs(t, err, &pg)
		assert.Equal(t, "23505", pg.Code)
		n, err := db.NewSelect().Model((*Profile)(nil)).Where("user_id >= 200").Count(ctx)
		require.NoError(t, err)
		assert.Zero(t, n)
	})
	t.Run("from a query", func(t *testing.T) {
		_, err := db.NewInsert().Model((*Audit)(nil)).Column("what").
			With("names", db.NewSelect().Model((*User)(nil)).ColumnExpr("name AS what").Where("name = 'Ann'")).
			TableExpr("names").Exec(ctx)
		require.NoError(t, err)
		var what string
		require.NoError(t, db.NewSelect().Model((*Audit)(nil)).Column("what").Scan(ctx, &what))
		assert.Equal(t, "Ann", what)
	})
	t.Run("without a key", func(t *testing.T) {
		_, err := db.NewInsert().Model(&map[string]any{"title": "nobody's"}).Table("articles").Exec(ctx)
		var state interface{ SQLState() string }
		require.ErrorAs(t, err, &state)
		assert.Equal(t, "23502", state.SQLState())
	})
}
