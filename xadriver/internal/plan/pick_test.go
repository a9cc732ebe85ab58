package plan_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver/internal/plan"
)

func TestRowsThatAreChosenAreLockedWhereTheyAre(t *testing.T) {
	for _, s := range []struct{ sql, source, stay string }{
		{"SELECT * FROM bills WHERE note = 'x' ORDER BY n LIMIT 1 FOR UPDATE",
			"SELECT bills.owner AS xapg_c1, bills.n AS xapg_c2 FROM bills WHERE note = 'x' ORDER BY n LIMIT 1",
			"SELECT bills.* FROM bills, rows$2 x WHERE bills.owner = x.xapg_1::text AND bills.n = x.xapg_2::bigint AND note = 'x' ORDER BY x.xapg_n FOR UPDATE OF bills"},
		{"SELECT b.note AS n, upper(note) FROM bills AS b WHERE (n = 1 OR amount > 2) AND n > 0 ORDER BY n DESC, 2, b.amount LIMIT 2 OFFSET 1 FOR SHARE NOWAIT",
			"SELECT b.owner AS xapg_c1, b.n AS xapg_c2 FROM bills b WHERE (n = 1 OR amount > 2) AND n > 0 ORDER BY b.note DESC, upper(note), b.amount LIMIT 2 OFFSET 1",
			"SELECT b.note AS n, upper(note) AS upper FROM bills b, rows$2 x WHERE b.owner = x.xapg_1::text AND b.n = x.xapg_2::bigint AND ((n = 1 OR amount > 2) AND n > 0) ORDER BY x.xapg_n FOR SHARE OF b NOWAIT"},
		{"SELECT y.amount, $1 FROM bills y WHERE amount > $2 LIMIT $3 FOR NO KEY UPDATE OF y FOR KEY SHARE",
			"SELECT y.owner AS xapg_c1, y.n AS xapg_c2 FROM bills y WHERE amount > $2::bigint LIMIT $3::bigint",
			`SELECT y.amount AS amount, $1::bigint AS "?column?" FROM bills y, rows$5 x WHERE y.owner = x.xapg_1::text AND y.n = x.xapg_2::bigint AND amount > $2::bigint ORDER BY x.xapg_n FOR NO KEY UPDATE OF y FOR KEY SHARE OF y`},
	} {
		w, _, err := written(t, s.sql, int8OID, int8OID, int8OID)
		if err == nil && !strings.Contains(s.sql, "$") {
			w, _, err = written(t, s.sql)
		}
		require.NoError(t, err, s.sql)
		assert.Equal(t, "find and lock", w.Strategy, s.sql)
		assert.Equal(t, s.source, short(w.Source.String()), s.sql)
		assert.Equal(t, s.stay, short(w.Stay.String()), s.sql)
		assert.Equal(t, []int{2, 0, 0}, []int{w.Width, w.Key, w.OldKey}, s.sql)
		assert.True(t, w.Returning && w.Counted && w.Leave.Empty() && w.Arrive.Empty() && w.Lock == nil, s.sql)
	}
}

func TestRowsThatCannotBeFoundFirstAreNotChosen(t *testing.T) {
	for sql, want := range map[string]string{
		"SELECT * FROM bills LIMIT 1 FOR UPDATE SKIP LOCKED":                                     "no FOR UPDATE or FOR SHARE with LIMIT",
		"SELECT * FROM bills WHERE n = (SELECT max(n) FROM currencies) LIMIT 1 FOR UPDATE":       "no FOR UPDATE or FOR SHARE with LIMIT",
		"SELECT * FROM bills WHERE random() > 0.5 LIMIT 1 FOR UPDATE":                            "no FOR UPDATE or FOR SHARE with LIMIT",
		"SELECT * FROM bills WHERE peek(note) LIMIT 1 FOR UPDATE":                                "no a call of function peek",
		"SELECT ctid FROM bills LIMIT 1 FOR UPDATE":                                              "no a place of rows",
		"SELECT *, n + 1 AS k FROM bills ORDER BY k LIMIT 1 FOR UPDATE":                          "no FOR UPDATE or FOR SHARE with LIMIT",
		"SELECT k FROM bills AS b(k) LIMIT 1 FOR UPDATE":                                         "no FOR UPDATE or FOR SHARE with LIMIT",
		"SELECT * FROM accounts LIMIT 1 FOR UPDATE":                                              "no a SELECT FOR UPDATE with LIMIT of table accounts, which has no primary key",
		"SELECT b.n FROM bills b JOIN accounts a USING (owner) LIMIT 1 FOR UPDATE":               "no FOR UPDATE or FOR SHARE with LIMIT",
		"WITH q AS (SELECT 1) SELECT * FROM bills LIMIT 1 FOR UPDATE":                            "no FOR UPDATE or FOR SHARE with LIMIT",
		"SELECT * FROM (SELECT * FROM bills LIMIT 1 FOR UPDATE) AS q WHERE q.n > 1 ORDER BY q.n": "no FOR UPDATE or FOR SHARE",
	} {
		p, cat := world(t)
		made, err := p.Plan(sql, cat, nil)
		require.NoError(t, err, sql)
		_, err = made.Statements[0].Target(nil, plan.Hint{})
		switch d := (&describer{cat: cat}); {
		case err != nil:
		case made.Statements[0].Picks:
			_, err = made.Statements[0].Write(d)
		default:
			_, err = made.Statements[0].Program(d, 0)
		}
		require.Error(t, err, sql)
		assert.Contains(t, failure(err), want, sql)
	}
	for _, sql := range []string{"SELECT * FROM bills WHERE owner = 'b' LIMIT 1 FOR UPDATE", "SELECT * FROM bills WHERE owner = 'b' LIMIT 1 FOR UPDATE SKIP LOCKED"} {
		assert.Equal(t, "s1", goes(t, sql), "one shard does as one server does: %s", sql)
	}
}
