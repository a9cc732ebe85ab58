package xadriver_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log"

	"github.com/jackc/pgx/v5"

	"github.com/xapg/xapg/xadriver"
)

// A payment between accounts on different shards.
func Example() {
	db, err := sql.Open("xapg", "cluster=bank log=sqlite:bank.db "+
		"shard.athos='host=db1 dbname=bank' shard.porthos='host=db2 dbname=bank' key.accounts=owner")
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	tx, err := db.Begin()
	if err != nil {
		log.Fatal(err)
	}
	defer tx.Rollback() //nolint:errcheck // nothing is left to roll back after Commit
	for owner, amount := range map[string]int{"Alice": -100, "Bob": 100} {
		if _, err := tx.Exec("UPDATE accounts SET balance = balance + $2 WHERE owner = $1", owner, amount); err != nil {
			log.Fatal(err)
		}
	}
	err = tx.Commit()
	var doubt *xadriver.InDoubtError
	switch {
	case err == nil: // committed on both shards
	case errors.As(err, &doubt): // not known: look before paying again
		log.Print("ask later about transaction ", doubt.ID)
	default: // rolled back on both
		log.Print(err)
	}
}

func ExampleParseDSN() {
	cfg, err := xadriver.ParseDSN("cluster=bank log=sqlite:bank.db shard.athos='host=db1' shard.porthos='host=db2' key.accounts=owner")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(cfg.Cluster, cfg.Shards[0].Name, cfg.Tables["accounts"].Key, cfg.ResolveAfter)
	_, err = xadriver.ParseDSN("cluster=bank log=sqlite:bank.db shard.athos='host=db1' shard.porthos='host=db2' home=aramis")
	fmt.Println(err)
	// Output:
	// bank athos owner 10s
	// xapg: home: no shard is named "aramis"; valid: athos, porthos
}

func ExampleNewConnector() {
	connector, err := xadriver.NewConnector(xadriver.Config{
		Cluster: "bank", Log: "sqlite:bank.db",
		Shards: []xadriver.Shard{{Name: "athos", DSN: "host=db1"}, {Name: "porthos", DSN: "host=db2"}},
		Tables: map[string]xadriver.Table{"accounts": {Key: "owner"}, "currencies": {Reference: true}},
	})
	if err != nil {
		log.Fatal(err)
	}
	db := sql.OpenDB(connector)
	defer db.Close()
}

func ExampleWithKey() {
	var db *sql.DB // opened with "xapg"
	ctx := xadriver.WithKey(context.Background(), "Alice")
	var balance int64
	_ = db.QueryRowContext(ctx, "SELECT get_balance($1)", "Alice").Scan(&balance)
}

func ExampleWithShard() {
	var db *sql.DB // opened with "xapg"
	_, _ = db.ExecContext(xadriver.WithShard(context.Background(), "athos"), "VACUUM accounts")
}

func ExampleConnector_Route() {
	var connector *xadriver.Connector // made by NewConnector
	routes, err := connector.Route(context.Background(), "SELECT * FROM accounts WHERE owner = $1", "Alice")
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range routes {
		fmt.Println(r.Strategy, r.Shards, r.Reason)
	}
}

// A transaction that is run again when it collides with another one.
func ExampleRetry() {
	db, err := sql.Open("xapg", "/etc/app/xapg.yaml")
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	opts := &xadriver.RetryOptions{Tx: &sql.TxOptions{Isolation: sql.LevelSerializable}}
	err = xadriver.Retry(context.Background(), db, opts, func(tx *sql.Tx) error {
		_, err := tx.Exec("UPDATE accounts SET balance = balance * 1.01")
		return err
	})
	var doubt *xadriver.InDoubtError
	if errors.As(err, &doubt) {
		log.Print("look whether it was done before running it again: ", doubt.ID)
	}
}

func ExampleShardOf() {
	db, err := sql.Open("xapg", "/etc/app/xapg.yaml")
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("UPDATE accounts SET balance = 0"); err != nil {
		log.Printf("shard %s: %v", xadriver.ShardOf(err), err)
	}
}

// A batch of pgx on one shard, as a part of the transaction.
func ExampleConn_Shard() {
	ctx := context.Background()
	db, err := sql.Open("xapg", "/etc/app/xapg.yaml")
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	conn, err := db.Conn(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer tx.Rollback() //nolint:errcheck // nothing is left to roll back after Commit
	err = conn.Raw(func(raw any) error {
		athos, err := raw.(*xadriver.Conn).Shard(ctx, "athos")
		if err != nil {
			return err
		}
		batch := &pgx.Batch{}
		batch.Queue("UPDATE accounts SET balance = balance - 1 WHERE owner = $1", "Alice")
		batch.Queue("INSERT INTO ledger VALUES ($1, -1)", "Alice")
		return athos.Conn().SendBatch(ctx, batch).Close()
	})
	if err != nil {
		log.Print(err)
		return
	}
	if err := tx.Commit(); err != nil {
		log.Print(err)
	}
}

func ExampleConnector_Stats() {
	cfg, err := xadriver.ParseDSN("/etc/app/xapg.yaml")
	if err != nil {
		log.Fatal(err)
	}
	connector, err := xadriver.NewConnector(*cfg)
	if err != nil {
		log.Fatal(err)
	}
	db := sql.OpenDB(connector)
	defer db.Close()
	for _, p := range connector.Stats().Pools {
		fmt.Println(p.Shard, p.InUse, "of", p.Max)
	}
}
