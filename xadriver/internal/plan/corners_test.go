package plan_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver/internal/plan"
)

func TestNamesOfDISTINCTONAreThoseOfOutputColumnsFirst(t *testing.T) {
	check(t, []spec{
		{"SELECT DISTINCT ON (owner) note AS owner FROM accounts", nil, "composed"},
		{"SELECT DISTINCT ON (owner) owner, note FROM accounts", nil, "s0+s1+s2"},
	})
	p, _, _ := program(t, "SELECT DISTINCT ON (owner) note AS owner, balance FROM accounts ORDER BY 1, 2", 0)
	assert.Contains(t, final(p), "DISTINCT ON (c1)")
}

func TestAKeyThatMayBeMissingIsNullOnEveryShard(t *testing.T) {
	const from = " FROM accounts a LEFT JOIN ledger l ON l.owner = a.owner"
	check(t, []spec{
		{"SELECT DISTINCT l.owner" + from, nil, "composed"},
		{"SELECT DISTINCT ON (l.owner) l.owner, a.balance" + from, nil, "composed"},
		{"SELECT l.owner, count(*)" + from + " GROUP BY l.owner", nil, "composed"},
		{"SELECT row_number() OVER (PARTITION BY l.owner ORDER BY a.balance)" + from, nil, "composed"},
		{"INSERT INTO bills (owner, n) SELECT l.owner, a.balance" + from, nil, "composed"}, // a row without a key has no shard
		{"SELECT s.owner, count(*) FROM (SELECT l.owner" + from + ") s GROUP BY s.owner", nil, "composed"},
		// The side that is kept has the key.
		{"SELECT a.owner, count(*)" + from + " GROUP BY a.owner", nil, "s0+s1+s2"},
		{"SELECT DISTINCT a.owner, l.n" + from, nil, "s0+s1+s2"},
	})
}

func TestATableIsPulledFromAllShardsThatAnyOfItsMentionsNeeds(t *testing.T) {
	checkGathered(t, 0, []gathering{
		{"SELECT count(*) FROM accounts a JOIN ledger l ON l.owner = a.owner, ledger m WHERE a.owner = 'b' AND m.n = l.n",
			[]string{"accounts: SELECT owner FROM accounts WHERE owner = 'b' @[1]", "ledger: SELECT owner, n FROM ledger @[1]", "ledger_2: SELECT owner, n FROM ledger"}, ""},
	})
}

func TestTheRowsThatAreLockedAreThoseThatAreChanged(t *testing.T) {
	for _, sql := range []string{
		"WITH q AS (SELECT n FROM ledger WHERE amount > 3) UPDATE bills SET amount = 1 FROM q WHERE q.n = bills.n AND bills.note = 'k'",
		"WITH q AS (SELECT n FROM ledger WHERE amount > 3) DELETE FROM bills WHERE n IN (SELECT n FROM q) AND note = 'k'",
	} {
		w, st, err := written(t, sql)
		require.NoError(t, err)
		assert.True(t, strings.HasPrefix(locked(t, w, st), "bills WHERE note = 'k' FOR "), sql)
	}
}

func TestDefaultsThatDependOnTheTimeAreOneTime(t *testing.T) {
	check(t, []spec{
		{"INSERT INTO stamped (owner, n) SELECT owner, balance FROM accounts", nil, "composed"},
		{"INSERT INTO stamped (owner, n, at) SELECT owner, balance, NULL FROM accounts", nil, "s0+s1+s2"},
		{"UPDATE stamped SET at = DEFAULT WHERE n > 0", nil, "composed"},
	})
	w, _, err := written(t, "INSERT INTO gapped VALUES ('a'), ('b')") // at is not the first that is omitted
	require.NoError(t, err)
	assert.Equal(t, 1, w.Moment)
}

func TestATableMayBeCalledAsItLikes(t *testing.T) {
	for _, sql := range []string{"UPDATE bills x SET amount = 1 FROM ledger l WHERE l.n = x.n", "DELETE FROM bills x USING ledger l WHERE l.n = x.n"} {
		w, _, err := written(t, sql)
		require.NoError(t, err)
		assert.NotRegexp(t, `bills x .*\) WITH ORDINALITY x\(`, w.Stay.String())
	}
}

func TestReturnedColumnsKeepTheirNamesWhereTheTimeIsPutIn(t *testing.T) {
	w, _, err := written(t, "UPDATE stamped SET at = now() WHERE n > 3 RETURNING now()")
	require.NoError(t, err)
	assert.Contains(t, w.Scatter.String(), "AS now")
}

func TestAFunctionThatReadsTablesIsCalledWhereItsRowsAre(t *testing.T) {
	for _, sql := range []string{
		"SELECT get_balance(owner), row_number() OVER (ORDER BY balance) FROM accounts", "SELECT array_agg(get_balance(owner)) FROM accounts",
		"SELECT count(DISTINCT get_balance(owner)) FROM accounts",
	} {
		p, _, _ := program(t, sql, 0)
		if p.Strategy != "gather" { // which gathers what the function reads, too
			assert.NotContains(t, final(p), "get_balance", sql)
		}
	}
}

func TestWhatEXISTSSelectsMattersToWhatRefersToIt(t *testing.T) {
	for sql, want := range map[string]string{
		"SELECT 1 FROM accounts a WHERE EXISTS (SELECT * FROM ledger l WHERE l.n = a.balance ORDER BY 2)":        "SELECT * FROM pg_temp.ledger",
		"SELECT 1 FROM accounts a WHERE EXISTS (SELECT DISTINCT * FROM ledger l WHERE l.n = a.balance OFFSET 1)": "SELECT DISTINCT * FROM pg_temp.ledger",
	} {
		p, _, _ := program(t, sql, 0)
		assert.Contains(t, final(p), want, sql)
	}
}

func TestReferenceTablesAreWrittenTheSameWhateverTheOrderOfTheirRows(t *testing.T) {
	check(t, []spec{
		{"INSERT INTO currencies SELECT code || 'x', name FROM currencies LIMIT 1", nil, "composed"},
		{"INSERT INTO currencies SELECT DISTINCT ON (name) code || 'x', name FROM currencies", nil, "composed"},
		{"DELETE FROM rates WHERE code = (SELECT code FROM currencies LIMIT 1)", nil, "composed"},
		{"UPDATE rates SET n = c.n FROM rates c WHERE c.n > rates.n", nil, "composed"}, // one of several rows
		{"INSERT INTO currencies SELECT 'all', string_agg(code, ',') FROM currencies", nil, "composed"},
		{"UPDATE rates SET n = n + 1 WHERE code IN (SELECT code FROM currencies)", nil, "all"},
	})
}

func TestACatalogThatIsBehindIsNoReasonToPanic(t *testing.T) {
	p, cat := world(t)
	made, err := p.Plan("UPDATE bills SET added_just_now = 1 WHERE n IN (SELECT n FROM ledger)", cat, nil)
	require.NoError(t, err)
	assert.NotPanics(t, func() {
		_, err = made.Statements[0].Write(trusting{})
	})
	assert.Error(t, err)
}

// trusting knows all columns.
type trusting struct{}

func (trusting) Describe(string) (*plan.Description, error) { return &plan.Description{}, nil }
