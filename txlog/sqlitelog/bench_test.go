package sqlitelog_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xapg/xapg/txlog"
)

// One transaction's life in the log, from 1, 16 and 64 callers at once.
func BenchmarkDecide(b *testing.B) {
	for _, callers := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			l := openLog(b, fresh(b))
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
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
			require.NoError(b, l.Close())
		})
	}
}
