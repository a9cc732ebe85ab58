package xadriver_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/txlog"
	"github.com/xapg/xapg/txlog/sqlitelog"
	"github.com/xapg/xapg/xadriver/xatest"
)

// The benchmarks compare, in one run and on the same servers, which force their
// writes: pgx's stdlib on one server; two-phase commit as one would write it by
// hand for two servers, with parallel phases and the same grouped decision log;
// and xapg.

const benchAccounts = 2000

var bench struct {
	sync.Once
	cluster *xatest.Cluster
	owners  [][]string // by shard
	err     error
}

func benchServers(b *testing.B) *xatest.Cluster {
	b.Helper()
	bench.Do(func() {
		bench.cluster, bench.err = xatest.Open(context.Background(), xatest.Shards(4), xatest.Durable(), xatest.Set("shared_buffers", "64MB"))
	})
	require.NoError(b, bench.err)
	return bench.cluster
}

// benchDB opens xapg over all four servers and fills the accounts, once.
func benchDB(b *testing.B) *sql.DB {
	c := benchServers(b)
	db, err := sql.Open("xapg", c.DSN("bench", filepath.Join(b.TempDir(), "xapg.db"), "key.accounts=owner"))
	require.NoError(b, err)
	b.Cleanup(func() { _ = db.Close() })
	db.SetMaxIdleConns(64)
	if bench.owners != nil {
		return db
	}
	_, err = db.Exec("CREATE TABLE accounts (owner text PRIMARY KEY, balance bigint NOT NULL)")
	require.NoError(b, err)
	for i := range benchAccounts {
		_, err := db.Exec("INSERT INTO accounts VALUES ($1, 1000)", fmt.Sprintf("owner-%05d", i))
		require.NoError(b, err)
	}
	for _, s := range c.Shards {
		direct, err := sql.Open("pgx", s.DSN())
		require.NoError(b, err)
		rows, err := direct.Query("SELECT owner FROM accounts")
		require.NoError(b, err)
		var list []string
		for rows.Next() {
			var o string
			require.NoError(b, rows.Scan(&o))
			list = append(list, o)
		}
		require.NoError(b, rows.Close())
		require.NoError(b, direct.Close())
		bench.owners = append(bench.owners, list)
	}
	return db
}

// drive lets n clients share the work.
func drive(b *testing.B, n int, do func(context.Context) error) {
	b.Helper()
	ctx := context.Background()
	for range 20 * n {
		require.NoError(b, do(ctx)) // statements prepared, connections open
	}
	var left atomic.Int64
	left.Store(int64(b.N))
	var wg sync.WaitGroup
	b.ResetTimer()
	for range n {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				if err := do(ctx); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tx/s")
}

func some(shard int) string {
	list := bench.owners[shard]
	return list[rand.IntN(len(list))]
}

const update = "UPDATE accounts SET balance = balance + $2 WHERE owner = $1"

func BenchmarkPointSelect(b *testing.B) {
	x := benchDB(b)
	direct, err := sql.Open("pgx", benchServers(b).Shards[0].DSN())
	require.NoError(b, err)
	b.Cleanup(func() { _ = direct.Close() })
	direct.SetMaxIdleConns(64)
	for _, clients := range []int{1, 8, 32} {
		for name, db := range map[string]*sql.DB{"pgx": direct, "xapg": x} {
			b.Run(fmt.Sprintf("%s/clients=%d", name, clients), func(b *testing.B) {
				drive(b, clients, func(ctx context.Context) error {
					var n int64
					return db.QueryRowContext(ctx, "SELECT balance FROM accounts WHERE owner = $1", some(0)).Scan(&n)
				})
			})
		}
	}
}

// inTx runs updates of one owner on each shard, and commits.
func inTx(ctx context.Context, db *sql.DB, shards ...int) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	for i, s := range shards {
		if _, err := tx.ExecContext(ctx, update, some(s), 1-2*(i%2)); err != nil {
			_ = tx.Rollback()
			return err
		}
	}
	return tx.Commit()
}

func BenchmarkOneShardTransaction(b *testing.B) {
	x := benchDB(b)
	direct, err := sql.Open("pgx", benchServers(b).Shards[0].DSN())
	require.NoError(b, err)
	b.Cleanup(func() { _ = direct.Close() })
	direct.SetMaxIdleConns(64)
	for _, clients := range []int{1, 8, 32} {
		for name, db := range map[string]*sql.DB{"pgx": direct, "xapg": x} {
			b.Run(fmt.Sprintf("%s/clients=%d", name, clients), func(b *testing.B) {
				drive(b, clients, func(ctx context.Context) error { return retried(func() error { return inTx(ctx, db, 0, 0) }) })
			})
		}
	}
}

// retried runs a transfer again that met a deadlock or waited too long.
func retried(f func() error) error {
	err := f()
	for range 5 {
		var state interface{ SQLState() string }
		if err == nil || !errors.As(err, &state) {
			return err
		}
		err = f()
	}
	return err
}

func BenchmarkTransfer(b *testing.B) {
	x := benchDB(b)
	hand := newByHand(b)
	for _, shards := range [][]int{{0, 1}, {0, 1, 2, 3}} {
		for _, clients := range []int{1, 8, 32} {
			b.Run(fmt.Sprintf("hand/shards=%d/clients=%d", len(shards), clients), func(b *testing.B) {
				drive(b, clients, func(ctx context.Context) error { return hand.transfer(ctx, shards) })
			})
			b.Run(fmt.Sprintf("xapg/shards=%d/clients=%d", len(shards), clients), func(b *testing.B) {
				drive(b, clients, func(ctx context.Context) error { return retried(func() error { return inTx(ctx, x, shards...) }) })
			})
		}
	}
}

// byHand is what somebody would write who needs one transfer to be atomic.
type byHand struct {
	pools []*pgxpool.Pool
	log   *sqlitelog.Log
}

func newByHand(b *testing.B) *byHand {
	h := &byHand{}
	for _, s := range benchServers(b).Shards {
		cfg, err := pgxpool.ParseConfig(s.DSN())
		require.NoError(b, err)
		cfg.MaxConns = 64
		pool, err := pgxpool.NewWithConfig(context.Background(), cfg)
		require.NoError(b, err)
		b.Cleanup(pool.Close)
		h.pools = append(h.pools, pool)
	}
	var err error
	h.log, err = sqlitelog.Open(context.Background(), filepath.Join(b.TempDir(), "hand.db"), sqlitelog.Options{Cluster: "hand"})
	require.NoError(b, err)
	b.Cleanup(func() { _ = h.log.Close() })
	return h
}

func (h *byHand) transfer(ctx context.Context, shards []int) error {
	conns := make([]*pgxpool.Conn, len(shards))
	names := make([]string, len(shards))
	for i, s := range shards {
		c, err := h.pools[s].Acquire(ctx)
		if err != nil {
			return err
		}
		defer c.Release()
		conns[i], names[i] = c, fmt.Sprint("s", s)
		if _, err := c.Exec(ctx, "BEGIN"); err != nil {
			return err
		}
		if _, err := c.Exec(ctx, update, some(s), 1-2*(i%2)); err != nil {
			return err
		}
	}
	id := uuid.Must(uuid.NewV7())
	all := func(command string) error {
		errs := make(chan error, len(conns))
		for i, c := range conns {
			go func() {
				_, err := c.Exec(ctx, fmt.Sprintf("%s 'hand_%s_%s'", command, id, names[i]))
				errs <- err
			}()
		}
		var first error
		for range conns {
			if err := <-errs; first == nil {
				first = err
			}
		}
		return first
	}
	if err := all("PREPARE TRANSACTION"); err != nil {
		return err
	}
	if _, err := h.log.Decide(ctx, id, txlog.Commit, voters(names)); err != nil {
		return err
	}
	if err := all("COMMIT PREPARED"); err != nil {
		return err
	}
	return h.log.Finish(ctx, id)
}

func voters(names []string) []txlog.Participant {
	list := make([]txlog.Participant, len(names))
	for i, name := range names {
		list[i].Name = name
	}
	return list
}
