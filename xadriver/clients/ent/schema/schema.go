// Package schema says to ent what is stored: users with their posts and card, who
// are members of groups.
package schema

import (
	"time"

	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
	"github.com/google/uuid"
)

// User is placed by its id, which is an identity column.
type User struct{ ent.Schema }

// Fields of a user.
func (User) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id"),
		field.String("name").NotEmpty(),
		field.Int("age").Default(18),
		field.Enum("role").Values("reader", "writer", "admin").Default("reader"),
		field.JSON("settings", map[string]any{}).Optional(),
		field.Time("created_at").Immutable().Default(time.Now),
		field.Int64("version").Default(1),
	}
}

// Edges of a user. Members' rows are deleted with the user.
func (User) Edges() []ent.Edge {
	return []ent.Edge{
		edge.To("posts", Post.Type).Annotations(entsql.OnDelete(entsql.Cascade)),
		edge.To("card", Card.Type).Unique().Annotations(entsql.OnDelete(entsql.Cascade)),
		edge.To("groups", Group.Type).StorageKey(edge.Table("memberships"), edge.Columns("user_id", "group_id")),
	}
}

// Indexes of users.
func (User) Indexes() []ent.Index {
	return []ent.Index{index.Fields("role", "age")}
}

// Post is placed where its author is: by the column of the edge.
type Post struct{ ent.Schema }

// Fields of a post. Its slug is unique among those of its author.
func (Post) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("id", uuid.UUID{}).Default(uuid.New),
		field.Int64("user_id"),
		field.String("slug"),
		field.Text("body").Optional(),
		field.Int("stars").Default(0),
		field.Strings("tags").Optional(),
	}
}

// Edges of a post.
func (Post) Edges() []ent.Edge {
	return []ent.Edge{edge.From("author", User.Type).Ref("posts").Field("user_id").Unique().Required()}
}

// Indexes of posts: the unique one begins with the key of the shard, which can
// judge it by its own rows.
func (Post) Indexes() []ent.Index {
	return []ent.Index{index.Fields("user_id", "slug").Unique()}
}

// Card is the one card of a user, and placed where the user is.
type Card struct{ ent.Schema }

// Fields of a card.
func (Card) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("user_id"),
		field.String("number").Sensitive(),
		field.Time("expires").Optional().Nillable(),
	}
}

// Edges of a card.
func (Card) Edges() []ent.Edge {
	return []ent.Edge{edge.From("owner", User.Type).Ref("card").Field("user_id").Unique().Required()}
}

// Group is what users are members of: a reference table, of which every shard has a copy.
type Group struct{ ent.Schema }

// Fields of a group.
func (Group) Fields() []ent.Field {
	return []ent.Field{
		field.String("name").Unique(),
		field.Bool("open").Default(true),
	}
}

// Edges of a group.
func (Group) Edges() []ent.Edge {
	return []ent.Edge{edge.From("members", User.Type).Ref("groups")}
}
