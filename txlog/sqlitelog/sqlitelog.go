// Package sqlitelog keeps the decision log in one SQLite file.
//
// It is the log of an application that runs on one host, on its own or as several
// processes that share the file. The file is in WAL mode with synchronous=FULL: a
// decision is on the disk before Decide returns. One goroutine writes; it puts
// whatever is waiting into one transaction, without waiting for more, so that many
// callers share one flush when there are many and none is delayed when there is one.
//
// The file belongs on a local disk. SQLite's WAL needs locks and memory that all
// its users share, which a network file system does not give; Open refuses those
// it recognizes. Never copy the file back over a newer one, and never delete it
// while transactions may be prepared on the shards: it is the only one who knows
// how they ended.
//
// While the log is open, the files NAME-wal and NAME-shm beside it are part of it.
// NAME-turn is empty: by locks on it, processes take turns at writing. A
// program that opens and closes the file in an application's own process, otherwise
// than through SQLite, takes the application's locks away (close(2) does, see
// fcntl(2)). A backup, made with SQLite's own tools, tells what was decided; it is
// not a log to go on with.
package sqlitelog

import (
	"context"
	"database/sql"
	"io/fs"
	"strings"
	"sync"

	"github.com/google/uuid"
	"github.com/xapg/xapg/txlog"
	"github.com/xapg/xapg/txlog/internal/queue"
)

// Options says whose log to open.
type Options struct {
	// Cluster is the name of the cluster whose transactions the log decides: 1
	// to 16 of a-z, 0-9 and '-'. A log is created with it, and opens with no
	// other.
	Cluster string

	// By tells who opens the log, such as a host, a process and a program: it is
	// kept with the mark. At most 200 bytes are kept.
	By string

	// Sealed opens the log even if it was sealed, for reading it and for Unseal. A
	// sealed log gets no mark: Mark then tells the latest one.
	Sealed bool

	// Contents, when given, is what a new log begins with. A log that exists already
	// is refused.
	Contents *txlog.Contents

	// Hook is called by the writing goroutine at "log.before_insert" (the
	// transaction is open, no decision is written), "log.before_commit" (all
	// are written, nothing is committed) and "log.after_commit" (all are
	// durable, nobody has been told). It is there for crash tests and is nil
	// otherwise.
	Hook func(point string)
}

// Log is a [txlog.Log] in a SQLite file.
type Log struct {
	path     string // as given, for messages
	identity txlog.Identity
	mark     txlog.Mark
	hook     func(point string)

	// The file that was opened: were it moved away, another process would
	// create a second log under its name.
	file fs.FileInfo

	queue    *queue.Queue[job]
	finishes finishes
	reading  reading
	writeDB  *sql.DB
	turn     *turn    // taken by the writer
	session  *session // owned by the writer
	stopped  chan struct{}

	// Readers hold open while they use the database, which Close takes away.
	open     sync.RWMutex
	closed   bool
	closeErr error
}

var _ txlog.Mover = (*Log)(nil)

func init() {
	txlog.Register("sqlite", func(ctx context.Context, url string, o txlog.OpenOptions) (txlog.Log, error) {
		l, err := Open(ctx, strings.TrimPrefix(url, "sqlite:"), Options{Cluster: o.Cluster, By: o.By, Sealed: o.Sealed, Contents: o.Contents})
		if err != nil {
			return nil, err // not a nil *Log, which would be no nil Log
		}
		return l, nil
	})
}

// Open opens the log in the file at path, and creates it, readable and writable by
// its owner only, if there is none or an empty file. The directory must exist.
//
// It returns a [*txlog.ForeignError] for a file that is not a decision log of
// Options.Cluster, which is left as it was, and a [*txlog.DamagedError] for one
// that cannot be trusted. The context bounds the opening only.
func Open(ctx context.Context, path string, o Options) (*Log, error) {
	return open(ctx, path, o, networkName)
}

// open is Open, told how to recognize a network file system.
func open(ctx context.Context, path string, o Options, network func(dir string) (string, error)) (_ *Log, err error) {
	if err := checkCluster(o.Cluster); err != nil {
		return nil, err
	}
	file, err := prepareFile(path, network)
	if err != nil {
		return nil, err
	}
	l := &Log{path: path, file: file, hook: o.Hook, stopped: make(chan struct{})}
	if l.hook == nil {
		l.hook = func(string) {}
	}
	if err := l.start(ctx, o); err != nil {
		l.release()
		return nil, l.explain("opening", err)
	}
	go l.write()
	return l, nil
}

// start opens the database and leaves this opening's mark in it.
func (l *Log) start(ctx context.Context, o Options) error {
	if err := examine(ctx, l.path); err != nil {
		return err
	}
	db, err := sql.Open("sqlite", dsn(l.path, writerParameters))
	if err != nil {
		return err
	}
	l.writeDB = db
	l.turn = openTurn(l.path, l.file.Mode())
	l.identity, l.mark, err = enter(ctx, db, l.path, l.turn, o)
	if err != nil {
		return err
	}
	if l.session, err = newSession(ctx, db, l.path, l.mark.Seq); err != nil {
		return err
	}
	l.finishes.arm = make(chan struct{}, 1)
	l.queue = queue.New[job](1)
	return l.reading.open(ctx, l.path)
}

// Identity tells which log this is.
func (l *Log) Identity() txlog.Identity { return l.identity }

// Mark is what this opening left in the log.
func (l *Log) Mark() txlog.Mark { return l.mark }

// Close answers the calls under way, stores what Finish left pending and closes
// the file. An error says that some of that could not be stored, which recovery
// makes up for. Closing again returns the same.
func (l *Log) Close() error {
	l.open.Lock()
	defer l.open.Unlock()
	if l.closed {
		return l.closeErr
	}
	l.closed = true
	l.queue.Close()
	<-l.stopped
	l.closeErr = l.finishes.failure
	if err := l.release(); l.closeErr == nil && err != nil {
		l.closeErr = l.explain("closing", err)
	}
	return l.closeErr
}

// release closes whatever is open, the writer last: it is the one that may fold the
// WAL into the file.
func (l *Log) release() error {
	l.reading.close()
	defer l.turn.close()
	if l.session != nil {
		l.session.close()
	}
	if l.writeDB == nil {
		return nil
	}
	return l.writeDB.Close()
}

// blob is how ids are stored: their bytes, which sort as ids do.
func blob(id uuid.UUID) []byte { return id[:] }
