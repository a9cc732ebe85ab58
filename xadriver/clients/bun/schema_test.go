package bun_test

import (
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/migrate"

	"github.com/xapg/xapg/xadriver/clients/cluster"
)

func TestTablesAreMadeAndChangedOnEveryShard(t *testing.T) {
	cluster.Each(t, placement, func(t *testing.T, c *cluster.Cluster) {
		ctx := t.Context()
		db := open(t, c)
		create := func() {
			t.Helper()
			for _, q := range []*bun.CreateTableQuery{
				db.NewCreateTable().Model((*User)(nil)),
				db.NewCreateTable().Model((*Tag)(nil)),
				db.NewCreateTable().Model((*Article)(nil)).ForeignKey("(user_id) REFERENCES users (id) ON DELETE CASCADE"),
				db.NewCreateTable().Model((*ArticleTag)(nil)).WithForeignKeys(), // of articles by their whole key, of tags
			} {
				_, err := q.IfNotExists().Exec(ctx)
				require.NoError(t, err)
			}
		}
		create()
		create() // a second time, nothing happens

		_, err := db.NewCreateIndex().Model((*User)(nil)).Index("users_by_name").Column("name").Exec(ctx)
		require.NoError(t, err)
		_, err = db.NewCreateIndex().Model((*User)(nil)).Index("users_by_email").Concurrently().IfNotExists().
			ColumnExpr("lower(email)").Where("email IS NOT NULL").Exec(ctx)
		require.NoError(t, err)
		_, err = db.NewAddColumn().Model((*User)(nil)).ColumnExpr("karma int NOT NULL DEFAULT 7").Exec(ctx)
		require.NoError(t, err)
		users := []User{{Name: "a"}, {Name: "b"}, {Name: "c"}, {Name: "d"}, {Name: "e"}, {Name: "f"}}
		insert(ctx, t, db, &users)
		insert(ctx, t, db, &Tag{Code: "go"})
		for _, u := range users {
			a := Article{UserID: u.ID, Title: u.Name}
			insert(ctx, t, db, &a)
			insert(ctx, t, db, &ArticleTag{UserID: u.ID, ArticleID: a.ID, TagCode: "go"})
		}
		var karma []int
		require.NoError(t, db.NewSelect().Model((*User)(nil)).ColumnExpr("sum(karma)").Scan(ctx, &karma))
		assert.Equal(t, []int{42}, karma)
		for _, broken := range []any{&Article{UserID: -1}, &ArticleTag{UserID: users[0].ID, ArticleID: -1, TagCode: "go"}} {
			_, err = db.NewInsert().Model(broken).Exec(ctx)
			var state interface{ SQLState() string }
			require.ErrorAs(t, err, &state)
			assert.Equal(t, "23503", state.SQLState(), "foreign keys by the shard's key, and of reference tables, hold")
		}
		changed(t, 6)(db.NewDelete().Model((*ArticleTag)(nil)).Where("tag_code = ?", "go").Exec(ctx))
		changed(t, 6)(db.NewDelete().Model((*User)(nil)).Where("TRUE").ForceDelete().Exec(ctx))
		assert.Zero(t, sum(t, c.Counts(t, "articles")), "ON DELETE CASCADE")

		_, err = db.NewDropColumn().Model((*User)(nil)).Column("karma").Exec(ctx)
		require.NoError(t, err)
		_, err = db.NewDropIndex().Index("users_by_name").Exec(ctx)
		require.NoError(t, err)
		for i := range c.URLs {
			assert.Equal(t, "users_by_email,users_pkey", c.On(t, i, "SELECT string_agg(indexname, ',' ORDER BY indexname) FROM pg_indexes WHERE tablename = 'users'"))
		}
		_, err = db.NewDropTable().Model((*User)(nil)).IfExists().Cascade().Exec(ctx)
		require.NoError(t, err)
		for i := range c.URLs {
			assert.Equal(t, "article_tags,articles,tags", c.On(t, i, "SELECT string_agg(tablename, ',' ORDER BY tablename) FROM pg_tables WHERE schemaname = 'public'"))
		}
	})
}

func TestMigrations(t *testing.T) {
	cluster.Each(t, []string{"key.notes=owner", "key.animals=id"}, func(t *testing.T, c *cluster.Cluster) {
		ctx := t.Context()
		db := open(t, c)
		migrations := migrate.NewMigrations()
		require.NoError(t, migrations.Discover(fstest.MapFS{
			"20250101000000_notes.up.sql": {Data: []byte("CREATE TABLE notes (owner bigint, n bigserial, text text, PRIMARY KEY (owner, n))\n\n--bun:split\n\n" +
				"INSERT INTO notes (owner, text) SELECT i, 'note ' || i FROM generate_series(1, 20) AS i\n")},
			"20250101000000_notes.down.sql":     {Data: []byte("DROP TABLE notes\n")},
			"20250102000000_shout.tx.up.sql":    {Data: []byte("ALTER TABLE notes ADD COLUMN loud boolean\n\n--bun:split\n\nUPDATE notes SET loud = true, text = upper(text)\n")},
			"20250102000000_shout.tx.down.sql":  {Data: []byte("ALTER TABLE notes DROP COLUMN loud\n\n--bun:split\n\nUPDATE notes SET text = lower(text)\n")},
			"20250103000000_broken.tx.up.sql":   {Data: []byte("UPDATE notes SET text = 'lost'\n\n--bun:split\n\nSELECT 1 / 0\n")},
			"20250103000000_broken.tx.down.sql": {Data: []byte("SELECT 1\n")},
		}))
		migrator := migrate.NewMigrator(db, migrations, migrate.WithMarkAppliedOnSuccess(true), migrate.WithUpsert(true))
		require.NoError(t, migrator.Init(ctx))
		require.NoError(t, migrator.Init(ctx), "a second time, nothing happens")

		require.NoError(t, migrator.Lock(ctx))
		require.Error(t, migrate.NewMigrator(open(t, c), migrations).Lock(ctx), "only one migrates at a time")
		_, err := migrator.Migrate(ctx)
		require.ErrorContains(t, err, "division by zero")
		require.NoError(t, migrator.Unlock(ctx))

		status, err := migrator.MigrationsWithStatus(ctx)
		require.NoError(t, err)
		assert.Len(t, status.Applied(), 2)
		assert.Len(t, status.Unapplied(), 1)
		assert.Equal(t, 20, sum(t, c.Counts(t, "notes")))
		for i := range c.URLs {
			assert.Equal(t, "true", c.On(t, i, "SELECT count(*) > 0 AND bool_and(loud AND text LIKE 'NOTE%') FROM notes"),
				"what is done is done everywhere, and what failed is nowhere")
		}
		group, err := migrator.Rollback(ctx)
		require.NoError(t, err)
		assert.Len(t, group.Migrations, 2)
		for i := range c.URLs {
			assert.Equal(t, "0", c.On(t, i, "SELECT count(*) FROM pg_tables WHERE tablename = 'notes'"))
		}
		t.Run("automatic", func(t *testing.T) { autoMigrator(t, c) })
	})
}

// autoMigrator: bun reads the schema from the catalog and changes what differs.
func autoMigrator(t *testing.T, c *cluster.Cluster) {
	type Animal struct {
		bun.BaseModel `bun:"table:animals"`
		ID            int64 `bun:",pk,autoincrement"`
		Name          string
	}
	ctx := t.Context()
	// Names of migrations have the second they were made in, so each run here notes its own elsewhere.
	migrateTo := func(run string, model any) {
		auto, err := migrate.NewAutoMigrator(open(t, c), migrate.WithModel(model), migrate.WithMigrationsDirectoryAuto(t.TempDir()),
			migrate.WithTableNameAuto(run), migrate.WithExcludeTable("first", "second", "bun_migrations", "bun_migration_locks"))
		require.NoError(t, err)
		_, err = auto.Migrate(ctx)
		require.NoError(t, err)
	}
	migrateTo("first", (*Animal)(nil))
	db := open(t, c)
	insert(ctx, t, db, &[]Animal{{Name: "cat"}, {Name: "dog"}, {Name: "cow"}, {Name: "pig"}})
	{
		type Animal struct {
			bun.BaseModel `bun:"table:animals"`
			ID            int64 `bun:",pk,autoincrement"`
			Name          string
			Legs          int `bun:",notnull,default:4"`
		}
		migrateTo("second", (*Animal)(nil))
		var legs int
		require.NoError(t, db.NewSelect().Model((*Animal)(nil)).ColumnExpr("sum(legs)").Scan(ctx, &legs))
		assert.Equal(t, 16, legs)
	}
	assert.Equal(t, 4, sum(t, c.Counts(t, "animals")))
}
