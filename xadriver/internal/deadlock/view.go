package deadlock

import (
	"slices"
	"strings"
	"time"
)

// View is what one shard says at one moment.
type View struct {
	Shard    string     `json:"-"`
	Now      time.Time  `json:"now"` // by the shard's clock
	Waits    []Waiting  `json:"waits"`
	Sessions []Session  `json:"sessions"` // that wait, are waited for, or are in a transaction
	Keys     []Holding  `json:"keys"`
	Prepared []Prepared `json:"prepared"`
	Held     []Held     `json:"held"` // by prepared transactions, of what somebody waits for
}

// Waiting is a session that waits for a lock.
type Waiting struct {
	PID      int    `json:"pid"`
	VXID     string `json:"vxid"`  // tells its transaction from all others that the server has seen since it started
	Since    string `json:"since"` // as the server writes it; "" in the first instant
	Mode     string `json:"mode"`
	What     string `json:"what"` // in PostgreSQL's words
	Tag      string `json:"tag"`  // tells the lock from others
	Blockers []int  `json:"blockers"`
}

// Session is a server process and what it is at.
type Session struct {
	PID         int        `json:"pid"`
	VXID        string     `json:"vxid"`
	Began       *time.Time `json:"began"` // nil where we may not know
	State       string     `json:"state"`
	User        string     `json:"user"`
	Application string     `json:"application"`
	Query       string     `json:"query"`
}

// Holding says who holds a key: a session, or with PID 0 what is prepared.
type Holding struct {
	PID  int    `json:"pid"`
	VXID string `json:"vxid"`
	Key  Key    `json:"key"`
}

// Prepared is a prepared transaction.
type Prepared struct {
	VXID string    `json:"vxid"`
	GID  string    `json:"gid"`
	At   time.Time `json:"at"`
}

// Held is a lock that a prepared transaction holds.
type Held struct {
	VXID string `json:"vxid"`
	Mode string `json:"mode"`
	Tag  string `json:"tag"`
}

// conflicts says which modes of locks on tables exclude each other, as PostgreSQL's
// manual has it; other locks use some of the same modes.
var conflicts = map[string][]string{
	"AccessShareLock":          {"AccessExclusiveLock"},
	"RowShareLock":             {"ExclusiveLock", "AccessExclusiveLock"},
	"RowExclusiveLock":         {"ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock"},
	"ShareUpdateExclusiveLock": {"ShareUpdateExclusiveLock", "ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock"},
	"ShareLock":                {"RowExclusiveLock", "ShareUpdateExclusiveLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock"},
	"ShareRowExclusiveLock":    {"RowExclusiveLock", "ShareUpdateExclusiveLock", "ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock"},
	"ExclusiveLock":            {"RowShareLock", "RowExclusiveLock", "ShareUpdateExclusiveLock", "ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock"},
	"AccessExclusiveLock": {
		"AccessShareLock", "RowShareLock", "RowExclusiveLock", "ShareUpdateExclusiveLock", "ShareLock", "ShareRowExclusiveLock",
		"ExclusiveLock", "AccessExclusiveLock",
	},
}

// behind lists the prepared transactions that a session waits for. The server says of
// them only that there are some.
func (v *View) behind(w *Waiting) []*Prepared {
	if !slices.Contains(w.Blockers, 0) {
		return nil
	}
	var list []*Prepared
	for _, h := range v.Held {
		if h.Tag != w.Tag || !slices.Contains(conflicts[w.Mode], h.Mode) {
			continue
		}
		for i := range v.Prepared {
			if p := &v.Prepared[i]; p.VXID == h.VXID && !slices.Contains(list, p) {
				list = append(list, p)
			}
		}
	}
	return list
}

// Session is a server process, nil where nothing is said of it.
func (v *View) Session(pid int) *Session {
	for i := range v.Sessions {
		if v.Sessions[i].PID == pid {
			return &v.Sessions[i]
		}
	}
	return nil
}

// Statement is the session's statement without what the driver put before it in the same
// message.
func (s *Session) Statement() string {
	q := s.Query
	if !strings.HasPrefix(q, "BEGIN") {
		return q
	}
	const taken = "pg_catalog.pg_advisory_xact_lock_shared("
	if i := strings.Index(q, taken); i >= 0 {
		if _, rest, ok := strings.Cut(q[i:], ");"); ok {
			return rest
		}
	}
	if _, rest, ok := strings.Cut(q, ";"); ok && strings.TrimSpace(rest) != "" {
		return rest
	}
	return q
}
