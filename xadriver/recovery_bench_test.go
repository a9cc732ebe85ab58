package xadriver_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/txlog"
	"github.com/xapg/xapg/txlog/sqlitelog"
	"github.com/xapg/xapg/xadriver"
	"github.com/xapg/xapg/xadriver/internal/gid"
	"github.com/xapg/xapg/xadriver/xatest"
)

// many is how many transactions are left in doubt at once.
const many = 10_000

// BenchmarkResolve is how fast a process with the log finishes what another one
// left on two shards: undecided (they are rolled back, each through the register)
// and decided.
func BenchmarkResolve(b *testing.B) {
	cluster := xatest.Start(b, xatest.Shards(2), xatest.Set("max_prepared_transactions", fmt.Sprint(many+100)), xatest.Set("max_locks_per_transaction", "10"))
	for _, decided := range []bool{false, true} {
		b.Run(map[bool]string{false: "undecided", true: "decided"}[decided], func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "xapg.db")
			var spent time.Duration
			for range b.N {
				leave(b, cluster, path, many, decided)
				cfg, err := xadriver.ParseDSN(cluster.DSN("bank", path))
				require.NoError(b, err)
				cfg.NoResolver = true
				logger, _ := logged()
				cfg.Logger = logger
				connector, err := xadriver.NewConnector(*cfg)
				require.NoError(b, err)
				begin := time.Now()
				reports, err := connector.Resolve(context.Background(), 0)
				spent += time.Since(begin)
				require.NoError(b, err)
				for _, r := range reports {
					require.Empty(b, r.Stuck)
					require.Empty(b, r.Problem)
					require.Len(b, append(r.Committed, r.RolledBack...), many)
				}
				require.NoError(b, connector.Close())
			}
			b.ReportMetric(float64(many*b.N)/spent.Seconds(), "txns/s")
			b.ReportMetric(float64(spent.Nanoseconds())/float64(b.N*many), "ns/txn")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// leave prepares n transactions on every shard of the cluster, as a coordinator that
// died leaves them.
func leave(b *testing.B, cluster *xatest.Cluster, path string, n int, decided bool) {
	b.Helper()
	ctx := context.Background()
	log, err := sqlitelog.Open(ctx, path, sqlitelog.Options{Cluster: "bank"})
	require.NoError(b, err)
	var voters []txlog.Participant
	for _, s := range cluster.Shards {
		voters = append(voters, txlog.Participant{Name: s.Name()})
	}
	ids := make([]uuid.UUID, n)
	for i := range ids {
		ids[i], err = gid.NewTxn(log.Mark().Seq)
		require.NoError(b, err)
	}
	var wg sync.WaitGroup
	for _, s := range cluster.Shards {
		wg.Go(func() {
			conn, err := pgx.Connect(ctx, s.DSN())
			if err != nil {
				b.Error(err)
				return
			}
			defer conn.Close(ctx)
			_, _ = conn.Exec(ctx, "CREATE TABLE IF NOT EXISTS left_over (id uuid)")
			const batch = 100
			for at := 0; at < n; at += batch {
				var sql strings.Builder
				for _, id := range ids[at:min(n, at+batch)] {
					name := gid.ID{Cluster: "bank", Log: log.Identity().ID, Txn: id, Shard: s.Name()}
					fmt.Fprintf(&sql, "BEGIN; INSERT INTO left_over VALUES ('%s'); PREPARE TRANSACTION '%s';", id, name)
				}
				if _, err := conn.PgConn().Exec(ctx, sql.String()).ReadAll(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	if decided {
		for part := range 16 {
			wg.Go(func() {
				for i := part; i < n; i += 16 {
					if _, err := log.Decide(ctx, ids[i], txlog.Commit, voters); err != nil {
						b.Error(err)
					}
				}
			})
		}
	}
	wg.Wait()
	require.NoError(b, log.Close())
}
