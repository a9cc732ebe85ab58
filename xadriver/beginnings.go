package xadriver

import (
	"hash/maphash"
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"
)

// beginnings are texts with which serializable transactions have begun: what is known of
// them tells whether the next one that begins so can do with one shard. They are kept by text and not with the statements' plans: a plan is
// made anew when tables change, for each session with temporary tables, and whenever a
// text is too long to keep, and a transaction that is run again must find that it is
// known.
type beginnings struct {
	mu   sync.Mutex
	seed maphash.Seed
	seen *lru.Cache[uint64, int] // how many more in a row must do with one shard before it is believed; 0 is that it is
}

// Bounds of what is remembered, and of how many transactions in a row must have done
// with one shard once one has needed several.
const (
	manyBeginnings = 4096
	forgetAfter    = 16
)

func (b *beginnings) hash(key string) uint64 {
	if b.seen == nil {
		b.seed = maphash.MakeSeed()
		b.seen, _ = lru.New[uint64, int](manyBeginnings) // fails for sizes below 1 only
	}
	return maphash.String(b.seed, key)
}

// narrow reports whether transactions that begin so do with one shard, as far as is known.
func (b *beginnings) narrow(key string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	h := b.hash(key)
	left, ok := b.seen.Get(h)
	return ok && left == 0
}

// needed notes that one has needed several shards.
func (b *beginnings) needed(key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	h := b.hash(key)
	b.seen.Add(h, forgetAfter)
}

// spared notes that one has done with one shard, or could have.
func (b *beginnings) spared(key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	h := b.hash(key)
	left, _ := b.seen.Get(h)
	b.seen.Add(h, max(0, left-1))
}
