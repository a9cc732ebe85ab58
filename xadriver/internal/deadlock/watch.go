package deadlock

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/xapg/xapg/xadriver/internal/shard"
)

// Options of a Watch.
type Options struct {
	// Shards are the pools whose connections are watched, several of one shard among them.
	Shards []*shard.Shard
	// Asking are the shards, each once: questions are put over these.
	Asking []*shard.Shard
	// Timeout is how long a statement runs before somebody looks why.
	Timeout time.Duration
	// Broken, when set, is told of each circle that was broken here.
	Broken func(*Circle)
}

// Watch sees to it that statements of this process that wait in a circle do not wait for
// ever. While statements are short it costs nothing but reading, a few times a second, a
// number from each connection.
type Watch struct {
	options  Options
	detector *Detector
	servers  map[string]Server
	seen     map[*shard.Conn]sight
	stop     context.CancelFunc
	done     sync.WaitGroup
}

// sight is a connection's statement as it was seen last.
type sight struct {
	statement uint64
	next      time.Time // when somebody is to look
	round     uint64
}

// How long things take that are short beside any sensible timeout.
const (
	mostPause   = 250 * time.Millisecond // between two glances at the connections
	betweenTwo  = 50 * time.Millisecond  // between two looks at the shards
	freshEnough = time.Second            // from the second look's beginning to the verdict
	answerTime  = 2 * time.Second        // that a shard has for an answer
	longer      = 2 * time.Second        // than the timeout others wait for the victim's own process
)

// Start begins to watch.
func Start(o Options) *Watch {
	w := &Watch{options: o, servers: make(map[string]Server), seen: make(map[*shard.Conn]sight)}
	// The victim's own process may see the circle later than others do: it looks when the
	// victim has waited for long enough, and not when the circle was closed.
	w.detector = &Detector{Mine: w.mine, Grace: o.Timeout + longer, Fresh: freshEnough, Answer: answerTime, Clock: time.Now, Broken: o.Broken, Pause: func(ctx context.Context) error {
		return pause(ctx, betweenTwo)
	}}
	for _, sh := range o.Asking {
		s := Server{Shard: sh}
		w.servers[sh.Name()] = s
		w.detector.Shards = append(w.detector.Shards, s)
	}
	ctx, stop := context.WithCancel(context.Background())
	w.stop = stop
	w.done.Go(func() { w.run(ctx) })
	return w
}

// Close stops watching and waits until nothing is under way.
func (w *Watch) Close() {
	w.stop()
	w.done.Wait()
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *Watch) run(ctx context.Context) {
	every := min(max(w.options.Timeout/4, time.Millisecond), mostPause)
	for round := uint64(1); pause(ctx, every) == nil; round++ {
		if long := w.long(time.Now(), round); len(long) > 0 && w.waiting(ctx, long) {
			w.detector.Run(ctx)
		}
	}
}

// long lists the processes, by shard, that have been at the same statement for the whole
// timeout, and again after each further one.
func (w *Watch) long(now time.Time, round uint64) map[string][]int {
	var long map[string][]int
	for _, sh := range w.options.Shards {
		sh.Conns(func(c *shard.Conn) {
			n := c.Running()
			if n == 0 {
				return
			}
			s, known := w.seen[c]
			switch {
			case !known || s.statement != n:
				s = sight{statement: n, next: now.Add(w.options.Timeout)}
			case !now.Before(s.next):
				s.next = now.Add(w.options.Timeout)
				if long == nil {
					long = make(map[string][]int)
				}
				if pid := c.PID(); pid != 0 {
					long[sh.Name()] = append(long[sh.Name()], int(pid))
				}
			}
			s.round = round
			w.seen[c] = s
		})
	}
	for c, s := range w.seen {
		if s.round != round {
			delete(w.seen, c)
		}
	}
	return long
}

// waiting reports whether any of them waits for a lock.
func (w *Watch) waiting(ctx context.Context, long map[string][]int) bool {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	var some bool
	var mu sync.Mutex
	var wg sync.WaitGroup
	for name, pids := range long {
		wg.Go(func() {
			waits, err := w.servers[name].Waits(ctx, pids)
			mu.Lock()
			defer mu.Unlock()
			some = some || waits && err == nil
		})
	}
	wg.Wait()
	return some
}

// mine finds the connection to a session, and what it is at.
func (w *Watch) mine(name string, pid int) (found Statement) {
	for _, sh := range w.options.Shards {
		if sh.Name() != name {
			continue
		}
		sh.Conns(func(c *shard.Conn) {
			if n := c.Running(); n != 0 && c.PID() == uint32(pid) { //nolint:gosec // process ids are small
				found = func(verdict pgconn.PgError, send func() bool) bool { return c.Cancel(n, verdict, send) }
			}
		})
	}
	return found
}
