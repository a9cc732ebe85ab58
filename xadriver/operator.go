package xadriver

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/xapg/xapg/xadriver/internal/resolve"
)

// What operators ask of a cluster: the command xapg is made of these methods.
// With a single shard there is nothing to ask: they return ErrSingleShard.

// ErrSingleShard says that a cluster of one shard needs no decisions and no routes.
var ErrSingleShard = errors.New("xapg: there is a single shard: everything goes to it, and it commits by itself")

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
	return resolutions(c.resolver.Once(ctx, age)), nil
}

// ResolveTxns is Resolve for certain transactions.
func (c *Connector) ResolveTxns(ctx context.Context, age time.Duration, ids ...uuid.UUID) ([]Resolution, error) {
	if c.single != nil {
		return nil, ErrSingleShard
	}
	reports, err := c.resolver.Only(ctx, age, ids)
	return resolutions(reports), err
}

func resolutions(reports []resolve.Report) (out []Resolution) {
	for _, r := range reports {
		res := Resolution{Shard: r.Shard, Committed: r.Committed, RolledBack: r.RolledBack, Young: r.Young}
		for _, s := range r.Stuck {
			res.Stuck = append(res.Stuck, s.GID+": "+s.Err.Error())
		}
		if r.Err != nil {
			res.Problem = r.Err.Error()
		}
		out = append(out, res)
	}
	return out
}

// CheckLog asks the decision log for a sign of life, and whether it still is the
// one that this connector opened.
func (c *Connector) CheckLog(ctx context.Context) error {
	if c.single != nil {
		return ErrSingleShard
	}
	known, err := c.log.HasMark(ctx, c.log.Mark())
	if err == nil && !known {
		err = errors.New("xapg: the decision log does not know this process: it was replaced")
	}
	return err
}
