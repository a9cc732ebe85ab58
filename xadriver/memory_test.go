package xadriver_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/shardmap"
	"github.com/xapg/xapg/xadriver/xatest"
)

// The child of a memory test: it reads the rows of one statement, which must be
// in order, and tells how much memory it took.
const (
	memoryDSN   = "XAPG_MEMORY_DSN"
	memoryQuery = "XAPG_MEMORY_QUERY" // selects id, v and name: v is to be 0, 1, 2, …

	memoryRows = "XAPG_MEMORY_ROWS" // how many rows the test reads in order, such as 5000000
)

const (
	memoryLimit    = 100 << 20
	orderedRows    = 500_000 // unless memoryRows says otherwise
	gatheredRows   = 300_000
	memoryInterval = 5 * time.Millisecond
)

// init comes before the tests, and before what they allocate.
func init() {
	if os.Getenv(memoryDSN) != "" {
		memoryChild()
	}
}

// memoryTaken is what a child tells.
type memoryTaken struct {
	Rows    int64
	Go      int64 // peak of what Go's runtime had of the system
	Process int64 // peak of the resident set, 0 where the system does not tell
	Took    time.Duration
	Error   string
}

func memoryChild() {
	var told memoryTaken
	peak, stop := watchMemory()
	begin := time.Now()
	if err := readInOrder(&told); err != nil {
		told.Error = err.Error()
	}
	told.Took = time.Since(begin)
	stop()
	told.Go, told.Process = peak.Load(), highWater()
	_ = json.NewEncoder(os.Stdout).Encode(told)
	os.Exit(0)
}

// readInOrder reads the statement's rows as an application does.
func readInOrder(told *memoryTaken) error {
	db, err := sql.Open("xapg", os.Getenv(memoryDSN))
	if err != nil {
		return err
	}
	defer db.Close()
	rows, err := db.Query(os.Getenv(memoryQuery))
	if err != nil {
		return err
	}
	defer rows.Close()
	for ; rows.Next(); told.Rows++ {
		var (
			id, v int64
			name  string
		)
		if err := rows.Scan(&id, &v, &name); err != nil {
			return err
		}
		if v != told.Rows || name != memoryName(v) {
			return fmt.Errorf("row %d is %d, %q (id %d)", told.Rows, v, name, id)
		}
	}
	return rows.Err()
}

func memoryName(v int64) string { return fmt.Sprintf("item %09d", v) }

// watchMemory looks again and again at how much memory Go's runtime has of the system.
func watchMemory() (peak *atomic.Int64, stop func()) {
	peak = new(atomic.Int64)
	look := func() {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		peak.Store(max(peak.Load(), int64(m.Sys-m.HeapReleased)))
	}
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for tick := time.NewTicker(memoryInterval); ; {
			look()
			select {
			case <-tick.C:
			case <-end:
				tick.Stop()
				return
			}
		}
	}()
	return peak, func() {
		close(end)
		<-ended
		look()
	}
}

// highWater is the most memory that the process ever had, as Linux tells.
func highWater() int64 {
	status, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kB, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return kB << 10
		}
	}
	return 0
}

// raceDetector reports whether the tests were built with it: its own memory
// counts as the process's.
func raceDetector() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

// takes runs a statement in a process of its own.
func takes(t *testing.T, dsn, query string) (told memoryTaken) {
	t.Helper()
	exe, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(exe)
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "GOMEMLIMIT=") && !strings.HasPrefix(e, "GOGC=") {
			cmd.Env = append(cmd.Env, e)
		}
	}
	cmd.Env = append(cmd.Env, memoryDSN+"="+dsn, memoryQuery+"="+query)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(out, &told), "%s", out)
	require.Empty(t, told.Error)
	return told
}

func TestManyRowsTakeLittleMemory(t *testing.T) {
	const shards = 4
	rows := orderedRows
	if n := os.Getenv(memoryRows); n != "" {
		var err error
		rows, err = strconv.Atoi(n)
		require.NoError(t, err)
	}
	c := xatest.Start(t, xatest.Shards(shards))
	dsn := c.DSN("memory", filepath.Join(t.TempDir(), "xapg.db"), "key.big=id")
	db := openDB(t, dsn)
	_, err := db.Exec(`CREATE TABLE big (id bigint PRIMARY KEY, v bigint NOT NULL, name text COLLATE "en-x-icu" NOT NULL)`)
	require.NoError(t, err)
	fillShards(t, c.Shards, func(i int) string {
		// 7919 is a prime: every v from 0 comes once.
		return fmt.Sprintf(`INSERT INTO big SELECT id, v, 'item ' || lpad(v::text, 9, '0')
			FROM generate_series(1, %d) AS id, LATERAL (SELECT id * 7919::bigint %% %[1]d AS v) AS x WHERE %s`, rows, onShard("id", i, shards))
	})
	for _, test := range []struct {
		name, query string
		rows        int
	}{
		{"merged in order", "SELECT id, v, name FROM big ORDER BY v", rows},
		{"merged by PostgreSQL", fmt.Sprintf("SELECT id, v, name FROM big WHERE v < %d ORDER BY name", gatheredRows), min(rows, gatheredRows)},
	} {
		t.Run(test.name, func(t *testing.T) {
			took := takes(t, dsn, test.query)
			t.Logf("%d rows in %s: Go had %.1f MB at most, the process %.1f MB", took.Rows, took.Took.Round(time.Millisecond), mega(took.Go), mega(took.Process))
			assert.EqualValues(t, test.rows, took.Rows)
			assert.Less(t, took.Go, int64(memoryLimit))
			if !raceDetector() {
				assert.Less(t, took.Process, int64(memoryLimit))
			}
		})
	}
}

func mega(bytes int64) float64 { return float64(bytes) / (1 << 20) }

// onShard is the condition under which a bigint key belongs to a shard.
func onShard(key string, shard, shards int) string {
	return fmt.Sprintf("(hashint8extended(%s, %d) & 4095) * %d / 4096 = %d", key, shardmap.Seed, shards, shard)
}

// fillShards runs a statement of its own on each server, past xapg.
func fillShards(t testing.TB, list []*xatest.Server, statement func(int) string) {
	t.Helper()
	errs := make(chan error, len(list))
	for i, s := range list {
		go func() {
			errs <- func() error {
				ctx := context.Background()
				conn, err := pgx.Connect(ctx, s.DSN())
				if err != nil {
					return err
				}
				defer conn.Close(ctx)
				_, err = conn.Exec(ctx, statement(i)+"; ANALYZE")
				return err
			}()
		}()
	}
	for range list {
		require.NoError(t, <-errs)
	}
}
