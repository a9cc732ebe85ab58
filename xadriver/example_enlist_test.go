package xadriver_test

import (
	"context"
	"database/sql"
	"errors"
	"log"

	"github.com/xapg/xapg/xadriver"
)

// A resource in a transaction of statements.
func ExampleEnlist() {
	var (
		db       *sql.DB // opened by a connector that has the broker among its resources
		messages *broker // see the example of a broker
		ctx      = context.Background()
	)
	conn, err := db.Conn(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, "BEGIN"); err != nil {
		log.Fatal(err)
	}
	batch, err := xadriver.Enlist(ctx, conn, messages)
	if err != nil {
		log.Fatal(err)
	}
	batch.Publish("hello")
	_, err = conn.ExecContext(ctx, "COMMIT")
	var doubt *xadriver.InDoubtError
	if errors.As(err, &doubt) {
		log.Print("look whether the message is there before publishing it again: ", doubt.ID)
	}
}
