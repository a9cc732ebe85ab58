// Command branches shows what becomes of a bank's branches when the coordinator of
// their transactions fails.
//
//	go run ./examples/branches
//
// It starts three PostgreSQL servers, KisiiBranch, NairobiBranch and HeadOffice, each
// with the customers of its own city, and needs nothing else. A coordinator, which is
// a process of its own, dies after all branches have voted. First nobody is there to
// take over: that is textbook two-phase commit, and the rows that the branches have
// promised stay locked. Then a backup comes up that shares nothing with the dead one
// but the decision log: it ends the transaction while the coordinator is still down,
// and the transactions of others go on all the time. Then a coordinator only sleeps,
// and learns when it wakes up what was decided meanwhile. At last the rules of atomic
// commitment are tried on the servers, one by one.
//
// Each claim is checked; the program ends with status 1 when one does not hold.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/xapg/xapg/xadriver/xatest"
)

func main() {
	var child, dsn string
	var o options
	flag.DurationVar(&o.block, "block", 2*time.Second, "for how long to look at the blocked branches")
	flag.IntVar(&o.clients, "clients", 4, "how many others move money meanwhile")
	flag.StringVar(&child, "child", "", "")
	flag.StringVar(&dsn, "dsn", "", "")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var err error
	switch child {
	case "":
		err = run(ctx, o)
	case "backup":
		err = backUp(dsn)
	default:
		err = coordinate(ctx, dsn, child)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "\nbranches:", err)
		os.Exit(1)
	}
}

type options struct {
	block   time.Duration
	clients int
}

func run(ctx context.Context, o options) error {
	dir, err := os.MkdirTemp("", "branches-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)

	title("Starting three PostgreSQL servers: %s, %s and %s", kisii.shard, nairobi.shard, office.shard)
	cluster, err := xatest.Open(ctx, xatest.Names(kisii.shard, nairobi.shard, office.shard), xatest.Durable(), xatest.Log(os.Stdout))
	if err != nil {
		return err
	}
	defer cluster.Close()
	b, err := open(ctx, cluster, cluster.DSN("branches", filepath.Join(dir, "branches.db"), settings...))
	if err != nil {
		return err
	}
	defer b.Close()

	for _, scene := range []func(context.Context, options) error{b.blocks, b.sleepers, b.rules} {
		if err := scene(ctx, o); err != nil {
			return err
		}
	}
	fmt.Println("\nAll of it held.")
	return nil
}

func title(format string, args ...any) { fmt.Printf("\n== "+format+"\n", args...) }

func say(format string, args ...any) { fmt.Printf("   "+format+"\n", args...) }

// holds prints a check that was passed under the name of its rule.
func holds(rule, format string, args ...any) {
	fmt.Printf("   %-5s holds: "+format+"\n", append([]any{rule}, args...)...)
}
