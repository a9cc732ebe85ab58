package plan_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestReturningMayReadWhatIsOnTheRowsShard(t *testing.T) {
	check(t, []spec{
		{"INSERT INTO bills (owner, n) VALUES ('b', 1) RETURNING (SELECT balance FROM accounts a WHERE a.owner = bills.owner)", nil, "s1"},
		{"INSERT INTO bills AS b (owner, n) VALUES ($1, 1) RETURNING n, (SELECT count(*) FROM ledger l WHERE l.owner = b.owner AND l.n > b.n)", a("c"), "s2"},
		{"INSERT INTO bills (owner, n) SELECT 'b', 1 RETURNING (SELECT balance FROM accounts a WHERE a.owner = bills.owner)", nil, "s1"},
		{"INSERT INTO bills (owner, n) VALUES ('b', 1) ON CONFLICT (owner, n) DO UPDATE SET amount = (SELECT sum(amount) FROM ledger l WHERE l.owner = excluded.owner)", nil, "s1"},
		{"INSERT INTO bills (owner, n) VALUES ('b', 1) RETURNING (SELECT sum(n) FROM (SELECT n FROM ledger l WHERE l.owner = bills.owner) q)", nil, "s1"},
		{"INSERT INTO bills (owner, n) VALUES ('b', 1) RETURNING EXISTS (SELECT FROM rich r WHERE r.owner = bills.owner)", nil, "s1"},
		{"INSERT INTO bills (owner, n) SELECT owner, 1 FROM accounts RETURNING (SELECT count(*) FROM ledger l WHERE l.owner = bills.owner)", nil, "s0+s1+s2"},
		{"INSERT INTO bills (owner, n) VALUES ('a', 1), ('b', 1) RETURNING (SELECT balance FROM accounts a WHERE a.owner = bills.owner)", nil, "composed"},
		{"INSERT INTO bills (owner, n) VALUES ('b', 1) RETURNING (SELECT balance FROM accounts a WHERE a.owner = bills.note)", nil, "composed"},
		{"INSERT INTO bills (owner, n) VALUES ('b', 1) RETURNING (SELECT max(balance) FROM accounts)", nil, "composed"},
		{"INSERT INTO bills (owner, n) VALUES ('b', 1) RETURNING (SELECT max(balance) FROM accounts WHERE owner = 'b2')", nil, "s1"},
	})
	for sql, strategy := range map[string]string{
		"INSERT INTO bills (owner, n) VALUES ('a', 1), ('b', 1) RETURNING (SELECT balance FROM accounts a WHERE a.owner = bills.owner)":                     "split",
		"INSERT INTO bills (owner, n) SELECT note, 1 FROM accounts RETURNING (SELECT balance FROM accounts a WHERE a.owner = bills.owner)":                  "evaluate and split",
		"INSERT INTO bills (owner, n) VALUES (upper('b'), 1) ON CONFLICT (owner, n) DO UPDATE SET n = (SELECT 1 FROM ledger l WHERE l.owner = bills.owner)": "evaluate and split",
	} {
		w, _, err := written(t, sql)
		if assert.NoError(t, err, sql) {
			assert.Equal(t, strategy, w.Strategy, sql)
			assert.NoError(t, attempt(t, sql), sql)
		}
	}
	for _, sql := range []string{
		"INSERT INTO bills (owner, n) VALUES ('a', 1), ('b', 1) RETURNING (SELECT balance FROM accounts a WHERE a.owner = bills.note)",
		"INSERT INTO bills (owner, n) VALUES ('b', 1) RETURNING (SELECT max(balance) FROM accounts)",
		"INSERT INTO bills (owner, n) VALUES ('a', 1), ('b', 1) RETURNING (SELECT max(what) FROM audit)",
	} {
		err := attempt(t, sql)
		if assert.Error(t, err, sql) {
			assert.True(t, strings.HasPrefix(failure(err), "no a subquery in RETURNING or ON CONFLICT"), sql)
		}
	}
}
