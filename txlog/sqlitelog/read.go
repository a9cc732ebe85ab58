package sqlitelog

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/xapg/xapg/txlog"
)

// reading holds the connections that read. They never wait for the writer, and see
// what it has flushed.
type reading struct {
	db     *sql.DB
	names  sync.Map  // participants' numbers to names
	anchor *sql.Conn // see open

	// What recovery asks again and again is prepared: for such small answers SQLite
	// takes longer to read the question than to answer it.
	one, unfinished, records, mark, due *sql.Stmt
}

// readers is how many calls can read at once.
const readers = 4

// A limit is written as a sum, since SQLite prepares a statement anew for each limit
// that is a parameter by itself.
const (
	selectDecision = "SELECT d.id, d.outcome, d.participants, d.at, d.by, d.votes, " +
		"EXISTS (SELECT 1 FROM unfinished u WHERE u.id = d.id) FROM decisions d "
	selectOne        = selectDecision + "WHERE d.id = ?"
	selectRecords    = selectDecision + "WHERE d.id > ? ORDER BY d.id LIMIT 0 + ?"
	selectUnfinished = "SELECT d.id, d.outcome, d.participants, d.at, d.by, d.votes, 1 " +
		"FROM unfinished u JOIN decisions d ON d.id = u.id WHERE u.id > ? ORDER BY u.id LIMIT 0 + ?"
	selectMark = "SELECT EXISTS (SELECT 1 FROM marks WHERE seq = ? AND id = ?)"
	selectDue  = "SELECT EXISTS (SELECT 1 FROM finished WHERE at <= ?)"
)

// open opens the connections. One of them, the anchor, stays open and idle as long as
// the log: while any connection is open, SQLite trusts its shared index of the WAL,
// and what a failed flush has left in the WAL is not taken for committed.
func (r *reading) open(ctx context.Context, path string) (err error) {
	if r.db, err = sql.Open("sqlite", dsn(path, readerParameters)); err != nil {
		return err
	}
	r.db.SetMaxOpenConns(readers + 1)
	r.db.SetMaxIdleConns(readers + 1)
	if r.anchor, err = r.db.Conn(ctx); err != nil {
		return err
	}
	var n int
	if err := r.anchor.QueryRowContext(ctx, "SELECT count(*) FROM meta").Scan(&n); err != nil {
		return err
	}
	for stmt, text := range map[**sql.Stmt]string{
		&r.one: selectOne, &r.unfinished: selectUnfinished, &r.records: selectRecords, &r.mark: selectMark, &r.due: selectDue,
	} {
		if *stmt, err = r.db.PrepareContext(ctx, text); err != nil {
			return err
		}
	}
	return nil
}

func (r *reading) close() {
	for _, stmt := range []*sql.Stmt{r.one, r.unfinished, r.records, r.mark, r.due} {
		if stmt != nil {
			_ = stmt.Close()
		}
	}
	if r.anchor != nil {
		_ = r.anchor.Close()
	}
	if r.db != nil {
		_ = r.db.Close()
	}
}

// enter begins a call that reads, and holds l.open if it may. A connection that is
// opened only now must find the same file.
func (l *Log) enter() error {
	l.open.RLock()
	err := txlog.ErrClosed
	if !l.closed {
		err = l.checkFile()
	}
	if err != nil {
		l.open.RUnlock()
	}
	return err
}

// HasMark tells whether m is one of this log's marks.
func (l *Log) HasMark(ctx context.Context, m txlog.Mark) (bool, error) {
	if err := l.enter(); err != nil {
		return false, err
	}
	defer l.open.RUnlock()
	var found bool
	err := l.reading.mark.QueryRowContext(ctx, m.Seq, blob(m.ID)).Scan(&found)
	return found, l.explain("reading", err)
}

// Lookup returns the decision on transaction id, or [txlog.ErrNoDecision].
func (l *Log) Lookup(ctx context.Context, id uuid.UUID) (txlog.Decision, error) {
	if err := l.enter(); err != nil {
		return txlog.Decision{}, err
	}
	defer l.open.RUnlock()
	// Asked first: between the two, what is finished may become stored, but not the
	// other way round.
	finished := l.finishes.has(id)
	found, err := l.decisions(ctx, l.reading.one, blob(id))
	if err != nil {
		return txlog.Decision{}, l.explain("reading", err)
	}
	if len(found) == 0 {
		return txlog.Decision{}, txlog.ErrNoDecision
	}
	d := found[0]
	d.Finished = d.Finished || finished
	return d, nil
}

// Unfinished returns up to limit unfinished decisions with ids greater than after, in
// ascending order of ids.
func (l *Log) Unfinished(ctx context.Context, after uuid.UUID, limit int) ([]txlog.Decision, error) {
	if err := l.enter(); err != nil {
		return nil, err
	}
	defer l.open.RUnlock()
	finished := l.finishes.snapshot()
	var list []txlog.Decision
	for len(list) < limit {
		want := limit - len(list)
		page, err := l.decisions(ctx, l.reading.unfinished, blob(after), want)
		if err != nil {
			return nil, l.explain("reading", err)
		}
		for _, d := range page {
			after = d.ID
			if _, ok := finished[d.ID]; !ok {
				list = append(list, d)
			}
		}
		if len(page) < want {
			break
		}
	}
	return list, nil
}

// Records returns up to limit decisions with ids greater than after, in ascending
// order of ids.
func (l *Log) Records(ctx context.Context, after uuid.UUID, limit int) ([]txlog.Decision, error) {
	if err := l.enter(); err != nil {
		return nil, err
	}
	defer l.open.RUnlock()
	if limit < 1 {
		return nil, nil
	}
	finished := l.finishes.snapshot()
	list, err := l.decisions(ctx, l.reading.records, blob(after), limit)
	if err != nil {
		return nil, l.explain("reading", err)
	}
	for i, d := range list {
		_, ok := finished[d.ID]
		list[i].Finished = d.Finished || ok
	}
	return list, nil
}

// Openings returns up to limit openings with marks greater than after, in ascending
// order.
func (l *Log) Openings(ctx context.Context, after int64, limit int) ([]txlog.Opening, error) {
	if err := l.enter(); err != nil {
		return nil, err
	}
	defer l.open.RUnlock()
	if limit < 1 {
		return nil, nil
	}
	rows, err := l.reading.db.QueryContext(ctx, "SELECT seq, id, at, by FROM marks WHERE seq > ? ORDER BY seq LIMIT ?", after, limit)
	if err != nil {
		return nil, l.explain("reading", err)
	}
	defer rows.Close()
	var list []txlog.Opening
	for rows.Next() {
		var o txlog.Opening
		var id []byte
		var at int64
		var by sql.NullString
		if err := rows.Scan(&o.Mark.Seq, &id, &at, &by); err != nil {
			return nil, l.explain("reading", err)
		}
		if o.Mark.ID, err = uuid.FromBytes(id); err != nil {
			return nil, damaged(l.path, err)
		}
		o.At, o.By = time.UnixMicro(at), by.String
		list = append(list, o)
	}
	return list, l.explain("reading", rows.Err())
}

// droppable tells whether there may be finished decisions made until cutoff.
func (l *Log) droppable(ctx context.Context, cutoff time.Time) (some bool, err error) {
	if err := l.enter(); err != nil {
		return false, err
	}
	defer l.open.RUnlock()
	if !l.finishes.stored() {
		return true, nil
	}
	err = l.reading.due.QueryRowContext(ctx, cutoff.UnixMicro()).Scan(&some)
	return some, l.explain("reading", err)
}

// decisions asks for decisions.
func (l *Log) decisions(ctx context.Context, stmt *sql.Stmt, args ...any) (list []txlog.Decision, err error) {
	rows, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var stored []voters
	for rows.Next() {
		var id, participants []byte
		var at int64
		var unfinished bool
		var by sql.NullInt64
		var votes sql.NullString
		var d txlog.Decision
		if err := rows.Scan(&id, &d.Outcome, &participants, &at, &by, &votes, &unfinished); err != nil {
			return nil, err
		}
		if d.ID, err = uuid.FromBytes(id); err != nil {
			return nil, damaged(l.path, err)
		}
		d.At, d.By, d.Finished = time.UnixMicro(at), by.Int64, !unfinished
		list, stored = append(list, d), append(stored, voters{participants, votes.String})
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	rows.Close() // gives the connection back, for the names
	for i := range list {
		if list[i].Participants, err = l.decode(ctx, stored[i]); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// voters are a decision's participants as they are stored.
type voters struct {
	numbers []byte // of their names
	votes   string // a line for each, or empty
}

// decode turns numbers into the participants' names.
func (l *Log) decode(ctx context.Context, from voters) ([]txlog.Participant, error) {
	var list []txlog.Participant
	numbers, votes := from.numbers, from.votes
	for len(numbers) > 0 {
		var p txlog.Participant
		p.Vote, votes, _ = strings.Cut(votes, "\n")
		n, size := binary.Uvarint(numbers)
		if size <= 0 {
			return nil, damaged(l.path, errors.New("a decision's list of participants is cut"))
		}
		numbers = numbers[size:]
		if name, ok := l.reading.names.Load(n); ok {
			p.Name = name.(string)
			list = append(list, p)
			continue
		}
		err := l.reading.db.QueryRowContext(ctx, "SELECT name FROM participants WHERE n = ?", int64(n)).Scan(&p.Name)
		if errors.Is(err, sql.ErrNoRows) {
			return nil, damaged(l.path, fmt.Errorf("participant %d has no name", n))
		}
		if err != nil {
			return nil, err
		}
		l.reading.names.Store(n, p.Name)
		list = append(list, p)
	}
	return list, nil
}
