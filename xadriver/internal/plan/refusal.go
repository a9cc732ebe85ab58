package plan

import (
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/xapg/xapg/shardmap"
	pg "github.com/xapg/xapg/xadriver/internal/syntax"
)

// Refusal says why a statement is not run: what it says could not be answered
// right over several shards. Nothing was sent anywhere.
type Refusal struct {
	Clause   string
	Reason   string
	Remedy   string
	Position int // in characters from 1; 0 when not known
}

func (r *Refusal) Error() string {
	msg := r.Clause + " is not supported: " + r.Reason
	if r.Remedy != "" {
		msg += "; " + r.Remedy
	}
	return msg
}

// SQLState is PostgreSQL's feature_not_supported.
func (r *Refusal) SQLState() string { return "0A000" }

// KeyError says that the key of a row cannot be told.
type KeyError struct {
	Table, Column string
	State         string // SQLSTATE
	Problem       string
	Cause         error
}

func (e *KeyError) Error() string {
	return fmt.Sprintf("the key %s of table %s %s", e.Column, e.Table, e.Problem)
}

// Unwrap gives the cause, nil where there is none.
func (e *KeyError) Unwrap() error { return e.Cause }

// SQLState is PostgreSQL's code for the case.
func (e *KeyError) SQLState() string { return e.State }

// As lets clients find what PostgreSQL itself would say of such a value, by the type
// of its errors.
func (e *KeyError) As(target any) bool {
	to, ok := target.(**pgconn.PgError)
	if !ok {
		return false
	}
	*to = &pgconn.PgError{Severity: "ERROR", SeverityUnlocalized: "ERROR", Code: e.State, Message: e.Error(), TableName: e.Table, ColumnName: e.Column}
	return true
}

// ErrWriting says that a statement was made for a shard that cannot be written as text.
var ErrWriting = pg.ErrWriting

const byKey = "say which key it concerns: add a condition such as key = $1, or a hint (xadriver.WithKey, /* xapg:key=… */)"

func keyError(t *shardmap.Table, err error) error {
	if errors.Is(err, shardmap.ErrAmbiguous) || errors.Is(err, shardmap.ErrUnsupported) {
		return &Refusal{Clause: "this value for the key " + t.Key + " of table " + t.Name, Reason: err.Error(), Remedy: "write it plainly"}
	}
	e := &KeyError{Table: t.Name, Column: t.Key, State: "22023", Problem: "cannot be read: " + err.Error(), Cause: err}
	var conversion *shardmap.ConversionError
	switch {
	case errors.As(err, &conversion):
		e.State = conversion.SQLState()
	case errors.Is(err, shardmap.ErrNullKey):
		e.State, e.Problem = "23502", "is NULL: a row without a key has no shard"
	case errors.Is(err, shardmap.ErrNoPlace):
		e.State, e.Problem = "23514", "has no shard: "+err.Error()
	}
	return e
}

// unknownTable is PostgreSQL's error for a table that does not exist.
func unknownTable(sql string, rv *pg.RangeVar) error {
	name := rv.Relname
	if rv.Schemaname != "" {
		name = rv.Schemaname + "." + name
	}
	return &pgconn.PgError{
		Severity: "ERROR", SeverityUnlocalized: "ERROR", Code: "42P01",
		Message: fmt.Sprintf("relation %q does not exist", name), Position: pg.Position(sql, rv.Location),
	}
}
