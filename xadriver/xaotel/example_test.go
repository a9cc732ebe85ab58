package xaotel_test

import (
	"context"
	"database/sql"
	"log"

	"go.opentelemetry.io/otel"

	"github.com/xapg/xapg/xadriver"
	"github.com/xapg/xapg/xadriver/xaotel"
)

// A cluster whose statements and commits are traced.
func ExampleNewTracer() {
	cfg, err := xadriver.ParseDSN("/etc/app/xapg.yaml")
	if err != nil {
		log.Fatal(err)
	}
	cfg.Tracer = xaotel.NewTracer(xaotel.WithConfig(cfg))
	connector, err := xadriver.NewConnector(*cfg)
	if err != nil {
		log.Fatal(err)
	}
	db := sql.OpenDB(connector)
	defer db.Close()

	// The spans of the driver are below the application's.
	ctx, span := otel.Tracer("shop").Start(context.Background(), "pay")
	defer span.End()
	tx, err := db.BeginTx(ctx, nil) // Commit's span is below this context's, too
	if err != nil {
		log.Fatal(err)
	}
	defer tx.Rollback() //nolint:errcheck // nothing is left to roll back after Commit
	if _, err := tx.ExecContext(ctx, "UPDATE accounts SET balance = balance - 100 WHERE owner = $1", "Alice"); err != nil {
		log.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		log.Fatal(err)
	}
}

// A database whose statements hold what nobody else should read: their text is
// not recorded, only their first word.
func ExampleWithStatements() {
	cfg := xadriver.Config{ /* … */ }
	cfg.Tracer = xaotel.NewTracer(xaotel.WithStatements(false))
}

// Every operation in the name of a tenant.
func ExampleWithSpanName() {
	cfg := xadriver.Config{ /* … */ }
	cfg.Tracer = xaotel.NewTracer(xaotel.WithSpanName(func(op xadriver.Operation) string {
		return "xapg " + string(op.Kind)
	}))
}
