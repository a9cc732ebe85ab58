package shard

import (
	"errors"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgconn"
)

// Whoever looks for deadlocks must know, at any moment and from another goroutine, how
// long a connection has been at the same statement. That costs a statement two stores:
// the clock is read by whoever looks.

// running tells which statement a connection is at.
type running struct {
	number uint64        // of the last statement, for the connection's user
	now    atomic.Uint64 // that of the statement that runs, 0 for none
	doom   atomic.Pointer[Doom]
}

// Doom is what awaits a statement: somebody is about to cancel it.
type Doom struct {
	statement uint64
	verdict   pgconn.PgError
	done      chan struct{} // closed when nothing more will be sent for it
	sent      bool          // the cancellation was sent; to be read when done is closed
}

// starts is called before anything is sent. A cancellation that was meant for an earlier
// statement and is still on its way is waited for, so that it cannot hit this one.
func (r *running) starts() {
	if d := r.doom.Load(); d != nil {
		<-d.done
		r.doom.CompareAndSwap(d, nil)
	}
	r.number++
	r.now.Store(r.number)
}

// ends is called when nothing more is to come of the statement. The error of one that was
// cancelled as doomed becomes the verdict on it.
func (r *running) ends(err error) error {
	n := r.now.Swap(0)
	if d := r.doom.Load(); d != nil && err != nil && n != 0 {
		<-d.done
		r.doom.CompareAndSwap(d, nil)
		var pgErr *pgconn.PgError
		if d.sent && d.statement == n && errors.As(err, &pgErr) && pgErr.Code == "57014" { // query_canceled
			pgErr.Code, pgErr.Message, pgErr.Detail, pgErr.Hint = d.verdict.Code, d.verdict.Message, d.verdict.Detail, d.verdict.Hint
			pgErr.File, pgErr.Line, pgErr.Routine = "", 0, ""
		}
	}
	return err
}

// unlessRows ends the statement if no rows are to come of it.
func (c *Conn) unlessRows(err error) error {
	if err != nil {
		return c.running.ends(err)
	}
	return nil
}

// Running is the number of the statement that the connection is at, 0 for none. It may be
// asked at any time.
func (c *Conn) Running() uint64 { return c.running.now.Load() }

// Done tells the connection that the rows of its statement have been read, or that there
// are no more because of err.
func (c *Conn) Done(err error) {
	if c.running.now.Load() != 0 {
		_ = c.running.ends(err)
	}
}

// PID is that of the connection's server process, 0 where it is not known.
func (c *Conn) PID() uint32 {
	if c.pgx == nil {
		return 0
	}
	return c.pgx.Conn().PgConn().PID()
}

// Carries reports whether a statement that is queued costs no round trip of its own.
func (c *Conn) Carries() bool { return c.ahead != nil }

// Cancel lets a statement be cancelled, by what send does, if it is still the one of that
// number; it then ends with the verdict. send reports whether it may have sent a
// cancellation. No other statement is begun on the connection before send returns. Cancel
// may be called at any time.
func (c *Conn) Cancel(statement uint64, verdict pgconn.PgError, send func() bool) bool {
	d, last := &Doom{statement: statement, verdict: verdict, done: make(chan struct{})}, c.running.doom.Load()
	if last != nil {
		select {
		case <-last.done: // it had no effect, or not yet
		default:
			return false
		}
	}
	if statement == 0 || !c.running.doom.CompareAndSwap(last, d) {
		return false
	}
	defer close(d.done)
	if c.running.now.Load() == statement {
		d.sent = send()
	}
	if !d.sent {
		c.running.doom.CompareAndSwap(d, nil)
	}
	return d.sent
}

// roster lists all connections of a shard, whoever uses them.
type roster struct {
	mu    sync.Mutex
	conns map[*Conn]struct{}
}

func (r *roster) add(c *Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.conns == nil {
		r.conns = make(map[*Conn]struct{})
	}
	r.conns[c] = struct{}{}
}

func (r *roster) remove(c *Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.conns, c)
}

// Conns calls f for each connection that is open, in no order. f must not use the shard.
func (s *Shard) Conns(f func(*Conn)) {
	s.roster.mu.Lock()
	defer s.roster.mu.Unlock()
	for c := range s.roster.conns {
		f(c)
	}
}
