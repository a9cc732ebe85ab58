package gorm_test

import (
	"database/sql"
	"errors"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/xapg/xapg/xadriver/clients/cluster"
)

var errChanged = errors.New("changed my mind")

func transactions(t *testing.T, c *cluster.Cluster, db *gorm.DB) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, *cluster.Cluster, *gorm.DB)
	}{
		{"commit on all shards", committed},
		{"roll back on all shards", rolledBack},
		{"see their own writes", ownWrites},
		{"nest", nested},
		{"end with a failed statement", failedStatement},
		{"end with a panic", panicked},
		{"are begun and ended by hand", byHand},
		{"read only", readOnly},
		{"with hooks", hooked},
		{"without, where that is asked for", skipped},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, c, db) })
	}
}

// tally is how many users of a name there are, as the shards themselves say.
func tally(t *testing.T, c *cluster.Cluster, name string) (sum int) {
	t.Helper()
	for i := range c.URLs {
		n, err := strconv.Atoi(c.On(t, i, "SELECT count(*) FROM users WHERE name = $1", name))
		require.NoError(t, err)
		sum += n
	}
	return sum
}

func some(name string) []User {
	users := make([]User, 8)
	for i := range users {
		users[i] = User{Name: name}
	}
	return users
}

func committed(t *testing.T, c *cluster.Cluster, db *gorm.DB) {
	users := some("committed")
	require.NoError(t, db.Transaction(func(tx *gorm.DB) error {
		if err := tx.Create(&users).Error; err != nil {
			return err
		}
		assert.Zero(t, tally(t, c, "committed"), "nobody else sees it yet")
		for _, u := range users {
			if err := tx.Create(&Order{UserID: u.ID, Total: 1}).Error; err != nil {
				return err
			}
		}
		return tx.Create(&Audit{What: "committed"}).Error
	}))
	assert.Equal(t, 8, tally(t, c, "committed"))
	liesWhereTheMapSays(t, c, "orders", "user_id", bigints, 8)
}

func rolledBack(t *testing.T, c *cluster.Cluster, db *gorm.DB) {
	users := some("rolled back")
	err := db.Transaction(func(tx *gorm.DB) error {
		require.NoError(t, tx.Create(&users).Error)
		return errChanged
	})
	require.ErrorIs(t, err, errChanged)
	assert.Zero(t, tally(t, c, "rolled back"))
}

func ownWrites(t *testing.T, _ *cluster.Cluster, db *gorm.DB) {
	require.ErrorIs(t, db.Transaction(func(tx *gorm.DB) error {
		users := some("own")
		require.NoError(t, tx.Create(&users).Error)
		require.NoError(t, tx.Model(&User{}).Where("name = ?", "own").Update("age", 7).Error)
		var sum int
		require.NoError(t, tx.Model(&User{}).Where("name = ?", "own").Select("sum(age)").Scan(&sum).Error)
		assert.Equal(t, 56, sum)
		return errChanged
	}), errChanged)
}

func nested(t *testing.T, c *cluster.Cluster, db *gorm.DB) {
	require.NoError(t, db.Transaction(func(tx *gorm.DB) error {
		outer, lost, kept := some("outer"), some("lost"), some("kept")
		require.NoError(t, tx.Create(&outer).Error)
		require.ErrorIs(t, tx.Transaction(func(inner *gorm.DB) error {
			require.NoError(t, inner.Create(&lost).Error)
			require.NoError(t, inner.Model(&User{}).Where("name = ?", "outer").Update("age", 9).Error)
			return errChanged
		}), errChanged)
		require.Error(t, tx.Transaction(func(inner *gorm.DB) error {
			return inner.Create(&User{Name: "lost", Age: -1}).Error // what the server refuses
		}))
		return tx.Transaction(func(inner *gorm.DB) error {
			return inner.Transaction(func(innermost *gorm.DB) error { return innermost.Create(&kept).Error })
		})
	}))
	assert.Equal(t, []int{8, 0, 8}, []int{tally(t, c, "outer"), tally(t, c, "lost"), tally(t, c, "kept")})
	var ages []int
	require.NoError(t, db.Model(&User{}).Where("name = ?", "outer").Distinct().Pluck("age", &ages).Error)
	assert.Equal(t, []int{0}, ages)
}

func failedStatement(t *testing.T, c *cluster.Cluster, db *gorm.DB) {
	tx := db.Begin()
	users := some("failed")
	require.NoError(t, tx.Create(&users).Error)
	require.Error(t, tx.Create(&User{Name: "failed", Age: -1}).Error)
	require.ErrorContains(t, tx.First(&User{}).Error, "25P02", "nothing more is done")
	require.Error(t, tx.Commit().Error)
	assert.Zero(t, tally(t, c, "failed"))
}

func panicked(t *testing.T, c *cluster.Cluster, db *gorm.DB) {
	assert.Panics(t, func() {
		_ = db.Transaction(func(tx *gorm.DB) error {
			users := some("panicked")
			require.NoError(t, tx.Create(&users).Error)
			panic(errChanged)
		})
	})
	assert.Zero(t, tally(t, c, "panicked"))
}

func byHand(t *testing.T, c *cluster.Cluster, db *gorm.DB) {
	tx := db.Begin()
	defer tx.Rollback()
	before, after := some("before"), some("after")
	require.NoError(t, tx.Create(&before).Error)
	require.NoError(t, tx.SavePoint("here").Error)
	require.NoError(t, tx.Create(&after).Error)
	require.NoError(t, tx.RollbackTo("here").Error)
	require.NoError(t, tx.Commit().Error)
	require.ErrorIs(t, tx.Rollback().Error, sql.ErrTxDone)
	assert.Equal(t, []int{8, 0}, []int{tally(t, c, "before"), tally(t, c, "after")})
}

func readOnly(t *testing.T, _ *cluster.Cluster, db *gorm.DB) {
	err := db.Transaction(func(tx *gorm.DB) error {
		var n int64
		require.NoError(t, tx.Model(&User{}).Count(&n).Error)
		return tx.Create(&User{Name: "written"}).Error
	}, &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead})
	require.ErrorContains(t, err, "25006")
}

// Member is a user as seen by code that keeps a record of what happens.
type Member struct {
	User
}

func (Member) TableName() string { return "users" }

func (m *Member) BeforeCreate(*gorm.DB) error {
	m.Settings = map[string]string{"made": "by hook"}
	return nil
}

func (m *Member) AfterCreate(tx *gorm.DB) error {
	if m.Age > 100 {
		return errChanged
	}
	return tx.Create(&Audit{What: m.Name}).Error
}

func (m *Member) AfterFind(*gorm.DB) error {
	m.Name += "!"
	return nil
}

func hooked(t *testing.T, c *cluster.Cluster, db *gorm.DB) {
	members := make([]Member, 6)
	for i := range members {
		members[i].Name = "hooked"
	}
	require.NoError(t, db.Create(&members).Error)
	var got Member
	require.NoError(t, db.First(&got, members[5].ID).Error)
	assert.Equal(t, "hooked!", got.Name)
	assert.Equal(t, "by hook", got.Settings["made"])
	assert.Equal(t, "6", c.On(t, 0, "SELECT count(*) FROM audits WHERE what = 'hooked'"))

	// A hook that fails takes back what was written on all shards.
	old := make([]Member, 6)
	for i := range old {
		old[i].Name, old[i].Age = "too old", 95+i*2
	}
	require.ErrorIs(t, db.Create(&old).Error, errChanged)
	assert.Zero(t, tally(t, c, "too old"))
	assert.Equal(t, "0", c.On(t, 0, "SELECT count(*) FROM audits WHERE what = 'too old'"))
}

func skipped(t *testing.T, c *cluster.Cluster, db *gorm.DB) {
	// One statement over several shards is whole even so.
	plain := db.Session(&gorm.Session{SkipDefaultTransaction: true})
	users := some("skipped")
	require.NoError(t, plain.Create(&users).Error)
	assert.Equal(t, 8, tally(t, c, "skipped"))

	users = some("half")
	users[7].Age = -1
	require.Error(t, plain.Create(&users).Error)
	assert.Zero(t, tally(t, c, "half"))
}
