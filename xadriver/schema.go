package xadriver

import (
	"context"
	"database/sql/driver"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/xapg/xapg/xadriver/internal/catalog"
	"github.com/xapg/xapg/xadriver/internal/shard"
)

// schema is what is known of the tables: the catalog as home describes it, read
// when it is first needed and again when it proves to be out of date. While
// statements run, home is asked every so often whether somebody has changed the
// schema; after an error that a change could explain, before the next statement.
type schema struct {
	home  *shard.Shard
	every time.Duration // how often home is asked; negative for never

	current  atomic.Pointer[snapshot]
	mu       sync.Mutex   // held while it is read
	checked  atomic.Int64 // when home was last asked, in nanoseconds since start
	suspects atomic.Bool
	start    time.Time

	ctx  context.Context // ends with the connector
	stop context.CancelFunc
	busy sync.WaitGroup
}

// snapshot is a catalog, and the mark by which a change of it is noticed.
type snapshot struct {
	*catalog.Catalog
	mark string
}

func (s *schema) open(home *shard.Shard, every time.Duration) {
	s.home, s.every, s.start = home, every, time.Now()
	s.ctx, s.stop = context.WithCancel(context.Background())
}

func (s *schema) close() {
	if s.stop != nil {
		s.stop()
		s.busy.Wait()
	}
}

// get is the catalog, read from home if there is none.
func (s *schema) get(ctx context.Context) (*catalog.Catalog, error) {
	c := s.current.Load()
	if c == nil {
		return s.reload(ctx, nil)
	}
	if s.suspects.Load() && s.suspects.CompareAndSwap(true, false) {
		s.compare(ctx)
		if c = s.current.Load(); c == nil {
			return s.reload(ctx, nil)
		}
		return c.Catalog, nil
	}
	if s.every > 0 {
		now, last := int64(time.Since(s.start)), s.checked.Load()
		if now-last > int64(s.every) && s.checked.CompareAndSwap(last, now) && s.ctx.Err() == nil {
			s.busy.Go(func() {
				ctx, cancel := context.WithTimeout(s.ctx, callTimeout)
				defer cancel()
				s.compare(ctx)
			})
		}
	}
	return c.Catalog, nil
}

// compare asks home whether the catalog is still right, and forgets it if not.
// When home cannot be asked, statements will find out by themselves.
func (s *schema) compare(ctx context.Context) {
	c := s.current.Load()
	if c == nil {
		return
	}
	conn, err := s.home.Acquire(ctx)
	if err != nil {
		return
	}
	defer conn.Release()
	if mark, err := catalog.Fingerprint(ctx, queryer{conn}); err == nil && mark != c.mark {
		s.current.CompareAndSwap(c, nil)
	}
}

// suspect makes the next statement ask home first whether the schema has changed.
func (s *schema) suspect() { s.suspects.Store(true) }

// reload reads the catalog anew, unless somebody else has since stale was current.
func (s *schema) reload(ctx context.Context, stale *catalog.Catalog) (*catalog.Catalog, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.current.Load(); c != nil && c.Catalog != stale {
		return c.Catalog, nil
	}
	conn, err := s.home.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Release()
	// The mark is older than what is read: a change in between is noticed later.
	mark, err := catalog.Fingerprint(ctx, queryer{conn})
	if err != nil {
		return nil, err
	}
	c, err := catalog.Load(ctx, queryer{conn})
	if err != nil {
		return nil, err
	}
	s.current.Store(&snapshot{c, mark})
	s.checked.Store(int64(time.Since(s.start)))
	return c, nil
}

// forget makes the next statement read the catalog.
func (s *schema) forget() { s.current.Store(nil) }

// explains reports whether an error may come of a changed schema.
func explains(err error) bool {
	var pgErr *pgconn.PgError
	if !errors.As(err, &pgErr) {
		return false
	}
	switch pgErr.Code {
	case "42P01", "42703", "42704", "42883", "42804", "42P10", "0A000", "42601", "42P18", "42846":
		return true
	default:
		return false
	}
}

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
