package xaprom_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/xapg/xapg/xadriver"
	"github.com/xapg/xapg/xadriver/xaprom"
	"github.com/xapg/xapg/xadriver/xatest"
)

var (
	once    sync.Once
	cluster *xatest.Cluster
	errOpen error
	owners  []string // accounts, the i-th of which is on the i-th shard
)

func TestMain(m *testing.M) {
	code := m.Run()
	if cluster != nil {
		_ = cluster.Close()
	}
	if code == 0 {
		if err := goleak.Find(); err != nil {
			_, _ = os.Stderr.WriteString("leaked: " + err.Error() + "\n")
			code = 1
		}
	}
	os.Exit(code)
}

const schema = `
CREATE TABLE accounts (owner text PRIMARY KEY, balance bigint NOT NULL DEFAULT 0);
CREATE TABLE payments (owner text REFERENCES accounts DEFERRABLE INITIALLY DEFERRED, n bigint, PRIMARY KEY (owner, n));
CREATE TABLE currencies (code text PRIMARY KEY);
CREATE TABLE audit (what text)`

// bank is the accounts of all tests, opened with metrics of its own.
type bank struct {
	*sql.DB
	metrics  *xaprom.Collector
	registry *prometheus.Registry
}

func openBank(t testing.TB, change func(*xadriver.Config), more ...string) *bank {
	t.Helper()
	once.Do(func() {
		if cluster, errOpen = xatest.Open(context.Background(), xatest.Shards(3)); errOpen == nil {
			owners, errOpen = fill(context.Background(), filepath.Join(t.TempDir(), "fill.db"))
		}
	})
	require.NoError(t, errOpen, "the tests need PostgreSQL: see package xatest")
	cfg, err := xadriver.ParseDSN(dsn(filepath.Join(t.TempDir(), "xapg.db"), more...))
	require.NoError(t, err)
	b := &bank{metrics: xaprom.New(xaprom.WithCluster("bank")), registry: prometheus.NewPedanticRegistry()}
	b.registry.MustRegister(b.metrics)
	cfg.Tracer, cfg.Logger = b.metrics, slog.New(slog.DiscardHandler)
	if change != nil {
		change(cfg)
	}
	connector, err := xadriver.NewConnector(*cfg)
	require.NoError(t, err)
	b.metrics.Watch(connector)
	b.DB = sql.OpenDB(connector)
	t.Cleanup(func() { tidy(t) })
	t.Cleanup(func() { require.NoError(t, b.Close()) })
	return b
}

func dsn(log string, more ...string) string {
	return cluster.DSN("bank", log, append(more, "key.accounts=owner", "key.payments=owner", "reference=currencies")...)
}

// fill makes the tables, and an account on each shard.
func fill(ctx context.Context, log string) ([]string, error) {
	db, err := sql.Open("xapg", dsn(log))
	if err != nil {
		return nil, err
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, schema); err != nil {
		return nil, err
	}
	names := make([]string, len(cluster.Shards))
	for i := 0; slices.Contains(names, ""); i++ {
		name := fmt.Sprint("owner-", i)
		if _, err := db.ExecContext(ctx, "INSERT INTO accounts VALUES ($1, 100)", name); err != nil {
			return nil, err
		}
		for at, s := range cluster.Shards { // the servers know best where it is
			conn, err := pgx.Connect(ctx, s.DSN())
			if err != nil {
				return nil, err
			}
			var there bool
			err = errors.Join(conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM accounts WHERE owner = $1)", name).Scan(&there), conn.Close(ctx))
			if err != nil {
				return nil, err
			}
			if there {
				names[at] = name
			}
		}
	}
	return names, nil
}

// begin begins a transaction that writes in the accounts of some shards.
func (b *bank) begin(ctx context.Context, shards ...int) (*sql.Tx, error) {
	tx, err := b.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	for _, at := range shards {
		if _, err := tx.ExecContext(ctx, "UPDATE accounts SET balance = balance + 1 WHERE owner = $1", owners[at]); err != nil {
			return nil, errors.Join(err, tx.Rollback())
		}
	}
	return tx, nil
}

// write begins a transaction on the test's own goroutine.
func (b *bank) write(t testing.TB, shards ...int) *sql.Tx {
	t.Helper()
	tx, err := b.begin(t.Context(), shards...)
	require.NoError(t, err)
	return tx
}

// tidy removes what a failed test may have left prepared, for the sake of the next.
func tidy(t testing.TB) {
	if !t.Failed() {
		return
	}
	for _, s := range cluster.Shards {
		conn, err := pgx.Connect(context.Background(), s.DSN())
		if err != nil {
			continue
		}
		rows, _ := conn.Query(context.Background(), "SELECT gid FROM pg_prepared_xacts")
		gids, _ := pgx.CollectRows(rows, pgx.RowTo[string])
		for _, gid := range gids {
			_, _ = conn.Exec(context.Background(), "ROLLBACK PREPARED '"+gid+"'")
		}
		_ = conn.Close(context.Background())
	}
}

// figures are what a scrape shows: values by name and labels, such as
// `xapg_part_errors_total{shard="s1"}`, without the label "cluster". Of histograms
// they are how often something was observed, and with _sum, the sum.
type figures map[string]float64

func (b *bank) scrape(t testing.TB) figures {
	t.Helper()
	families, err := b.registry.Gather()
	require.NoError(t, err)
	out := make(figures)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				if l.GetName() != "cluster" {
					labels = append(labels, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
				}
			}
			list := ""
			if len(labels) > 0 {
				list = "{" + strings.Join(labels, ",") + "}"
			}
			switch {
			case m.Histogram != nil:
				out[f.GetName()+list] = float64(m.GetHistogram().GetSampleCount())
				out[f.GetName()+"_sum"+list] = m.GetHistogram().GetSampleSum()
			case m.Counter != nil:
				out[f.GetName()+list] = m.GetCounter().GetValue()
			default:
				out[f.GetName()+list] = m.GetGauge().GetValue()
			}
		}
	}
	return out
}

// of are the figures of one metric that are not zero.
func (f figures) of(name string) map[string]float64 {
	out := make(map[string]float64)
	for key, v := range f {
		if rest, ok := strings.CutPrefix(key, name); ok && v != 0 && (rest == "" || rest[0] == '{') {
			out[rest] = v
		}
	}
	return out
}

// sum adds up the figures of one metric whose labels contain all of these.
func (f figures) sum(name string, labels ...string) (sum float64) {
	for key, v := range f.of(name) {
		if !slices.ContainsFunc(labels, func(l string) bool { return !strings.Contains(key, l) }) {
			sum += v
		}
	}
	return sum
}

// names are the metrics that have figures, without the sums of histograms.
func (f figures) names() []string {
	set := make(map[string]bool)
	for key := range f {
		name, _, _ := strings.Cut(key, "{")
		set[strings.TrimSuffix(name, "_sum")] = true
	}
	return slices.Sorted(maps.Keys(set))
}
