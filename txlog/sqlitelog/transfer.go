package sqlitelog

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"

	"github.com/google/uuid"
	"github.com/xapg/xapg/txlog"
)

const selectSeal = "SELECT value FROM meta WHERE key = 'sealed'"

// seal reads where the log has gone, if it was sealed.
func seal(ctx context.Context, q queryer) (to string, sealed bool, err error) {
	err = q.QueryRowContext(ctx, selectSeal).Scan(&to)
	if errors.Is(err, sql.ErrNoRows) {
		return "", false, nil
	}
	return to, err == nil, err
}

// Seal makes the log refuse every later decision, by whichever opening, and every
// later opening. All writers look for the seal in the transaction that stores what
// they decide, so that there is no moment in between.
func (l *Log) Seal(ctx context.Context, to string) error {
	return l.do(ctx, &sealJob{to: to})
}

// Unseal takes the seal away, for a move that has failed.
func (l *Log) Unseal(ctx context.Context) error {
	return l.do(ctx, &sealJob{open: true})
}

// Sealed tells where the log has gone, and whether it has.
func (l *Log) Sealed(ctx context.Context) (to string, sealed bool, err error) {
	if err := l.enter(); err != nil {
		return "", false, err
	}
	defer l.open.RUnlock()
	to, sealed, err = seal(ctx, l.reading.db)
	return to, sealed, l.explain("reading", err)
}

// lastMark is the mark of the latest opening.
func lastMark(ctx context.Context, tx *sql.Tx) (mark txlog.Mark, err error) {
	var id []byte
	if err = tx.QueryRowContext(ctx, "SELECT seq, id FROM marks ORDER BY seq DESC LIMIT 1").Scan(&mark.Seq, &id); err == nil {
		mark.ID, err = uuid.FromBytes(id)
	}
	return mark, err
}

// fillNew stores what a new log begins with.
func fillNew(ctx context.Context, tx *sql.Tx, o Options) error {
	if got := o.Contents.Identity.Cluster; got != o.Cluster {
		return &txlog.ForeignError{Log: "what is moved", Reason: "it is the log of cluster " + got + ", not of " + o.Cluster}
	}
	for opening, err := range o.Contents.Openings {
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "INSERT INTO marks (seq, id, at, by) VALUES (?, ?, ?, ?)",
			opening.Mark.Seq, blob(opening.Mark.ID), opening.At.UnixMicro(), opening.By); err != nil {
			return err
		}
	}
	f := filling{tx: tx, numbers: make(map[string]int64)}
	for d, err := range o.Contents.Records {
		if err != nil {
			return err
		}
		if err := f.add(ctx, d); err != nil {
			return err
		}
	}
	return nil
}

// filling is what fillNew goes on with from record to record.
type filling struct {
	tx      *sql.Tx
	numbers map[string]int64
}

func (f *filling) add(ctx context.Context, d txlog.Decision) error {
	list := make([]byte, 0, 2*len(d.Participants))
	for _, p := range d.Participants {
		n, ok := f.numbers[p.Name]
		if !ok {
			n = int64(len(f.numbers)) + 1
			f.numbers[p.Name] = n
			if _, err := f.tx.ExecContext(ctx, "INSERT INTO participants (n, name) VALUES (?, ?)", n, p.Name); err != nil {
				return err
			}
		}
		list = binary.AppendUvarint(list, uint64(n))
	}
	_, err := f.tx.ExecContext(ctx, "INSERT INTO decisions (id, outcome, participants, at, by, votes) VALUES (?, ?, ?, ?, ?, ?)",
		blob(d.ID), int64(d.Outcome), list, d.At.UnixMicro(), d.By, votes(d.Participants))
	if err != nil {
		return err
	}
	if d.Finished {
		_, err = f.tx.ExecContext(ctx, "INSERT INTO finished (at, id) VALUES (?, ?)", d.At.UnixMicro(), blob(d.ID))
	} else {
		_, err = f.tx.ExecContext(ctx, "INSERT INTO unfinished (id) VALUES (?)", blob(d.ID))
	}
	return err
}
