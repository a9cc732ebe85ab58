package plan_test

import (
	"database/sql/driver"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver/internal/plan"
)

// program composes a SELECT with a describer that knows the world's tables.
func program(t testing.TB, sql string, how int, params ...uint32) (*plan.Program, *plan.Statement, *describer) {
	t.Helper()
	p, cat := world(t)
	made, err := p.Plan(sql, cat, nil)
	require.NoError(t, err, sql)
	require.Len(t, made.Statements, 1, sql)
	d := &describer{cat: cat, params: params}
	prog, err := made.Statements[0].Program(d, how)
	require.NoError(t, err, sql)
	return prog, made.Statements[0], d
}

// each is what every shard is asked, without the wrapping that makes texts of its
// columns where they go into a table.
func each(t testing.TB, p *plan.Program) string {
	t.Helper()
	sql := p.Scatter.String()
	if p.Part == "" {
		return sql
	}
	_, inner, found := strings.Cut(sql, " FROM (")
	require.True(t, found, sql)
	at := strings.LastIndex(inner, ") part(")
	require.Positive(t, at, sql)
	return inner[:at]
}

// merged is a query that is answered by the shards' rows in order.
type merged struct {
	sql  string
	each string // what each shard is asked
	keys []plan.Key
}

func TestRowsAreMergedInTheDriverWhereItKnowsTheirOrderExactly(t *testing.T) {
	asc := func(columns ...int) (keys []plan.Key) {
		for _, c := range columns {
			keys = append(keys, plan.Key{Column: c})
		}
		return keys
	}
	for _, s := range []merged{
		{"SELECT * FROM accounts ORDER BY balance", "SELECT * FROM accounts ORDER BY balance", asc(1)},
		{"SELECT * FROM accounts ORDER BY 2", "SELECT * FROM accounts ORDER BY 2", asc(1)},
		{"SELECT owner, balance AS b FROM accounts ORDER BY b", "SELECT owner, balance AS b FROM accounts ORDER BY b", asc(1)},
		// What is ordered by but not returned is asked for besides.
		{"SELECT owner FROM accounts ORDER BY balance", "SELECT owner, balance AS xapg_sort_1 FROM accounts ORDER BY balance", asc(1)},
		{"SELECT owner FROM accounts ORDER BY abs(balance)", "SELECT owner, abs(balance) AS xapg_sort_1 FROM accounts ORDER BY abs(balance)", asc(1)},
		{"SELECT b, raw, i, f, g, d, ts, tz, u FROM typed ORDER BY 1, 2, 3, 4, 5, 6, 7, 8, 9", "SELECT b, raw, i, f, g, d, ts, tz, u FROM typed ORDER BY 1, 2, 3, 4, 5, 6, 7, 8, 9", asc(0, 1, 2, 3, 4, 5, 6, 7, 8)},
		// Text that is ordered by its bytes: by the column's collation, or as it is written.
		{"SELECT owner FROM typed ORDER BY c", "SELECT owner, c AS xapg_sort_1 FROM typed ORDER BY c", asc(1)},
		{"SELECT owner, c FROM typed ORDER BY 2", "SELECT owner, c FROM typed ORDER BY 2", asc(1)},
		{`SELECT owner FROM typed ORDER BY owner COLLATE "C"`, `SELECT owner, owner COLLATE "C" AS xapg_sort_1 FROM typed ORDER BY owner COLLATE "C"`, asc(1)},
		{`SELECT owner FROM typed ORDER BY owner COLLATE pg_catalog."POSIX"`, `SELECT owner, owner COLLATE pg_catalog."POSIX" AS xapg_sort_1 FROM typed ORDER BY owner COLLATE pg_catalog."POSIX"`, asc(1)},
		// Directions, and where NULLs go.
		{"SELECT i FROM typed ORDER BY i DESC", "SELECT i FROM typed ORDER BY i DESC", []plan.Key{{Desc: true, NullsFirst: true}}},
		{"SELECT i FROM typed ORDER BY i DESC NULLS LAST", "SELECT i FROM typed ORDER BY i DESC NULLS LAST", []plan.Key{{Desc: true}}},
		{"SELECT i FROM typed ORDER BY i NULLS FIRST", "SELECT i FROM typed ORDER BY i NULLS FIRST", []plan.Key{{NullsFirst: true}}},
		{"SELECT i FROM typed ORDER BY i DESC NULLS FIRST, d NULLS LAST", "SELECT i, d AS xapg_sort_1 FROM typed ORDER BY i DESC NULLS FIRST, d NULLS LAST", []plan.Key{{Desc: true, NullsFirst: true}, {Column: 1}}},
		// Grouped by the key, each group is on one shard.
		{"SELECT owner, count(*) FROM accounts GROUP BY owner ORDER BY count(*) DESC", "SELECT owner, count(*) FROM accounts GROUP BY owner ORDER BY count(*) DESC", []plan.Key{{Column: 1, Desc: true, NullsFirst: true}}},
		{"SELECT DISTINCT owner, balance FROM accounts ORDER BY balance", "SELECT DISTINCT owner, balance FROM accounts ORDER BY balance", asc(1)},
		{"SELECT a.note FROM accounts a JOIN ledger l USING (owner) ORDER BY l.n", "SELECT a.note, l.n AS xapg_sort_1 FROM accounts a JOIN ledger l USING (owner) ORDER BY l.n", asc(1)},
		{"SELECT owner FROM accounts ORDER BY balance FOR UPDATE", "SELECT owner, balance AS xapg_sort_1 FROM accounts ORDER BY balance FOR UPDATE", asc(1)},
	} {
		p, _, _ := program(t, s.sql, 0)
		assert.Equal(t, "ordered merge", p.Strategy, s.sql)
		require.NotNil(t, p.Ordered, s.sql)
		assert.Equal(t, s.keys, p.Ordered.Keys, s.sql)
		assert.Equal(t, s.each, p.Scatter.String(), s.sql)
		assert.Len(t, p.Columns, p.Ordered.Visible, "only the statement's own columns are shown: %s", s.sql)
		assert.True(t, p.Final.Empty() && p.Part == "" && len(p.Create) == 0, "no PostgreSQL session is needed: %s", s.sql)
	}
}

func TestPostgreSQLItselfMergesWhatTheDriverCannotCompareExactly(t *testing.T) {
	for _, s := range []struct{ sql, each, final string }{
		{"SELECT * FROM accounts ORDER BY note", "SELECT * FROM accounts", "SELECT c1 AS owner, c2 AS balance, c3 AS note FROM pg_temp.xapg_part ORDER BY c3"},
		{"SELECT owner FROM typed ORDER BY num DESC", "SELECT owner, num AS xapg_sort_1 FROM typed", "SELECT c1 AS owner FROM pg_temp.xapg_part ORDER BY c2 DESC"},
		{"SELECT owner FROM typed ORDER BY iv", "SELECT owner, iv AS xapg_sort_1 FROM typed", "SELECT c1 AS owner FROM pg_temp.xapg_part ORDER BY c2"},
		{"SELECT owner, v FROM typed ORDER BY v", "SELECT owner, v FROM typed", "SELECT c1 AS owner, c2 AS v FROM pg_temp.xapg_part ORDER BY c2"},
		{"SELECT fixed FROM typed ORDER BY fixed", "SELECT fixed FROM typed", "SELECT c1 AS fixed FROM pg_temp.xapg_part ORDER BY c1"},
		// What is made of a column may have another collation than the column.
		{"SELECT upper(c) AS c FROM typed ORDER BY c", "SELECT upper(c) AS c FROM typed", "SELECT c1 AS c FROM pg_temp.xapg_part ORDER BY c1"},
		{`SELECT owner FROM typed ORDER BY c COLLATE "de_DE"`, `SELECT owner, c COLLATE "de_DE" AS xapg_sort_1 FROM typed`, "SELECT c1 AS owner FROM pg_temp.xapg_part ORDER BY c2"},
		{"SELECT owner FROM accounts ORDER BY balance USING >", "SELECT owner, balance AS xapg_sort_1 FROM accounts", "SELECT c1 AS owner FROM pg_temp.xapg_part ORDER BY c2 USING >"},
		// A key that the driver could compare does not help beside one that it cannot.
		{"SELECT owner FROM accounts ORDER BY balance, note", "SELECT owner, balance AS xapg_sort_1, note AS xapg_sort_2 FROM accounts", "SELECT c1 AS owner FROM pg_temp.xapg_part ORDER BY c2, c3"},
		{"SELECT owner FROM accounts ORDER BY note FOR UPDATE", "SELECT owner, note AS xapg_sort_1 FROM accounts FOR UPDATE", "SELECT c1 AS owner FROM pg_temp.xapg_part ORDER BY c2"},
		// What is equal is PostgreSQL's to say too.
		{"SELECT DISTINCT note FROM accounts", "SELECT DISTINCT note FROM accounts", "SELECT DISTINCT c1 AS note FROM pg_temp.xapg_part"},
		{"SELECT DISTINCT balance FROM accounts ORDER BY 1", "SELECT DISTINCT balance FROM accounts", "SELECT DISTINCT c1 AS balance FROM pg_temp.xapg_part ORDER BY c1"},
		{"SELECT DISTINCT ON (note) owner FROM accounts ORDER BY note, balance", "SELECT DISTINCT ON (note) owner, note AS xapg_sort_1, balance AS xapg_sort_2 FROM accounts ORDER BY note, balance", "SELECT DISTINCT ON (c2) c1 AS owner FROM pg_temp.xapg_part ORDER BY c2, c3"},
		{"SELECT DISTINCT ON (1) note, owner FROM accounts", "SELECT DISTINCT ON (1) note, owner FROM accounts", "SELECT DISTINCT ON (c1) c1 AS note, c2 AS owner FROM pg_temp.xapg_part"},
	} {
		p, _, _ := program(t, s.sql, 0)
		assert.Equal(t, "merge by PostgreSQL", p.Strategy, s.sql)
		assert.Nil(t, p.Ordered, s.sql)
		assert.Equal(t, s.each, each(t, p), s.sql)
		assert.Equal(t, s.final, final(p), s.sql)
		require.Len(t, p.Create, 1, s.sql)
		assert.True(t, strings.HasPrefix(p.Create[0], "CREATE TEMPORARY TABLE xapg_part (c1"), p.Create[0])
		assert.Contains(t, p.Create[0], ") ON COMMIT DROP AS SELECT ", "PostgreSQL gives the columns their types and collations")
		assert.True(t, strings.HasSuffix(p.Create[0], " WITH NO DATA"), p.Create[0])
		assert.NotContains(t, p.Create[0], "FOR UPDATE", "rows are locked where they are")
	}
}

func TestValuesTravelAsTextThatReadsAsTheSame(t *testing.T) {
	p, _, _ := program(t, "SELECT fixed, num FROM typed ORDER BY num", 0)
	assert.Equal(t, "SELECT CASE WHEN c1 IS NOT NULL THEN pg_catalog.concat(c1) END, c2::pg_catalog.text FROM (SELECT fixed, num FROM typed) part(c1, c2)",
		p.Scatter.String(), "a cast would take the blanks at the end of a character(n)")
	assert.Equal(t, 2, p.Width)
}

func TestLimitAndOffsetArePushedDownAsOneParameter(t *testing.T) {
	const bigint = int8OID
	given := func(v int64) plan.Amount { return plan.Amount{Value: v, Given: true} }
	for _, s := range []struct {
		sql      string
		params   []uint32
		strategy string
		each     string
		limit    *plan.Bound
		final    string
	}{
		{"SELECT * FROM accounts LIMIT 3", nil, "limited scatter", "SELECT * FROM accounts LIMIT $1::bigint", &plan.Bound{Limit: given(3), Param: 1}, ""},
		{"SELECT * FROM accounts OFFSET 2", nil, "limited scatter", "SELECT * FROM accounts LIMIT $1::bigint", &plan.Bound{Offset: given(2), Param: 1}, ""},
		{"SELECT * FROM accounts ORDER BY balance LIMIT 5 OFFSET 2", nil, "ordered merge", "SELECT * FROM accounts ORDER BY balance LIMIT $1::bigint", &plan.Bound{Limit: given(5), Offset: given(2), Param: 1}, ""},
		{"SELECT * FROM accounts WHERE note = $1 LIMIT $2 OFFSET $3", []uint32{textOID, bigint, bigint}, "limited scatter", "SELECT * FROM accounts WHERE note = $1::text LIMIT $4::bigint",
			&plan.Bound{Limit: plan.Amount{Param: 2, Given: true}, Offset: plan.Amount{Param: 3, Given: true}, Param: 4}, ""},
		{"SELECT now() FROM accounts LIMIT $1", []uint32{bigint}, "limited scatter", "SELECT $2::timestamp with time zone::timestamp with time zone AS now FROM accounts LIMIT $3::bigint",
			&plan.Bound{Limit: plan.Amount{Param: 1, Given: true}, Param: 3}, ""},
		{"SELECT note FROM accounts ORDER BY note LIMIT 5 OFFSET 2", nil, "merge by PostgreSQL", "SELECT note FROM accounts ORDER BY note LIMIT $1::bigint",
			&plan.Bound{Limit: given(5), Offset: given(2), Param: 1}, "SELECT c1 AS note FROM pg_temp.xapg_part ORDER BY c1 LIMIT 5 OFFSET 2"},
		{"SELECT DISTINCT note FROM accounts LIMIT 2", nil, "merge by PostgreSQL", "SELECT DISTINCT note FROM accounts LIMIT $1::bigint",
			&plan.Bound{Limit: given(2), Param: 1}, "SELECT DISTINCT c1 AS note FROM pg_temp.xapg_part LIMIT 2"},
		{"SELECT * FROM accounts ORDER BY balance FETCH FIRST 2 ROWS WITH TIES", nil, "merge by PostgreSQL", "SELECT * FROM accounts ORDER BY balance FETCH FIRST ($1::bigint) ROWS WITH TIES",
			&plan.Bound{Limit: given(2), Param: 1}, "SELECT c1 AS owner, c2 AS balance, c3 AS note FROM pg_temp.xapg_part ORDER BY c2 FETCH FIRST 2 ROWS WITH TIES"},
		// What is neither a number nor a parameter is left to PostgreSQL, which counts all rows.
		{"SELECT * FROM accounts LIMIT 1 + 1", nil, "merge by PostgreSQL", "SELECT * FROM accounts", nil, "SELECT c1 AS owner, c2 AS balance, c3 AS note FROM pg_temp.xapg_part LIMIT 1 + 1"},
		{"SELECT balance FROM accounts ORDER BY 1 OFFSET $1::int / 2", []uint32{int4OID}, "merge by PostgreSQL", "SELECT balance FROM accounts", nil,
			"SELECT c1 AS balance FROM pg_temp.xapg_part ORDER BY c1 OFFSET $1::int::int / 2"},
		// A limit on groups is not one on rows.
		{"SELECT note, count(*) FROM accounts GROUP BY note ORDER BY 2 LIMIT 3", nil, "partial aggregates", "SELECT note AS c1, count(*) AS c2 FROM accounts GROUP BY 1", nil,
			"SELECT c1 AS note, pg_catalog.sum(c2)::bigint AS count FROM pg_temp.xapg_part GROUP BY c1 ORDER BY 2 LIMIT 3"},
	} {
		p, _, _ := program(t, s.sql, 0, s.params...)
		assert.Equal(t, s.strategy, p.Strategy, s.sql)
		assert.Equal(t, s.each, each(t, p), s.sql)
		assert.Equal(t, s.limit, p.Limit, s.sql)
		assert.Equal(t, s.final, final(p), s.sql)
	}
}

func TestTheTimeIsAParameterThatIsTheSameForAllShards(t *testing.T) {
	const now = "$1::timestamp with time zone::timestamp with time zone"
	for sql, want := range map[string]string{
		"SELECT now() FROM accounts":                                              "SELECT " + now + " AS now FROM accounts",
		"SELECT transaction_timestamp() AS t FROM accounts":                       "SELECT " + now + " AS t FROM accounts",
		"SELECT CURRENT_DATE AS d FROM accounts":                                  "SELECT " + now + "::pg_catalog.date AS d FROM accounts",
		"SELECT CURRENT_TIMESTAMP(3) AS t, LOCALTIMESTAMP AS l FROM accounts":     "SELECT " + now + "::timestamp (3) with time zone AS t, " + now + "::timestamp AS l FROM accounts",
		"SELECT CURRENT_TIME AS t, LOCALTIME(2) AS l FROM accounts":               "SELECT " + now + "::time with time zone AS t, " + now + "::time(2) AS l FROM accounts",
		"SELECT owner AS o FROM stamped WHERE at < now()":                         "SELECT owner AS o FROM stamped WHERE at < " + now,
		"SELECT owner AS o FROM accounts WHERE EXISTS (SELECT 1 WHERE now() = x)": "SELECT owner AS o FROM accounts WHERE EXISTS (SELECT 1 WHERE " + now + " = x)",
	} {
		p, _, _ := program(t, sql, 0)
		assert.Equal(t, "scatter at one time", p.Strategy, sql)
		assert.Equal(t, want, p.Scatter.String(), sql)
		assert.Equal(t, 1, p.Moment, sql)
	}
	// Who the user is, and a time that passes, are no such time.
	p, _, _ := program(t, "SELECT now() AS t, clock_timestamp() AS c, CURRENT_USER AS u FROM accounts", 0)
	assert.Equal(t, "SELECT "+now+" AS t, clock_timestamp() AS c, current_user AS u FROM accounts", p.Scatter.String())
}

func TestHowManyRowsEachShardIsAskedFor(t *testing.T) {
	value, param := func(v int64) plan.Amount { return plan.Amount{Value: v, Given: true} }, plan.Amount{Param: 1, Given: true}
	for _, s := range []struct {
		bound      plan.Bound
		arg        any
		ask        any
		skip, take int64
		state      string
	}{
		{plan.Bound{Limit: value(5)}, nil, int64(5), 0, 5, ""},
		{plan.Bound{Limit: value(5), Offset: value(2)}, nil, int64(7), 2, 5, ""},
		{plan.Bound{Offset: value(2)}, nil, nil, 2, math.MaxInt64, ""},
		{plan.Bound{Limit: param}, int64(4), int64(4), 0, 4, ""},
		{plan.Bound{Limit: param, Offset: value(3)}, "4", int64(7), 3, 4, ""},
		{plan.Bound{Limit: param, Offset: value(3)}, nil, nil, 3, math.MaxInt64, ""}, // LIMIT NULL is no limit
		{plan.Bound{Limit: value(math.MaxInt64), Offset: value(1)}, nil, nil, 1, math.MaxInt64, ""},
		{plan.Bound{Limit: value(0)}, nil, int64(0), 0, 0, ""},
		{plan.Bound{Limit: param}, int64(-1), nil, 0, 0, "2201W"},
		{plan.Bound{Limit: value(1), Offset: param}, int64(-1), nil, 0, 0, "2201X"},
		{plan.Bound{Limit: param}, 1.5, nil, 0, 0, "0A000"},
	} {
		ask, skip, take, err := s.bound.Rows([]driver.NamedValue{{Ordinal: 1, Value: s.arg}})
		if s.state != "" {
			var state interface{ SQLState() string }
			require.ErrorAs(t, err, &state, "%+v", s)
			assert.Equal(t, s.state, state.SQLState())
			continue
		}
		require.NoError(t, err, "%+v", s)
		assert.Equal(t, []any{s.ask, s.skip, s.take}, []any{ask, skip, take}, "%+v", s)
	}
}

func TestRowsAreNotLockedThatAreNotReturned(t *testing.T) {
	assert.Equal(t, "no FOR UPDATE or FOR SHARE with LIMIT over several shards", refused(t, "SELECT owner FROM accounts ORDER BY balance LIMIT 1 FOR UPDATE"))
	assert.Equal(t, "no FOR UPDATE or FOR SHARE with LIMIT over several shards", refused(t, "SELECT owner FROM accounts OFFSET 1 FOR SHARE SKIP LOCKED"))
	assert.Equal(t, "no FOR UPDATE or FOR SHARE in a statement that is gathered from several shards", refused(t, "SELECT a.owner FROM accounts a JOIN ledger l ON l.n = a.balance FOR UPDATE OF a"))
}

// refused composes a SELECT, and says as goes does why that was refused.
func refused(t testing.TB, sql string) string {
	t.Helper()
	p, cat := world(t)
	made, err := p.Plan(sql, cat, nil)
	require.NoError(t, err, sql)
	_, err = made.Statements[0].Program(&describer{cat: cat}, 0)
	require.Error(t, err, sql)
	return failure(err)
}
