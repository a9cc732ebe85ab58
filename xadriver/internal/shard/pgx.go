package shard

import (
	"context"
	"errors"
	"io"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/xapg/xapg/xadriver/internal/origin"
)

// errNotPgx is what shards given as another driver's connector cannot do.
func (c *Conn) errNotPgx(what string) error {
	return origin.Errorf(c.shard.name, origin.Unsupported, "%s needs a shard that is given as a DSN, or as a connector of pgx", what)
}

// Description is what the server says of a statement: the OIDs of its parameters'
// types, and its columns' names and types.
type Description struct {
	Params  []uint32
	Columns []pgconn.FieldDescription
}

// Describe asks the server for a statement's parameters and columns. Nothing is run.
func (c *Conn) Describe(ctx context.Context, sql string) (*Description, error) {
	if c.pgx == nil {
		return nil, c.errNotPgx("a statement whose parts are put together")
	}
	if err := c.flush(ctx); err != nil {
		return nil, err
	}
	c.running.starts()
	d, err := c.pgx.Conn().PgConn().Prepare(ctx, "", sql, nil)
	err = c.running.ends(err)
	if err != nil {
		return nil, origin.Note(err, c.shard.name)
	}
	return &Description{Params: d.ParamOIDs, Columns: d.Fields}, nil
}

// CopyIn runs COPY … FROM STDIN with what r gives.
func (c *Conn) CopyIn(ctx context.Context, sql string, r io.Reader) error {
	if c.pgx == nil {
		return c.errNotPgx("COPY")
	}
	c.running.starts()
	_, err := c.pgx.Conn().PgConn().CopyFrom(ctx, r, sql)
	err = c.running.ends(err)
	if err != nil && c.pgx.Conn().IsClosed() {
		var pgErr *pgconn.PgError
		if !errors.As(err, &pgErr) {
			err = origin.Errorf(c.shard.name, origin.Lost, "the connection was lost: %w", err)
		}
	}
	return origin.Note(err, c.shard.name)
}

// CopyFrom is pgx's CopyFrom. What is queued goes before it.
func (c *Conn) CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, rows pgx.CopyFromSource) (int64, error) {
	if c.pgx == nil {
		return 0, c.errNotPgx("COPY")
	}
	c.running.starts()
	n, err := c.pgx.Conn().CopyFrom(ctx, table, columns, rows)
	err = c.running.ends(err)
	return n, origin.Note(err, c.shard.name)
}
