package plan_test

import (
	"database/sql/driver"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/xapg/xapg/xadriver/internal/catalog"
	"github.com/xapg/xapg/xadriver/internal/plan"
	"github.com/xapg/xapg/xadriver/internal/syntax"
)

// outcome of a statement: where it goes, and by what strategy it is composed.
type outcome struct {
	mode     plan.Mode
	strategy string
	texts    []plan.Text // what the shards are asked
	final    plan.Text   // what a scratch session is asked
	params   int
}

// compose plans a statement for these arguments, and composes it where it must be.
func compose(st *plan.Statement, cat *catalog.Catalog, args []driver.NamedValue, hows ...int) ([]outcome, error) {
	target, err := st.Target(args, plan.Hint{})
	if err != nil {
		return nil, err
	}
	if target.Mode != plan.Composed {
		return []outcome{{mode: target.Mode}}, nil
	}
	d := &describer{cat: cat}
	if st.Writes {
		w, err := st.Write(d)
		if err != nil {
			return nil, err
		}
		o := outcome{mode: target.Mode, strategy: w.Strategy, texts: []plan.Text{w.Scatter, w.Source, w.Stay, w.Leave, w.Arrive}, params: w.First + w.Width}
		if w.Lock != nil {
			if _, err := w.Lock.Shards(st, args); err != nil {
				return nil, err
			}
			o.texts = append(o.texts, w.Lock.Query)
		}
		if w.Split != nil {
			o.texts = append(o.texts, plan.Join("", w.Split.Head, plan.Join(", ", w.Split.Rows...), w.Split.Tail))
			o.params = w.Moment
			if _, err := st.SplitRows(args); err != nil {
				return nil, err
			}
		}
		return []outcome{o}, nil
	}
	var out []outcome
	for _, how := range hows {
		p, err := st.Program(d, how)
		if err != nil {
			return out, err
		}
		o := outcome{mode: target.Mode, strategy: p.Strategy, texts: []plan.Text{p.Scatter}, final: p.Final, params: p.Moment}
		if p.Limit != nil {
			o.params = max(o.params, p.Limit.Param)
			_, _, _, _ = p.Limit.Rows(args)
		}
		all := make([]int, len(p.Pulls))
		for i := range p.Pulls {
			all[i] = i
			if _, err := p.Pulls[i].Shards(st, args); err != nil {
				return nil, err
			}
			o.texts = append(o.texts, p.Pulls[i].Query)
		}
		if len(all) > 0 {
			o.texts = append(o.texts, p.Together(all))
		}
		for _, sql := range p.Create {
			o.texts = append(o.texts, plan.Text{})
			if _, err := syntax.Parse(sql); err != nil {
				return nil, fmt.Errorf("%s: %w", sql, err)
			}
		}
		out = append(out, o)
	}
	return out, nil
}

// sound checks what must hold for whatever is asked of shards and sessions.
func sound(t testing.TB, name string, o outcome, sharded func(*syntax.RangeVar) bool, params int) {
	t.Helper()
	for i, text := range append([]plan.Text{o.final}, o.texts...) {
		if text.Empty() {
			continue
		}
		sql, args := text.Bind(make([]driver.NamedValue, max(params, o.params)))
		list, err := syntax.Parse(sql)
		if !assert.NoError(t, err, "%s\n  asks: %s", name, sql) || !assert.Len(t, list, 1, name) {
			continue
		}
		places, err := syntax.Parameters(sql)
		require.NoError(t, err)
		for _, p := range places {
			assert.LessOrEqual(t, p.Number, len(args), "%s\n  asks: %s", name, sql)
		}
		ctes := make(map[string]bool)
		syntax.Walk(list[0].Node, func(m proto.Message) bool {
			if w, ok := m.(*syntax.WithClause); ok {
				for _, c := range w.Ctes {
					ctes[c.GetCommonTableExpr().Ctename] = true
				}
			}
			return true
		})
		syntax.Walk(list[0].Node, func(m proto.Message) bool {
			switch m := m.(type) {
			case *syntax.RangeVar:
				if i == 0 && m.Schemaname != "pg_temp" && !ctes[m.Relname] {
					assert.False(t, sharded(m), "the session reads a sharded table, of which it has home's part only: %s\n  asks: %s", name, sql)
				}
			case *syntax.FuncCall:
				own := len(m.Funcname) == 1 || m.Funcname[0].GetString_().GetSval() == "pg_catalog"
				assert.False(t, own && (last(m.Funcname) == "now" || last(m.Funcname) == "transaction_timestamp"), "each shard has a time of its own: %s\n  asks: %s", name, sql)
			}
			return true
		})
	}
}

func TestWhatTheScriptsAskIsPlannedAndComposed(t *testing.T) {
	worlds, err := corpus()
	require.NoError(t, err)
	strategies := make(map[string]int)
	statements, blank := 0, 0
	for _, w := range worlds {
		for i, sql := range w.statements {
			if i%every != 0 {
				continue
			}
			made, err := w.planner.Plan(sql, w.catalog, nil)
			if err != nil {
				continue
			}
			for _, st := range made.Statements {
				statements++
				args := arguments(w.args[i]...)
				got, err := compose(st, w.catalog, args, []int{0, 0, plan.All, plan.All | plan.Gather}[i%4])
				if err != nil && strings.Contains(err.Error(), "not understood well enough") {
					t.Logf("not understood: %s: %s", w.name, sql)
					blank++
				}
				for _, o := range got {
					strategies[o.mode.String()+" "+o.strategy]++
					sound(t, w.name+": "+st.SQL, o, w.sharded, len(args))
				}
			}
		}
	}
	t.Logf("%d statements: %v", statements, strategies)
	assert.Less(t, blank*100, statements, "nearly all is understood")
	for _, s := range []string{"ordered merge", "limited scatter", "scatter at one time", "merge by PostgreSQL", "partial aggregates", "gather", "split", "evaluate and split", "evaluate and copy", "gather and apply", "move rows"} {
		found := false
		for have, n := range strategies {
			found = found || strings.HasSuffix(have, " "+s) && n > 0
		}
		assert.True(t, found || every > 1, "the scripts have no statement for the strategy %s", s)
	}
}

func FuzzPlan(f *testing.F) {
	p, cat := world(f)
	worlds, err := corpus()
	require.NoError(f, err)
	for _, s := range []string{"SELECT * FROM accounts a JOIN ledger l USING (owner) WHERE owner = $1", "INSERT INTO accounts VALUES ('b')",
		"WITH x AS (SELECT 1) SELECT * FROM x, LATERAL (SELECT 2) y", "CREATE TABLE t (a int REFERENCES accounts)", "/* xapg:key=1 */ SET x = 1", "/**/SET A=0"} {
		f.Add(s)
	}
	for at, w := range worlds {
		for i, sql := range w.statements {
			if i%7 == at%7 { // all of them take minutes, once the code counts what it covers
				f.Add(sql)
			}
		}
	}
	args := []driver.NamedValue{{Ordinal: 1, Value: "b"}, {Ordinal: 2, Value: int64(3)}, {Ordinal: 3, Value: nil}}
	f.Fuzz(func(_ *testing.T, sql string) {
		planner, known := p, cat
		if w := worldOf(worlds, sql); w != nil {
			planner, known = w.planner, w.catalog
		}
		made, err := planner.Plan(sql, known, nil)
		if err != nil {
			return
		}
		for _, s := range made.Statements {
			_ = s.Explain()
			_, _ = s.Target(args, plan.Hint{Key: "b", HasKey: true})
			list, _ := compose(s, known, args, []int{0, plan.All, plan.Gather}[len(sql)%3])
			for _, o := range list {
				for _, text := range append(o.texts, o.final) {
					_, _ = text.Bind(args)
				}
			}
		}
	})
}

// worldOf finds a script that knows all tables that a text names, of those that
// know any the first.
func worldOf(worlds []*scripted, sql string) *scripted {
	list, err := syntax.Parse(sql)
	if err != nil {
		return nil
	}
	var names []*syntax.RangeVar
	for _, s := range list {
		syntax.Walk(s.Node, func(m proto.Message) bool {
			if rv, ok := m.(*syntax.RangeVar); ok {
				names = append(names, rv)
			}
			return true
		})
	}
	var best *scripted
	most := 0
	for _, w := range worlds {
		n := 0
		for _, rv := range names {
			if w.catalog.Resolve([]string{"public"}, rv.Schemaname, rv.Relname) != nil {
				n++
			}
		}
		if n > most {
			best, most = w, n
		}
	}
	return best
}

func TestNoTextIsTooLongOrTooDeepToBeAnswered(t *testing.T) {
	const million = 1_000_000
	p, cat := world(t)
	for name, sql := range map[string]string{
		"16 MB of text":   "SELECT '" + strings.Repeat("x", 16<<20) + "'",
		"16 MB of rows":   "INSERT INTO accounts VALUES ('a')" + strings.Repeat(", ('b')", 16<<20/7),
		"parentheses":     "SELECT " + strings.Repeat("(", million) + "1" + strings.Repeat(")", million),
		"subqueries":      "SELECT * FROM accounts WHERE owner IN " + strings.Repeat("(SELECT owner FROM accounts WHERE owner IN ", million/10) + "('a')",
		"conditions":      "SELECT * FROM accounts WHERE owner = 'a'" + strings.Repeat(" OR owner='b'", million),
		"joins":           "SELECT 1 FROM accounts" + strings.Repeat(" JOIN ledger", million),
		"unions":          "TABLE accounts" + strings.Repeat(" UNION TABLE a", million),
		"common tables":   strings.Repeat("WITH a AS (", million) + "TABLE accounts",
		"cases":           "SELECT " + strings.Repeat("CASE WHEN ", million),
		"negations":       "DELETE FROM accounts WHERE " + strings.Repeat("NOT ", million) + "true",
		"sums":            "UPDATE accounts SET balance = 1" + strings.Repeat("+1", million),
		"functions":       "SELECT " + strings.Repeat("upper(", million) + "'x'",
		"comments":        strings.Repeat("/*", million) + " SELECT 1",
		"hints that nest": "/*" + strings.Repeat("/*", million) + " xapg:key=1 " + strings.Repeat("*/", million) + "*/ SELECT (",
		"statements":      strings.Repeat("SELECT (;", million),
		"explains":        strings.Repeat("EXPLAIN ", million) + "SELECT 1",
		"brackets":        "SELECT ARRAY" + strings.Repeat("[", million),
	} {
		_, err := p.Plan(sql, cat, nil)
		require.Error(t, err, name)
		assert.Contains(t, []string{"! 54000", "! 54001", "! 42601"}, failure(err), name)
	}
}

func TestWhatIsLongButFlatIsComposed(t *testing.T) {
	const many = 3000 / every
	p, cat := world(t)
	for name, sql := range map[string]string{
		"rows":       "INSERT INTO accounts VALUES ('a')" + strings.Repeat(", ('b')", many),
		"keys":       "SELECT count(*) FROM accounts WHERE owner IN ('a'" + strings.Repeat(", 'b'", many) + ")",
		"columns":    "SELECT DISTINCT note" + strings.Repeat(", balance", many/2) + " FROM accounts",
		"conditions": "SELECT 1 FROM accounts a JOIN ledger l ON l.n = a.balance WHERE a.note = 'x'" + strings.Repeat(" AND a.balance > 1", many),
		"sums":       "SELECT sum(balance)" + strings.Repeat(" + sum(balance)", many/15) + " FROM accounts",
	} {
		made, err := p.Plan(sql, cat, nil)
		require.NoError(t, err, name)
		got, err := compose(made.Statements[0], cat, nil, 0)
		require.NoError(t, err, name)
		assert.Equal(t, plan.Composed, got[0].mode, name)
	}
}
