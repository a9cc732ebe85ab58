package xadriver

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/xapg/xapg/xadriver/internal/cut"
	"github.com/xapg/xapg/xadriver/internal/plan"
)

// unturned says what to do about a turn that the application's role may not take.
func (c *Conn) unturned(err error) error {
	if state(err) == "42501" {
		return fmt.Errorf("shard %s: the application's role may not lock the table by which serializable transactions of several shards take turns: "+
			"let an administrator GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA _xapg to it (the tables are made by \"%s\"): %w", c.connector.home.Name(), cut.Setup, err)
	}
	return err
}

// needsTurn is the error of a serializable transaction that has begun on one shard and
// needs another.
func (c *Conn) needsTurn(shards []int) error {
	t := &c.txn.scope
	c.connector.beginnings.needed(t.key)
	first, other := c.connector.shards[t.shard-1].Name(), ""
	for _, at := range shards {
		if at != t.shard-1 {
			other = c.connector.shards[at].Name()
			break
		}
	}
	return &pgconn.PgError{
		Severity: "ERROR", SeverityUnlocalized: "ERROR", Code: "40001",
		Message: fmt.Sprintf("could not serialize access: the transaction has begun on shard %s alone and needs shard %s as well", first, other),
		Detail:  "Serializable transactions over several shards go by turns, and this one would have had to take its turn before its first statement.",
		Hint:    "Run the transaction again: it will take its turn at once, like all that begin with the same statement.",
		Routine: lateTurn,
	}
}

// lateTurn marks the error of needsTurn, for Retry.
const lateTurn = "xapg_turn"

// turnKey is the key of a context in which a transaction takes its turn at once.
type turnKey struct{}

// again is the context with which a transaction is begun again that failed with err.
func again(ctx context.Context, err error) context.Context {
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) && pgErr.Routine == lateTurn {
		return context.WithValue(ctx, turnKey{}, true)
	}
	return ctx
}

// noTurns is why a serializable transaction cannot use several shards.
func (c *Conn) noTurns() error {
	r := &plan.Refusal{
		Clause: "a serializable transaction over several shards, with consistent_reads=off,", Reason: "each shard would see a state of its own",
		Remedy: "set consistent_reads=snapshot in every program of the cluster, use REPEATABLE READ and lock what must not change (SELECT … FOR UPDATE), or keep the transaction to one shard",
	}
	if c.connector.cfg.ConsistentReads != readsOff {
		r.Clause = "a serializable transaction over several shards of which some are not reached through pgx"
		r.Remedy = "reach all shards through pgx, or keep the transaction to one shard"
	}
	return r
}

// confined is why a transaction cannot use a shard.
func (c *Conn) confined(shards []int) error {
	where := "one shard"
	if at := c.txn.scope.shard; at > 0 {
		where = "shard " + c.connector.shards[at-1].Name()
	}
	return &plan.Refusal{
		Clause: "a statement that needs " + names(c.connector, shards) + " in a transaction that was begun for " + where + " alone",
		Reason: "it sees a snapshot of that shard", Remedy: "begin the transaction without WithShard or WithKey",
	}
}

func names(c *Connector, shards []int) string {
	if len(shards) == 1 {
		return "shard " + c.shards[shards[0]].Name()
	}
	return fmt.Sprintf("%d shards", len(shards))
}
