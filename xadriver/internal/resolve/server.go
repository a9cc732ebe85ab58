package resolve

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/xapg/xapg/txlog"
	"github.com/xapg/xapg/xadriver/internal/commit"
	"github.com/xapg/xapg/xadriver/internal/shard"
)

// ErrBusy marks the answer that somebody else is finishing the transaction.
var ErrBusy = errors.New("the prepared transaction is being finished by somebody else")

// Server is a real shard as the resolver sees it.
type Server struct{ *shard.Shard }

var _ Shard = Server{}

// pg_prepared_xacts lists the whole server: other databases are not ours.
const prepared = `SELECT gid, extract(epoch FROM now() - prepared)::float8
FROM pg_catalog.pg_prepared_xacts
WHERE database = current_database() AND starts_with(gid, '%s') ORDER BY prepared`

// Prepared implements Shard.
func (s Server) Prepared(ctx context.Context, prefix string) ([]Prepared, error) {
	conn, err := s.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Release()
	rows, err := conn.Query(ctx, fmt.Sprintf(prepared, prefix), nil)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Prepared
	for value := make([]driver.Value, 2); ; {
		if err := rows.Next(value); err != nil {
			if errors.Is(err, io.EOF) {
				return list, nil
			}
			return nil, err
		}
		name, ok1 := value[0].(string)
		age, ok2 := value[1].(float64)
		if !ok1 || !ok2 {
			return nil, fmt.Errorf("shard %s: pg_prepared_xacts gave %T and %T", s.Name(), value[0], value[1])
		}
		list = append(list, Prepared{GID: name, Age: time.Duration(age * float64(time.Second))})
	}
}

// Finish implements Shard.
func (s Server) Finish(ctx context.Context, gid string, outcome txlog.Outcome) error {
	conn, err := s.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	sql := "ROLLBACK PREPARED '" + gid + "'"
	if outcome == txlog.Commit {
		sql = "COMMIT PREPARED '" + gid + "'"
	}
	_, err = conn.Command(ctx, sql)
	var pgErr *pgconn.PgError
	switch {
	case !errors.As(err, &pgErr):
		return err
	case pgErr.Code == "42704": // undefined_object
		return fmt.Errorf("%w: %w", commit.ErrGone, err)
	case pgErr.Code == "55000": // object_not_in_prerequisite_state: "is busy"
		return fmt.Errorf("%w: %w", ErrBusy, err)
	default:
		return err
	}
}
