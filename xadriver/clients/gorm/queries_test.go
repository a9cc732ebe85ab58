package gorm_test

import (
	"database/sql"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/xapg/xapg/xadriver/clients/cluster"
)

func queries(t *testing.T, _ *cluster.Cluster, db *gorm.DB) {
	users := shoppers(t, db)
	for _, test := range []struct {
		name string
		run  func(*testing.T, *gorm.DB, []*User)
	}{
		{"by primary key", byPrimaryKey},
		{"by conditions", byConditions},
		{"pages", pages},
		{"preloads", preloads},
		{"joins", joins},
		{"aggregates", aggregates},
		{"subqueries", subqueries},
		{"plucked and scanned", plucked},
		{"row by row", rowByRow},
		{"raw SQL", rawSQL},
		{"scopes", scopes},
		{"in batches", inBatches},
		{"locked", locked},
		{"of tables far apart", farApart},
		{"found or made", foundOrMade},
		{"not sent, only written", dryRun},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, db, users) })
	}
}

// shoppers are twelve users, aged 20 to 31, half of them in Kenya, the i-th with i orders
// of 10.
func shoppers(t *testing.T, db *gorm.DB) []*User {
	t.Helper()
	require.NoError(t, db.Create(&[]Country{{"KE", "Kenya"}, {"FR", "France"}}).Error)
	users := make([]*User, 12)
	for i := range users {
		code := []string{"KE", "FR"}[i%2]
		users[i] = &User{Name: fmt.Sprintf("shopper %02d", i), Age: 20 + i, CountryCode: &code, Profile: &Profile{Bio: fmt.Sprint("bio ", i)}}
		for range i {
			users[i].Orders = append(users[i].Orders, Order{Total: 10, Items: []OrderItem{{SKU: "pen", Quantity: i}}})
		}
	}
	require.NoError(t, db.Create(users).Error, "all in one batch")
	return users
}

func byPrimaryKey(t *testing.T, db *gorm.DB, users []*User) {
	var u User
	require.NoError(t, db.First(&u, users[3].ID).Error)
	assert.Equal(t, "shopper 03", u.Name)
	assert.ErrorIs(t, db.First(&User{}, 1<<40).Error, gorm.ErrRecordNotFound)

	var several []User
	require.NoError(t, db.Order("id").Find(&several, []uint{users[1].ID, users[5].ID, users[9].ID}).Error)
	require.Len(t, several, 3)
	assert.Equal(t, "shopper 09", several[2].Name)

	o := users[4].Orders[1]
	var order Order
	require.NoError(t, db.First(&order, "user_id = ? AND id = ?", o.UserID, o.ID).Error)
	assert.Equal(t, o.ID, order.ID)
	order = Order{UserID: o.UserID, ID: o.ID}
	require.NoError(t, db.Preload("User").First(&order).Error, "by the values of its primary key")
	assert.Equal(t, "shopper 04", order.User.Name)
}

func byConditions(t *testing.T, db *gorm.DB, users []*User) {
	names := func(tx *gorm.DB) (list []string) {
		require.NoError(t, tx.Model(&User{}).Order("name").Pluck("name", &list).Error)
		return list
	}
	assert.Equal(t, []string{"shopper 00", "shopper 01"}, names(db.Where("age < ?", 22)))
	assert.Equal(t, []string{"shopper 05"}, names(db.Where(&User{Age: 25})))
	assert.Equal(t, []string{"shopper 06"}, names(db.Where(map[string]any{"age": 26, "country_code": "KE"})))
	assert.Equal(t, []string{"shopper 00", "shopper 11"}, names(db.Where("age = @young OR age = @old", sql.Named("young", 20), sql.Named("old", 31))))
	assert.Equal(t, []string{"shopper 01", "shopper 02"}, names(db.Where(db.Where("age = 21").Or("age = 22")).Where("name LIKE ?", "shopper%")))
	assert.Equal(t, []string{"shopper 10"}, names(db.Not("age < ?", 30).Where("country_code = ?", "KE")))
	assert.Equal(t, []string{"shopper 02", "shopper 04"}, names(db.Where("(age, country_code) IN ?", [][]any{{22, "KE"}, {24, "KE"}, {25, "KE"}})))

	var first, last, any User
	require.NoError(t, db.Order("age DESC").First(&first).Error, "by age, and then by id")
	assert.Equal(t, 31, first.Age)
	require.NoError(t, db.Last(&last).Error)
	for _, u := range users {
		assert.LessOrEqual(t, u.ID, last.ID)
	}
	require.NoError(t, db.Where("age = 27").Take(&any).Error)
	assert.Equal(t, "shopper 07", any.Name)
}

func pages(t *testing.T, db *gorm.DB, _ []*User) {
	for page := range 4 {
		var users []User
		require.NoError(t, db.Select("id", "age").Order("age DESC").Limit(3).Offset(3*page).Find(&users).Error)
		require.Len(t, users, 3)
		assert.Equal(t, []int{31 - 3*page, 30 - 3*page, 29 - 3*page}, []int{users[0].Age, users[1].Age, users[2].Age})
	}
}

func preloads(t *testing.T, db *gorm.DB, _ []*User) {
	var users []User
	require.NoError(t, db.Preload("Country").Preload("Profile").Preload("Orders.Items").Order("age").Find(&users).Error)
	require.Len(t, users, 12)
	for i, u := range users {
		assert.Equal(t, fmt.Sprint("bio ", i), u.Profile.Bio)
		assert.Equal(t, []string{"Kenya", "France"}[i%2], u.Country.Name)
		require.Len(t, u.Orders, i)
		for _, o := range u.Orders {
			assert.Equal(t, u.ID, o.UserID)
			require.Len(t, o.Items, 1)
			assert.Equal(t, i, o.Items[0].Quantity)
		}
	}

	users = nil
	newest := func(tx *gorm.DB) *gorm.DB { return tx.Where("id > ?", 0).Order("orders.id DESC") }
	require.NoError(t, db.Preload("Orders", newest).Where("age IN ?", []int{22, 23}).Order("age").Find(&users).Error)
	require.Len(t, users[1].Orders, 3)
	assert.Greater(t, users[1].Orders[0].ID, users[1].Orders[2].ID)
}

func joins(t *testing.T, db *gorm.DB, _ []*User) {
	var users []User
	require.NoError(t, db.Joins("Country").Joins("Profile").Where(`"Country".name = ?`, "Kenya").Order("users.age").Find(&users).Error)
	require.Len(t, users, 6)
	assert.Equal(t, "bio 10", users[5].Profile.Bio)

	var orders []Order
	require.NoError(t, db.InnerJoins("User", db.Where(&User{Age: 24})).InnerJoins("User.Country").Order("orders.id").Find(&orders).Error)
	require.Len(t, orders, 4)
	assert.Equal(t, "Kenya", orders[3].User.Country.Name)

	var lines []struct {
		Name     string
		SKU      string
		Quantity int
	}
	require.NoError(t, db.Table("users AS u").Select("u.name, i.sku, sum(i.quantity) AS quantity").
		Joins("JOIN orders o ON o.user_id = u.id").Joins("JOIN order_items i ON i.user_id = o.user_id AND i.order_id = o.id").
		Group("u.id, u.name, i.sku").Having("sum(i.quantity) > ?", 99).Order("quantity").Scan(&lines).Error)
	require.Len(t, lines, 2)
	assert.Equal(t, "shopper 10", lines[0].Name)
	assert.Equal(t, 121, lines[1].Quantity)
}

func aggregates(t *testing.T, db *gorm.DB, _ []*User) {
	var n int64
	require.NoError(t, db.Model(&Order{}).Count(&n).Error)
	assert.EqualValues(t, 66, n)
	require.NoError(t, db.Model(&User{}).Distinct("country_code").Count(&n).Error)
	assert.EqualValues(t, 2, n)
	require.NoError(t, db.Model(&User{}).Group("country_code").Count(&n).Error)
	assert.EqualValues(t, 2, n)

	var groups []struct {
		CountryCode string
		Users       int
		Oldest      int
		Age         float64
	}
	require.NoError(t, db.Model(&User{}).Select("country_code, count(*) AS users, max(age) AS oldest, avg(age) AS age").
		Group("country_code").Having("count(*) > ?", 1).Order("country_code").Scan(&groups).Error)
	require.Len(t, groups, 2)
	assert.Equal(t, "FR", groups[0].CountryCode)
	assert.Equal(t, []int{6, 31}, []int{groups[0].Users, groups[0].Oldest})
	assert.InDelta(t, 25, groups[1].Age, 0)

	var total float64
	require.NoError(t, db.Model(&Order{}).Select("sum(total)").Scan(&total).Error)
	assert.InDelta(t, 660, total, 0)
}

func subqueries(t *testing.T, db *gorm.DB, _ []*User) {
	var n int64
	mean := db.Model(&User{}).Select("avg(age)")
	require.NoError(t, db.Model(&User{}).Where("age > (?)", mean).Count(&n).Error)
	assert.EqualValues(t, 6, n)

	busy := db.Model(&Order{}).Select("user_id").Group("user_id").Having("count(*) >= ?", 9)
	require.NoError(t, db.Model(&User{}).Where("id IN (?)", busy).Count(&n).Error)
	assert.EqualValues(t, 3, n)

	var oldest int
	young := db.Model(&User{}).Select("age").Where("country_code = ?", "KE")
	require.NoError(t, db.Table("(?) AS u", young).Select("max(age)").Scan(&oldest).Error)
	assert.Equal(t, 30, oldest)
}
