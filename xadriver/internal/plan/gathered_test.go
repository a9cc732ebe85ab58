package plan_test

import (
	"database/sql/driver"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver/internal/plan"
)

// pulled says what a program asks to fill each table: "table: SELECT …", with the
// casts to text left out, and the shards where not all are asked.
func pulled(t testing.TB, p *plan.Program, st *plan.Statement, args ...any) []string {
	t.Helper()
	values := make([]driver.NamedValue, len(args))
	for i, a := range args {
		values[i] = driver.NamedValue{Ordinal: i + 1, Value: a}
	}
	var out []string
	for i := range p.Pulls {
		q := &p.Pulls[i]
		sql := strings.NewReplacer("::pg_catalog.text", "", " FROM public.", " FROM ", " FROM ONLY public.", " FROM ONLY ").Replace(q.Query.String())
		shards, err := q.Shards(st, values)
		require.NoError(t, err)
		if len(shards) != 3 {
			sql += fmt.Sprint(" @", shards)
		}
		out = append(out, q.Table+": "+sql)
	}
	return out
}

// gatherings are queries, what is pulled for them, and what is then asked.
type gathering struct {
	sql   string
	pulls []string
	final string
}

func checkGathered(t *testing.T, how int, list []gathering, args ...any) {
	t.Helper()
	for _, s := range list {
		p, st, _ := program(t, s.sql, how, textOID)
		assert.Equal(t, "gather", p.Strategy, s.sql)
		assert.Equal(t, s.pulls, pulled(t, p, st, args...), s.sql)
		if s.final != "" {
			assert.Equal(t, s.final, final(p), s.sql)
		}
		assert.True(t, p.Scatter.Empty() && p.Part == "", s.sql)
	}
}

func TestGatheringBringsTheTablesRowsTogether(t *testing.T) {
	checkGathered(t, 0, []gathering{
		{"SELECT * FROM accounts a JOIN ledger l ON l.n = a.balance", []string{"accounts: SELECT owner, balance, note FROM accounts", "ledger: SELECT owner, n, amount FROM ledger"},
			"SELECT * FROM pg_temp.accounts a JOIN pg_temp.ledger l ON l.n = a.balance"},
		{"SELECT accounts.owner FROM public.accounts JOIN public.ledger ON public.ledger.n = public.accounts.balance", []string{"accounts: SELECT owner, balance FROM accounts", "ledger: SELECT owner, n FROM ledger"},
			"SELECT accounts.owner FROM pg_temp.accounts JOIN pg_temp.ledger ON ledger.n = accounts.balance"},
		{"SELECT balance FROM accounts WHERE balance = (SELECT max(balance) FROM accounts)", []string{"accounts: SELECT balance FROM accounts"},
			"SELECT balance FROM pg_temp.accounts WHERE balance = (SELECT max(balance) FROM pg_temp.accounts)"},
		{"SELECT note FROM accounts UNION SELECT owner FROM ledger WHERE n > 3", []string{"accounts: SELECT owner, note FROM accounts", "ledger: SELECT owner, n FROM ledger WHERE n > 3"},
			"SELECT note FROM pg_temp.accounts UNION SELECT owner FROM pg_temp.ledger WHERE n > 3"},
		{"SELECT owner FROM (SELECT owner FROM accounts ORDER BY balance LIMIT 3) s", []string{"accounts: SELECT owner, balance FROM accounts"},
			"SELECT owner FROM (SELECT owner FROM pg_temp.accounts ORDER BY balance LIMIT 3) s"},
		{"WITH RECURSIVE r AS (SELECT owner FROM accounts UNION ALL SELECT l.owner FROM ledger l, r WHERE l.owner = r.owner) SELECT * FROM r",
			[]string{"accounts: SELECT owner, balance, note FROM accounts", "ledger: SELECT owner, n, amount FROM ledger"},
			"WITH RECURSIVE r AS (SELECT owner FROM pg_temp.accounts UNION ALL SELECT l.owner FROM pg_temp.ledger l, r WHERE l.owner = r.owner) SELECT * FROM r"},
		// A view is written out: PostgreSQL has bound it to the tables themselves.
		{"SELECT r.owner FROM rich r JOIN items i ON i.id = r.balance", []string{"accounts: SELECT owner, balance FROM accounts WHERE balance > 100", "items: SELECT id, owner FROM items"},
			"SELECT r.owner FROM (SELECT accounts.owner, accounts.balance FROM pg_temp.accounts WHERE accounts.balance > 100) r JOIN pg_temp.items i ON i.id = r.balance"},
		// Tables of home and reference tables are read where they are.
		{"SELECT u.what FROM accounts a JOIN audit u ON u.id = a.balance LEFT JOIN currencies c ON c.code = a.note", []string{"accounts: SELECT balance, note FROM accounts"},
			"SELECT u.what FROM pg_temp.accounts a JOIN public.audit u ON u.id = a.balance LEFT JOIN public.currencies c ON c.code = a.note"},
		// A table that is named twice is pulled once where the same rows are needed, else twice.
		{"SELECT a.note FROM accounts a, accounts b WHERE a.balance > 1 AND b.balance > 1", []string{"accounts: SELECT balance, note FROM accounts WHERE balance > 1"}, ""},
		{"SELECT a.note FROM accounts a, accounts b WHERE a.balance > 1 AND b.balance > 2", []string{"accounts: SELECT balance, note FROM accounts WHERE balance > 1", "accounts_2: SELECT balance, note FROM accounts WHERE balance > 2"},
			"SELECT a.note FROM pg_temp.accounts a, pg_temp.accounts_2 b WHERE a.balance > 1 AND b.balance > 2"},
		{"SELECT note FROM ONLY accounts WHERE balance > (SELECT avg(balance) FROM accounts)", []string{"accounts: SELECT balance, note FROM ONLY accounts", "accounts_2: SELECT balance, note FROM accounts"},
			"SELECT note FROM pg_temp.accounts WHERE balance > (SELECT avg(balance) FROM pg_temp.accounts_2 accounts)"},
	})
}

func TestOnlyTheColumnsThatAreNamedArePulled(t *testing.T) {
	checkGathered(t, 0, []gathering{
		{"SELECT count(*) FROM accounts a, ledger l WHERE a.balance = l.n", []string{"accounts: SELECT balance FROM accounts", "ledger: SELECT n FROM ledger"}, ""},
		{"SELECT 1 FROM accounts a CROSS JOIN items", []string{"accounts: SELECT NULL FROM accounts", "items: SELECT NULL FROM items"}, ""}, // only counted
		{"SELECT a.* FROM accounts a JOIN ledger l ON l.n = a.balance", []string{"accounts: SELECT owner, balance, note FROM accounts", "ledger: SELECT owner, n, amount FROM ledger"}, ""},
		{"SELECT a FROM accounts a JOIN items i ON i.id = a.balance", []string{"accounts: SELECT owner, balance, note FROM accounts", "items: SELECT id, owner, price FROM items"}, ""}, // a whole row
		{"SELECT 1 FROM accounts a JOIN ledger l USING (owner) WHERE l.n = (SELECT max(n) FROM ledger)", []string{"accounts: SELECT owner FROM accounts", "ledger: SELECT owner, n FROM ledger"}, ""},
		{"SELECT 1 FROM accounts NATURAL JOIN items", []string{"accounts: SELECT owner, balance, note FROM accounts", "items: SELECT id, owner, price FROM items"}, ""},
		{"SELECT o FROM accounts AS x(o, p) JOIN items ON id = p", []string{"accounts: SELECT owner, balance, note FROM accounts", "items: SELECT id, owner, price FROM items"}, ""},
		// What EXISTS selects does not matter.
		{"SELECT 1 FROM accounts a WHERE EXISTS (SELECT * FROM ledger l WHERE l.n = a.balance)", []string{"accounts: SELECT balance FROM accounts", "ledger: SELECT n FROM ledger"}, ""},
		{"SELECT price FROM items JOIN accounts ON id = balance ORDER BY note", []string{"items: SELECT id, price FROM items", "accounts: SELECT balance, note FROM accounts"}, ""},
	})
}

func TestAShardJudgesConditionsOnItsOwnTableBeforeItSendsRows(t *testing.T) {
	const a, l = "SELECT 1 FROM accounts a JOIN ledger l ON l.n = a.balance WHERE ", "ledger: SELECT n FROM ledger"
	checkGathered(t, 0, []gathering{
		{a + "a.balance > 3 AND l.n < 9", []string{"accounts: SELECT balance FROM accounts WHERE balance > 3", l + " WHERE n < 9"}, ""},
		{a + "balance IN (1, 2) AND (balance = 1 OR balance IS NULL) AND NOT balance = 4", []string{"accounts: SELECT balance FROM accounts WHERE balance IN (1, 2) AND (balance = 1 OR balance IS NULL) AND NOT balance = 4", l}, ""},
		{a + "abs(a.balance) = 3 AND coalesce(l.n, 1) = 2", []string{"accounts: SELECT balance FROM accounts WHERE abs(balance) = 3", l + " WHERE COALESCE(n, 1) = 2"}, ""},
		{a + "a.balance = $1::int", []string{"accounts: SELECT balance FROM accounts WHERE balance = $1::text::int", l}, ""},
		{"SELECT 1 FROM accounts a JOIN ledger l ON l.n = a.balance AND a.balance > 3", []string{"accounts: SELECT balance FROM accounts WHERE balance > 3", l}, ""},
		{"SELECT 1 FROM accounts AS x(o, p) JOIN items ON id = p WHERE x.p > 3", []string{"accounts: SELECT owner, balance, note FROM accounts WHERE balance > 3", "items: SELECT id, owner, price FROM items"}, ""},
		// Inside subqueries too: what counts there.
		{"SELECT 1 FROM accounts a WHERE NOT EXISTS (SELECT 1 FROM ledger l WHERE l.n = a.balance AND l.n > 4)", []string{"accounts: SELECT balance FROM accounts", l + " WHERE n > 4"}, ""},
		{"SELECT 1 FROM (SELECT balance FROM accounts WHERE balance > 3 LIMIT 5) s JOIN ledger ON n = balance", []string{"accounts: SELECT balance FROM accounts WHERE balance > 3", l}, ""},
		// The side of an outer join that may be missing: what ON says of it, not what WHERE says.
		{"SELECT 1 FROM accounts a LEFT JOIN ledger l ON l.n = a.balance AND l.n > 5 WHERE a.balance = 3", []string{"accounts: SELECT balance FROM accounts WHERE balance = 3", l + " WHERE n > 5"}, ""},
		{"SELECT 1 FROM ledger l RIGHT JOIN accounts a ON l.n = a.balance AND l.n > 5", []string{l + " WHERE n > 5", "accounts: SELECT balance FROM accounts"}, ""},
		// The time is one for all.
		{"SELECT 1 FROM accounts a JOIN stamped s ON s.n = a.balance WHERE s.at < now()", []string{"accounts: SELECT balance FROM accounts", "stamped: SELECT n, at FROM stamped WHERE at < $2::timestamp with time zone::timestamp with time zone"}, ""},
	})
}

func TestWhatAShardCannotJudgeIsNotPushedDown(t *testing.T) {
	const from = "SELECT 1 FROM accounts a JOIN ledger l ON l.n = a.balance WHERE "
	all := []string{"accounts: SELECT balance FROM accounts", "ledger: SELECT n FROM ledger"}
	var list []gathering
	for _, where := range []string{
		"a.balance < l.n", "1 = 1", "$1 = 'x'", "a.balance = l.n OR a.balance = 1", // of both tables, or of none
		"a.balance > random()", "random() > 0.5", "a.balance = nextval('s')", // another value each time
		"a.balance > (SELECT 1)", "a.balance IN (SELECT 2)", "EXISTS (SELECT 1 WHERE a.balance = 1)", // subqueries
		"a.balance = get_number(a.balance)", "a.balance = pure(a.balance)", // of users
		"a.balance::text = current_user", "a.balance::text = session_user", // who may be another
		"(SELECT max(x) FROM (VALUES (1)) AS v(x) WHERE x < a.balance) = 1",
		"a.balance > clock_timestamp()::text::int", // a time that passes
	} {
		list = append(list, gathering{from + where, all, ""})
	}
	list = append(list,
		// An outer join keeps rows, and makes some, of which WHERE is to judge.
		gathering{"SELECT 1 FROM accounts a LEFT JOIN ledger l ON l.n = a.balance WHERE l.n IS NULL", all, ""},
		gathering{"SELECT 1 FROM accounts a LEFT JOIN ledger l ON l.n = a.balance AND a.balance > 6", all, ""},
		gathering{"SELECT 1 FROM ledger l RIGHT JOIN accounts a ON l.n = a.balance AND a.balance > 6 WHERE l.n IS NULL", []string{all[1], all[0]}, ""},
		gathering{"SELECT 1 FROM accounts a FULL JOIN ledger l ON l.n = a.balance AND l.n > 5 WHERE a.balance = 3", all, ""},
		// What is said of groups, or of some rows only.
		gathering{"SELECT count(*) FILTER (WHERE n > 3) FROM accounts JOIN ledger ON n = balance HAVING max(balance) > 3", all, ""},
		gathering{"SELECT balance > 3 FROM accounts JOIN ledger ON n = balance ORDER BY n > 4", all, ""},
		gathering{"SELECT 1 FROM (SELECT balance FROM accounts LIMIT 5) s JOIN ledger ON n = balance WHERE s.balance > 3", all, ""},
	)
	checkGathered(t, 0, list, "x")
}

func TestPullsGoToTheShardsThatCanHaveRows(t *testing.T) {
	checkGathered(t, 0, []gathering{
		{"SELECT 1 FROM accounts a JOIN ledger l ON l.n = a.balance WHERE a.owner = 'b'", []string{"accounts: SELECT owner, balance FROM accounts WHERE owner = 'b' @[1]", "ledger: SELECT owner, n FROM ledger"}, ""},
		{"SELECT 1 FROM accounts a JOIN ledger l ON l.n = a.balance WHERE a.owner = $1 AND l.owner IN ('a', 'c')",
			[]string{"accounts: SELECT owner, balance FROM accounts WHERE owner = $1::text @[1]", "ledger: SELECT owner, n FROM ledger WHERE owner IN ('a', 'c') @[0 2]"}, ""},
		{"SELECT 1 FROM accounts a JOIN audit u ON u.id = a.balance WHERE a.owner = 'b'", []string{"accounts: SELECT owner, balance FROM accounts WHERE owner = 'b' @[1]"}, ""},
	}, "b")
}

func TestWithinATransactionTheTablesOfHomeAreCopiedToo(t *testing.T) {
	const sql = "SELECT u.what, c.name FROM accounts a JOIN audit u ON u.id = a.balance LEFT JOIN currencies c ON c.code = a.note"
	checkGathered(t, plan.All, []gathering{{sql, []string{
		"accounts: SELECT balance, note FROM accounts", "audit: SELECT id, what FROM audit @[0]", "currencies: SELECT code, name FROM currencies @[0]",
	}, "SELECT u.what, c.name FROM pg_temp.accounts a JOIN pg_temp.audit u ON u.id = a.balance LEFT JOIN pg_temp.currencies c ON c.code = a.note"}})
	// Where the transaction has locked tables, not even what shards could sum up is asked of them so.
	checkGathered(t, plan.Gather|plan.All, []gathering{{"SELECT count(*) FROM accounts", []string{"accounts: SELECT NULL FROM accounts"}, "SELECT count(*) FROM pg_temp.accounts"}})
}

func TestTheTablesOfAGatheringAreMadeWithoutTouchingTheOriginals(t *testing.T) {
	p, _, _ := program(t, "SELECT t.fixed, t.c, l.n FROM typed t JOIN ledger l ON l.n = t.i", 0)
	assert.Equal(t, []string{
		`CREATE TEMPORARY TABLE "typed" ("i" integer, "c" text COLLATE pg_catalog."C", "fixed" character(8)) ON COMMIT DROP`,
		`CREATE TEMPORARY TABLE "ledger" ("n" bigint) ON COMMIT DROP`,
	}, p.Create)
	p, _, _ = program(t, "SELECT b.note FROM bills b JOIN ledger l ON l.n = b.n GROUP BY b.owner, b.n", 0)
	assert.Equal(t, `ALTER TABLE pg_temp."bills" ADD PRIMARY KEY ("owner", "n")`, p.Create[1], "other columns of a group depend on it")
	assert.Equal(t, "no two tables of one name in one FROM, gathered from several shards", refused(t, "SELECT 1 FROM accounts, public.accounts"))
}

func TestPullsOfOneShardAreAskedTogether(t *testing.T) {
	p, _, _ := program(t, "SELECT a.owner FROM accounts a JOIN ledger l ON l.n = a.balance WHERE a.note = $1 AND l.amount > $2", 0, textOID, int8OID)
	assert.Equal(t, p.Pulls[1].Query.String(), p.Together([]int{1}).String(), "one alone is asked as it is")
	sql, args := p.Together([]int{1, 0}).Bind([]driver.NamedValue{{Ordinal: 1, Value: "n"}, {Ordinal: 2, Value: int64(7)}})
	assert.Equal(t, "SELECT 0, q.c1, q.c2, q.c3 FROM ("+strings.ReplaceAll(p.Pulls[1].Query.String(), "$2", "$1")+") AS q(c1, c2, c3) UNION ALL "+
		"SELECT 1, q.c1, q.c2, q.c3 FROM ("+strings.ReplaceAll(p.Pulls[0].Query.String(), "$1", "$2")+") AS q(c1, c2, c3)", sql)
	assert.Equal(t, []driver.NamedValue{{Ordinal: 1, Value: int64(7)}, {Ordinal: 2, Value: "n"}}, args)
}
