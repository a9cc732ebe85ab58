// Package scany_test scans xapg's rows with scany, on one shard and on three.
package scany_test

import (
	"database/sql"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver/clients/cluster"
)

func TestMain(m *testing.M) { cluster.Main(m) }

// Teams and their members are sharded by team, cities are on every shard, and notices
// are on the first.
const schema = `
CREATE TABLE cities (code text PRIMARY KEY, name text NOT NULL);
CREATE TABLE teams (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text NOT NULL, city text REFERENCES cities, founded date, colours text[]);
CREATE TABLE members (team_id uuid REFERENCES teams, number int, name text NOT NULL, goals int NOT NULL DEFAULT 0, PRIMARY KEY (team_id, number));
CREATE TABLE notices (id serial PRIMARY KEY, text text)`

var placement = []string{"key.teams=id", "key.members=team_id", "reference=cities"}

const teams = 9

// league is a cluster with nine teams, of which the i-th has i members with i goals
// each, and the first neither a city nor a date.
func league(t *testing.T, c *cluster.Cluster) *sql.DB {
	t.Helper()
	db := c.Open(t)
	do := func(query string, args ...any) {
		_, err := db.ExecContext(t.Context(), query, args...)
		require.NoError(t, err)
	}
	do(schema)
	do("INSERT INTO cities VALUES ('NBO', 'Nairobi'), ('MBA', 'Mombasa')")
	for i := 1; i <= teams; i++ {
		name := fmt.Sprint("team ", i)
		if i == 1 {
			do("INSERT INTO teams (id, name) VALUES (md5($1)::uuid, $1)", name)
		} else {
			do("INSERT INTO teams VALUES (md5($1)::uuid, $1, $2, make_date($3, 1, 1), $4)",
				name, []string{"NBO", "MBA"}[i%2], 1960+i, []string{"red", fmt.Sprint(i)})
		}
		for n := range i {
			do("INSERT INTO members VALUES (md5($1)::uuid, $2, $3, $4)", name, n+1, fmt.Sprintf("member %d of %d", n+1, i), i)
		}
	}
	return db
}
