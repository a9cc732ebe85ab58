// Package origin remembers which shard an error came from, without changing the
// error: PostgreSQL's errors must reach the application bare, as the very
// *pgconn.PgError that pgx made, because clients assert that type.
//
// What is remembered is keyed by the error's address, weakly: it is forgotten with
// the error. It is the one thing that connectors of one process share, since an
// error does not say which of them it came through.
package origin

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"weak"

	"github.com/jackc/pgx/v5/pgconn"
)

var (
	server     known[pgconn.PgError]
	connecting known[pgconn.ConnectError]
)

// known are the shards of errors of one type.
type known[E any] struct {
	shards sync.Map // by weak.Pointer[E]
}

func (k *known[E]) note(err *E, shard string) {
	key := weak.Make(err)
	if _, old := k.shards.LoadOrStore(key, shard); !old {
		runtime.AddCleanup(err, func(key weak.Pointer[E]) { k.shards.Delete(key) }, key)
	}
}

func (k *known[E]) of(err *E) string {
	shard, _ := k.shards.Load(weak.Make(err))
	name, _ := shard.(string)
	return name
}

// Note remembers that an error came from a shard, and returns the error. The first
// word counts.
func Note(err error, shard string) error {
	if err == nil {
		return nil
	}
	var pgErr *pgconn.PgError
	var connErr *pgconn.ConnectError
	switch {
	case errors.As(err, &pgErr):
		server.note(pgErr, shard)
	case errors.As(err, &connErr):
		connecting.note(connErr, shard)
	}
	return err
}

// Of tells which shard an error came from, "" when that is not known.
func Of(err error) string {
	var own interface{ Shard() string }
	if errors.As(err, &own) {
		return own.Shard()
	}
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) {
		if name := server.of(pgErr); name != "" {
			return name
		}
	}
	var connErr *pgconn.ConnectError
	if errors.As(err, &connErr) {
		return connecting.of(connErr)
	}
	return ""
}

// Error is the driver's own error about one shard.
type Error struct {
	shard, state string
	error
}

// SQLSTATEs of the driver's own errors about shards.
const (
	Lost        = "08006" // connection_failure
	Unsupported = "0A000" // feature_not_supported
	Internal    = "XX000" // internal_error
)

// Errorf makes an error about a shard, "xapg: shard NAME: …", with its SQLSTATE.
func Errorf(shard, state, format string, args ...any) *Error {
	return &Error{shard, state, fmt.Errorf("xapg: shard "+shard+": "+format, args...)}
}

// SQLState is PostgreSQL's code for the case.
func (e *Error) SQLState() string { return e.state }

// Shard is the shard's name.
func (e *Error) Shard() string { return e.shard }

// Unwrap gives what the error was made of.
func (e *Error) Unwrap() error { return errors.Unwrap(e.error) }
