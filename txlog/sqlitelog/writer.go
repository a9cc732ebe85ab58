package sqlitelog

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/google/uuid"
)

// unknownError says that it is not known whether a transaction was stored.
type unknownError struct{ err error }

func (e *unknownError) Error() string {
	return "not known whether it was stored: " + e.err.Error()
}

func (e *unknownError) Unwrap() error { return e.err }

// retryPauses are how long to wait before a transaction whose COMMIT has failed is
// run again.
var retryPauses = []time.Duration{5 * time.Millisecond, 50 * time.Millisecond, 200 * time.Millisecond}

// write is the goroutine that writes. It ends when the queue is closed and empty and
// what was finished is stored, or could not be.
func (l *Log) write() {
	defer close(l.stopped)
	planned := time.NewTimer(flushAfter)
	planned.Stop()
	armed := false
	for {
		flush := false
		select {
		case <-l.queue.Wake():
		case <-l.finishes.arm:
		case <-planned.C:
			armed, flush = false, true
		}
		if flush || l.queue.Len() > 0 {
			l.transact()
		}
		if l.queue.Drained() {
			if l.finishes.waiting() > 0 {
				l.transact()
			}
			return
		}
		if !armed && l.finishes.waiting() > 0 {
			planned.Reset(flushAfter)
			armed = true
		}
	}
}

// transact stores all that waits, in one transaction.
func (l *Log) transact() {
	// Jobs are taken only when the transaction is open: until then their callers
	// may still turn back. Finishes are taken after the jobs, so that they were
	// asked for before any later decision.
	err := l.begin()
	jobs := l.queue.Take(nil)
	ids := l.finishes.begin()
	if err == nil {
		err = l.store(jobs, ids)
	}
	if err != nil {
		err = l.explain("writing", err)
	}
	l.finishes.end(err)
	for _, j := range jobs {
		j.Answer(err)
	}
}

// store brings the open transaction to its end. A COMMIT that fails with an I/O error
// may have reached the disk all the same, and show after a crash. Since every job can
// be applied twice, the transaction is then run again: when that succeeds, all is
// known; what the first one has left is overwritten.
func (l *Log) store(jobs []job, ids []uuid.UUID) error {
	now := time.Now()
	undone, err := l.attempt(now, jobs, ids)
	if err == nil || undone {
		return err
	}
	for _, pause := range retryPauses {
		time.Sleep(pause)
		if err = l.begin(); err != nil {
			continue
		}
		if _, err = l.attempt(now, jobs, ids); err == nil {
			return nil
		}
	}
	return &unknownError{err}
}

// attempt fills and commits the open transaction, or rolls it back. An error leaves
// open which of them has happened, unless undone is true.
func (l *Log) attempt(now time.Time, jobs []job, ids []uuid.UUID) (undone bool, err error) {
	s := l.session
	decides := slices.ContainsFunc(jobs, func(j job) bool { _, ok := j.(*decideJob); return ok })
	if decides {
		l.hook("log.before_insert")
	}
	if err := fill(s, now, jobs, ids); err != nil {
		s.rollback()
		return true, err
	}
	if decides {
		l.hook("log.before_commit")
	}
	if undone, err := s.commit(); err != nil {
		s.rollback()
		return undone, err
	}
	if decides {
		l.hook("log.after_commit")
	}
	return false, nil
}

func fill(s *session, now time.Time, jobs []job, ids []uuid.UUID) error {
	for _, id := range ids {
		if err := s.finish(id); err != nil {
			return err
		}
	}
	for _, j := range jobs {
		if err := j.apply(s, now); err != nil {
			return err
		}
	}
	return nil
}

// begin opens a transaction, on a new connection if the old one is of no use.
func (l *Log) begin() error {
	if err := l.checkFile(); err != nil {
		return err
	}
	if l.session != nil {
		err := l.turn.begin(context.Background(), l.session.begin)
		if !unusable(err) {
			return err
		}
		l.session.close()
		l.session = nil
	}
	s, err := newSession(context.Background(), l.writeDB, l.path, l.mark.Seq)
	if err != nil {
		return err
	}
	l.session = s
	return l.turn.begin(context.Background(), s.begin)
}

// unusable tells that a connection is gone, or stuck in a transaction that could not
// be rolled back (the only reason why BEGIN can be a plain error).
func unusable(err error) bool {
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) || resultCode(err) == codeError
}

// checkFile makes sure that the open file is the one that others find under its name.
func (l *Log) checkFile() error {
	info, err := os.Stat(l.path)
	if err == nil && !os.SameFile(info, l.file) {
		err = errors.New("another file has its name now")
	}
	if err != nil {
		return fmt.Errorf("sqlitelog: the decision log %s was moved, deleted or replaced while in use; "+
			"put the same file back in its place, or restart the application: %w", l.path, err)
	}
	return nil
}
