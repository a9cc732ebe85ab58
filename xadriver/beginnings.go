package xadriver

import (
	"hash/maphash"
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"
)

// beginnings are texts with which serializable transactions have begun that needed
// several shards. They are kept by text and not with the statements' plans: a plan is
// made anew when tables change, for each session with temporary tables, and whenever a
// text is too long to keep, and a transaction that is run again must find that it is
// known.
type beginnings struct {
	mu   sync.Mutex
	seed maphash.Seed
	seen *lru.Cache[uint64, int]
}

// Bounds of what is remembered, and for how many transactions in a row that could have
// done with one shard.
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

// known reports whether transactions that begin so need several shards.
func (b *beginnings) known(key string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	h := b.hash(key)
	_, ok := b.seen.Get(h)
	return ok
}

// note remembers that one did.
func (b *beginnings) note(key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	h := b.hash(key)
	b.seen.Add(h, forgetAfter)
}

// again notes that one that is known did.
func (b *beginnings) again(key string) {
	if b.known(key) {
		b.note(key)
	}
}

// spared notes that one could have done without.
func (b *beginnings) spared(key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	h := b.hash(key)
	switch left, ok := b.seen.Get(h); {
	case ok && left > 1:
		b.seen.Add(h, left-1)
	case ok:
		b.seen.Remove(h)
	}
}
