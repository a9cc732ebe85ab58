package plan_test

import (
	"database/sql/driver"
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/shardmap"
	"github.com/xapg/xapg/xadriver/internal/plan"
)

// goes says where a statement goes: the shards after One (s0), Any (any),
// Scatter (s0+s1) or Everywhere (all); composed, if a program or a write answers
// it, with the shards after it (composed s0+s1) where these are not all; or,
// after "no ", part of the refusal; or, after "! ", an SQLSTATE.
func goes(t testing.TB, sql string, args ...any) string {
	t.Helper()
	p, cat := world(t)
	made, err := p.Plan(sql, cat, nil)
	if err != nil {
		return failure(err)
	}
	require.Len(t, made.Statements, 1)
	values := make([]driver.NamedValue, len(args))
	for i, a := range args {
		values[i] = driver.NamedValue{Ordinal: i + 1, Value: a}
	}
	target, err := made.Statements[0].Target(values, plan.Hint{})
	if err != nil {
		return failure(err)
	}
	var names []string
	for _, s := range target.Shards {
		names = append(names, "s"+string(rune('0'+s)))
	}
	switch target.Mode {
	case plan.Any:
		return "any"
	case plan.Everywhere:
		return "all"
	case plan.Composed:
		if len(names) == 3 {
			return "composed"
		}
		return "composed " + strings.Join(names, "+")
	default:
		return strings.Join(names, "+")
	}
}

func failure(err error) string {
	var (
		refusal *plan.Refusal
		state   interface{ SQLState() string }
		pgErr   *pgconn.PgError
	)
	switch {
	case errors.As(err, &refusal):
		return "no " + refusal.Clause
	case errors.As(err, &pgErr):
		return "! " + pgErr.Code
	case errors.As(err, &state):
		return "! " + state.SQLState()
	default:
		return "error " + err.Error()
	}
}

type spec struct {
	sql  string
	args []any
	want string // "no …" needs only to begin like the refusal
}

func check(t *testing.T, specs []spec) {
	t.Helper()
	for _, s := range specs {
		got := goes(t, s.sql, s.args...)
		if strings.HasPrefix(s.want, "no") {
			assert.True(t, strings.HasPrefix(got, s.want), "%s\n  goes: %s\n  want: %s", s.sql, got, s.want)
			continue
		}
		assert.Equal(t, s.want, got, s.sql)
	}
}

func a(args ...any) []any { return args }

func TestAKeyNamesItsShard(t *testing.T) {
	check(t, []spec{
		{"SELECT * FROM accounts WHERE owner = 'a'", nil, "s0"},
		{"SELECT * FROM accounts WHERE 'b' = owner", nil, "s1"},
		{"SELECT * FROM accounts WHERE owner = $1", a("c"), "s2"},
		{"SELECT * FROM accounts WHERE owner = $2 AND balance > $1", a(1, "b"), "s1"},
		{"SELECT * FROM public.accounts AS x WHERE x.owner = 'b'", nil, "s1"},
		{`SELECT * FROM "accounts" WHERE "accounts"."owner" = 'b'`, nil, "s1"},
		{"SELECT * FROM accounts WHERE owner IN ('a', 'a2')", nil, "s0"},
		{"SELECT * FROM accounts WHERE owner IN ('a', $1)", a("b"), "s0+s1"},
		{"SELECT * FROM accounts WHERE owner = ANY($1)", a([]string{"b", "b2"}), "s1"},
		{"SELECT * FROM accounts WHERE owner = ANY($1::text[])", a([]string{"a", "c"}), "s0+s2"},
		{"SELECT * FROM accounts WHERE owner = ANY(ARRAY['a', 'b'])", nil, "s0+s1"},
		{"SELECT * FROM accounts WHERE (owner, balance) = ('b', 1)", nil, "s1"},
		{"SELECT * FROM accounts WHERE (balance, owner) IN ((1, 'a'), (2, 'b'))", nil, "s0+s1"},
		{"SELECT * FROM accounts WHERE owner = 'a' OR owner = 'a2'", nil, "s0"},
		{"SELECT * FROM accounts WHERE owner = 'a'::text", nil, "s0"},
		{"SELECT * FROM accounts WHERE owner = $1::varchar", a("b"), "s1"},
		{"SELECT * FROM items WHERE id = 2", nil, "s1"},
		{"SELECT * FROM items WHERE id = '2'", nil, "s1"},
		{"SELECT * FROM items WHERE id = $1", a("2"), "s1"},
		{"SELECT * FROM items WHERE id = $1", a(int32(2)), "s1"},
		{"SELECT * FROM items WHERE id = 2::int", nil, "s1"},
		{"SELECT * FROM items WHERE id = 99999999999999999999", nil, "s0"}, // matches nothing
		{"SELECT * FROM items WHERE id = $1", a("x"), "! 22P02"},
		{"SELECT * FROM accounts WHERE owner = NULL", nil, "s0"}, // matches nothing
		{"SELECT * FROM accounts WHERE owner = 'a' AND owner = 'b'", nil, "s0"},
		{"SELECT count(*), sum(balance) FROM accounts WHERE owner = 'b' GROUP BY note ORDER BY 1 LIMIT 3", nil, "s1"},
		{"SELECT * FROM accounts_2026 WHERE owner = 'b'", nil, "s1"},
		{"SELECT * FROM rich WHERE owner = 'b'", nil, "s1"},
		{"SELECT * FROM accounts WHERE owner = 'b' FOR UPDATE", nil, "s1"},
		{"UPDATE accounts SET balance = 1 WHERE owner = 'b'", nil, "s1"},
		{"DELETE FROM accounts WHERE owner = 'c' RETURNING *", nil, "s2"},
		{"EXPLAIN SELECT * FROM accounts WHERE owner = 'b'", nil, "s1"},
	})
}

func TestWhatIsNoConditionBindsNothing(t *testing.T) {
	check(t, []spec{
		{"SELECT * FROM accounts", nil, "s0+s1+s2"},
		{"SELECT * FROM accounts WHERE owner <> 'a'", nil, "s0+s1+s2"},
		{"SELECT * FROM accounts WHERE owner NOT IN ('a')", nil, "s0+s1+s2"},
		{"SELECT * FROM accounts WHERE NOT (owner = 'a')", nil, "s0+s1+s2"},
		{"SELECT * FROM accounts WHERE owner = 'a' OR balance = 1", nil, "s0+s1+s2"},
		{"SELECT * FROM accounts WHERE upper(owner) = 'a'", nil, "s0+s1+s2"},
		{"SELECT * FROM accounts WHERE owner::varchar(1) = 'a'", nil, "s0+s1+s2"},
		{"SELECT * FROM accounts WHERE owner = 'abc'::varchar(1)", nil, "s0+s1+s2"},
		{"SELECT * FROM accounts WHERE owner = note", nil, "s0+s1+s2"},
		{"SELECT * FROM accounts WHERE owner OPERATOR(public.=) 'a'", nil, "s0+s1+s2"},
		{"SELECT * FROM accounts WHERE owner > 'a'", nil, "s0+s1+s2"},
		{"SELECT * FROM accounts WHERE (owner = 'a') IS NULL", nil, "s0+s1+s2"},
		{"SELECT * FROM accounts WHERE CASE WHEN owner = 'a' THEN true ELSE true END", nil, "s0+s1+s2"},
		{"SELECT owner = 'a' FROM accounts", nil, "s0+s1+s2"},
		{"SELECT * FROM items WHERE id = 2.5", nil, "s0+s1+s2"},
		{"SELECT * FROM items WHERE owner = 'a'", nil, "s0+s1+s2"}, // not this table's key
	})
}

func TestJoinsByTheKeyAreLocal(t *testing.T) {
	check(t, []spec{
		{"SELECT * FROM accounts a JOIN ledger l ON a.owner = l.owner WHERE a.owner = 'b'", nil, "s1"},
		{"SELECT * FROM accounts a JOIN ledger l USING (owner) WHERE owner = 'b'", nil, "s1"},
		{"SELECT * FROM accounts NATURAL JOIN ledger WHERE ledger.owner = $1", a("a"), "s0"},
		{"SELECT * FROM accounts a, ledger l WHERE a.owner = l.owner AND l.owner = 'c'", nil, "s2"},
		{"SELECT * FROM accounts a JOIN ledger l ON a.owner = l.owner AND l.owner = 'b'", nil, "s1"},
		{"SELECT * FROM accounts a JOIN ledger l ON a.owner = l.owner", nil, "s0+s1+s2"},
		{"SELECT * FROM accounts a LEFT JOIN ledger l ON a.owner = l.owner", nil, "s0+s1+s2"},
		{"SELECT * FROM ledger l RIGHT JOIN accounts a ON a.owner = l.owner WHERE a.owner = 'b'", nil, "s1"},
		{"SELECT * FROM accounts a LEFT JOIN ledger l ON l.owner = a.owner WHERE a.owner = 'b'", nil, "s1"},
		{"SELECT * FROM accounts a JOIN currencies c ON c.code = a.note", nil, "s0+s1+s2"},
		{"SELECT * FROM accounts a LEFT JOIN currencies c ON c.code = a.note WHERE a.owner = 'a'", nil, "s0"},
		{"SELECT * FROM accounts a, accounts b WHERE a.owner = 'a' AND b.owner = 'a2'", nil, "s0"},
		{"SELECT * FROM accounts, generate_series(1, 3) g WHERE owner = 'b'", nil, "s1"},
		// Off the key, or not bound on every side.
		{"SELECT * FROM accounts a JOIN ledger l ON a.owner <> l.owner", nil, "composed"},
		{"SELECT * FROM accounts a, ledger l WHERE a.owner = 'a'", nil, "composed"},
		{"SELECT * FROM accounts a, ledger l WHERE a.owner = 'a' AND l.owner = 'b'", nil, "composed s0+s1"},
		{"SELECT * FROM accounts a JOIN items i ON a.owner = i.owner", nil, "composed"},
		{"SELECT * FROM accounts a JOIN ledger l ON a.owner = l.owner OR true", nil, "composed"},
		// What ON says of an outer join does not bind the side that is kept.
		{"SELECT * FROM accounts a LEFT JOIN ledger l ON a.owner = l.owner AND a.owner = 'b'", nil, "s0+s1+s2"},
		{"SELECT * FROM accounts a LEFT JOIN ledger l ON a.owner = l.owner AND l.owner = 'b'", nil, "s0+s1+s2"},
		{"SELECT * FROM accounts a CROSS JOIN accounts x LEFT JOIN ledger l ON l.owner = a.owner AND l.owner = x.owner", nil, "composed"},
		{"SELECT * FROM accounts a FULL JOIN ledger l ON a.owner = l.owner", nil, "composed"},
		{"SELECT * FROM accounts a FULL JOIN ledger l ON a.owner = l.owner AND a.owner = 'b'", nil, "composed"},
		{"SELECT * FROM currencies c LEFT JOIN accounts a ON a.note = c.code", nil, "composed"},
		{"SELECT * FROM accounts a JOIN audit u ON u.id = a.balance", nil, "composed"},
		{"SELECT * FROM accounts a JOIN audit u ON u.id = a.balance WHERE a.owner = 'a'", nil, "s0"},
		{"SELECT * FROM accounts a JOIN audit u ON u.id = a.balance WHERE a.owner = 'b'", nil, "composed s1"},
	})
}

func TestSubqueries(t *testing.T) {
	check(t, []spec{
		{"SELECT * FROM accounts a WHERE EXISTS (SELECT 1 FROM ledger l WHERE l.owner = a.owner)", nil, "s0+s1+s2"},
		{"SELECT * FROM accounts a WHERE NOT EXISTS (SELECT 1 FROM ledger l WHERE l.owner = a.owner)", nil, "s0+s1+s2"},
		{"SELECT *, (SELECT sum(amount) FROM ledger l WHERE l.owner = a.owner) FROM accounts a", nil, "s0+s1+s2"},
		{"SELECT *, (SELECT count(*) FROM ledger l WHERE l.owner = a.owner) FROM accounts a WHERE a.owner = 'b'", nil, "s1"},
		{"SELECT * FROM (SELECT * FROM accounts) s WHERE s.owner = 'b'", nil, "s1"},
		{"SELECT * FROM (SELECT owner AS o FROM accounts) s WHERE s.o = 'b'", nil, "s1"},
		{"SELECT * FROM (SELECT owner, count(*) FROM accounts GROUP BY owner) s WHERE s.owner = 'b'", nil, "s1"},
		{"WITH x AS (SELECT * FROM accounts) SELECT * FROM x WHERE owner = 'b'", nil, "s1"},
		{"WITH x AS (SELECT * FROM accounts WHERE owner = $1) SELECT * FROM x JOIN ledger l ON l.owner = $1", a("b"), "s1"},
		{"WITH x AS (SELECT * FROM accounts WHERE owner = 'b') SELECT * FROM x, x y", nil, "s1"},
		{"SELECT * FROM accounts a, LATERAL (SELECT * FROM ledger l WHERE l.owner = a.owner) s WHERE a.owner = 'b'", nil, "s1"},
		{"SELECT * FROM accounts WHERE owner = 'b' UNION SELECT * FROM accounts WHERE owner = 'b2'", nil, "s1"},
		{"SELECT owner FROM accounts UNION ALL SELECT owner FROM accounts", nil, "composed"},
		// Constants inside do not bind what is outside, nor the other way round.
		{"SELECT * FROM accounts a WHERE NOT EXISTS (SELECT 1 FROM ledger l WHERE l.owner = a.owner AND l.owner = 'b')", nil, "s0+s1+s2"},
		{"SELECT * FROM accounts a WHERE NOT EXISTS (SELECT 1 FROM ledger l WHERE l.owner = a.owner AND a.owner = 'b')", nil, "s0+s1+s2"},
		{"SELECT * FROM accounts a WHERE EXISTS (SELECT 1 FROM ledger l WHERE l.amount = a.balance)", nil, "composed"},
		{"SELECT * FROM accounts a, accounts x WHERE EXISTS (SELECT 1 FROM ledger l WHERE l.owner = a.owner AND l.owner = x.owner)", nil, "composed"},
		{"SELECT * FROM accounts WHERE balance = (SELECT max(balance) FROM accounts)", nil, "composed"},
		{"SELECT * FROM accounts WHERE owner = 'b' AND balance > (SELECT avg(balance) FROM accounts)", nil, "composed"},
		{"SELECT * FROM accounts WHERE owner IN (SELECT owner FROM ledger)", nil, "composed"},
		{"SELECT * FROM currencies WHERE EXISTS (SELECT 1 FROM accounts WHERE note = code)", nil, "composed"},
		{"SELECT * FROM (SELECT * FROM accounts ORDER BY balance LIMIT 1) s WHERE s.owner = 'b'", nil, "composed"},
		{"SELECT * FROM top WHERE owner = 'b'", nil, "composed"},
		{"SELECT * FROM (SELECT DISTINCT ON (note) * FROM accounts) s WHERE s.owner = 'b'", nil, "composed"},
		{"SELECT * FROM (SELECT owner, row_number() OVER (ORDER BY balance) FROM accounts) s WHERE s.owner = 'b'", nil, "composed"},
		{"WITH accounts AS (SELECT 'b' AS owner) SELECT * FROM accounts WHERE owner = 'b'", nil, "s0"}, // a CTE hides the table
		{"WITH RECURSIVE r AS (SELECT owner FROM accounts WHERE owner = 'b' UNION ALL SELECT l.owner FROM ledger l, r WHERE l.owner = r.owner) SELECT * FROM r", nil, "composed"},
		{"SELECT (SELECT sum(a.balance)) FROM accounts a", nil, "composed"},
	})
}

func TestWhatHasToBeMergedIsComposed(t *testing.T) {
	check(t, []spec{
		{"SELECT count(*) FROM accounts", nil, "composed"},
		{"SELECT sum(balance) - sum(balance) FROM accounts", nil, "composed"},
		{"SELECT note, count(*) FROM accounts GROUP BY note", nil, "composed"},
		{"SELECT owner, count(*) FROM accounts GROUP BY owner", nil, "s0+s1+s2"},
		{"SELECT owner, note, count(*) FROM ledger l JOIN accounts a USING (owner) GROUP BY 1, 2 HAVING count(*) > 1", nil, "s0+s1+s2"},
		{"SELECT 1 FROM accounts HAVING true", nil, "composed"},
		{"SELECT DISTINCT note FROM accounts", nil, "composed"},
		{"SELECT DISTINCT owner, note FROM accounts", nil, "s0+s1+s2"},
		{"SELECT * FROM accounts ORDER BY owner", nil, "composed"},
		{"SELECT * FROM accounts LIMIT 1", nil, "composed"},
		{"SELECT * FROM accounts OFFSET 1", nil, "composed"},
		{"SELECT * FROM accounts FETCH FIRST 2 ROWS ONLY", nil, "composed"},
		{"SELECT row_number() OVER (ORDER BY owner) FROM accounts", nil, "composed"},
		{"SELECT row_number() OVER (PARTITION BY owner ORDER BY balance) FROM accounts", nil, "s0+s1+s2"},
		{"SELECT row_number() OVER w FROM accounts WINDOW w AS (PARTITION BY note)", nil, "composed"},
		{"SELECT owner FROM accounts UNION SELECT owner FROM ledger", nil, "composed"},
		{"SELECT ctid FROM accounts", nil, "no a place of rows"},
		{"SELECT * FROM accounts TABLESAMPLE system (10) WHERE owner = 'a'", nil, "no TABLESAMPLE"},
		{"SELECT * INTO x FROM accounts WHERE owner = 'a'", nil, "all"},
		{"EXPLAIN SELECT * FROM accounts", nil, "no EXPLAIN"},
	})
}

func TestInserts(t *testing.T) {
	check(t, []spec{
		{"INSERT INTO accounts (owner, balance) VALUES ('b', 1)", nil, "s1"},
		{"INSERT INTO accounts (balance, owner) VALUES (1, $1)", a("c"), "s2"},
		{"INSERT INTO accounts VALUES ('b')", nil, "s1"},
		{"INSERT INTO accounts VALUES ('b'), ('b2')", nil, "s1"},
		{"INSERT INTO accounts VALUES ('a'), ('b')", nil, "composed"},
		{"INSERT INTO accounts VALUES ('b') ON CONFLICT (owner) DO UPDATE SET balance = excluded.balance RETURNING *", nil, "s1"},
		{"INSERT INTO accounts VALUES ('b') ON CONFLICT (owner) DO UPDATE SET owner = 'c'", nil, "no a change of the key"},
		{"INSERT INTO accounts (balance) VALUES (1)", nil, "composed"},
		{"INSERT INTO accounts VALUES (DEFAULT)", nil, "composed"},
		{"INSERT INTO accounts DEFAULT VALUES", nil, "composed"},
		{"INSERT INTO accounts VALUES (NULL)", nil, "no a row of table accounts whose key owner is NULL"},
		{"INSERT INTO accounts VALUES ($1)", a(nil), "no a row of table accounts whose key owner is NULL"},
		{"INSERT INTO bills VALUES (NULL)", nil, "! 23502"}, // its column is NOT NULL
		{"INSERT INTO bills VALUES ($1)", a(nil), "! 23502"},
		{"INSERT INTO accounts VALUES (upper('b'))", nil, "composed"},
		{"INSERT INTO items VALUES (2)", nil, "s1"},
		{"INSERT INTO items VALUES ('zwei')", nil, "! 22P02"},
		{"INSERT INTO accounts SELECT 'b', 1", nil, "s1"},
		{"INSERT INTO ledger SELECT owner, 1, balance FROM accounts WHERE owner = 'b'", nil, "s1"},
		{"INSERT INTO ledger SELECT owner, 1, balance FROM accounts", nil, "s0+s1+s2"},
		{"INSERT INTO ledger SELECT 'a', 1, balance FROM accounts WHERE owner = 'b'", nil, "composed"},
		{"INSERT INTO ledger SELECT note, 1, balance FROM accounts WHERE owner = 'b'", nil, "composed"},
		{"INSERT INTO accounts (owner, balance) VALUES ('b', (SELECT count(*) FROM ledger WHERE owner = 'b'))", nil, "s1"},
		{"INSERT INTO accounts (owner, balance) VALUES ('b', (SELECT count(*) FROM ledger WHERE owner = 'a'))", nil, "composed"},
		{"WITH x AS (INSERT INTO accounts VALUES ('b') RETURNING owner) INSERT INTO ledger VALUES ('b', 1, 1)", nil, "s1"},
		{"WITH x AS (INSERT INTO accounts VALUES ('a') RETURNING owner) INSERT INTO ledger VALUES ('b', 1, 1)", nil, "composed"},
		{"INSERT INTO numbered (tenant_id) VALUES (7)", nil, "no an omitted value for column id"},
		{"INSERT INTO numbered VALUES (7)", nil, "no an omitted value for column id"},
		{"INSERT INTO numbered VALUES (7, DEFAULT)", nil, "no an omitted value for column id"},
		{"INSERT INTO numbered SELECT 7", nil, "no an omitted value for column id"},
		{"INSERT INTO spread VALUES (7)", nil, goes(t, "SELECT * FROM spread WHERE tenant_id = 7")},
		{"INSERT INTO spread SELECT 7", nil, goes(t, "SELECT * FROM spread WHERE tenant_id = 7")},
		{"INSERT INTO numbered VALUES (7, 1)", nil, goes(t, "SELECT * FROM numbered WHERE tenant_id = 7")},
		{"INSERT INTO numbered SELECT 7, 1", nil, goes(t, "SELECT * FROM numbered WHERE tenant_id = 7")},
		{"INSERT INTO accounts VALUES ('b', nextval('s'))", nil, "composed"},
		{"INSERT INTO audit VALUES (1, 'x')", nil, "s0"},
		{"INSERT INTO audit SELECT 1, owner FROM accounts WHERE owner = 'a'", nil, "s0"},
		{"INSERT INTO audit SELECT 1, owner FROM accounts WHERE owner = 'b'", nil, "composed s1"},
		{"INSERT INTO orders VALUES (1, 7)", nil, goes(t, "SELECT * FROM orders WHERE tenant_id = 7")},
	})
}

func TestWrites(t *testing.T) {
	check(t, []spec{
		{"UPDATE accounts SET balance = 0", nil, "s0+s1+s2"},
		{"DELETE FROM accounts WHERE balance = 0", nil, "s0+s1+s2"},
		{"UPDATE accounts SET balance = 0 WHERE owner IN ('a', 'b')", nil, "s0+s1"},
		{"UPDATE accounts a SET balance = l.amount FROM ledger l WHERE l.owner = a.owner", nil, "s0+s1+s2"},
		{"UPDATE accounts a SET balance = l.amount FROM ledger l WHERE l.n = a.balance", nil, "composed"},
		{"UPDATE accounts a SET balance = l.amount FROM ledger l WHERE l.owner = a.owner AND a.owner = 'b'", nil, "s1"},
		{"DELETE FROM ledger l USING accounts a WHERE a.owner = l.owner AND a.owner = 'b'", nil, "s1"},
		{"DELETE FROM ledger WHERE owner = 'b' AND n IN (SELECT n FROM ledger)", nil, "composed"},
		{"UPDATE accounts SET owner = 'c' WHERE owner = 'b'", nil, "composed"},
		{"UPDATE accounts SET balance = 1, note = now()", nil, "composed"},
		{"UPDATE accounts SET note = now() WHERE owner = 'b'", nil, "s1"},
		{"UPDATE audit SET what = 'x'", nil, "s0"},
		{"UPDATE currencies SET name = 'x' WHERE code = 'y'", nil, "all"},
		{"INSERT INTO currencies VALUES ('a', 'b'), ($1, $2)", a("c", "d"), "all"},
		{"UPDATE currencies SET name = random()::text", nil, "composed"},
		{"INSERT INTO currencies VALUES ('a', CURRENT_USER)", nil, "composed"},
		{"UPDATE currencies SET name = a.owner FROM accounts a WHERE a.owner = 'b'", nil, "composed"},
		{"INSERT INTO counted (at) VALUES ($1)", a("2026-01-01"), "composed"},
		{"INSERT INTO counted (id, at) VALUES (1, $1)", a("2026-01-01"), "all"},
		{"INSERT INTO counted VALUES (DEFAULT)", nil, "composed"},
		{"TRUNCATE accounts", nil, "all"},
		{"TRUNCATE audit", nil, "s0"},
		{"TRUNCATE accounts, audit, currencies RESTART IDENTITY CASCADE", nil, "all"},
		{"LOCK TABLE accounts", nil, "all"},
		{"MERGE INTO accounts a USING ledger l ON l.owner = a.owner WHEN MATCHED THEN DELETE", nil, "s0+s1+s2"},
		{"UPDATE accounts SET balance = 1 WHERE CURRENT OF c", nil, "no WHERE CURRENT OF"},
	})
}

func TestTablesThatAreNotSharded(t *testing.T) {
	check(t, []spec{
		{"SELECT 1", nil, "s0"}, {"SELECT nextval('x')", nil, "s0"}, {"VALUES (1), (2)", nil, "s0"},
		{"SELECT * FROM audit", nil, "s0"}, {"SELECT * FROM pg_class", nil, "s0"},
		{"SELECT * FROM currencies ORDER BY 1", nil, "any"}, {"SELECT * FROM currencies FOR UPDATE", nil, "s0"},
		{"SELECT * FROM currencies JOIN audit ON true", nil, "s0"}, {"TABLE currencies", nil, "any"},
		{"SELECT * FROM missing", nil, "! 42P01"}, {"SELECT * FROM other.accounts", nil, "! 42P01"},
	})
}

func TestFunctionsThatMayReadTables(t *testing.T) {
	check(t, []spec{
		// What a function in SQL reads is known: the key that it is given says where that is.
		{"SELECT get_balance('b')", nil, "composed"},
		{"SELECT get_balance(owner) FROM accounts WHERE owner = 'b'", nil, "s1"},
		{"SELECT get_balance($1) FROM accounts WHERE owner = $1", a("b"), "s1"},
		{"SELECT get_balance('a') FROM accounts WHERE owner = 'b'", nil, "composed"},
		{"SELECT get_balance(owner) FROM accounts", nil, "s0+s1+s2"},
		{"SELECT get_balance(note) FROM accounts", nil, "composed"},
		{"SELECT * FROM currencies WHERE name = get_balance(code)::text", nil, "composed"},
		// Of others nothing is known.
		{"SELECT peek('b')", nil, "no a call of function peek"},
		{"SELECT peek(owner) FROM accounts WHERE owner = 'b'", nil, "no a call of function"},
		{"SELECT peek($1) FROM accounts WHERE owner = $1", a("b"), "no a call of function"},
		{"SELECT peek('a') FROM accounts WHERE owner = 'b'", nil, "no a call of function"},
		{"SELECT peek(owner) FROM accounts", nil, "no a call of function"},
		{"SELECT peek(note) FROM accounts", nil, "no a call of function"},
		{"SELECT * FROM currencies WHERE name = peek(code)::text", nil, "no a call of function"},
		{"SELECT pure('x')", nil, "s0"},
		{"/* xapg:key=b */ SELECT peek('b')", nil, "no a key hint"}, // tables are placed differently here
		{"/* xapg:shard=s1 */ SELECT peek('b')", nil, "s1"},
		{"-- xapg:shard=s2\nSELECT * FROM accounts ORDER BY 1", nil, "s2"},
		{"/* why */ /* xapg:key=b */ SELECT count(*) FROM accounts", nil, "s1"},
		{"/* xapg:shard=s9 */ SELECT 1", nil, "no the shard"},
		{"/* xapg:shrad=s1 */ SELECT 1", nil, "no the hint"},
		{"/* xapg:key=a */ INSERT INTO accounts VALUES ('b')", nil, "no a key hint"},
		{"SELECT set_config('search_path', 'x', false)", nil, "no set_config"},
		{"CALL p()", nil, "no DO and CALL"}, {"DO $$ BEGIN END $$", nil, "no DO and CALL"},
	})
}

func TestDDLAndUtilities(t *testing.T) {
	check(t, []spec{
		{"CREATE TABLE t (id int)", nil, "all"},
		{"CREATE TABLE t (tenant_id int, id int, PRIMARY KEY (tenant_id, id))", nil, "all"},
		{"CREATE TABLE t (tenant_id int, id int PRIMARY KEY)", nil, "no a primary key, unique"},
		{"CREATE TABLE t (tenant_id int, id int, UNIQUE (id))", nil, "no a primary key, unique"},
		{"CREATE TABLE t (tenant_id int PRIMARY KEY REFERENCES orders (tenant_id))", nil, "all"},
		{"CREATE TABLE t (tenant_id int, o text REFERENCES accounts)", nil, "no a foreign key"},
		{"CREATE TABLE t (c text REFERENCES currencies)", nil, "all"},
		{"CREATE UNIQUE INDEX ON accounts (note)", nil, "no a primary key, unique"},
		{"CREATE UNIQUE INDEX ON accounts (owner, note)", nil, "all"},
		{"CREATE INDEX ON accounts (note)", nil, "all"},
		{"CREATE INDEX CONCURRENTLY ON accounts (note)", nil, "all"},
		{"ALTER TABLE accounts ADD UNIQUE (note)", nil, "no a primary key, unique"},
		{"ALTER TABLE accounts DROP COLUMN owner", nil, "no a change of table"},
		{"ALTER TABLE accounts ALTER COLUMN owner TYPE varchar(3)", nil, "no a change of table"},
		{"ALTER TABLE audit ADD COLUMN tenant_id int", nil, "no a change of table"},
		{"ALTER TABLE accounts ADD COLUMN x int", nil, "all"},
		{"ALTER TABLE accounts RENAME TO z", nil, "no a change of table"},
		{"ALTER TABLE accounts RENAME COLUMN note TO z", nil, "all"},
		{"ALTER TABLE accounts RENAME COLUMN owner TO z", nil, "no a change of table"},
		{"DROP TABLE accounts", nil, "all"}, {"CREATE VIEW v AS SELECT 1", nil, "all"}, {"COMMENT ON TABLE accounts IS 'x'", nil, "all"},
		{"CREATE TEMP TABLE t (id int)", nil, "s0"}, {"CREATE TABLE t AS SELECT 1", nil, "all"},
		{"VACUUM accounts", nil, "all"}, {"ANALYZE", nil, "all"}, {"COPY accounts FROM stdin", nil, "no COPY"},
		{"LISTEN x", nil, "s0"}, {"NOTIFY x", nil, "s0"}, {"DECLARE c CURSOR FOR SELECT 1", nil, "s0"}, {"PREPARE p AS SELECT 1", nil, "no this statement"},
		{"PREPARE TRANSACTION 'x'", nil, "no two-phase commit by hand"}, {"COMMIT PREPARED 'x'", nil, "no two-phase commit by hand"},
		{"/* xapg:shard=s1 */ PREPARE TRANSACTION 'x'", nil, "no two-phase commit by hand"},
		{"CREATE DATABASE x", nil, "no this statement (CreatedbStmt)"}, {"SHOW work_mem", nil, "s0"},
		{"SELEC 1", nil, "! 42601"},
	})
}

func TestControlStatementsSayWhatTheyWant(t *testing.T) {
	p, cat := world(t)
	one := func(sql string) *plan.Statement {
		made, err := p.Plan(sql, cat, nil)
		require.NoError(t, err)
		return made.Statements[0]
	}
	begin := one("BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY DEFERRABLE")
	assert.Equal(t, plan.Begin, begin.Class)
	assert.Equal(t, "SERIALIZABLE", begin.Control.Isolation)
	assert.True(t, *begin.Control.ReadOnly && *begin.Control.Deferrable)
	assert.Equal(t, "s", one("ROLLBACK TO SAVEPOINT s").Control.Name)
	assert.True(t, one("COMMIT AND CHAIN").Control.Chain)
	set := one("SET LOCAL search_path TO a, \"$user\", public")
	assert.Equal(t, &plan.Setting{Name: "search_path", Local: true, Values: []string{"a", "$user", "public"}}, set.Setting)
	assert.True(t, one("RESET ALL").Setting.All)
	assert.Equal(t, plan.SetTransaction, one("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE").Class)
	assert.True(t, one("SELECT pg_notify('a', 'b')").Notifies)
	script, err := p.Plan("SELECT 1; INSERT INTO accounts VALUES ('b')", cat, nil)
	require.NoError(t, err)
	assert.Equal(t, "INSERT INTO accounts VALUES ('b')", script.Statements[1].SQL)
}

func TestThePlanCacheIsBoundedAndKnowsItsCatalog(t *testing.T) {
	p, cat := world(t)
	first, err := p.Plan("SELECT * FROM accounts WHERE owner = 'a'", cat, nil)
	require.NoError(t, err)
	again, err := p.Plan("SELECT * FROM accounts WHERE owner = 'a'", cat, nil)
	require.NoError(t, err)
	assert.Same(t, first, again)
	_, other := world(t)
	fresh, err := p.Plan("SELECT * FROM accounts WHERE owner = 'a'", other, nil)
	require.NoError(t, err)
	assert.NotSame(t, first, fresh, "planned by another catalog")
	elsewhere, err := p.Plan("SELECT * FROM accounts WHERE owner = 'a'", cat, []string{"nowhere"})
	require.NoError(t, err)
	assert.True(t, elsewhere.Unknown, "another search_path")
}

func BenchmarkPlanCached(b *testing.B) {
	p, cat := world(b)
	const sql = "SELECT balance FROM accounts WHERE owner = $1"
	args := []driver.NamedValue{{Ordinal: 1, Value: "b"}}
	b.ReportAllocs()
	for b.Loop() {
		made, _ := p.Plan(sql, cat, nil)
		_, _ = made.Statements[0].Target(args, plan.Hint{})
	}
}

func BenchmarkPlanUncached(b *testing.B) {
	_, cat := world(b)
	m, _ := shardmap.New(shardmap.Spec{Shards: []string{"s0"}})
	p := plan.New(m, 0)
	for b.Loop() {
		_, _ = p.Plan("SELECT a.owner, sum(l.amount) FROM accounts a JOIN ledger l ON l.owner = a.owner LEFT JOIN currencies c ON c.code = a.note WHERE a.owner = $1 AND l.n > 5 GROUP BY 1 ORDER BY 2 DESC LIMIT 10", cat, nil)
	}
}
