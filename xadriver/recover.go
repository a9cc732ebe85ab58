package xadriver

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/xapg/xapg/txlog"
	"github.com/xapg/xapg/xadriver/internal/commit"
	"github.com/xapg/xapg/xadriver/internal/resolve"
)

// Recovery treats a resource as a shard. What it cannot do there is to leave the
// mark by which a copied log is known, so home stands for all resources: it is
// marked before any of them prepares, and asked before anything is finished there.

// ready lets a two-phase commit begin.
func (c *Connector) ready(ctx context.Context, participants []string) error {
	var shards []string
	for _, name := range participants {
		if _, ok := c.layout.Index(name); !ok {
			name = c.home.Name()
		}
		if !slices.Contains(shards, name) {
			shards = append(shards, name)
		}
	}
	if err := c.guard.Ready(ctx, shards); err != nil {
		return err
	}
	return c.watch.Ready(ctx, shards)
}

// verify says whether this log may resolve on a shard or a resource.
func (c *Connector) verify(ctx context.Context, name string) error {
	if _, ok := c.layout.Index(name); !ok {
		name = c.home.Name()
	}
	if err := c.guard.Verify(ctx, name); err != nil {
		return err
	}
	return c.watch.Verify(ctx, name)
}

// withResources are the shards and the resources, as the resolver sees them.
func (c *Connector) withResources(shards []resolve.Shard) []resolve.Shard {
	for _, r := range c.cfg.Resources {
		shards = append(shards, &recovered{Resource: r})
	}
	c.recoverable = shards
	return shards
}

// recovered is a resource as the resolver sees it.
type recovered struct {
	Resource

	mu   sync.Mutex
	seen map[string]time.Time // branches whose age the resource does not tell, since when
}

var (
	_ resolve.Shard = (*recovered)(nil)
	_ resolve.Paced = (*recovered)(nil)
)

// Prepared implements resolve.Shard. Where the resource does not tell how old its
// branches are, they are as old as this process has known them: younger than they
// are, so that nobody is taken for dead too soon.
func (r *recovered) Prepared(ctx context.Context, prefix string) ([]resolve.Prepared, error) {
	branches, err := r.InDoubt(ctx, prefix)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	known := r.seen
	r.seen = make(map[string]time.Time, len(branches))
	list := make([]resolve.Prepared, 0, len(branches))
	for _, b := range branches {
		if !strings.HasPrefix(b.GID, prefix) {
			continue // not ours, whatever the resource thinks
		}
		p := resolve.Prepared{GID: b.GID, Age: b.Age}
		if p.Age <= 0 {
			since, ok := known[b.GID]
			if !ok {
				since = now
			}
			r.seen[b.GID], p.Age = since, now.Sub(since)
		}
		list = append(list, p)
	}
	return list, nil
}

// Finish implements resolve.Shard.
func (r *recovered) Finish(ctx context.Context, gid string, outcome txlog.Outcome) error {
	act := r.Rollback
	if outcome == txlog.Commit {
		act = r.Commit
	}
	err := act(ctx, gid)
	switch {
	case errors.Is(err, ErrNoSuchBranch):
		return &marked{err, commit.ErrGone}
	case errors.Is(err, ErrBranchBusy):
		return &marked{err, resolve.ErrBusy}
	default:
		return err
	}
}

// Pace implements resolve.Paced: what tells no age is looked at often, so that the
// age that it is given is not far from the truth.
func (r *recovered) Pace() time.Duration { return time.Second }
