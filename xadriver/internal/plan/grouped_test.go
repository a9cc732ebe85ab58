package plan_test

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// answered is a query that a PostgreSQL session answers from the shards' rows.
type answered struct{ sql, each, final string }

// where is the clause that has no part in the types.
var where = regexp.MustCompile(` WHERE .*?( GROUP BY |$)`)

func checkAnswered(t *testing.T, strategy string, list []answered) {
	t.Helper()
	for _, s := range list {
		p, _, _ := program(t, s.sql, 0)
		assert.Equal(t, strategy, p.Strategy, s.sql)
		assert.Equal(t, s.each, each(t, p), s.sql)
		assert.Equal(t, s.final, final(p), s.sql)
		assert.Empty(t, p.Pulls, s.sql)
		require.Len(t, p.Create, 1, s.sql)
		assert.Contains(t, p.Create[0], " AS "+where.ReplaceAllString(s.each, "$1")+" WITH NO DATA", "the table has the types of what fills it: %s", s.sql)
		assert.NotContains(t, p.Create[0], "$", "nothing is passed to it")
	}
}

func TestEachShardSumsUpItsOwnRows(t *testing.T) {
	checkAnswered(t, "partial aggregates", []answered{
		{"SELECT count(*) FROM accounts", "SELECT count(*) AS c1 FROM accounts", "SELECT pg_catalog.sum(c1)::bigint AS count FROM pg_temp.xapg_part"},
		{"SELECT count(note) FROM accounts WHERE balance > 3", "SELECT count(note) AS c1 FROM accounts WHERE balance > 3", "SELECT pg_catalog.sum(c1)::bigint AS count FROM pg_temp.xapg_part"},
		// A sum has the type that PostgreSQL gives it, and so has the sum of the sums.
		{"SELECT sum(i), sum(i::int8) FROM typed", "SELECT sum(i) AS c1, sum(i::int8) AS c2 FROM typed", "SELECT pg_catalog.sum(c1)::bigint AS sum, pg_catalog.sum(c2) AS sum FROM pg_temp.xapg_part"},
		{"SELECT sum(num), sum(f), sum(g), sum(iv) FROM typed", "SELECT sum(num) AS c1, sum(f) AS c2, sum(g) AS c3, sum(iv) AS c4 FROM typed",
			"SELECT pg_catalog.sum(c1) AS sum, pg_catalog.sum(c2) AS sum, pg_catalog.sum(c3) AS sum, pg_catalog.sum(c4) AS sum FROM pg_temp.xapg_part"},
		{"SELECT min(note), max(balance) FROM accounts", "SELECT min(note) AS c1, max(balance) AS c2 FROM accounts", "SELECT pg_catalog.min(c1) AS min, pg_catalog.max(c2) AS max FROM pg_temp.xapg_part"},
		{"SELECT bool_and(b), bool_or(b), every(b), bit_and(i), bit_or(i), bit_xor(i) FROM typed",
			"SELECT bool_and(b) AS c1, bool_or(b) AS c2, every(b) AS c3, bit_and(i) AS c4, bit_or(i) AS c5, bit_xor(i) AS c6 FROM typed",
			"SELECT pg_catalog.bool_and(c1) AS bool_and, pg_catalog.bool_or(c2) AS bool_or, pg_catalog.every(c3) AS every, pg_catalog.bit_and(c4) AS bit_and, pg_catalog.bit_or(c5) AS bit_or, pg_catalog.bit_xor(c6) AS bit_xor FROM pg_temp.xapg_part"},
		// An average is that of all rows, not of averages.
		{"SELECT avg(balance) FROM accounts", "SELECT pg_catalog.sum(balance) AS c1, pg_catalog.count(balance) AS c2 FROM accounts",
			"SELECT pg_catalog.sum(c1) / (NULLIF(pg_catalog.sum(c2), 0)) AS avg FROM pg_temp.xapg_part"},
		{"SELECT avg(f), avg(iv) FROM typed", "SELECT pg_catalog.sum(f) AS c1, pg_catalog.count(f) AS c2, pg_catalog.sum(iv) AS c3, pg_catalog.count(iv) AS c4 FROM typed",
			"SELECT pg_catalog.sum(c1) / (NULLIF(pg_catalog.sum(c2), 0))::double precision AS avg, pg_catalog.sum(c3) / (NULLIF(pg_catalog.sum(c4), 0))::double precision AS avg FROM pg_temp.xapg_part"},
		{"SELECT avg(g), sum(g) FROM typed", "SELECT pg_catalog.sum(g::double precision) AS c1, pg_catalog.count(g) AS c2, sum(g) AS c3 FROM typed", // avg sums float4 as float8
			"SELECT pg_catalog.sum(c1) / (NULLIF(pg_catalog.sum(c2), 0))::double precision AS avg, pg_catalog.sum(c3) AS sum FROM pg_temp.xapg_part"},
		// FILTER is the shards' to apply.
		{"SELECT count(*) FILTER (WHERE balance > 1), avg(balance) FILTER (WHERE note = 'x') FROM accounts",
			"SELECT count(*) FILTER (WHERE balance > 1) AS c1, pg_catalog.sum(balance) FILTER (WHERE note = 'x') AS c2, pg_catalog.count(balance) FILTER (WHERE note = 'x') AS c3 FROM accounts",
			"SELECT pg_catalog.sum(c1)::bigint AS count, pg_catalog.sum(c2) / (NULLIF(pg_catalog.sum(c3), 0)) AS avg FROM pg_temp.xapg_part"},
		// The values of the key are never on two shards; for least and greatest it makes no difference.
		{"SELECT count(DISTINCT owner), min(DISTINCT note) FROM accounts", "SELECT count(DISTINCT owner) AS c1, min(DISTINCT note) AS c2 FROM accounts",
			"SELECT pg_catalog.sum(c1)::bigint AS count, pg_catalog.min(c2) AS min FROM pg_temp.xapg_part"},
		{"SELECT sum(DISTINCT id) FROM items", "SELECT sum(DISTINCT id) AS c1 FROM items", "SELECT pg_catalog.sum(c1) AS sum FROM pg_temp.xapg_part"},
		// What is used twice is summed up once, and what is made of it is made of the whole.
		{"SELECT sum(balance), count(*), sum(balance) / count(*), -count(*) FROM accounts", "SELECT sum(balance) AS c1, count(*) AS c2 FROM accounts",
			"SELECT pg_catalog.sum(c1) AS sum, pg_catalog.sum(c2)::bigint AS count, pg_catalog.sum(c1) / pg_catalog.sum(c2)::bigint AS \"?column?\", - pg_catalog.sum(c2)::bigint AS \"?column?\" FROM pg_temp.xapg_part"},
		{"SELECT 1 FROM accounts HAVING true", "SELECT pg_catalog.count(*) AS c1 FROM accounts", "SELECT 1 AS \"?column?\" FROM pg_temp.xapg_part HAVING true"},
	})
}

func TestGroupsOfSeveralShardsBecomeOne(t *testing.T) {
	checkAnswered(t, "partial aggregates", []answered{
		{"SELECT note, count(*) FROM accounts GROUP BY note", "SELECT note AS c1, count(*) AS c2 FROM accounts GROUP BY 1", "SELECT c1 AS note, pg_catalog.sum(c2)::bigint AS count FROM pg_temp.xapg_part GROUP BY c1"},
		{"SELECT count(*) FROM accounts GROUP BY note", "SELECT note AS c1, count(*) AS c2 FROM accounts GROUP BY 1", "SELECT pg_catalog.sum(c2)::bigint AS count FROM pg_temp.xapg_part GROUP BY c1"},
		{"SELECT note FROM accounts GROUP BY 1", "SELECT note AS c1 FROM accounts GROUP BY 1", "SELECT c1 AS note FROM pg_temp.xapg_part GROUP BY c1"},
		{"SELECT upper(note) AS u, max(balance) FROM accounts GROUP BY u", "SELECT upper(note) AS c1, max(balance) AS c2 FROM accounts GROUP BY 1", "SELECT c1 AS u, pg_catalog.max(c2) AS max FROM pg_temp.xapg_part GROUP BY c1"},
		{"SELECT upper(note) || '!', count(*) FROM accounts GROUP BY upper(note) ORDER BY count(*) DESC, upper(note)", "SELECT upper(note) AS c1, count(*) AS c2 FROM accounts GROUP BY 1",
			"SELECT c1 || '!' AS \"?column?\", pg_catalog.sum(c2)::bigint AS count FROM pg_temp.xapg_part GROUP BY c1 ORDER BY pg_catalog.sum(c2)::bigint DESC, c1"},
		// A name is that of a column of FROM first.
		{"SELECT upper(note) AS note, count(*) FROM accounts GROUP BY note", "SELECT note AS c1, count(*) AS c2 FROM accounts GROUP BY 1",
			"SELECT upper(c1) AS note, pg_catalog.sum(c2)::bigint AS count FROM pg_temp.xapg_part GROUP BY c1"},
		{"SELECT a.note, count(*) FROM accounts AS a GROUP BY note", "SELECT note AS c1, count(*) AS c2 FROM accounts a GROUP BY 1", "SELECT c1 AS note, pg_catalog.sum(c2)::bigint AS count FROM pg_temp.xapg_part GROUP BY c1"},
		{"SELECT note, balance > 0, count(*) FROM accounts GROUP BY 1, 2 HAVING max(balance) < 9 AND note <> ''", "SELECT note AS c1, balance > 0 AS c2, count(*) AS c3, max(balance) AS c4 FROM accounts GROUP BY 1, 2",
			"SELECT c1 AS note, c2 AS \"?column?\", pg_catalog.sum(c3)::bigint AS count FROM pg_temp.xapg_part GROUP BY c1, c2 HAVING pg_catalog.max(c4) < 9 AND c1 <> ''"},
		{"SELECT DISTINCT count(*) FROM accounts GROUP BY note ORDER BY 1 DESC OFFSET 1", "SELECT note AS c1, count(*) AS c2 FROM accounts GROUP BY 1",
			"SELECT DISTINCT pg_catalog.sum(c2)::bigint AS count FROM pg_temp.xapg_part GROUP BY c1 ORDER BY 1 DESC OFFSET 1"},
		// Window functions see whole groups.
		{"SELECT note, sum(count(*)) OVER (ORDER BY note) FROM accounts GROUP BY note", "SELECT note AS c1, count(*) AS c2 FROM accounts GROUP BY 1",
			"SELECT c1 AS note, sum(pg_catalog.sum(c2)::bigint) OVER (ORDER BY c1) AS sum FROM pg_temp.xapg_part GROUP BY c1"},
		// FROM and WHERE are the shards'.
		{"SELECT l.n, count(*) FROM accounts a JOIN ledger l USING (owner) LEFT JOIN currencies c ON c.code = a.note WHERE l.amount > 5 GROUP BY l.n",
			"SELECT l.n AS c1, count(*) AS c2 FROM accounts a JOIN ledger l USING (owner) LEFT JOIN currencies c ON c.code = a.note WHERE l.amount > 5 GROUP BY 1",
			"SELECT c1 AS n, pg_catalog.sum(c2)::bigint AS count FROM pg_temp.xapg_part GROUP BY c1"},
		{"WITH x AS (SELECT note FROM accounts) SELECT note, count(*) FROM x GROUP BY note", "WITH x AS (SELECT note FROM accounts) SELECT note AS c1, count(*) AS c2 FROM x GROUP BY 1",
			"SELECT c1 AS note, pg_catalog.sum(c2)::bigint AS count FROM pg_temp.xapg_part GROUP BY c1"},
		{"SELECT count(*) FROM (SELECT owner FROM accounts GROUP BY owner) s", "SELECT count(*) AS c1 FROM (SELECT owner FROM accounts GROUP BY owner) s", "SELECT pg_catalog.sum(c1)::bigint AS count FROM pg_temp.xapg_part"},
	})
}

func TestWhatNeedsAllRowsAtOnceGetsTheColumnsThatItUses(t *testing.T) {
	checkAnswered(t, "merge by PostgreSQL", []answered{
		// Aggregates that cannot be put together from parts.
		{"SELECT count(DISTINCT note) FROM accounts", "SELECT note AS c1 FROM accounts", "SELECT count(DISTINCT c1) AS count FROM pg_temp.xapg_part"},
		{"SELECT count(DISTINCT (owner, note)) FROM accounts", "SELECT owner AS c1, note AS c2 FROM accounts", "SELECT count(DISTINCT (c1, c2)) AS count FROM pg_temp.xapg_part"},
		{"SELECT sum(DISTINCT balance), bit_xor(DISTINCT balance) FROM accounts", "SELECT balance AS c1 FROM accounts", "SELECT sum(DISTINCT c1) AS sum, bit_xor(DISTINCT c1) AS bit_xor FROM pg_temp.xapg_part"},
		{"SELECT avg(DISTINCT id) FROM items", "SELECT id AS c1 FROM items", "SELECT avg(DISTINCT c1) AS avg FROM pg_temp.xapg_part"},
		{"SELECT string_agg(note, ',' ORDER BY note DESC) FROM accounts", "SELECT note AS c1 FROM accounts", "SELECT string_agg(c1, ',' ORDER BY c1 DESC) AS string_agg FROM pg_temp.xapg_part"},
		{"SELECT note, array_agg(owner), stddev(balance) FROM accounts GROUP BY note", "SELECT note AS c1, owner AS c2, balance AS c3 FROM accounts",
			"SELECT c1 AS note, array_agg(c2) AS array_agg, stddev(c3) AS stddev FROM pg_temp.xapg_part GROUP BY c1"},
		{"SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY balance) FROM accounts", "SELECT balance AS c1 FROM accounts",
			"SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY c1) AS percentile_cont FROM pg_temp.xapg_part"},
		{"SELECT sum(DISTINCT balance), count(*) FROM accounts WHERE note = 'x'", "SELECT balance AS c1 FROM accounts WHERE note = 'x'", "SELECT sum(DISTINCT c1) AS sum, count(*) AS count FROM pg_temp.xapg_part"},
		// Grouping sets.
		{"SELECT note, count(*) FROM accounts GROUP BY ROLLUP (note)", "SELECT note AS c1 FROM accounts", "SELECT c1 AS note, count(*) AS count FROM pg_temp.xapg_part GROUP BY ROLLUP (c1)"},
		{"SELECT owner, count(*) FROM accounts GROUP BY CUBE (owner)", "SELECT owner AS c1 FROM accounts", "SELECT c1 AS owner, count(*) AS count FROM pg_temp.xapg_part GROUP BY CUBE (c1)"},
		{"SELECT note, GROUPING(note) AS g FROM accounts GROUP BY GROUPING SETS ((note), ())", "SELECT note AS c1 FROM accounts",
			"SELECT c1 AS note, GROUPING(c1) AS g FROM pg_temp.xapg_part GROUP BY GROUPING SETS (c1, ())"},
		// Window functions over rows of several shards.
		{"SELECT row_number() OVER (ORDER BY balance) FROM accounts", "SELECT balance AS c1 FROM accounts", "SELECT row_number() OVER (ORDER BY c1) AS row_number FROM pg_temp.xapg_part"},
		{"SELECT *, row_number() OVER (ORDER BY balance) AS n FROM accounts WHERE note = 'x'", "SELECT accounts.owner AS c1, accounts.balance AS c2, accounts.note AS c3 FROM accounts WHERE note = 'x'",
			"SELECT c1 AS owner, c2 AS balance, c3 AS note, row_number() OVER (ORDER BY c2) AS n FROM pg_temp.xapg_part"},
		{"SELECT a.owner, a.note, row_number() OVER w FROM accounts a JOIN ledger l USING (owner) WINDOW w AS (PARTITION BY a.note ORDER BY l.n) ORDER BY l.n LIMIT 2",
			"SELECT a.owner AS c1, a.note AS c2, l.n AS c3 FROM accounts a JOIN ledger l USING (owner)",
			"SELECT c1 AS owner, c2 AS note, row_number() OVER w AS row_number FROM pg_temp.xapg_part WINDOW w AS (PARTITION BY c2 ORDER BY c3) ORDER BY c3 LIMIT 2"},
		{"SELECT row_number() OVER () FROM accounts", "SELECT 1 AS c1 FROM accounts", "SELECT row_number() OVER () AS row_number FROM pg_temp.xapg_part"},
		{"SELECT row_number() OVER (PARTITION BY owner), row_number() OVER (PARTITION BY note) FROM accounts", "SELECT owner AS c1, note AS c2 FROM accounts",
			"SELECT row_number() OVER (PARTITION BY c1) AS row_number, row_number() OVER (PARTITION BY c2) AS row_number FROM pg_temp.xapg_part"},
	})
}
