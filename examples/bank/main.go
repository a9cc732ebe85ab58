// Command bank shows what xapg is for: a bank whose accounts are split over
// several PostgreSQL databases, and whose payments are atomic all the same.
//
//	go run ./examples/bank
//
// It starts its own servers and needs nothing. Alice's account is on one shard,
// Bob's on another. Alice pays Bob three times; the third payment is more than
// she has, and a trigger on her shard rejects it: nothing of it remains anywhere.
// Then the program is killed in the middle of two payments, at the worst moments
// there are, and a new process finds both of them whole. Then many clients move
// money between a thousand accounts on four shards, while auditors add up all
// balances all the time: they never see another total. Last, consistency is turned off
// for a few seconds (-consistent=false: for the whole load), and the auditors see
// what they would see if each shard had only its own snapshot.
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
	var o options
	flag.DurationVar(&o.load, "load", 12*time.Second, "how long to run the load")
	flag.BoolVar(&o.consistent, "consistent", true, "let auditors see one state of all shards; false shows fractured reads")
	flag.IntVar(&o.clients, "clients", 16, "how many clients pay at once")
	flag.IntVar(&o.accounts, "accounts", 1000, "how many accounts they pay between")
	flag.StringVar(&o.child, "child", "", "")
	flag.StringVar(&o.dsn, "dsn", "", "")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if o.child != "" {
		fail(payAndDie(ctx, o.dsn, o.child))
		return
	}
	fail(run(ctx, o))
}

type options struct {
	load              time.Duration
	clients, accounts int
	consistent        bool
	child, dsn        string // of the process that is to be killed
}

func fail(err error) {
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, "\nbank:", err)
	os.Exit(1)
}

func run(ctx context.Context, o options) error {
	dir, err := os.MkdirTemp("", "bank-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)

	title("Starting two PostgreSQL servers, athos and porthos")
	two, err := xatest.Open(ctx, xatest.Names("athos", "porthos"), xatest.Durable(), xatest.Log(os.Stdout))
	if err != nil {
		return err
	}
	defer two.Close()
	b, err := open(two, filepath.Join(dir, "bank.db"))
	if err != nil {
		return err
	}
	if err := b.createTables(ctx); err != nil {
		return err
	}
	if err := b.aliceAndBob(ctx); err != nil {
		return err
	}
	if err := b.crashes(ctx); err != nil {
		return err
	}
	if err := b.Close(); err != nil {
		return err
	}

	title("Starting four servers for the load")
	four, err := xatest.Open(ctx, xatest.Names("athos", "porthos", "aramis", "dartagnan"), xatest.Durable(), xatest.Log(os.Stdout))
	if err != nil {
		return err
	}
	defer four.Close()
	if err := load(ctx, four, filepath.Join(dir, "load.db"), o); err != nil {
		return err
	}
	fmt.Println("\nAll of it held.")
	return nil
}

// load runs the load, and a third of it once more without consistency.
func load(ctx context.Context, four *xatest.Cluster, log string, o options) error {
	b, err := open(four, log, "consistent_reads=snapshot")
	if err != nil {
		return err
	}
	defer b.Close()
	if err := b.createTables(ctx); err != nil {
		return err
	}
	owners, err := b.openAccounts(ctx, o.accounts)
	if err != nil {
		return err
	}
	if o.consistent {
		if err := b.underLoad(ctx, o, owners); err != nil {
			return err
		}
		o.consistent, o.load = false, o.load/3
	}
	careless, err := open(four, log, "consistent_reads=off")
	if err != nil {
		return err
	}
	defer careless.Close()
	return careless.underLoad(ctx, o, owners)
}

func title(s string) { fmt.Printf("\n== %s\n", s) }

func say(format string, args ...any) { fmt.Printf("   "+format+"\n", args...) }
