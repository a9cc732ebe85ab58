package xadriver_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkWatchingForDeadlocks measures what it costs that somebody looks for deadlocks
// while nobody waits: transactions of one shard, and of two, with and without.
func BenchmarkWatchingForDeadlocks(b *testing.B) {
	c := openCircles(b, 2, soon)
	for _, mode := range []string{"deadlock_timeout=off", "deadlock_timeout=1s"} {
		db := openDB(b, c.with(mode))
		for n := 1; n <= len(c.who); n++ {
			b.Run(fmt.Sprintf("%s/shards=%d", mode, n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					tx, err := db.Begin()
					require.NoError(b, err)
					for _, who := range c.who[:n] {
						_, err = tx.Exec(pay, who)
						require.NoError(b, err)
					}
					require.NoError(b, tx.Commit())
				}
			})
		}
	}
}
