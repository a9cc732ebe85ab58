package gorm_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"

	"github.com/xapg/xapg/xadriver/clients/cluster"
)

// A catalogue of products, before and after a release. Tenants and their products
// are sharded by tenant, which is therefore part of every unique index.
var catalogue = []string{"key.tenants=id", "key.products=tenant_id", "key.goods=tenant_id", "reference=units"}

type Tenant struct {
	ID   uint `gorm:"primaryKey;autoIncrement:false"`
	Name string
}

type Unit struct {
	Code string `gorm:"primaryKey;size:8"`
}

type product struct {
	TenantID uint    `gorm:"primaryKey;autoIncrement:false;uniqueIndex:products_sku,priority:1"`
	ID       uint    `gorm:"primaryKey;autoIncrement"`
	SKU      string  `gorm:"size:20;uniqueIndex:products_sku,priority:2"`
	Tenant   *Tenant `gorm:"constraint:OnDelete:CASCADE"`
	UnitCode *string `gorm:"size:8"`
	Unit     *Unit
	Name     string  `gorm:"size:200;not null;default:unnamed;index;comment:as shown in the shop"`
	Price    float64 `gorm:"type:numeric(12,2);check:products_price,price >= 0"`
	Stock    int32   `gorm:"not null;default:5"`
	Twice    float64 `gorm:"type:numeric(14,2);generated:price * 2;->"`
	Old      string
}

func (product) TableName() string { return "products" }

func TestMigrations(t *testing.T) {
	type products struct { // as it was first: the index contains the key
		TenantID uint   `gorm:"primaryKey;autoIncrement:false;uniqueIndex:products_sku,priority:1"`
		ID       uint   `gorm:"primaryKey;autoIncrement"`
		SKU      string `gorm:"size:20;uniqueIndex:products_sku,priority:2"`
		Name     string `gorm:"size:50"`
		Price    int32
		Old      string
	}
	cluster.Each(t, catalogue, func(t *testing.T, c *cluster.Cluster) {
		db := open(t, c)
		m := db.Migrator()
		assert.False(t, m.HasTable("products"))
		require.NoError(t, db.AutoMigrate(&Tenant{}, &Unit{}, &products{}))
		require.True(t, m.HasTable("products"))
		for i := range uint(8) {
			require.NoError(t, db.Create(&Tenant{ID: i + 1, Name: "t"}).Error)
			require.NoError(t, db.Create(&products{TenantID: i + 1, SKU: "pen", Name: "Pen", Price: 3}).Error)
		}
		assert.NotContains(t, sameOnAllShards(t, c), "products_price")

		require.NoError(t, db.AutoMigrate(&Tenant{}, &Unit{}, &product{}))
		after := sameOnAllShards(t, c)
		assert.Contains(t, after, "products_price CHECK")
		require.NoError(t, db.AutoMigrate(&Tenant{}, &Unit{}, &product{}), "again")
		assert.Equal(t, after, sameOnAllShards(t, c), "which changes nothing")
		liesWhereTheMapSays(t, c, "products", "tenant_id", bigints, 8)

		t.Run("rows are as they were, with the new columns' defaults", func(t *testing.T) {
			var got []product
			require.NoError(t, db.Order("tenant_id").Find(&got).Error)
			require.Len(t, got, 8)
			for _, p := range got {
				assert.Equal(t, []any{"Pen", 3.0, int32(5), 6.0}, []any{p.Name, p.Price, p.Stock, p.Twice})
			}
			fresh := product{TenantID: 1, SKU: "ink", Price: 1.25}
			require.NoError(t, db.Create(&fresh).Error)
			assert.Equal(t, "unnamed", fresh.Name)
			for _, p := range got {
				assert.NotEqual(t, p.ID, fresh.ID, "numbers are unique over all shards")
			}
		})
		t.Run("columns are described", func(t *testing.T) { describedColumns(t, db) })
		t.Run("indexes and constraints are there", func(t *testing.T) { describedIndexes(t, db) })
		t.Run("constraints hold", func(t *testing.T) {
			assert.ErrorContains(t, db.Create(&product{TenantID: 2, SKU: "pen"}).Error, "products_sku")
			assert.ErrorContains(t, db.Create(&product{TenantID: 2, SKU: "cap", Price: -1}).Error, "products_price")
			assert.ErrorContains(t, db.Create(&product{TenantID: 99, SKU: "cap"}).Error, "fk_products_tenant")
			nothing := "nothing"
			assert.ErrorContains(t, db.Create(&product{TenantID: 2, SKU: "cap", UnitCode: &nothing}).Error, "fk_products_unit")
			require.NoError(t, db.Delete(&Tenant{ID: 1}).Error)
			var n int64
			require.NoError(t, db.Model(&product{}).Where("tenant_id = 1").Count(&n).Error)
			assert.Zero(t, n, "ON DELETE CASCADE")
		})
		t.Run("names change", func(t *testing.T) { changedNames(t, c, db) })
		t.Run("all is dropped", func(t *testing.T) {
			require.NoError(t, m.DropTable(&product{}, &Tenant{}, &Unit{}))
			tables, err := m.GetTables()
			require.NoError(t, err)
			assert.NotContains(t, tables, "products")
			sameOnAllShards(t, c)
		})
	})
}

// A migration in a transaction is on all shards, or on none.
func TestMigrationsAreWhole(t *testing.T) {
	cluster.Each(t, catalogue, func(t *testing.T, c *cluster.Cluster) {
		db := over(t, postgres.Config{Conn: c.Open(t)})
		require.ErrorIs(t, db.Transaction(func(tx *gorm.DB) error {
			require.NoError(t, tx.AutoMigrate(&Tenant{}, &Unit{}, &product{}))
			require.NoError(t, tx.Create(&Tenant{ID: 1}).Error)
			require.NoError(t, tx.Create(&product{TenantID: 1, SKU: "pen"}).Error)
			return errChanged
		}), errChanged)
		for i := range c.URLs {
			assert.Equal(t, "0", c.On(t, i, "SELECT count(*) FROM pg_class WHERE relname ~ '^(tenants|products)'"))
		}
		require.NoError(t, db.Transaction(func(tx *gorm.DB) error {
			return tx.AutoMigrate(&Tenant{}, &Unit{}, &product{})
		}))
		sameOnAllShards(t, c)
		require.NoError(t, db.Create(&product{Tenant: &Tenant{ID: 1}, SKU: "pen"}).Error)
	})
}

// shape describes what is in a shard's schema public.
const shape = `SELECT string_agg(line, E'\n' ORDER BY line) FROM (
	SELECT concat_ws(' ', table_name, column_name, data_type, character_maximum_length, numeric_precision, is_nullable, column_default, generation_expression) AS line
	FROM information_schema.columns WHERE table_schema = 'public'
	UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
	UNION ALL SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
	UNION ALL SELECT viewname || ' ' || definition FROM pg_views WHERE schemaname = 'public') lines`

// sameOnAllShards gives the shape that all shards have.
func sameOnAllShards(t *testing.T, c *cluster.Cluster) string {
	t.Helper()
	first := c.On(t, 0, "coalesce(("+shape+"), '')")
	for i := range c.URLs {
		assert.Equal(t, first, c.On(t, i, "coalesce(("+shape+"), '')"), "shard %d", i+1)
	}
	return first
}

func describedColumns(t *testing.T, db *gorm.DB) {
	types, err := db.Migrator().ColumnTypes(&product{})
	require.NoError(t, err)
	got := map[string]gorm.ColumnType{}
	for _, ct := range types {
		got[ct.Name()] = ct
	}
	require.Len(t, got, 9)
	for _, want := range []struct {
		name, database, full string
		nullable             bool
		fallback             string
	}{
		{"tenant_id", "int8", "bigint", false, ""},
		{"sku", "varchar", "character varying(20)", true, ""},
		{"name", "varchar", "character varying(200)", false, "unnamed"},
		{"price", "numeric", "numeric(12,2)", true, ""},
		{"stock", "int4", "integer", false, "5"},
		{"unit_code", "varchar", "character varying(8)", true, ""},
	} {
		ct := got[want.name]
		require.NotNil(t, ct, want.name)
		full, _ := ct.ColumnType()
		nullable, _ := ct.Nullable()
		fallback, _ := ct.DefaultValue()
		assert.Equal(t, want.database, ct.DatabaseTypeName(), want.name)
		assert.Equal(t, []any{want.full, want.nullable, want.fallback}, []any{full, nullable, fallback}, want.name)
	}
	numbered, _ := got["id"].AutoIncrement()
	assert.True(t, numbered)
	primary, _ := got["tenant_id"].PrimaryKey()
	assert.True(t, primary)
	comment, _ := got["name"].Comment()
	assert.Equal(t, "as shown in the shop", comment)
	length, _ := got["name"].Length()
	assert.EqualValues(t, 200, length)
}

func describedIndexes(t *testing.T, db *gorm.DB) {
	m := db.Migrator()
	for name, there := range map[string]bool{"products_sku": true, "idx_products_name": true, "nothing": false} {
		assert.Equal(t, there, m.HasIndex(&product{}, name), name)
	}
	for name, there := range map[string]bool{"fk_products_tenant": true, "fk_products_unit": true, "products_price": true, "nothing": false} {
		assert.Equal(t, there, m.HasConstraint(&product{}, name), name)
	}
	indexes, err := m.GetIndexes(&product{})
	require.NoError(t, err)
	var columns [][]string
	for _, i := range indexes {
		slices.Sort(i.Columns())
		columns = append(columns, append([]string{i.Name()}, i.Columns()...))
	}
	assert.ElementsMatch(t, [][]string{{"products_sku", "sku", "tenant_id"}, {"idx_products_name", "name"}}, columns)
}

func changedNames(t *testing.T, c *cluster.Cluster, db *gorm.DB) {
	m := db.Migrator()
	require.NoError(t, m.RenameColumn(&product{}, "old", "older"))
	assert.True(t, m.HasColumn(&product{}, "older"))
	require.NoError(t, m.DropColumn(&product{}, "older"))
	assert.False(t, m.HasColumn(&product{}, "older"))
	require.NoError(t, m.RenameIndex(&product{}, "idx_products_name", "by_name"))
	require.NoError(t, m.DropIndex(&product{}, "by_name"))
	require.NoError(t, m.DropConstraint(&product{}, "products_price"))
	require.NoError(t, m.CreateConstraint(&product{}, "products_price"))
	require.NoError(t, m.AlterColumn(&product{}, "Stock"))
	require.NoError(t, m.CreateView("cheap", gorm.ViewOption{Query: db.Model(&product{}).Where("price < 5")}))
	sameOnAllShards(t, c)
	var n int64
	require.NoError(t, db.Table("cheap").Count(&n).Error)
	assert.EqualValues(t, 7, n)
	require.NoError(t, m.DropView("cheap"))
	require.NoError(t, m.RenameTable("products", "goods"))
	sameOnAllShards(t, c)
	liesWhereTheMapSays(t, c, "goods", "tenant_id", bigints, 7)
	require.NoError(t, db.Table("goods").Count(&n).Error)
	assert.EqualValues(t, 7, n)
	require.NoError(t, m.RenameTable("goods", "products"))
}
