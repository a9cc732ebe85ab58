package main

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/xapg/xapg/xadriver"
	"github.com/xapg/xapg/xadriver/xatest"
)

// branch is one of the bank's databases, and its city the key of its customers.
type branch struct{ shard, city, customer string }

var (
	kisii    = branch{"KisiiBranch", "Kisii", "Nyaboke"}
	nairobi  = branch{"NairobiBranch", "Nairobi", "Kamau"}
	office   = branch{"HeadOffice", "Nairobi HQ", "Fees"}
	branches = []branch{kisii, nairobi, office}
)

// settings place each city's customers on the branch that is theirs. A coordinator is
// soon presumed dead, so that nobody has to wait long for the end of the story.
var settings = []string{
	"key.bankcustomer=city", "list.bankcustomer='" + cities + "'", "key.passbook=city", "list.passbook='" + cities + "'",
	"resolve_after=2s", "resolve_every=200ms",
}

var cities = fmt.Sprintf("%s:%s;%s:%s;%s:%s", kisii.shard, kisii.city, nairobi.shard, nairobi.city, office.shard, office.city)

// schema is the same everywhere. Names are compared when a transaction votes, which
// is how a branch can vote "no". The passbook says of each transaction how many
// entries it has in all.
const schema = `
CREATE TABLE bankcustomer (
	CustomerID     int  NOT NULL,
	CustomerName   text NOT NULL,
	Address        text NOT NULL DEFAULT '',
	City           text NOT NULL,
	AccountBalance bigint NOT NULL CHECK (AccountBalance >= 0),
	PRIMARY KEY (City, CustomerID),
	UNIQUE (City, CustomerName) DEFERRABLE INITIALLY DEFERRED
);
CREATE TABLE passbook (
	City       text NOT NULL,
	Txn        uuid NOT NULL,
	CustomerID int  NOT NULL,
	Amount     bigint NOT NULL,
	Entries    int  NOT NULL,
	PRIMARY KEY (City, Txn, CustomerID)
);`

const (
	first     = 1   // the customer at each branch whom the story is about
	others    = 100 // the first of those whom it is not about
	crowd     = 20  // of them at each branch
	beginning = 10_000
)

// bank is the application. Nothing of it resolves what others have left in doubt:
// that is what the backup is for.
type bank struct {
	*sql.DB
	connector *xadriver.Connector
	cluster   *xatest.Cluster
	dsn       string
	backup    *process

	mu        sync.Mutex
	committed map[uuid.UUID]bool // what applications were told: committed, or rolled back
}

func open(ctx context.Context, cluster *xatest.Cluster, dsn string) (*bank, error) {
	connector, err := connect(dsn, nil)
	if err != nil {
		return nil, err
	}
	b := &bank{DB: sql.OpenDB(connector), connector: connector, cluster: cluster, dsn: dsn, committed: make(map[uuid.UUID]bool)}
	if err := b.fill(ctx); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

// connect opens the cluster without anything that resolves in the background.
func connect(dsn string, onStep func(xadriver.Step)) (*xadriver.Connector, error) {
	cfg, err := xadriver.ParseDSN(dsn)
	if err != nil {
		return nil, err
	}
	cfg.NoResolver, cfg.OnStep, cfg.Logger = true, onStep, slog.New(slog.DiscardHandler)
	return xadriver.NewConnector(*cfg)
}

// Close ends the backup, too.
func (b *bank) Close() error {
	if b.backup != nil {
		b.backup.kill()
	}
	return b.DB.Close()
}

func (b *bank) fill(ctx context.Context) error {
	if _, err := b.ExecContext(ctx, schema); err != nil {
		return err
	}
	say("tables bankcustomer and passbook made on all of them, in one atomic commit")
	insert := `INSERT INTO bankcustomer (CustomerID, CustomerName, City, AccountBalance) VALUES ($1, $2, $3, $4)`
	for _, br := range branches {
		if _, err := b.ExecContext(ctx, insert, first, br.customer, br.city, beginning); err != nil {
			return err
		}
		for i := range crowd {
			if _, err := b.ExecContext(ctx, insert, others+i, fmt.Sprintf("customer %d", others+i), br.city, beginning); err != nil {
				return err
			}
		}
	}
	for _, br := range branches {
		if n, err := b.count(ctx, br, "SELECT count(*) FROM bankcustomer WHERE City = '"+br.city+"'"); err != nil || n != crowd+1 {
			return errors.Join(err, fmt.Errorf("%s has %d customers of %s, and should have %d", br.shard, n, br.city, crowd+1))
		}
	}
	say("each branch has the %d customers of its own city", crowd+1)
	return nil
}

// entry is one customer's share in a transaction.
type entry struct {
	branch
	customer int
	amount   int64
}

// payment is the transaction that the story is about: Nyaboke in Kisii pays Kamau in
// Nairobi, and the head office has its fee. It is the business of all three branches.
func payment() []entry {
	const sum, fee = 300, 10
	return []entry{{kisii, first, -sum - fee}, {nairobi, first, sum}, {office, first, fee}}
}

// transfer moves money between branches, in one transaction.
func transfer(ctx context.Context, db *sql.DB, id uuid.UUID, entries []entry, more ...string) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	// In the same order everywhere, so that no two wait for each other in a circle.
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Compare(a.city, b.city) })
	for _, e := range entries {
		if _, err := tx.ExecContext(ctx, `UPDATE bankcustomer SET AccountBalance = AccountBalance + $1 WHERE City = $2 AND CustomerID = $3`,
			e.amount, e.city, e.customer); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO passbook (City, Txn, CustomerID, Amount, Entries) VALUES ($1, $2, $3, $4, $5)`,
			e.city, id, e.customer, e.amount, len(entries)); err != nil {
			return err
		}
	}
	for _, statement := range more {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// told keeps what an application was told of its transaction.
func (b *bank) told(id uuid.UUID, committed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.committed[id] = committed
}

// count asks one server directly, past xapg.
func (b *bank) count(ctx context.Context, br branch, query string) (n int64, err error) {
	conn, err := pgx.Connect(ctx, b.cluster.Server(br.shard).DSN())
	if err != nil {
		return 0, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	err = conn.QueryRow(ctx, query).Scan(&n)
	return n, err
}

// expect checks what the three customers of the story have after some payments.
func (b *bank) expect(ctx context.Context, payments int64) error {
	for _, e := range payment() {
		got, err := b.count(ctx, e.branch, fmt.Sprintf("SELECT AccountBalance FROM bankcustomer WHERE CustomerID = %d AND City = '%s'", e.customer, e.city))
		if want := beginning + payments*e.amount; err != nil || got != want {
			return errors.Join(err, fmt.Errorf("%s at %s has %d, and should have %d", e.branch.customer, e.shard, got, want))
		}
	}
	say("%s, %s and %s have what they should have after %d payments", kisii.customer, nairobi.customer, office.customer, payments)
	return nil
}
