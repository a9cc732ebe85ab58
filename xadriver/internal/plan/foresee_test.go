package plan_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAComputedKeyIsFoundBeforeWhatConcernsItsRow(t *testing.T) {
	for _, s := range []struct{ sql, source, arrive string }{
		{"WITH i AS (INSERT INTO computed (n) VALUES (1) RETURNING owner) INSERT INTO ledger (owner, n) SELECT owner, 1 FROM i RETURNING n",
			"SELECT upper('b'::text)::text AS c1",
			"WITH i AS (INSERT INTO computed (n, owner) VALUES (1, (KEY)[1]::text) RETURNING owner) INSERT INTO ledger (owner, n) SELECT owner, 1 FROM i RETURNING n"},
		{"WITH i AS (INSERT INTO computed VALUES (DEFAULT, $1) RETURNING owner) SELECT * FROM i JOIN ledger l USING (owner)",
			"SELECT upper('b'::text)::text AS c1",
			"WITH i AS (INSERT INTO computed (owner, n) VALUES ((KEY)[1]::text, $1::bigint) RETURNING owner) SELECT * FROM i JOIN ledger l USING (owner)"},
		{"WITH i AS (INSERT INTO accounts (balance, owner) VALUES (2, lower($1)) RETURNING *) UPDATE ledger l SET n = 1 FROM i WHERE l.owner = i.owner",
			"SELECT lower($1::bigint)::text AS c1",
			"WITH i AS (INSERT INTO accounts (balance, owner) VALUES (2, (KEY)[1]::text) RETURNING *) UPDATE ledger l SET n = 1 FROM i WHERE l.owner = i.owner"},
		{"WITH i AS (INSERT INTO accounts (owner) VALUES (lower('X')) RETURNING owner) SELECT owner FROM i", "SELECT lower('X')::text AS c1",
			"WITH i AS (INSERT INTO accounts (owner) VALUES ((KEY)[1]::text) RETURNING owner) SELECT owner FROM i"},
	} {
		assert.Equal(t, "composed", goes(t, s.sql, 1), s.sql)
		w, st, err := written(t, s.sql, int8OID)
		if !strings.Contains(s.sql, "$1") {
			w, st, err = written(t, s.sql)
		}
		require.NoError(t, err, s.sql)
		assert.Equal(t, "evaluate and send", w.Strategy, s.sql)
		assert.Equal(t, s.source, short(w.Source.String()), s.sql)
		first := map[bool]string{true: "$3", false: "$2"}[strings.Contains(s.sql, "$1")]
		assert.Equal(t, s.arrive, strings.ReplaceAll(short(w.Arrive.String()), first+"[]", "KEY"), s.sql)
		assert.Equal(t, []int{1, 0, 0}, []int{w.Width, w.Key, w.OldKey}, s.sql)
		assert.Equal(t, st.ReturnsRows, w.Returning, s.sql)
		assert.True(t, st.Writes && w.Stay.Empty() && w.Leave.Empty() && !w.Counted, s.sql)
	}
}

func TestAComputedKeyMustBeTheOnlyOne(t *testing.T) {
	for _, sql := range []string{
		"WITH i AS (INSERT INTO accounts (owner) VALUES (lower('X')) RETURNING owner) SELECT * FROM i JOIN accounts a ON a.owner = i.owner, ledger",
		"WITH i AS (INSERT INTO accounts (owner) VALUES (lower('X')) RETURNING owner) INSERT INTO accounts (owner) SELECT 'a' FROM i",
		"WITH i AS (INSERT INTO accounts (owner) VALUES (lower('X')) RETURNING owner) UPDATE accounts SET balance = 1 WHERE owner = 'a'",
		"WITH i AS (INSERT INTO accounts (owner) VALUES (lower('X'))), j AS (INSERT INTO ledger (owner) VALUES (lower('Y'))) SELECT 1",
		"WITH i AS (INSERT INTO accounts (owner) VALUES (lower('X')), (lower('Y')) RETURNING owner) SELECT * FROM i, accounts",
	} {
		check(t, []spec{{sql, nil, "no INSERT in a WITH query"}})
	}
	check(t, []spec{
		{"WITH i AS (INSERT INTO linked VALUES ('b', 2) ON CONFLICT (n) DO NOTHING RETURNING n) SELECT * FROM i", nil, "no ON CONFLICT over columns without the key"},
		{"WITH i AS (INSERT INTO numbered (tenant_id) VALUES (1) RETURNING id) SELECT * FROM i", nil, "no an omitted value for column id"},
	})
}
