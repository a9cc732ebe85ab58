package pglog_test

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/xapg/xapg/txlog"
	"github.com/xapg/xapg/txlog/pglog"
)

// counting counts what a client says before it listens: its round trips.
type counting struct {
	net.Conn
	trips *atomic.Int64
	binds atomic.Int64 // prepared statements that it has run
}

func (c *counting) Write(b []byte) (int, error) {
	c.trips.Add(1)
	if len(b) > 0 && b[0] == 'B' {
		c.binds.Add(1)
	}
	return c.Conn.Write(b)
}

// A group of decisions takes one round trip, however many they are.
func TestAGroupTakesOneRoundTrip(t *testing.T) {
	var trips, groups atomic.Int64
	var mu sync.Mutex
	var conns []*counting
	l, err := pglog.Open(t.Context(), fresh(t), pglog.Options{
		Cluster: "bank",
		Hook: func(point string) {
			if point == "log.before_commit" {
				groups.Add(1)
			}
		},
		Configure: func(c *pgx.ConnConfig) {
			dial := c.DialFunc
			c.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
				conn, err := dial(ctx, network, addr)
				if err != nil {
					return nil, err
				}
				counted := &counting{Conn: conn, trips: &trips}
				mu.Lock()
				defer mu.Unlock()
				conns = append(conns, counted)
				return counted, nil
			}
		},
	})
	require.NoError(t, err)
	defer l.Close()
	decide := func(callers int) (trip, group int64) {
		trip, group = trips.Load(), groups.Load()
		var wg sync.WaitGroup
		for range callers {
			wg.Go(func() {
				got, err := l.Decide(t.Context(), newID(), txlog.Commit, shards)
				assert.NoError(t, err)
				assert.Equal(t, txlog.Commit, got)
			})
		}
		wg.Wait()
		return trips.Load() - trip, groups.Load() - group
	}
	// The first connection was that of the opening. The two writers' have each run the
	// statements that every connection begins with, and some groups.
	require.Eventually(t, func() bool {
		decide(50)
		mu.Lock()
		defer mu.Unlock()
		return len(conns) == 3 && conns[1].binds.Load() > 6 && conns[2].binds.Load() > 6
	}, time.Minute, time.Millisecond)

	for range 20 {
		trip, group := decide(1)
		assert.Equal(t, int64(1), trip)
		assert.Equal(t, int64(1), group)
	}
	trip, group := decide(200)
	assert.Equal(t, group, trip)
	assert.Less(t, group, int64(200), "callers who wait should go together")
	t.Log("200 decisions at once went in", group, "groups")
}
