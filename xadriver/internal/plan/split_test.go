package plan_test

import (
	"database/sql/driver"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver/internal/plan"
)

// written composes a statement that writes.
func written(t testing.TB, sql string, params ...uint32) (*plan.Write, *plan.Statement, error) {
	t.Helper()
	p, cat := world(t)
	made, err := p.Plan(sql, cat, nil)
	require.NoError(t, err, sql)
	require.Len(t, made.Statements, 1, sql)
	w, err := made.Statements[0].Write(&describer{cat: cat, params: params})
	return w, made.Statements[0], err
}

func arguments(args ...any) []driver.NamedValue {
	values := make([]driver.NamedValue, len(args))
	for i, a := range args {
		values[i] = driver.NamedValue{Ordinal: i + 1, Value: a}
	}
	return values
}

func texts(list []plan.Text) (out []string) {
	for _, t := range list {
		out = append(out, t.String())
	}
	return out
}

func TestAnInsertIsSplitByRow(t *testing.T) {
	for _, s := range []struct {
		sql    string
		args   []any
		head   string
		rows   []string
		tail   string
		places []int
	}{
		{"INSERT INTO bills VALUES ('a', 1), ('b', 2), ('a2', 3)", nil, "INSERT INTO bills VALUES ", []string{"('a', 1)", "('b', 2)", "('a2', 3)"}, " ", []int{0, 1, 0}},
		{"INSERT INTO bills (n, owner) VALUES (1, $1), ($2, 'c')", a("b", 7), "INSERT INTO bills (n, owner) VALUES ", []string{"(1, $1)", "($2, 'c')"}, " ", []int{1, 2}},
		{"INSERT INTO bills AS x (owner, n) VALUES ('a', 1), ('b', 2) RETURNING x.*, $1::int", a(1), "INSERT INTO bills AS x (owner, n) VALUES ", []string{"('a', 1)", "('b', 2)"}, " RETURNING x.*, $1::int", []int{0, 1}},
		{"INSERT INTO bills (owner, n) VALUES ('a', 1), ('b', 2) ON CONFLICT (owner, n) DO UPDATE SET amount = excluded.n + $1", a(5), "INSERT INTO bills (owner, n) VALUES ", []string{"('a', 1)", "('b', 2)"},
			" ON CONFLICT (owner, n) DO UPDATE SET amount = excluded.n + $1", []int{0, 1}},
		{"INSERT INTO bills (owner, n) VALUES ('a', 1), ('b', 2) ON CONFLICT DO NOTHING", nil, "INSERT INTO bills (owner, n) VALUES ", []string{"('a', 1)", "('b', 2)"}, " ON CONFLICT DO NOTHING", []int{0, 1}},
		{"INSERT INTO guarded VALUES ('a', 1), ('b', 2)", nil, "INSERT INTO guarded VALUES ", []string{"('a', 1)", "('b', 2)"}, " ", []int{0, 1}},
		// Each shard knows the defaults, except for the key's.
		{"INSERT INTO bills VALUES ('a', 1, DEFAULT), ('b', 2, DEFAULT)", nil, "INSERT INTO bills VALUES ", []string{"('a', 1, DEFAULT)", "('b', 2, DEFAULT)"}, " ", []int{0, 1}},
		{"INSERT INTO spread (id, tenant_id) OVERRIDING USER VALUE VALUES (DEFAULT, 1), (2, 9)", nil, "INSERT INTO spread (id, tenant_id) OVERRIDING USER VALUE VALUES ", []string{"(DEFAULT, 1)", "(2, 9)"}, " ", nil},
		// What only looks like a row, and what a row may contain.
		{"INSERT INTO accounts (owner, note) VALUES ('a', 'VALUES (1), (2)'), ('b', (SELECT max(v) FROM (VALUES ('(('), ('q')) AS x(v)))", nil, "INSERT INTO accounts (owner, note) VALUES ",
			[]string{"('a', 'VALUES (1), (2)')", "('b', (SELECT max(v) FROM (VALUES ('(('), ('q')) AS x(v)))"}, " ", []int{0, 1}},
		{"INSERT INTO accounts (owner, note) VALUES ('a', $$),($$), -- ), (\n('b', upper('x'))", nil, "INSERT INTO accounts (owner, note) VALUES ", []string{"('a', $$),($$)", "('b', upper('x'))"}, " ", []int{0, 1}},
	} {
		w, st, err := written(t, s.sql)
		require.NoError(t, err, s.sql)
		assert.Equal(t, "split", w.Strategy, s.sql)
		require.NotNil(t, w.Split, s.sql)
		assert.Equal(t, []string{s.head, s.tail}, []string{strings.TrimSpace(w.Split.Head.String()) + " ", " " + strings.TrimSpace(w.Split.Tail.String())}, s.sql)
		assert.Equal(t, s.rows, texts(w.Split.Rows), s.sql)
		assert.Zero(t, w.Moment, s.sql)
		if s.places != nil {
			places, err := st.SplitRows(arguments(s.args...))
			require.NoError(t, err, s.sql)
			assert.Equal(t, s.places, places, s.sql)
		}
	}
}

func TestRowsOfASplitInsertHaveOneTime(t *testing.T) {
	const now = "$1::timestamp with time zone"
	for _, s := range []struct {
		sql, head string
		rows      []string
		moment    int
	}{
		{"INSERT INTO stamped (owner, n) VALUES ('a', 1), ('b', 2)", "INSERT INTO stamped (owner, n, at) VALUES ", []string{"('a', 1, " + now + ")", "('b', 2, " + now + ")"}, 1},
		{"INSERT INTO stamped VALUES ('a', 1), ('b', 2)", "INSERT INTO stamped (owner, n, at) VALUES ", []string{"('a', 1, " + now + ")", "('b', 2, " + now + ")"}, 1},
		{"INSERT INTO stamped VALUES ('a', 1, DEFAULT), ('b', 2, '2026-01-01')", "INSERT INTO stamped (owner, n, at) VALUES ", []string{"('a', 1, " + now + ")", "('b', 2, '2026-01-01')"}, 1},
		{"INSERT INTO stamped VALUES ('a', $1, CURRENT_TIMESTAMP), ('b', 2, $2)", "INSERT INTO stamped (owner, n, at) VALUES ", []string{"('a', $1, $3::timestamp with time zone::timestamp with time zone)", "('b', 2, $2)"}, 3},
	} {
		w, _, err := written(t, s.sql)
		require.NoError(t, err, s.sql)
		require.NotNil(t, w.Split, s.sql)
		assert.Equal(t, s.head, strings.TrimSpace(w.Split.Head.String())+" ", s.sql)
		assert.Len(t, w.Split.Rows, len(s.rows), s.sql)
		for i, r := range texts(w.Split.Rows) {
			assert.Equal(t, doubled.ReplaceAllString(s.rows[i], "$1$2"), doubled.ReplaceAllString(r, "$1$2"), s.sql)
		}
		assert.Equal(t, s.moment, w.Moment, s.sql)
	}
}

func TestARowWithoutAKeyHasNoShard(t *testing.T) {
	for _, s := range []struct {
		sql   string
		args  []any
		state string
	}{
		{"INSERT INTO bills VALUES ('a', 1), (NULL, 2)", nil, "23502"},
		{"INSERT INTO bills VALUES ('a', 1), ($1, 2)", a(nil), "23502"},
		{"INSERT INTO items VALUES (1), ('zwei')", nil, "22P02"},
		{"INSERT INTO items VALUES (1), (99999999999999999999)", nil, "22003"},
		{"INSERT INTO items VALUES (1), ($1)", a("x"), "22P02"},
		{"INSERT INTO items VALUES (1), ($2)", a(1), "08P01"},
	} {
		_, st, err := written(t, s.sql)
		require.NoError(t, err, s.sql)
		_, err = st.SplitRows(arguments(s.args...))
		var state interface{ SQLState() string }
		require.ErrorAs(t, err, &state, s.sql)
		assert.Equal(t, s.state, state.SQLState(), s.sql)
		assert.Equal(t, "! "+s.state, goes(t, s.sql, s.args...), "as where it goes: %s", s.sql)
	}
}

func TestTheShardOfARowThatIsKnownAsText(t *testing.T) {
	w, _, err := written(t, "INSERT INTO items SELECT * FROM items ORDER BY price")
	require.NoError(t, err)
	for key, want := range map[any]any{"1": 0, "2": 1, "22": 1, "3": 2, "77": 2, "x": "22P02", nil: "23502", 5: "23502"} {
		at, err := w.ShardOf(key)
		if state, ok := want.(string); ok {
			var got interface{ SQLState() string }
			require.ErrorAs(t, err, &got, "%v", key)
			assert.Equal(t, state, got.SQLState(), "%v", key)
			continue
		}
		require.NoError(t, err, "%v", key)
		assert.Equal(t, want, at, "%v", key)
	}
	at, err := w.ShardOf([]byte("2"))
	require.NoError(t, err)
	assert.Equal(t, 1, at)
	_, st, err := written(t, "UPDATE bills SET amount = 1 WHERE n IN (SELECT n FROM ledger)")
	require.NoError(t, err)
	_, err = st.SplitRows(nil)
	assert.Error(t, err, "it is no INSERT of rows")
}
