package pglog

import (
	"context"
	"errors"
	"iter"

	"github.com/jackc/pgx/v5"
	"github.com/xapg/xapg/txlog"
)

// Seal makes the log refuse every later decision, by whichever opening, and every
// later opening. It waits for the statements under way that may store something; those
// that come later see the seal.
func (l *Log) Seal(ctx context.Context, to string) error { return l.setSeal(ctx, l.sql.seal, to) }

// Unseal takes the seal away, for a move that has failed.
func (l *Log) Unseal(ctx context.Context) error { return l.setSeal(ctx, l.sql.unseal) }

func (l *Log) setSeal(ctx context.Context, sql string, args ...any) error {
	return l.query(ctx, func(ctx context.Context) error {
		return pgx.BeginFunc(ctx, l.readers, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, l.sql.lock); err != nil {
				return err
			}
			if _, _, err := l.readSeal(ctx, tx); err != nil {
				return err // what is damaged goes nowhere
			}
			_, err := tx.Exec(ctx, sql, args...)
			return err
		})
	})
}

// Sealed tells where the log has gone, and whether it has.
func (l *Log) Sealed(ctx context.Context) (to string, sealed bool, err error) {
	err = l.query(ctx, func(ctx context.Context) error {
		to, sealed, err = l.readSeal(ctx, l.readers)
		return err
	})
	return to, sealed, err
}

type queryer interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// readSeal reads the seal. The error is a [*txlog.DamagedError] when there is no
// trusting the log at all.
func (l *Log) readSeal(ctx context.Context, q queryer) (to string, sealed bool, err error) {
	var lost *string
	err = q.QueryRow(ctx, l.sql.sealed).Scan(&to, &sealed, &lost)
	if err == nil && lost != nil {
		err = l.damaged(errors.New(*lost))
	}
	return to, sealed, err
}

// why finds out about an update of the log's description that has found none to
// change.
func (l *Log) why(ctx context.Context, err error) error {
	if !errors.Is(err, pgx.ErrNoRows) {
		return err
	}
	to, sealed, serr := l.readSeal(ctx, l.readers)
	if serr == nil && sealed {
		serr = &txlog.SealedError{Log: l.place.name, To: to}
	}
	return errors.Join(serr)
}

// fill stores what a new log begins with.
func (l *Log) fill(ctx context.Context, tx pgx.Tx, o Options) error {
	if got := o.Contents.Identity.Cluster; got != o.Cluster {
		return l.foreign("what is to be moved there is the log of cluster " + got + ", not of " + o.Cluster)
	}
	err := fillTable(ctx, tx, l.sql.fillOpenings, []string{"seq", "id", "at", "by"},
		each(o.Contents.Openings, func(p txlog.Opening) []any {
			return []any{p.Mark.Seq, [16]byte(p.Mark.ID), p.At, p.By}
		}))
	if err != nil {
		return err
	}
	return fillTable(ctx, tx, l.sql.fillRecords, []string{"id", "outcome", "participants", "votes", "at", "by", "finished"},
		each(o.Contents.Records, func(d txlog.Decision) []any {
			names, votes, voted := make([]string, len(d.Participants)), make([]string, len(d.Participants)), false
			for i, p := range d.Participants {
				names[i], votes[i], voted = p.Name, p.Vote, voted || p.Vote != ""
			}
			if !voted {
				votes = nil
			}
			return []any{[16]byte(d.ID), int16(d.Outcome), names, votes, d.At, d.By, d.Finished}
		}))
}

func fillTable(ctx context.Context, tx pgx.Tx, table pgx.Identifier, columns []string, from pgx.CopyFromSource) error {
	_, err := tx.CopyFrom(ctx, table, columns, from)
	if cause := from.Err(); cause != nil {
		return cause // of which the server has only heard
	}
	return err
}

// source gives entries to COPY.
type source[T any] struct {
	next func() (T, error, bool)
	row  func(T) []any
	now  T
	err  error
}

func each[T any](entries iter.Seq2[T, error], row func(T) []any) pgx.CopyFromSource {
	next, stop := iter.Pull2(entries)
	return &source[T]{row: row, next: func() (T, error, bool) {
		entry, err, ok := next()
		if !ok || err != nil {
			stop()
		}
		return entry, err, ok
	}}
}

func (s *source[T]) Next() (ok bool) {
	s.now, s.err, ok = s.next()
	return ok && s.err == nil
}

func (s *source[T]) Values() ([]any, error) { return s.row(s.now), nil }
func (s *source[T]) Err() error             { return s.err }
