package gorm_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/xapg/xapg/xadriver"
	"github.com/xapg/xapg/xadriver/clients/cluster"
)

func errorsAreTranslated(t *testing.T, c *cluster.Cluster, _ *gorm.DB) {
	db := open(t, c, func(cfg *gorm.Config) { cfg.TranslateError = true })
	u := User{Name: "one"}
	require.NoError(t, db.Create(&u).Error)
	require.NoError(t, db.Create(&Profile{UserID: u.ID}).Error)
	require.NoError(t, db.Create(&Country{"KE", "Kenya"}).Error)
	unknown := "XX"
	for _, test := range []struct {
		name string
		run  func() *gorm.DB
		want error
		code string
	}{
		{"a key twice", func() *gorm.DB { return db.Create(&Profile{UserID: u.ID}) }, gorm.ErrDuplicatedKey, "23505"},
		{"a key twice, on every shard", func() *gorm.DB { return db.Create(&Country{"KX", "Kenya"}) }, gorm.ErrDuplicatedKey, "23505"},
		{"a key twice, in a batch for several shards", func() *gorm.DB {
			return db.Create(&[]Profile{{UserID: u.ID}, {UserID: u.ID}})
		}, gorm.ErrDuplicatedKey, "23505"},
		{"no such user", func() *gorm.DB { return db.Create(&Order{UserID: u.ID + 1}) }, gorm.ErrForeignKeyViolated, "23503"},
		{"no such country", func() *gorm.DB { return db.Create(&User{Name: "x", CountryCode: &unknown}) }, gorm.ErrForeignKeyViolated, "23503"},
		{"a user with a profile", func() *gorm.DB { return db.Unscoped().Delete(&u) }, gorm.ErrForeignKeyViolated, "23503"},
		{"an impossible age", func() *gorm.DB { return db.Create(&User{Name: "x", Age: -1}) }, gorm.ErrCheckConstraintViolated, "23514"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := test.run().Error
			require.ErrorIs(t, err, test.want)
			var server *pgconn.PgError
			require.ErrorAs(t, err, &server)
			assert.Equal(t, test.code, server.Code)
		})
	}
	t.Run("of a context that has ended", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, db.WithContext(ctx).Find(&[]User{}).Error, context.Canceled)
	})
}

// What several shards cannot do as one server would is refused, and says what to do.
func TestRefusals(t *testing.T) {
	type Customer struct {
		ID    uint
		Email string `gorm:"uniqueIndex"`
	}
	type Invoice struct { // its primary key does not contain the key
		ID         uint
		CustomerID uint
	}
	type Item struct {
		ID   uint
		Name string
	}
	c := cluster.New(t, 3, "key.customers=id", "key.invoices=customer_id", "key.items=id")
	db := open(t, c, func(cfg *gorm.Config) { cfg.TranslateError = true })
	require.NoError(t, db.AutoMigrate(&Item{}))
	skip := clause.Locking{Strength: clause.LockingStrengthUpdate, Options: clause.LockingOptionsSkipLocked}
	for _, test := range []struct {
		name   string
		run    func() error
		clause string
	}{
		{"a unique index without the key", func() error { return db.AutoMigrate(&Customer{}) }, "unique"},
		{"a primary key without the key", func() error { return db.AutoMigrate(&Invoice{}) }, "primary key"},
		{"a conflict of columns without the key", func() error {
			return db.Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "name"}}, DoNothing: true}).Create(&Item{Name: "x"}).Error
		}, "ON CONFLICT"},
		{"a lock on the first free row of all shards", func() error { return db.Clauses(skip).First(&Item{}, "name = ?", "x").Error }, "FOR UPDATE"},
		{"another type for the key", func() error { return db.Exec("ALTER TABLE items ALTER COLUMN id TYPE text").Error }, "a change of table items"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := test.run()
			var refused *xadriver.UnsupportedError
			require.ErrorAs(t, err, &refused)
			assert.Contains(t, refused.Clause, test.clause)
			assert.NotEmpty(t, refused.Reason)
			assert.NotEmpty(t, refused.Remedy)
		})
	}
	assert.False(t, db.Migrator().HasTable(&Invoice{}), "nothing is left of what was refused")
}
