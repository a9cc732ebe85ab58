package xadriver

import (
	"slices"

	"github.com/google/uuid"

	"github.com/xapg/xapg/xadriver/internal/branch"
	"github.com/xapg/xapg/xadriver/internal/deadlock"
	"github.com/xapg/xapg/xadriver/internal/shard"
)

// watchDeadlocks begins to look for transactions that wait for each other on different
// shards.
func (c *Connector) watchDeadlocks() {
	if c.cfg.DeadlockTimeout <= 0 || len(c.shards) < 2 {
		return
	}
	names := make([]string, len(c.shards))
	for i, sh := range c.shards {
		names[i] = sh.Name()
	}
	sorted := slices.Sorted(slices.Values(names))
	for _, name := range names {
		c.numbers = append(c.numbers, slices.Index(sorted, name))
	}
	c.deadlocks = deadlock.Start(deadlock.Options{
		Shards: slices.Concat(c.shards, c.own), Asking: c.own, Timeout: c.cfg.DeadlockTimeout,
		Broken: func(circle *deadlock.Circle) {
			verdict := circle.Verdict()
			c.logger.Info("xapg: deadlock over several shards", "victim", circle.Victim.Name, "detail", verdict.Detail)
		},
	})
}

var _ branch.Identity = (*transaction)(nil)

// ID implements branch.Identity.
func (t *transaction) ID() uuid.UUID { return t.id }

// identify gives the transaction its id, if it has none.
func (t *transaction) identify() error {
	if t.id != uuid.Nil {
		return nil
	}
	id, err := t.connector.commits.NewID()
	if err == nil {
		t.id = id
	}
	return err
}

// Key implements branch.Identity.
func (t *transaction) Key(first *shard.Conn) int64 {
	if t.connector.deadlocks == nil || t.identify() != nil {
		return 0
	}
	return int64(deadlock.MakeKey(t.id, t.connector.numbers[first.Shard().Index()], first.PID()))
}
