package xaprom_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver"
	"github.com/xapg/xapg/xadriver/xaprom"
)

// answers are statements, with the strategy that answers each and the number of
// shards that it asks.
var answers = []struct {
	sql      string
	strategy string
	shards   int
}{
	{"SELECT * FROM accounts WHERE owner = 'owner-0'", "one_shard", 1},
	{"INSERT INTO audit VALUES ('x')", "one_shard", 1},
	{"SELECT * FROM currencies", "any_shard", 1},
	{"SELECT * FROM accounts", "scatter", 3},
	{"UPDATE accounts SET balance = balance + 1", "scatter", 3},
	{"INSERT INTO currencies VALUES ('KES') ON CONFLICT DO NOTHING", "everywhere", 3},
	{"SELECT * FROM accounts ORDER BY balance", "ordered_merge", 3},
	{"SELECT * FROM accounts LIMIT 2", "limited_scatter", 3},
	{"SELECT now(), owner FROM accounts", "scatter_at_one_time", 3},
	{"SELECT sum(balance) FROM accounts", "partial_aggregates", 3},
	{"SELECT DISTINCT balance FROM accounts", "merge", 3},
	{"SELECT count(*) FROM accounts a JOIN accounts b ON a.balance = b.balance", "gather", 3},
	{"INSERT INTO accounts SELECT owner || 'x', 1 FROM accounts ON CONFLICT DO NOTHING", "evaluate_and_split", 3},
	{"UPDATE accounts SET balance = (SELECT count(*) FROM accounts)", "gather_and_apply", 3},
	{"DELETE FROM accounts WHERE owner LIKE '%x'", "scatter", 3},
	{"SET work_mem = '5MB'", "none", 0},
}

func TestStatementsAreCountedByStrategy(t *testing.T) {
	b := openBank(t, nil)
	strategies, shards, sum := make(map[string]float64), 0.0, 0.0
	for _, a := range answers {
		_, err := b.Exec(a.sql)
		require.NoError(t, err, a.sql)
		f := b.scrape(t)
		strategies[fmt.Sprintf(`{result="ok",strategy=%q}`, a.strategy)]++
		require.Equal(t, strategies, f.of("xapg_statements_total"), a.sql)
		if a.shards > 0 {
			shards++
			sum += float64(a.shards)
		}
		require.EqualValues(t, sum, f.sum("xapg_statement_shards_sum"), a.sql)
	}
	stmt, err := b.Prepare("SELECT * FROM accounts WHERE owner = $1")
	require.NoError(t, err)
	require.NoError(t, stmt.Close())
	conn, err := b.Conn(t.Context())
	require.NoError(t, err)
	defer conn.Close()
	_, err = xadriver.CopyFrom(t.Context(), conn, "audit", []string{"what"}, pgx.CopyFromRows([][]any{{"y"}}))
	require.NoError(t, err)
	f := b.scrape(t)
	assert.EqualValues(t, 1, f.sum("xapg_statements_total", `strategy="prepare"`))
	assert.EqualValues(t, 1, f.sum("xapg_statements_total", `strategy="copy"`))
	assert.EqualValues(t, shards+1, f.sum("xapg_statement_shards"))
	assert.EqualValues(t, len(answers)+2, f.sum("xapg_statement_seconds"))
	assert.EqualValues(t, 4, f.sum("xapg_merge_seconds"), "partial aggregates, merge, gather, and what gather and apply reads")
	assert.Zero(t, f.sum("xapg_statements_active"))
	assert.Zero(t, f.sum("xapg_statement_errors_total"))
	assert.Positive(t, f.sum("xapg_part_seconds", `shard="s3"`))
	assert.Zero(t, f.sum("xapg_statements_total", `strategy="other"`))
}

func TestRefusedAndFailedStatementsAreToldApart(t *testing.T) {
	b := openBank(t, nil)
	for _, sql := range []string{"PREPARE TRANSACTION 'x'", "COPY accounts FROM STDIN"} {
		_, err := b.Exec(sql)
		require.True(t, xadriver.Refused(err), sql)
	}
	for _, c := range []struct {
		sql  string
		args []any
	}{
		{"INSERT INTO accounts VALUES ($1, 1)", []any{owners[1]}},            // 23505
		{"SELECT 1/0 FROM accounts WHERE owner = $1", []any{owners[2]}},      // 22012
		{"SELECT 1/(balance-balance) FROM accounts", nil},                    // 22012, on all shards
		{"SELECT nonsense", nil},                                             // 42703
		{"SELEKT", nil},                                                      // 42601
		{"SELECT 'x'::int FROM accounts WHERE owner = $1", []any{owners[0]}}, // 22P02
	} {
		_, err := b.Exec(c.sql, c.args...)
		require.Error(t, err, c.sql)
		require.False(t, xadriver.Refused(err), "%s: %v", c.sql, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go cancel()
	_, err := b.ExecContext(ctx, "SELECT pg_sleep(60) FROM accounts WHERE owner = $1", owners[0])
	require.ErrorIs(t, err, context.Canceled)

	f := b.scrape(t)
	assert.EqualValues(t, 2, f.sum("xapg_statements_total", `result="refused"`))
	assert.Zero(t, f.sum("xapg_statements_total", `result="ok"`))
	classes := f.of("xapg_statement_errors_total")
	delete(classes, `{class="canceled"}`) // it may have been given up before the driver heard of it
	assert.Equal(t, map[string]float64{`{class="22"}`: 3, `{class="23"}`: 1, `{class="42"}`: 2}, classes)
	assert.EqualValues(t, f.sum("xapg_statement_errors_total"), f.sum("xapg_statements_total", `result="failed"`))
	assert.GreaterOrEqual(t, f.sum("xapg_part_errors_total"), 4.0)
	assert.Zero(t, f.sum("xapg_statements_active"))
}

// work is two commits, a rollback and a statement outside of a transaction.
func work(ctx context.Context, b *bank) error {
	for _, shards := range [][]int{{0, 1, 2}, {1}} {
		tx, err := b.begin(ctx, shards...)
		if err != nil {
			return err
		}
		if err := tx.Commit(); err != nil {
			return err
		}
	}
	tx, err := b.begin(ctx, 2)
	if err != nil {
		return err
	}
	return errors.Join(tx.Rollback(), b.QueryRowContext(ctx, "SELECT sum(balance) FROM accounts").Scan(new(int)))
}

// While many work at once, and others look, everything is counted once.
func TestFiguresOfManyAtOnceAddUp(t *testing.T) {
	b := openBank(t, nil, "shard_conns=4")
	b.SetMaxOpenConns(12)
	const workers, rounds = 6, 5
	stop := make(chan struct{})
	var working, looking sync.WaitGroup
	looking.Go(func() {
		looks := time.NewTicker(time.Millisecond)
		defer looks.Stop()
		for {
			select {
			case <-stop:
				return
			case <-looks.C:
				_, err := b.registry.Gather()
				assert.NoError(t, err)
			}
		}
	})
	for range workers {
		working.Go(func() {
			for range rounds {
				if !assert.NoError(t, work(t.Context(), b)) {
					return
				}
			}
		})
	}
	working.Wait()
	close(stop)
	looking.Wait()
	f := b.scrape(t)
	const n = workers * rounds
	assert.Equal(t, map[string]float64{
		`{kind="two_phase",outcome="committed"}`: n, `{kind="one_phase",outcome="committed"}`: n, `{kind="none",outcome="rolled_back"}`: n,
	}, f.of("xapg_transactions_total"))
	assert.Equal(t, map[string]float64{
		`{phase="prepare"}`: 3 * n, `{phase="decide"}`: n, `{phase="finish"}`: 3 * n, `{phase="commit_one"}`: n, `{phase="undo"}`: n,
	}, f.of("xapg_commit_phase_seconds"))
	assert.Equal(t, map[string]float64{
		`{result="ok",strategy="one_shard"}`: 5 * n, `{result="ok",strategy="partial_aggregates"}`: n,
	}, f.of("xapg_statements_total"))
	assert.Equal(t, map[string]float64{`{shard="s1"}`: 2 * n, `{shard="s2"}`: 3 * n, `{shard="s3"}`: 3 * n}, f.of("xapg_part_seconds"))
	assert.EqualValues(t, 6*n, f.sum("xapg_statement_shards"))
	assert.EqualValues(t, 8*n, f.sum("xapg_statement_shards_sum"))
}

func TestMetricsFollowTheConventions(t *testing.T) {
	b := openBank(t, nil)
	everything(t, b)
	problems, err := testutil.GatherAndLint(b.registry)
	require.NoError(t, err)
	assert.Empty(t, problems)
}

func TestOneProcessMayHaveSeveralClusters(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	require.NoError(t, registry.Register(xaprom.New(xaprom.WithCluster("bank"))))
	require.NoError(t, registry.Register(xaprom.New(xaprom.WithCluster("shop"), xaprom.WithBuckets(1, 10))))
	require.Error(t, registry.Register(xaprom.New(xaprom.WithLabels(prometheus.Labels{"cluster": "shop"}))))
	_, err := registry.Gather()
	require.NoError(t, err)
}

type traceKey struct{}

func TestTimesCanHaveExemplars(t *testing.T) {
	c := xaprom.New(xaprom.WithExemplars(func(ctx context.Context) prometheus.Labels {
		if id, ok := ctx.Value(traceKey{}).(string); ok {
			return prometheus.Labels{"trace_id": id}
		}
		return nil
	}))
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(c)
	for _, ctx := range []context.Context{t.Context(), context.WithValue(t.Context(), traceKey{}, "abc")} {
		for _, kind := range []xadriver.OperationKind{xadriver.OpStatement, xadriver.OpCommit, "unheard of"} {
			_, end := c.Start(ctx, xadriver.Operation{Kind: kind})
			end(xadriver.Report{})
		}
	}
	families, err := registry.Gather()
	require.NoError(t, err)
	var found []string
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, bucket := range m.GetHistogram().GetBucket() {
				if e := bucket.GetExemplar(); e != nil {
					found = append(found, f.GetName()+" "+e.GetLabel()[0].GetValue())
				}
			}
		}
	}
	assert.Equal(t, []string{"xapg_commit_seconds abc", "xapg_statement_seconds abc"}, found)
}
