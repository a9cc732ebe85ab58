// Package tpc has the tables, the queries and the transactions of two well-known
// benchmarks, TPC-H and TPC-C, in miniature: not to measure anything, but to see
// that a database gives the answers that it should. The data are made by this
// package, are always the same, and depend on nothing but their size.
package tpc

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// Table is a table and its rows. The values are int, string, Number, time.Time
// or nil.
type Table struct {
	Name      string
	Reference bool // to be copied to every shard, instead of spread over them
	Columns   []string
	Rows      [][]any
}

// Number is a decimal number as SQL writes it.
type Number string

// cents makes a number of an amount in hundredths.
func cents(n int) Number { return fixed(n, 2) }

// fixed makes a number with so many digits after the point.
func fixed(n, digits int) Number {
	sign := ""
	if n < 0 {
		sign, n = "-", -n
	}
	one := 1
	for range digits {
		one *= 10
	}
	return Number(fmt.Sprintf("%s%d.%0*d", sign, n/one, digits, n%one))
}

// parseFixed is the opposite of fixed. The text has so many digits after its
// point, or none at all.
func parseFixed(text string, digits int) (int, error) {
	whole, fraction, _ := strings.Cut(text, ".")
	if len(fraction) > digits {
		return 0, fmt.Errorf("%q has more than %d decimals", text, digits)
	}
	return strconv.Atoi(whole + fraction + strings.Repeat("0", digits-len(fraction)))
}

// Batch is how many rows an INSERT of Load has.
const Batch = 200

// Execer runs statements: *sql.DB, *sql.Tx and *sql.Conn do.
type Execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// Load inserts the tables' rows with INSERT statements of many rows, every other
// one with its values in the text, the others with parameters.
func Load(ctx context.Context, db Execer, tables []Table) error {
	for _, t := range tables {
		for n := 0; n*Batch < len(t.Rows); n++ {
			rows := t.Rows[n*Batch : min((n+1)*Batch, len(t.Rows))]
			query, args := t.insert(rows, n%2 == 1)
			result, err := db.ExecContext(ctx, query, args...)
			if err != nil {
				return fmt.Errorf("filling %s from row %d: %w", t.Name, n*Batch+1, err)
			}
			if inserted, err := result.RowsAffected(); err != nil || inserted != int64(len(rows)) {
				return fmt.Errorf("filling %s from row %d: %d rows instead of %d: %w", t.Name, n*Batch+1, inserted, len(rows), err)
			}
		}
	}
	return nil
}

// insert writes an INSERT of some rows.
func (t Table) insert(rows [][]any, parameters bool) (query string, args []any) {
	var b strings.Builder
	fmt.Fprintf(&b, "INSERT INTO %s (%s) VALUES", t.Name, strings.Join(t.Columns, ", "))
	for i, row := range rows {
		if i > 0 {
			b.WriteString(",")
		}
		b.WriteString("\n(")
		for j, v := range row {
			if j > 0 {
				b.WriteString(", ")
			}
			if !parameters {
				b.WriteString(literal(v))
				continue
			}
			if n, ok := v.(Number); ok {
				v = string(n)
			}
			args = append(args, v)
			b.WriteString("$" + strconv.Itoa(len(args)))
		}
		b.WriteString(")")
	}
	return b.String(), args
}

func literal(v any) string {
	switch v := v.(type) {
	case nil:
		return "NULL"
	case int:
		return strconv.Itoa(v)
	case Number:
		return string(v)
	case time.Time:
		return v.Format("'2006-01-02 15:04:05'")
	case string:
		return "'" + strings.ReplaceAll(v, "'", "''") + "'"
	}
	panic(fmt.Sprintf("tpc: a value of type %T", v))
}

// columns splits a list of names.
func columns(list string) []string { return strings.Fields(list) }

// random is a source of numbers of its own for each purpose, so that a change to
// one table's rows leaves the others' alone.
type random struct{ *rand.Rand }

func newRandom(seed, purpose uint64) random { return random{rand.New(rand.NewPCG(seed, purpose))} }

// between is a number from low to high, both included.
func (r random) between(low, high int) int { return low + r.IntN(high-low+1) }

func (r random) of(list []string) string { return list[r.IntN(len(list))] }

// some is so many different ones of a list.
func (r random) some(list []string, n int) []string {
	out := make([]string, n)
	for i, j := range r.Perm(len(list))[:n] {
		out[i] = list[j]
	}
	return out
}

// from makes a word of some length out of the characters given.
func (r random) from(alphabet string, low, high int) string {
	out := make([]byte, r.between(low, high))
	for i := range out {
		out[i] = alphabet[r.IntN(len(alphabet))]
	}
	return string(out)
}
