package gorm_test

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/xapg/xapg/xadriver"
	"github.com/xapg/xapg/xadriver/clients/cluster"
)

// GORM opens a database in several ways, and uses it in several modes. A day's work
// is the same in all of them.
func everyWayToOpen(t *testing.T, c *cluster.Cluster, _ *gorm.DB) {
	byName := postgres.Config{DriverName: "xapg", DSN: c.DSN}
	simple := postgres.Config{DriverName: "xapg", DSN: simpleProtocol(c)}
	for _, way := range []struct {
		name    string
		dialect postgres.Config
		config  gorm.Config
	}{
		{"a database of database/sql's", postgres.Config{Conn: c.Open(t)}, gorm.Config{}},
		{"by the driver's name", byName, gorm.Config{}},
		{"with statements that GORM prepares", byName, gorm.Config{PrepareStmt: true}},
		{"with them, and without transactions around single statements", byName, gorm.Config{SkipDefaultTransaction: true, PrepareStmt: true}},
		{"in batches, and with all columns named", byName, gorm.Config{CreateBatchSize: 2, QueryFields: true}},
		{"with pgx's simple protocol", simple, gorm.Config{}},
	} {
		t.Run(way.name, func(t *testing.T) {
			way.config.Logger = logger.Discard
			db, err := gorm.Open(postgres.New(way.dialect), &way.config)
			require.NoError(t, err)
			if way.dialect.Conn == nil {
				defer closed(t, db)
			}
			aDaysWork(t, db.WithContext(t.Context()), way.name)
		})
	}
}

// simpleProtocol is the cluster's DSN with a setting of pgx's for each shard. GORM's
// own PreferSimpleProtocol is for databases that it opens by itself.
func simpleProtocol(c *cluster.Cluster) string {
	dsn := c.DSN
	for _, url := range c.URLs {
		with := "?"
		if strings.Contains(url, "?") {
			with = "&"
		}
		dsn = strings.ReplaceAll(dsn, url, url+with+"default_query_exec_mode=simple_protocol")
	}
	return dsn
}

func closed(t *testing.T, db *gorm.DB) {
	t.Helper()
	if prepared, ok := db.ConnPool.(*gorm.PreparedStmtDB); ok {
		prepared.Close()
	}
	pool, err := db.DB()
	require.NoError(t, err)
	require.NoError(t, pool.Close())
}

func aDaysWork(t *testing.T, db *gorm.DB, name string) {
	t.Helper()
	require.NoError(t, db.AutoMigrate(&Audit{}))
	for range 2 { // what is prepared is used again
		users := make([]User, 3)
		for i := range users {
			users[i] = *customer(name)
		}
		require.NoError(t, db.Create(&users).Error)
		require.NoError(t, db.Transaction(func(tx *gorm.DB) error {
			for _, u := range users {
				if err := tx.Model(&Order{}).Where("user_id = ?", u.ID).Update("status", "paid").Error; err != nil {
					return err
				}
			}
			return tx.Create(&Audit{What: name}).Error
		}))
		var got []User
		require.NoError(t, db.Preload("Orders.Items").Where("id IN ?", ids(users)).Order("id DESC").Find(&got).Error)
		require.Len(t, got, 3)
		for _, u := range got {
			require.Len(t, u.Orders, 2)
			assert.Equal(t, "paid", u.Orders[1].Status)
		}
		require.NoError(t, db.Delete(&users[0]).Error)
	}
	var n int64
	require.NoError(t, db.Model(&User{}).Where("name = ?", name).Count(&n).Error)
	assert.EqualValues(t, 4, n)
}

func TestPreparedStatementsSurviveAMigration(t *testing.T) {
	type gadget struct {
		ID   uint
		Name string
	}
	cluster.Each(t, []string{"key.gadgets=id"}, func(t *testing.T, c *cluster.Cluster) {
		db := open(t, c, func(cfg *gorm.Config) { cfg.PrepareStmt = true })
		defer db.ConnPool.(*gorm.PreparedStmtDB).Close()
		require.NoError(t, db.AutoMigrate(&gadget{}))
		var got []gadget
		for range 3 {
			require.NoError(t, db.Create(&gadget{Name: "a"}).Error)
			require.NoError(t, db.Order("id").Find(&got).Error)
		}
		require.NoError(t, db.Migrator().RenameColumn(&gadget{}, "name", "title"))
		var titles []string
		require.NoError(t, db.Table("gadgets").Pluck("title", &titles).Error)
		assert.Equal(t, []string{"a", "a", "a"}, titles)
	})
}

func manyAtOnce(t *testing.T, c *cluster.Cluster, db *gorm.DB) {
	users := customers(t, db, 6)
	var working sync.WaitGroup
	for w := range 6 {
		working.Go(func() {
			for range 5 {
				err := db.Transaction(func(tx *gorm.DB) error {
					// Always in the same order, so that nobody waits for each other.
					for _, u := range users {
						if err := tx.Model(u).UpdateColumn("age", gorm.Expr("age + 1")).Error; err != nil {
							return err
						}
					}
					return tx.Create(&Order{UserID: users[w].ID, Total: 1}).Error
				})
				assert.NoError(t, err)
			}
		})
	}
	working.Wait()
	var ages []int
	require.NoError(t, db.Model(&User{}).Distinct().Pluck("age", &ages).Error)
	assert.Equal(t, []int{20 + 6*5}, ages)
	liesWhereTheMapSays(t, c, "orders", "user_id", bigints, 6*2+6*5)
}

// One connection can be kept, and hints go with the context.
func connectionsAndHints(t *testing.T, c *cluster.Cluster, db *gorm.DB) {
	users := customers(t, db, 6)
	require.NoError(t, db.Connection(func(conn *gorm.DB) error {
		require.NoError(t, conn.Exec("SET application_name = 'kept'").Error)
		var name string
		require.NoError(t, conn.Raw("SHOW application_name").Scan(&name).Error)
		assert.Equal(t, "kept", name)
		return conn.Exec("RESET application_name").Error
	}))

	if c.Sharded() {
		sum := int64(0)
		for i := range c.URLs {
			ctx := xadriver.WithShard(t.Context(), fmt.Sprint("s", i+1))
			var n int64
			require.NoError(t, db.WithContext(ctx).Model(&User{}).Count(&n).Error)
			assert.Equal(t, c.Counts(t, "users")[i], fmt.Sprint(n))
			sum += n
		}
		assert.EqualValues(t, len(users), sum)
	}

	pool, err := db.DB()
	require.NoError(t, err)
	conn, err := pool.Conn(context.WithoutCancel(t.Context()))
	require.NoError(t, err)
	defer conn.Close()
	kept := over(t, postgres.Config{Conn: conn})
	var u User
	require.NoError(t, kept.First(&u, users[0].ID).Error)
	tx, err := pool.BeginTx(t.Context(), &sql.TxOptions{Isolation: sql.LevelRepeatableRead})
	require.NoError(t, err)
	defer func() { _ = tx.Rollback() }()
	inside := over(t, postgres.Config{Conn: tx})
	require.NoError(t, inside.Model(&User{}).Where("age > 0").UpdateColumn("age", 1).Error)
	require.NoError(t, tx.Rollback())
	require.NoError(t, kept.First(&u, users[0].ID).Error)
	assert.Equal(t, 20, u.Age)
}
