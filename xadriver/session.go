package xadriver

import (
	"context"
	"database/sql/driver"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/xapg/xapg/xadriver/internal/origin"

	"github.com/xapg/xapg/xadriver/internal/branch"
	"github.com/xapg/xapg/xadriver/internal/catalog"
	"github.com/xapg/xapg/xadriver/internal/shard"
	"github.com/xapg/xapg/xadriver/internal/slots"
)

// session is what a logical connection must remember between its statements. As
// long as that is nothing, it holds no server connection: each statement and
// each transaction takes what it needs from the shards' pools. From the first SET
// on, it keeps its own connections, on which the settings are replayed in order;
// where connections are limited and others need them, it gets new ones later. A
// session with more than settings, such as temporary tables, is pinned: it keeps
// its connections, and its claim to them, until it ends.
type session struct {
	sticky   atomic.Bool
	settings []branch.Setting
	prepared map[string]prepared // statements named in SQL

	temporary bool             // it may have temporary tables
	overlay   *catalog.Catalog // overlaid with them; nil when they may have changed
	overlaid  *catalog.Catalog

	reading atomic.Int32 // rows that are open outside of a transaction

	mu     sync.Mutex
	tenure *shard.Tenure // marks the connections of the session as it is; another one after DISCARD ALL
	lost   atomic.Bool   // a connection is gone, and with it what was in the session
	out    []*shard.Conn // its own connections that are in use, by the shard's index
	pin    *slots.Claim  // keeps the parked connections from being taken away
	parked []*shard.Conn // by the shard's index
	closed bool
}

// acquire takes a connection to a shard on which all settings are in force. Where
// connections are limited, the claim is what lets the caller have it.
func (s *session) acquire(ctx context.Context, sh *shard.Shard, claim *slots.Claim) (*shard.Conn, error) {
	if claim != nil && !claim.Enter(sh.Index()) {
		return nil, origin.Errorf(sh.Name(), origin.Internal, "a connection was wanted that had not been claimed")
	}
	conn, err := s.connection(ctx, sh)
	if err != nil {
		if claim != nil {
			claim.Leave(sh.Index())
		}
		return nil, err
	}
	conn.Claim, conn.Tenure = claim, s.tenure
	if !s.sticky.Load() {
		return conn, nil
	}
	for conn.Settings < len(s.settings) {
		set := s.settings[conn.Settings]
		if _, err := conn.Command(ctx, set.SQL); err != nil {
			conn.Break()
			conn.Release()
			return nil, fmt.Errorf("xapg: shard %s does not take the session's setting %q: %w", sh.Name(), set.SQL, err)
		}
		conn.Settings++
	}
	return conn, nil
}

// connection is the session's own, if it has one. A pinned session never uses
// another one in its place: what it left in the session is not there.
func (s *session) connection(ctx context.Context, sh *shard.Shard) (*shard.Conn, error) {
	for s.sticky.Load() {
		conn, out := s.take(sh)
		switch {
		case s.lost.Load():
			return nil, driver.ErrBadConn
		case conn != nil:
			return conn, nil
		case !out:
			return s.first(ctx, sh)
		case s.reading.Load() > 0:
			return nil, errBusy(sh)
		}
		// A commit that its caller did not wait for is still at work on it.
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(time.Millisecond):
		}
	}
	return sh.Acquire(ctx)
}

// first takes a connection that becomes the session's own.
func (s *session) first(ctx context.Context, sh *shard.Shard) (*shard.Conn, error) {
	conn, err := sh.Acquire(ctx)
	if err == nil {
		s.mu.Lock()
		s.out[sh.Index()] = conn
		s.mu.Unlock()
	}
	return conn, err
}

// take gets the session's own connection, nil when it has none, or it is gone. With
// out, a pinned session has one that is in use.
func (s *session) take(sh *shard.Shard) (conn *shard.Conn, out bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := sh.Index()
	conn, s.parked[at] = s.parked[at], nil
	switch {
	case conn == nil:
		return nil, s.tenure.Pinned() && s.out[at] != nil
	case s.pin == nil && !sh.Unpark(conn):
		return nil, false
	case !conn.Alive():
		s.lost.Store(s.lost.Load() || s.tenure.Pinned())
		conn.Release()
		return nil, false
	}
	s.out[at] = conn
	return conn, false
}

// release gives a connection back. It may be called on any goroutine, since a
// commit may outlive its caller's patience.
func (s *session) release(conn *shard.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := conn.Shard().Index()
	if s.out != nil && s.out[at] == conn {
		s.out[at] = nil
	}
	pinned := conn.Tenure == s.tenure && s.tenure.Pinned()
	if pinned && conn.Status() != shard.Idle {
		s.lost.Store(true)
	}
	if !s.sticky.Load() || conn.Tenure != s.tenure {
		conn.Release()
		return
	}
	if s.closed || conn.Status() != shard.Idle || s.parked[at] != nil || conn.Lent && !pinned {
		conn.Break()
		conn.Release()
		return
	}
	conn.Lent = false // what is in the session is the application's
	conn.Unqueue()
	s.parked[at] = conn
	if s.pin == nil {
		conn.Shard().Park(conn)
	} else {
		conn.Unclaim()
	}
}

// stick makes the session keep its connections, for settings to come.
func (s *session) stick(shards int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.parked) < shards {
		s.parked, s.out = make([]*shard.Conn, shards), make([]*shard.Conn, shards)
	}
	if s.tenure == nil {
		s.tenure = &shard.Tenure{}
	}
	s.sticky.Store(true)
}

// adopt remembers settings that hold from now on.
func (s *session) adopt(settings ...branch.Setting) {
	s.settings = append(s.settings, settings...)
}

// setting is the session's last word on a setting, nil when it has none.
func (s *session) setting(name string) *branch.Setting {
	for _, set := range slices.Backward(s.settings) {
		if set.Name == name || set.Name == "" {
			return &set
		}
	}
	return nil
}

// join makes a connection that is in use the session's own.
func (s *session) join(conn *shard.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	conn.Tenure, s.out[conn.Shard().Index()] = s.tenure, conn
}

// keep pins the session. The claim, if there is one, is its own from now on.
func (s *session) keep(claim *slots.Claim) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tenure.Pin()
	if s.pin != nil || claim == nil {
		return
	}
	s.pin = claim
	for i, conn := range s.parked {
		if conn != nil && !conn.Shard().Unpark(conn) {
			s.parked[i] = nil
		}
	}
}

// discard forgets everything, as DISCARD ALL does.
func (s *session) discard() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, conn := range s.parked {
		if conn != nil && (s.pin != nil || conn.Shard().Unpark(conn)) {
			conn.Break()
			conn.Release()
		}
		s.parked[i] = nil
	}
	if s.pin != nil {
		s.pin.Close()
		s.pin = nil
	}
	clear(s.out) // they end when they are given back
	s.tenure, s.settings, s.prepared = nil, nil, nil
	s.lost.Store(false)
	s.temporary, s.overlay, s.overlaid = false, nil, nil
	s.sticky.Store(false)
}

func (s *session) close() {
	s.discard()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
}
