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
//
// What many statements need at once is read once for all of them, and none waits for
// it longer than its own context lasts.
type schema struct {
	home   *shard.Shard
	every  time.Duration // how often home is asked; negative for never
	wait   time.Duration // how long to wait for somebody else's lock
	reader catalog.Reader

	current  atomic.Pointer[catalog.Catalog]
	checked  atomic.Int64 // when home was last asked, in nanoseconds since start
	suspects atomic.Bool
	start    time.Time

	mu        sync.Mutex
	forgotten int                 // how often the catalog was
	readings  map[reading]*answer // that are under way
	closed    bool

	ctx  context.Context // ends with the connector
	stop context.CancelFunc
	busy sync.WaitGroup
}

// reading is something that home is asked for all who want it.
type reading struct {
	relation *catalog.Relation // what it is about, nil for a new catalog
	of       *catalog.Catalog  // that is to have the relation's texts, nil to wait until nobody keeps others from it
	mustDo   bool
}

// answer to a reading. It is settled when done is closed.
type answer struct {
	done chan struct{}
	fit  bool
	err  error
}

// lockWait is how long a statement waits for somebody else's change, to be planned by
// what comes of it, where lock_wait does not say.
const lockWait = 5 * time.Second

// readWait bounds the reading of a catalog, for which nobody's lock is waited for.
const readWait = 30 * time.Second

func (s *schema) open(home *shard.Shard, every, wait time.Duration) {
	s.home, s.every, s.wait, s.start = home, every, wait, time.Now()
	if wait <= 0 {
		s.wait = lockWait
	}
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.readings = make(map[reading]*answer)
}

func (s *schema) close() {
	if s.stop == nil {
		return
	}
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.stop()
	s.busy.Wait()
}

// background runs something that close waits for, and reports whether it does.
func (s *schema) background(do func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.busy.Go(do)
	}
	return !s.closed
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
		return c, nil
	}
	if s.every > 0 {
		now, last := int64(time.Since(s.start)), s.checked.Load()
		if now-last > int64(s.every) && s.checked.CompareAndSwap(last, now) {
			s.background(func() {
				ctx, cancel := context.WithTimeout(s.ctx, callTimeout)
				defer cancel()
				s.compare(ctx)
			})
		}
	}
	return c, nil
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
	if mark, err := catalog.Fingerprint(ctx, queryer{conn}); err == nil && mark != c.Mark {
		s.current.CompareAndSwap(c, nil)
	}
}

// suspect makes the next statement ask home first whether the schema has changed.
func (s *schema) suspect() { s.suspects.Store(true) }

// forget makes the next statement read the catalog.
func (s *schema) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forgotten++
	s.current.Store(nil)
}

// reload reads the catalog anew, unless somebody else has since stale was current.
func (s *schema) reload(ctx context.Context, stale *catalog.Catalog) (*catalog.Catalog, error) {
	for {
		if c := s.current.Load(); c != nil && c != stale {
			return c, nil
		}
		if o := s.share(ctx, reading{}, readWait, func(ctx context.Context, o *answer) { o.err = s.read(ctx) }); o.err != nil {
			return nil, o.err
		}
	}
}

// read makes a new catalog current: one that was read after it was last forgotten.
func (s *schema) read(ctx context.Context) error {
	conn, err := s.home.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		times := s.forgotten
		s.mu.Unlock()
		c, err := s.reader.Load(ctx, queryer{conn})
		s.mu.Lock()
		if err != nil {
			return err
		}
		if s.forgotten == times {
			s.current.Store(c)
			s.checked.Store(int64(time.Since(s.start)))
			return nil
		}
	}
}

// complete reads what a relation of a catalog lacks. It reports false when the catalog
// is out of date; its texts are kept all the same if they must do. How long it waits
// for somebody else's lock is bounded by lock_wait (55P03).
func (s *schema) complete(ctx context.Context, c *catalog.Catalog, r *catalog.Relation, mustDo bool) (bool, error) {
	o := s.share(ctx, reading{r, c, mustDo}, 0, func(ctx context.Context, o *answer) {
		conn, err := s.home.Acquire(ctx)
		if err != nil {
			o.err = err
			return
		}
		defer conn.Release()
		o.fit, o.err = c.Complete(ctx, queryer{conn}, []*catalog.Relation{r}, s.wait, mustDo)
	})
	return o.fit, o.err
}

// settle waits until nobody keeps others from a relation any more, or for as long as
// lock_wait says.
func (s *schema) settle(ctx context.Context, r *catalog.Relation) error {
	o := s.share(ctx, reading{relation: r}, 0, func(ctx context.Context, o *answer) {
		conn, err := s.home.Acquire(ctx)
		if err != nil {
			o.err = err
			return
		}
		defer conn.Release()
		if o.err = catalog.Settled(ctx, queryer{conn}, r, s.wait); state(o.err) == lockTimeout {
			o.err = nil
		}
	})
	return o.err
}

// lockTimeout is PostgreSQL's lock_not_available.
const lockTimeout = "55P03"

// share does something once for all who want it at the same time. The first who wants
// it has it done, by a context that outlasts him: others may have more patience.
func (s *schema) share(ctx context.Context, what reading, wait time.Duration, do func(context.Context, *answer)) *answer {
	for {
		o := s.join(ctx, what, wait, do)
		select {
		case <-o.done:
		case <-ctx.Done():
			return &answer{err: ctx.Err()}
		}
		if !errors.Is(o.err, context.DeadlineExceeded) || s.ctx.Err() != nil {
			return o
		}
		// Nobody's patience has ended but that of the reading itself.
		if err := ctx.Err(); err != nil {
			return &answer{err: err}
		}
	}
}

func (s *schema) join(ctx context.Context, what reading, wait time.Duration, do func(context.Context, *answer)) *answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.readings[what]; o != nil {
		return o
	}
	o := &answer{done: make(chan struct{})}
	if s.closed {
		o.err = shard.ErrClosed
		close(o.done)
		return o
	}
	s.readings[what] = o
	ctx = context.WithoutCancel(ctx)
	s.busy.Go(func() {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(s.ctx, cancel)()
		if wait > 0 {
			ctx, cancel = context.WithTimeout(ctx, wait)
			defer cancel()
		}
		do(ctx, o)
		s.mu.Lock()
		delete(s.readings, what)
		s.mu.Unlock()
		close(o.done)
	})
	return o
}

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
