package pglog

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/xapg/xapg/txlog"
)

// answered is a decision that the server has told to be stored.
type answered struct {
	id     uuid.UUID
	stored txlog.Outcome
	at     time.Time
}

// remembered is how many of the latest answers an opening looks for on a new
// connection. A failover loses the end of the history, so that a few would do.
const remembered = 64

// told holds the latest answers.
type told struct {
	mu   sync.Mutex
	list [remembered]answered
	n    int
}

func (t *told) add(list []answered) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, a := range list {
		t.list[t.n%remembered] = a
		t.n++
	}
}

func (t *told) latest() (ids [][16]byte, at []time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, a := range t.list[:min(t.n, remembered)] {
		ids, at = append(ids, a.id), append(at, a.at)
	}
	return ids, at
}

// recognize makes sure that a new connection leads to the same log, with all that this
// opening knows to be in it. A log that has lost something is marked as damaged, for
// everybody: what it has forgotten, it would decide a second time.
func (l *Log) recognize(ctx context.Context, conn *pgx.Conn) error {
	ids, at := l.told.latest()
	if ids == nil {
		ids, at = [][16]byte{}, []time.Time{} // not NULL
	}
	var id string
	var marked bool
	var lost *string
	var missing [][16]byte
	err := conn.QueryRow(ctx, l.sql.examine, l.mark.Seq, [16]byte(l.mark.ID), ids, at).Scan(&id, &marked, &lost, &missing)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return l.damaged(errors.New("its description is gone"))
	case err != nil:
		return err
	case id != l.identity.ID:
		return l.foreign(fmt.Sprintf("it is another log (%s) than the one that was opened (%s); restart the application, after a look at which one is right", id, l.identity.ID))
	case lost != nil:
		return l.damaged(errors.New(*lost))
	case marked && len(missing) == 0:
		return nil
	}
	found := fmt.Sprintf("the server at %s lacks mark %d of an opening that is in use", conn.PgConn().Conn().RemoteAddr(), l.mark.Seq)
	if len(missing) > 0 {
		found = fmt.Sprintf("the server at %s lacks %d of the latest decisions that were acknowledged, such as %s",
			conn.PgConn().Conn().RemoteAddr(), len(missing), uuid.UUID(missing[0]))
	}
	found += ": it was promoted, or restored, without all that had been committed"
	if _, err := conn.Exec(ctx, l.sql.damage, found); err != nil {
		found += fmt.Sprintf(" (and it could not be noted there: %v)", err)
	}
	l.logger.Error("the decision log has lost decisions; it decides nothing any more", "log", l.place.name, "found", found)
	return l.damaged(errors.New(found))
}
