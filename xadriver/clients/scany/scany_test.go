package scany_test

import (
	"database/sql"
	"strconv"
	"testing"
	"time"

	"github.com/georgysavva/scany/v2/dbscan"
	"github.com/georgysavva/scany/v2/sqlscan"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver/clients/cluster"
)

type Team struct {
	ID      string
	Name    string
	City    *string
	Founded sql.NullTime
}

type Member struct {
	TeamID string
	Number int
	Name   string
	Goals  int
}

func TestLeague(t *testing.T) {
	cluster.Each(t, placement, func(t *testing.T, c *cluster.Cluster) {
		db := league(t, c)
		for _, test := range []struct {
			name string
			run  func(*testing.T, *cluster.Cluster, *sql.DB)
		}{
			{"rows are where the map says", whereTheMapSays},
			{"one row", oneRow},
			{"all rows", allRows},
			{"joined rows into nested structs", nested},
			{"maps and single columns", others},
			{"row by row", rowByRow},
			{"what a write returns", returned},
			{"in a transaction", transaction},
			{"what does not fit", failures},
		} {
			t.Run(test.name, func(t *testing.T) { test.run(t, c, db) })
		}
	})
}

// whereTheMapSays asks each shard by PostgreSQL's own hash function, 4096 buckets and
// a run of them for each shard.
func whereTheMapSays(t *testing.T, c *cluster.Cluster, _ *sql.DB) {
	for table, want := range map[string]struct {
		key  string
		rows int
	}{"teams": {"id", teams}, "members": {"team_id", teams * (teams + 1) / 2}} {
		sum, filled := 0, 0
		for i := range c.URLs {
			n, err := strconv.Atoi(c.Counts(t, table)[i])
			require.NoError(t, err)
			sum += n
			if n > 0 {
				filled++
			}
			assert.Equal(t, c.Counts(t, table)[i], c.On(t, i, "SELECT count(*) FROM "+table+
				" WHERE (uuid_hash_extended("+want.key+", 8816678312871386365) & 4095) * "+strconv.Itoa(len(c.URLs))+" / 4096 = "+strconv.Itoa(i)))
		}
		assert.Equal(t, want.rows, sum, table)
		assert.Equal(t, c.Sharded(), filled > 1, table)
	}
}

func oneRow(t *testing.T, _ *cluster.Cluster, db *sql.DB) {
	var team Team
	require.NoError(t, sqlscan.Get(t.Context(), db, &team, "SELECT id, name, city, founded FROM teams WHERE id = md5($1)::uuid", "team 4"))
	assert.Equal(t, "team 4", team.Name)
	assert.Equal(t, "NBO", *team.City)
	assert.Equal(t, time.Date(1964, 1, 1, 0, 0, 0, 0, time.UTC), team.Founded.Time)

	team = Team{}
	require.NoError(t, sqlscan.Get(t.Context(), db, &team, "SELECT id, name, city, founded FROM teams ORDER BY founded NULLS FIRST LIMIT 1"))
	assert.Equal(t, "team 1", team.Name)
	assert.Nil(t, team.City)
	assert.False(t, team.Founded.Valid)

	var goals int
	require.NoError(t, sqlscan.Get(t.Context(), db, &goals, "SELECT sum(goals) FROM members"))
	assert.Equal(t, 285, goals)

	err := sqlscan.Get(t.Context(), db, &team, "SELECT id, name FROM teams WHERE name = $1", "nobody")
	assert.True(t, sqlscan.NotFound(err))
}

func allRows(t *testing.T, _ *cluster.Cluster, db *sql.DB) {
	var list []Team
	require.NoError(t, sqlscan.Select(t.Context(), db, &list, "SELECT id, name, city, founded FROM teams ORDER BY name"))
	require.Len(t, list, teams)
	assert.Equal(t, "team 9", list[8].Name)

	var pointers []*Member
	require.NoError(t, sqlscan.Select(t.Context(), db, &pointers, "SELECT * FROM members WHERE goals > $1 ORDER BY goals, number DESC", 7))
	require.Len(t, pointers, 17)
	assert.Equal(t, "member 8 of 8", pointers[0].Name)
	assert.Equal(t, "member 1 of 9", pointers[16].Name)

	rows, err := db.QueryContext(t.Context(), "SELECT * FROM members")
	require.NoError(t, err)
	var members []Member
	require.NoError(t, sqlscan.ScanAll(&members, rows), "which closes the rows")
	assert.Len(t, members, 45)
}

func nested(t *testing.T, _ *cluster.Cluster, db *sql.DB) {
	type City struct {
		Code string
		Name string
	}
	var lines []struct {
		Member
		Team struct {
			Name string
			City *City
		}
		Rank int
	}
	require.NoError(t, sqlscan.Select(t.Context(), db, &lines, `
		SELECT m.*, t.name AS "team.name", c.code AS "team.city.code", c.name AS "team.city.name",
			rank() OVER (PARTITION BY m.team_id ORDER BY m.number DESC) AS rank
		FROM members m JOIN teams t ON t.id = m.team_id JOIN cities c ON c.code = t.city
		WHERE m.number = 2 ORDER BY m.goals`))
	require.Len(t, lines, 8)
	for i, line := range lines {
		assert.Equal(t, "team "+strconv.Itoa(i+2), line.Team.Name)
		assert.Equal(t, []string{"Nairobi", "Mombasa"}[i%2], line.Team.City.Name)
		assert.Equal(t, line.Goals, i+2)
		assert.Equal(t, 1, line.Rank)
	}
}

func others(t *testing.T, _ *cluster.Cluster, db *sql.DB) {
	var names []string
	require.NoError(t, sqlscan.Select(t.Context(), db, &names, "SELECT DISTINCT coalesce(city, 'nowhere') FROM teams ORDER BY 1"))
	assert.Equal(t, []string{"MBA", "NBO", "nowhere"}, names)

	var cities []*string
	require.NoError(t, sqlscan.Select(t.Context(), db, &cities, "SELECT city FROM teams WHERE founded IS NULL"))
	assert.Equal(t, []*string{nil}, cities)

	var goals []map[string]int64
	require.NoError(t, sqlscan.Select(t.Context(), db, &goals, "SELECT number, sum(goals) AS goals FROM members GROUP BY number HAVING sum(goals) > 40 ORDER BY number"))
	assert.Equal(t, []map[string]int64{{"number": 1, "goals": 45}, {"number": 2, "goals": 44}, {"number": 3, "goals": 42}}, goals)

	var values []map[string]any
	require.NoError(t, sqlscan.Select(t.Context(), db, &values, "SELECT name, founded, colours FROM teams ORDER BY name LIMIT 2"))
	assert.Equal(t, map[string]any{"name": "team 1", "founded": nil, "colours": nil}, values[0])
	assert.Equal(t, "{red,2}", values[1]["colours"])
}

func rowByRow(t *testing.T, _ *cluster.Cluster, db *sql.DB) {
	rows, err := db.QueryContext(t.Context(), "SELECT * FROM members ORDER BY goals, number")
	require.NoError(t, err)
	defer rows.Close()
	scanner := sqlscan.NewRowScanner(rows)
	for goals := 1; goals <= teams; goals++ {
		for number := 1; number <= goals; number++ {
			require.True(t, rows.Next())
			var m Member
			require.NoError(t, scanner.Scan(&m))
			assert.Equal(t, []int{goals, number}, []int{m.Goals, m.Number})
		}
	}
	assert.False(t, rows.Next())
	require.NoError(t, rows.Err())
}

func returned(t *testing.T, c *cluster.Cluster, db *sql.DB) {
	var fresh []Team
	require.NoError(t, sqlscan.Select(t.Context(), db, &fresh,
		"INSERT INTO teams (name, city) VALUES ('new 1', 'NBO'), ('new 2', 'MBA'), ('new 3', NULL), ('new 4', NULL) RETURNING id, name, city, founded"))
	require.Len(t, fresh, 4)
	for i, team := range fresh {
		assert.Equal(t, "new "+strconv.Itoa(i+1), team.Name, "in the order of the rows")
		var again Team
		require.NoError(t, sqlscan.Get(t.Context(), db, &again, "SELECT id, name, city, founded FROM teams WHERE id = $1", team.ID))
		assert.Equal(t, team, again)
	}
	var gone []string
	require.NoError(t, sqlscan.Select(t.Context(), db, &gone, "DELETE FROM teams WHERE name LIKE 'new%' RETURNING name"))
	assert.ElementsMatch(t, []string{"new 1", "new 2", "new 3", "new 4"}, gone)
	whereTheMapSays(t, c, db)
}

func transaction(t *testing.T, c *cluster.Cluster, db *sql.DB) {
	const sum = "SELECT sum(goals) FROM members"
	goals := func(q sqlscan.Querier) (n int) {
		require.NoError(t, sqlscan.Get(t.Context(), q, &n, sum))
		return n
	}
	tx, err := db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	defer func() { _ = tx.Rollback() }()
	var changed []Member
	require.NoError(t, sqlscan.Select(t.Context(), tx, &changed, "UPDATE members SET goals = goals + 1 RETURNING *"))
	require.Len(t, changed, 45)
	var notice struct{ ID int }
	require.NoError(t, sqlscan.Get(t.Context(), tx, &notice, "INSERT INTO notices (text) VALUES ('a goal each') RETURNING id"))
	assert.Equal(t, 1, notice.ID)
	assert.Equal(t, 285+45, goals(tx))
	assert.Equal(t, 285, goals(db))
	require.NoError(t, tx.Commit())
	assert.Equal(t, 285+45, goals(db))
	assert.Equal(t, "1", c.Counts(t, "notices")[0])

	conn, err := db.Conn(t.Context())
	require.NoError(t, err)
	defer conn.Close()
	assert.Equal(t, 330, goals(conn))
}

func failures(t *testing.T, _ *cluster.Cluster, db *sql.DB) {
	var teams []Team
	require.ErrorContains(t, sqlscan.Select(t.Context(), db, &teams, "SELECT * FROM teams"), "colours")
	lenient, err := sqlscan.NewDBScanAPI(dbscan.WithAllowUnknownColumns(true))
	require.NoError(t, err)
	api, err := sqlscan.NewAPI(lenient)
	require.NoError(t, err)
	require.NoError(t, api.Select(t.Context(), db, &teams, "SELECT * FROM teams"))

	var team Team
	require.ErrorContains(t, sqlscan.Get(t.Context(), db, &team, "SELECT id, name FROM teams"), "expected 1 row")
	var number int
	require.Error(t, sqlscan.Get(t.Context(), db, &number, "SELECT 1 / (goals - goals) FROM members"))
	// What failed has left no connection behind that is still reading.
	assert.Zero(t, db.Stats().InUse)
}
