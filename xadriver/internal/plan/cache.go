package plan

import (
	lru "github.com/hashicorp/golang-lru/v2"
)

// cacheKey is what a plan depends on, besides the catalog.
type cacheKey struct{ text, path string }

// maxCachedText keeps texts out of the cache that are too long to come again.
const maxCachedText = 64 << 10

// maxCachedBytes bounds the text that a full cache of ordinary texts may hold:
// beyond it, the oldest plans go first.
const maxCachedBytes = 64 << 20

// cache holds the plans that were used last.
type cache struct {
	plans *lru.Cache[cacheKey, *Plan]
}

func newCache(size int) *cache {
	if size <= 0 {
		return &cache{}
	}
	size = min(size, maxCachedBytes/1024)
	plans, err := lru.New[cacheKey, *Plan](size)
	if err != nil {
		return &cache{}
	}
	return &cache{plans: plans}
}

func (c *cache) get(k cacheKey) *Plan {
	if c.plans == nil {
		return nil
	}
	plan, _ := c.plans.Get(k)
	return plan
}

func (c *cache) put(k cacheKey, plan *Plan) {
	if c.plans != nil && len(k.text) <= maxCachedText {
		c.plans.Add(k, plan)
	}
}
