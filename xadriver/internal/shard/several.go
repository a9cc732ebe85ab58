package shard

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/xapg/xapg/xadriver/internal/origin"
)

// Several reports whether the connection takes several statements in one message.
func (c *Conn) Several() bool { return c.pgx != nil }

// CommandAnd runs a statement without arguments or rows, like Command, with a query
// of one row after it in the same message. It returns the first one's command tag,
// which is the server's word on the first one whatever becomes of the query, and the
// query's row as text: nil when there is none, for whatever reason. There is an error
// only when there is no tag.
func (c *Conn) CommandAnd(ctx context.Context, sql, query string) (tag string, row []string, err error) {
	if !c.Alive() {
		return "", nil, ErrNotSent
	}
	if err := c.flush(ctx); err != nil {
		return "", nil, err
	}
	before := c.sent()
	c.running.starts()
	results, err := c.pgx.Conn().PgConn().Exec(ctx, sql+";"+query).ReadAll()
	err = c.running.ends(err)
	if len(results) > 0 && results[0].Err == nil && results[0].CommandTag.String() != "" {
		if len(results) > 1 && err == nil {
			row = textRow(results[1])
		}
		return results[0].CommandTag.String(), row, nil
	}
	var pgErr *pgconn.PgError
	switch {
	case err == nil:
		err = errors.New("the server answered without a command tag")
	case c.ahead != nil && c.sent() == before && !errors.As(err, &pgErr):
		err = fmt.Errorf("%w: %w", ErrNotSent, err)
	}
	return "", nil, origin.Note(err, c.shard.name)
}

func textRow(r *pgconn.Result) []string {
	if r.Err != nil || len(r.Rows) == 0 {
		return nil
	}
	row := make([]string, len(r.Rows[0]))
	for i, v := range r.Rows[0] {
		row[i] = string(v)
	}
	return row
}
