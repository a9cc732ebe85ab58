package pglog

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/xapg/xapg/txlog"
)

// unknownError says that it is not known whether a decision was stored.
type unknownError struct{ err error }

func (e *unknownError) Error() string {
	return "not known whether it was stored; ask again: " + e.err.Error()
}

func (e *unknownError) Unwrap() error { return e.err }

// notStored says that a call stored nothing, and why.
func notStored(cause error) error {
	return fmt.Errorf("%w: %w", txlog.ErrNotStored, cause)
}

func (l *Log) foreign(reason string) error {
	return &txlog.ForeignError{Log: l.place.name, Reason: reason}
}

func (l *Log) damaged(err error) error {
	return &txlog.DamagedError{Log: l.place.name, Err: err, Advice: "it decides nothing any more: look at what is still prepared on the " +
		"shards (pg_prepared_xacts) and finish it by hand, then begin a new log in another schema (?schema=NAME), on a server whose standby is synchronous"}
}

// explain says what an error of the server means for the log and what to do about it.
func (l *Log) explain(doing string, err error) error {
	var foreign *txlog.ForeignError
	var broken *txlog.DamagedError
	var sealed *txlog.SealedError
	if err == nil || errors.As(err, &foreign) || errors.As(err, &broken) || errors.As(err, &sealed) {
		return err
	}
	advice := ""
	var pgErr *pgconn.PgError
	switch {
	case errors.As(err, &pgErr):
		advice = advices[pgErr.Code]
	case errors.Is(err, context.DeadlineExceeded):
		advice = "the server does not answer; if it has synchronous standbys (synchronous_standby_names), one of them must be connected"
	}
	if advice != "" {
		advice += ": "
	}
	return fmt.Errorf("pglog: %s the decision log %s: %s%w", doing, l.place.name, advice, err)
}

// advices are what to do about some of the server's errors.
var advices = map[string]string{
	"25006": "the server takes no writes; name all hosts of it in the URL, so that the primary is found",
	"42501": "the application's role lacks a right; let an administrator make the tables (pglog.Setup) and grant USAGE on the schema and " +
		"SELECT, INSERT, UPDATE, DELETE on its tables",
	"42P01": "its tables are gone; restore them from the server that has them",
	"53100": "the server's disk is full; make room, the log then goes on by itself",
	"53300": "the server has no connection left; raise max_connections or use fewer",
	"3D000": "create the database first",
	"28P01": "the password is wrong",
}

// passing tells errors that may be gone the next time, perhaps on another server.
func passing(err error) bool {
	var pgErr *pgconn.PgError
	var foreign *txlog.ForeignError
	var broken *txlog.DamagedError
	switch {
	case errors.As(err, &foreign), errors.As(err, &broken):
		return false
	case !errors.As(err, &pgErr):
		return true // of the network
	}
	switch pgErr.Code[:2] {
	case "08", "40", "57", "53":
		return pgErr.Code != "53100" // disk full
	}
	return pgErr.Code == "25006" || pgErr.Code == "55P03"
}

// aboutData tells errors that come from what is to be stored.
func aboutData(err error) bool {
	var pgErr *pgconn.PgError
	if !errors.As(err, &pgErr) {
		return false
	}
	class := pgErr.Code[:2]
	return class == "22" || class == "23" || class == "54"
}

// refused tells an answer by which the server has provably stored nothing: an error
// after which the session goes on. One that ends it may have come while the commit
// was waiting for a standby.
func refused(err error) bool {
	var pgErr *pgconn.PgError
	return errors.As(err, &pgErr) && pgErr.SeverityUnlocalized == "ERROR" || pgconn.SafeToRetry(err)
}
