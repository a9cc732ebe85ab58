package xadriver

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

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
	pinned bool          // it has more than settings
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
	conn.Claim = claim
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

func (s *session) connection(ctx context.Context, sh *shard.Shard) (*shard.Conn, error) {
	if s.sticky.Load() {
		if conn := s.take(sh); conn != nil {
			return conn, nil
		}
	}
	return sh.Acquire(ctx)
}

// take gets the session's own connection, nil when it has none, or it is gone.
func (s *session) take(sh *shard.Shard) *shard.Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.parked == nil {
		return nil
	}
	conn := s.parked[sh.Index()]
	s.parked[sh.Index()] = nil
	if conn == nil || s.pin == nil && !sh.Unpark(conn) {
		return nil
	}
	if !conn.Alive() {
		conn.Release()
		return nil
	}
	return conn
}

// release gives a connection back. It may be called on any goroutine, since a
// commit may outlive its caller's patience.
func (s *session) release(conn *shard.Conn) {
	if !s.sticky.Load() {
		conn.Release()
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	at := conn.Shard().Index()
	for len(s.parked) <= at {
		s.parked = append(s.parked, nil)
	}
	if s.closed || conn.Status() != shard.Idle || s.parked[at] != nil || conn.Lent && !s.pinned {
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
		s.parked = append(s.parked, make([]*shard.Conn, shards-len(s.parked))...)
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

// keep pins the session. The claim, if there is one, is its own from now on.
func (s *session) keep(claim *slots.Claim) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pinned = true
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
	s.pinned, s.settings, s.prepared = false, nil, nil
	s.temporary, s.overlay, s.overlaid = false, nil, nil
	s.sticky.Store(false)
}

func (s *session) close() {
	s.discard()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
}
