package plan_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver/internal/plan"
)

// applied is a write whose rows are found first.
type applied struct {
	sql                         string
	lock, source                string
	stay, leave, arrive         string
	width, key, old, first, now int
}

// locked says what a write locks, and the shards where not all are asked.
func locked(t testing.TB, w *plan.Write, st *plan.Statement) string {
	t.Helper()
	require.NotNil(t, w.Lock)
	sql := strings.TrimSuffix(strings.TrimPrefix(short(w.Lock.Query.String()), "SELECT count(*) FROM (SELECT 1 FROM "), ") x")
	shards, err := w.Lock.Shards(st, arguments("b", "c"))
	require.NoError(t, err)
	if len(shards) != 3 {
		sql += fmt.Sprint(" @", shards)
	}
	return sql
}

func checkApplied(t *testing.T, strategy string, list []applied) {
	t.Helper()
	for _, s := range list {
		var params []uint32
		for range strings.Count(s.sql, "$") {
			params = append(params, int8OID)
		}
		w, st, err := written(t, s.sql, params...)
		require.NoError(t, err, s.sql)
		assert.Equal(t, strategy, w.Strategy, s.sql)
		assert.Equal(t, s.lock, locked(t, w, st), s.sql)
		assert.Equal(t, s.source, short(w.Source.String()), s.sql)
		assert.Equal(t, []string{short(s.stay), short(s.leave), short(s.arrive)}, []string{short(w.Stay.String()), short(w.Leave.String()), short(w.Arrive.String())}, s.sql)
		assert.Equal(t, []int{s.width, s.key, s.old, s.first, s.now}, []int{w.Width, w.Key, w.OldKey, w.First, w.Moment}, s.sql)
		assert.Equal(t, strings.Contains(s.sql, "RETURNING"), w.Returning, s.sql)
		assert.NoError(t, attempt(t, s.sql), "the query that finds the rows can be planned: %s", s.sql)
	}
}

func TestRowsAreFoundOnAllShardsAndChangedWhereTheyAre(t *testing.T) {
	const by = " WHERE bills.owner = x.xapg_1::text AND bills.n = x.xapg_2::bigint"
	checkApplied(t, "gather and apply", []applied{
		{
			sql:  "UPDATE bills SET amount = amount + 1 WHERE n IN (SELECT n FROM ledger)",
			lock: "bills FOR NO KEY UPDATE", source: "SELECT bills.owner AS c1, bills.n AS c2, (amount + 1)::bigint AS c3 FROM bills WHERE n IN (SELECT n FROM ledger)",
			stay: "UPDATE bills SET amount = x.xapg_3::bigint FROM rows$2 x" + by, width: 3, first: 2,
		},
		// FROM: a row is changed once, whatever number of rows it is joined with.
		{
			sql:    "UPDATE bills SET amount = l.n FROM ledger l WHERE l.n = bills.n AND bills.note = 'k' AND l.amount > 5",
			lock:   "bills WHERE note = 'k' FOR NO KEY UPDATE",
			source: "SELECT DISTINCT ON (bills.owner, bills.n) bills.owner AS c1, bills.n AS c2, l.n::bigint AS c3 FROM bills, ledger l WHERE l.n = bills.n AND bills.note = 'k' AND l.amount > 5",
			stay:   "UPDATE bills SET amount = x.xapg_3::bigint FROM rows$2 x" + by, width: 3, first: 2,
		},
		{
			sql:  "UPDATE ONLY bills AS b SET (amount, note) = (1, 'x') FROM ledger l WHERE l.n = b.n RETURNING b.*",
			lock: "ONLY bills FOR NO KEY UPDATE", source: "SELECT DISTINCT ON (b.owner, b.n) b.owner AS c1, b.n AS c2, 1::bigint AS c3, 'x'::text AS c4 FROM ONLY bills b, ledger l WHERE l.n = b.n",
			stay: "UPDATE ONLY bills b SET amount = x.xapg_3::bigint, note = x.xapg_4::text FROM rows$2 x WHERE b.owner = x.xapg_1::text AND b.n = x.xapg_2::bigint RETURNING b.*", width: 4, first: 2,
		},
		// Arguments keep their numbers; those of the rows come after them, and after the time.
		{
			sql:  "UPDATE bills SET amount = $2, note = DEFAULT WHERE n > $1 AND n = (SELECT max(n) FROM bills) RETURNING *, $1 AS since",
			lock: "bills WHERE n > $1::bigint FOR NO KEY UPDATE", source: "SELECT bills.owner AS c1, bills.n AS c2, $2::bigint AS c3 FROM bills WHERE n > $1::bigint AND n = (SELECT max(n) FROM bills)",
			stay: "UPDATE bills SET amount = x.xapg_3::bigint, note = DEFAULT FROM rows$5 x" + by + " RETURNING bills.*, $1::bigint AS since", width: 3, first: 5,
		},
		{
			sql:  "UPDATE stamped SET at = DEFAULT WHERE n IN (SELECT n FROM ledger)",
			lock: "stamped FOR NO KEY UPDATE", source: "SELECT stamped.owner AS c1, stamped.n AS c2, $1::timestamp with time zone AS c3 FROM stamped WHERE n IN (SELECT n FROM ledger)",
			stay:  "UPDATE stamped SET at = x.xapg_3::timestamp with time zone FROM rows$2 x WHERE stamped.owner = x.xapg_1::text AND stamped.n = x.xapg_2::bigint",
			width: 3, first: 2, now: 1,
		},
		{
			sql:  "DELETE FROM bills WHERE n = (SELECT max(n) FROM bills)",
			lock: "bills FOR UPDATE", source: "SELECT bills.owner AS c1, bills.n AS c2 FROM bills WHERE n = (SELECT max(n) FROM bills)",
			stay: "DELETE FROM bills USING rows$2 x" + by, width: 2, first: 2,
		},
		{
			sql:  "DELETE FROM bills USING ledger l WHERE l.n = bills.n AND bills.owner IN ('a', 'c') RETURNING bills.n",
			lock: "bills WHERE owner IN ('a', 'c') FOR UPDATE @[0 2]", source: "SELECT DISTINCT ON (bills.owner, bills.n) bills.owner AS c1, bills.n AS c2 FROM bills, ledger l WHERE l.n = bills.n AND bills.owner IN ('a', 'c')",
			stay: "DELETE FROM bills USING rows$2 x" + by + " RETURNING bills.n", width: 2, first: 2,
		},
		// Of home's tables, and of reference tables, home's rows are locked.
		{
			sql:  "DELETE FROM notes WHERE id IN (SELECT balance FROM accounts)",
			lock: "notes FOR UPDATE @[0]", source: "SELECT notes.id AS c1 FROM notes WHERE id IN (SELECT balance FROM accounts)",
			stay: "DELETE FROM notes USING rows$2 x WHERE notes.id = x.xapg_1::bigint", width: 1, key: -1, old: -1, first: 2,
		},
		{
			sql:  "UPDATE rates SET n = (SELECT count(*) FROM accounts), at = now() WHERE code = 'x'",
			lock: "rates WHERE code = 'x' FOR NO KEY UPDATE @[0]", source: "SELECT rates.code AS c1, (SELECT count(*) FROM accounts)::bigint AS c2, $1::timestamp with time zone AS c3 FROM rates WHERE code = 'x'",
			stay:  "UPDATE rates SET n = x.xapg_2::bigint, at = x.xapg_3::timestamp with time zone FROM rows$2 x WHERE rates.code = x.xapg_1::text",
			width: 3, key: -1, old: -1, first: 2, now: 1,
		},
	})
}

func TestRowsWhoseKeyChangesMove(t *testing.T) {
	const by = " WHERE bills.owner = x.xapg_1::text AND bills.n = x.xapg_2::bigint"
	checkApplied(t, "move rows", []applied{
		{
			sql: "UPDATE bills SET owner = 'c' WHERE owner = 'b'", lock: "bills WHERE owner = 'b' FOR UPDATE @[1]",
			source: "SELECT bills.owner AS c1, bills.n AS c2, 'c'::text AS c3, bills.n::bigint AS c4, bills.amount::bigint AS c5, bills.note::text AS c6 FROM bills WHERE owner = 'b'",
			stay:   "UPDATE bills SET owner = x.xapg_3::text FROM rows$2 x" + by,
			leave:  "DELETE FROM bills USING rows$2 x" + by,
			arrive: "INSERT INTO bills AS bills (owner, n, amount, note) OVERRIDING SYSTEM VALUE SELECT x.xapg_3::text, x.xapg_4::bigint, x.xapg_5::bigint, x.xapg_6::text FROM rows$2 x ORDER BY x.xapg_n",
			width:  6, key: 2, first: 2,
		},
		// A default, which the shard that a row leaves would otherwise not carry over.
		{
			sql: "UPDATE bills SET note = DEFAULT, owner = upper(owner) RETURNING owner, n", lock: "bills FOR UPDATE",
			source: "SELECT bills.owner AS c1, bills.n AS c2, upper(owner)::text AS c3, bills.n::bigint AS c4, bills.amount::bigint AS c5, 'none'::text::text AS c6 FROM bills",
			stay:   "UPDATE bills SET note = x.xapg_6::text, owner = x.xapg_3::text FROM rows$2 x" + by + " RETURNING owner, n",
			leave:  "DELETE FROM bills USING rows$2 x" + by,
			arrive: "INSERT INTO bills AS bills (owner, n, amount, note) OVERRIDING SYSTEM VALUE SELECT x.xapg_3::text, x.xapg_4::bigint, x.xapg_5::bigint, x.xapg_6::text FROM rows$2 x ORDER BY x.xapg_n RETURNING owner, n",
			width:  6, key: 2, first: 2,
		},
		// Generated columns are computed where the row arrives. The key may be the whole primary key.
		{
			sql: "UPDATE computed SET owner = 'c', n = n + 1", lock: "computed FOR UPDATE",
			source: "SELECT computed.owner AS c1, 'c'::text AS c2, (n + 1)::bigint AS c3 FROM computed",
			stay:   "UPDATE computed SET owner = x.xapg_2::text, n = x.xapg_3::bigint FROM rows$2 x WHERE computed.owner = x.xapg_1::text",
			leave:  "DELETE FROM computed USING rows$2 x WHERE computed.owner = x.xapg_1::text",
			arrive: "INSERT INTO computed AS computed (owner, n) OVERRIDING SYSTEM VALUE SELECT x.xapg_2::text, x.xapg_3::bigint FROM rows$2 x ORDER BY x.xapg_n",
			width:  3, key: 1, first: 2,
		},
	})
}

func TestAShardChangesItsOwnRowsAtTheTimeOfAll(t *testing.T) {
	for sql, want := range map[string]string{
		"UPDATE stamped SET at = now() WHERE n > 3":                                                                     "UPDATE stamped SET at = $1::timestamp with time zone WHERE n > 3",
		"UPDATE stamped s SET at = now() FROM bills b WHERE b.owner = s.owner AND b.amount = $1":                        "UPDATE stamped s SET at = $2::timestamp with time zone FROM bills b WHERE b.owner = s.owner AND b.amount = $1::bigint",
		"DELETE FROM stamped WHERE at < now() RETURNING owner":                                                          "DELETE FROM stamped WHERE at < $1::timestamp with time zone RETURNING owner",
		"DELETE FROM stamped WHERE at < CURRENT_TIMESTAMP AND EXISTS (SELECT 1 FROM bills WHERE owner = stamped.owner)": "DELETE FROM stamped WHERE at < $1::timestamp with time zone AND EXISTS (SELECT 1 FROM bills WHERE owner = stamped.owner)",
	} {
		var params []uint32
		if strings.Contains(sql, "$") {
			params = append(params, int8OID)
		}
		w, _, err := written(t, sql, params...)
		require.NoError(t, err, sql)
		assert.Equal(t, "scatter at one time", w.Strategy, sql)
		assert.Equal(t, want, short(w.Scatter.String()), sql)
		assert.Equal(t, len(params)+1, w.Moment, sql)
		assert.True(t, w.Source.Empty() && w.Lock == nil, sql)
	}
}

func TestAWriteCountsItsRowsUnlessTriggersMayDropSome(t *testing.T) {
	for sql, want := range map[string]bool{
		"UPDATE bills SET amount = 1 WHERE n IN (SELECT n FROM ledger)":   true,
		"DELETE FROM bills WHERE n IN (SELECT n FROM ledger)":             true,
		"UPDATE bills SET owner = 'c'":                                    true,
		"UPDATE guarded SET n = n + 1 WHERE n IN (SELECT n FROM ledger)":  false,
		"DELETE FROM guarded WHERE n IN (SELECT n FROM ledger)":           false,
		"INSERT INTO bills (owner, n) SELECT note, balance FROM accounts": false,
	} {
		w, _, err := written(t, sql)
		require.NoError(t, err, sql)
		assert.Equal(t, want, w.Counted, sql)
	}
}

func TestWritesThatCannotBeComposedAreRefused(t *testing.T) {
	const where = " WHERE n IN (SELECT n FROM bills)"
	for sql, want := range map[string]string{
		// Rows that could not be found again.
		"UPDATE ledger SET amount = 1" + where:                "no UPDATE of table ledger, which has no primary key",
		"DELETE FROM ledger" + where:                          "no DELETE of table ledger, which has no primary key",
		"UPDATE accounts SET owner = 'c'":                     "no UPDATE of table accounts, which has no primary key",
		"UPDATE currencies SET name = random()::text":         "no UPDATE of table currencies, which has no primary key",
		"DELETE FROM audit WHERE id IN (SELECT n FROM bills)": "no DELETE of table audit, which has no primary key",
		// Rows that could not move.
		"UPDATE guarded SET owner = 'c'": "no a change of the key owner of table guarded",
		"UPDATE linked SET owner = 'c'":  "no a change of the key owner of table linked",
		// Values that are computed in one place.
		"UPDATE bills SET (amount, note) = (SELECT 1, 'x')" + where: "no SET (…) = (SELECT …) over several shards",
		"UPDATE bills SET note[1] = 'x'" + where:                    "no SET of a part of a column",
		// What the shard of a row does not have.
		"UPDATE bills b SET amount = 1 FROM ledger l WHERE l.n = b.n RETURNING b.*, l.amount":      "no RETURNING of other tables' columns",
		"UPDATE bills b SET amount = 1 FROM ledger l WHERE l.n = b.n RETURNING *":                  "no RETURNING of other tables' columns",
		"DELETE FROM bills" + where + " RETURNING (SELECT max(n) FROM bills)":                      "no RETURNING of other tables' columns",
		"UPDATE bills SET amount = 1" + where + " AND peek(note)":                                  "no a join or subquery that is not by the key",
		"UPDATE bills SET amount = 1" + where + " AND tableoid = 1":                                "no a join or subquery that is not by the key",
		"WITH w AS (DELETE FROM bills RETURNING n) DELETE FROM bills WHERE n IN (SELECT n FROM w)": "no",
		"WITH w AS (INSERT INTO rates VALUES ('x') RETURNING n) UPDATE rates SET n = 1 FROM w":     "no",
		"UPDATE bills SET amount = 1 WHERE CURRENT OF c":                                           "no WHERE CURRENT OF",
		"UPDATE rich SET balance = 1 WHERE balance IN (SELECT n FROM bills)":                       "no UPDATE of a view",
		"WITH q AS (UPDATE bills SET owner = 'c' WHERE owner = 'b' RETURNING *) TABLE bills":       "no a change of the key",
		"UPDATE bills SET amount = pg_advisory_lock(n)" + where:                                    "no a join or subquery that is not by the key",
	} {
		p, cat := world(t)
		made, err := p.Plan(sql, cat, nil)
		require.NoError(t, err, sql)
		if _, err = made.Statements[0].Target(nil, plan.Hint{}); err == nil && made.Statements[0].Class != plan.Select {
			_, err = made.Statements[0].Write(&describer{cat: cat})
		}
		if err == nil {
			err = attempt(t, sql)
		}
		require.Error(t, err, sql)
		assert.True(t, strings.HasPrefix(failure(err), want), "%s\n  is: %s", sql, failure(err))
	}
}
