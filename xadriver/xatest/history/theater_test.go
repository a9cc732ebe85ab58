package main

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver"
	"github.com/xapg/xapg/xadriver/xatest/history/check"
)

// theater is a cluster on which the steps of a commit come when they are called for.
type theater struct {
	t *testing.T
	*arena
	cell
	writer, reader *sql.DB // of two processes, as it were

	mu     sync.Mutex
	held   bool          // on the second shard commits are not carried out for now
	met    chan struct{} // closed when a commit has come there
	first  chan struct{} // closed when it is carried out on the first shard
	resume chan struct{} // closed to let it go on
	h      check.History // what is played
	id     int64         // of the last transaction
	scene  int64         // each has lists of its own
}

// playing opens a cluster for one combination.
func playing(t *testing.T, a *arena, c cell) *theater {
	th := &theater{t: t, arena: a, cell: c}
	require.NoError(t, a.sweep(t.Context()))
	open := func(on func(xadriver.Step)) *sql.DB {
		cfg, err := xadriver.ParseDSN(a.dsn(string(c.Setting)))
		require.NoError(t, err)
		cfg.OnStep, cfg.Logger = on, slog.New(slog.DiscardHandler)
		cfg.ResolveEvery, cfg.ResolveAfter = time.Hour, time.Hour // nobody finishes what is held, unless somebody waits for it
		connector, err := xadriver.NewConnector(*cfg)
		require.NoError(t, err)
		db := sql.OpenDB(connector)
		t.Cleanup(func() { assert.NoError(t, db.Close()) })
		return db
	}
	th.writer, th.reader = open(th.step), open(nil)
	for _, db := range []*sql.DB{th.writer, th.reader} { // so that nothing is left to learn on the stage
		for _, table := range []string{"lists", "accounts"} {
			require.NoError(t, db.QueryRowContext(t.Context(), "SELECT count(*) FROM "+table).Scan(new(int)))
		}
	}
	return th
}

// curtain begins a scene.
func (th *theater) curtain(t *testing.T) {
	th.t, th.h = t, check.History{Shard: make(map[int64]int)}
	th.scene++
	th.met, th.first, th.resume = make(chan struct{}), make(chan struct{}), make(chan struct{})
	t.Cleanup(func() {
		th.mu.Lock()
		defer th.mu.Unlock()
		if th.held {
			th.held = false
			close(th.resume)
		}
	})
}

// step holds a commit on the second shard.
func (th *theater) step(s xadriver.Step) {
	th.mu.Lock()
	held := th.held
	th.mu.Unlock()
	switch {
	case !held:
	case s.Point == xadriver.AfterFinish && s.Shard == th.names[0]:
		close(th.first)
	case s.Point == xadriver.BeforeFinish && s.Shard == th.names[1]:
		close(th.met)
		<-th.resume
	}
}

// halfway commits a transaction on the first shard, and leaves it decided on the second.
func (th *theater) halfway(a *actor) (end func()) {
	th.mu.Lock()
	th.held = true
	th.mu.Unlock()
	done := make(chan error, 1)
	go func() { done <- a.tx.Commit() }()
	for _, c := range []chan struct{}{th.met, th.first} {
		select {
		case <-c:
		case err := <-done:
			require.Fail(th.t, "it is not committed in two phases", "%v", err)
		}
	}
	return func() {
		th.mu.Lock()
		th.held = false
		th.mu.Unlock()
		close(th.resume)
		require.NoError(th.t, <-done)
		a.over(check.Committed)
	}
}

// actor is a transaction on the stage.
type actor struct {
	*theater
	tx  *sql.Tx
	txn check.Txn
	c   *client
}

// begin begins a transaction of a session of its own.
func (th *theater) begin(db *sql.DB) *actor {
	th.id++
	a := &actor{theater: th, txn: check.Txn{ID: th.id, Session: th.id, Begin: monotonic()}}
	a.c = &client{child: &child{spec: spec{cell: th.cell, Shards: th.names, Anchors: th.anchors}}, grown: make(map[int]int)}
	tx, err := db.BeginTx(th.t.Context(), &sql.TxOptions{Isolation: th.isolation()})
	require.NoError(th.t, err)
	a.tx = tx
	return a
}

// over writes the transaction into the history.
func (a *actor) over(o check.Outcome) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.txn.Outcome, a.txn.End = o, monotonic()
	for _, op := range a.txn.Ops {
		a.h.Shard[op.Key] = int(op.Key / listsOf)
	}
	a.h.Txns = append(a.h.Txns, a.txn)
}

// try does something by one statement.
func (a *actor) try(ops ...op) error {
	w, e := &work{shape: strings.ReplaceAll(a.t.Name(), "/", " "), ops: ops}, event{}
	statement := len(a.txn.Ops) + 1
	for i := range w.ops {
		w.ops[i].Statement = statement
		if w.ops[i].Value != 0 {
			w.ops[i].Value = a.txn.ID*opsPerTxn + int64(statement+i)
		}
	}
	err := a.c.do(context.Background(), a.tx, w, &e)
	a.txn.Ops = append(a.txn.Ops, e.Ops...)
	return err
}

// plays begins a transaction and does one statement after the other. One that is to take
// its turn, and did not know it, begins again.
func (th *theater) plays(db *sql.DB, statements ...[]op) *actor {
	for {
		a := th.begin(db)
		var err error
		for _, ops := range statements {
			if err = a.try(ops...); err != nil {
				break
			}
		}
		var server *pgconn.PgError
		if err == nil || th.Level != check.Serializable || !errors.As(err, &server) || server.Code != "40001" {
			require.NoError(th.t, err)
			return a
		}
		a.rolls()
	}
}

func (a *actor) commits() {
	require.NoError(a.t, a.tx.Commit())
	a.over(check.Committed)
}

// rolls back, because of an error.
func (a *actor) rolls() {
	_ = a.tx.Rollback()
	a.over(check.Aborted)
}

func one(ops ...op) []op { return ops }

func (th *theater) reads(shard int) op {
	p := place{shard, th.scene}
	return op{check.Op{Key: p.key()}, p}
}

// both are the first two shards' lists, by their names.
func (th *theater) both() []op { return one(th.reads(0), th.reads(1)) }

// finds looks for the scene's lists, of all shards.
func (th *theater) finds() (ops []op) {
	for shard := range th.names {
		o := th.reads(shard)
		o.Predicate = true
		ops = append(ops, o)
	}
	return ops
}

func (th *theater) appends(shard int) op {
	o := th.reads(shard)
	o.Value = 1
	return o
}

// seen is what the checker finds in what was played, and that no more than allowed.
func (th *theater) seen() (kinds []check.Kind) {
	slices.SortFunc(th.h.Txns, func(a, b check.Txn) int { return int(a.Begin - b.Begin) })
	th.h.Final = make(map[int64][]int64)
	require.NoError(th.t, th.each(th.t.Context(), func(i int, conn *pgx.Conn) error {
		var v []int64
		at := place{i, th.scene}
		err := conn.QueryRow(th.t.Context(), "SELECT v FROM lists WHERE slot = $1", at.slot).Scan(&v)
		th.h.Final[at.key()] = v
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		return err
	}))
	found := check.Check(&th.h)
	require.Empty(th.t, check.For(th.Level, th.Setting).Broken(found))
	for _, a := range found {
		th.t.Log(a)
		if th.Level == check.RepeatableRead && a.Kind != check.G2Item && a.Kind != check.G2 {
			require.NotEmpty(th.t, check.For(th.Level, check.Snapshot).Broken(found), "that is what the setting is there for")
		}
		if !slices.Contains(kinds, a.Kind) {
			kinds = append(kinds, a.Kind)
		}
	}
	return kinds
}
