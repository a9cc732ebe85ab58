package xamysql_test

import (
	"fmt"
	"sync/atomic"
	"testing"
)

// BenchmarkTransfer is a transaction over one PostgreSQL and one MySQL, with two
// statements on each side.
func BenchmarkTransfer(b *testing.B) {
	s := newShop(b, 1)
	s.mysql.SetMaxIdleConns(64)
	var n, worker atomic.Int64
	b.SetParallelism(4)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		account := 1 + int(worker.Add(1)-1)%accounts
		for pb.Next() {
			if err := send(b.Context(), s.DB, s.stock, fmt.Sprintf("b%d", n.Add(1)), account); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// BenchmarkTransferAlone is the same, one after the other.
func BenchmarkTransferAlone(b *testing.B) {
	s := newShop(b, 1)
	for i := 0; b.Loop(); i++ {
		if err := send(b.Context(), s.DB, s.stock, fmt.Sprintf("b%d", i), 1); err != nil {
			b.Fatal(err)
		}
	}
}
