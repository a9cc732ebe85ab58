package xadriver

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/xapg/xapg/txlog"
	"github.com/xapg/xapg/xadriver/internal/gid"
	"github.com/xapg/xapg/xadriver/internal/resolve"
)

// What operators ask of a cluster: the command xapg is made of these methods.
// With a single shard there is nothing to ask: they return ErrSingleShard.

// ErrSingleShard says that a cluster of one shard needs no decisions and no routes.
var ErrSingleShard = errors.New("xapg: there is a single shard: everything goes to it, and it commits by itself")

// InDoubt is a distributed transaction that is prepared somewhere.
type InDoubt struct {
	ID       uuid.UUID     `json:"id"`
	Decision string        `json:"decision"` // commit, abort, or unknown while there is none
	Age      time.Duration `json:"age"`      // of its oldest part, by that server's clock
	Shards   []string      `json:"shards"`   // where it is prepared
	GIDs     []string      `json:"gids"`
}

// InDoubt lists the transactions of this cluster's log that are prepared on some
// shard. Shards that cannot be asked are in the error; what the others said is
// returned all the same.
func (c *Connector) InDoubt(ctx context.Context) ([]InDoubt, error) {
	if c.single != nil {
		return nil, ErrSingleShard
	}
	prefix := gid.Prefix(c.cfg.Cluster, c.log.Identity().ID)
	lists := make([][]resolve.Prepared, len(c.shards))
	errs := make([]error, len(c.shards), len(c.shards)+1)
	var wg sync.WaitGroup
	for i, sh := range c.own {
		wg.Go(func() {
			if lists[i], errs[i] = (resolve.Server{Shard: sh}).Prepared(ctx, prefix); errs[i] != nil {
				errs[i] = fmt.Errorf("shard %s: %w", sh.Name(), errs[i])
			}
		})
	}
	wg.Wait()
	var order []uuid.UUID
	byID := make(map[uuid.UUID]*InDoubt)
	for i, list := range lists {
		for _, p := range list {
			id, err := gid.Parse(p.GID)
			if err != nil || id.Shard != c.shards[i].Name() {
				continue
			}
			d := byID[id.Txn]
			if d == nil {
				d = &InDoubt{ID: id.Txn, Decision: txlog.Unknown.String()}
				byID[id.Txn], order = d, append(order, id.Txn)
			}
			d.Age = max(d.Age, p.Age)
			d.Shards, d.GIDs = append(d.Shards, id.Shard), append(d.GIDs, p.GID)
		}
	}
	out := make([]InDoubt, 0, len(order))
	for _, id := range order {
		if d, err := c.log.Lookup(ctx, id); err == nil {
			byID[id].Decision = d.Outcome.String()
		} else if !errors.Is(err, txlog.ErrNoDecision) {
			return out, err
		}
		out = append(out, *byID[id])
	}
	return out, errors.Join(errs...)
}

// Resolution is what one look at a shard finished.
type Resolution struct {
	Shard      string      `json:"shard"`
	Committed  []uuid.UUID `json:"committed"`
	RolledBack []uuid.UUID `json:"rolled_back"`
	Young      int         `json:"young"` // too young to touch
	Stuck      []string    `json:"stuck"` // why something could not be finished
	Problem    string      `json:"problem,omitempty"`
}

// Resolve finishes, now, what is in doubt and older than age; with age 0, what is
// undecided is rolled back even if its coordinator is at work.
func (c *Connector) Resolve(ctx context.Context, age time.Duration) ([]Resolution, error) {
	if c.single != nil {
		return nil, ErrSingleShard
	}
	var out []Resolution
	for _, r := range c.resolver.Once(ctx, age) {
		res := Resolution{Shard: r.Shard, Committed: r.Committed, RolledBack: r.RolledBack, Young: r.Young}
		for _, s := range r.Stuck {
			res.Stuck = append(res.Stuck, s.GID+": "+s.Err.Error())
		}
		if r.Err != nil {
			res.Problem = r.Err.Error()
		}
		out = append(out, res)
	}
	return out, nil
}
