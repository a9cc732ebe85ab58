package xadriver_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver"
	"github.com/xapg/xapg/xadriver/xatest"
)

const soakOwners = 60

// soak is a crowd of clients on small pools, while servers are restarted, sessions
// killed and everybody's patience is short.
type soak struct {
	*testing.T
	cluster *xatest.Cluster
	db      *sql.DB
	stop    time.Time

	ops, failed, committed, doubtful, restarts, kills atomic.Int64
	longest                                           atomic.Int64 // nanoseconds
	busy                                              [24]atomic.Int64

	mu   sync.Mutex
	sure map[uuid.UUID]bool // transfers by id: true when Commit said nil, false when it said in doubt
}

// TestSoak runs for some seconds, or for as long as XAPG_SOAK says (such as 10m).
func TestSoak(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes its time")
	}
	length := 8 * time.Second
	if v := os.Getenv("XAPG_SOAK"); v != "" {
		var err error
		length, err = time.ParseDuration(v)
		require.NoError(t, err)
	}
	s := &soak{T: t, cluster: xatest.Start(t, xatest.Shards(3), xatest.Set("deadlock_timeout", "100ms")), sure: make(map[uuid.UUID]bool)}
	cfg, err := xadriver.ParseDSN(s.cluster.DSN("soak", filepath.Join(t.TempDir(), "xapg.db"), "shard_conns=2", "lock_wait=1s", "resolve_after=2s",
		"resolve_every=500ms", "commit_timeout=5s", "conn_lifetime=3s", "health_check=500ms", "key.accounts=owner", "key.ledger=owner", "reference=currencies"))
	require.NoError(t, err)
	log, _ := logged()
	cfg.Logger = log
	connector, err := xadriver.NewConnector(*cfg)
	require.NoError(t, err)
	s.db = sql.OpenDB(connector)
	_, err = s.db.Exec(`CREATE TABLE accounts (owner int PRIMARY KEY, balance bigint NOT NULL);
		CREATE TABLE ledger (owner int NOT NULL, id uuid NOT NULL, amount bigint NOT NULL, PRIMARY KEY (owner, id));
		CREATE TABLE currencies (code text PRIMARY KEY, n int);
		INSERT INTO accounts SELECT i, 1000 FROM generate_series(0, 59) i;
		INSERT INTO currencies VALUES ('KES', 0)`)
	require.NoError(t, err)
	s.stop = time.Now().Add(length)
	s.run()
	s.check(connector)
}

func (s *soak) run() {
	work := []func(context.Context, *rand.Rand) error{
		s.transfer, s.transfer, s.transfer, s.serializable, s.read, s.scatter, s.judged, s.reference, s.settings, s.unfinished,
	}
	var clients, chaos sync.WaitGroup
	for i := range s.busy {
		clients.Go(func() {
			r := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), uint64(i)))
			for time.Now().Before(s.stop) {
				patience := time.Duration(1+r.IntN(2000)) * time.Millisecond
				if r.IntN(3) == 0 {
					patience = time.Duration(r.IntN(20)) * time.Millisecond
				}
				ctx, cancel := context.WithTimeout(context.Background(), patience)
				began := time.Now()
				s.busy[i].Store(began.UnixNano())
				err := work[r.IntN(len(work))](ctx, r)
				cancel()
				s.busy[i].Store(0)
				if took := int64(time.Since(began)); took > s.longest.Load() {
					s.longest.Store(took)
				}
				if s.ops.Add(1); err != nil {
					s.failed.Add(1)
				}
			}
		})
	}
	chaos.Go(s.chaos)
	done := make(chan struct{})
	go func() { clients.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(time.Until(s.stop) + 90*time.Second):
		for i := range s.busy {
			if at := s.busy[i].Load(); at != 0 {
				s.Errorf("client %d is stuck since %s", i, time.Since(time.Unix(0, at)))
			}
		}
		s.FailNow()
	}
	chaos.Wait()
}

// chaos restarts servers, in order and as in a crash, and kills sessions.
func (s *soak) chaos() {
	r := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 7))
	ctx := context.Background()
	for time.Now().Before(s.stop) {
		time.Sleep(time.Duration(200+r.IntN(1500)) * time.Millisecond)
		server := s.cluster.Shards[r.IntN(3)]
		switch r.IntN(4) {
		case 0:
			assert.NoError(s, server.Restart(ctx, xatest.Fast))
			s.restarts.Add(1)
		case 1:
			assert.NoError(s, server.Restart(ctx, xatest.Immediate))
			s.restarts.Add(1)
		default:
			s.terminate(server, 0.5)
		}
	}
}

// beside names the connections of the test itself, whose sessions may still be there for a
// moment when they are closed.
const beside = "&application_name=beside"

// terminate ends a part of a server's sessions, and returns when they are gone.
func (s *soak) terminate(server *xatest.Server, part float64) {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, server.DSN()+beside)
	if !assert.NoError(s, err) {
		return
	}
	defer conn.Close(ctx)
	tag, err := conn.Exec(ctx, "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND random() < $1", part)
	assert.NoError(s, err)
	s.kills.Add(tag.RowsAffected())
}

func (s *soak) transfer(ctx context.Context, r *rand.Rand) error {
	return s.pay(ctx, r, nil, func(f func(*sql.Tx) error) error {
		tx, err := s.db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback() //nolint:errcheck // over already, or nothing to be done
		if err := f(tx); err != nil {
			return err
		}
		return tx.Commit()
	})
}

func (s *soak) serializable(ctx context.Context, r *rand.Rand) error {
	opts := &xadriver.RetryOptions{Tx: &sql.TxOptions{Isolation: sql.LevelSerializable}, MinDelay: time.Millisecond}
	return s.pay(ctx, r, opts, func(f func(*sql.Tx) error) error { return xadriver.Retry(ctx, s.db, opts, f) })
}

// pay moves money and notes both halves under one id, and remembers what Commit said.
func (s *soak) pay(ctx context.Context, r *rand.Rand, _ *xadriver.RetryOptions, in func(func(*sql.Tx) error) error) error {
	id := uuid.New()
	from, to, n := r.IntN(soakOwners), r.IntN(soakOwners), 1+r.IntN(9)
	if from == to {
		return nil
	}
	halves := [2][2]int{{from, -n}, {to, n}}
	if r.IntN(4) > 0 && from > to { // mostly in one order, sometimes into a deadlock
		halves[0], halves[1] = halves[1], halves[0]
	}
	err := in(func(tx *sql.Tx) error {
		for _, h := range halves {
			if _, err := tx.ExecContext(ctx, "UPDATE accounts SET balance = balance + $2 WHERE owner = $1", h[0], h[1]); err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, "INSERT INTO ledger VALUES ($1, $2, $3)", h[0], id, h[1]); err != nil {
				return err
			}
		}
		return nil
	})
	var doubt *xadriver.InDoubtError
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err == nil:
		s.sure[id] = true
		s.committed.Add(1)
	case errors.As(err, &doubt):
		s.sure[id] = false
		s.doubtful.Add(1)
	}
	return err
}

func (s *soak) read(ctx context.Context, r *rand.Rand) error {
	return s.db.QueryRowContext(ctx, "SELECT balance FROM accounts WHERE owner = $1", r.IntN(soakOwners)).Scan(new(int))
}

func (s *soak) scatter(ctx context.Context, r *rand.Rand) error {
	rows, err := s.db.QueryContext(ctx, "SELECT owner, amount FROM ledger ORDER BY owner LIMIT 500")
	if err != nil {
		return err
	}
	defer rows.Close()
	for n := r.IntN(600); n > 0 && rows.Next(); n-- { // not always to the end
		if err := rows.Scan(new(int), new(int)); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (s *soak) judged(ctx context.Context, _ *rand.Rand) error {
	return s.db.QueryRowContext(ctx, "SELECT count(*) FROM accounts a JOIN ledger l ON l.amount = a.owner % 10").Scan(new(int))
}

func (s *soak) reference(ctx context.Context, _ *rand.Rand) error {
	_, err := s.db.ExecContext(ctx, "UPDATE currencies SET n = n + 1")
	return err
}

func (s *soak) settings(ctx context.Context, r *rand.Rand) error {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	mem := fmt.Sprintf("%dkB", 64+r.IntN(100))
	if _, err := conn.ExecContext(ctx, "SET work_mem = '"+mem+"'"); err != nil {
		return err
	}
	var got string
	err = conn.QueryRowContext(ctx, "SELECT current_setting('work_mem') FROM accounts WHERE owner = $1", r.IntN(soakOwners)).Scan(&got)
	if err == nil && got != mem {
		s.Errorf("the session's setting was %s, not %s", got, mem)
	}
	return err
}

// unfinished leaves a transaction to its context.
func (s *soak) unfinished(ctx context.Context, r *rand.Rand) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	_, _ = tx.ExecContext(ctx, "UPDATE accounts SET balance = balance - 1000000 WHERE owner = $1", r.IntN(soakOwners))
	_, _ = tx.ExecContext(ctx, "UPDATE accounts SET balance = balance + 1 WHERE owner = $1", r.IntN(soakOwners))
	if r.IntN(2) == 0 {
		<-ctx.Done()
	}
	return tx.Rollback()
}

// check looks at what is left when all is quiet.
func (s *soak) check(c *xadriver.Connector) {
	t := s.T
	prepared := func() (n int) {
		for _, server := range s.cluster.Shards {
			n += s.number(server, "SELECT count(*) FROM pg_prepared_xacts")
		}
		return n
	}
	require.Eventually(t, func() bool { return prepared() == 0 }, time.Minute, 100*time.Millisecond, "transactions stay prepared")
	require.Eventually(t, func() bool { return inUse(c) == 0 && c.Stats().Queue == 0 }, time.Minute, 10*time.Millisecond, "connections have leaked: %+v", c.Stats())
	// Who uses a connection that was killed less than a second ago is told so, as with
	// pgx alone: what follows waits until the pools have noticed.
	s.db.SetMaxIdleConns(-1) // idle sessions of database/sql give back the connections that they have parked
	for _, server := range s.cluster.Shards {
		s.terminate(server, 1)
		require.Eventually(t, func() bool { return s.sessions(server) == open(c, server.Name()) }, time.Minute, 50*time.Millisecond, "dead connections stay in the pool: %+v", c.Stats())
	}
	var sum, lines, odd int64
	require.NoError(t, s.db.QueryRow("SELECT sum(balance)::bigint FROM accounts").Scan(&sum))
	assert.EqualValues(t, 1000*soakOwners, sum)
	require.NoError(t, s.db.QueryRow("SELECT count(*) FROM accounts a WHERE balance <> 1000 + (SELECT coalesce(sum(amount), 0) FROM ledger l WHERE l.owner = a.owner)").Scan(&odd))
	assert.Zero(t, odd, "balances that are not what the ledger says")
	there := make(map[uuid.UUID]int64)
	rows, err := s.db.Query("SELECT id, amount FROM ledger")
	require.NoError(t, err)
	defer rows.Close()
	halves := make(map[uuid.UUID]int)
	for ; rows.Next(); lines++ {
		var id uuid.UUID
		var amount int64
		require.NoError(t, rows.Scan(&id, &amount))
		there[id] += amount
		halves[id]++
	}
	require.NoError(t, rows.Err())
	for id, amount := range there {
		assert.True(t, amount == 0 && halves[id] == 2, "transfer %s is there by half", id)
		_, known := s.sure[id]
		assert.True(t, known, "transfer %s is there, though Commit said that it was rolled back", id)
	}
	for id, sure := range s.sure {
		assert.True(t, !sure || halves[id] == 2, "transfer %s is not there, though Commit said that it was", id)
	}
	var copies []string
	for _, server := range s.cluster.Shards {
		copies = append(copies, fmt.Sprint(s.number(server, "SELECT n FROM currencies")))
	}
	assert.Equal(t, strings.Repeat(copies[0]+" ", 3), strings.Join(copies, " ")+" ", "the copies of a reference table differ")
	stats := c.Stats()
	require.NoError(t, s.db.Close())
	for _, server := range s.cluster.Shards {
		require.Eventually(t, func() bool { return s.sessions(server) == 0 }, 10*time.Second, 10*time.Millisecond, "server sessions have leaked")
	}
	t.Logf("%d operations, %d failed or cut short; %d transfers committed, %d in doubt; %d restarts, %d sessions killed; longest operation %s; %d waits for a connection",
		s.ops.Load(), s.failed.Load(), s.committed.Load(), s.doubtful.Load(), s.restarts.Load(), s.kills.Load(), time.Duration(s.longest.Load()).Round(time.Millisecond), stats.Waits)
	assert.Positive(t, s.committed.Load())
}

// sessions counts those of a server, but for the test's own.
func (s *soak) sessions(server *xatest.Server) int {
	s.Helper()
	return s.number(server, "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND application_name <> 'beside'")
}

// open counts the connections to a shard that the pools know.
func open(c *xadriver.Connector, shard string) (n int) {
	for _, p := range c.Stats().Pools {
		if p.Shard == shard {
			n += p.Open
		}
	}
	return n
}

func (s *soak) number(server *xatest.Server, query string) (n int) {
	s.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, server.DSN()+beside)
	require.NoError(s, err)
	defer conn.Close(ctx)
	require.NoError(s, conn.QueryRow(ctx, query).Scan(&n))
	return n
}
