package plan_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAWithQueryThatWritesIsRunBeforeWhatUsesItsRows(t *testing.T) {
	for _, s := range []struct{ sql, source, then string }{
		{"WITH c AS (UPDATE bills SET amount = 1 WHERE n = 3 RETURNING amount) SELECT count(*), sum(amount) FROM c",
			"UPDATE bills SET amount = 1 WHERE n = 3 RETURNING amount AS c1",
			"WITH c AS (SELECT x.xapg_1::bigint AS amount FROM rows$2 x ORDER BY x.xapg_n) SELECT count(*) AS count, sum(amount) AS sum FROM c"},
		{"WITH gone AS (DELETE FROM bills b WHERE amount < $1 RETURNING b.*) INSERT INTO audit SELECT n, note FROM gone WHERE n > $1 RETURNING id",
			"DELETE FROM bills b WHERE amount < $1::bigint RETURNING b.owner AS c1, b.n AS c2, b.amount AS c3, b.note AS c4",
			"WITH gone AS (SELECT x.xapg_1::text AS owner, x.xapg_2::bigint AS n, x.xapg_3::bigint AS amount, x.xapg_4::text AS note FROM rows$3 x ORDER BY x.xapg_n) INSERT INTO audit SELECT n, note FROM gone WHERE n > $1::bigint RETURNING id"},
		{"WITH c AS (INSERT INTO accounts (owner) VALUES (lower('X')), ('a') RETURNING *) SELECT * FROM c ORDER BY owner",
			"INSERT INTO accounts (owner) VALUES (lower('X')), ('a') RETURNING accounts.owner AS c1, accounts.balance AS c2, accounts.note AS c3",
			"WITH c AS (SELECT x.xapg_1::text AS owner, x.xapg_2::bigint AS balance, x.xapg_3::text AS note FROM rows$2 x ORDER BY x.xapg_n) SELECT * FROM c ORDER BY owner"},
		// What it does not return is not missed, what it names goes with it, and what has nothing to do with it stays.
		{"WITH c AS (DELETE FROM bills) SELECT 1", "DELETE FROM bills", "SELECT 1"},
		{"WITH l AS (SELECT owner, n FROM ledger), c(o) AS (DELETE FROM bills b USING l WHERE l.n = b.n RETURNING b.owner), k AS (SELECT 2 AS two) SELECT o, two FROM c, k",
			"WITH l AS (SELECT owner, n FROM ledger) DELETE FROM bills b USING l WHERE l.n = b.n RETURNING b.owner AS c1",
			"WITH c(o) AS (SELECT x.xapg_1::text AS owner FROM rows$2 x ORDER BY x.xapg_n), k AS (SELECT 2 AS two) SELECT o, two FROM c, k"},
		{"WITH c AS (UPDATE accounts SET note = now()::text RETURNING balance) UPDATE items SET price = 1 FROM c WHERE items.id = c.balance",
			"UPDATE accounts SET note = $1::timestamp with time zone::text RETURNING balance AS c1",
			"WITH c AS (SELECT x.xapg_1::bigint AS balance FROM rows$2 x ORDER BY x.xapg_n) UPDATE items SET price = 1 FROM c WHERE items.id = c.balance"},
		{"WITH c AS (DELETE FROM ledger RETURNING n) DELETE FROM bills WHERE n IN (SELECT n FROM c)", "DELETE FROM ledger RETURNING n AS c1",
			"WITH c AS (SELECT x.xapg_1::bigint AS n FROM rows$2 x ORDER BY x.xapg_n) DELETE FROM bills WHERE n IN (SELECT n FROM c)"},
		{"WITH c AS (DELETE FROM audit RETURNING id, what) INSERT INTO accounts (owner, balance) SELECT what, id FROM c", "DELETE FROM audit RETURNING id AS c1, what AS c2",
			"WITH c AS (SELECT x.xapg_1::bigint AS id, x.xapg_2::text AS what FROM rows$2 x ORDER BY x.xapg_n) INSERT INTO accounts (owner, balance) SELECT what, id FROM c"},
	} {
		assert.Equal(t, "composed", goes(t, s.sql, 5), s.sql)
		w, st, err := written(t, s.sql, int8OID)
		if !strings.Contains(s.sql, "$1") {
			w, st, err = written(t, s.sql)
		}
		require.NoError(t, err, s.sql)
		assert.Equal(t, "one after the other", w.Strategy, s.sql)
		assert.Equal(t, s.source, short(w.Source.String()), s.sql)
		assert.Equal(t, s.then, short(w.Then.String()), s.sql)
		assert.True(t, st.Writes && w.Arrive.Empty() && w.Stay.Empty() && w.Leave.Empty() && w.Lock == nil, s.sql)
		assert.Equal(t, st.ReturnsRows, w.Returning, s.sql)
	}
}

func TestWhatAWithQueryChangesMustNotBeReadBeside(t *testing.T) {
	for _, sql := range []string{
		"WITH c AS (UPDATE bills SET amount = 1 RETURNING n) SELECT count(*) FROM bills",
		"WITH c AS (UPDATE bills SET amount = 1 RETURNING n) SELECT count(*) FROM c, bills b",
		"WITH c AS (DELETE FROM bills RETURNING n) INSERT INTO bills (owner, n) SELECT 'x', n FROM c",
		"WITH c AS (DELETE FROM bills RETURNING n), d AS (DELETE FROM ledger RETURNING n) SELECT * FROM c, d",
		"WITH c AS (DELETE FROM accounts_2026 RETURNING balance) SELECT * FROM c, accounts", // a partition of it
		"WITH c AS (DELETE FROM accounts RETURNING balance) SELECT * FROM c, rich",          // a view
		"WITH c AS (DELETE FROM linked RETURNING n) SELECT count(*) FROM c, ledger",         // rows of others may go with it
		"WITH c AS (DELETE FROM guarded RETURNING n) SELECT count(*) FROM c, ledger",        // triggers may do anything
		"WITH c AS (DELETE FROM guarded RETURNING n) INSERT INTO audit SELECT n FROM c",
		"WITH l AS (SELECT n FROM ledger), c AS (DELETE FROM bills USING l WHERE bills.n = l.n RETURNING bills.n) SELECT count(*) FROM c, l",
		"WITH RECURSIVE c AS (DELETE FROM bills RETURNING n) SELECT count(*) FROM c",
		"WITH c AS (DELETE FROM bills RETURNING ctid) SELECT count(*) FROM c",
		"WITH c AS (DELETE FROM bills RETURNING n) SELECT peek(n::text) FROM c",
	} {
		assert.True(t, strings.HasPrefix(goes(t, sql), "no "), "%s\n  goes: %s", sql, goes(t, sql))
	}
	for _, sql := range []string{
		"WITH c AS (DELETE FROM linked RETURNING n) SELECT count(*) FROM c",
		"WITH c AS (DELETE FROM guarded RETURNING n) SELECT count(*) FROM c",
	} {
		assert.NoError(t, attempt(t, sql), "nothing is read beside: %s", sql)
	}
	for sql, want := range map[string]string{
		"WITH c AS (DELETE FROM typed RETURNING c) SELECT * FROM c ORDER BY c":                       "no a column with a collation of its own",
		"WITH c AS (DELETE FROM typed RETURNING upper(c) AS u) SELECT * FROM c ORDER BY u":           "no text that a WITH query computes",
		"WITH c AS (DELETE FROM bills b USING ledger l WHERE l.n = b.n RETURNING *) SELECT * FROM c": "no this write over several shards",
		"WITH c AS (DELETE FROM bills RETURNING (owner, n)) SELECT * FROM c":                         "no this write over several shards",
	} {
		_, _, err := written(t, sql)
		require.Error(t, err, sql)
		assert.True(t, strings.HasPrefix(failure(err), want), "%s\n  is: %s", sql, failure(err))
	}
}
