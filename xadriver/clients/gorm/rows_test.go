package gorm_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

func plucked(t *testing.T, db *gorm.DB, _ []*User) {
	var ages []int
	require.NoError(t, db.Model(&User{}).Where("age < 23").Order("age DESC").Pluck("age", &ages).Error)
	assert.Equal(t, []int{22, 21, 20}, ages)

	var rows []map[string]any
	require.NoError(t, db.Model(&User{}).Select("name", "age", "active").Where("age > 29").Order("age").Find(&rows).Error)
	require.Len(t, rows, 2)
	assert.Equal(t, map[string]any{"name": "shopper 10", "age": 30, "active": true}, rows[0])
}

func rowByRow(t *testing.T, db *gorm.DB, _ []*User) {
	rows, err := db.Model(&User{}).Where("age < ?", 25).Order("age").Rows()
	require.NoError(t, err)
	defer rows.Close()
	n := 0
	for rows.Next() {
		var u User
		require.NoError(t, db.ScanRows(rows, &u))
		assert.Equal(t, fmt.Sprintf("shopper %02d", n), u.Name)
		n++
	}
	require.NoError(t, rows.Err())
	assert.Equal(t, 5, n)

	var name string
	require.NoError(t, db.Model(&User{}).Select("name").Where("age = ?", 21).Row().Scan(&name))
	assert.Equal(t, "shopper 01", name)
}

func rawSQL(t *testing.T, db *gorm.DB, users []*User) {
	var got []User
	require.NoError(t, db.Raw("SELECT id, name FROM users WHERE age BETWEEN @from AND @to ORDER BY age", map[string]any{"from": 22, "to": 23}).Scan(&got).Error)
	require.Len(t, got, 2)
	assert.Equal(t, users[2].ID, got[0].ID)

	res := db.Exec("UPDATE orders SET status = ? WHERE user_id IN ?", "seen", []uint{users[1].ID, users[2].ID, users[3].ID})
	require.NoError(t, res.Error)
	assert.EqualValues(t, 6, res.RowsAffected)
}

func scopes(t *testing.T, db *gorm.DB, _ []*User) {
	adult := func(tx *gorm.DB) *gorm.DB { return tx.Where("age >= ?", 28) }
	from := func(code string) func(*gorm.DB) *gorm.DB {
		return func(tx *gorm.DB) *gorm.DB { return tx.Where("country_code = ?", code) }
	}
	var n int64
	require.NoError(t, db.Model(&User{}).Scopes(adult, from("FR")).Count(&n).Error)
	assert.EqualValues(t, 2, n)
}

func inBatches(t *testing.T, db *gorm.DB, _ []*User) {
	var batch []User
	var sizes []int
	seen := map[uint]bool{}
	res := db.FindInBatches(&batch, 5, func(_ *gorm.DB, _ int) error {
		sizes = append(sizes, len(batch))
		for _, u := range batch {
			seen[u.ID] = true
		}
		return nil
	})
	require.NoError(t, res.Error)
	assert.Equal(t, []int{5, 5, 2}, sizes)
	assert.Len(t, seen, 12)
}

func locked(t *testing.T, db *gorm.DB, users []*User) {
	lock := clause.Locking{Strength: clause.LockingStrengthUpdate}
	skip := clause.Locking{Strength: clause.LockingStrengthUpdate, Options: clause.LockingOptionsSkipLocked}
	nowait := clause.Locking{Strength: clause.LockingStrengthUpdate, Options: clause.LockingOptionsNoWait}
	isLocked := func(id uint) bool {
		err := db.Clauses(nowait).First(&User{}, id).Error
		var busy *pgconn.PgError
		if errors.As(err, &busy) {
			assert.Equal(t, "55P03", busy.Code)
			return true
		}
		require.NoError(t, err)
		return false
	}
	require.NoError(t, db.Transaction(func(tx *gorm.DB) error {
		require.NoError(t, tx.Clauses(lock).First(&User{}, users[0].ID).Error)
		assert.True(t, isLocked(users[0].ID))
		var free []User
		require.NoError(t, db.Clauses(skip).Where("age < 23").Find(&free).Error)
		assert.Len(t, free, 2, "the locked one is stepped over")

		// The first of those that any shard has, and no other.
		var first User
		require.NoError(t, tx.Clauses(lock).Order("age DESC").Where("age > ?", 25).First(&first).Error)
		assert.Equal(t, users[11].ID, first.ID)
		for i, u := range users {
			assert.Equal(t, i == 0 || i == 11, isLocked(u.ID), "user %d", i)
		}
		return nil
	}))
	assert.False(t, isLocked(users[0].ID), "when the transaction has ended")
}

// farApart joins what is not kept together.
func farApart(t *testing.T, db *gorm.DB, users []*User) {
	require.NoError(t, db.Create(&Audit{What: "shopper 03"}).Error)
	var names []string
	require.NoError(t, db.Model(&User{}).Joins("JOIN audits ON audits.what = users.name").Pluck("users.name", &names).Error)
	assert.Equal(t, []string{"shopper 03"}, names)

	var n int64
	require.NoError(t, db.Table("users AS a").Joins("JOIN users AS b ON b.age = a.age + 1 AND b.country_code <> a.country_code").Count(&n).Error)
	assert.EqualValues(t, len(users)-1, n)
}

func foundOrMade(t *testing.T, db *gorm.DB, users []*User) {
	db = db.Begin() // what is made here is not for the other tests
	defer db.Rollback()
	var u User
	require.NoError(t, db.Where(User{Name: "shopper 04"}).FirstOrCreate(&u).Error)
	assert.Equal(t, users[4].ID, u.ID)

	u = User{}
	require.NoError(t, db.Where(User{Name: "new"}).Attrs(User{Age: 50}).FirstOrCreate(&u).Error)
	assert.NotZero(t, u.ID)
	assert.Equal(t, 50, u.Age)

	u = User{}
	require.NoError(t, db.Where(User{Name: "new"}).Assign(User{Age: 51}).FirstOrCreate(&u).Error)
	require.NoError(t, db.First(&u, u.ID).Error)
	assert.Equal(t, 51, u.Age)

	u = User{}
	require.NoError(t, db.Where(User{Name: "nobody"}).FirstOrInit(&u).Error)
	assert.Zero(t, u.ID)
}

func dryRun(t *testing.T, db *gorm.DB, _ []*User) {
	text := db.ToSQL(func(tx *gorm.DB) *gorm.DB { return tx.Where("age > ?", 20).Limit(1).Find(&[]Order{}) })
	assert.Equal(t, `SELECT * FROM "orders" WHERE age > 20 LIMIT 1`, text)

	stmt := db.Session(&gorm.Session{DryRun: true}).Create(&Audit{What: "never"}).Statement
	assert.Contains(t, stmt.SQL.String(), `INSERT INTO "audits"`)
	assert.Equal(t, "never", stmt.Vars[0])
	assert.ErrorIs(t, db.First(&Audit{}, "what = ?", "never").Error, gorm.ErrRecordNotFound)
}
