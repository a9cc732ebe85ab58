package xamysql_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver"
	"github.com/xapg/xapg/xadriver/clients/cluster"
	"github.com/xapg/xapg/xadriver/xamysql"
)

// shop is a cluster of PostgreSQL shards with a MySQL besides. Money moves from the
// accounts on the shards to those in MySQL, and each transfer leaves a row on both
// sides.
type shop struct {
	*cluster.Cluster
	*sql.DB
	mysql *sql.DB
	stock *xamysql.Resource
	dsn   string // of MySQL
}

// often lets what is decided be finished soon. Whom to take for dead is another matter:
// on a busy machine a live transaction may be undecided for long. See heal.
const often = " resolve_every=200ms"

const (
	settleWait = 30 * time.Second
	tick       = 20 * time.Millisecond
)

const (
	accounts   = 12
	perAccount = 1000
)

// newShop makes databases and tables, with the same money in each account.
func newShop(t testing.TB, shards int, settings ...setting) *shop {
	t.Helper()
	s := &shop{Cluster: cluster.New(t, shards, "key.accounts=id", "key.sent=id")}
	if shards == 1 { // with a resource, one shard needs a log too
		s.DSN = "cluster=clients log='sqlite:" + t.TempDir() + "/xapg.db' shard.s1='" + s.URLs[0] + "' key.accounts=id key.sent=id"
	}
	s.DSN += often
	var name string
	s.mysql, name = mysqlDB(t, "")
	s.dsn = shared.dsn(name, "")
	s.DB, s.stock = s.open(t, settings...)
	for _, sql := range []string{
		"CREATE TABLE accounts (id int PRIMARY KEY, balance int NOT NULL)",
		"CREATE TABLE sent (id text PRIMARY KEY)",
		fmt.Sprintf("INSERT INTO accounts SELECT i, %d FROM generate_series(1, %d) i", perAccount, accounts),
	} {
		_, err := s.ExecContext(t.Context(), sql)
		require.NoError(t, err)
	}
	for _, sql := range []string{
		"CREATE TABLE accounts (id int PRIMARY KEY, balance int NOT NULL) ENGINE=InnoDB",
		"CREATE TABLE received (id varchar(80) PRIMARY KEY) ENGINE=InnoDB",
	} {
		_, err := s.mysql.ExecContext(t.Context(), sql)
		require.NoError(t, err)
	}
	for i := range accounts {
		_, err := s.mysql.ExecContext(t.Context(), "INSERT INTO accounts VALUES (?, ?)", 1+i, perAccount)
		require.NoError(t, err)
	}
	return s
}

type setting func(*xadriver.Config)

// leaves lets a process leave to others what is in doubt.
func leaves(cfg *xadriver.Config) { cfg.NoResolver = true }

// open opens the cluster, with MySQL as its resource, in one more process so to say.
func (s *shop) open(t testing.TB, settings ...setting) (*sql.DB, *xamysql.Resource) {
	t.Helper()
	pool, err := sql.Open("mysql", s.dsn)
	require.NoError(t, err)
	db, stock, err := openShop(s.DSN, pool, xamysql.Options{}, settings...)
	require.NoError(t, err)
	t.Cleanup(func() {
		assert.NoError(t, db.Close())
		assert.NoError(t, pool.Close())
	})
	return db, stock
}

func openShop(dsn string, pool *sql.DB, o xamysql.Options, settings ...setting) (*sql.DB, *xamysql.Resource, error) {
	cfg, err := xadriver.ParseDSN(dsn)
	if err != nil {
		return nil, nil, err
	}
	stock, err := xamysql.New("stock", pool, o)
	if err != nil {
		return nil, nil, err
	}
	cfg.Resources = []xadriver.Resource{stock}
	for _, set := range settings {
		set(cfg)
	}
	connector, err := xadriver.NewConnector(*cfg)
	if err != nil {
		return nil, nil, err
	}
	return sql.OpenDB(connector), stock, nil
}

// send moves one unit from an account on the shards to one in MySQL.
func send(ctx context.Context, db *sql.DB, stock *xamysql.Resource, id string, account int) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // nothing is left to roll back after Commit
	for _, do := range []struct {
		sql string
		arg any
	}{{"UPDATE accounts SET balance = balance - 1 WHERE id = $1", account}, {"INSERT INTO sent VALUES ($1)", id}} {
		if _, err := tx.ExecContext(ctx, do.sql, do.arg); err != nil {
			return err
		}
	}
	my, err := xadriver.Enlist(ctx, tx, stock)
	if err != nil {
		return err
	}
	if _, err := my.ExecContext(ctx, "UPDATE accounts SET balance = balance + 1 WHERE id = ?", account); err != nil {
		return err
	}
	if _, err := my.ExecContext(ctx, "INSERT INTO received VALUES (?)", id); err != nil {
		return err
	}
	return tx.Commit()
}

// violations lists where the two sides differ from each other, and from what callers
// were told.
func (s *shop) violations(t *testing.T, history map[string]error) (bad []string) {
	t.Helper()
	sent, received := ids(t, s.DB, "sent"), ids(t, s.mysql, "received")
	for id, told := range history {
		var doubt *xadriver.InDoubtError
		switch {
		case sent[id] != received[id]:
			bad = append(bad, fmt.Sprintf("%s: sent %t, received %t", id, sent[id], received[id]))
		case told == nil && !sent[id]:
			bad = append(bad, id+" was acknowledged and is not there")
		case told != nil && sent[id] && !errors.As(told, &doubt) && !errors.Is(told, errDied):
			bad = append(bad, fmt.Sprintf("%s was rejected (%v) and is there", id, told))
		}
	}
	var left, right int
	require.NoError(t, s.QueryRow("SELECT sum(balance) FROM accounts").Scan(&left))
	require.NoError(t, s.mysql.QueryRow("SELECT sum(balance) FROM accounts").Scan(&right))
	if left+right != 2*accounts*perAccount {
		bad = append(bad, fmt.Sprintf("the money is %d and %d", left, right))
	}
	if right-accounts*perAccount != len(received) {
		bad = append(bad, fmt.Sprintf("%d transfers, %d received", right-accounts*perAccount, len(received)))
	}
	return bad
}

func ids(t *testing.T, db *sql.DB, table string) map[string]bool {
	t.Helper()
	rows, err := db.QueryContext(context.Background(), "SELECT id FROM "+table)
	require.NoError(t, err)
	defer rows.Close()
	out := make(map[string]bool)
	for rows.Next() {
		var id string
		require.NoError(t, rows.Scan(&id))
		out[id] = true
	}
	require.NoError(t, rows.Err())
	return out
}

// heal lets a process that has never heard of the transactions end what others have left
// undecided, when nobody is at work: it soon takes anybody for dead.
func (s *shop) heal(t *testing.T, keep ...string) {
	t.Helper()
	s.open(t, func(cfg *xadriver.Config) { cfg.ResolveAfter = 400 * time.Millisecond })
	s.settle(t, keep...)
}

// settle waits until nothing is prepared any more, anywhere, but for what MySQL is to keep.
func (s *shop) settle(t *testing.T, keep ...string) {
	t.Helper()
	require.Eventually(t, func() bool {
		for i := range s.URLs {
			if s.On(t, i, "SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database()") != "0" {
				return false
			}
		}
		return len(prepared(t, s.mysql)) == len(keep)
	}, settleWait, tick, "something stays prepared")
}

func TestATransferIsOnBothSidesOrOnNone(t *testing.T) {
	for _, shards := range []int{1, 3} {
		t.Run(fmt.Sprintf("shards=%d", shards), func(t *testing.T) {
			s := newShop(t, shards)
			history := make(map[string]error)
			for i := range 8 {
				id := fmt.Sprintf("t%d", i)
				history[id] = send(t.Context(), s.DB, s.stock, id, 1+i%accounts)
				require.NoError(t, history[id])
			}
			// What one side refuses, the other does not do.
			history["no such account"] = s.fail(t, func(my *xamysql.Tx) error {
				_, err := my.ExecContext(t.Context(), "INSERT INTO received VALUES ('t1')") // is there
				return err
			})
			assert.ErrorContains(t, history["no such account"], "1062")
			assert.Empty(t, s.violations(t, history))
			assert.Empty(t, prepared(t, s.mysql))
		})
	}
}

// fail runs a transaction that writes on a shard and then fails in MySQL.
func (s *shop) fail(t *testing.T, do func(*xamysql.Tx) error) error {
	t.Helper()
	tx, err := s.Begin()
	require.NoError(t, err)
	defer tx.Rollback() //nolint:errcheck // that is what it is for
	_, err = tx.Exec("INSERT INTO sent VALUES ('no such account')")
	require.NoError(t, err)
	my, err := xadriver.Enlist(t.Context(), tx, s.stock)
	require.NoError(t, err)
	return do(my)
}
