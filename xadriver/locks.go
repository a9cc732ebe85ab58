package xadriver

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/xapg/xapg/xadriver/internal/deadlock"
)

// Wait is one session that waits for a lock, and one of those for whom it waits. A
// session that waits for several has a Wait for each.
type Wait struct {
	Shard   string        `json:"shard"`   // on which it waits
	Waiter  Party         `json:"waiter"`  // who waits
	Blocker Party         `json:"blocker"` // for whom
	Lock    string        `json:"lock"`    // what it wants, in PostgreSQL's words: ShareLock on transaction 745
	Since   time.Time     `json:"since"`   // by the shard's clock; zero when it has only just begun
	For     time.Duration `json:"for"`     // how long it has waited by now, by the shard's clock

	// Circle is 0, or the number, from 1, of the circle of transactions that wait for
	// each other of which this wait is a part: it does not end by itself. Where the
	// setting deadlock_timeout is not off, the victim is cancelled soon.
	Circle int  `json:"circle"`
	Victim bool `json:"victim"` // the waiter is the transaction of the circle that is cancelled
}

// Party is a session on a shard that waits or is waited for, or a prepared transaction,
// which has no session.
type Party struct {
	// Transaction names the transaction, alike on all shards and for all who ask: the
	// last 8 digits of its id where it spans several shards; else the shard and the
	// session, such as athos/4711.
	Transaction string    `json:"transaction"`
	ID          uuid.UUID `json:"id,omitzero"`         // the whole id, where it can be known: from what is prepared, and of this process's transactions
	Shards      []string  `json:"shards"`              // where the transaction has parts, as far as can be seen
	PID         int       `json:"pid"`                 // of the server process; 0 where it is prepared
	GID         string    `json:"gid,omitempty"`       // where it is prepared: under which name
	Statement   string    `json:"statement,omitempty"` // the last one on this shard; empty where it is prepared
	State       string    `json:"state,omitempty"`     // of the session, as in pg_stat_activity; prepared
	User        string    `json:"user,omitempty"`
	Application string    `json:"application,omitempty"` // application_name
	Began       time.Time `json:"began,omitzero"`        // the transaction on this shard, by the shard's clock
}

// Locks tells who waits for whom over the whole cluster, longest first. Shards that
// cannot be asked are in the error; what the others say is returned all the same.
func (c *Connector) Locks(ctx context.Context) ([]Wait, error) {
	if c.single != nil {
		return nil, ErrSingleShard
	}
	asked := make([]deadlock.Asked, len(c.own))
	for i, sh := range c.own {
		asked[i] = deadlock.Server{Shard: sh}
	}
	g, errs := deadlock.Look(ctx, asked)
	circles := g.Circles()
	waits := []Wait{}
	for _, e := range g.Edges {
		w := Wait{
			Shard: e.View.Shard, Waiter: party(e.From, e.View.Session(e.Wait.PID)), Blocker: party(e.To, e.Session),
			Lock: e.Wait.Mode + " on " + e.Wait.What,
		}
		if p := e.Part; p != nil {
			w.Blocker.GID, w.Blocker.State, w.Blocker.Began = p.GID, string(PartPrepared), p.At
		}
		if since, err := time.Parse(time.RFC3339Nano, e.Wait.Since); err == nil {
			w.Since, w.For = since, max(0, e.View.Now.Sub(since))
		}
		for i, circle := range circles {
			if slices.Contains(circle.Edges, e) {
				w.Circle, w.Victim = i+1, circle.Victim == e.From
			}
		}
		waits = append(waits, w)
	}
	slices.SortStableFunc(waits, func(a, b Wait) int { return cmp.Compare(b.For, a.For) })
	return waits, errors.Join(errs...)
}

func party(t *deadlock.Transaction, s *deadlock.Session) Party {
	p := Party{Transaction: t.Name, ID: t.ID, Shards: append([]string{}, t.Shards...)}
	if s != nil {
		p.PID, p.Statement, p.State, p.User, p.Application = s.PID, s.Statement(), s.State, s.User, s.Application
		if s.Began != nil {
			p.Began = *s.Began
		}
	}
	return p
}
