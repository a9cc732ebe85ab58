package xamysql_test

import (
	"context"
	"database/sql"
	"log"

	"github.com/xapg/xapg/xadriver"
	"github.com/xapg/xapg/xadriver/xamysql"
)

// An order in PostgreSQL, and the shelf that it is taken from in MySQL.
func Example() {
	mysql, err := sql.Open("mysql", "app@tcp(db9)/stock") // with the driver of your choice
	if err != nil {
		log.Fatal(err)
	}
	defer mysql.Close()
	stock, err := xamysql.New("stock", mysql, xamysql.Options{})
	if err != nil {
		log.Fatal(err)
	}
	cfg, err := xadriver.ParseDSN("cluster=shop log=sqlite:/var/lib/app/shop.db shard.main='host=db1 dbname=shop'")
	if err != nil {
		log.Fatal(err)
	}
	cfg.Resources = []xadriver.Resource{stock}
	connector, err := xadriver.NewConnector(*cfg)
	if err != nil {
		log.Fatal(err)
	}
	db := sql.OpenDB(connector)
	defer db.Close()

	ctx := context.Background()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer tx.Rollback() //nolint:errcheck // nothing is left to roll back after Commit
	if _, err := tx.ExecContext(ctx, "INSERT INTO orders (id, item) VALUES ($1, $2)", 17, "tea"); err != nil {
		log.Fatal(err)
	}
	my, err := xadriver.Enlist(ctx, tx, stock)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := my.ExecContext(ctx, "UPDATE shelf SET n = n - 1 WHERE item = ?", "tea"); err != nil {
		log.Fatal(err)
	}
	if err := tx.Commit(); err != nil { // both or neither
		log.Fatal(err)
	}
}
