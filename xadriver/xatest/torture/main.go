// Command torture proves on real processes and real servers that transactions stay
// whole whatever crashes.
//
//	go run ./xadriver/xatest/torture -for 3m
//	go run ./xadriver/xatest/torture -crashes 2000 -seed 42
//
// Several applications, each a process of its own, run transactions over three or
// four PostgreSQL servers with one shared decision log, and backups beside them do
// nothing but resolve. They are killed at random moments and at every point of the
// commit protocol; servers are stopped as in a crash and frozen; applications are
// frozen until they are presumed dead; connections are cut, delayed, and made deaf in
// one direction; the log's disk is filled up. A seed determines all of it. In
// between, when all is quiet, what each application was told of each transaction is
// compared with what is on each server:
//
//   - a transaction that was told committed is on all of its shards, one that was told
//     rolled back on none, and every other one on all or on none;
//   - the total of the money is what it was;
//   - counters that transactions count up on sets of shards are equal on all of them, and
//     all shards have committed in the same order;
//   - lists that transactions read and append to lost nothing, and the orders in which
//     they were read and written have no cycle (see cycles.go for which, and why);
//   - nothing is left prepared, and no record is left open in the log.
//
// How long the locks of killed applications were held is measured on the servers, with
// one backup alive, and with nobody alive until the next start. The program ends with
// status 1 when anything was violated.
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
	"slices"
	"syscall"
	"time"

	"github.com/xapg/xapg/txlog"
)

type options struct {
	seed                       uint64
	runFor, stageFor           time.Duration
	crashes                    int
	shards, apps, backups      int
	clients                    int
	rate                       float64
	logAt                      string
	resolveAfter, resolveEvery time.Duration
	settle                     time.Duration
	durable, verbose, strict   bool
	only                       string
	list                       int
}

func flags(args []string, errs io.Writer) (o options, err error) {
	f := flag.NewFlagSet("torture", flag.ContinueOnError)
	f.SetOutput(errs)
	f.Uint64Var(&o.seed, "seed", 0, "determines all faults; 0 draws one")
	f.DurationVar(&o.runFor, "for", 3*time.Minute, "how long to run")
	f.IntVar(&o.crashes, "crashes", 0, "run until there were so many crashes, however long that takes")
	f.IntVar(&o.shards, "shards", 3, "how many PostgreSQL servers")
	f.IntVar(&o.apps, "apps", 4, "how many applications")
	f.IntVar(&o.backups, "backups", 2, "how many backups beside them, while everything happens at once")
	f.IntVar(&o.clients, "clients", 3, "how many transactions each application runs at a time")
	f.Float64Var(&o.rate, "rate", 6, "faults per second")
	f.StringVar(&o.logAt, "log", "", "the decision log's URL; \"postgres\" for a PostgreSQL server of its own; by default a file, on a small disk of its own where one can be mounted")
	f.DurationVar(&o.resolveAfter, "resolve-after", time.Second, "the setting resolve_after")
	f.DurationVar(&o.resolveEvery, "resolve-every", 500*time.Millisecond, "the setting resolve_every")
	f.DurationVar(&o.stageFor, "stage", 20*time.Second, "how long a stage takes, after which all is checked")
	f.DurationVar(&o.settle, "settle", 45*time.Second, "how long resolving may take when nothing hinders it any more")
	f.BoolVar(&o.durable, "durable", false, "let the servers force their writes to disk")
	f.BoolVar(&o.strict, "strict", true, "locks held longer than promised are violations")
	f.StringVar(&o.only, "only", "", "run one kind of stage only: chaos, kills or alone")
	f.BoolVar(&o.verbose, "v", false, "say each fault")
	f.IntVar(&o.list, "list", 0, "only list so many faults of the schedule")
	if err = f.Parse(args); err != nil {
		return o, err
	}
	if o.seed == 0 {
		o.seed = uint64(time.Now().UnixNano()) % 1_000_000
	}
	switch {
	case o.shards < 2 || o.shards > 8:
		err = errors.New("-shards is 2 to 8")
	case o.apps < 1 || o.clients < 1 || o.backups < 0 || o.rate <= 0:
		err = errors.New("-apps and -clients are at least 1, -backups is at least 0, -rate is more than 0")
	case !slices.Contains([]string{"", "chaos", "kills", "alone"}, o.only):
		err = errors.New("-only is chaos, kills or alone")
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
	if o.list > 0 {
		for s := newSchedule(o.seed, o.rate, o.shards, o.apps); s.n < o.list; {
			fmt.Println(s.next())
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	r := newReport(os.Stdout)
	err = run(ctx, o, r)
	stop()
	if err != nil && !errors.Is(err, errViolated) {
		fmt.Fprintln(os.Stderr, "\ntorture:", err)
		os.Exit(1)
	}
	if len(r.violationsOf("")) > 0 {
		os.Exit(1)
	}
}

// errViolated ends a run: what comes after a violation proves nothing.
var errViolated = errors.New("there were violations")

// run runs stage after stage, and prints the report.
func run(ctx context.Context, o options, r *report) (err error) {
	r.log("seed %d: %d shards, %d applications of %d clients, %d backups, resolve_after %s, resolve_every %s", o.seed, o.shards, o.apps, o.clients, o.backups, o.resolveAfter, o.resolveEvery)
	a, err := openArena(ctx, o, r.out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	r.log("the decision log is %s; %s", txlog.Redact(a.logURL), a.fullness())
	w := newWatch(a)
	defer w.Close()
	t := &torture{crew: newCrew(a, r, w), schedule: newSchedule(o.seed, o.rate, o.shards, o.apps), r: rand.New(rand.NewPCG(o.seed, 2)), base: make(map[int]int64)}
	for _, mask := range a.masks {
		t.base[mask] = 0
	}
	stopLine := t.lines()
	defer func() {
		stopLine()
		r.print(t)
	}()
	return t.run(ctx)
}

// run goes round until the time is over or there were crashes enough.
func (t *torture) run(ctx context.Context) error {
	began := time.Now()
	more := func() bool {
		if t.crashes > 0 {
			return t.report.crashCount() < t.crashes
		}
		return time.Since(began) < t.runFor
	}
	for more() && ctx.Err() == nil {
		for _, s := range []struct {
			name string
			run  func(context.Context) error
		}{{"chaos", t.chaos}, {"kills", t.kills}, {"alone", t.alone}, {"alone", t.alone}, {"chaos", t.chaos}} {
			if t.only != "" && t.only != s.name || ctx.Err() != nil || !more() {
				continue
			}
			if err := s.run(ctx); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// lines prints a line of progress now and then.
func (t *torture) lines() (stop func()) {
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-quit:
				return
			case <-time.After(5 * time.Second):
				t.report.log("%s", t.report.progress())
			}
		}
	}()
	return func() { close(quit); <-done }
}
