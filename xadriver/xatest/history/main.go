// Command history shows, on real processes and real servers, that each isolation level
// has only the anomalies that it is to have.
//
//	go run ./xadriver/xatest/history -for 10m -seed 42
//	go run ./xadriver/xatest/history -only rr/snapshot,ser
//
// For each isolation level and each setting of consistent_reads, several processes run
// transactions over three PostgreSQL servers: they read lists and append to them on one
// shard and on several, move money and sum it up. Processes are killed and servers
// stopped as in a crash in the meantime. What each transaction was told and saw is then
// judged by package check, and compared with the table of what is promised. The program
// ends with status 1 when something was seen that may not be, and says so with the
// shortest proof of it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/xapg/xapg/xadriver/xatest/history/check"
)

type options struct {
	seed             uint64
	runFor, stageFor time.Duration
	apps, clients    int
	rate             float64
	enough           int
	stops            bool
	only             string
	table, verbose   bool
}

func flags(args []string, errs io.Writer) (o options, err error) {
	f := flag.NewFlagSet("history", flag.ContinueOnError)
	f.SetOutput(errs)
	f.Uint64Var(&o.seed, "seed", 0, "determines what is done, and all faults; 0 draws one")
	f.DurationVar(&o.runFor, "for", 3*time.Minute, "how long to run")
	f.DurationVar(&o.stageFor, "stage", 10*time.Second, "how long a history is")
	f.IntVar(&o.apps, "apps", 3, "how many processes")
	f.IntVar(&o.clients, "clients", 4, "how many transactions each runs at a time")
	f.IntVar(&o.enough, "enough", 0, "a history is over after so many transactions, perhaps with a crash in their midst (as likely as -rate); 0: after its time")
	f.Float64Var(&o.rate, "rate", 0.7, "crashes per second; 0 for none")
	f.BoolVar(&o.stops, "stops", true, "servers crash as well, not processes only")
	f.StringVar(&o.only, "only", "", "run some combinations only, such as rr/snapshot, rc or off, with commas between them")
	f.BoolVar(&o.table, "table", false, "only print the table of what is promised")
	f.BoolVar(&o.verbose, "v", false, "show a witness of what is allowed, too")
	if err = f.Parse(args); err != nil {
		return o, err
	}
	if o.seed == 0 {
		o.seed = uint64(time.Now().UnixNano()) % 1_000_000
	}
	if o.apps < 1 || o.clients < 1 || o.clients > 255 || o.rate < 0 {
		err = errors.New("-apps and -clients are at least 1, -rate is not negative")
	} else {
		_, err = chosen(o.only)
	}
	if err != nil {
		fmt.Fprintln(errs, err)
	}
	return o, err
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
	if o.table {
		fmt.Print(check.Table())
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err = run(ctx, o, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "history:", err)
		os.Exit(1)
	}
}

// errShown says that something was seen that may not be.
var errShown = errors.New("there were anomalies that are not allowed")

// run opens the servers, and runs on them.
func run(ctx context.Context, o options, out io.Writer) (err error) {
	fmt.Fprintf(out, "seed %d: %d shards, %d processes of %d clients\n", o.seed, shards, o.apps, o.clients)
	a, err := openArena(ctx, out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	return a.run(ctx, o, out)
}

// run makes history after history of each combination until the time is over.
func (a *arena) run(ctx context.Context, o options, out io.Writer) (err error) {
	list, err := chosen(o.only)
	if err != nil {
		return err
	}
	resolving, err := a.open(true) // a program that does nothing else
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, resolving.Close()) }()
	sum := newSummary()
	inc := 0
	for began, round := time.Now(), uint64(0); time.Since(began) < o.runFor && ctx.Err() == nil; round++ {
		for i, c := range list {
			if ctx.Err() != nil || round > 0 && time.Since(began) >= o.runFor {
				break
			}
			s := &stage{arena: a, options: o, cell: c, r: rand.New(rand.NewPCG(o.seed, round<<8|uint64(i))), inc: &inc}
			r, err := s.run(ctx, o.stageFor)
			if err != nil {
				return fmt.Errorf("%s: %w", c, err)
			}
			r.print(out, o.verbose)
			sum.add(r)
		}
	}
	sum.print(out)
	if sum.bad > 0 {
		return errShown
	}
	return ctx.Err()
}
