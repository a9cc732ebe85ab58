package squirrel_test

import (
	"database/sql"
	"testing"

	sq "github.com/Masterminds/squirrel"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver/clients/cluster"
)

func TestArena(t *testing.T) {
	cluster.Each(t, placement, func(t *testing.T, c *cluster.Cluster) {
		db, build := arena(t, c)
		whereTheMapSays(t, c, "players", "id", players)
		whereTheMapSays(t, c, "scores", "player_id", 2*players)
		t.Run("select", func(t *testing.T) { selects(t, build) })
		t.Run("subqueries", func(t *testing.T) { subqueries(t, build) })
		t.Run("insert", func(t *testing.T) { inserts(t, c, build) })
		t.Run("update", func(t *testing.T) { updates(t, build) })
		t.Run("delete", func(t *testing.T) { deletes(t, c, build) })
		t.Run("transactions", func(t *testing.T) { transactions(t, c, db, build) })
		t.Run("statement cache", func(t *testing.T) { cached(t, db) })
		t.Run("errors", func(t *testing.T) { failures(t, build) })
	})
}

func selects(t *testing.T, build sq.StatementBuilderType) {
	names := build.Select("name").From("players").OrderBy("level DESC")
	assert.Equal(t, []string{"player 05"}, all[string](t, names.Where(sq.Eq{"id": 5})))
	assert.Equal(t, []string{"player 09", "player 05", "player 01"}, all[string](t, names.Where(sq.Eq{"id": []int{1, 5, 9}})))
	assert.Equal(t, []string{"player 12", "player 01"}, all[string](t, names.Where(sq.Or{sq.Gt{"level": 11}, sq.Lt{"level": 2}})))
	assert.Equal(t, []string{"player 03"}, all[string](t, names.Where(sq.And{sq.GtOrEq{"level": 3}, sq.NotEq{"name": "player 04"}}).Where("level < ?", 5)))
	assert.Equal(t, []string{"player 10", "player 09"}, all[string](t, names.Limit(2).Offset(2)))
	assert.Len(t, all[string](t, names.Where(sq.Like{"name": "player 1%"})), 3)
	assert.Empty(t, all[string](t, names.Where(sq.Eq{"id": []int{}})))

	assert.Equal(t, 1, one[int](t, build.Select("min(level)").From("players")))
	assert.Equal(t, "player 07", one[string](t, names.Where("id = ?", 7)))
	require.ErrorIs(t, names.Where("id = ?", 77).Scan(new(string)), sql.ErrNoRows)

	best := build.Select("g.name", "sum(s.points) AS points").From("scores s").Join("games g ON g.code = s.game").
		GroupBy("g.name").Having("sum(s.points) > ?", 100).OrderBy("g.name")
	assert.Equal(t, []string{"Go"}, all[string](t, build.Select("b.name").FromSelect(best, "b")))
	assert.Equal(t, 780, one[int](t, build.Select("b.points").FromSelect(best, "b")))

	left := build.Select("count(*)").From("players p").LeftJoin("scores s ON s.player_id = p.id AND s.points > ?", 60).Where(sq.Eq{"s.game": nil})
	assert.Equal(t, 6, one[int](t, left))

	level := sq.Case().When(sq.Gt{"level": 6}, sq.Expr("?::text", "high")).Else(sq.Expr("?::text", "low"))
	assert.Equal(t, "high", one[string](t, build.Select().Column(level).From("players").Where(sq.Eq{"id": 8})))
	assert.Equal(t, []string{"high", "low"}, all[string](t, build.Select().Column(sq.Alias(level, "level")).Distinct().From("players").OrderBy("1")))
	assert.Equal(t, 12, one[int](t, build.Select("count(*)").From("players").Prefix("WITH strong AS (SELECT * FROM players WHERE level > ?)", 0)))
}

func subqueries(t *testing.T, build sq.StatementBuilderType) {
	// Placeholders are numbered by the outermost statement: subqueries keep question marks.
	inner := sq.Select("player_id").From("scores").Where(sq.Eq{"game": "go"}).Where(sq.Gt{"points": 100})
	assert.Equal(t, []int{11, 12}, all[int](t, build.Select("id").From("players").Where(sq.Expr("id IN (?)", inner)).Where(sq.Gt{"level": 2}).OrderBy("id")))

	mean := sq.Select("avg(points)").From("scores").Where(sq.Eq{"game": "chess"})
	assert.Equal(t, 6, one[int](t, build.Select("count(*)").From("players").Where(sq.Expr("level > (?)", mean))))

	points := sq.Select("sum(points)").From("scores").Where("player_id = p.id").Prefix("(").Suffix(")")
	query, args, err := build.Select("p.name").Column(points).From("players p").Where(sq.Eq{"p.id": 3}).ToSql()
	require.NoError(t, err)
	assert.Equal(t, "SELECT p.name, ( SELECT sum(points) FROM scores WHERE player_id = p.id ) FROM players p WHERE p.id = $1", query)
	assert.Equal(t, []any{3}, args)
	assert.Equal(t, 33, one[int](t, build.Select().Column(points).From("players p").Where(sq.Eq{"p.id": 3})))
}

func inserts(t *testing.T, c *cluster.Cluster, build sq.StatementBuilderType) {
	fresh := one[int64](t, build.Insert("players").Columns("name").Values("fresh").Suffix("RETURNING id"))
	assert.GreaterOrEqual(t, fresh, int64(1000))
	changed(t, build.Insert("scores").SetMap(map[string]any{"player_id": fresh, "game": "go", "points": 7}), 1)

	several := all[int64](t, build.Insert("players").Columns("name").Values("fresh").Values("fresh").Values("fresh").Suffix("RETURNING id"))
	assert.Len(t, several, 3)
	changed(t, build.Insert("scores").Columns("player_id", "game", "points").Values(fresh, "go", 8).Values(several[0], "go", 9).
		Suffix("ON CONFLICT (player_id, game) DO UPDATE SET points = scores.points + excluded.points"), 2)
	assert.Equal(t, 15, one[int](t, build.Select("points").From("scores").Where(sq.Eq{"player_id": fresh})))

	// From a query: what is there already is left out.
	changed(t, build.Insert("scores").Columns("player_id", "game", "points").
		Select(sq.Select("id", "'go'").Column("level * ?", 2).From("players")).Suffix("ON CONFLICT DO NOTHING"), 2)
	whereTheMapSays(t, c, "players", "id", players+4)
	changed(t, build.Delete("players").Where(sq.Eq{"name": "fresh"}), 4)
	whereTheMapSays(t, c, "scores", "player_id", 2*players)
}

func updates(t *testing.T, build sq.StatementBuilderType) {
	changed(t, build.Update("scores").Set("points", sq.Expr("points + ?", 1)).Where(sq.Eq{"player_id": 4}), 2)
	changed(t, build.Update("scores").Set("points", sq.Expr("points - ?", 1)).Where(sq.Eq{"player_id": []int{4}}), 2)
	changed(t, build.Update("players").SetMap(map[string]any{"level": 0, "name": sq.Expr("upper(name)")}).Where(sq.LtOrEq{"level": 3}), 3)
	got := all[string](t, build.Update("players").Set("level", sq.Expr("id")).Set("name", sq.Expr("lower(name)")).
		Where(sq.Eq{"level": 0}).Suffix("RETURNING name"))
	assert.ElementsMatch(t, []string{"player 01", "player 02", "player 03"}, got)
	changed(t, build.Update("players").Set("level", sq.Expr("s.points")).From("scores s").
		Where("s.player_id = players.id").Where(sq.Eq{"s.game": "chess"}), players)
}

func deletes(t *testing.T, c *cluster.Cluster, build sq.StatementBuilderType) {
	changed(t, build.Insert("reports").Columns("what").Values("a").Values("b"), 2)
	changed(t, build.Delete("reports").Where(sq.Eq{"what": "a"}), 1)
	assert.Equal(t, "1", c.Counts(t, "reports")[0], "an unsharded table is on the first shard")
	gone := all[int](t, build.Delete("scores").Where(sq.Gt{"points": 100}).Suffix("RETURNING player_id"))
	assert.ElementsMatch(t, []int{11, 12}, gone)
	changed(t, build.Insert("scores").Columns("player_id", "game", "points").Values(11, "go", 110).Values(12, "go", 120), 2)
}

func transactions(t *testing.T, c *cluster.Cluster, db *sql.DB, build sq.StatementBuilderType) {
	move := func(tx *sql.Tx, points int) {
		inside := build.RunWith(tx)
		for i := 1; i <= players; i++ {
			changed(t, inside.Update("scores").Set("points", sq.Expr("points + ?", points)).Where(sq.Eq{"player_id": i, "game": "go"}), 1)
		}
		changed(t, inside.Insert("reports").Columns("what").Values("moved"), 1)
		assert.Equal(t, 780+players*points, one[int](t, inside.Select("sum(points)").From("scores").Where(sq.Eq{"game": "go"})))
	}
	total := build.Select("sum(points)").From("scores").Where(sq.Eq{"game": "go"})
	tx, err := db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	move(tx, 5)
	assert.Equal(t, 780, one[int](t, total), "nobody else sees it yet")
	require.NoError(t, tx.Rollback())
	assert.Equal(t, 780, one[int](t, total))

	tx, err = db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	move(tx, 5)
	require.NoError(t, tx.Commit())
	assert.Equal(t, 840, one[int](t, total))
	assert.Equal(t, "1", c.On(t, 0, "SELECT count(*) FROM reports WHERE what = 'moved'"))
}

func cached(t *testing.T, db *sql.DB) {
	cache := sq.NewStmtCache(db)
	build := sq.StatementBuilder.PlaceholderFormat(sq.Dollar).RunWith(cache)
	for i := 1; i <= players; i++ { // one statement, on whatever shard has the row
		assert.Equal(t, i, one[int](t, build.Select("level").From("players").Where(sq.Eq{"id": i})))
		assert.Equal(t, players-i, one[int](t, build.Select("count(*)").From("players").Where(sq.Gt{"level": i})))
		changed(t, build.Update("players").Set("level", i).Where(sq.Eq{"id": i}), 1)
	}
	require.NoError(t, cache.Clear())
}

func failures(t *testing.T, build sq.StatementBuilderType) {
	for _, test := range []struct {
		statement interface{ Exec() (sql.Result, error) }
		code      string
	}{
		{build.Insert("players").Columns("id", "name").Values(1, "again"), "23505"},
		{build.Insert("scores").Columns("player_id", "game", "points").Values(77, "go", 1), "23503"},
		{build.Insert("scores").Columns("player_id", "game", "points").Values(1, "poker", 1), "23503"},
		{build.Update("players").Set("name", nil), "23502"},
		{build.Delete("games").Where(sq.Eq{"code": "go"}), "23503"},
		{build.Select("nothing").From("players"), "42703"},
	} {
		_, err := test.statement.Exec()
		var server *pgconn.PgError
		require.ErrorAs(t, err, &server)
		assert.Equal(t, test.code, server.Code)
	}
}
