package main

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"net"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/xapg/xapg/xadriver"
)

// tellOf is what an application is told by an answer to Commit.
func tellOf(err error) told {
	var doubt *xadriver.InDoubtError
	switch {
	case err == nil:
		return committed
	case errors.As(err, &doubt):
		return inDoubt
	default:
		return rolledBack
	}
}

// why is the kind of an error, for counting.
func why(err error) string {
	var (
		doubt   *xadriver.InDoubtError
		aborted *xadriver.AbortedError
		server  *pgconn.PgError
		network net.Error
	)
	switch {
	case errors.Is(err, errChanged):
		return "the application changed its mind"
	case errors.As(err, &doubt) && doubt.ID == uuid.Nil:
		return "in doubt: the answer to COMMIT on one shard was lost"
	case errors.As(err, &doubt):
		return "in doubt: the log did not answer"
	case errors.As(err, &aborted) && aborted.Cause == nil:
		return "overruled: the coordinator had been presumed dead"
	case errors.As(err, &aborted):
		return "the decision could not be stored"
	case errors.As(err, &server):
		return server.Code + " " + server.Message[:min(len(server.Message), 60)]
	case errors.Is(err, context.DeadlineExceeded):
		return "out of patience"
	case errors.As(err, &network), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, driver.ErrBadConn):
		return "the connection was lost"
	default:
		return err.Error()[:min(len(err.Error()), 60)]
	}
}
