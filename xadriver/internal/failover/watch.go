package failover

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/google/uuid"

	"github.com/xapg/xapg/txlog"
	"github.com/xapg/xapg/xadriver/internal/shard"
)

// Log is the part of txlog.Log that is needed here.
type Log interface {
	Identity() txlog.Identity
	Lookup(ctx context.Context, id uuid.UUID) (txlog.Decision, error)
	Records(ctx context.Context, after uuid.UUID, limit int) ([]txlog.Decision, error)
}

// Watch knows which servers the shards are. Its methods are safe for concurrent use.
type Watch struct {
	log     Log
	logger  *slog.Logger
	members map[string]*member
	// Kick is called with a shard whose server has changed. It returns at once.
	Kick func(shard string)
}

// member is one shard.
type member struct {
	name string
	own  *shard.Shard // answers the driver's own questions
	used *shard.Shard // runs the application's statements

	verified atomic.Uint32 // the timeline that was looked at last
	losses   atomic.Int64  // not acknowledged
	silent   atomic.Bool   // it cannot be looked at

	mu      sync.Mutex
	known   point // the latest, whoever told
	row     row   // what the shard says of itself, as far as it was looked at
	history *History
}

// New makes a watch over shards, each given as the two pools of connections to it.
func New(log Log, logger *slog.Logger, own, used []*shard.Shard) *Watch {
	w := &Watch{log: log, logger: logger, members: make(map[string]*member), Kick: func(string) {}}
	for i, s := range own {
		w.members[s.Name()] = &member{name: s.Name(), own: s, used: used[i]}
	}
	return w
}

// Verify looks which server a shard is, and what has changed since it was last looked
// at. Nothing may be decided or finished there when it returns an error.
func (w *Watch) Verify(ctx context.Context, name string) error {
	m := w.members[name]
	if m == nil {
		return fmt.Errorf("no shard is named %q", name)
	}
	conn, err := m.own.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	l, err := lookAt(ctx, conn)
	if silent(err) {
		if !m.silent.Swap(true) {
			w.logger.Warn("xapg: a shard's server does not tell where in its history it is: what a failover loses there is not noticed", "shard", name, "err", err)
		}
		return nil
	}
	if err != nil {
		return err
	}
	if l.replicated || l.Timeline > 1 {
		m.own.CanFailOver()
		m.used.CanFailOver()
	}
	rows, err := w.rows(ctx, conn, false)
	if missing(err) {
		if err := setup(ctx, conn); err != nil {
			return err
		}
		rows, err = w.rows(ctx, conn, false)
	}
	if err != nil {
		return explain(conn, err)
	}
	w.hear(m, rows)
	own, there := rows[name]
	if err := m.judge(l, own, there); err != nil {
		conn.Break()
		w.reset(m)
		return err
	}
	if !there || own.timeline < l.Timeline || m.fresh(own) {
		if err := w.audit(ctx, conn, m, l); err != nil {
			return explain(conn, err)
		}
	}
	if m.verified.Swap(l.Timeline) != l.Timeline {
		w.reset(m)
	}
	m.own.KnownTimeline(l.Timeline)
	m.used.KnownTimeline(l.Timeline)
	if l.Timeline > 1 {
		if err := w.count(ctx, conn, m); err != nil {
			return err
		}
	}
	return w.tell(ctx, conn, m, rows)
}

// fresh reports whether what the shard says of itself was not yet read.
func (m *member) fresh(own row) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.history == nil || m.row.point != own.point
}

// hear takes notice of what one shard says of the others.
func (w *Watch) hear(from *member, rows map[string]row) {
	for name, r := range rows {
		m := w.members[name]
		if m == nil || m == from {
			continue
		}
		m.mu.Lock()
		news := r.timeline > m.known.timeline
		if news {
			m.known = r.point
		}
		m.mu.Unlock()
		if news {
			m.own.KnownTimeline(r.timeline)
			m.used.KnownTimeline(r.timeline)
		}
		if at := m.verified.Load(); news && at != 0 && at < r.timeline {
			w.reset(m)
			w.Kick(name)
		}
	}
}

// tell leaves on a shard what it does not know of the others.
func (w *Watch) tell(ctx context.Context, conn *shard.Conn, to *member, rows map[string]row) error {
	var news []row
	for name, m := range w.members {
		m.mu.Lock()
		if p := m.known; m != to && p.timeline > rows[name].timeline {
			news = append(news, row{shard: name, point: p})
		}
		m.mu.Unlock()
	}
	return explain(conn, w.keep(ctx, conn, news...))
}

// judge says whether the server may be the shard.
func (m *member) judge(l look, own row, there bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	stale := &StaleError{Shard: m.name, Timeline: l.Timeline, Known: max(m.known.timeline, own.timeline)}
	switch known := m.known; {
	case l.Timeline < known.timeline:
		stale.Reason = "it is an old primary that came back"
	case there && l.Timeline < own.timeline:
		stale.Reason = "its data are of a later server"
	case known.system != "" && l.system != known.system, there && own.system != l.system:
		stale.Reason = "it is another database system (system_identifier " + l.system + ")"
	case there && known.timeline == own.timeline && known.epoch != own.epoch:
		stale.Reason = "two servers have taken over, and this is not the one that was known first"
	default:
		return nil
	}
	return stale
}

// reset closes the connections to a server that is no longer the shard.
func (w *Watch) reset(m *member) {
	m.own.Reset()
	m.used.Reset()
}

// Ready makes sure that the servers of the named shards may decide together: it looks
// at those that were not looked at, or have changed since.
func (w *Watch) Ready(ctx context.Context, names []string) error {
	for asked := true; asked; { // again, since a later one may have told of an earlier one
		asked = false
		for _, name := range names {
			m := w.members[name]
			if m != nil && (m.silent.Load() || m.verified.Load() != 0 && m.verified.Load() == m.latest()) {
				continue
			}
			if err := w.Verify(ctx, name); err != nil {
				return err
			}
			asked = true
		}
	}
	return nil
}

func (m *member) latest() uint32 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.known.timeline
}

// Trust says whether votes may be relied on: not on one by a server that another has
// followed, unless that is known to have it.
func (w *Watch) Trust(id uuid.UUID, voters []txlog.Participant) error {
	for _, v := range voters {
		m := w.members[v.Name]
		if v.Vote == "" || m == nil {
			continue
		}
		at, ok := ParsePosition(v.Vote)
		switch known := m.latest(); {
		case !ok || at.Timeline == known:
		case at.Timeline > known:
			w.Kick(v.Name) // a new server, to be looked at soon
		case !m.has(id, at, known):
			w.reset(m)
			return &OvertakenError{Shard: v.Name, Vote: v.Vote, Timeline: known}
		}
	}
	return nil
}

// has reports whether the server on a timeline is known to have an older vote.
func (m *member) has(id uuid.UUID, vote Position, timeline uint32) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.history == nil || m.history.Timeline != timeline {
		return false
	}
	fate, _ := m.history.Fate(id, vote)
	return fate == Kept
}

// Gone says whether a vote can be taken for carried out, of which its shard, asked to
// commit it, knows nothing: not if a failover may have lost it. It asks nobody.
func (w *Watch) Gone(name, vote string) bool {
	m := w.members[name]
	if m == nil || vote == "" {
		return true
	}
	at, ok := ParsePosition(vote)
	return !ok || at.Timeline == m.latest()
}

// Fits refuses a connection that leads to another server than the one that was last
// looked at.
func (w *Watch) Fits(conn *shard.Conn) error {
	at, m := conn.Timeline(), w.members[conn.Shard().Name()]
	if at == 0 || m == nil || m.verified.Load() == at {
		return nil
	}
	conn.Break()
	return fmt.Errorf("shard %s: the server has changed, and is to be looked at first", m.name)
}

// Losses counts what is known to be lost on a shard and was not acknowledged.
func (w *Watch) Losses(name string) int {
	if m := w.members[name]; m != nil {
		return int(m.losses.Load())
	}
	return 0
}
