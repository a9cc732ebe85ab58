package xaotel

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.42.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/xapg/xapg/xadriver"
)

// fail marks a span as failed: by SQLSTATE, where the error has one.
func (t *tracer) fail(span trace.Span, err error) {
	if err == nil {
		return
	}
	kind, state := errorType(err), sqlState(err)
	span.SetAttributes(semconv.ErrorTypeKey.String(kind))
	description := kind
	if state != "" {
		span.SetAttributes(semconv.DBResponseStatusCode(state))
		description = "SQLSTATE " + state
	}
	if xadriver.Refused(err) {
		span.SetAttributes(RefusedKey.Bool(true))
	}
	if t.messages {
		description = err.Error()
	}
	span.SetStatus(codes.Error, description)
}

func sqlState(err error) string {
	var s interface{ SQLState() string }
	if errors.As(err, &s) {
		return s.SQLState()
	}
	return ""
}

// known are errors without SQLSTATE that have names.
var known = []struct {
	err  error
	name string
}{
	{context.Canceled, "context.Canceled"},
	{context.DeadlineExceeded, "context.DeadlineExceeded"},
	{driver.ErrBadConn, "driver.ErrBadConn"},
	{pgx.ErrTxCommitRollback, "pgx.ErrTxCommitRollback"},
	{xadriver.ErrClosed, "xadriver.ErrClosed"},
}

// errorType says in one word what kind of error it is.
func errorType(err error) string {
	if state := sqlState(err); state != "" {
		return state
	}
	for _, k := range known {
		if errors.Is(err, k.err) {
			return k.name
		}
	}
	switch name := fmt.Sprintf("%T", innermost(err)); name {
	case "*errors.errorString", "*errors.joinError", "*fmt.wrapError", "*fmt.wrapErrors":
		return "_OTHER" // the conventions' word for it
	default:
		return name
	}
}

func innermost(err error) error {
	for {
		var next error
		switch e := err.(type) { //nolint:errorlint // it is unwrapped here
		case interface{ Unwrap() error }:
			next = e.Unwrap()
		case interface{ Unwrap() []error }:
			if list := e.Unwrap(); len(list) > 0 {
				next = list[0]
			}
		}
		if next == nil {
			return err
		}
		err = next
	}
}
