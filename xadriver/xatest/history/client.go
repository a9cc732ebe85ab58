package main

import (
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/xapg/xapg/xadriver"
	"github.com/xapg/xapg/xadriver/xatest/history/check"
)

// client runs one transaction after the other.
type client struct {
	*child
	r       *rand.Rand
	session int64
	grown   map[int]int // by place of a list: how many before it have become long, as far as it knows
	then    *work       // what it does next, because of what it has seen
}

const (
	idsPerProcess = 1_000_000 // how many transactions a process can number
	opsPerTxn     = 16        // how many values a transaction can append
	patience      = 8 * time.Second
)

func (c *client) work(ctx context.Context) {
	for ctx.Err() == nil {
		w := c.then
		if c.then = nil; w == nil {
			w = c.draw()
		}
		if c.one(context.WithoutCancel(ctx), w) != nil {
			time.Sleep(time.Duration(1+c.r.IntN(10)) * time.Millisecond)
		}
	}
}

// one runs a transaction, and says what it is and what came of it.
func (c *client) one(ctx context.Context, w *work) error {
	id := int64(c.Inc)*idsPerProcess + c.seq.Add(1)
	e := event{E: saysBegin, ID: id, Session: c.session, Shape: w.shape, Confined: w.shard != "", At: monotonic()}
	for i := range w.ops {
		if w.ops[i].Value != 0 {
			w.ops[i].Value = id*opsPerTxn + int64(i)
			e.Ops = append(e.Ops, w.ops[i].Op)
		}
	}
	c.say(e)
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	told := event{E: saysTold, ID: id}
	var err error
	if w.auto {
		err = c.statement(ctx, w, &told)
	} else {
		err = c.transaction(ctx, w, &told)
	}
	told.At, told.Outcome = monotonic(), outcome(err, w.auto)
	if err != nil {
		told.Err = err.Error()
	}
	c.say(told)
	return err
}

// errChanged is why an application rolls back by itself.
var errChanged = errors.New("the application has changed its mind")

func (c *client) transaction(ctx context.Context, w *work, told *event) error {
	begin := ctx
	if w.shard != "" {
		begin = xadriver.WithShard(ctx, w.shard)
	}
	tx, err := c.db.BeginTx(begin, &sql.TxOptions{Isolation: c.isolation(), ReadOnly: w.readOnly})
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // over already, or nothing to be done
	if err := c.do(ctx, tx, w, told); err != nil {
		return err
	}
	if w.changes {
		return errors.Join(errChanged, tx.Rollback())
	}
	if len(told.Ops) > 0 {
		c.say(event{E: saysSaw, ID: told.ID, Ops: told.Ops})
	}
	return tx.Commit()
}

// statement runs a work of one statement outside of a transaction block.
func (c *client) statement(ctx context.Context, w *work, told *event) error {
	return c.do(ctx, c.db, w, told)
}

// outcome is what an application knows after an answer to Commit, or to a statement
// outside of a block.
func outcome(err error, auto bool) check.Outcome {
	var doubt *xadriver.InDoubtError
	var server *pgconn.PgError
	switch {
	case err == nil:
		return check.Committed
	case errors.As(err, &doubt):
		return check.Maybe
	case auto && (!errors.As(err, &server) || server.Code[:3] == "57P"):
		return check.Maybe // pgx does not say whether the statement was carried out
	default:
		return check.Aborted
	}
}
