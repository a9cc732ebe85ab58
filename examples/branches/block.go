package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/xapg/xapg/xadriver"
	"github.com/xapg/xapg/xadriver/xatest"
)

// blocks shows the block of textbook two-phase commit, and the backup that ends it.
func (b *bank) blocks(ctx context.Context, o options) error {
	title("The block: a coordinator dies after all branches have voted, and nobody is there to take over")
	c, err := b.start(ctx, string(xadriver.BeforeDecide))
	if err != nil {
		return err
	}
	txn, book, err := c.stops()
	c.kill()
	if err != nil {
		return err
	}
	say("coordinator, process %d: killed (kill -9) before it decided", c.Process.Pid)
	if err := b.restarted(ctx); err != nil {
		return err
	}
	if err := b.locked(ctx); err != nil {
		return err
	}

	waits, err := b.waiter(ctx)
	if err != nil {
		return err
	}
	defer waits.leave()
	crowd := b.others(ctx, o.clients)
	defer crowd.stop()
	if err := sleep(ctx, o.block); err != nil {
		return err
	}
	// On a slow machine the first of them may take longer than that.
	if err := until(ctx, func() (bool, error) { return crowd.done.Load() > 0, nil }); err != nil {
		_, _, failed := crowd.stop()
		return fmt.Errorf("the others do not go on: %w", errors.Join(err, failed))
	}
	before := crowd.done.Load()
	if err := b.stillWaiting(ctx); err != nil {
		return err
	}
	say("%s later the UPDATE still waits, and so would it tomorrow: a vote is kept for as long as it takes", o.block)
	say("%d transactions of others, on other rows of the same branches, were committed meanwhile", before)

	title("A backup comes up; the coordinator is still down")
	if b.backup, err = b.start(ctx, "backup"); err != nil {
		return err
	}
	begin := time.Now()
	if err := b.nothingLeft(ctx, txn); err != nil {
		return err
	}
	took := time.Since(begin)
	if err := <-waits.done; err != nil {
		return fmt.Errorf("the UPDATE that waited: %w", err)
	}
	say("the locks are gone %.1f s after the start of the backup, and the UPDATE went through after %.1f s of waiting",
		took.Seconds(), time.Since(waits.since).Seconds())
	if err := sleep(ctx, o.block/4); err != nil {
		return err
	}
	after, again, err := crowd.stop()
	if err != nil {
		return fmt.Errorf("a transaction of others was disturbed: %w", err)
	}
	if before == 0 || after <= before {
		return fmt.Errorf("the others did not go on: %d transactions before the backup came, %d at the end", before, after)
	}
	say("the others went on all the time: %d transactions by now, none failed, %d were run again", after, again)
	b.told(book, false) // nobody was told anything; undecided must mean as if it had never been
	if err := b.whoDecided(ctx, txn, "abort"); err != nil {
		return err
	}
	return b.expect(ctx, 0)
}

// restarted shows that a vote outlives its branch.
func (b *bank) restarted(ctx context.Context) error {
	if err := b.cluster.Server(nairobi.shard).Restart(ctx, xatest.Immediate); err != nil {
		return err
	}
	say("%s crashes and comes back", nairobi.shard)
	for _, br := range branches {
		if n, err := b.count(ctx, br, "SELECT count(*) FROM pg_prepared_xacts"); err != nil || n != 1 {
			return errors.Join(err, fmt.Errorf("%s has %d prepared transactions, and should have the one that it voted for", br.shard, n))
		}
	}
	say("each branch still has its vote on disk, and asks for a decision that nobody makes")
	return nil
}

// locked shows that the rows of the payment cannot be changed, but be read, and that
// other rows can be changed.
func (b *bank) locked(ctx context.Context) error {
	for _, e := range payment() {
		err := b.update(ctx, e.branch, e.customer, "200ms")
		var pgErr *pgconn.PgError
		if !errors.As(err, &pgErr) || pgErr.Code != "55P03" {
			return fmt.Errorf("the row of %s at %s should be locked; its UPDATE gave: %w", e.branch.customer, e.shard, err)
		}
		say("%s: UPDATE of %s waits, and gives up after its lock_timeout (%s)", e.shard, e.branch.customer, pgErr.Code)
		if err := b.update(ctx, e.branch, others, "200ms"); err != nil {
			return fmt.Errorf("other rows of %s: %w", e.shard, err)
		}
	}
	say("UPDATE of other customers goes through")
	return b.expect(ctx, 0)
}

// update changes a customer directly on his branch, as any other program may.
func (b *bank) update(ctx context.Context, br branch, customer int, timeout string) error {
	conn, err := pgx.Connect(ctx, b.cluster.Server(br.shard).DSN())
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	return move(ctx, conn, br, customer, timeout)
}

func move(ctx context.Context, conn *pgx.Conn, br branch, customer int, timeout string) error {
	if _, err := conn.Exec(ctx, "SET lock_timeout = '"+timeout+"'"); err != nil {
		return err
	}
	_, err := conn.Exec(ctx, "UPDATE bankcustomer SET Address = 'moved' WHERE City = $1 AND CustomerID = $2", br.city, customer)
	return err
}

type waiter struct {
	conn   *pgx.Conn
	cancel context.CancelFunc
	since  time.Time
	done   chan error
}

// waiter is somebody who has all the time in the world. It returns when he
// waits for the row.
func (b *bank) waiter(ctx context.Context) (*waiter, error) {
	conn, err := pgx.Connect(ctx, b.cluster.Server(kisii.shard).DSN()+"&application_name=waiter")
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	w := &waiter{conn: conn, cancel: cancel, since: time.Now(), done: make(chan error, 1)}
	say("%s: somebody else's UPDATE of %s begins to wait, without a timeout", kisii.shard, kisii.customer)
	go func() {
		w.done <- move(ctx, conn, kisii, first, "0")
		close(w.done)
	}()
	if err := until(ctx, func() (bool, error) {
		if len(w.done) > 0 {
			return false, errors.New("it did not have to: the row is not locked")
		}
		n, err := b.waiting(ctx)
		return n == 1, err
	}); err != nil {
		w.leave()
		return nil, fmt.Errorf("the UPDATE does not wait: %w", err)
	}
	return w, nil
}

// leave gives up waiting, if need be.
func (w *waiter) leave() {
	w.cancel()
	for range w.done {
	}
	_ = w.conn.Close(context.Background())
}

func (b *bank) waiting(ctx context.Context) (int64, error) {
	return b.count(ctx, kisii, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'waiter' AND wait_event_type = 'Lock'")
}

func (b *bank) stillWaiting(ctx context.Context) error {
	n, err := b.waiting(ctx)
	if err == nil && n != 1 {
		err = errors.New("nobody waits for the row: it is not locked")
	}
	return err
}

// nothingLeft waits until a transaction is prepared nowhere any more.
func (b *bank) nothingLeft(ctx context.Context, txn uuid.UUID) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for _, br := range branches {
		for {
			n, err := b.count(ctx, br, "SELECT count(*) FROM pg_prepared_xacts WHERE gid LIKE '%"+txn.String()+"%'")
			if err != nil {
				return err
			}
			if n == 0 {
				break
			}
			if err := sleep(ctx, 20*time.Millisecond); err != nil {
				return fmt.Errorf("%s still has a prepared transaction: %w", br.shard, err)
			}
		}
	}
	return nil
}

// whoDecided prints what the log knows of a transaction.
func (b *bank) whoDecided(ctx context.Context, txn uuid.UUID, decision string) error {
	t, err := b.connector.Transaction(ctx, txn)
	if err != nil {
		return err
	}
	if t.Decision != decision {
		return fmt.Errorf("the decision on %s is %s, and should be %s", txn, t.Decision, decision)
	}
	say("transaction %s", txn)
	say("  begun by   %s, at %s", t.Coordinator, t.Began.Format("15:04:05.000"))
	say("  %-10s by %s, at %s", t.Decision, t.DecidedBy, t.DecidedAt.Local().Format("15:04:05.000"))
	return nil
}

// until asks again and again whether something has come about, for a minute at most.
func until(ctx context.Context, come func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		if is, err := come(); is || err != nil {
			return err
		}
		if err := sleep(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
