package xadriver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/xapg/xapg/txlog"
	"github.com/xapg/xapg/xadriver/internal/gid"
	"github.com/xapg/xapg/xadriver/internal/resolve"
)

// InDoubt is a distributed transaction that is prepared somewhere, or decided and
// not finished everywhere.
type InDoubt struct {
	ID          uuid.UUID     `json:"id"`
	Log         string        `json:"log"`         // the id of the log that decides it
	Age         time.Duration `json:"age"`         // of its oldest prepared part, by that server's clock; 0 with none
	Coordinator string        `json:"coordinator"` // who began to commit it: a host, a process, a program; "" where that is not known
	Opening     int64         `json:"opening"`     // the coordinator's opening of the log; 0 where that is not known

	Decision  string     `json:"decision"`             // commit, abort, or unknown while there is none
	DecidedAt *time.Time `json:"decided_at,omitempty"` // by the log's clock
	DecidedBy string     `json:"decided_by,omitempty"` // who stored the decision: the coordinator, or whoever resolved it

	Parts    []Part `json:"parts"`     // as the decision names them; those that were seen, while there is none
	WaitsFor string `json:"waits_for"` // what it takes to end it, in words

	Shards []string `json:"shards"` // where it is prepared
	GIDs   []string `json:"gids"`   // under these names
}

// Part is what one shard has of a transaction.
type Part struct {
	Shard   string        `json:"shard"`
	State   PartState     `json:"state"`
	GID     string        `json:"gid"`
	Age     time.Duration `json:"age"`               // for how long it is prepared
	Vote    string        `json:"vote,omitempty"`    // where the shard's history has its vote
	Problem string        `json:"problem,omitempty"` // why the shard cannot be asked, or who alone may finish it
}

// PartState is how far a part is.
type PartState string

// The states of parts.
const (
	PartPrepared    PartState = "prepared"
	PartFinished    PartState = "finished"    // nothing is prepared there any more, and the outcome is known
	PartUnreachable PartState = "unreachable" // the shard could not be asked
	PartLost        PartState = "lost"        // a failover of the shard has lost it, or may have: see Connector.Lost
)

// InDoubt lists the transactions of this cluster's log that are in doubt, those of
// other hosts among them, commits that are under way too. Shards that cannot be
// asked are in the error; what the others said is returned all the same.
func (c *Connector) InDoubt(ctx context.Context) ([]InDoubt, error) {
	if c.single != nil {
		return nil, ErrSingleShard
	}
	// The records come first: what is decided before a shard is asked, and is not
	// prepared there when it is asked, is finished there.
	decided, err := c.unfinished(ctx)
	if err != nil {
		return nil, err
	}
	seen := c.survey(ctx)
	ids := seen.order
	for id := range decided {
		if _, ok := seen.txns[id]; !ok {
			ids = append(ids, id)
		}
	}
	who := &openers{log: c.log}
	out := make([]InDoubt, 0, len(ids))
	for _, id := range ids {
		d, ok := decided[id]
		if !ok {
			if d, err = c.log.Lookup(ctx, id); err != nil && !errors.Is(err, txlog.ErrNoDecision) {
				return out, err
			}
		}
		t := c.inDoubt(ctx, id, d, seen, who)
		if t.over() && time.Since(d.At) < noting {
			continue
		}
		out = append(out, t)
	}
	slices.SortStableFunc(out, func(a, b InDoubt) int { return -cmp.Compare(a.Age, b.Age) })
	return out, errors.Join(seen.errs...)
}

// noting is how long a coordinator may take to note that a transaction is finished:
// others see that a little later than it happens.
const noting = 5 * time.Second

// over reports whether nothing is left but to note that.
func (t *InDoubt) over() bool {
	return len(t.Parts) > 0 && !slices.ContainsFunc(t.Parts, func(p Part) bool { return p.State != PartFinished })
}

func (c *Connector) unfinished(ctx context.Context) (map[uuid.UUID]txlog.Decision, error) {
	const page = 1000
	out := make(map[uuid.UUID]txlog.Decision)
	for after := uuid.Nil; ; {
		list, err := c.log.Unfinished(ctx, after, page)
		if err != nil {
			return nil, err
		}
		for _, d := range list {
			after, out[d.ID] = d.ID, d
		}
		if len(list) < page {
			return out, nil
		}
	}
}

// survey is what the shards said when they were asked, all at once.
type survey struct {
	txns  map[uuid.UUID]map[string]resolve.Prepared // by transaction and shard
	order []uuid.UUID
	down  map[string]error // shards that could not be asked
	errs  []error
	lost  map[string]map[uuid.UUID]bool // what failovers of the shards have lost
}

func (c *Connector) survey(ctx context.Context) *survey {
	s := surveyOf(ctx, c.recoverable, gid.Prefix(c.cfg.Cluster, c.log.Identity().ID))
	s.lost = c.lostParts(ctx, s.down)
	return s
}

// surveyOf asks shards for what is prepared there under names that begin so.
func surveyOf(ctx context.Context, shards []resolve.Shard, prefix string) *survey {
	s := &survey{txns: make(map[uuid.UUID]map[string]resolve.Prepared), down: make(map[string]error)}
	lists := make([][]resolve.Prepared, len(shards))
	errs := make([]error, len(shards))
	var wg sync.WaitGroup
	for i, sh := range shards {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, callTimeout)
			defer cancel()
			if server, ok := sh.(resolve.Server); ok {
				sh = resolve.Server{Shard: server.Shard} // to look at a server needs no trust in it
			}
			lists[i], errs[i] = sh.Prepared(ctx, prefix)
		})
	}
	wg.Wait()
	for i, sh := range shards {
		name := sh.Name()
		if errs[i] != nil {
			s.down[name] = errs[i]
			s.errs = append(s.errs, fmt.Errorf("shard %s: %w", name, errs[i]))
		}
		for _, p := range lists[i] {
			id, err := gid.Parse(p.GID)
			if err != nil || id.Shard != name {
				continue
			}
			if s.txns[id.Txn] == nil {
				s.txns[id.Txn] = make(map[string]resolve.Prepared)
				s.order = append(s.order, id.Txn)
			}
			s.txns[id.Txn][name] = p
		}
	}
	return s
}

// inDoubt puts together what is known of a transaction.
func (c *Connector) inDoubt(ctx context.Context, id uuid.UUID, d txlog.Decision, seen *survey, who *openers) InDoubt {
	t := InDoubt{ID: id, Log: c.log.Identity().ID, Decision: d.Outcome.String(), Opening: gid.Opening(id), Shards: []string{}, GIDs: []string{}}
	t.Coordinator = who.name(ctx, t.Opening)
	votes := make(map[string]string)
	var names []string
	if d.Outcome != txlog.Unknown {
		at := d.At
		t.DecidedAt, t.DecidedBy = &at, who.name(ctx, d.By)
		for _, p := range d.Participants {
			names, votes[p.Name] = append(names, p.Name), p.Vote
		}
	}
	var order []string // that of the configuration, and then those that are not in it
	for _, sh := range c.recoverable {
		name := sh.Name()
		at := slices.Index(names, name)
		if _, ok := seen.txns[id][name]; ok || at >= 0 {
			order = append(order, name)
		}
		if at >= 0 {
			names = slices.Delete(names, at, at+1)
		}
	}
	for _, name := range append(order, names...) {
		part := Part{Shard: name, State: PartFinished, Vote: votes[name], GID: gid.ID{Cluster: c.cfg.Cluster, Log: c.log.Identity().ID, Txn: id, Shard: name}.String()}
		p, prepared := seen.txns[id][name]
		switch err := seen.down[name]; {
		case prepared:
			part.State, part.Age = PartPrepared, p.Age
			if p.Owner != "" {
				part.Problem = "only its owner " + p.Owner + ", or a superuser, may finish it"
			}
			t.Age = max(t.Age, p.Age)
			t.Shards, t.GIDs = append(t.Shards, name), append(t.GIDs, part.GID)
		case err != nil:
			part.State, part.Problem = PartUnreachable, err.Error()
		case seen.lost[name][id]:
			part.State, part.Problem = PartLost, "a failover of the shard has lost it, or may have"
		case !c.knows(name):
			part.State, part.Problem = PartUnreachable, "it is another program's resource"
		}
		t.Parts = append(t.Parts, part)
	}
	t.WaitsFor = c.waitsFor(&t)
	return t
}

func (c *Connector) knows(name string) bool {
	return slices.ContainsFunc(c.recoverable, func(s resolve.Shard) bool { return s.Name() == name })
}

// waitsFor says what a transaction is waiting for.
func (c *Connector) waitsFor(t *InDoubt) string {
	var reasons []string
	for _, p := range t.Parts {
		switch {
		case p.State == PartUnreachable:
			reasons = append(reasons, fmt.Sprintf("shard %s, which cannot be reached: %s", p.Shard, p.Problem))
		case p.State == PartLost:
			reasons = append(reasons, fmt.Sprintf("an operator: a failover of shard %s has lost it; repair the data, and then xapg txns ack", p.Shard))
		case p.State == PartPrepared && p.Problem != "":
			reasons = append(reasons, fmt.Sprintf("an operator: on shard %s, %s", p.Shard, p.Problem))
		}
	}
	look := fmt.Sprintf("the next look of any process with this log (every %s)", c.cfg.ResolveEvery)
	switch {
	case len(reasons) > 0:
	case t.Decision == txlog.Unknown.String() && t.Age < c.cfg.ResolveAfter:
		whose := "its coordinator"
		if t.Coordinator != "" {
			whose += " (" + t.Coordinator + ")"
		}
		reasons = append(reasons, fmt.Sprintf("%s, until it is %s old; then %s rolls it back", whose, c.cfg.ResolveAfter, look))
	case t.Decision == txlog.Unknown.String():
		reasons = append(reasons, look+", which rolls it back; if it stays, none is running: xapg resolve")
	case len(t.Shards) > 0:
		reasons = append(reasons, look+" to finish it on "+strings.Join(t.Shards, ", "))
	default:
		reasons = append(reasons, look+" to note that it is finished: nothing of it is prepared any more")
	}
	return strings.Join(reasons, "; ")
}

// openers tells who opened the log.
type openers struct {
	log   txlog.Log
	known map[int64]string
}

func (o *openers) name(ctx context.Context, seq int64) string {
	if seq <= 0 {
		return ""
	}
	if name, ok := o.known[seq]; ok {
		return name
	}
	name := ""
	if list, err := o.log.Openings(ctx, seq-1, 1); err == nil && len(list) == 1 && list[0].Mark.Seq == seq {
		name = list[0].By
	}
	if name == "" {
		name = fmt.Sprintf("opening %d of the log", seq)
	}
	if o.known == nil {
		o.known = make(map[int64]string)
	}
	o.known[seq] = name
	return name
}
