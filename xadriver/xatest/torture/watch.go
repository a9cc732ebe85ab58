package main

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/xapg/xapg/xadriver/internal/gid"
)

// watch looks at what is prepared on the servers, all the time, and so knows how
// long the locks of those who died were held.
type watch struct {
	arena *arena
	done  sync.WaitGroup
	stop  context.CancelFunc

	mu    sync.Mutex
	owner map[int64]*process // by opening of the log
	left  []leftover
}

// leftover is a prepared transaction that outlived its coordinator.
type leftover struct {
	gid   string
	by    *process
	after time.Duration // from its coordinator's death until it was gone
	age   time.Duration // by the server's clock, when it was last seen
	gone  time.Time
}

const lookEvery = 15 * time.Millisecond

func newWatch(a *arena) *watch {
	ctx, cancel := context.WithCancel(context.Background())
	w := &watch{arena: a, stop: cancel, owner: make(map[int64]*process)}
	for _, s := range a.cluster.Shards {
		w.done.Go(func() {
			for ctx.Err() == nil {
				w.look(ctx, s.DSN())
				time.Sleep(lookEvery)
			}
		})
	}
	return w
}

// knows notes whose opening of the log it is.
func (w *watch) knows(opening int64, p *process) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.owner[opening] = p
}

// look looks at one server for as long as its connection lasts.
func (w *watch) look(ctx context.Context, dsn string) {
	attempt, cancel := context.WithTimeout(ctx, 3*time.Second)
	conn, err := pgx.Connect(attempt, dsn)
	cancel()
	if err != nil {
		return
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = conn.Close(ctx)
	}()
	seen := make(map[string]time.Duration)
	for ctx.Err() == nil {
		now, err := preparedNow(ctx, conn)
		if err != nil {
			return
		}
		for name, age := range seen {
			if _, still := now[name]; !still {
				w.gone(name, age)
			}
		}
		seen = now
		time.Sleep(lookEvery)
	}
}

func preparedNow(ctx context.Context, conn *pgx.Conn) (map[string]time.Duration, error) {
	rows, err := conn.Query(ctx, "SELECT gid, extract(epoch FROM clock_timestamp() - prepared)::float8 FROM pg_prepared_xacts")
	if err != nil {
		return nil, err
	}
	list := make(map[string]time.Duration)
	var name string
	var age float64
	_, err = pgx.ForEachRow(rows, []any{&name, &age}, func() error {
		list[name] = time.Duration(age * float64(time.Second))
		return nil
	})
	return list, err
}

// gone notes a prepared transaction that is not there any more, if it has outlived
// its coordinator.
func (w *watch) gone(name string, age time.Duration) {
	id, err := gid.Parse(name)
	if err != nil {
		return
	}
	now := time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.owner[gid.Opening(id.Txn)]
	if p == nil {
		return
	}
	if killed := p.fate().killed; !killed.IsZero() && killed.Before(now) {
		w.left = append(w.left, leftover{name, p, now.Sub(killed), age, now})
	}
}

// take returns what has been found since the last time.
func (w *watch) take() []leftover {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := w.left
	w.left, w.owner = nil, make(map[int64]*process)
	return list
}

// Close stops looking.
func (w *watch) Close() {
	w.stop()
	w.done.Wait()
}
