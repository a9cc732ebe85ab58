package stdlib_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
)

// outcome is everything that a caller can see of a statement, as text, so that
// NaN equals NaN and a difference can be read.
type outcome struct {
	Columns []string   // name, type, length, nullability, precision and scale of each
	Rows    [][]string // Go types and values, as they come into an any
	Results int        // further result sets
	Error   string     // its Go type, its text, and what PostgreSQL said
	State   string     // its SQLSTATE
}

// fail takes notice of an error.
func (o *outcome) fail(err error) {
	o.Error = failure(err)
	var state interface{ SQLState() string }
	if errors.As(err, &state) {
		o.State = state.SQLState()
	}
}

// queryer is a DB, a Conn or a Tx.
type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
}

// asked is what comes of a query.
func asked(ctx context.Context, q queryer, query string, args ...any) outcome {
	rows, err := q.QueryContext(ctx, query, args...)
	return drained(rows, err)
}

// drained reads rows to their end.
func drained(rows *sql.Rows, err error) (o outcome) {
	if err != nil {
		o.fail(err)
		return o
	}
	defer rows.Close()
	o.Columns = columns(rows)
	for {
		for rows.Next() {
			values := make([]any, len(o.Columns))
			targets := make([]any, len(o.Columns))
			for i := range values {
				targets[i] = &values[i]
			}
			if err := rows.Scan(targets...); err != nil {
				o.fail(err)
				return o
			}
			row := make([]string, len(values))
			for i, v := range values {
				row[i] = show(v)
			}
			o.Rows = append(o.Rows, row)
		}
		if !rows.NextResultSet() {
			break
		}
		o.Results++
	}
	if err := rows.Err(); err != nil {
		o.fail(err)
	} else if err := rows.Close(); err != nil {
		o.fail(err)
	}
	return o
}

// done is what comes of a statement that is executed.
func done(ctx context.Context, q queryer, query string, args ...any) (o outcome) {
	res, err := q.ExecContext(ctx, query, args...)
	return counted(res, err)
}

func counted(res sql.Result, err error) (o outcome) {
	if err != nil {
		o.fail(err)
		return o
	}
	n, err := res.RowsAffected()
	o.Rows = [][]string{{fmt.Sprint(n)}}
	if err != nil {
		o.fail(err)
	}
	return o
}

// ownType is an OID that a server gave to a type of the user's, which differs
// from server to server.
var ownType = regexp.MustCompile(`^[1-9][0-9]{4,}$`)

func columns(rows *sql.Rows) (out []string) {
	types, err := rows.ColumnTypes()
	if err != nil {
		return []string{failure(err)}
	}
	for _, c := range types {
		name := ownType.ReplaceAllString(c.DatabaseTypeName(), "OID")
		length, variable := c.Length()
		precision, scale, decimal := c.DecimalSize()
		nullable, known := c.Nullable()
		out = append(out, fmt.Sprintf("%s: %s, scanned as %v, length %d %t, precision %d,%d %t, nullable %t %t",
			c.Name(), name, c.ScanType(), length, variable, precision, scale, decimal, nullable, known))
	}
	return out
}

// show writes a value with its Go type, a time with its location.
func show(v any) string {
	switch v := v.(type) {
	case time.Time:
		return v.Format(time.RFC3339Nano) + " in " + v.Location().String()
	case []byte:
		return fmt.Sprintf("[]byte(%q)", v)
	case string:
		return fmt.Sprintf("%q", v)
	default:
		return fmt.Sprintf("%T(%v)", v, v)
	}
}

// failure writes an error: its Go type, which some programs assert, and its text
// or, if it is a server's, the fields of it.
func failure(err error) string {
	if err == nil {
		return ""
	}
	kind := fmt.Sprintf("%T", err)
	var pgErr *pgconn.PgError
	if !errors.As(err, &pgErr) {
		return kind + ": " + certain(err.Error())
	}
	return kind + ": " + strings.Join([]string{
		pgErr.Severity, pgErr.Code, pgErr.Message, pgErr.Detail, pgErr.Hint, fmt.Sprint(pgErr.Position), pgErr.InternalQuery, pgErr.Where,
		pgErr.SchemaName, pgErr.TableName, pgErr.ColumnName, pgErr.DataTypeName, pgErr.ConstraintName,
	}, "|")
}

// chance is in what the texts of two equal errors differ: the port of the
// connection's own end, a server's OIDs of the user's types, addresses, and the
// format in which a value came that cannot be scanned.
var chance = regexp.MustCompile(`127\.0\.0\.1:\d+->|OID \d{5,}|0x[0-9a-f]{6,}|in (binary|text) format`)

func certain(text string) string { return chance.ReplaceAllString(text, "…") }

// sameOnOneShard runs a closure with pgx and with xapg, one after the other, on the
// same server, and requires that it sees the same.
func sameOnOneShard[T any](t *testing.T, mode pgx.QueryExecMode, see func(t *testing.T, db *sql.DB) T, settings ...string) (seen T) {
	t.Helper()
	want := see(t, open(t, "pgx", mode, settings...))
	got := see(t, open(t, "xapg", mode, settings...))
	assert.Equal(t, want, got, "xapg differs from pgx")
	return want
}

// sameSpread compares what came of a statement on three shards with what came of it
// with pgx on one server. Whether an error is told when a statement is prepared or
// when it is run, which pgx's own type says, is left to the driver.
func sameSpread(t *testing.T, want, got outcome, what ...any) bool {
	t.Helper()
	return assert.Equal(t, unprepared(want), unprepared(got), what...)
}

func unprepared(o outcome) outcome {
	o.Error = strings.Replace(o.Error, "*pgconn.PrepareError: ", "*pgconn.PgError: ", 1)
	return o
}

// on puts the table's name into a statement.
func on(query, table string) string { return strings.ReplaceAll(query, "%s", table) }
