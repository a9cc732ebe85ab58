package gorm_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/xapg/xapg/xadriver/clients/cluster"
)

func associations(t *testing.T, c *cluster.Cluster, db *gorm.DB) {
	require.NoError(t, db.Create(&[]Country{{"KE", "Kenya"}, {"FR", "France"}}).Error)
	t.Run("are saved with their owner", func(t *testing.T) { savedWithTheirOwner(t, db) })
	t.Run("belong to rows of reference tables", func(t *testing.T) { belongTo(t, db) })
	t.Run("has one", func(t *testing.T) { hasOne(t, db) })
	t.Run("has many", func(t *testing.T) { hasMany(t, db) })
	t.Run("many to many", func(t *testing.T) { manyToMany(t, c, db) })
	t.Run("polymorphic", func(t *testing.T) { polymorphic(t, db) })
	t.Run("are deleted with their owner", func(t *testing.T) { deletedWithTheirOwner(t, db) })
	t.Run("are saved in full where that is asked for", func(t *testing.T) { savedInFull(t, db) })
}

func savedWithTheirOwner(t *testing.T, db *gorm.DB) {
	u := customer("Nyambura")
	u.Tags = []Tag{{Name: "new"}, {Name: "loyal"}}
	require.NoError(t, db.Create(u).Error)
	require.NotZero(t, u.ID)
	assert.Equal(t, u.ID, u.Profile.UserID)
	assert.NotZero(t, u.Orders[0].ID)
	assert.NotEqual(t, u.Orders[0].ID, u.Orders[1].ID)
	assert.Equal(t, "new", u.Orders[0].Status, "a default is told back")

	var got User
	require.NoError(t, db.Preload(clause.Associations).Preload("Orders.Items").First(&got, u.ID).Error)
	assert.Equal(t, map[string]string{"theme": "dark"}, got.Settings)
	assert.Equal(t, "I am Nyambura", got.Profile.Bio)
	require.Len(t, got.Orders, 2)
	for _, o := range got.Orders {
		require.Len(t, o.Items, 1)
		assert.Equal(t, o.ID, o.Items[0].OrderID)
	}
	assert.Len(t, got.Tags, 2)
	assert.Equal(t, "about Nyambura", got.Notes[0].Text)
	assert.Equal(t, "users", got.Notes[0].OwnerType)
}

func belongTo(t *testing.T, db *gorm.DB) {
	u := &User{Name: "Amani", Country: &Country{Code: "TZ", Name: "Tanzania"}}
	require.NoError(t, db.Create(u).Error)
	assert.Equal(t, "TZ", *u.CountryCode, "a new country is made on the way")

	association := db.Model(u).Association("Country")
	require.NoError(t, association.Replace(&Country{Code: "KE", Name: "Kenya"}))
	var got User
	require.NoError(t, db.Joins("Country").First(&got, u.ID).Error)
	assert.Equal(t, "Kenya", got.Country.Name)

	require.NoError(t, association.Clear())
	got = User{}
	require.NoError(t, db.Joins("Country").First(&got, u.ID).Error)
	assert.Nil(t, got.CountryCode)
	assert.Nil(t, got.Country)
}

func hasOne(t *testing.T, db *gorm.DB) {
	u := &User{Name: "Baraka"}
	require.NoError(t, db.Create(u).Error)
	require.NoError(t, db.Model(u).Association("Profile").Append(&Profile{Bio: "one"}))

	var got Profile
	require.NoError(t, db.Model(u).Association("Profile").Find(&got))
	assert.Equal(t, Profile{UserID: u.ID, Bio: "one"}, got)

	// The profile's foreign key is its primary key, and cannot be set to NULL.
	require.NoError(t, db.Model(u).Association("Profile").Unscoped().Clear())
	assert.Zero(t, db.Model(u).Association("Profile").Count())
	assert.ErrorIs(t, db.First(&got, "user_id = ?", u.ID).Error, gorm.ErrRecordNotFound)
}

func hasMany(t *testing.T, db *gorm.DB) {
	u := &User{Name: "Chebet"}
	require.NoError(t, db.Create(u).Error)
	orders := db.Model(u).Association("Orders")
	require.NoError(t, orders.Append(&Order{Total: 1}, &Order{Total: 2}, &Order{Total: 3}))
	require.Len(t, u.Orders, 3)
	assert.EqualValues(t, 3, db.Model(u).Association("Orders").Count())

	var dear []Order
	require.NoError(t, db.Model(u).Where("total > ?", 1).Order("total DESC").Association("Orders").Find(&dear))
	require.Len(t, dear, 2)
	assert.InDelta(t, 3, dear[0].Total, 0)

	require.NoError(t, db.Model(u).Association("Orders").Unscoped().Delete(&dear[0]))
	assert.EqualValues(t, 2, db.Model(u).Association("Orders").Count())

	require.NoError(t, db.Model(u).Association("Orders").Unscoped().Replace(&Order{Total: 9}))
	var left []Order
	require.NoError(t, db.Find(&left, "user_id = ?", u.ID).Error)
	require.Len(t, left, 1)
	assert.InDelta(t, 9, left[0].Total, 0)
}

func manyToMany(t *testing.T, c *cluster.Cluster, db *gorm.DB) {
	users := []User{{Name: "Dafina"}, {Name: "Esi"}, {Name: "Farida"}, {Name: "Goma"}, {Name: "Hadiza"}, {Name: "Ife"}}
	require.NoError(t, db.Create(&users).Error)
	red, blue := Tag{Name: "red"}, Tag{Name: "blue"}
	require.NoError(t, db.Create([]*Tag{&red, &blue}).Error)

	// In a batch, to each user of the batch what belongs to it.
	require.NoError(t, db.Model(&users).Association("Tags").Append(&red, &blue, &red, &blue, &red, &[]Tag{red, blue}))
	assert.EqualValues(t, 7, db.Model(&users).Association("Tags").Count())
	for i := range c.URLs {
		assert.Equal(t, "1", c.On(t, i, "SELECT count(*) FROM tags WHERE name = 'red'"), "a tag is on every shard")
	}

	require.NoError(t, db.Model(&users[0]).Association("Tags").Replace(&Tag{Name: "green"}))
	require.NoError(t, db.Model(&users[5]).Association("Tags").Delete(red))
	require.NoError(t, db.Model(&users[1]).Association("Tags").Clear())

	var got []User
	require.NoError(t, db.Preload("Tags").Where("id IN ?", ids(users)).Order("id").Find(&got).Error)
	require.Len(t, got, 6)
	tagged := make([][]string, len(got))
	for i, u := range got {
		for _, tag := range u.Tags {
			tagged[i] = append(tagged[i], tag.Name)
		}
	}
	assert.Equal(t, [][]string{{"green"}, nil, {"red"}, {"blue"}, {"red"}, {"blue"}}, tagged)

	var red2 int64
	require.NoError(t, db.Model(&User{}).Joins("JOIN user_tags ON user_tags.user_id = users.id").
		Joins("JOIN tags ON tags.id = user_tags.tag_id").Where("tags.name = ?", "red").Count(&red2).Error)
	assert.EqualValues(t, 2, red2)
}

func ids(users []User) (list []uint) {
	for _, u := range users {
		list = append(list, u.ID)
	}
	return list
}

func polymorphic(t *testing.T, db *gorm.DB) {
	u := customer("Jabali")
	u.Notes, u.Orders = nil, u.Orders[:1]
	require.NoError(t, db.Create(u).Error)
	require.NoError(t, db.Model(u).Association("Notes").Append(&Note{Text: "a"}, &Note{Text: "b"}))

	var got []Note
	require.NoError(t, db.Model(u).Order("text").Association("Notes").Find(&got))
	require.Len(t, got, 2)
	assert.Equal(t, "users", got[0].OwnerType)

	require.NoError(t, db.Model(u).Association("Notes").Unscoped().Replace(&Note{Text: "c"}))
	require.NoError(t, db.Preload("Notes").First(u, u.ID).Error)
	require.Len(t, u.Notes, 1)
	assert.Equal(t, "c", u.Notes[0].Text)
}

func deletedWithTheirOwner(t *testing.T, db *gorm.DB) {
	u := customer("Kamau")
	require.NoError(t, db.Create(u).Error)
	// The items go with their orders: the foreign key says so, on the user's shard.
	require.NoError(t, db.Select("Orders", "Profile", "Notes").Unscoped().Delete(u).Error)
	for name, model := range map[string]any{"orders": &Order{}, "items": &OrderItem{}, "profiles": &Profile{}} {
		var n int64
		require.NoError(t, db.Model(model).Where("user_id = ?", u.ID).Count(&n).Error)
		assert.Zero(t, n, name)
	}
	assert.ErrorIs(t, db.Unscoped().First(&User{}, u.ID).Error, gorm.ErrRecordNotFound)
}

func savedInFull(t *testing.T, db *gorm.DB) {
	u := customer("Lulu")
	require.NoError(t, db.Create(u).Error)
	u.Name, u.Profile.Bio, u.Orders[1].Status = "Lulu II", "changed", "paid"
	u.Orders[0].Items[0].Quantity = 7

	require.NoError(t, db.Save(u).Error)
	var bio string
	require.NoError(t, db.Model(&Profile{}).Where("user_id = ?", u.ID).Pluck("bio", &bio).Error)
	assert.Equal(t, "I am Lulu", bio, "what is there already is left as it is")

	require.NoError(t, db.Session(&gorm.Session{FullSaveAssociations: true}).Save(u).Error)
	var got User
	require.NoError(t, db.Preload("Profile").Preload("Orders.Items").
		Preload("Orders", func(tx *gorm.DB) *gorm.DB { return tx.Order("orders.id") }).First(&got, u.ID).Error)
	assert.Equal(t, "Lulu II", got.Name)
	assert.Equal(t, "changed", got.Profile.Bio)
	assert.Equal(t, "paid", got.Orders[1].Status)
	assert.Equal(t, 7, got.Orders[0].Items[0].Quantity)
}
