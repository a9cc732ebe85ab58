package plan_test

import "testing"

func TestWhatAnInsertReturnsIsTiedToItsRow(t *testing.T) {
	check(t, []spec{
		{"WITH i AS (INSERT INTO accounts (owner) VALUES ('b') RETURNING owner) INSERT INTO ledger (owner, n) SELECT owner, 1 FROM i", nil, "s1"},
		{"WITH i AS (INSERT INTO accounts (owner) VALUES ($1) RETURNING owner AS k, balance) INSERT INTO ledger (owner, n) SELECT k, balance FROM i RETURNING *", a("c"), "s2"},
		{"WITH i AS (INSERT INTO accounts (owner) VALUES ('b') RETURNING *) INSERT INTO ledger SELECT i.owner, 1, 2 FROM i", nil, "s1"},
		{"WITH i AS (INSERT INTO accounts AS x (owner) VALUES ('b') RETURNING x.owner) SELECT * FROM i JOIN ledger l ON l.owner = i.owner", nil, "s1"},
		{"WITH i AS (INSERT INTO accounts (owner) SELECT 'b' RETURNING owner) UPDATE ledger l SET n = 1 FROM i WHERE l.owner = i.owner", nil, "s1"},
		{"WITH i AS (INSERT INTO accounts (owner) SELECT owner FROM ledger RETURNING owner) DELETE FROM ledger l USING i WHERE l.owner = i.owner", nil, "s0+s1+s2"},
		{"WITH i AS (INSERT INTO accounts (owner) VALUES ('b'), ('b2') RETURNING owner) SELECT * FROM i JOIN ledger l ON l.owner = i.owner WHERE l.owner = 'b'", nil, "s1"},
		// Which row, or which key, cannot be told.
		{"WITH i AS (INSERT INTO accounts (owner) VALUES ('b'), ('b2') RETURNING owner) INSERT INTO ledger (owner, n) SELECT owner, 1 FROM i", nil, "s1"},
		{"WITH i AS (INSERT INTO accounts (owner) VALUES ('b'), ('c') RETURNING owner) INSERT INTO ledger (owner, n) SELECT owner, 1 FROM i", nil, "composed"},
		{"WITH i AS (INSERT INTO accounts (owner) VALUES ('b') RETURNING note) INSERT INTO ledger (owner, n) SELECT note, 1 FROM i", nil, "composed"},
		{"WITH i AS (INSERT INTO accounts (owner) VALUES ('b') RETURNING upper(owner) AS owner) INSERT INTO ledger (owner, n) SELECT owner, 1 FROM i", nil, "composed"},
		{"WITH i AS (INSERT INTO accounts (owner, note) VALUES ('b', 'c') RETURNING note AS owner) SELECT * FROM i JOIN accounts l ON l.owner = i.owner", nil, "no "},
		{"WITH i AS (INSERT INTO accounts (owner) VALUES ('b') RETURNING owner), j AS (INSERT INTO accounts (owner) VALUES ('c') RETURNING owner) SELECT * FROM i, j", nil, "no a WITH query"},
	})
}

func TestWhatASubqueryIsBoundToBindsWhatItIsJoinedWith(t *testing.T) {
	check(t, []spec{
		{"WITH i AS (SELECT owner FROM accounts WHERE owner = 'b') SELECT * FROM i JOIN ledger l ON l.owner = i.owner", nil, "s1"},
		{"SELECT count(*) FROM ledger l, (SELECT owner FROM accounts WHERE owner IN ('b', $1)) i WHERE l.owner = i.owner", a("b2"), "s1"},
		{"SELECT l.n FROM (SELECT owner FROM accounts WHERE owner = 'b') i JOIN ledger l USING (owner) ORDER BY l.n", nil, "s1"},
		{"SELECT * FROM (SELECT owner FROM accounts WHERE owner = 'b') i JOIN (SELECT owner, n FROM ledger) l ON i.owner = l.owner", nil, "s1"},
		{"SELECT * FROM (SELECT owner, n FROM ledger) l JOIN (SELECT owner FROM accounts WHERE owner = 'b') i ON i.owner = l.owner", nil, "s1"},
		{"UPDATE ledger l SET n = 1 FROM (SELECT owner FROM accounts WHERE owner = 'b') i WHERE l.owner = i.owner", nil, "s1"},
		{"WITH i AS (DELETE FROM accounts WHERE owner = 'b' RETURNING owner) DELETE FROM ledger l USING i WHERE l.owner = i.owner", nil, "s1"},
		{"SELECT * FROM ledger l LEFT JOIN (SELECT owner FROM accounts WHERE owner = 'b') i ON true WHERE l.owner = i.owner", nil, "s1"},
		{"SELECT * FROM ledger l, LATERAL (SELECT owner FROM accounts WHERE owner = 'b') i WHERE l.owner = i.owner", nil, "s1"},
		{"WITH i AS (SELECT owner FROM accounts WHERE owner = 'b') SELECT * FROM ledger l, i x, i y WHERE l.owner = y.owner", nil, "s1"},
		{"WITH i AS (INSERT INTO accounts (owner) VALUES ('b') RETURNING owner), j AS (INSERT INTO ledger (owner) SELECT owner FROM i) SELECT * FROM i", nil, "s1"},
		{"WITH i AS (SELECT owner FROM accounts WHERE owner = 'b'), j AS (SELECT count(*) FROM i) INSERT INTO bills (owner, n) SELECT owner, 1 FROM i", nil, "s1"},
		{"WITH i AS (SELECT owner FROM accounts WHERE owner IN ('b', 'c')), j AS (SELECT count(*) FROM i) INSERT INTO bills (owner, n) SELECT owner, 1 FROM i", nil, "composed s1+s2"},
		{"WITH i AS (SELECT owner FROM accounts WHERE owner = 'b') SELECT * FROM i x JOIN i y ON x.owner = y.owner WHERE y.owner = 'c'", nil, "s1"},
		{"WITH i AS (SELECT owner FROM accounts) SELECT * FROM i x, i y WHERE y.owner = 'b'", nil, "composed"},
		// It says nothing of rows that are kept without a match, or of those outside of a condition.
		{"SELECT * FROM ledger l LEFT JOIN (SELECT owner FROM accounts WHERE owner = 'b') i ON l.owner = i.owner", nil, "s0+s1+s2"},
		{"SELECT * FROM (SELECT owner FROM accounts WHERE owner = 'b') i RIGHT JOIN ledger l ON l.owner = i.owner", nil, "s0+s1+s2"},
		{"SELECT * FROM ledger l FULL JOIN (SELECT owner FROM accounts WHERE owner = 'b') i ON l.owner = i.owner", nil, "composed"},
		{"SELECT * FROM ledger l WHERE EXISTS (SELECT FROM (SELECT owner FROM accounts WHERE owner = 'b') i WHERE l.owner = i.owner) OR l.n = 1", nil, "s0+s1+s2"},
		{"SELECT * FROM ledger l WHERE n = (SELECT count(*) FROM accounts i WHERE l.owner = i.owner AND i.owner = 'b')", nil, "s0+s1+s2"},
		{"MERGE INTO ledger l USING (SELECT owner FROM accounts WHERE owner = 'b') i ON l.owner = i.owner WHEN MATCHED THEN DELETE", nil, "s1"},
		{"SELECT * FROM ledger l JOIN (SELECT owner FROM accounts WHERE owner = 'b' OR balance = 1) i ON l.owner = i.owner", nil, "s0+s1+s2"},
	})
}
