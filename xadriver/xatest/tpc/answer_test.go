package tpc_test

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"
)

// answer is all that a query gave, as text.
type answer struct {
	columns []string // names and types
	rows    []string
}

type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// ask runs a query.
func ask(ctx context.Context, db querier, query string, args ...any) (*answer, error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return read(rows)
}

// read reads all of an answer.
func read(rows *sql.Rows) (*answer, error) {
	defer rows.Close()
	types, err := rows.ColumnTypes()
	if err != nil {
		return nil, err
	}
	a := &answer{}
	for _, c := range types {
		a.columns = append(a.columns, c.Name()+" "+c.DatabaseTypeName())
	}
	values, into := make([]any, len(types)), make([]any, len(types))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		a.rows = append(a.rows, written(values))
	}
	return a, rows.Err()
}

// written is a row as text that tells different values and types apart.
func written(values []any) string {
	out := make([]string, len(values))
	for i, v := range values {
		switch v := v.(type) {
		case nil:
			out[i] = "NULL"
		case string:
			out[i] = fmt.Sprintf("%q", v)
		case time.Time:
			out[i] = v.Format(time.RFC3339Nano)
		default:
			out[i] = fmt.Sprintf("%v:%T", v, v)
		}
	}
	return strings.Join(out, " | ")
}

// sorted is the answer with its rows in an order of their own.
func (a *answer) sorted() *answer {
	rows := slices.Clone(a.rows)
	slices.Sort(rows)
	return &answer{columns: a.columns, rows: rows}
}

// difference tells briefly where another answer differs, and nothing if it does not.
func (a *answer) difference(b *answer) string {
	if !slices.Equal(a.columns, b.columns) {
		return fmt.Sprintf("columns:\n  wanted %q\n  got    %q", a.columns, b.columns)
	}
	const shown = 3
	var out []string
	if len(a.rows) != len(b.rows) {
		out = append(out, fmt.Sprintf("%d rows instead of %d", len(b.rows), len(a.rows)))
	}
	for i := 0; i < max(len(a.rows), len(b.rows)) && len(out) < shown; i++ {
		if want, got := rowAt(a, i), rowAt(b, i); want != got {
			out = append(out, fmt.Sprintf("row %d:\n  wanted %s\n  got    %s", i+1, want, got))
		}
	}
	return strings.Join(out, "\n")
}

func rowAt(a *answer, i int) string {
	if i < len(a.rows) {
		return a.rows[i]
	}
	return "(none)"
}
