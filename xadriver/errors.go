package xadriver

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/xapg/xapg/xadriver/internal/branch"
	"github.com/xapg/xapg/xadriver/internal/commit"
	"github.com/xapg/xapg/xadriver/internal/mark"
	"github.com/xapg/xapg/xadriver/internal/plan"
	"github.com/xapg/xapg/xadriver/internal/scratch"
)

// InDoubtError says that the outcome of a transaction cannot be known now. It is
// whole, committed everywhere or nowhere, and will be finished by itself; but the
// application must look before it runs the transaction again.
type InDoubtError struct {
	// ID is the transaction's id, under which `xapg txns` lists it. It is the nil
	// UUID when only one shard was written: then the answer to its COMMIT was lost.
	ID     uuid.UUID
	Shards []string // where it wrote
	Cause  error
}

func (e *InDoubtError) Error() string {
	if e.ID == uuid.Nil {
		return fmt.Sprintf("xapg: in doubt: the answer to COMMIT on shard %s was lost, so the transaction may be committed or rolled back; look before running it again: %v",
			strings.Join(e.Shards, ", "), e.Cause)
	}
	return fmt.Sprintf("xapg: in doubt: transaction %s on shards %s is being resolved to commit or to rollback; look before running it again: %v",
		e.ID, strings.Join(e.Shards, ", "), e.Cause)
}

// Unwrap gives the cause.
func (e *InDoubtError) Unwrap() error { return e.Cause }

// SQLState is PostgreSQL's code for the case (transaction_resolution_unknown).
func (e *InDoubtError) SQLState() string { return "08007" }

// AbortedError says that a transaction was rolled back on all of its shards for
// a reason that lies in committing it, not in its statements. It can be run again.
type AbortedError struct {
	ID     uuid.UUID
	Reason string
	Cause  error
}

func (e *AbortedError) Error() string { return "xapg: rolled back: " + e.Reason }

// Unwrap gives the cause, nil where there is none.
func (e *AbortedError) Unwrap() error { return e.Cause }

// SQLState is PostgreSQL's code for the case (transaction_rollback).
func (e *AbortedError) SQLState() string { return "40000" }

// OverruledError says that a transaction took so long to commit that its coordinator
// was presumed dead: another process with the same log stored "abort" first, and the
// transaction is rolled back on all of its shards, or about to be. Nothing of it is
// left, so that Retry runs it again. As an error it is an *AbortedError, too.
type OverruledError struct {
	ID     uuid.UUID
	Shards []string // where it was prepared
}

func (e *OverruledError) Error() string { return e.aborted().Error() }

// Unwrap gives the same as the more general error.
func (e *OverruledError) Unwrap() error { return e.aborted() }

func (e *OverruledError) aborted() *AbortedError {
	return &AbortedError{ID: e.ID, Reason: (&commit.OverruledError{ID: e.ID, Shards: e.Shards}).Error()}
}

// SQLState is PostgreSQL's code for what can be run again (serialization_failure).
func (e *OverruledError) SQLState() string { return "40001" }

// UnsupportedError says that a statement would need something that the driver
// does not do over several shards. Nothing was sent to any of them.
type UnsupportedError struct {
	Clause   string // what in the statement, such as "ORDER BY over several shards"
	Reason   string // why it cannot be done right
	Remedy   string // how to say it instead
	Position int    // in the statement, in characters from 1; 0 when not known
}

func (e *UnsupportedError) Error() string {
	msg := "xapg: " + e.Clause + " is not supported: " + e.Reason
	if e.Remedy != "" {
		msg += "; " + e.Remedy
	}
	return msg
}

// SQLState is PostgreSQL's code for the case (feature_not_supported).
func (e *UnsupportedError) SQLState() string { return "0A000" }

// ErrClosed is the error of whatever is done with a closed connector.
var ErrClosed = errors.New("xapg: the database is closed")

// errCommitRolledBack is what pgx answers when COMMIT ends a failed transaction.
var errCommitRolledBack = pgx.ErrTxCommitRollback

func errInFailedTransaction() error {
	return serverError("25P02", "current transaction is aborted, commands ignored until end of transaction block")
}

func errNoTransaction(command string) error {
	return serverError("25P01", command+" can only be used in transaction blocks")
}

// serverError makes an error that PostgreSQL would have made, had it been asked.
func serverError(code, message string) *pgconn.PgError {
	return &pgconn.PgError{Severity: "ERROR", SeverityUnlocalized: "ERROR", Code: code, Message: message}
}

// public turns the internals' errors into those that users know. Server errors
// pass through bare: some clients assert their type.
func public(err error) error {
	if err == nil {
		return nil
	}
	var (
		doubt     *commit.InDoubtError
		overruled *commit.OverruledError
		undecided *commit.UndecidedError
		refusal   *plan.Refusal
	)
	switch {
	case errors.As(err, &doubt):
		return &InDoubtError{ID: doubt.ID, Shards: doubt.Shards, Cause: final(branch.Bare(doubt.Cause))}
	case errors.As(err, &overruled):
		return &OverruledError{ID: overruled.ID, Shards: overruled.Shards}
	case errors.As(err, &undecided):
		return &AbortedError{ID: undecided.ID, Reason: undecided.Error(), Cause: final(undecided.Cause)}
	case errors.As(err, &refusal):
		return &UnsupportedError{Clause: refusal.Clause, Reason: refusal.Reason, Remedy: refusal.Remedy, Position: refusal.Position}
	case errors.Is(err, plan.ErrWriting):
		return &UnsupportedError{Clause: "this statement over several shards", Reason: err.Error(), Remedy: "bind it to one key"}
	case errors.Is(err, branch.ErrRolledBack):
		return errCommitRolledBack
	}
	if p, ok := err.(*pgconn.PrepareError); ok { //nolint:errorlint // pgx puts it around the server's error
		return p.Unwrap()
	}
	return branch.Bare(err)
}

// final is a cause that nobody takes for driver.ErrBadConn, upon which database/sql
// would run again what may have been done.
func final(cause error) error {
	if errors.Is(cause, driver.ErrBadConn) {
		return errors.New("the connection was lost: " + cause.Error())
	}
	return cause
}

// GatherLimitError says that a statement needs more rows of the shards in one
// place than the setting gather_limit allows.
type GatherLimitError = scratch.LimitError

// KeyError says that a value given for a key cannot be one: it is NULL, or not of
// the column's type.
type KeyError = plan.KeyError

// Errors that name a state of the cluster that must be mended before it can commit.
type (
	// TwinLogError says that another log with the same identity has decided here.
	TwinLogError = mark.TwinError
	// PrepareDisabledError says that a shard allows no prepared transactions.
	PrepareDisabledError = mark.DisabledError
)
