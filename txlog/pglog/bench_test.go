package pglog_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"github.com/xapg/xapg/txlog"
	"github.com/xapg/xapg/xadriver/xatest"
)

// One transaction's life in the log, from 1, 16 and 64 callers at once, on a server
// that forces its writes to the disk.
func BenchmarkDecide(b *testing.B) {
	server := xatest.Start(b, xatest.Names("log"), xatest.Durable()).Shards[0]
	for _, callers := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			l := openLog(b, schemaOn(server))
			_, err := l.Decide(b.Context(), newID(), txlog.Commit, shards)
			require.NoError(b, err)
			var next atomic.Int64
			var wg sync.WaitGroup
			b.ResetTimer()
			for range callers {
				wg.Go(func() {
					for next.Add(1) <= int64(b.N) {
						id := newID()
						if _, err := l.Decide(b.Context(), id, txlog.Commit, shards); err != nil {
							b.Error(err)
							return
						}
						if err := l.Finish(b.Context(), id); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "decisions/s")
			b.StopTimer()
			require.NoError(b, l.Close())
		})
	}
}

// The same decisions when each caller has a connection of its own and stores them by
// itself: what groups are compared with.
func BenchmarkDecideEachByItself(b *testing.B) {
	server := xatest.Start(b, xatest.Names("log"), xatest.Durable()).Shards[0]
	exec(b, server, "CREATE TABLE decision (id uuid PRIMARY KEY, outcome smallint NOT NULL, participants text[] NOT NULL, at timestamptz NOT NULL DEFAULT now())")
	for _, callers := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			conns := make([]*pgx.Conn, callers)
			for i := range conns {
				conn, err := pgx.Connect(b.Context(), server.DSN())
				require.NoError(b, err)
				defer conn.Close(context.Background())
				conns[i] = conn
			}
			var next atomic.Int64
			var wg sync.WaitGroup
			b.ResetTimer()
			for _, conn := range conns {
				wg.Go(func() {
					for next.Add(1) <= int64(b.N) {
						_, err := conn.Exec(b.Context(), "INSERT INTO decision (id, outcome, participants) VALUES ($1, 1, $2) ON CONFLICT DO NOTHING",
							newID(), []string{"athos", "porthos"})
						if err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "decisions/s")
		})
	}
}
