package xadriver_test

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver/xatest"
)

// What consistent reads cost. The settings take turns in short slices of time, on the
// same servers and under the same load, so that a machine that is faster at one time than
// at another does not decide. Each iteration is one slice of each setting; run with, for
// instance, -benchtime 20x.

var readModes = []string{"off", "snapshot", "statement"}

const sliceOfTime = 300 * time.Millisecond

// sample is what was measured under one setting.
type sample struct {
	writes, audits []time.Duration
	rates          []float64     // of writes, by slice
	wrote, audited time.Duration // in which the writers did that, and the auditors
	used           time.Duration
}

func (s *sample) add(o sample) {
	s.writes, s.audits = append(s.writes, o.writes...), append(s.audits, o.audits...)
	s.rates = append(s.rates, float64(len(o.writes))/o.wrote.Seconds())
	s.wrote, s.audited, s.used = s.wrote+o.wrote, s.audited+o.audited, s.used+o.used
}

// processorTime is what this process and the servers have used up. Unlike the time
// that passes it does not depend on what else the machine does.
func processorTime(servers []*xatest.Server) (used time.Duration) {
	var own syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &own); err == nil {
		used = time.Duration(own.Utime.Nano() + own.Stime.Nano())
	}
	files, _ := filepath.Glob("/proc/[0-9]*/stat") // none where there is no such thing
	for _, file := range files {
		dir, err := os.Readlink(filepath.Join(filepath.Dir(file), "cwd"))
		if err != nil || !slices.ContainsFunc(servers, func(s *xatest.Server) bool { return s.DataDir() == dir }) {
			continue
		}
		raw, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		_, rest, _ := strings.Cut(string(raw), ") ")
		if fields := strings.Fields(rest); len(fields) > 12 {
			for _, ticks := range fields[11:13] {
				n, _ := strconv.ParseInt(ticks, 10, 64)
				used += time.Duration(n) * 10 * time.Millisecond
			}
		}
	}
	return used
}

func at(times []time.Duration, q float64) float64 {
	if len(times) == 0 {
		return 0
	}
	slices.Sort(times)
	return float64(times[int(q*float64(len(times)-1))].Microseconds())
}

func middle(list []float64) float64 {
	list = slices.Sorted(slices.Values(list))
	if len(list) == 0 {
		return 0
	}
	return (list[len(list)/2] + list[(len(list)-1)/2]) / 2
}

// crowd is who works during a slice. A period of 0 is back to back; otherwise everybody
// begins once in each, so that all settings have the same number of audits.
type crowd struct {
	writers, auditors int
	period            time.Duration
	write, audit      func(context.Context, *sql.DB) error
	servers           []*xatest.Server
}

// slice lets the crowd work for a moment. What was begun is ended: an auditor may be the
// last by far, but the writers' rate is that of the time in which they wrote.
func (c crowd) slice(b *testing.B, db *sql.DB) sample {
	b.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), sliceOfTime)
	defer cancel()
	var mu sync.Mutex
	var s sample
	var wg sync.WaitGroup
	begin, used := time.Now(), processorTime(c.servers)
	work := func(into *[]time.Duration, over *time.Duration, period time.Duration, do func(context.Context, *sql.DB) error) {
		wg.Go(func() {
			var times []time.Duration
			due := begin.Add(rand.N(period + 1))
			for {
				if wait := time.Until(due); period > 0 && wait > 0 {
					select {
					case <-time.After(wait):
					case <-ctx.Done():
					}
				}
				if ctx.Err() != nil {
					break
				}
				due = due.Add(period)
				start := time.Now()
				if err := do(context.WithoutCancel(ctx), db); err != nil {
					b.Error(err)
					break
				}
				times = append(times, time.Since(start))
			}
			mu.Lock()
			defer mu.Unlock()
			*into, *over = append(*into, times...), max(*over, time.Since(begin))
		})
	}
	for range c.writers {
		work(&s.writes, &s.wrote, 0, c.write)
	}
	for range c.auditors {
		work(&s.audits, &s.audited, c.period, c.audit)
	}
	wg.Wait()
	s.used = processorTime(c.servers) - used
	return s
}

// compare lets the settings take turns, and reports what each of them gave, and how many
// writes there were in comparison with the slice without consistency beside.
func (c crowd) compare(b *testing.B, dbs map[string]*sql.DB) {
	samples := make(map[string]*sample)
	for _, mode := range readModes {
		samples[mode] = &sample{}
		c.slice(b, dbs[mode]) // connections open, statements prepared
	}
	b.ResetTimer()
	for i := range b.N {
		for j := range readModes {
			mode := readModes[(i+j)%len(readModes)]
			samples[mode].add(c.slice(b, dbs[mode]))
		}
	}
	b.StopTimer()
	b.ReportMetric(0, "ns/op")
	for _, mode := range readModes {
		s := samples[mode]
		b.ReportMetric(float64(len(s.writes))/s.wrote.Seconds(), mode+"-tx/s")
		b.ReportMetric(at(s.writes, 0.5), mode+"-p50-µs")
		b.ReportMetric(at(s.writes, 0.99), mode+"-p99-µs")
		if c.auditors == 0 {
			b.ReportMetric(float64(s.used.Microseconds())/float64(max(1, len(s.writes))), mode+"-cpu-µs/tx")
		} else {
			b.ReportMetric(float64(len(s.audits))/s.audited.Seconds(), mode+"-audits/s")
			b.ReportMetric(at(s.audits, 0.5), mode+"-audit-p50-µs")
			b.ReportMetric(at(s.audits, 0.99), mode+"-audit-p99-µs")
		}
		if mode == "off" {
			continue
		}
		var ratios []float64
		for i, rate := range s.rates {
			ratios = append(ratios, rate/samples["off"].rates[i])
		}
		b.ReportMetric(middle(ratios), mode+"/off")
	}
}

// openModes opens the benchmark's shards once for each setting, with one decision log.
func openModes(b *testing.B) map[string]*sql.DB {
	b.Helper()
	benchDB(b) // which fills the accounts
	log := filepath.Join(b.TempDir(), "modes.db")
	dbs := make(map[string]*sql.DB)
	for _, mode := range readModes {
		db, err := sql.Open("xapg", benchServers(b).DSN("bench", log, "key.accounts=owner", "consistent_reads="+mode))
		require.NoError(b, err)
		b.Cleanup(func() { _ = db.Close() })
		db.SetMaxIdleConns(64)
		dbs[mode] = db
	}
	return dbs
}

var benchRead = &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}

// auditBy sums up some accounts of all shards, by a REPEATABLE READ transaction or by a
// statement of its own.
func auditBy(kind string) func(context.Context, *sql.DB) error {
	const query = "SELECT balance FROM accounts WHERE owner >= 'owner-01960'"
	if kind == "statement" {
		return func(ctx context.Context, db *sql.DB) error {
			rows, err := db.QueryContext(ctx, query)
			return drained(rows, err)
		}
	}
	return func(ctx context.Context, db *sql.DB) error {
		tx, err := db.BeginTx(ctx, benchRead)
		if err != nil {
			return err
		}
		defer tx.Rollback() //nolint:errcheck // over already
		rows, err := tx.QueryContext(ctx, query)
		if err := drained(rows, err); err != nil {
			return err
		}
		return tx.Commit()
	}
}

func drained(rows *sql.Rows, err error) error {
	if err != nil {
		return err
	}
	for rows.Next() {
	}
	return rows.Err()
}

// BenchmarkConsistentReads is what the settings of consistent_reads cost writers, and
// auditors.
func BenchmarkConsistentReads(b *testing.B) {
	dbs := openModes(b)
	transfer := func(ctx context.Context, db *sql.DB) error {
		return retried(func() error {
			from := rand.IntN(4)
			return inTx(ctx, db, from, (from+1+rand.IntN(3))%4)
		})
	}
	oneShard := func(ctx context.Context, db *sql.DB) error {
		return retried(func() error { return inTx(ctx, db, 0, 0) })
	}
	single := func(ctx context.Context, db *sql.DB) error {
		_, err := db.ExecContext(ctx, update, some(0), 1)
		return err
	}
	const period = 100 * time.Millisecond
	for _, c := range []struct {
		writes string
		write  func(context.Context, *sql.DB) error
		audits string
		crowds []crowd
	}{
		{"transfer", transfer, "transaction", []crowd{{auditors: 0}, {auditors: 1, period: period}, {auditors: 8, period: period}, {auditors: 1}, {auditors: 8}}},
		{"transfer", transfer, "statement", []crowd{{auditors: 1, period: period}, {auditors: 8, period: period}, {auditors: 1}, {auditors: 8}}},
		{"one-shard", oneShard, "transaction", []crowd{{auditors: 0}, {auditors: 8, period: period}}},
		{"update", single, "transaction", []crowd{{auditors: 0}, {auditors: 8, period: period}}},
	} {
		for _, clients := range []int{1, 8} {
			for _, who := range c.crowds {
				who.writers, who.write, who.audit, who.servers = clients, c.write, auditBy(c.audits), benchServers(b).Shards
				pace := "back-to-back"
				if who.period > 0 {
					pace = "every=" + who.period.String()
				}
				name := fmt.Sprintf("write=%s/clients=%d/auditors=%d", c.writes, clients, who.auditors)
				if who.auditors > 0 {
					name += "/by=" + c.audits + "/" + pace
				}
				b.Run(name, func(b *testing.B) { who.compare(b, dbs) })
			}
		}
	}
}

// BenchmarkCut is how long it takes until a REPEATABLE READ transaction has its first
// rows from 2, 4 and 8 shards, with a cut and without.
func BenchmarkCut(b *testing.B) {
	servers, err := xatest.Open(context.Background(), xatest.Shards(8), xatest.Durable())
	require.NoError(b, err)
	b.Cleanup(func() { _ = servers.Close() })
	for _, n := range []int{2, 4, 8} {
		dbs, transfer := cutShards(b, servers.Shards[:n])
		for _, load := range []struct {
			name   string
			movers int
			period time.Duration
		}{{"idle", 0, 0}, {"transfers=200", 8, 40 * time.Millisecond}, {"transfers=all-it-takes", 8, 0}} {
			b.Run(fmt.Sprintf("shards=%d/%s", n, load.name), func(b *testing.B) {
				modes := []string{"off", "snapshot"}
				samples := map[string]*sample{"off": {}, "snapshot": {}}
				// Here the one who reads works back to back, and transfers are paced.
				who := crowd{writers: 1, write: auditBy("transaction"), auditors: load.movers, period: load.period, audit: transfer, servers: servers.Shards[:n]}
				for _, mode := range modes {
					who.slice(b, dbs[mode])
				}
				b.ResetTimer()
				for i := range 2 * b.N {
					mode := modes[(i/2+i)%2] // first the one, then the other
					samples[mode].add(who.slice(b, dbs[mode]))
				}
				b.StopTimer()
				b.ReportMetric(0, "ns/op")
				for mode, s := range samples {
					if load.movers == 0 {
						b.ReportMetric(float64(s.used.Microseconds())/float64(max(1, len(s.writes))), mode+"-cpu-µs")
					}
					b.ReportMetric(at(s.writes, 0.5), mode+"-p50-µs")
					b.ReportMetric(at(s.writes, 0.9), mode+"-p90-µs")
					b.ReportMetric(at(s.writes, 0.99), mode+"-p99-µs")
					b.ReportMetric(float64(len(s.audits))/s.audited.Seconds(), mode+"-transfers/s")
				}
			})
		}
	}
}

// cutShards makes a bank of its own on some servers.
func cutShards(b *testing.B, servers []*xatest.Server) (dbs map[string]*sql.DB, transfer func(context.Context, *sql.DB) error) {
	b.Helper()
	const accounts = 400
	name := fmt.Sprintf("cut%d", len(servers))
	dsn := fmt.Sprintf("cluster=%s log=sqlite:%s key.accounts=owner", name, filepath.Join(b.TempDir(), name+".db"))
	for _, s := range servers {
		shard, err := s.CreateDatabase(context.Background(), name)
		require.NoError(b, err)
		dsn += fmt.Sprintf(" shard.%s=%s", s.Name(), xatest.Quote(shard))
	}
	dbs = make(map[string]*sql.DB)
	for _, mode := range []string{"off", "snapshot"} {
		// Without cut_share, readers that work back to back would wait for their turn.
		db, err := sql.Open("xapg", dsn+" cut_share=100 consistent_reads="+mode)
		require.NoError(b, err)
		b.Cleanup(func() { _ = db.Close() })
		db.SetMaxIdleConns(64)
		dbs[mode] = db
	}
	db := dbs["snapshot"]
	_, err := db.Exec("CREATE TABLE accounts (owner text PRIMARY KEY, balance bigint NOT NULL)")
	require.NoError(b, err)
	_, err = db.Exec("INSERT INTO accounts SELECT 'owner-0' || 1600 + i, 1000 FROM generate_series(1, $1::bigint) i", accounts)
	require.NoError(b, err)
	owner := func() string { return fmt.Sprintf("owner-0%d", 1601+rand.IntN(accounts)) }
	return dbs, func(ctx context.Context, db *sql.DB) error {
		return retried(func() error {
			tx, err := db.BeginTx(ctx, nil)
			if err != nil {
				return err
			}
			defer tx.Rollback() //nolint:errcheck // over already
			pair := []string{owner(), owner()}
			slices.Sort(pair)
			for i, o := range pair {
				if _, err := tx.ExecContext(ctx, update, o, 1-2*i); err != nil {
					return err
				}
			}
			return tx.Commit()
		})
	}
}
