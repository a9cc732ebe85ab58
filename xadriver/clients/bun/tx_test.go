package bun_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/xapg/xapg/xadriver/clients/cluster"
)

func TestTransactions(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, db *bun.DB, _ *cluster.Cluster) {
		users := make([]*User, 12)
		for i := range users {
			users[i] = &User{Name: letters(i), Age: 10}
		}
		insert(ctx, t, db, &users)
		total := func(db bun.IDB) (n int) {
			require.NoError(t, db.NewSelect().Model((*User)(nil)).ColumnExpr("coalesce(sum(age), 0)").Scan(ctx, &n))
			return n
		}
		older := func(ctx context.Context, db bun.IDB, u *User, by int) error {
			_, err := db.NewUpdate().Model((*User)(nil)).Set("age = age + ?", by).Where("id = ?", u.ID).Exec(ctx)
			return err
		}
		failure := errors.New("on purpose")

		t.Run("all shards or none", func(t *testing.T) {
			everybody := func(ctx context.Context, tx bun.Tx, by int) error {
				for _, u := range users {
					if err := older(ctx, tx, u, by); err != nil {
						return err
					}
				}
				return nil
			}
			err := db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error { return everybody(ctx, tx, 1) })
			require.NoError(t, err)
			assert.Equal(t, 132, total(db))
			err = db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
				require.NoError(t, everybody(ctx, tx, 100))
				assert.Equal(t, 1332, total(tx), "a transaction sees its own rows")
				return failure
			})
			require.ErrorIs(t, err, failure)
			assert.Equal(t, 132, total(db))
		})
		t.Run("savepoints within savepoints", func(t *testing.T) {
			err := db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
				require.NoError(t, older(ctx, tx, users[0], 1))
				err := tx.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
					require.NoError(t, older(ctx, tx, users[1], 1))
					err := tx.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
						// Shards that the transaction did not know when the savepoint was set.
						for _, u := range users[2:] {
							require.NoError(t, older(ctx, tx, u, 1000))
						}
						return failure
					})
					require.ErrorIs(t, err, failure)
					return nil
				})
				require.NoError(t, err)
				assert.Equal(t, 134, total(tx))
				return nil
			})
			require.NoError(t, err)
			assert.Equal(t, 134, total(db))
		})
		t.Run("a savepoint saves a transaction from an error", func(t *testing.T) {
			err := db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
				require.NoError(t, older(ctx, tx, users[4], 1))
				err := tx.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
					again := []*User{{ID: users[5].ID, Name: "twice"}, {ID: users[6].ID, Name: "twice"}, {ID: users[7].ID, Name: "twice"}}
					_, err := tx.NewInsert().Model(&again).Exec(ctx)
					return err
				})
				require.Error(t, err)
				return older(ctx, tx, users[8], 1)
			})
			require.NoError(t, err)
			assert.Equal(t, 136, total(db))
		})
		t.Run("read only", func(t *testing.T) {
			err := db.RunInTx(ctx, &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead}, func(ctx context.Context, tx bun.Tx) error {
				assert.Equal(t, 136, total(tx))
				return older(ctx, tx, users[0], 1)
			})
			var state interface{ SQLState() string }
			require.ErrorAs(t, err, &state)
			assert.Equal(t, "25006", state.SQLState())
		})
		t.Run("by hand, with locked rows", func(t *testing.T) {
			tx, err := db.BeginTx(ctx, nil)
			require.NoError(t, err)
			defer func() { _ = tx.Rollback() }()
			locked := []User{}
			require.NoError(t, tx.NewSelect().Model(&locked).Where("id IN (?)", bun.List([]int64{users[0].ID, users[1].ID, users[2].ID})).For("UPDATE").Scan(ctx))
			assert.Len(t, locked, 3)
			var free []string
			require.NoError(t, db.NewSelect().Model((*User)(nil)).Column("name").For("UPDATE SKIP LOCKED").Scan(ctx, &free))
			assert.Len(t, free, 9)
			for i := range locked {
				locked[i].Age = 50
			}
			_, err = tx.NewUpdate().Model(&locked).Column("age").Bulk().Exec(ctx)
			require.NoError(t, err)
			require.NoError(t, tx.Commit())
			n, err := db.NewSelect().Model((*User)(nil)).Where("age = 50").Count(ctx)
			require.NoError(t, err)
			assert.EqualValues(t, 3, n)
		})
		t.Run("several at once", func(t *testing.T) {
			before := total(db)
			var wg sync.WaitGroup
			errs := make([]error, 4)
			for w := range errs {
				wg.Go(func() {
					for i := range 5 {
						errs[w] = errors.Join(errs[w], db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
							// In one order, so that they wait for each other, but not in a circle.
							if err := older(ctx, tx, users[i], -1); err != nil {
								return err
							}
							return older(ctx, tx, users[i+5+w%2], 1)
						}))
					}
				})
			}
			wg.Wait()
			require.NoError(t, errors.Join(errs...))
			assert.Equal(t, before, total(db))
		})
		t.Run("hooks see every statement", func(t *testing.T) {
			hook := &names{}
			db := db.WithQueryHook(hook)
			insert(ctx, t, db, &[]User{{Name: "a"}, {Name: "b"}, {Name: "c"}, {Name: "d"}})
			err := db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
				return tx.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
					_, err := tx.NewUpdate().Model((*User)(nil)).Set("age = 1 / 0").Where("TRUE").Exec(ctx)
					return err
				})
			})
			require.Error(t, err)
			_, err = db.NewSelect().Model((*User)(nil)).Count(ctx)
			require.NoError(t, err)
			assert.Equal(t, []string{"INSERT", "BEGIN", "SAVEPOINT", "UPDATE failed", "ROLLBACK TO", "ROLLBACK", "SELECT"}, hook.list)
		})
	})
}

// names is a hook that notes what is asked, and whether it failed.
type names struct {
	mu   sync.Mutex
	list []string
}

func (*names) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context { return ctx }

func (n *names) AfterQuery(_ context.Context, e *bun.QueryEvent) {
	n.mu.Lock()
	defer n.mu.Unlock()
	word := e.Operation()
	if e.Err != nil && !errors.Is(e.Err, sql.ErrNoRows) {
		word += " failed"
	}
	if strings.HasPrefix(e.Query, "ROLLBACK TO") {
		word += " TO"
	}
	n.list = append(n.list, word)
}
