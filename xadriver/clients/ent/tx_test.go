package ent_test

import (
	"context"
	stdsql "database/sql"
	"errors"
	"fmt"
	"testing"

	entsql "entgo.io/ent/dialect/sql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver/clients/cluster"
	"github.com/xapg/xapg/xadriver/clients/ent/ent"
	"github.com/xapg/xapg/xadriver/clients/ent/ent/hook"
	"github.com/xapg/xapg/xadriver/clients/ent/ent/user"
)

// within runs f in a transaction, as ent's users write it.
func within(ctx context.Context, client *ent.Client, f func(tx *ent.Tx) error) error {
	tx, err := client.Tx(ctx)
	if err != nil {
		return err
	}
	if err := f(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

var errOnPurpose = errors.New("on purpose")

func TestTransactions(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, client *ent.Client, c *cluster.Cluster) {
		users, _, _ := village(ctx, t, client)
		total := func() int {
			n, err := client.User.Query().Aggregate(ent.Sum(user.FieldAge)).Int(ctx)
			require.NoError(t, err)
			return n
		}
		before := total()

		t.Run("all shards or none", func(t *testing.T) {
			older := func(fails error) error {
				return within(ctx, client, func(tx *ent.Tx) error {
					for _, u := range users {
						if err := tx.User.UpdateOne(u).AddAge(1).Exec(ctx); err != nil {
							return err
						}
					}
					if _, err := tx.User.Create().SetName("new").SetAge(0).Save(ctx); err != nil {
						return err
					}
					n, err := tx.User.Query().Count(ctx)
					if err == nil && n < 25 {
						err = fmt.Errorf("a transaction sees %d users", n)
					}
					return errors.Join(err, fails)
				})
			}
			require.ErrorIs(t, older(errOnPurpose), errOnPurpose)
			assert.Equal(t, before, total())
			assert.Equal(t, 24, sum(t, c.Counts(t, "users")))
			require.NoError(t, older(nil))
			assert.Equal(t, before+24, total())
			assert.Equal(t, 25, sum(t, c.Counts(t, "users")))
		})
		t.Run("hooks of commit and rollback", func(t *testing.T) {
			var calls []string
			for _, fails := range []error{nil, errOnPurpose} {
				err := within(ctx, client, func(tx *ent.Tx) error {
					tx.OnCommit(func(next ent.Committer) ent.Committer {
						return ent.CommitFunc(func(ctx context.Context, tx *ent.Tx) error {
							calls = append(calls, "commit")
							return next.Commit(ctx, tx)
						})
					})
					tx.OnRollback(func(next ent.Rollbacker) ent.Rollbacker {
						return ent.RollbackFunc(func(ctx context.Context, tx *ent.Tx) error {
							calls = append(calls, "rollback")
							return next.Rollback(ctx, tx)
						})
					})
					return errors.Join(tx.User.UpdateOne(users[1]).SetName("b").Exec(ctx), fails)
				})
				require.ErrorIs(t, err, fails)
			}
			assert.Equal(t, []string{"commit", "rollback"}, calls)
		})
		t.Run("isolation", func(t *testing.T) {
			tx, err := client.BeginTx(ctx, &stdsql.TxOptions{Isolation: stdsql.LevelRepeatableRead})
			require.NoError(t, err)
			defer func() { _ = tx.Rollback() }()
			n, err := tx.User.Query().Count(ctx)
			require.NoError(t, err)
			require.NoError(t, client.User.Create().SetName("later").Exec(ctx))
			again, err := tx.User.Query().Count(ctx)
			require.NoError(t, err)
			assert.Equal(t, n, again)
		})
		t.Run("locked rows", func(t *testing.T) {
			tx, err := client.Tx(ctx)
			require.NoError(t, err)
			defer func() { _ = tx.Rollback() }()
			locked, err := tx.User.Query().Where(user.IDIn(users[0].ID, users[1].ID, users[2].ID, users[3].ID)).ForUpdate().All(ctx)
			require.NoError(t, err)
			assert.Len(t, locked, 4)
			all, err := client.User.Query().Count(ctx)
			require.NoError(t, err)
			other, err := client.Tx(ctx)
			require.NoError(t, err)
			free, err := other.User.Query().ForUpdate(entsql.WithLockAction(entsql.SkipLocked)).All(ctx)
			require.NoError(t, err)
			assert.Len(t, free, all-4)
			_, err = other.User.Query().Where(user.ID(users[0].ID)).ForShare(entsql.WithLockAction(entsql.NoWait)).Only(ctx)
			var state interface{ SQLState() string }
			require.ErrorAs(t, err, &state)
			assert.Equal(t, "55P03", state.SQLState())
			require.NoError(t, other.Rollback())
		})
		t.Run("plain SQL", func(t *testing.T) {
			res, err := client.ExecContext(ctx, "UPDATE users SET name = upper(name) WHERE age > $1", 22)
			require.NoError(t, err)
			n, err := res.RowsAffected()
			require.NoError(t, err)
			assert.EqualValues(t, 12, n)
			rows, err := client.QueryContext(ctx, "SELECT count(*) FROM users u JOIN cards c ON c.user_id = u.id WHERE u.name LIKE 'USER%'")
			require.NoError(t, err)
			n64, err := entsql.ScanInt64(rows)
			require.NoError(t, err)
			assert.EqualValues(t, 12, n64)
			require.NoError(t, rows.Close())
		})
	})
}

// TestOptimisticLock: an update names the version that it has read, and a hook
// counts versions up.
func TestOptimisticLock(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, client *ent.Client, _ *cluster.Cluster) {
		client.User.Use(hook.On(func(next ent.Mutator) ent.Mutator {
			return hook.UserFunc(func(ctx context.Context, m *ent.UserMutation) (ent.Value, error) {
				m.AddVersion(1)
				return next.Mutate(ctx, m)
			})
		}, ent.OpUpdate|ent.OpUpdateOne))
		client.Intercept(ent.InterceptFunc(func(next ent.Querier) ent.Querier {
			return ent.QuerierFunc(func(ctx context.Context, q ent.Query) (ent.Value, error) {
				if q, ok := q.(*ent.UserQuery); ok {
					q.Where(user.NameNEQ("hidden"))
				}
				return next.Query(ctx, q)
			})
		}))
		users, err := client.User.MapCreateBulk(make([]int, 6), func(c *ent.UserCreate, i int) { c.SetName(letter(i)) }).Save(ctx)
		require.NoError(t, err)
		for _, u := range users {
			rename := func(name string) error {
				return client.User.UpdateOne(u).Where(user.Version(u.Version)).SetName(name).Exec(ctx)
			}
			require.NoError(t, rename("first"))
			require.True(t, ent.IsNotFound(rename("second")), "somebody else was there")
			got, err := client.User.Get(ctx, u.ID)
			require.NoError(t, err)
			assert.Equal(t, "first", got.Name)
			assert.EqualValues(t, 2, got.Version)
		}
		require.NoError(t, client.User.UpdateOne(users[0]).SetName("hidden").Exec(ctx))
		n, err := client.User.Query().Count(ctx)
		require.NoError(t, err)
		assert.Equal(t, 5, n, "an interceptor's condition")
	})
}
