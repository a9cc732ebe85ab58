// Package etcdlog keeps the decision log in an etcd cluster.
//
// It is the log of applications on several hosts that have an etcd cluster already,
// or want decisions to outlive any one machine: a decision is in the logs of most
// members, flushed, before Decide returns, and the cluster goes on as long as most of
// its members do. A program that wants it imports this package; a URL then leads to
// the log:
//
//	import _ "github.com/xapg/xapg/txlog/etcdlog"
//	…
//	log=etcd://h1:2379,h2:2379,h3:2379/xapg/bank
//
// The path is the prefix of all keys of the log, which belong to nobody else. See
// [Open] for the parameters.
//
// # The register
//
// A decision is one key, put by a transaction that etcd applies only if the key was
// never created (or was forgotten): whoever comes first wins, by the cluster's own
// consensus. All that waits is put by one request, as a transaction of transactions.
// Each is also bound to the key that identifies the log, to this opening's mark and
// to the absence of a seal: where the keys were deleted or are those of an earlier time,
// nothing is decided. A cluster that was restored from a snapshot is told by its id, and
// one that has gone back by the revisions of its answers.
//
// All reads are linearizable. A member that is cut off from the others answers
// nothing, rather than something old.
//
// When the answer to a request is lost, it is asked again; the condition makes that
// harmless. If no answer is to be had, Decide's error leaves open what happened: the
// request may still be on its way. [txlog.ErrNotStored] is returned only when the
// request was never sent, or when each one sent was answered by a refusal.
//
// # Time
//
// etcd has no clock that its users can read, and clocks of hosts are not compared
// here. A decision's time (At) is that of the host that decided, for people to read.
// Forget goes by a clock of the log itself: a row of keys, to which any opening may
// add the time that has passed, by its own measure, since it saw the last one. Which
// key a decision is older than is told by etcd's revisions. So a decision is
// forgotten late rather than early, and time during which nobody has the log open
// does not count. Of its own decisions an opening knows the age by itself.
//
// # Room
//
// The cluster's history is compacted by the cluster (etcd's
// --auto-compaction-retention), never by this package, whose keys may be a few
// among many.
package etcdlog

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/xapg/xapg/txlog"
	"github.com/xapg/xapg/txlog/internal/queue"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// Options says whose log to open.
type Options struct {
	// Cluster is the name of the cluster whose transactions the log decides: 1 to 16
	// of a-z, 0-9 and '-'. A log is created with it, and opens with no other.
	Cluster string

	// By tells who opens the log, such as a host, a process and a program: it is kept
	// with the mark. At most 200 bytes are kept.
	By string

	// Logger is told when what Finish noted cannot be stored. Nil is slog.Default().
	Logger *slog.Logger

	// Sealed opens the log even if it was sealed, for reading it and for Unseal. A
	// sealed log gets no mark: Mark then tells the latest one.
	Sealed bool

	// Contents, when given, is what a new log begins with. A log that exists already
	// is refused.
	Contents *txlog.Contents

	// Hook is called by the writing goroutine at "log.before_request" (decisions are
	// about to be sent) and "log.after_request" (they are stored, nobody has been
	// told). It is there for crash tests and is nil otherwise.
	Hook func(point string)
}

// Log is a [txlog.Mover] in an etcd cluster.
type Log struct {
	where  string // for messages, without secrets
	key    keys
	to     members
	wait   time.Duration // how long a request is tried
	logger *slog.Logger
	hook   func(point string)
	born   time.Time // with a monotonic reading: see now

	history  history
	identity txlog.Identity
	mark     txlog.Mark
	marked   bool               // the mark is this opening's own
	guards   []clientv3.Cmp     // that this is still the log that was opened
	doubtful bool               // the writer's: the last request was not answered
	workers  sync.WaitGroup     // the writer and the finisher
	closing  atomic.Bool        // Close was called
	stop     chan struct{}      // closed when the writer has stopped
	open     sync.RWMutex       // held by calls; Close takes it away
	closed   bool               // under open
	closeErr error              // under open
	queue    *queue.Queue[*job] // decisions that wait
	finishes finishes           // what was finished but is not stored
	fresh    fresh              // where own decisions are
	clock    clock              // the log's own
	flush    chan struct{}      // holds one token: who stores what was finished
	life     context.Context    // ends with the log
	end      context.CancelFunc
}

var _ txlog.Mover = (*Log)(nil)

func init() {
	open := func(ctx context.Context, url string, o txlog.OpenOptions) (txlog.Log, error) {
		l, err := Open(ctx, url, Options{Cluster: o.Cluster, By: o.By, Logger: o.Logger, Sealed: o.Sealed, Contents: o.Contents})
		if err != nil {
			return nil, err // not a nil *Log, which would be no nil Log
		}
		return l, nil
	}
	txlog.Register("etcd", open)
	txlog.Register("etcds", open)
}

// Open opens the log at a URL, and creates it if there are no keys under its prefix:
//
//	etcd://[user[:password]@]host[:port],…/prefix[?parameters]
//
// The scheme etcds is etcd with tls=on. All members should be named: each is asked in
// turn. Parameters:
//
//	tls          on or off; off by default, on when one of the next four is given
//	cacert       file of the certificates to trust; those of the system by default
//	cert, key    files of this client's certificate and key
//	server_name  the name in the members' certificates; the host's by default
//	user         with password: who to be; better than in front of the hosts when it
//	password     has odd characters, percent-encoded all the same
//	timeout      how long a request is tried, at all members; 10s by default
//
// For what the URL leaves out, the environment variables XAPG_ETCD_CACERT, _CERT,
// _KEY, _USER and _PASSWORD stand in.
//
// It returns a [*txlog.ForeignError] for a prefix that is not a decision log of
// Options.Cluster, which is left as it was, and a [*txlog.DamagedError] for one that
// cannot be trusted. The context bounds the opening only.
func Open(ctx context.Context, url string, o Options) (*Log, error) {
	if err := checkCluster(o.Cluster); err != nil {
		return nil, err
	}
	p, err := parse(url)
	if err != nil {
		return nil, err
	}
	l := &Log{
		where: p.where, key: keys{p.prefix}, wait: p.timeout, logger: o.Logger, hook: o.Hook,
		born: time.Now(), stop: make(chan struct{}), flush: make(chan struct{}, 1),
	}
	if l.logger == nil {
		l.logger = slog.Default()
	}
	if l.hook == nil {
		l.hook = func(string) {}
	}
	if err := l.to.open(p); err != nil {
		return nil, err
	}
	if err := l.enter(ctx, o); err != nil {
		_ = l.to.close()
		return nil, l.explain("opening", err)
	}
	l.queue = queue.New[*job](1)
	l.finishes.arm = make(chan struct{}, 1)
	l.flush <- struct{}{}
	l.life, l.end = context.WithCancel(context.Background())
	l.workers.Go(l.write)
	l.workers.Go(l.finish)
	return l, nil
}

// Identity tells which log this is.
func (l *Log) Identity() txlog.Identity { return l.identity }

// Mark is what this opening left in the log.
func (l *Log) Mark() txlog.Mark { return l.mark }

// Close answers the calls under way, stores what Finish left pending and closes the
// connections. An error says that some of that could not be stored, which recovery
// makes up for. Closing again returns the same.
func (l *Log) Close() error {
	l.closing.Store(true)
	l.open.Lock()
	defer l.open.Unlock()
	if l.closed {
		return l.closeErr
	}
	l.closed = true
	l.queue.Close()
	l.workers.Wait()
	l.end()
	l.closeErr = l.finishes.last()
	if err := l.to.close(); l.closeErr == nil && err != nil {
		l.closeErr = l.explain("closing", err)
	}
	return l.closeErr
}

// use begins a call, and holds l.open if it may.
func (l *Log) use(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	l.open.RLock()
	if l.closed {
		l.open.RUnlock()
		return txlog.ErrClosed
	}
	return nil
}

// now is the time by this host's clock when the log was opened, and from there on by
// a clock that nobody sets.
func (l *Log) now() time.Time { return l.born.Add(time.Since(l.born)) }

func newID() uuid.UUID { return uuid.New() }
