package etcdlog_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xapg/xapg/txlog"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// One transaction's life in the log, from 1, 16 and 64 callers at once, on a cluster of
// three members on this host.
func BenchmarkDecide(b *testing.B) {
	c := flushing(b)
	for _, callers := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			l := openLog(b, c.place())
			commit(b, l)
			together(b, callers, func() error {
				id := newID()
				if _, err := l.Decide(b.Context(), id, txlog.Commit, shards); err != nil {
					return err
				}
				return l.Finish(b.Context(), id)
			})
			require.NoError(b, l.Close())
		})
	}
}

// The same decisions, each in a request of its own: what grouping is measured against.
func BenchmarkDecideWithoutGrouping(b *testing.B) {
	c := flushing(b)
	for _, callers := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			client, prefix := c.client(b), prefixOf(c.place())
			value := string(make([]byte, 40))
			together(b, callers, func() error {
				key := "/decision/" + newID().String()
				_, err := client.Txn(b.Context()).If(clientv3.Compare(clientv3.CreateRevision(prefix+key), "=", 0)).
					Then(clientv3.OpPut(prefix+key, value), clientv3.OpPut(prefix+"/un"+key, "")).
					Else(clientv3.OpGet(prefix + key)).Commit()
				return err
			})
		})
	}
}

// flushing is a cluster of three members for measurements.
func flushing(b *testing.B) *cluster {
	b.Helper()
	c, err := startCluster(3, onDisk)
	require.NoError(b, err)
	b.Cleanup(c.close)
	return c
}

// together runs b.N steps in several goroutines.
func together(b *testing.B, callers int, step func() error) {
	var next atomic.Int64
	var wg sync.WaitGroup
	b.ResetTimer()
	for range callers {
		wg.Go(func() {
			for next.Add(1) <= int64(b.N) {
				if err := step(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
}
