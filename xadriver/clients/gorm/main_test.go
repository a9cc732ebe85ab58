// Package gorm_test runs GORM over xapg, on one shard and on three: the same
// models, the same calls and the same answers, with the rows where the map says.
package gorm_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/xapg/xapg/xadriver/clients/cluster"
)

// GORM never ends the goroutine of its own cache of prepared statements.
func TestMain(m *testing.M) {
	cluster.Main(m, goleak.IgnoreAnyFunction("gorm.io/gorm/internal/lru.NewLRU[...].func1"))
}

// placement is where the tables of the models live when there are several shards.
var placement = []string{
	"key.users=id", "key.profiles=user_id", "key.orders=user_id", "key.order_items=user_id",
	"key.user_tags=user_id", "key.notes=owner_id", "key.documents=id",
	"reference=countries,tags",
}

// open opens a cluster by the driver's name. GORM's migrator, which takes care of
// pgx's prepared statements for the drivers that it knows, does not know this one.
func open(t *testing.T, c *cluster.Cluster, options ...func(*gorm.Config)) *gorm.DB {
	t.Helper()
	db := over(t, postgres.Config{DriverName: "xapg", DSN: c.DSN}, options...)
	pool, err := db.DB()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, pool.Close()) })
	return db
}

func over(t *testing.T, dialect postgres.Config, options ...func(*gorm.Config)) *gorm.DB {
	t.Helper()
	cfg := &gorm.Config{Logger: logger.Discard}
	for _, o := range options {
		o(cfg)
	}
	db, err := gorm.Open(postgres.New(dialect), cfg)
	require.NoError(t, err)
	return db.WithContext(t.Context())
}

// The tests of one file after another, over one shard and over three. They share
// databases, which are emptied in between.
func TestShop(t *testing.T) {
	cluster.Each(t, placement, func(t *testing.T, c *cluster.Cluster) {
		db := open(t, c)
		require.NoError(t, db.AutoMigrate(models()...))
		for _, test := range []struct {
			name string
			run  func(*testing.T, *cluster.Cluster, *gorm.DB)
		}{
			{"rows are where the map says", rowsAreWhereTheMapSays},
			{"associations", associations},
			{"queries", queries},
			{"writes", writes},
			{"transactions", transactions},
			{"errors", errorsAreTranslated},
			{"every way to open", everyWayToOpen},
			{"many at once", manyAtOnce},
			{"connections and hints", connectionsAndHints},
		} {
			t.Run(test.name, func(t *testing.T) {
				defer func() {
					require.NoError(t, db.Exec("TRUNCATE users, profiles, orders, order_items, user_tags, notes, documents, countries, tags; TRUNCATE audits").Error)
				}()
				test.run(t, c, db.WithContext(t.Context()))
			})
		}
	})
}
