package pglog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/xapg/xapg/txlog"
)

// writer stores decisions, one group after the other.
type writer struct {
	l *Log

	conn   *pgx.Conn
	losses int64       // the log's, when it was connected
	key    string      // by which the session is found on the server
	doubt  string      // the key of a session that may still be at work
	warned atomic.Bool // the server has warned of something during this statement
	met    bool        // it was connected before
}

// run ends when the queue is closed and empty.
func (w *writer) run() {
	defer w.drop()
	q := w.l.queue
	for !q.Drained() {
		if q.Len() == 0 {
			<-q.Wake()
			continue
		}
		// Decisions are taken only when there is a connection: until then their
		// callers may still turn back.
		if err := w.connect(context.Background()); err != nil {
			for _, j := range w.l.expire(time.Now().Add(-w.l.place.wait)) {
				j.answer(txlog.Unknown, w.l.explain("writing", err))
			}
			w.pause(err)
			continue
		}
		if jobs := w.l.take(); len(jobs) > 0 {
			w.store(newGroup(jobs))
		}
	}
	q.Signal() // for the next writer
}

// pause waits a little before something is tried again, unless the log is closed.
func (w *writer) pause(err error) {
	if !passing(err) {
		// There is nothing to wait for: those who wait are told.
		for _, j := range w.l.expire(time.Now()) {
			j.answer(txlog.Unknown, w.l.explain("writing", err))
		}
	}
	select {
	case <-time.After(retryPause):
	case <-w.l.stop:
	}
}

const retryPause = 50 * time.Millisecond

// group is what goes into one statement: each id once, in ascending order, as the
// server wants it.
type group struct {
	jobs []*job
	ids  [][16]byte
	of   map[uuid.UUID]txlog.Outcome // what is stored

	outcomes     []int16
	participants []string
	votes        []*string
}

func newGroup(jobs []*job) *group {
	g := &group{jobs: jobs, of: make(map[uuid.UUID]txlog.Outcome, len(jobs))}
	order := slices.Clone(jobs)
	slices.SortStableFunc(order, func(a, b *job) int { return bytes.Compare(a.id[:], b.id[:]) })
	for _, j := range order {
		if n := len(g.ids); n > 0 && g.ids[n-1] == j.id {
			continue // whoever came first decides
		}
		g.ids = append(g.ids, j.id)
		g.outcomes = append(g.outcomes, int16(j.want))
		g.participants = append(g.participants, j.participants)
		g.votes = append(g.votes, j.votes)
	}
	return g
}

// store has a group stored, and answers its jobs.
func (w *writer) store(g *group) {
	w.l.hook("log.before_commit")
	doubt, err := w.settle(g)
	if err == nil {
		w.l.hook("log.after_commit")
	}
	if err != nil && !doubt && len(g.jobs) > 1 && aboutData(err) {
		// One that cannot be stored must not be in the others' way.
		for _, j := range g.jobs {
			w.store(newGroup([]*job{j}))
		}
		return
	}
	if err != nil {
		err = w.l.explain("writing", err)
		if doubt {
			err = &unknownError{err}
		}
	}
	for _, j := range g.jobs {
		stored, ok := g.of[j.id]
		if err == nil && !ok {
			j.answer(txlog.Unknown, &unknownError{errors.New("pglog: the server has not answered for this decision")})
			continue
		}
		j.answer(stored, err)
	}
}

// settle asks the server to store a group until it has answered, or answer_timeout is
// over. When it fails, doubt tells whether something may have been stored.
func (w *writer) settle(g *group) (doubt bool, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), w.l.place.wait)
	defer cancel()
	for tries := 0; ; tries++ {
		if err = w.attempt(ctx, g); err == nil {
			return false, nil
		}
		var sent *sentError
		doubt = doubt || errors.As(err, &sent)
		var damaged *txlog.DamagedError
		if errors.As(err, &damaged) || !doubt && !passing(err) || ctx.Err() != nil {
			return doubt, err
		}
		if tries == 0 {
			w.l.logger.Warn("the decision log's server has not answered for sure; asking again", "log", w.l.place.name, "err", err)
		}
		select {
		case <-time.After(retryPause):
		case <-ctx.Done():
			return doubt, err
		}
	}
}

// sentError says that a statement was sent, and that it is not known what came of it.
type sentError struct{ err error }

func (e *sentError) Error() string { return e.err.Error() }
func (e *sentError) Unwrap() error { return e.err }

// attempt asks the server once, on a connection that may have to be made.
func (w *writer) attempt(ctx context.Context, g *group) error {
	// Some of the time is left for another server.
	ctx, cancel := context.WithTimeout(ctx, max(w.l.place.wait/3, time.Millisecond))
	defer cancel()
	if err := w.connect(ctx); err != nil {
		return err
	}
	w.warned.Store(false)
	told, err := w.ask(ctx, g)
	switch {
	case err != nil && refused(err):
		if passing(err) {
			w.drop()
		}
		return err
	case err != nil:
		w.doubt = w.key
		w.l.losses.Add(1)
		w.drop()
		return &sentError{err}
	case w.warned.Load():
		// Such as: the wait for a standby was cancelled. It is stored here, and what
		// is stored once more is waited for again.
		return &sentError{errors.New("the server has warned that the commit may not be on its standbys")}
	}
	if len(told) < len(g.ids) {
		return w.rest(ctx, g, told)
	}
	for _, d := range told {
		g.of[d.id] = d.stored
	}
	w.l.told.add(told)
	return nil
}

// ask sends the statement and reads what is stored.
func (w *writer) ask(ctx context.Context, g *group) ([]answered, error) {
	rows, err := w.conn.Query(ctx, w.l.sql.decide, g.ids, g.outcomes, g.participants, g.votes, w.l.mark.Seq)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (a answered, err error) {
		err = row.Scan((*[16]byte)(&a.id), &a.stored, &a.at)
		return a, err
	})
}

// rest finds out about a group of which not all is stored: the log was sealed, or is
// damaged. What was decided before can be told all the same.
func (w *writer) rest(ctx context.Context, g *group, told []answered) error {
	to, sealed, err := w.l.readSeal(ctx, w.conn)
	if err != nil {
		return err
	}
	if !sealed {
		return fmt.Errorf("%d of %d decisions were stored, and no seal is found", len(told), len(g.ids))
	}
	list, err := decisions(w.conn.Query(ctx, w.l.sql.told, g.ids))
	if err != nil {
		return err
	}
	for _, d := range list {
		g.of[d.ID] = d.Outcome
	}
	refused := &txlog.SealedError{Log: w.l.place.name, To: to}
	left := g.jobs[:0:0]
	for _, j := range g.jobs {
		if stored, ok := g.of[j.id]; ok {
			left = append(left, j)
			j.stored = stored
			continue
		}
		j.answer(txlog.Unknown, refused)
	}
	g.jobs = left
	return nil
}

// connect makes a connection if there is none, or none to be trusted. A session that may still be at work for
// this writer is ended first.
func (w *writer) connect(ctx context.Context) error {
	losses := w.l.losses.Load()
	if w.conn != nil && !w.conn.IsClosed() && w.losses == losses {
		return nil
	}
	// When another writer has lost the server, nothing is sent to it any more.
	w.drop()
	ctx, cancel := context.WithTimeout(ctx, max(w.l.place.wait/3, time.Millisecond))
	defer cancel()
	w.key, w.losses = newKey(), losses
	conn, err := w.l.place.connect(ctx, w.key, w.notice)
	if err != nil {
		return err
	}
	if w.doubt != "" {
		// It may hold what this writer waits for, such as while it waits for the rest
		// of a statement. That it cannot be ended is no reason not to ask again.
		var n int
		_ = conn.QueryRow(ctx, w.l.sql.fence, w.doubt).Scan(&n)
		w.doubt = ""
	}
	if err := w.l.recognize(ctx, conn); err != nil {
		discard(conn)
		return err
	}
	if w.met {
		w.l.logger.Info("the decision log has a new connection", "log", w.l.place.name, "server", conn.PgConn().Conn().RemoteAddr().String())
	}
	w.conn, w.met = conn, true
	return nil
}

func (w *writer) notice(n *pgconn.Notice) {
	if n.SeverityUnlocalized == "WARNING" {
		w.warned.Store(true)
	}
}

func (w *writer) drop() {
	if w.conn != nil {
		discard(w.conn)
		w.conn = nil
	}
}
