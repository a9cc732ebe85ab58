package sqlitelog

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/xapg/xapg/txlog"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// SQLite's result codes that are told apart, without their extensions.
const (
	codeError    = sqlite3.SQLITE_ERROR
	codeBusy     = sqlite3.SQLITE_BUSY
	codeLocked   = sqlite3.SQLITE_LOCKED
	codeReadOnly = sqlite3.SQLITE_READONLY
	codeIO       = sqlite3.SQLITE_IOERR
	codeCorrupt  = sqlite3.SQLITE_CORRUPT
	codeFull     = sqlite3.SQLITE_FULL
	codeCantOpen = sqlite3.SQLITE_CANTOPEN
	codeProtocol = sqlite3.SQLITE_PROTOCOL
	codeNoLFS    = sqlite3.SQLITE_NOLFS
	codeNotADB   = sqlite3.SQLITE_NOTADB
)

// busyWait is how long another process may hold the log's lock before a call gives
// up. Its transactions take milliseconds: whoever holds it longer is not one of us,
// or stopped.
var busyWait = 5 * time.Second

// resultCode is the primary result code of SQLite's error, or 0.
func resultCode(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code() & 0xff
	}
	return 0
}

// cannotLock tells the I/O errors that come from file systems without locks or
// shared memory.
func cannotLock(err error) bool {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Code() {
	case sqlite3.SQLITE_IOERR_LOCK, sqlite3.SQLITE_IOERR_RDLOCK, sqlite3.SQLITE_IOERR_UNLOCK,
		sqlite3.SQLITE_IOERR_CHECKRESERVEDLOCK, sqlite3.SQLITE_IOERR_SHMMAP, sqlite3.SQLITE_IOERR_SHMOPEN,
		sqlite3.SQLITE_IOERR_SHMLOCK:
		return true
	}
	return e.Code()&0xff == codeProtocol
}

// explain says what an error of SQLite means for the log and what to do about it.
func (l *Log) explain(doing string, err error) error {
	var foreign *txlog.ForeignError
	var broken *txlog.DamagedError
	var sealed *txlog.SealedError
	if err == nil || errors.As(err, &foreign) || errors.As(err, &broken) || errors.As(err, &sealed) {
		return err
	}
	var advice string
	if unknown, ok := err.(*unknownError); ok { //nolint:errorlint // only the outermost is taken apart
		return &unknownError{l.explain(doing, unknown.err)}
	}
	code := resultCode(err)
	switch {
	case code == codeCorrupt || code == codeNotADB:
		return damaged(l.path, err)
	case cannotLock(err):
		advice = "its file system cannot lock or share memory as SQLite's WAL needs; put it on a local disk"
	case code == codeFull:
		advice = "the disk is full, or a quota is; make room, the log then goes on by itself"
	case code == codeReadOnly:
		advice = "the file, its directory or its file system is read-only; make it writable"
	case code == codeCantOpen:
		advice = "the file, or one of its companions -wal and -shm, cannot be opened for writing; look at the permissions of the file, its directory and its file system"
	case code == codeBusy || code == codeLocked:
		advice = fmt.Sprintf("another process has kept it locked for %v; find and end whoever holds it (a backup, an SQLite shell?)", busyWait)
	case code == codeIO:
		advice = "the disk reports an error; look at the system's log"
	}
	if advice == "" {
		return fmt.Errorf("sqlitelog: %s the decision log %s: %w", doing, l.path, err)
	}
	return fmt.Errorf("sqlitelog: %s the decision log %s: %s: %w", doing, l.path, advice, err)
}

func damaged(path string, err error) error {
	return &txlog.DamagedError{Log: path, Err: err, Advice: "stop every process that uses it, keep a copy of it and its -wal file, " +
		"and recover what can be read with the sqlite3 shell's .recover; before a new log is begun, finish by hand " +
		"what is still prepared on the shards (pg_prepared_xacts)"}
}

// notStored says that a call stored nothing, and why.
func notStored(cause error) error {
	return fmt.Errorf("%w: %w", txlog.ErrNotStored, cause)
}

// whileBusy repeats f as long as another process is in the way, up to busyWait.
func whileBusy(ctx context.Context, f func() error) error {
	for deadline := time.Now().Add(busyWait); ; {
		err := f()
		if code := resultCode(err); code != codeBusy && code != codeLocked {
			return err
		}
		if ctx.Err() != nil || time.Now().After(deadline) {
			return err
		}
		pause()
	}
}

// pause is short and random: against a process that commits without pause, a lock is
// free for moments only.
func pause() { time.Sleep(time.Duration(100+rand.IntN(1500)) * time.Microsecond) }
