package deadlock

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/xapg/xapg/xadriver/internal/gid"
)

// Transaction is one, with all of its sessions and prepared parts that were seen.
type Transaction struct {
	Name   string    // for people; alike for all who look
	ID     uuid.UUID // as far as it is known
	Shards []string
	Began  time.Time // its earliest session, by that server's clock
	Known  bool      // Began is
	Voted  bool      // a part of it is prepared: when that began, nobody can tell any more
	ident  string    // tells it from all others
}

// Edge says that a session waits for a transaction.
type Edge struct {
	View    *View
	Wait    *Waiting
	From    *Transaction
	To      *Transaction
	Session *Session  // of the one who is waited for; nil where it is prepared, or not known
	Part    *Prepared // what is prepared; nil where it is a session
}

// blocker is the session that is waited for, 0 where it is prepared.
func (e *Edge) blocker() int {
	if e.Session != nil {
		return e.Session.PID
	}
	return 0
}

// ident is the same for a wait that goes on, and never again for another.
func (e *Edge) ident() string {
	part := ""
	if e.Part != nil {
		part = e.Part.GID
	}
	return fmt.Sprintf("%s/%d/%s/%s/%s/%s/%d/%s", e.View.Shard, e.Wait.PID, e.Wait.VXID, e.Wait.Since, e.From.ident, e.To.ident, e.blocker(), part)
}

// Graph says who waits for whom.
type Graph struct {
	Edges []*Edge
}

// NewGraph puts together what the shards say. names are all of the cluster, asked or not.
func NewGraph(views []*View, names []string) *Graph {
	a := newAttribution(views, names)
	g := &Graph{}
	for _, v := range views {
		for i := range v.Waits {
			w := &v.Waits[i]
			if w.PID == 0 {
				continue
			}
			from := a.of(session(v.Shard, w.PID))
			for _, pid := range slices.Compact(slices.Sorted(slices.Values(w.Blockers))) {
				if pid == 0 {
					continue
				}
				s := v.Session(pid)
				if s == nil {
					s = &Session{PID: pid} // in another database of the server
				}
				g.Edges = append(g.Edges, &Edge{View: v, Wait: w, From: from, To: a.of(session(v.Shard, pid)), Session: s})
			}
			for _, p := range v.behind(w) {
				g.Edges = append(g.Edges, &Edge{View: v, Wait: w, From: from, To: a.of(prepared(v.Shard, p)), Part: p})
			}
		}
	}
	return g
}

// attribution finds out which sessions and prepared parts are one transaction: what has
// anything that proves it in common is joined.
type attribution struct {
	parent map[string]string // a forest of what was joined; the names are those of functions below
	txns   map[string]*Transaction
	views  []*View
	names  []string // of the shards, in the order by which keys number them
}

// The names of what is joined.
func session(shard string, pid int) string { return fmt.Sprintf("session %s/%d", shard, pid) }
func prepared(shard string, p *Prepared) string {
	return "prepared " + shard + "/" + p.VXID + "/" + p.GID
}
func keyed(k Key) string             { return fmt.Sprintf("key %016x", uint64(k)) } //nolint:gosec // its bits
func identified(id uuid.UUID) string { return "id " + id.String() }

// rank says by which of its names a transaction is best known. All who look must give it
// the same.
func rank(who string) int {
	return slices.Index([]string{"key", "id", "session", "prepared"}, who[:strings.IndexByte(who, ' ')])
}

func (a *attribution) join(one, another string) {
	one, another = a.root(one), a.root(another)
	if cmp.Or(cmp.Compare(rank(one), rank(another)), cmp.Compare(one, another)) > 0 {
		one, another = another, one
	}
	if one != another {
		a.parent[another] = one
	}
}

func (a *attribution) of(who string) *Transaction { return a.transaction(a.root(who)) }

func (a *attribution) root(who string) string {
	for {
		p, ok := a.parent[who]
		if !ok {
			return who
		}
		who = p
	}
}

func newAttribution(views []*View, names []string) *attribution {
	a := &attribution{parent: make(map[string]string), txns: make(map[string]*Transaction), views: views, names: slices.Sorted(slices.Values(names))}
	preparedTags := a.joinPrepared()
	keys := a.keys(preparedTags)
	a.joinKeys(keys, preparedTags)
	return a
}

// preparing finds the name under which a session prepares its part at this moment.
var preparing = regexp.MustCompile(`PREPARE TRANSACTION '(xapg_[^']+)'`)

// joinPrepared joins what is prepared with the transaction's id, and likewise the sessions
// that are about to be. It returns the ids by the tags that keys have of them.
func (a *attribution) joinPrepared() map[tag][]uuid.UUID {
	ids := make(map[tag][]uuid.UUID)
	known := func(id uuid.UUID) {
		if t := tagOf(id); !slices.Contains(ids[t], id) {
			ids[t] = append(ids[t], id)
		}
	}
	for _, v := range a.views {
		for i := range v.Prepared {
			if id, err := gid.Parse(v.Prepared[i].GID); err == nil {
				a.join(prepared(v.Shard, &v.Prepared[i]), identified(id.Txn))
				known(id.Txn)
			}
		}
	}
	for _, v := range a.views {
		for i := range v.Sessions {
			s := &v.Sessions[i]
			if m := preparing.FindStringSubmatch(s.Query); m != nil && s.VXID != "" {
				if id, err := gid.Parse(m[1]); err == nil && id.Shard == v.Shard {
					a.join(session(v.Shard, s.PID), identified(id.Txn))
				}
			}
		}
	}
	return ids
}

// first is the session that a key says is its transaction's first, nil where that has no
// transaction open.
func (a *attribution) first(k Key) (*View, *Session) {
	if k.shard() >= len(a.names) {
		return nil, nil
	}
	for _, v := range a.views {
		if v.Shard != a.names[k.shard()] {
			continue
		}
		if s := v.Session(k.pid()); s != nil && s.VXID != "" {
			return v, s
		}
	}
	return nil, nil
}

// keys are the advisory locks that are keys of ours. An application takes advisory locks
// of its own, so one is a key only if what it says is there.
func (a *attribution) keys(ids map[tag][]uuid.UUID) map[Key]bool {
	keys := make(map[Key]bool)
	for _, v := range a.views {
		for _, h := range v.Keys {
			if h.Key.tag() == 0 || h.Key.shard() >= len(a.names) {
				continue
			}
			_, s := a.first(h.Key)
			keys[h.Key] = s != nil || len(ids[h.Key.tag()]) > 0 || h.Key.pid() == 0
		}
	}
	return keys
}

// joinKeys joins those who hold a key with each other, with the first session of the
// transaction, and with what is prepared of it.
func (a *attribution) joinKeys(keys map[Key]bool, ids map[tag][]uuid.UUID) {
	tags := make(map[tag]int)
	firsts := make(map[string][]Key)
	for k, ours := range keys {
		if ours {
			tags[k.tag()]++
		}
	}
	for _, v := range a.views {
		for _, h := range v.Keys {
			if !keys[h.Key] {
				continue
			}
			if h.PID != 0 {
				a.join(session(v.Shard, h.PID), keyed(h.Key))
				continue
			}
			for i := range v.Prepared {
				if v.Prepared[i].VXID == h.VXID {
					a.join(prepared(v.Shard, &v.Prepared[i]), keyed(h.Key))
				}
			}
		}
	}
	for k, ours := range keys {
		if !ours {
			continue
		}
		if id := ids[k.tag()]; len(id) == 1 && tags[k.tag()] == 1 {
			a.join(keyed(k), identified(id[0]))
		}
		// Once a part is prepared, the first session may be at work for another
		// transaction already; if not, it says what it prepares.
		if v, s := a.first(k); s != nil && len(ids[k.tag()]) == 0 {
			who := session(v.Shard, s.PID)
			firsts[who] = append(firsts[who], k)
		}
	}
	for who, list := range firsts {
		if len(list) == 1 { // else nobody can tell
			a.join(who, keyed(list[0]))
		}
	}
}

// transaction describes what was joined.
func (a *attribution) transaction(root string) *Transaction {
	if t := a.txns[root]; t != nil {
		return t
	}
	t := &Transaction{ident: root, Known: true}
	a.txns[root] = t
	shard := func(name string) {
		if !slices.Contains(t.Shards, name) {
			t.Shards = append(t.Shards, name)
		}
	}
	for _, v := range a.views {
		for i := range v.Sessions {
			s := &v.Sessions[i]
			if a.root(session(v.Shard, s.PID)) != root {
				continue
			}
			shard(v.Shard)
			switch {
			case strings.HasPrefix(root, "session "):
				// A session is one transaction after the other.
				t.ident, t.Name = root+" "+s.VXID, fmt.Sprintf("%s/%d", v.Shard, s.PID)
				fallthrough
			default:
				t.Known = t.Known && s.Began != nil
				if s.Began != nil && (t.Began.IsZero() || s.Began.Before(t.Began)) {
					t.Began = *s.Began
				}
			}
		}
		for i := range v.Prepared {
			if a.root(prepared(v.Shard, &v.Prepared[i])) != root {
				continue
			}
			shard(v.Shard)
			t.Name, t.Voted = v.Prepared[i].GID, true
			if id, err := gid.Parse(v.Prepared[i].GID); err == nil {
				t.ID, t.Name = id.Txn, tagOf(id.Txn).String()
			}
		}
	}
	if k, ok := strings.CutPrefix(root, "key "); ok {
		t.Name = k[:8]
	}
	if id, ok := strings.CutPrefix(root, "id "); ok {
		t.ID = uuid.MustParse(id)
		t.Name = tagOf(t.ID).String()
	}
	if t.Name == "" {
		t.Name = strings.TrimPrefix(root, "session ")
	}
	t.Known = t.Known && !t.Began.IsZero()
	slices.Sort(t.Shards)
	return t
}

// younger orders transactions by when they began, the later first. One that has begun to
// vote has come a long way, and counts as older than those that have not. Where it is not
// known of all of them when they began it is their names that count, so that all who look
// agree.
func younger(list []*Transaction) func(a, b *Transaction) int {
	all := !slices.ContainsFunc(list, func(t *Transaction) bool { return !t.Known && !t.Voted })
	return func(a, b *Transaction) int {
		if a.Voted != b.Voted {
			if b.Voted {
				return -1
			}
			return 1
		}
		if all && !a.Voted {
			if c := b.Began.Compare(a.Began); c != 0 {
				return c
			}
		}
		return cmp.Compare(b.ident, a.ident)
	}
}
