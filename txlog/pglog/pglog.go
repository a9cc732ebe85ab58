// Package pglog keeps the decision log in a schema of a PostgreSQL database.
//
// It is the log of an application that runs on several hosts. Any PostgreSQL will do,
// one of the shards' servers too, though a server of its own, with a synchronous
// standby, is what makes the log outlive any one machine: [Log.Check] tells what is
// missing.
//
// # URL
//
//	postgres://user@host1,host2/database?schema=bank_log
//
// is what pgx takes, with several hosts where the server has standbys: the log uses
// whichever takes writes, now and after every failover. Parameters of the log's own:
//
//   - schema: where the tables are, _xapg_log by default, created when it is missing.
//     A schema holds one log; the logs of several clusters can share a database under
//     different names.
//   - answer_timeout: how long to try to learn what became of a decision, 30s.
//
// # What is kept, and how
//
// Decide is one statement, INSERT … ON CONFLICT DO UPDATE, which stores a decision or
// rewrites the one that is there as it was, and returns it. Both are written to the
// WAL, so that the answer is as durable as the commit is, standbys included, also when
// an earlier writer was told nothing or was cut off while it waited for a standby.
// Writers put whatever is waiting into one statement, without waiting for more.
//
// When the answer is lost, the statement may have been run, may still run or may never
// run. It is asked again on a new connection, which is always safe since an id is
// decided once, after the old session was ended on the server. Decide gives up after
// answer_timeout, and then says that it does not know.
//
// A failover to a standby that had not received everything loses decisions that were
// acknowledged. Every opening remembers its mark and what it was told last, and looks
// for both on each new connection: if something is missing, the log is marked as
// damaged, on the server, and decides nothing any more.
package pglog

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/xapg/xapg/txlog"
	"github.com/xapg/xapg/txlog/internal/queue"
)

// Options says whose log to open.
type Options struct {
	// Cluster is the name of the cluster whose transactions the log decides: 1 to 16
	// of a-z, 0-9 and '-'. A log is created with it, and opens with no other.
	Cluster string

	// By tells who opens the log: it is kept with the mark.
	By string

	// Logger is told of failovers and of what is tried again. Nil is slog.Default().
	Logger *slog.Logger

	// Sealed opens the log even if it was sealed, for reading it and for Unseal. A
	// sealed log gets no mark: Mark then tells the latest one.
	Sealed bool

	// Contents, when given, is what a new log begins with. A log that exists already
	// is refused.
	Contents *txlog.Contents

	// Configure may change how connections are made, for tests and for credentials
	// that no URL holds.
	Configure func(*pgx.ConnConfig)

	// Hook is called by the writing goroutines at "log.before_commit" (nothing was
	// sent yet) and "log.after_commit" (all is durable, nobody has been told). It is
	// there for crash tests and is nil otherwise.
	Hook func(point string)
}

// Log is a [txlog.Log] in a PostgreSQL database.
type Log struct {
	place    place
	sql      statements
	identity txlog.Identity
	mark     txlog.Mark
	hook     func(point string)
	logger   *slog.Logger

	queue    *queue.Queue[*job]
	finishes finishes
	told     told
	losses   atomic.Int64 // how often a writer has lost its server
	readers  *pgxpool.Pool
	writing  sync.WaitGroup
	stop     chan struct{} // ends what waits for a server
	hurry    chan struct{} // closed before stop: readers give up

	// Those who use the readers hold open, which Close takes away.
	open     sync.RWMutex
	closing  sync.Once
	closed   bool
	closeErr error
}

var (
	_ txlog.Mover   = (*Log)(nil)
	_ txlog.Checker = (*Log)(nil)
)

func init() {
	for _, scheme := range []string{"postgres", "postgresql"} {
		txlog.Register(scheme, func(ctx context.Context, url string, o txlog.OpenOptions) (txlog.Log, error) {
			l, err := Open(ctx, url, Options{Cluster: o.Cluster, By: o.By, Logger: o.Logger, Sealed: o.Sealed, Contents: o.Contents})
			if err != nil {
				return nil, err // not a nil *Log, which would be no nil Log
			}
			return l, nil
		})
	}
}

// writers is how many groups of decisions can be under way at once: while one waits
// for the server's disk, the next is on its way.
const writers = 2

// readers is how many calls can read at once.
const readers = 4

// Open opens the log that the URL leads to, and creates it if there is none.
//
// It returns a [*txlog.ForeignError] for a schema that is not a decision log of
// Options.Cluster, which is left as it was, and a [*txlog.DamagedError] for one that
// has lost decisions. The context bounds the opening only, as does answer_timeout.
func Open(ctx context.Context, url string, o Options) (*Log, error) {
	if err := checkCluster(o.Cluster); err != nil {
		return nil, err
	}
	p, err := parse(url, o.Configure)
	if err != nil {
		return nil, err
	}
	l := &Log{place: p, sql: statementsFor(p.schema), hook: o.Hook, logger: o.Logger, stop: make(chan struct{}), hurry: make(chan struct{})}
	if l.hook == nil {
		l.hook = func(string) {}
	}
	if l.logger == nil {
		l.logger = slog.Default()
	}
	ctx, cancel := context.WithTimeout(ctx, p.wait)
	defer cancel()
	if err := l.enter(ctx, o); err != nil {
		return nil, l.explain("opening", err)
	}
	if l.readers, err = l.pool(); err != nil {
		return nil, l.explain("opening", err)
	}
	l.finishes.arm = make(chan struct{}, 1)
	l.queue = queue.New[*job](writers)
	for range writers {
		l.writing.Go((&writer{l: l}).run)
	}
	l.writing.Go(l.flushing)
	return l, nil
}

// pool makes the connections that read.
func (l *Log) pool() (*pgxpool.Pool, error) {
	cfg, err := pgxpool.ParseConfig("")
	if err != nil {
		return nil, err
	}
	cfg.ConnConfig = l.place.config(newKey(), nil)
	cfg.MaxConns, cfg.MinConns = readers, 0
	cfg.MaxConnIdleTime = 5 * time.Minute
	cfg.AfterConnect = durably
	return pgxpool.NewWithConfig(context.Background(), cfg)
}

// Identity tells which log this is.
func (l *Log) Identity() txlog.Identity { return l.identity }

// Mark is what this opening left in the log.
func (l *Log) Mark() txlog.Mark { return l.mark }

// Close answers the calls under way, stores what Finish left pending and gives the
// connections back. An error says that some of that could not be stored, which
// recovery makes up for. Closing again returns the same.
func (l *Log) Close() error {
	l.closing.Do(func() { close(l.hurry) })
	l.open.Lock()
	defer l.open.Unlock()
	if l.closed {
		return l.closeErr
	}
	l.closed = true
	close(l.stop)
	l.queue.Close()
	l.writing.Wait()
	l.closeErr = l.explain("closing", l.finishes.failure)
	l.readers.Close()
	return l.closeErr
}

func checkCluster(name string) error {
	ok := len(name) >= 1 && len(name) <= 16
	for _, c := range name {
		ok = ok && (c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-')
	}
	if !ok {
		return fmt.Errorf("pglog: %q is not a cluster's name; use 1 to 16 of a-z, 0-9 and '-'", name)
	}
	return nil
}

// newKey makes the name under which a session is found on the server.
func newKey() string {
	return "xapg decision log " + strings.ReplaceAll(uuid.NewString(), "-", "")[:20]
}
