package xadriver

import (
	"cmp"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/xapg/xapg/xadriver/internal/origin"

	"github.com/xapg/xapg/xadriver/internal/mark"
	"github.com/xapg/xapg/xadriver/internal/shard"
)

// checkWait bounds how long opening waits for a shard that does not answer.
const checkWait = 5 * time.Second

// check looks once, at opening, whether the shards that answer allow prepared
// transactions. A shard that is down keeps nobody from opening: what does not
// need it works.
func (c *Connector) check(ctx context.Context) error {
	if c.isClosed() {
		return ErrClosed
	}
	if c.checked.Load() {
		return nil
	}
	select {
	case c.checking <- struct{}{}:
		defer func() { <-c.checking }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if c.checked.Load() {
		return nil
	}
	caller := ctx
	ctx, cancel := context.WithTimeout(ctx, checkWait)
	defer cancel()
	errs := make([]error, len(c.shards))
	var wg sync.WaitGroup
	for i, sh := range c.own {
		wg.Go(func() { errs[i] = c.canPrepare(ctx, sh) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	if err := caller.Err(); err != nil {
		return err
	}
	c.checked.Store(true)
	return nil
}

func (c *Connector) isClosed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}

// canPrepare asks a shard whether it can take part in atomic commits, and at what level
// it runs transactions that do not say theirs. Only its own "no" is an error.
func (c *Connector) canPrepare(ctx context.Context, sh *shard.Shard) error {
	answer, err := ask(ctx, sh, "SELECT pg_catalog.current_setting('max_prepared_transactions') || ' ' || ("+standingLevel+")")
	if err != nil {
		c.logger.Warn("xapg: a shard cannot be reached; statements that need it will fail until it can", "shard", sh.Name(), "err", err)
		return nil
	}
	value, level, _ := strings.Cut(answer, " ")
	c.defaults.learn(sh.Index(), level)
	if value == "0" {
		return &mark.DisabledError{Shard: sh.Name()}
	}
	if c.cfg.ConsistentReads == readsOff && sh.Index() == c.home.Index() {
		if gate, err := ask(ctx, sh, "SELECT coalesce(to_regclass('_xapg.gate')::text, '')"); err == nil && gate != "" {
			c.logger.Warn("xapg: programs of this cluster read, or have read, one state of all shards; with consistent_reads=off this program's transactions may be seen in halves by them")
		}
	}
	// Who only reads one shard at a time may not need a gate; who does is told.
	if err := c.gateOf(ctx, sh); err != nil {
		c.logger.Debug("xapg: a shard has no gate yet", "shard", sh.Name(), "err", err)
	}
	return nil
}

// ask runs a query of one value. It changes nothing, so it is run again where an idle
// connection proves to be dead.
func ask(ctx context.Context, sh *shard.Shard, sql string) (value string, err error) {
	for range 3 {
		var alive bool
		if value, alive, err = askOnce(ctx, sh, sql); alive || ctx.Err() != nil {
			break
		}
		sh.Reset()
	}
	return value, err
}

func askOnce(ctx context.Context, sh *shard.Shard, sql string) (value string, alive bool, err error) {
	conn, err := sh.Acquire(ctx)
	if err != nil {
		return "", true, err // there is none, which asking again does not mend
	}
	defer conn.Release()
	rows, err := conn.Query(ctx, sql, nil)
	if err != nil {
		return "", conn.Alive(), err
	}
	row := make([]driver.Value, 1)
	err = rows.Next(row)
	err = errors.Join(err, rows.Close())
	return fmt.Sprint(row[0]), conn.Alive(), err
}

// ping asks shards for a sign of life, in parallel.
func (c *Connector) ping(ctx context.Context) error {
	asked := c.own
	switch c.cfg.Ping {
	case pingNone:
		return nil
	case pingHome:
		asked = asked[c.home.Index():][:1]
	}
	errs := make([]error, len(asked))
	var wg sync.WaitGroup
	for i, sh := range asked {
		wg.Go(func() {
			if _, err := ask(ctx, sh, "SELECT 1"); err != nil {
				if errors.Is(err, driver.ErrBadConn) { // for database/sql that is the end of a connection which has nothing to do with this
					err = cmp.Or(ctx.Err(), errors.New("no connection could be had"))
				}
				errs[i] = origin.Errorf(sh.Name(), origin.Lost, "%w", err)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}
