package gorm_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/xapg/xapg/xadriver/clients/cluster"
)

func writes(t *testing.T, c *cluster.Cluster, db *gorm.DB) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, *cluster.Cluster, *gorm.DB)
	}{
		{"created in batches", createdInBatches},
		{"with defaults", withDefaults},
		{"updated", updated},
		{"saved", saved},
		{"deleted softly", deletedSoftly},
		{"upserted", upserted},
		{"upserted on every shard", upsertedEverywhere},
		{"told back", toldBack},
		{"from maps and expressions", fromMaps},
		{"with a key of the server's making", serverKeys},
		{"of a key, which moves the row", movedByKey},
		{"with type parameters", generic},
		{"without a condition", withoutCondition},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, c, db) })
	}
}

func createdInBatches(t *testing.T, c *cluster.Cluster, db *gorm.DB) {
	users := make([]User, 25)
	for i := range users {
		users[i] = User{Name: fmt.Sprint("batch ", i), Age: i}
	}
	res := db.CreateInBatches(&users, 10)
	require.NoError(t, res.Error)
	assert.EqualValues(t, 25, res.RowsAffected)
	liesWhereTheMapSays(t, c, "users", "id", bigints, 25)

	// Each row was given its own number, though the rows went to several shards.
	for _, u := range users {
		var name string
		require.NoError(t, db.Model(&User{}).Where("id = ?", u.ID).Pluck("name", &name).Error)
		assert.Equal(t, u.Name, name)
	}
	liesWhereTheMapSays(t, c, "users", "id", bigints, 25)
}

func withDefaults(t *testing.T, _ *cluster.Cluster, db *gorm.DB) {
	u := User{Name: "default"}
	require.NoError(t, db.Create(&u).Error)
	assert.True(t, u.Active, "the server's default is told back")
	assert.WithinDuration(t, time.Now(), u.CreatedAt, time.Minute)

	require.NoError(t, db.Model(&User{}).Create(map[string]any{"Name": "off", "Active": false}).Error)
	var off User
	require.NoError(t, db.First(&off, "name = ?", "off").Error)
	assert.False(t, off.Active, "unless something else is asked for")
	assert.Nil(t, off.Settings)
}

func updated(t *testing.T, _ *cluster.Cluster, db *gorm.DB) {
	users := customers(t, db, 6)
	one := db.Model(users[0]).Update("age", 40)
	require.NoError(t, one.Error)
	assert.EqualValues(t, 1, one.RowsAffected)

	require.NoError(t, db.Model(users[0]).Updates(User{Name: "renamed", Age: 0}).Error)
	require.NoError(t, db.Model(users[0]).Updates(map[string]any{"settings": `{"theme":"light"}`}).Error)
	var got User
	require.NoError(t, db.First(&got, users[0].ID).Error)
	assert.Equal(t, []any{"renamed", 40, "light"}, []any{got.Name, got.Age, got.Settings["theme"]})
	assert.True(t, got.UpdatedAt.After(got.CreatedAt))

	all := db.Model(&User{}).Where("name LIKE ?", "customer%").Update("age", gorm.Expr("age + ?", 5))
	require.NoError(t, all.Error)
	assert.EqualValues(t, 5, all.RowsAffected, "on all shards together")

	res := db.Model(&Order{}).Where("user_id IN (?)", db.Model(&User{}).Select("id").Where("age = ?", 25)).
		UpdateColumn("status", "paid")
	require.NoError(t, res.Error)
	assert.EqualValues(t, 10, res.RowsAffected)
}

func saved(t *testing.T, _ *cluster.Cluster, db *gorm.DB) {
	u := User{Name: "saved", Age: 1}
	require.NoError(t, db.Save(&u).Error, "made")
	u.Age = 0
	require.NoError(t, db.Save(&u).Error, "changed, zero values too")
	require.NoError(t, db.Model(&User{}).Where("id = ?", u.ID).Pluck("age", &u.Age).Error)
	assert.Zero(t, u.Age)

	p := Profile{UserID: u.ID, Bio: "first"}
	require.NoError(t, db.Save(&p).Error, "its key is given, and it is not there yet")
	p.Bio = "second"
	require.NoError(t, db.Save(&p).Error)
	var got Profile
	require.NoError(t, db.First(&got, "user_id = ?", u.ID).Error)
	assert.Equal(t, p, got)

	o := Order{UserID: u.ID, Total: 5}
	require.NoError(t, db.Save(&o).Error)
	o.Total = 6
	require.NoError(t, db.Save(&o).Error)
	require.NoError(t, db.Save(&[]Order{o, {UserID: u.ID, Total: 7}}).Error, "one that is there, one that is not")
	var totals []float64
	require.NoError(t, db.Model(&Order{}).Where("user_id = ?", u.ID).Order("total").Pluck("total", &totals).Error)
	assert.Equal(t, []float64{6, 7}, totals)
}

func deletedSoftly(t *testing.T, _ *cluster.Cluster, db *gorm.DB) {
	users := []User{{Name: "soft"}, {Name: "soft"}, {Name: "soft"}, {Name: "soft"}}
	require.NoError(t, db.Create(&users).Error)
	require.NoError(t, db.Delete(&users[0]).Error)
	count := func(tx *gorm.DB) (n int64) {
		require.NoError(t, tx.Model(&User{}).Where("name = ?", "soft").Count(&n).Error)
		return n
	}
	assert.EqualValues(t, 3, count(db))
	assert.EqualValues(t, 4, count(db.Unscoped()))

	res := db.Where("name = ?", "soft").Delete(&User{})
	require.NoError(t, res.Error)
	assert.EqualValues(t, 3, res.RowsAffected)
	assert.EqualValues(t, 0, count(db))

	require.NoError(t, db.Unscoped().Model(&User{}).Where("name = ?", "soft").Update("deleted_at", nil).Error)
	assert.EqualValues(t, 4, count(db), "restored")

	res = db.Unscoped().Where("name = ?", "soft").Delete(&User{})
	require.NoError(t, res.Error)
	assert.EqualValues(t, 4, res.RowsAffected)
	assert.EqualValues(t, 0, count(db.Unscoped()), "for good")
}

func upserted(t *testing.T, _ *cluster.Cluster, db *gorm.DB) {
	u := User{Name: "upsert"}
	require.NoError(t, db.Create(&u).Error)
	profile := func() (p Profile) {
		require.NoError(t, db.First(&p, "user_id = ?", u.ID).Error)
		return p
	}
	key := []clause.Column{{Name: "user_id"}}
	require.NoError(t, db.Create(&Profile{UserID: u.ID, Bio: "a"}).Error)

	res := db.Clauses(clause.OnConflict{DoNothing: true}).Create(&Profile{UserID: u.ID, Bio: "b"})
	require.NoError(t, res.Error)
	assert.Zero(t, res.RowsAffected)
	assert.Equal(t, "a", profile().Bio)

	require.NoError(t, db.Clauses(clause.OnConflict{Columns: key, DoUpdates: clause.AssignmentColumns([]string{"bio"})}).
		Create(&Profile{UserID: u.ID, Bio: "c"}).Error)
	assert.Equal(t, "c", profile().Bio)

	require.NoError(t, db.Clauses(clause.OnConflict{Columns: key, DoUpdates: clause.Assignments(map[string]any{"bio": gorm.Expr("profiles.bio || excluded.bio")})}).
		Create(&Profile{UserID: u.ID, Bio: "d"}).Error)
	assert.Equal(t, "cd", profile().Bio)

	require.NoError(t, db.Clauses(clause.OnConflict{UpdateAll: true}).Create(&Profile{UserID: u.ID, Bio: "e"}).Error)
	assert.Equal(t, "e", profile().Bio)

	users := []User{u, {Name: "beside it"}}
	users[0].Name, users[1].ID = "upserted", u.ID+1_000_000
	require.NoError(t, db.Clauses(clause.OnConflict{UpdateAll: true}).Create(&users).Error)
	require.NoError(t, db.First(&u, u.ID).Error)
	assert.Equal(t, "upserted", u.Name)
}

func upsertedEverywhere(t *testing.T, c *cluster.Cluster, db *gorm.DB) {
	kenya := clause.OnConflict{Columns: []clause.Column{{Name: "code"}}, DoUpdates: clause.AssignmentColumns([]string{"name"})}
	require.NoError(t, db.Create(&Country{"KE", "Kenia"}).Error)
	require.NoError(t, db.Clauses(kenya).Create(&[]Country{{"KE", "Kenya"}, {"UG", "Uganda"}}).Error)
	tags := []Tag{{Name: "a"}, {Name: "b"}}
	require.NoError(t, db.Create(&tags).Error)
	require.NoError(t, db.Clauses(clause.OnConflict{DoNothing: true}).Create(&[]Tag{{Name: "b"}, {Name: "c"}}).Error)
	for i := range c.URLs {
		assert.Equal(t, "Kenya,Uganda", c.On(t, i, "SELECT string_agg(name, ',' ORDER BY code) FROM countries"))
		assert.Equal(t, c.On(t, 0, "SELECT string_agg(t::text, ',' ORDER BY id) FROM tags t"),
			c.On(t, i, "SELECT string_agg(t::text, ',' ORDER BY id) FROM tags t"), "the same numbers on every shard")
	}
}

func toldBack(t *testing.T, _ *cluster.Cluster, db *gorm.DB) {
	customers(t, db, 4)
	var changed []Order
	require.NoError(t, db.Model(&changed).Clauses(clause.Returning{Columns: []clause.Column{{Name: "user_id"}, {Name: "total"}}}).
		Where("total = ?", 20).Update("total", gorm.Expr("total * 2")).Error)
	assert.NotEmpty(t, changed)
	for _, o := range changed {
		assert.InDelta(t, 40, o.Total, 0)
		assert.NotZero(t, o.UserID)
	}
	var gone []Order
	require.NoError(t, db.Session(&gorm.Session{}).Exec("DELETE FROM order_items").Error)
	require.NoError(t, db.Clauses(clause.Returning{}).Where("total = ?", 40).Delete(&gone).Error)
	assert.Len(t, gone, len(changed))
}

func fromMaps(t *testing.T, _ *cluster.Cluster, db *gorm.DB) {
	require.NoError(t, db.Model(&User{}).Create(&[]map[string]any{{"Name": "map 1", "Age": 3}, {"Name": "map 2", "Age": 4}}).Error)
	require.NoError(t, db.Model(&User{}).Create(map[string]any{"Name": "map 3", "Age": clause.Expr{SQL: "2 + ?", Vars: []any{3}}}).Error)
	var ages []int
	require.NoError(t, db.Model(&User{}).Where("name LIKE ?", "map%").Order("age").Pluck("age", &ages).Error)
	assert.Equal(t, []int{3, 4, 5}, ages)
}

func serverKeys(t *testing.T, c *cluster.Cluster, db *gorm.DB) {
	documents := make([]Document, 20)
	for i := range documents {
		documents[i].Title = fmt.Sprint("page ", i)
	}
	require.NoError(t, db.Create(&documents).Error)
	liesWhereTheMapSays(t, c, "documents", "id", uuids, 20)
	for _, d := range documents {
		var got Document
		require.NoError(t, db.First(&got, "id = ?", d.ID).Error)
		assert.Equal(t, d, got)
	}
}

func movedByKey(t *testing.T, c *cluster.Cluster, db *gorm.DB) {
	require.NoError(t, db.Where("true").Delete(&Document{}).Error)
	documents := make([]Document, 12)
	for i := range documents {
		documents[i].Title = fmt.Sprint("page ", i)
	}
	require.NoError(t, db.Create(&documents).Error)
	require.NoError(t, db.Model(&Document{}).Where("true").Update("id", gorm.Expr("md5(title)::uuid")).Error)
	liesWhereTheMapSays(t, c, "documents", "id", uuids, 12)
	var got Document
	require.NoError(t, db.First(&got, "id = md5(?)::uuid", "page 7").Error)
	assert.Equal(t, "page 7", got.Title)
}

func generic(t *testing.T, _ *cluster.Cluster, db *gorm.DB) {
	users, ctx := gorm.G[User](db), t.Context()
	u := User{Name: "generic", Age: 33}
	require.NoError(t, users.Create(ctx, &u))
	n, err := users.Where("id = ?", u.ID).Update(ctx, "age", 34)
	require.NoError(t, err)
	assert.Equal(t, 1, n)
	got, err := users.Where("name = ?", "generic").First(ctx)
	require.NoError(t, err)
	assert.Equal(t, 34, got.Age)
	n, err = users.Where("name = ?", "generic").Delete(ctx)
	require.NoError(t, err)
	assert.Equal(t, 1, n)
}

func withoutCondition(t *testing.T, _ *cluster.Cluster, db *gorm.DB) {
	assert.ErrorIs(t, db.Delete(&Audit{}).Error, gorm.ErrMissingWhereClause)
	require.NoError(t, db.Create(&[]Document{{Title: "x"}, {Title: "y"}}).Error)
	res := db.Session(&gorm.Session{AllowGlobalUpdate: true}).Model(&Document{}).Update("title", "z")
	require.NoError(t, res.Error)
	assert.EqualValues(t, 14, res.RowsAffected)
}
