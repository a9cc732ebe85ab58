package river

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver"
	"github.com/xapg/xapg/xadriver/clients/cluster"
)

// placement says where the shop's tables live. River's own are unsharded: its jobs
// are at home.
var placement = []string{"key.customers=id", "key.orders=customer", "reference=rates"}

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// migrate runs River's migrations. They contain a DO block, which xapg sends to all
// shards only if it is told so; everything else goes to all shards by itself.
func migrate(t testing.TB, db *sql.DB, direction rivermigrate.Direction, opts *rivermigrate.MigrateOpts) *rivermigrate.Migrator[*sql.Tx] {
	t.Helper()
	m, err := rivermigrate.New(riverdatabasesql.New(db), &rivermigrate.Config{Logger: quiet})
	require.NoError(t, err)
	_, err = m.Migrate(xadriver.WithShard(t.Context(), "*"), direction, opts)
	require.NoError(t, err)
	return m
}

// shop opens a cluster with River's tables and the shop's. River's are made on each
// shard directly, which is quicker.
func shop(t testing.TB, c *cluster.Cluster) *sql.DB {
	t.Helper()
	for _, url := range c.URLs {
		direct, err := sql.Open("pgx", url)
		require.NoError(t, err)
		migrate(t, direct, rivermigrate.DirectionUp, nil)
		require.NoError(t, direct.Close())
	}
	db := c.Open(t)
	_, err := db.ExecContext(t.Context(), `
		CREATE TABLE rates (code text PRIMARY KEY, rate numeric NOT NULL);
		CREATE TABLE customers (id bigint PRIMARY KEY, spent bigint NOT NULL DEFAULT 0);
		CREATE TABLE orders (
			customer bigint NOT NULL REFERENCES customers (id) DEFERRABLE INITIALLY DEFERRED,
			n int NOT NULL, amount bigint NOT NULL, shipped boolean NOT NULL DEFAULT false,
			PRIMARY KEY (customer, n)
		);
		INSERT INTO rates VALUES ('KES', 1), ('USD', 129.2);
		INSERT INTO customers SELECT generate_series(1, 30)`)
	require.NoError(t, err)
	return db
}

// ship is a job: to ship one order of each of some customers.
type ship struct {
	Customers []int64 `json:"customers"`
	N         int     `json:"n"`
}

func (ship) Kind() string { return "ship" }

// insertOnly is a client that works no jobs.
func insertOnly(t testing.TB, db *sql.DB) *river.Client[*sql.Tx] {
	t.Helper()
	client, err := river.NewClient(riverdatabasesql.New(db), &river.Config{Logger: quiet})
	require.NoError(t, err)
	return client
}

// everybody are all the shop's customers, who live on all shards.
func everybody() []int64 {
	var ids []int64
	for id := range int64(30) {
		ids = append(ids, id+1)
	}
	return ids
}

// order writes an order of every customer, and the job to ship them.
func order(ctx context.Context, tx *sql.Tx, client *river.Client[*sql.Tx], n int, opts *river.InsertOpts) error {
	if _, err := tx.ExecContext(ctx, "INSERT INTO orders (customer, n, amount) SELECT id, $1, id * 10 FROM customers", n); err != nil {
		return err
	}
	_, err := client.InsertTx(ctx, tx, ship{Customers: everybody(), N: n}, opts)
	return err
}

// jobs are River's jobs on each shard, "kind state" by id.
func jobs(t testing.TB, c *cluster.Cluster) []string {
	t.Helper()
	var out []string
	for i := range c.URLs {
		out = append(out, c.On(t, i, "SELECT coalesce(string_agg(kind || ' ' || state, ', ' ORDER BY id), '') FROM river_job"))
	}
	return out
}

// home is what is expected of a table at home, and empty texts for the other shards.
func home(c *cluster.Cluster, value string) []string {
	out := make([]string, len(c.URLs))
	out[0] = value
	return out
}

// sum is the sum over all shards of what a query gives on each.
func sum(t testing.TB, c *cluster.Cluster, query string) int {
	t.Helper()
	total := 0
	for i := range c.URLs {
		var n int
		_, err := fmt.Sscan(c.On(t, i, query), &n)
		require.NoError(t, err)
		total += n
	}
	return total
}

const soon = 20 * time.Millisecond
