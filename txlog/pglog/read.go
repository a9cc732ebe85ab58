package pglog

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/xapg/xapg/txlog"
)

// enterCall begins a call that uses the readers, and holds l.open if it may.
func (l *Log) enterCall(ctx context.Context) error {
	l.open.RLock()
	err := ctx.Err()
	if l.closed {
		err = txlog.ErrClosed
	}
	if err != nil {
		l.open.RUnlock()
	}
	return err
}

// read runs f, and again while the server cannot be reached, up to answer_timeout: a
// failover takes a moment. What f does can be done twice.
func (l *Log) read(ctx context.Context, f func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, l.place.wait)
	defer cancel()
	for {
		err := f(ctx)
		if err == nil || ctx.Err() != nil || errors.Is(err, pgx.ErrNoRows) || !passing(err) {
			return err
		}
		l.readers.Reset() // the others have lost the server, too
		select {
		case <-time.After(retryPause):
		case <-ctx.Done():
			return err
		case <-l.hurry:
			return err
		}
	}
}

// query reads inside a call.
func (l *Log) query(ctx context.Context, f func(ctx context.Context) error) error {
	if err := l.enterCall(ctx); err != nil {
		return err
	}
	defer l.open.RUnlock()
	return l.explain("reading", l.read(ctx, f))
}

// HasMark tells whether m is one of this log's marks.
func (l *Log) HasMark(ctx context.Context, m txlog.Mark) (found bool, err error) {
	err = l.query(ctx, func(ctx context.Context) error {
		return l.readers.QueryRow(ctx, l.sql.hasMark, m.Seq, [16]byte(m.ID)).Scan(&found)
	})
	return found, err
}

// Lookup returns the decision on transaction id, or [txlog.ErrNoDecision].
func (l *Log) Lookup(ctx context.Context, id uuid.UUID) (txlog.Decision, error) {
	list, err := l.decisions(ctx, l.sql.lookup, [16]byte(id))
	if err != nil {
		return txlog.Decision{}, err
	}
	if len(list) == 0 {
		return txlog.Decision{}, txlog.ErrNoDecision
	}
	return list[0], nil
}

// Unfinished returns up to limit unfinished decisions with ids greater than after, in
// ascending order of ids.
func (l *Log) Unfinished(ctx context.Context, after uuid.UUID, limit int) ([]txlog.Decision, error) {
	var list []txlog.Decision
	for len(list) < limit {
		want := limit - len(list)
		page, err := l.decisions(ctx, l.sql.unfinished, [16]byte(after), want)
		if err != nil {
			return nil, err
		}
		for _, d := range page {
			if after = d.ID; !d.Finished { // it may only not be stored yet
				list = append(list, d)
			}
		}
		if len(page) < want {
			return list, nil
		}
	}
	return list, l.query(ctx, func(context.Context) error { return nil })
}

// Records returns up to limit decisions with ids greater than after, in ascending
// order of ids.
func (l *Log) Records(ctx context.Context, after uuid.UUID, limit int) ([]txlog.Decision, error) {
	return l.decisions(ctx, l.sql.records, [16]byte(after), max(limit, 0))
}

// decisions runs a query that gives decisions.
func (l *Log) decisions(ctx context.Context, sql string, args ...any) (list []txlog.Decision, err error) {
	err = l.query(ctx, func(ctx context.Context) error {
		// Asked first: between the two, what is finished may become stored, but not
		// the other way round.
		finished := make(map[uuid.UUID]bool)
		for _, id := range l.finishes.snapshot() {
			finished[id] = true
		}
		if list, err = decisions(l.readers.Query(ctx, sql, args...)); err != nil {
			return err
		}
		for i, d := range list {
			list[i].Finished = d.Finished || finished[d.ID]
		}
		return nil
	})
	return list, err
}

// decisions reads rows of decisions.
func decisions(rows pgx.Rows, err error) ([]txlog.Decision, error) {
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (d txlog.Decision, err error) {
		var names, votes []string
		var lsn *string
		err = row.Scan((*[16]byte)(&d.ID), &d.Outcome, &names, &votes, &d.At, &d.By, &d.Finished, &lsn)
		if len(names) > 0 {
			d.Participants = make([]txlog.Participant, len(names))
		}
		for i, name := range names {
			d.Participants[i].Name = name
			if i < len(votes) {
				d.Participants[i].Vote = votes[i]
			}
		}
		return d, err
	})
}

// Openings returns up to limit openings with marks greater than after, in ascending
// order.
func (l *Log) Openings(ctx context.Context, after int64, limit int) (list []txlog.Opening, err error) {
	err = l.query(ctx, func(ctx context.Context) error {
		rows, err := l.readers.Query(ctx, l.sql.openings, after, max(limit, 0))
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (o txlog.Opening, err error) {
			err = row.Scan(&o.Mark.Seq, (*[16]byte)(&o.Mark.ID), &o.By, &o.At)
			return o, err
		})
		return err
	})
	return list, err
}
