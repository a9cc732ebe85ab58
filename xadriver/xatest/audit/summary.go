package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// settle waits until nothing is prepared any more, and asks the servers themselves.
func (c *crew) settle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	db, err := open(c.dsn, nil) // which finishes what was left
	if err != nil {
		return err
	}
	defer db.Close()
	if err := db.PingContext(ctx); err != nil {
		return err
	}
	for _, s := range c.cluster.Shards {
		for left := []int64{1}; left[0] > 0; {
			if left, err = column[int64](ctx, s.DSN(), "SELECT count(*) FROM pg_prepared_xacts"); err != nil {
				return fmt.Errorf("something stays prepared: %w", err)
			}
			if left[0] > 0 {
				rest(ctx, 50*time.Millisecond)
			}
		}
	}
	var sum int64
	for shard, s := range c.cluster.Shards {
		part, err := column[int64](ctx, s.DSN(), "SELECT sum(balance)::bigint FROM accounts WHERE owner = ANY ($1)", c.owners[shard])
		if err != nil {
			return err
		}
		sum += part[0]
	}
	if sum != c.total() {
		return fmt.Errorf("the servers have %d in all, and not %d", sum, c.total())
	}
	return nil
}

// progress is one line.
func (c *crew) progress() string {
	c.mu.Lock()
	crashes := c.crashes[mover] + c.crashes[auditor] + c.crashes["server"] + sumOf(c.points)
	c.mu.Unlock()
	c.tally.mu.Lock()
	defer c.tally.mu.Unlock()
	t, seconds := c.tally, time.Since(c.began).Seconds()
	return fmt.Sprintf("%6.0f s: %s sums (%.0f/s), %s fractured, %s transfers (%.0f/s), %d crashes", seconds,
		grouped(t.Sums), float64(t.Sums)/seconds, grouped(t.Fracture), grouped(c.transfers()), float64(c.transfers())/seconds, crashes)
}

// transfers leaves out the chains.
func (c *crew) transfers() int64 { return sumOf(c.tally.Moves) - c.tally.Moves["chain"] }

func sumOf[K comparable, N int | int64](m map[K]N) (sum N) {
	for _, n := range m {
		sum += n
	}
	return sum
}

// grouped writes a number with commas.
func grouped(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func listed[N int | int64](m map[string]N) string {
	var list []string
	for _, k := range slices.SortedFunc(maps.Keys(m), func(a, b string) int { return int(m[b] - m[a]) }) {
		list = append(list, fmt.Sprintf("%s %s", grouped(int64(m[k])), k))
	}
	return strings.Join(list, "; ")
}

// print is what can be quoted.
func (c *crew) print(err error) {
	say := func(format string, args ...any) { fmt.Fprintf(c.out, "  "+format+"\n", args...) }
	t := c.tally
	t.mu.Lock()
	defer t.mu.Unlock()
	seconds := c.took.Seconds()
	fmt.Fprintf(c.out, "consistent_reads=%s, seed %d, %s, %s\n", c.reads, c.seed, c.took.Round(time.Second), c.machine())
	say("sums: %s over %d shards (%.0f/s): %s", grouped(t.Sums), c.shards, float64(t.Sums)/max(seconds, 1), listed(t.Shapes))
	switch {
	case t.Fracture == 0 && t.Effect == 0 && t.Sums > 0:
		say("   ALL EQUAL (%s), and none saw an effect without its cause", grouped(c.total()))
	default:
		say("   FRACTURED: %s (%.2f %%), the totals between %s and %s instead of %s; saw an effect without its cause: %s", grouped(t.Fracture),
			100*float64(t.Fracture)/max(1, float64(t.Sums)), grouped(t.Lowest), grouped(t.Highest), grouped(c.total()), grouped(t.Effect))
	}
	say("   %s of them saw balances that the same reader had not seen before", grouped(t.Fresh))
	say("   time of a sum: median %s, 90 %% %s, 99 %% %s, longest %s", quantile(t.Times, 0.5), quantile(t.Times, 0.9), quantile(t.Times, 0.99), quantile(t.Times, 1))
	say("transfers: %s (%.0f/s): %s", grouped(c.transfers()), float64(c.transfers())/max(seconds, 1), listed(t.Moves))
	c.mu.Lock()
	defer c.mu.Unlock()
	say("crashes: %d transfer processes killed (%d at any moment; in a commit: %s), %d auditors killed, %d servers stopped",
		c.crashes[mover]+sumOf(c.points), c.crashes[mover], listed(c.points), c.crashes[auditor], c.crashes["server"])
	if len(t.Failed) > 0 {
		say("failed, and tried again: %s", listed(t.Failed))
	}
	for i, e := range t.Evidence {
		if five := 5; c.reads != off || i < five {
			say("for instance: %s", e)
		}
	}
	if err == nil {
		say("at the end: nothing prepared, and the servers have %s in all", grouped(c.total()))
	}
}
