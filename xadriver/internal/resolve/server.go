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
type Server struct {
	*shard.Shard
	// Fits, when set, refuses connections to a server that was not looked at yet.
	Fits func(*shard.Conn) error
}

func (s Server) connect(ctx context.Context) (*shard.Conn, error) {
	conn, err := s.Acquire(ctx)
	if err != nil || s.Fits == nil {
		return conn, err
	}
	if err := s.Fits(conn); err != nil {
		conn.Release()
		return nil, err
	}
	return conn, nil
}

var _ Shard = Server{}

// pg_prepared_xacts lists the whole server: other databases are not ours.
const prepared = `SELECT gid, extract(epoch FROM now() - prepared)::float8,
CASE WHEN owner = current_user OR (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) THEN '' ELSE owner END
FROM pg_catalog.pg_prepared_xacts
WHERE database = current_database() AND starts_with(gid, '%s')`

// Prepared implements Shard.
func (s Server) Prepared(ctx context.Context, prefix string) ([]Prepared, error) {
	conn, err := s.connect(ctx)
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
	for value := make([]driver.Value, 3); ; {
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
		owner, _ := value[2].(string)
		list = append(list, Prepared{GID: name, Age: time.Duration(age * float64(time.Second)), Owner: owner})
	}
}

// Finish implements Shard.
func (s Server) Finish(ctx context.Context, gid string, outcome txlog.Outcome) error {
	conn, err := s.connect(ctx)
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
