package plan_test

import (
	"database/sql/driver"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/shardmap"
	"github.com/xapg/xapg/xadriver/internal/catalog"
	"github.com/xapg/xapg/xadriver/internal/plan"
)

// Types of the benchmarks' columns, by OID.
const (
	benchInt8    = 20
	benchText    = 25
	benchNumeric = 1700
)

// benchWorld has three tables with the same key, on three shards.
func benchWorld(b *testing.B, plans int) (*plan.Planner, *catalog.Catalog) {
	b.Helper()
	m, err := shardmap.New(shardmap.Spec{Shards: []string{"s0", "s1", "s2"}, Keys: []string{"owner"}})
	require.NoError(b, err)
	types := map[uint32]string{benchInt8: "bigint", benchText: "text"}
	table := func(name string, columns ...catalog.Column) *catalog.Relation {
		for i := range columns {
			columns[i].Typmod, columns[i].Type = -1, types[columns[i].TypeOID]
			columns[i].Declared = columns[i].Type
		}
		return &catalog.Relation{Name: catalog.Name{Schema: "public", Name: name}, Kind: 'r', Columns: columns}
	}
	functions := make(map[catalog.Name]catalog.Function)
	for _, name := range []string{"count", "sum", "avg"} {
		functions[catalog.Name{Schema: "pg_catalog", Name: name}] = catalog.Function{Aggregate: true}
	}
	cat := catalog.New("app", []string{"public"}, []*catalog.Relation{
		table("accounts", catalog.Column{Name: "owner", TypeOID: benchText}, catalog.Column{Name: "balance", TypeOID: benchInt8}, catalog.Column{Name: "note", TypeOID: benchText}),
		table("ledger", catalog.Column{Name: "owner", TypeOID: benchText}, catalog.Column{Name: "n", TypeOID: benchInt8}, catalog.Column{Name: "amount", TypeOID: benchInt8}),
		table("bills", catalog.Column{Name: "owner", TypeOID: benchText}, catalog.Column{Name: "n", TypeOID: benchInt8}, catalog.Column{Name: "note", TypeOID: benchText}),
	}, functions)
	return plan.New(m, plans), cat
}

// benched are the statements of the benchmarks, one of each way.
var benched = []struct {
	name, sql string
	args      []any
	strategy  string      // of a composed one
	described []described // what the server says of it and of what is made of it, in the order in which it is asked
}{
	{name: "OneShard", sql: "SELECT balance FROM accounts WHERE owner = $1", args: []any{"b"}},
	{name: "TwoJoins", args: []any{"b", int64(5)}, sql: `SELECT a.owner, l.amount, b.note FROM accounts a
		JOIN ledger l ON l.owner = a.owner JOIN bills b ON b.owner = l.owner AND b.n = l.n WHERE a.owner = $1 AND l.amount > $2 ORDER BY l.n LIMIT 10`},
	{name: "ScatteredUpdate", sql: "UPDATE accounts SET balance = balance + $1 WHERE note = $2", args: []any{int64(1), "x"}},
	{
		name: "OrderedMerge", sql: "SELECT owner, balance FROM accounts WHERE balance > $1 ORDER BY balance LIMIT 10", args: []any{int64(5)},
		strategy: "ordered merge", described: []described{{{"owner", benchText}, {"balance", benchInt8}}},
	},
	{
		name: "PartialAggregates", sql: "SELECT note, count(*), sum(balance), avg(balance) FROM accounts WHERE balance > $1 GROUP BY note", args: []any{int64(5)},
		strategy: "partial aggregates", described: []described{
			{{"note", benchText}, {"count", benchInt8}, {"sum", benchNumeric}, {"avg", benchNumeric}},
			{{"c1", benchText}, {"c2", benchInt8}, {"c3", benchNumeric}, {"c4", benchNumeric}, {"c5", benchInt8}},
			{{"c1", benchText}, {"c2", benchInt8}, {"c3", benchNumeric}, {"c4", benchNumeric}, {"c5", benchInt8}},
		},
	},
	{
		name: "MergeByPostgreSQL", sql: "SELECT owner, note FROM accounts WHERE balance > $1 ORDER BY note", args: []any{int64(5)},
		strategy: "merge by PostgreSQL", described: []described{{{"owner", benchText}, {"note", benchText}}, {{"owner", benchText}, {"note", benchText}}},
	},
	{
		name: "Gather", sql: "SELECT a.owner, l.amount FROM accounts a JOIN ledger l ON l.n = a.balance WHERE l.amount > $1", args: []any{int64(5)},
		strategy: "gather", described: []described{{{"owner", benchText}, {"amount", benchInt8}}},
	},
	{name: "Insert100", sql: benchInsert(100), args: benchRows(100, "b")},
	{name: "SplitInsert2", sql: benchInsert(2), args: benchRows(2, "a", "b", "c"), strategy: "split"},
	{name: "SplitInsert100", sql: benchInsert(100), args: benchRows(100, "a", "b", "c"), strategy: "split"},
	{name: "SplitInsert1000", sql: benchInsert(1000), args: benchRows(1000, "a", "b", "c"), strategy: "split"},
}

func benchInsert(rows int) string {
	list := make([]string, rows)
	for i := range list {
		list[i] = fmt.Sprintf("($%d, $%d, $%d)", 3*i+1, 3*i+2, 3*i+3)
	}
	return "INSERT INTO accounts (owner, balance, note) VALUES " + strings.Join(list, ", ")
}

func benchRows(rows int, owners ...string) (args []any) {
	for i := range rows {
		args = append(args, owners[i%len(owners)], int64(i), "note")
	}
	return args
}

// described are the columns that a server describes.
type described []plan.Described

// prompt answers at once what a server would.
type prompt struct {
	answers []described
	asked   int
}

func (p *prompt) Describe(sql string) (*plan.Description, error) {
	if p.asked >= len(p.answers) {
		return nil, fmt.Errorf("nobody knows what to say of %q", sql)
	}
	p.asked++
	return &plan.Description{Params: []uint32{benchInt8}, Columns: p.answers[p.asked-1]}, nil
}

// untilSent does what a call does before anything is sent: it finds the shards,
// and makes the texts for them. It returns the program's strategy.
func untilSent(st *plan.Statement, values []driver.NamedValue, d plan.Describer) (string, error) {
	target, err := st.Target(values, plan.Hint{})
	if err != nil || target.Mode != plan.Composed {
		return "", err
	}
	if st.Writes {
		return untilSplit(st, values, d)
	}
	p, err := st.Program(d, 0)
	if err != nil {
		return "", err
	}
	if len(p.Pulls) > 0 {
		all := make([]int, len(p.Pulls))
		for i := range all {
			all[i] = i
		}
		for range target.Shards {
			p.Together(all).Bind(values)
		}
	} else {
		p.Scatter.Bind(values)
	}
	p.Final.Bind(values)
	return p.Strategy, nil
}

func untilSplit(st *plan.Statement, values []driver.NamedValue, d plan.Describer) (string, error) {
	w, err := st.Write(d)
	if err != nil || w.Split == nil {
		return "", err
	}
	places, err := st.SplitRows(values)
	if err != nil {
		return "", err
	}
	var rows [3][]plan.Text
	for i, at := range places {
		rows[at] = append(rows[at], w.Split.Rows[i])
	}
	for _, list := range rows {
		if len(list) > 0 {
			plan.Join("", w.Split.Head, plan.Join(", ", list...), w.Split.Tail).Bind(values)
		}
	}
	return w.Strategy, nil
}

// BenchmarkCall is what a call costs the driver before anything is sent: of a
// statement that came before (known), of one that did not (new), and of one that
// did not and that several shards answer together (composed). The server's
// descriptions, which composing waits for, cost nothing here: it says how many
// there are.
func BenchmarkCall(b *testing.B) {
	for _, s := range benched {
		values := make([]driver.NamedValue, len(s.args))
		for i, v := range s.args {
			values[i] = driver.NamedValue{Ordinal: i + 1, Value: v}
		}
		run := func(name string, known, compose bool) {
			b.Run(s.name+"/"+name, func(b *testing.B) {
				plans := 0
				if known {
					plans = 100
				}
				planner, cat := benchWorld(b, plans)
				d := &prompt{answers: s.described}
				b.ReportAllocs()
				for b.Loop() {
					d.asked = 0
					p, err := planner.Plan(s.sql, cat, nil)
					if err != nil {
						b.Fatal(err)
					}
					if !compose {
						if _, err := p.Statements[0].Target(values, plan.Hint{}); err != nil {
							b.Fatal(err)
						}
						continue
					}
					if strategy, err := untilSent(p.Statements[0], values, d); err != nil || strategy != s.strategy {
						b.Fatal(strategy, err)
					}
				}
				if compose && !known {
					b.ReportMetric(float64(d.asked), "descriptions/op")
				}
			})
		}
		run("known", true, true)
		run("new", false, false)
		if s.strategy != "" {
			run("composed", false, true)
		}
	}
}
