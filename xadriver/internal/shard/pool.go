package shard

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/xapg/xapg/xadriver/internal/origin"
)

// Acquire takes a connection from the pool, or opens one. An idle connection
// that turns out to be dead is replaced without the caller's notice: nothing
// was sent on it.
//
// Where the pool is bounded, whoever calls holds a slot of the shard: then at most
// parked connections are in the way, and one of them is closed.
func (s *Shard) Acquire(ctx context.Context) (*Conn, error) {
	if s.options.MaxConns > 0 {
		s.parking.wanted.Add(1)
		defer s.parking.wanted.Add(-1)
	}
	for {
		s.makeRoom()
		res, err := s.pool.Acquire(context.WithValue(ctx, patience{}, ctx))
		if err != nil {
			return nil, origin.Note(err, s.name)
		}
		c := res.Value()
		fresh := c.resource == nil
		c.resource = res
		if fresh || c.fit(ctx) {
			return c, nil
		}
		s.counts.broken.Add(1)
		res.Destroy()
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
}

// patience is the key of the context of whom a connection is opened for. The pool
// goes on opening it when he has gone; nobody may want it then, and a server that
// does not answer would be left more and more attempts.
type patience struct{}

// patiently is the pool's context, ended with the caller's.
func patiently(ctx context.Context) (context.Context, func()) {
	caller, ok := ctx.Value(patience{}).(context.Context)
	if !ok {
		return ctx, func() {}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(caller, func() { cancel(context.Cause(caller)) })
	return ctx, func() {
		stop()
		cancel(nil)
	}
}

// parking keeps the connections of sessions that have settings of their own, and
// are idle. A parked connection may be closed when somebody else needs its place:
// its session replays the settings on another one.
type parking struct {
	wanted atomic.Int32 // who is about to take a connection
	mu     sync.Mutex
	conns  []*Conn // the one parked first comes first
}

// Park keeps a connection for its session, whose slot is free then. The session
// gets it back by Unpark, if nobody needed its place.
func (s *Shard) Park(c *Conn) {
	leave := c.leave()
	s.parking.mu.Lock()
	s.parking.conns = append(s.parking.conns, c)
	s.parking.mu.Unlock()
	leave()
	if s.parking.wanted.Load() > 0 {
		s.makeRoom()
	}
}

// Unpark takes a parked connection back, and reports whether it is still there.
func (s *Shard) Unpark(c *Conn) bool {
	s.parking.mu.Lock()
	defer s.parking.mu.Unlock()
	at := slices.Index(s.parking.conns, c)
	if at < 0 {
		return false
	}
	s.parking.conns = slices.Delete(s.parking.conns, at, at+1)
	return true
}

// makeRoom closes the connection that was parked longest, if the pool is full and
// nothing in it is idle.
func (s *Shard) makeRoom() {
	if s.options.MaxConns <= 0 {
		return
	}
	stat := s.pool.Stat()
	if stat.IdleResources() > 0 || int(stat.TotalResources()) < s.options.MaxConns {
		return
	}
	s.parking.mu.Lock()
	var c *Conn
	if len(s.parking.conns) > 0 {
		c = s.parking.conns[0]
		s.parking.conns = slices.Delete(s.parking.conns, 0, 1)
	}
	s.parking.mu.Unlock()
	if c != nil {
		s.counts.evicted.Add(1)
		c.resource.Destroy()
	}
}

// born says when a new connection is to be closed: those that were opened
// together do not all close at once.
func (c *Conn) born(lifetime time.Duration) {
	if lifetime > 0 {
		c.expiry = time.Now().Add(lifetime - rand.N(lifetime/10+1)) //nolint:gosec // no secret
	}
}

func (c *Conn) expired(now time.Time) bool { return !c.expiry.IsZero() && now.After(c.expiry) }

// Tend closes idle connections that are too old, or were unused for too long, or
// that the server has closed.
func (s *Shard) Tend() {
	now := time.Now()
	for _, res := range s.pool.AcquireAllIdle() {
		c := res.Value()
		idle := s.options.MaxIdle > 0 && res.IdleDuration() > s.options.MaxIdle
		switch {
		case c.resource == nil: // opened for somebody who had gone by then
			c.resource = res
			res.ReleaseUnused()
		case c.expired(now):
			s.counts.expired.Add(1)
			res.Destroy()
		case idle:
			s.counts.unused.Add(1)
			res.Destroy()
		case !c.Alive() || c.hungUp():
			s.counts.broken.Add(1)
			res.Destroy()
		default:
			res.ReleaseUnused()
		}
	}
}

// hungUp reports whether the server has closed the connection, as far as can be seen
// without asking it: all idle connections are held up meanwhile.
func (c *Conn) hungUp() bool {
	return c.pgx != nil && c.pgx.Conn().PgConn().CheckConn() != nil //nolint:staticcheck // what it misses is found when the connection is used
}

// Reset closes all idle connections, and those in use when they are released.
func (s *Shard) Reset() { s.pool.Reset() }

// counts add up over a pool's life.
type counts struct{ opened, broken, expired, unused, evicted atomic.Int64 }

// Stat describes a pool at one moment, and what it has done since the beginning.
type Stat struct {
	Max, Open, Idle, Opening int // connections
	Parked                   int // of the open ones, kept for idle sessions with settings of their own

	Acquired      int64         // times a connection was taken
	AcquireWaited time.Duration // for how long, all together, while one was opened
	Opened        int64
	Broken        int64 // closed because their state was not known, or the server was gone
	Expired       int64 // closed because of their age
	Unused        int64 // closed because nobody had used them
	Evicted       int64 // closed while parked, because their place was needed
}

// Stat returns the figures.
func (s *Shard) Stat() Stat {
	p := s.pool.Stat()
	s.parking.mu.Lock()
	parked := len(s.parking.conns)
	s.parking.mu.Unlock()
	return Stat{
		Max: s.options.MaxConns, Open: int(p.TotalResources()), Idle: int(p.IdleResources()), Opening: int(p.ConstructingResources()), Parked: parked,
		Acquired: p.AcquireCount(), AcquireWaited: p.EmptyAcquireWaitTime(),
		Opened: s.counts.opened.Load(), Broken: s.counts.broken.Load(), Expired: s.counts.expired.Load(), Unused: s.counts.unused.Load(), Evicted: s.counts.evicted.Load(),
	}
}
