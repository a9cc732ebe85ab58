package xadriver

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/xapg/xapg/xadriver/internal/branch"
	"github.com/xapg/xapg/xadriver/internal/plan"
	"github.com/xapg/xapg/xadriver/internal/shard"
)

// isolation is an isolation level, as far as it makes a difference here. A stronger
// one is greater.
type isolation uint8

// The levels.
const (
	readCommitted isolation = iota // and READ UNCOMMITTED, which is the same to PostgreSQL
	repeatableRead
	serializable
)

// isolationOf reads a level's name, as PostgreSQL does; false for anything else.
func isolationOf(name string) (isolation, bool) {
	switch strings.ToUpper(name) {
	case "READ UNCOMMITTED", "READ COMMITTED":
		return readCommitted, true
	case "REPEATABLE READ":
		return repeatableRead, true
	case "SERIALIZABLE":
		return serializable, true
	default:
		return readCommitted, false
	}
}

// String is the level's name as in BEGIN ISOLATION LEVEL.
func (l isolation) String() string {
	return [...]string{"READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"}[l]
}

// level is the isolation level of the open transaction or, where there is none, of a
// statement that runs outside of one. No server is asked.
func (c *Conn) level() isolation {
	if c.txn != nil {
		l, _ := isolationOf(c.txn.Options().Isolation)
		return l
	}
	return c.standing()
}

// standing is the level of transactions that do not say theirs: what the session has
// said, or else what the servers give to those who say nothing.
func (c *Conn) standing() isolation {
	if c.session.sticky.Load() {
		if l, ok := saidIn(c.session.settings); ok {
			return l
		}
	}
	return c.connector.defaults.strongest()
}

// saidIn is the level that a session's settings ask for, by their last word on it;
// false where they have none, or ask for the servers' own.
func saidIn(settings []branch.Setting) (isolation, bool) {
	for _, set := range slices.Backward(settings) {
		switch set.Name {
		case "", defaultIsolation: // RESET ALL, or the setting itself
		case characteristics:
			if len(set.Values) == 0 {
				continue // it is about something else than the level
			}
		default:
			continue
		}
		if len(set.Values) == 0 {
			return readCommitted, false
		}
		return isolationOf(set.Values[0])
	}
	return readCommitted, false
}

// The settings by which a session says at what level its transactions run.
const (
	defaultIsolation = "default_transaction_isolation"
	characteristics  = "session characteristics"
)

// settled gives a transaction the level that it has, in words that all of its branches
// hear: servers need not agree in what they give to those who say nothing.
func (c *Conn) settled(o branch.Options) branch.Options {
	if o.Isolation == "" {
		c.connector.freshen()
		if l := c.standing(); l > readCommitted {
			o.Isolation = l.String()
		}
	}
	return o
}

// setTransaction is SET TRANSACTION. Before the first statement it is as if BEGIN had
// said it; afterwards, and within a savepoint, the servers judge.
func (c *Conn) setTransaction(ctx context.Context, sql string, ctl *plan.Control) error {
	t := c.txn
	if t.started() || t.InSavepoint() {
		if ctl.Isolation != "" && !t.started() {
			return c.failed(serverError("25001", "SET TRANSACTION ISOLATION LEVEL must not be called in a subtransaction"))
		}
		return t.Tell(ctx, sql)
	}
	return t.Change(ctx, sql, func(o *branch.Options) {
		if ctl.Isolation != "" {
			o.Isolation, t.scope.said = ctl.Isolation, true
		}
		if ctl.ReadOnly != nil {
			o.ReadOnly, o.ReadWrite = *ctl.ReadOnly, !*ctl.ReadOnly
		}
		if ctl.Deferrable != nil {
			o.Deferrable, o.AtOnce = *ctl.Deferrable, !*ctl.Deferrable
		}
	})
}

// defaults are the levels at which the shards run transactions that do not say theirs,
// by the shard's index: 0 where it is not known, else 1 more than the level.
type defaults struct {
	levels []atomic.Int32
	asked  atomic.Int64 // when all of them were asked again, in nanoseconds since the connector was opened
}

// strongest is the strongest of the levels that are known.
func (d *defaults) strongest() isolation {
	l := isolation(0)
	for i := range d.levels {
		if known := d.levels[i].Load(); known > 0 {
			l = max(l, isolation(known-1))
		}
	}
	return l
}

// learn takes a shard's answer to standingLevel.
func (d *defaults) learn(at int, answer string) {
	l := readCommitted
	for _, name := range strings.Split(answer, ",") {
		if one, ok := isolationOf(name); ok {
			l = max(l, one)
		}
	}
	d.levels[at].Store(int32(l) + 1)
}

// standingLevel asks at what level transactions begin that do not say theirs: in this
// session and, as connections come and go, in one that is opened later. What the
// connection string says holds in all of them.
const standingLevel = `SELECT CASE WHEN s.source IN ('client', 'session') THEN s.setting ELSE concat_ws(',', s.setting, (
  SELECT split_part(c, '=', 2) FROM pg_catalog.pg_db_role_setting r, unnest(r.setconfig) AS c
  WHERE c LIKE 'default\_transaction\_isolation=%' AND r.setrole IN (0, (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = session_user))
    AND r.setdatabase IN (0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()))
  ORDER BY r.setrole <> 0 DESC, r.setdatabase <> 0 DESC LIMIT 1)) END
FROM pg_catalog.pg_settings s WHERE s.name = 'default_transaction_isolation'`

// learnLevel asks a shard for its standing level. One that cannot be asked is asked when
// somebody needs it.
func (c *Connector) learnLevel(ctx context.Context, sh *shard.Shard) error {
	answer, err := ask(ctx, c.own[sh.Index()], standingLevel)
	if err != nil {
		return err
	}
	c.defaults.learn(sh.Index(), answer)
	return nil
}

// freshen asks the shards again for their standing levels, now and then and in the
// background: administrators may change them.
func (c *Connector) freshen() {
	every := c.schema.every
	now, last := int64(time.Since(c.schema.start)), c.defaults.asked.Load()
	if every <= 0 || now-last <= int64(every) || !c.defaults.asked.CompareAndSwap(last, now) {
		return
	}
	c.schema.background(func() {
		ctx, cancel := context.WithTimeout(c.schema.ctx, callTimeout)
		defer cancel()
		_ = branch.Each(c.own, func(sh *shard.Shard) error { return c.learnLevel(ctx, sh) })
	})
}
