package main

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"io"
	"os"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	_ "github.com/xapg/xapg/xadriver" // registers the driver "xapg"
)

// child is one application.
type child struct {
	spec
	voice
	db *sql.DB

	mu   sync.Mutex
	want map[[2]int]chan struct{} // by ring and member, closed when it is to go on
}

// live is what a child does until its standard input ends.
func live(s spec) int {
	c := &child{spec: s, want: make(map[[2]int]chan struct{})}
	db, err := sql.Open("xapg", s.DSN)
	if err != nil {
		return c.fail(err)
	}
	defer db.Close()
	db.SetMaxIdleConns(64)
	c.db = db
	if err := db.Ping(); err != nil {
		return c.fail(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var members sync.WaitGroup
	defer members.Wait()
	defer cancel()
	c.say(event{E: saysHello})
	lines := bufio.NewReaderSize(os.Stdin, 1<<16)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			if err != io.EOF {
				return c.fail(err)
			}
			return 0
		}
		var o order
		if err := json.Unmarshal(line, &o); err != nil {
			return c.fail(err)
		}
		switch o.Do {
		case doTake:
			c.gate(o)
			members.Go(func() { c.member(ctx, o) })
		case doWant:
			close(c.gate(o))
		case doQueue:
			members.Go(func() { c.say(event{E: saysQueued, Tally: c.queue(ctx, o.Queue)}) })
		}
	}
}

func (c *child) fail(err error) int {
	c.say(event{E: saysFailed, Err: err.Error()})
	return 3
}

// gate is what a member waits at between its two statements.
func (c *child) gate(o order) chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := [2]int{o.Ring, o.Member}
	if c.want[key] == nil {
		c.want[key] = make(chan struct{})
	}
	return c.want[key]
}

// member is one transaction of a ring.
func (c *child) member(ctx context.Context, o order) {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(o.Bound))
	defer cancel()
	e := event{E: saysEnded, Ring: o.Ring, Member: o.Member, Began: monotonic()}
	err := c.transact(ctx, o, &e)
	e.Ended = monotonic()
	if err != nil {
		e.Code, e.Err = "error", err.Error()
		var pgErr *pgconn.PgError
		if errors.As(err, &pgErr) {
			e.Code, e.Err, e.Detail = pgErr.Code, pgErr.Message, pgErr.Detail
		}
		if ctx.Err() != nil {
			e.Code = "gave up"
		}
	}
	c.say(e)
	c.mu.Lock()
	delete(c.want, [2]int{o.Ring, o.Member})
	c.mu.Unlock()
}

func (c *child) transact(ctx context.Context, o order, e *event) error {
	gate := c.gate(o)
	e.Stage = doTake
	tx, err := c.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := o.Have.run(ctx, tx); err != nil {
		return err
	}
	e.Had = monotonic()
	c.say(event{E: saysHas, Ring: o.Ring, Member: o.Member, Began: e.Began, Had: e.Had})
	select {
	case <-gate:
	case <-ctx.Done():
		return ctx.Err()
	}
	time.Sleep(time.Duration(o.Delay))
	e.Stage, e.Asked = doWant, monotonic()
	if err := o.Want.run(ctx, tx); err != nil {
		return err
	}
	e.Stage = "commit"
	return tx.Commit()
}

// run runs a statement for its effect.
func (s *statement) run(ctx context.Context, tx *sql.Tx) error {
	args := make([]any, len(s.Args))
	for i, a := range s.Args {
		args[i] = a
	}
	_, err := tx.ExecContext(ctx, s.SQL, args...)
	return err
}
