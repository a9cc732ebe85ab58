package gorm_test

import (
	"time"

	"gorm.io/gorm"
)

// A shop. Users are sharded by their id, and what belongs to a user by the user's
// id, so that all of it is on the user's shard; countries and tags are on every
// shard; what is audited is on the first.

func models() []any {
	return []any{&Country{}, &Tag{}, &User{}, &Profile{}, &Order{}, &OrderItem{}, &Note{}, &Document{}, &Audit{}}
}

type Country struct {
	Code string `gorm:"primaryKey;size:2"`
	Name string `gorm:"not null;unique"`
}

type Tag struct {
	ID   uint
	Name string `gorm:"uniqueIndex"`
}

type User struct {
	gorm.Model
	Name        string            `gorm:"not null;index"`
	Age         int               `gorm:"check:age_is_possible,age >= 0"`
	Active      bool              `gorm:"not null;default:true"`
	Settings    map[string]string `gorm:"serializer:json"`
	CountryCode *string           `gorm:"size:2"`
	Country     *Country
	Profile     *Profile
	Orders      []Order
	Tags        []Tag  `gorm:"many2many:user_tags"`
	Notes       []Note `gorm:"polymorphic:Owner"`
}

// Profile is a user's one profile: its key is all of its primary key.
type Profile struct {
	UserID uint `gorm:"primaryKey;autoIncrement:false"`
	Bio    string
}

// Order has a number that is unique over all shards, though only the pair of key
// and number is declared to be: a shard can judge no more than its own rows.
type Order struct {
	UserID  uint `gorm:"primaryKey;autoIncrement:false"`
	ID      uint `gorm:"primaryKey;autoIncrement"`
	User    *User
	Status  string `gorm:"not null;default:new"`
	Total   float64
	Items   []OrderItem `gorm:"foreignKey:UserID,OrderID;references:UserID,ID;constraint:OnDelete:CASCADE"`
	Shipped *time.Time
}

type OrderItem struct {
	UserID   uint `gorm:"primaryKey;autoIncrement:false"`
	ID       uint `gorm:"primaryKey;autoIncrement"`
	OrderID  uint `gorm:"not null"`
	SKU      string
	Quantity int
}

// Note is about something, so far about users.
type Note struct {
	OwnerID   uint   `gorm:"primaryKey;autoIncrement:false"`
	ID        uint   `gorm:"primaryKey;autoIncrement"`
	OwnerType string `gorm:"not null"`
	Text      string
}

// Document has a key that the server makes.
type Document struct {
	ID    string `gorm:"type:uuid;primaryKey;default:gen_random_uuid()"`
	Title string
}

type Audit struct {
	ID   uint
	What string
	At   time.Time
}
