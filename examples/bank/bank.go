package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/xapg/xapg/xadriver" // registers the driver "xapg"
	"github.com/xapg/xapg/xadriver/xatest"
)

// tables says that both tables are sharded by owner, and so kept together.
var tables = []string{"key.accounts=owner", "key.ledger=owner", "resolve_after=2s", "resolve_every=500ms"}

// schema is the same on every shard. The trigger judges by the rows of its own
// shard, which is enough: all entries of an owner are there.
const schema = `
CREATE TABLE accounts (owner text PRIMARY KEY);
CREATE TABLE ledger (
	owner  text NOT NULL REFERENCES accounts,
	id     uuid NOT NULL,
	amount bigint NOT NULL,
	at     timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (owner, id)
);
CREATE FUNCTION get_balance(who text) RETURNS bigint LANGUAGE sql STABLE AS
	$$ SELECT coalesce(sum(amount), 0)::bigint FROM ledger WHERE owner = who $$;
CREATE FUNCTION reject_overdraft() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM 1 FROM accounts WHERE owner = NEW.owner FOR UPDATE;
	IF get_balance(NEW.owner) + NEW.amount < 0 THEN
		RAISE EXCEPTION 'Rejecting operation; account owner %''s balance would drop below 0', NEW.owner;
	END IF;
	RETURN NEW;
END $$;
CREATE TRIGGER reject_overdraft BEFORE INSERT ON ledger FOR EACH ROW EXECUTE FUNCTION reject_overdraft();`

// bank is the application: all it knows of shards is in its DSN.
type bank struct {
	*sql.DB
	dsn     string
	cluster *xatest.Cluster
	again   atomic.Int64 // transactions that were run again
}

// open opens the bank, with more settings if there are any.
func open(c *xatest.Cluster, log string, settings ...string) (*bank, error) {
	dsn := c.DSN("bank", log, slices.Concat(tables, settings)...)
	db, err := sql.Open("xapg", dsn)
	if err != nil {
		return nil, err
	}
	return &bank{DB: db, dsn: dsn, cluster: c}, nil
}

func (b *bank) createTables(ctx context.Context) error {
	if _, err := b.ExecContext(ctx, schema); err != nil {
		return err
	}
	say("tables, function and trigger made on every shard, in one atomic commit")
	return nil
}

const insertEntry = `INSERT INTO ledger (owner, id, amount) VALUES ($1, gen_random_uuid(), $2)`

// pay moves money: one entry for each of the two, in one transaction. On a machine that
// is so busy that a commit takes as long as resolve_after, it is presumed dead and run
// again: that is how an application should answer such an error, and is counted.
func (b *bank) pay(ctx context.Context, from, to string, amount int64) error {
	for {
		err := pay(ctx, b.DB, from, to, amount)
		var overruled *xadriver.OverruledError
		if !errors.As(err, &overruled) {
			return err
		}
		b.again.Add(1)
	}
}

func pay(ctx context.Context, db *sql.DB, from, to string, amount int64) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, insertEntry, from, -amount); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, insertEntry, to, amount); err != nil {
		return err
	}
	return tx.Commit()
}

// openAccount is the business of one shard, which commits it by itself.
func (b *bank) openAccount(ctx context.Context, owner string, amount int64) error {
	tx, err := b.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, `INSERT INTO accounts (owner) VALUES ($1)`, owner); err != nil {
		return err
	}
	if amount > 0 {
		if _, err := tx.ExecContext(ctx, insertEntry, owner, amount); err != nil {
			return err
		}
	}
	return tx.Commit()
}

func (b *bank) balance(ctx context.Context, owner string) (balance int64, err error) {
	err = b.QueryRowContext(ctx, `SELECT get_balance(owner) FROM accounts WHERE owner = $1`, owner).Scan(&balance)
	return balance, err
}

// expect checks two balances, and that nothing is left prepared.
func (b *bank) expect(ctx context.Context, alice, bob int64) error {
	for owner, want := range map[string]int64{"Alice": alice, "Bob": bob} {
		got, err := b.balance(ctx, owner)
		if err != nil {
			return err
		}
		if got != want {
			return fmt.Errorf("%s has %d, and should have %d", owner, got, want)
		}
	}
	say("Alice has %d, Bob has %d", alice, bob)
	return b.nothingPrepared(ctx)
}

// nothingPrepared asks each server directly.
func (b *bank) nothingPrepared(ctx context.Context) error {
	for _, s := range b.cluster.Shards {
		n, err := count(ctx, s, "SELECT count(*) FROM pg_prepared_xacts")
		if err != nil {
			return err
		}
		if n != 0 {
			return fmt.Errorf("%d transactions are left prepared on %s", n, s.Name())
		}
	}
	say("nothing is prepared on any shard")
	return nil
}

func count(ctx context.Context, s *xatest.Server, query string) (n int64, err error) {
	db, err := sql.Open("pgx", s.DSN())
	if err != nil {
		return 0, err
	}
	defer db.Close()
	err = db.QueryRowContext(ctx, query).Scan(&n)
	return n, err
}

// aliceAndBob is the story: two payments that succeed, and one that must not.
func (b *bank) aliceAndBob(ctx context.Context) error {
	title("Alice has 200 on one shard, Bob has nothing on the other")
	if err := b.openAccount(ctx, "Alice", 200); err != nil {
		return err
	}
	if err := b.openAccount(ctx, "Bob", 0); err != nil {
		return err
	}
	for _, s := range b.cluster.Shards {
		n, err := count(ctx, s, "SELECT count(*) FROM accounts")
		if err != nil {
			return err
		}
		if n != 1 {
			return fmt.Errorf("%s has %d accounts, and should have one", s.Name(), n)
		}
	}
	say("each shard has one of the two accounts")
	for i := 1; i <= 2; i++ {
		if err := b.pay(ctx, "Alice", "Bob", 100); err != nil {
			return err
		}
		say("payment %d of 100 from Alice to Bob: committed on both shards", i)
	}
	err := b.pay(ctx, "Alice", "Bob", 100)
	var pgErr *pgconn.PgError
	if !errors.As(err, &pgErr) || !strings.Contains(pgErr.Message, "account owner Alice's balance would drop below 0") {
		return fmt.Errorf("the third payment should have been rejected by the trigger; it gave: %w", err)
	}
	say("payment 3: PostgreSQL says %q", pgErr.Message)
	say("           and the whole transaction is rolled back")
	return b.expect(ctx, 0, 200)
}
