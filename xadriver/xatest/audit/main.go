// Command audit sums up a bank over and over while money moves between its shards, and
// wants to see the same total every time.
//
//	go run ./xadriver/xatest/audit -sums 1000000
//	go run ./xadriver/xatest/audit -sums 20000 -seed 42 -reads off
//
// Processes that transfer money and processes that sum up share three PostgreSQL servers
// and one decision log. Transfer processes are killed (kill -9) at random moments and in the
// midst of commits, and started again; so are the auditors, who may be holding the gates of
// all shards then; servers are stopped as in a crash. A seed determines the faults.
//
// Each sum is a transaction of its own over all shards, REPEATABLE READ and READ ONLY: by
// one statement, or by one for each shard, one after the other. With -reads statement, half
// of the sums are single statements, outside of a block or within a READ COMMITTED one.
// A sum is fractured when the total is not what it must be. Chains of writers that commit
// on one shard only run beside the transfers: each writes on the next shard what it has
// read on the one before, so that whoever sees an effect without its cause is found out.
//
// Afterwards a smaller number of sums is taken in the same way, under the same load and
// with the same seed, with consistent_reads=off: that the run can show fractures at all is seen
// there. The program ends with status 1 when a consistent sum was fractured.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"
)

type options struct {
	seed             uint64
	sums, contrast   int64
	shards, accounts int
	movers, clients  int
	auditors, tills  int
	pace             time.Duration
	faults           float64
	reads            string
	share            int
	linger           time.Duration
	within           time.Duration
}

// The settings of consistent_reads.
const (
	off       = "off"
	snapshot  = "snapshot"
	statement = "statement"
)

func flags(args []string, errs io.Writer) (o options, err error) {
	f := flag.NewFlagSet("audit", flag.ContinueOnError)
	f.SetOutput(errs)
	f.Uint64Var(&o.seed, "seed", 0, "determines all faults; 0 draws one")
	f.Int64Var(&o.sums, "sums", 100_000, "how many sums")
	f.Int64Var(&o.contrast, "contrast", -1, "how many sums are taken afterwards with consistent_reads=off; by default a tenth")
	f.IntVar(&o.shards, "shards", 3, "how many PostgreSQL servers")
	f.IntVar(&o.accounts, "accounts", 6, "how many accounts on each of them")
	f.IntVar(&o.movers, "movers", 2, "how many processes transfer money")
	f.IntVar(&o.clients, "clients", 3, "how many clients each of them has")
	f.IntVar(&o.auditors, "auditors", 3, "how many processes sum up")
	f.IntVar(&o.tills, "readers", 16, "how many sums each of them takes at a time")
	f.DurationVar(&o.pace, "pace", 15*time.Millisecond, "how long a client rests after a transfer")
	f.Float64Var(&o.faults, "faults", 0.4, "crashes per second; 0 for none")
	f.StringVar(&o.reads, "reads", snapshot, "the setting consistent_reads: off, snapshot or statement")
	f.IntVar(&o.share, "share", 50, "the setting cut_share: for which part of the time, in percent, readers may keep writers waiting")
	f.DurationVar(&o.linger, "linger", 0, "how long COMMIT PREPARED rests on average before it is sent, so that fractures are easier seen")
	f.DurationVar(&o.within, "within", 0, "end after so long in any case; 0 for no limit")
	if err = f.Parse(args); err != nil {
		return o, err
	}
	if o.seed == 0 {
		o.seed = uint64(time.Now().UnixNano()) % 1_000_000
	}
	if o.contrast < 0 {
		o.contrast = o.sums / 10
	}
	switch {
	case o.shards < 2 || o.shards > 8:
		err = errors.New("-shards is 2 to 8")
	case o.accounts < 2 || min(o.movers, o.clients, o.auditors, o.tills) < 1 || o.sums < 1 || o.faults < 0:
		err = errors.New("-accounts is at least 2, -movers, -clients, -auditors, -readers and -sums are at least 1, -faults is at least 0")
	case !slices.Contains([]string{off, snapshot, statement}, o.reads):
		err = errors.New("-reads is off, snapshot or statement")
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
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err = run(ctx, o, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "\naudit:", err)
		os.Exit(1)
	}
}

// run takes the sums, and then some of them again without consistency.
func run(ctx context.Context, o options, out io.Writer) error {
	seen, err := audit(ctx, o, o.reads, o.sums, out)
	if err != nil {
		return err
	}
	verdict := error(nil)
	if o.reads != off {
		verdict = seen.verdict(o.sums)
		if o.contrast > 0 && verdict == nil {
			_, err = audit(ctx, o, off, o.contrast, out)
		}
	}
	return errors.Join(verdict, err)
}

// audit is one run, from the start of its servers to its summary.
func audit(ctx context.Context, o options, reads string, sums int64, out io.Writer) (*tally, error) {
	fmt.Fprintf(out, "consistent_reads=%s, seed %d: %d sums over %d shards by %d processes of %d readers, while %d processes of %d clients transfer\n",
		reads, o.seed, sums, o.shards, o.auditors, o.tills, o.movers, o.clients)
	a, err := openArena(ctx, o, reads)
	if err != nil {
		return nil, err
	}
	c := newCrew(a, out)
	err = c.run(ctx, sums)
	if err == nil {
		err = c.settle(ctx)
	}
	c.print(err)
	return c.tally, errors.Join(err, a.Close())
}
