package xadriver

import (
	"context"
	"database/sql/driver"
	"sync"
	"sync/atomic"

	"github.com/xapg/xapg/xadriver/internal/catalog"
	"github.com/xapg/xapg/xadriver/internal/shard"
)

// schema is what is known of the tables: the catalog as home describes it, read
// when it is first needed and again when it proves to be out of date.
type schema struct {
	current atomic.Pointer[catalog.Catalog]
	mu      sync.Mutex // held while it is read
}

// get is the catalog, read from home if there is none.
func (s *schema) get(ctx context.Context, home *shard.Shard) (*catalog.Catalog, error) {
	if c := s.current.Load(); c != nil {
		return c, nil
	}
	return s.reload(ctx, home, nil)
}

// reload reads the catalog anew, unless somebody else has since stale was current.
func (s *schema) reload(ctx context.Context, home *shard.Shard, stale *catalog.Catalog) (*catalog.Catalog, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.current.Load(); c != nil && c != stale {
		return c, nil
	}
	conn, err := home.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Release()
	c, err := catalog.Load(ctx, queryer{conn})
	if err != nil {
		return nil, err
	}
	s.current.Store(c)
	return c, nil
}

// forget makes the next statement read the catalog.
func (s *schema) forget() { s.current.Store(nil) }

// queryer lets the catalog be read through a connection, or a branch of a
// transaction that has changed it.
type queryer struct {
	conn interface {
		Query(ctx context.Context, sql string, args []driver.NamedValue) (driver.Rows, error)
	}
}

func (q queryer) QueryContext(ctx context.Context, sql string, args []driver.NamedValue) (driver.Rows, error) {
	return q.conn.Query(ctx, sql, args)
}
