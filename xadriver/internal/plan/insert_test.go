package plan_test

import (
	"database/sql/driver"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver/internal/plan"
)

var (
	doubled = regexp.MustCompile(`(\$\d+::timestamp with time zone)(?:::timestamp with time zone)+|(\$\d+::bigint)(?:::bigint)+`)
	arrays  = regexp.MustCompile(`ROWS FROM \(pg_catalog\.unnest\(\$(\d+)[^)]*\[\]\).*? WITH ORDINALITY x\(xapg_1.*?, xapg_n\)`)
)

// short leaves out what is the same in all texts: schemas, the casts to text, and
// the rows that are handed over as arrays, whose first parameter stays.
func short(sql string) string {
	sql = strings.ReplaceAll(arrays.ReplaceAllString(sql, "rows$$$1 x"), "::pg_catalog.text", "")
	sql = strings.ReplaceAll(doubled.ReplaceAllString(sql, "$1$2"), "public.", "")
	var words []string // without an alias that says the name again
	for _, w := range strings.Split(sql, " ") {
		if n := len(words); n > 0 && words[n-1] == strings.TrimSuffix(w, ",") {
			words[n-1] = w
			continue
		}
		words = append(words, w)
	}
	return strings.ReplaceAll(strings.Join(words, " "), " AS bills (", " (")
}

func TestRowsWhoseKeysAreComputedAreFoundFirst(t *testing.T) {
	for _, s := range []struct {
		sql, source, arrive string
		width, key, moment  int
	}{
		// The key is computed, or left to a default that is.
		{"INSERT INTO computed (owner, n) VALUES (upper('x'), 1), ('b', 2)", "VALUES (upper('x')::text, 1::bigint), ('b'::text, 2::bigint)",
			"INSERT INTO computed (owner, n) SELECT x.xapg_1::text, x.xapg_2::bigint FROM rows$2 x ORDER BY x.xapg_n", 2, 0, 0},
		{"INSERT INTO computed (n) VALUES (1), (2)", "VALUES (1::bigint, upper('b'::text)::text), (2::bigint, upper('b'::text)::text)",
			"INSERT INTO computed (n, owner) SELECT x.xapg_1::bigint, x.xapg_2::text FROM rows$2 x ORDER BY x.xapg_n", 2, 1, 0},
		{"INSERT INTO computed VALUES (DEFAULT, $1, DEFAULT)", "VALUES (upper('b'::text)::text, $1::bigint)",
			"INSERT INTO computed (owner, n) SELECT x.xapg_1::text, x.xapg_2::bigint FROM rows$3 x ORDER BY x.xapg_n", 2, 0, 0},
		{"INSERT INTO computed DEFAULT VALUES RETURNING twice", "VALUES (upper('b'::text)::text)", "INSERT INTO computed (owner) SELECT x.xapg_1::text FROM rows$2 x ORDER BY x.xapg_n RETURNING twice", 1, 0, 0},
		{"INSERT INTO bills (n) VALUES (1)", "VALUES (1::bigint, NULL::text)", "INSERT INTO bills (n, owner) SELECT x.xapg_1::bigint, x.xapg_2::text FROM rows$2 x ORDER BY x.xapg_n", 2, 1, 0}, // found to be NULL
		// Defaults that depend on the time are found too; others are each shard's to know.
		{"INSERT INTO stamped (owner, n) VALUES (upper('a'), 1)", "VALUES (upper('a')::text, 1::bigint, $1::timestamp with time zone)",
			"INSERT INTO stamped (owner, n, at) SELECT x.xapg_1::text, x.xapg_2::bigint, x.xapg_3::timestamp with time zone FROM rows$2 x ORDER BY x.xapg_n", 3, 0, 1},
		{"INSERT INTO bills (owner, n, note) VALUES (upper('a'), 1, DEFAULT)", "VALUES (upper('a')::text, 1::bigint)", "INSERT INTO bills (owner, n) SELECT x.xapg_1::text, x.xapg_2::bigint FROM rows$2 x ORDER BY x.xapg_n", 2, 0, 0},
		{"INSERT INTO bills (owner, n, note) VALUES (upper('a'), 1, DEFAULT), ('b', 2, 'x')", "VALUES (upper('a')::text, 1::bigint, 'none'::text::text), ('b'::text, 2::bigint, 'x'::text)",
			"INSERT INTO bills (owner, n, note) SELECT x.xapg_1::text, x.xapg_2::bigint, x.xapg_3::text FROM rows$2 x ORDER BY x.xapg_n", 3, 0, 0},
		// The rows of a query, cast where they stand so that the query stays what it is.
		{"INSERT INTO bills (owner, n, amount) SELECT note, balance, 3 FROM accounts WHERE balance > $1", "SELECT note::text AS c1, balance::bigint AS c2, 3::bigint AS c3 FROM accounts WHERE balance > $1::bigint",
			"INSERT INTO bills (owner, n, amount) SELECT x.xapg_1::text, x.xapg_2::bigint, x.xapg_3::bigint FROM rows$3 x ORDER BY x.xapg_n", 3, 0, 0},
		{"INSERT INTO bills (owner, n) SELECT 'a', count(*) FROM ledger RETURNING *", "SELECT 'a'::text AS c1, count(*)::bigint AS c2 FROM ledger",
			"INSERT INTO bills (owner, n) SELECT x.xapg_1::text, x.xapg_2::bigint FROM rows$2 x ORDER BY x.xapg_n RETURNING *", 2, 0, 0},
		{"WITH q AS (SELECT note, 1 AS n FROM accounts) INSERT INTO bills (owner, n) SELECT note, n FROM q", "WITH q AS (SELECT note, 1 AS n FROM accounts) SELECT note::text AS c1, n::bigint AS c2 FROM q",
			"INSERT INTO bills (owner, n) SELECT x.xapg_1::text, x.xapg_2::bigint FROM rows$2 x ORDER BY x.xapg_n", 2, 0, 0},
		// Where the query refers to its output, or there is a star, it becomes a subquery.
		{"INSERT INTO items (id, owner) SELECT DISTINCT n, owner FROM bills", "SELECT rows.c1::bigint AS c1, rows.c2::text AS c2 FROM (SELECT DISTINCT n, owner FROM bills) rows(c1, c2)",
			"INSERT INTO items (id, owner) SELECT x.xapg_1::bigint, x.xapg_2::text FROM rows$2 x ORDER BY x.xapg_n", 2, 0, 0},
		{"INSERT INTO items (owner, price, id) SELECT * FROM ledger", "SELECT rows.c1::text AS c1, rows.c2::numeric AS c2, rows.c3::bigint AS c3 FROM (SELECT * FROM ledger) rows(c1, c2, c3)",
			"INSERT INTO items (owner, price, id) SELECT x.xapg_1::text, x.xapg_2::numeric, x.xapg_3::bigint FROM rows$2 x ORDER BY x.xapg_n", 3, 2, 0},
		{"INSERT INTO bills (owner, n) SELECT note, balance FROM accounts UNION SELECT owner, n FROM ledger", "SELECT rows.c1::text AS c1, rows.c2::bigint AS c2 FROM (SELECT note, balance FROM accounts UNION SELECT owner, n FROM ledger) rows(c1, c2)",
			"INSERT INTO bills (owner, n) SELECT x.xapg_1::text, x.xapg_2::bigint FROM rows$2 x ORDER BY x.xapg_n", 2, 0, 0},
		{"INSERT INTO bills (owner, n) VALUES ('a', (SELECT max(n) FROM ledger))", "VALUES ('a'::text, (SELECT max(n) FROM ledger)::bigint)",
			"INSERT INTO bills (owner, n) SELECT x.xapg_1::text, x.xapg_2::bigint FROM rows$2 x ORDER BY x.xapg_n", 2, 0, 0},
		{"INSERT INTO bills (owner, n) SELECT upper('x'), 1 ON CONFLICT (owner, n) DO NOTHING", "SELECT upper('x')::text AS c1, 1::bigint AS c2",
			"INSERT INTO bills (owner, n) SELECT x.xapg_1::text, x.xapg_2::bigint FROM rows$2 x ORDER BY x.xapg_n ON CONFLICT (owner, n) DO NOTHING", 2, 0, 0},
	} {
		w, _, err := written(t, s.sql, int8OID)
		require.NoError(t, err, s.sql)
		assert.Equal(t, "evaluate and split", w.Strategy, s.sql)
		if !strings.Contains(s.sql, "$") {
			w, _, err = written(t, s.sql)
			require.NoError(t, err, s.sql)
		}
		assert.Equal(t, s.source, short(w.Source.String()), s.sql)
		assert.Equal(t, s.arrive, short(w.Arrive.String()), s.sql)
		assert.Equal(t, []int{s.width, s.key, s.key, s.moment}, []int{w.Width, w.Key, w.OldKey, w.Moment}, s.sql)
		assert.True(t, w.Stay.Empty() && w.Leave.Empty() && w.Lock == nil && !w.Counted, s.sql)
		assert.Equal(t, strings.Contains(s.sql, "RETURNING"), w.Returning, s.sql)
	}
}

func TestReferenceTablesGetValuesThatAreFoundOnce(t *testing.T) {
	for _, s := range []struct{ sql, source, arrive string }{
		{"INSERT INTO rates (code) VALUES ('x'), ('y')", "VALUES ('x'::text, $1::timestamp with time zone), ('y'::text, $1::timestamp with time zone)",
			"INSERT INTO rates (code, at) SELECT x.xapg_1::text, x.xapg_2::timestamp with time zone FROM rows$2 x ORDER BY x.xapg_n"},
		{"INSERT INTO rates SELECT owner, 1 FROM accounts", "SELECT owner::text AS c1, 1::bigint AS c2, $1::timestamp with time zone AS c3 FROM accounts",
			"INSERT INTO rates (code, n, at) SELECT x.xapg_1::text, x.xapg_2::bigint, x.xapg_3::timestamp with time zone FROM rows$2 x ORDER BY x.xapg_n"},
		{"INSERT INTO counted (at) VALUES ('2026-01-01')", "VALUES ('2026-01-01'::timestamp with time zone, nextval('counted_id_seq'::regclass)::bigint)",
			"INSERT INTO counted (at, id) SELECT x.xapg_1::timestamp with time zone, x.xapg_2::bigint FROM rows$2 x ORDER BY x.xapg_n"},
		{"INSERT INTO currencies VALUES ('a', random()::text)", "VALUES ('a'::text, random()::text::text)", "INSERT INTO currencies (code, name) SELECT x.xapg_1::text, x.xapg_2::text FROM rows$2 x ORDER BY x.xapg_n"},
	} {
		w, _, err := written(t, s.sql)
		require.NoError(t, err, s.sql)
		assert.Equal(t, "evaluate and copy", w.Strategy, s.sql)
		assert.Equal(t, s.source, short(w.Source.String()), s.sql)
		assert.Equal(t, s.arrive, short(w.Arrive.String()), s.sql)
	}
	w, _, err := written(t, "INSERT INTO notes SELECT balance, note FROM accounts")
	require.NoError(t, err)
	assert.Equal(t, "gather and insert", w.Strategy)
	assert.Equal(t, "SELECT balance::bigint AS c1, note::text AS c2 FROM accounts", short(w.Source.String()))
}

func TestConflictsThatAShardCannotSeeAreRefused(t *testing.T) {
	check(t, []spec{
		{"INSERT INTO linked VALUES ('a', 1), ('b', 2) ON CONFLICT DO NOTHING", nil, "no ON CONFLICT over the unique index linked_n_key"},
		{"INSERT INTO linked VALUES ('b', 2) ON CONFLICT DO NOTHING", nil, "no ON CONFLICT over the unique index linked_n_key"},
		{"INSERT INTO linked VALUES ('b', 2) ON CONFLICT (n) DO NOTHING", nil, "no ON CONFLICT over columns without the key"},
		{"INSERT INTO linked VALUES ('b', 2) ON CONFLICT (lower(owner)) DO NOTHING", nil, "no ON CONFLICT over columns without the key"},
		{"INSERT INTO linked VALUES ('b', 2) ON CONFLICT ON CONSTRAINT linked_n_key DO NOTHING", nil, "no ON CONFLICT over the constraint linked_n_key"},
		{"INSERT INTO linked SELECT note, 1 FROM accounts ON CONFLICT (n) DO NOTHING", nil, "no ON CONFLICT over columns without the key"},
		{"INSERT INTO linked VALUES ('b', 2) ON CONFLICT (owner) DO UPDATE SET owner = 'c'", nil, "no a change of the key"},
		// What contains the key is judged by the shard of the row.
		{"INSERT INTO linked VALUES ('b', 2) ON CONFLICT ON CONSTRAINT linked_pkey DO NOTHING", nil, "s1"},
		{"INSERT INTO linked VALUES ('a', 1), ('b', 2) ON CONFLICT (owner) DO UPDATE SET n = excluded.n", nil, "composed"},
		{"INSERT INTO bills VALUES ('a', 1), ('b', 2) ON CONFLICT DO NOTHING", nil, "composed"},
		{"INSERT INTO currencies VALUES ('a', 'x') ON CONFLICT DO NOTHING", nil, "all"},
	})
}

func TestInsertsThatCannotBeComposedAreRefused(t *testing.T) {
	for sql, want := range map[string]string{
		"WITH w AS (INSERT INTO accounts VALUES ('a') RETURNING owner) INSERT INTO accounts VALUES ('b', 1, 'x')":      "no a WITH query that writes, over several shards",
		"INSERT INTO accounts VALUES ('a', 1, peek('a')), ('b', 2, 'z')":                                               "no a call of function peek",
		"INSERT INTO bills (owner, n) SELECT note, 1 FROM accounts WHERE ctid = '(0,1)'":                               "no a place of rows",
		"INSERT INTO bills (owner, n) SELECT c.owner, 1 FROM (SELECT * FROM accounts TABLESAMPLE system (10)) AS c":    "no TABLESAMPLE on a sharded table",
		"WITH w AS (DELETE FROM audit RETURNING id) INSERT INTO accounts (owner) SELECT 'b' FROM w, audit":             "no a WITH query that writes, over several shards",
		"INSERT INTO rich (owner) VALUES ('a'), ('b')":                                                                 "no INSERT into rich, which is not a table",
		"INSERT INTO bills (owner, n) SELECT owner, n FROM (SELECT note AS owner, 1 AS n FROM accounts FOR UPDATE) s":  "",
		"INSERT INTO bills (owner, n) WITH q AS (SELECT note FROM accounts) SELECT note, 1 FROM q":                     "",
		"WITH p AS (SELECT 1 AS n) INSERT INTO bills (owner, n) WITH q AS (SELECT 'k' AS k) SELECT q.k, p.n FROM q, p": "no this write over several shards",
	} {
		err := attempt(t, sql)
		if want == "" {
			assert.NoError(t, err, sql)
			continue
		}
		require.Error(t, err, sql)
		assert.True(t, strings.HasPrefix(failure(err), want), "%s\n  is: %s", sql, failure(err))
	}
}

// attempt does with a write what can be done without servers: it finds where it
// goes, composes it, and finds where the query goes that finds its rows.
func attempt(t testing.TB, sql string) error {
	t.Helper()
	p, cat := world(t)
	made, err := p.Plan(sql, cat, nil)
	require.NoError(t, err, sql)
	target, err := made.Statements[0].Target(nil, plan.Hint{})
	if err != nil {
		return err
	}
	require.Equal(t, plan.Composed, target.Mode, sql)
	d := &describer{cat: cat}
	w, err := made.Statements[0].Write(d)
	if err != nil || w.Source.Empty() {
		return err
	}
	for _, text := range []plan.Text{w.Source, w.Then} {
		if text.Empty() {
			continue
		}
		sql, args := text.Bind(make([]driver.NamedValue, w.First+w.Width))
		if made, err = p.Plan(sql, cat, nil); err != nil {
			return err
		}
		st := made.Statements[0]
		target, err := st.Target(args, plan.Hint{})
		switch {
		case err != nil:
			return err
		case target.Mode == plan.Composed && st.Writes:
			_, err = st.Write(d)
		case target.Mode == plan.Composed:
			_, err = st.Program(d, 0)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
