package xadriver

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/xapg/xapg/xadriver/internal/failover"
)

// StaleServerError says that a shard's server is not the one that the shard was last
// known to be: an old primary that came back after a standby had taken over. Nothing
// is decided there.
type StaleServerError = failover.StaleError

// OvertakenError says that a transaction was rolled back because a standby of one of
// its shards took over while it committed, and may not have the shard's vote. It can be
// run again.
type OvertakenError = failover.OvertakenError

// Lost is a transaction that is committed, and that a shard has lost: it had voted for
// it, and then a standby took over that did not have the vote. On the other shards it
// is committed, so the data must be repaired by hand; Acknowledge tells that they are.
type Lost struct {
	ID       uuid.UUID `json:"id"`
	Shard    string    `json:"shard"`               // which lost it
	Others   []string  `json:"others"`              // where it is committed, or still to be
	Certain  bool      `json:"certain"`             // false: it cannot be told whether the shard has it
	Vote     string    `json:"vote"`                // where the shard had voted: timeline/position in its write-ahead log
	LeftAt   string    `json:"left_at"`             // where that timeline was left; "" when that is not known
	Timeline uint32    `json:"timeline"`            // of the server that took over
	Decided  time.Time `json:"decided"`             // when the log stored the decision
	Found    time.Time `json:"found"`               // when the loss was noticed
	Acked    time.Time `json:"acked,omitzero"`      // zero while nobody has acknowledged it
	AckedBy  string    `json:"acked_by,omitempty"`  // who
	AckedWhy string    `json:"acked_why,omitempty"` // and what was done
}

// Lost lists what failovers of shards have lost, without what was acknowledged unless
// all is wanted. Shards that cannot be asked are in the error; what the others said is
// returned all the same.
func (c *Connector) Lost(ctx context.Context, all bool) ([]Lost, error) {
	if c.single != nil {
		return nil, ErrSingleShard
	}
	lists := make([][]failover.Loss, len(c.shards))
	errs := make([]error, len(c.shards))
	var wg sync.WaitGroup
	for i, sh := range c.shards {
		wg.Go(func() {
			if lists[i], errs[i] = c.watch.List(ctx, sh.Name(), all); errs[i] != nil {
				errs[i] = fmt.Errorf("shard %s: %w", sh.Name(), errs[i])
			}
		})
	}
	wg.Wait()
	out := []Lost{}
	for _, list := range lists {
		for _, l := range list {
			out = append(out, Lost{
				ID: l.ID, Shard: l.Shard, Others: l.Others, Certain: l.Fate == failover.Lost, Vote: l.Vote, LeftAt: l.LeftAt, Timeline: l.Timeline,
				Decided: l.Decided, Found: l.Found, Acked: l.Acked, AckedBy: l.AckedBy, AckedWhy: l.AckedWhy,
			})
		}
	}
	return out, errors.Join(errs...)
}

// ErrNotLost is the error of Acknowledge for a transaction that no shard is known to
// have lost, or that is acknowledged already.
var ErrNotLost = errors.New("xapg: no shard is known to have lost this transaction, or it is acknowledged already")

// Acknowledge notes that somebody has taken care of a transaction that a shard has
// lost, and how. It is no longer reported, and its record in the log can be finished
// and forgotten. It changes no data.
func (c *Connector) Acknowledge(ctx context.Context, id uuid.UUID, who, why string) error {
	if c.single != nil {
		return ErrSingleShard
	}
	found := false
	var errs []error
	var shards []string
	for _, sh := range c.shards {
		there, err := c.watch.Acknowledge(ctx, sh.Name(), id, who, why)
		if err != nil {
			errs = append(errs, fmt.Errorf("shard %s: %w", sh.Name(), err))
		}
		if found = found || there; there {
			shards = append(shards, sh.Name())
		}
	}
	c.resolver.Settle(id, shards)
	if !found {
		errs = append([]error{ErrNotLost}, errs...)
	}
	return errors.Join(errs...)
}

// lostParts are what shards have lost, but for those that are down.
func (c *Connector) lostParts(ctx context.Context, down map[string]error) map[string]map[uuid.UUID]bool {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	out := make(map[string]map[uuid.UUID]bool)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, sh := range c.shards {
		if down[sh.Name()] != nil {
			continue
		}
		wg.Go(func() {
			list, _ := c.watch.List(ctx, sh.Name(), false) // a shard that does not answer is told of elsewhere
			if len(list) == 0 {
				return
			}
			lost := make(map[uuid.UUID]bool, len(list))
			for _, l := range list {
				lost[l.ID] = true
			}
			mu.Lock()
			defer mu.Unlock()
			out[sh.Name()] = lost
		})
	}
	wg.Wait()
	return out
}
