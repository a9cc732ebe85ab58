// Command rings proves that transactions that wait for each other in a circle over
// several shards are set free, and that nobody else is.
//
//	go run ./xadriver/xatest/rings
//	go run ./xadriver/xatest/rings -rings 1000 -transactions 100000 -seed 42
//
// Several applications, each a process of its own, run the transactions, by plain
// database/sql. First come rings of 2 to 8 transactions over 2 to 4 shards: each
// transaction takes something, and when all have theirs, each wants what its neighbour
// has. What they take is drawn: rows in several ways, new rows, reference rows, tables by
// DDL, advisory locks; members whose two things are on one shard are transactions of a
// single shard. Of each ring is judged:
//
//   - it is broken within deadlock_timeout and a second from the moment at which the last
//     member asked for what its neighbour has;
//   - exactly one member fails, with 40P01 and a DETAIL that names the shards, and all
//     others commit;
//   - the one that fails is the youngest, as far as it can be told from outside;
//   - the rows are what those that committed have made of them.
//
// Then come many transactions that take hot rows in one order, some of which keep them for
// longer than deadlock_timeout, so that others wait, in long chains, and never in a
// circle: none may fail. A seed determines what is drawn. The program ends with status 1
// when anything was violated.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

type options struct {
	seed         uint64
	rings        int
	transactions int
	long         int
	shards       int
	processes    int
	lanes        int
	clients      int
	zones        int
	timeout      string // the setting deadlock_timeout: a duration, off, or nothing where it is not to be given
	bound        time.Duration
	strict       bool
	verbose      bool
	settings     string
	only         kind
}

// mostShards is on how many a ring is at most.
const mostShards = 4

// mercy is how much longer than deadlock_timeout a circle may stay.
const mercy = time.Second

func flags(args []string, errs io.Writer) (o options, err error) {
	f := flag.NewFlagSet("rings", flag.ContinueOnError)
	f.SetOutput(errs)
	f.Uint64Var(&o.seed, "seed", 0, "determines all that is drawn; 0 draws one")
	f.IntVar(&o.rings, "rings", 1000, "how many rings")
	f.IntVar(&o.transactions, "transactions", 100_000, "how many transactions without a circle")
	f.IntVar(&o.long, "long", 500, "how many of these keep their locks for longer than deadlock_timeout")
	f.IntVar(&o.shards, "shards", 4, "how many PostgreSQL servers")
	f.IntVar(&o.processes, "processes", 4, "how many applications")
	f.IntVar(&o.lanes, "lanes", 8, "how many rings there are at a time")
	f.IntVar(&o.clients, "clients", 8, "how many transactions without a circle each application runs at a time")
	f.IntVar(&o.zones, "zones", 8, "into how many groups of hot rows these are divided")
	f.StringVar(&o.timeout, "deadlock-timeout", "1s", "the setting deadlock_timeout; empty for not giving it")
	f.DurationVar(&o.bound, "bound", 30*time.Second, "after which time a ring that is not broken is given up")
	f.BoolVar(&o.strict, "strict", true, "rings that stay for longer than promised are violations")
	f.BoolVar(&o.verbose, "v", false, "say what becomes of each ring")
	f.StringVar(&o.settings, "settings", "", "more settings of the driver, as in a DSN")
	f.Func("only", "rings through things of this kind only", func(s string) error {
		o.only = kind(s)
		if !o.only.known() {
			return fmt.Errorf("the kinds are %q", kinds)
		}
		return nil
	})
	if err = f.Parse(args); err != nil {
		return o, err
	}
	if o.seed == 0 {
		o.seed = uint64(time.Now().UnixNano()) % 1_000_000
	}
	switch _, bad := o.patience(); {
	case bad != nil:
		err = bad
	case o.shards < 2 || o.shards > 8:
		err = errors.New("-shards is 2 to 8")
	case o.processes < 2 || o.lanes < 1 || o.clients < 1 || o.zones < 1:
		err = errors.New("-processes is at least 2; -lanes, -clients and -zones are at least 1")
	case o.rings < 0 || o.transactions < 0 || o.long < 0:
		err = errors.New("-rings, -transactions and -long are not negative")
	}
	if err != nil {
		fmt.Fprintln(errs, err)
	}
	return o, err
}

// patience is deadlock_timeout; where it is off or not given, it is the servers' own.
func (o *options) patience() (time.Duration, error) {
	if o.timeout == "off" || o.timeout == "" {
		return time.Second, nil
	}
	return time.ParseDuration(o.timeout)
}

func main() {
	if s, ok, err := childSpec(); ok {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		os.Exit(live(s))
	}
	o, err := flags(os.Args[1:], os.Stderr)
	if err != nil {
		if errors.Is(err, flag.ErrHelp) {
			os.Exit(0)
		}
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	r := newReport(os.Stdout, o)
	err = run(ctx, o, r)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "rings:", err)
	}
	if err != nil || len(r.violationsOf("")) > 0 {
		os.Exit(1)
	}
}

// run starts servers and applications, runs both parts, and prints the report.
func run(ctx context.Context, o options, r *report) (err error) {
	r.log("seed %d: %d shards, %d applications, deadlock_timeout=%s", o.seed, o.shards, o.processes, o.timeout)
	a, err := openArena(ctx, o, r)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	defer r.print()
	if o.rings > 0 {
		if err := a.runRings(ctx); err != nil {
			return err
		}
		if err := a.compare(ctx); err != nil {
			return err
		}
	}
	if o.transactions > 0 {
		if err := a.runQueues(ctx); err != nil {
			return err
		}
	}
	return ctx.Err()
}
