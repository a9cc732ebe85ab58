package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/xapg/xapg/xadriver"
	"github.com/xapg/xapg/xadriver/xatest"
)

// rules tries the rules of atomic commitment on the servers.
func (b *bank) rules(ctx context.Context, _ options) error {
	title("The rules")
	for _, rule := range []func(context.Context) error{b.oneNo, b.noVote, b.decisionObeyed, b.allDecide, b.nobodyOtherwise} {
		if err := rule(ctx); err != nil {
			return err
		}
	}
	return b.backup.end()
}

// watched opens the bank with a coordinator of its own that is watched.
func (b *bank) watched(onStep func(xadriver.Step), settings ...string) (*sql.DB, error) {
	connector, err := connect(strings.Join(append([]string{b.dsn}, settings...), " "), onStep)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector), nil
}

// oneNo: R1, the coordinator aborts if at least one participant votes to abort.
func (b *bank) oneNo(ctx context.Context) error {
	var votes, decisions atomic.Int32
	db, err := b.watched(func(s xadriver.Step) {
		switch s.Point {
		case xadriver.AfterPrepare:
			votes.Add(1)
		case xadriver.BeforeDecide:
			decisions.Add(1)
		}
	})
	if err != nil {
		return err
	}
	defer db.Close()
	book := uuid.New()
	// Two customers of one name: Nairobi finds that out when it is asked for its vote.
	err = transfer(ctx, db, book, payment(), fmt.Sprintf(
		"UPDATE bankcustomer SET CustomerName = '%s' WHERE City = '%s' AND CustomerID = %d", nairobi.customer, nairobi.city, others))
	b.told(book, false)
	var pgErr *pgconn.PgError
	if !errors.As(err, &pgErr) || pgErr.Code != "23505" {
		return fmt.Errorf("%s should have voted no; the transaction gave: %w", nairobi.shard, err)
	}
	if votes.Load() != int32(len(branches)) || decisions.Load() != 0 {
		return fmt.Errorf("of %d votes one was no, and %d decisions were asked for", votes.Load(), decisions.Load())
	}
	if err := b.expect(ctx, 1); err != nil {
		return err
	}
	holds("R1", "%s voted no (%s), two voted yes: all are rolled back, and nothing was decided", nairobi.shard, pgErr.Code)
	return nil
}

// noVote: R2, it commits only if all vote to commit. And of a returning participant:
// no record of having voted means abort.
func (b *bank) noVote(ctx context.Context) error {
	down := b.cluster.Server(nairobi.shard)
	var stopped atomic.Bool
	db, err := b.watched(func(s xadriver.Step) {
		if s.Point == xadriver.BeforePrepare && s.Shard == nairobi.shard && stopped.CompareAndSwap(false, true) {
			_ = down.Stop(context.WithoutCancel(ctx), xatest.Immediate)
		}
	})
	if err != nil {
		return err
	}
	defer db.Close()
	book := uuid.New()
	err = transfer(ctx, db, book, payment())
	b.told(book, false)
	var doubt *xadriver.InDoubtError
	if err == nil || errors.As(err, &doubt) || !stopped.Load() {
		return fmt.Errorf("%s crashed before it voted; the transaction should be rolled back, and gave: %w", nairobi.shard, err)
	}
	if err := down.Start(ctx); err != nil {
		return err
	}
	n, err := b.count(ctx, nairobi, "SELECT count(*) FROM pg_prepared_xacts")
	if err != nil || n != 0 {
		return errors.Join(err, fmt.Errorf("%s came back with %d votes that it never gave", nairobi.shard, n))
	}
	if err := b.expect(ctx, 1); err != nil {
		return err
	}
	holds("R2", "%s crashed before it voted, two voted yes: all are rolled back", nairobi.shard)
	say("       it returned without a record of having voted: that means abort")
	return nil
}

// decisionObeyed: of a returning participant: a stored decision is obeyed.
func (b *bank) decisionObeyed(ctx context.Context) error {
	down := b.cluster.Server(kisii.shard)
	var stopped atomic.Bool
	var txn uuid.UUID
	db, err := b.watched(func(s xadriver.Step) {
		if s.Point == xadriver.AfterDecide && stopped.CompareAndSwap(false, true) {
			txn = s.Txn
			_ = down.Stop(context.WithoutCancel(ctx), xatest.Immediate)
		}
	}, "finish_wait=500ms") // the application does not wait long for a branch that is down
	if err != nil {
		return err
	}
	defer db.Close()
	book := uuid.New()
	err = transfer(ctx, db, book, payment())
	b.told(book, err == nil)
	if err != nil {
		return fmt.Errorf("the decision to commit was stored; the transaction gave: %w", err)
	}
	if err := down.Start(ctx); err != nil {
		return err
	}
	if err := b.nothingLeft(ctx, txn); err != nil {
		return err
	}
	if err := b.expect(ctx, 2); err != nil {
		return err
	}
	say("       %s crashed after its yes, and missed the decision: it returned, and obeyed it", kisii.shard)
	say("       (a yes without a decision asks: that was %s in the block above, until the backup answered)", nairobi.shard)
	return nil
}

// allDecide: R3, all non-faulty participants, the coordinator included, eventually decide.
func (b *bank) allDecide(ctx context.Context) error {
	for _, br := range branches {
		n, err := b.count(ctx, br, "SELECT count(*) FROM pg_prepared_xacts")
		if err != nil || n != 0 {
			return errors.Join(err, fmt.Errorf("%s still has %d prepared transactions", br.shard, n))
		}
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		left, err := b.connector.InDoubt(ctx)
		if err != nil {
			return err
		}
		if len(left) == 0 {
			break
		}
		if err := sleep(ctx, 50*time.Millisecond); err != nil {
			return fmt.Errorf("%d transactions are still in doubt, such as %s: %w", len(left), left[0].ID, err)
		}
	}
	holds("R3", "nothing is prepared on any branch, nothing is left in the log, and every application has its answer")
	return nil
}

// nobodyOtherwise: R4, if one decides to commit (abort), no other decides otherwise.
// Every transaction wrote one entry per branch that it touched.
func (b *bank) nobodyOtherwise(ctx context.Context) error {
	type page struct{ entries, of, sum int64 }
	book := make(map[uuid.UUID]page)
	for _, br := range branches {
		conn, err := pgx.Connect(ctx, b.cluster.Server(br.shard).DSN())
		if err != nil {
			return err
		}
		defer conn.Close(context.WithoutCancel(ctx))
		rows, err := conn.Query(ctx, "SELECT Txn, Amount, Entries FROM passbook")
		if err != nil {
			return err
		}
		var id [16]byte
		var amount, of int64
		if _, err := pgx.ForEachRow(rows, []any{&id, &amount, &of}, func() error {
			p := book[id]
			book[id] = page{p.entries + 1, of, p.sum + amount}
			return nil
		}); err != nil {
			return err
		}
	}
	for id, p := range book {
		if p.entries != p.of || p.sum != 0 {
			return fmt.Errorf("transaction %s is on %d of %d branches, and its money adds up to %d", id, p.entries, p.of, p.sum)
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for id, committed := range b.committed {
		if _, there := book[id]; there != committed {
			return fmt.Errorf("of transaction %s somebody was told: committed %t; on the branches it is: %t", id, committed, there)
		}
	}
	holds("R4", "%d transactions are on all of their branches, %d on none; it is what their applications were told", len(book), len(b.committed)-len(book))
	return b.addsUp(ctx)
}

// addsUp compares every balance with its passbook.
func (b *bank) addsUp(ctx context.Context) error {
	var total int64
	for _, br := range branches {
		wrong, err := b.count(ctx, br, fmt.Sprintf(`SELECT count(*) FROM bankcustomer c WHERE AccountBalance <> %d + (
			SELECT coalesce(sum(Amount), 0) FROM passbook p WHERE p.City = c.City AND p.CustomerID = c.CustomerID)`, beginning))
		if err != nil || wrong != 0 {
			return errors.Join(err, fmt.Errorf("%d balances of %s are not what their passbooks say", wrong, br.shard))
		}
		sum, err := b.count(ctx, br, "SELECT sum(AccountBalance)::bigint FROM bankcustomer")
		if err != nil {
			return err
		}
		total += sum
	}
	if want := int64(len(branches)) * (crowd + 1) * beginning; total != want {
		return fmt.Errorf("the branches have %d in all, and should have %d", total, want)
	}
	say("       every balance is what its passbook says, and the bank has %d as at the beginning", total)
	return nil
}
