package differential

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/xapg/xapg/xadriver"
)

// answer is what one side says to a step.
type answer struct {
	err      error
	state    string // SQLSTATE, empty for errors that are not the server's
	columns  []string
	types    []string
	rows     []string // each as one text that is the same for the same values only
	affected int64
}

// ask runs a step on a connection.
func ask(ctx context.Context, conn *sql.Conn, s *Step) answer {
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	a := answer{affected: -1}
	if s.rows {
		a.err = a.query(ctx, conn, s)
	} else {
		var result sql.Result
		if result, a.err = conn.ExecContext(ctx, s.SQL, s.Args...); a.err == nil {
			a.affected, a.err = result.RowsAffected()
		}
	}
	var withState interface{ SQLState() string }
	if errors.As(a.err, &withState) {
		a.state = withState.SQLState()
	}
	return a
}

func (a *answer) query(ctx context.Context, conn *sql.Conn, s *Step) (err error) {
	rows, err := conn.QueryContext(ctx, s.SQL, s.Args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	if a.columns, err = rows.Columns(); err != nil {
		return err
	}
	types, err := rows.ColumnTypes()
	if err != nil {
		return err
	}
	for _, t := range types {
		a.types = append(a.types, t.DatabaseTypeName())
	}
	values, dest := make([]any, len(types)), make([]any, len(types))
	for i := range dest {
		dest[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		a.rows = append(a.rows, canonicalRow(values))
	}
	return rows.Err()
}

// refusal is the clause that xapg refuses, if it does.
func (a *answer) refusal() (clause string, ok bool) {
	var refused *xadriver.UnsupportedError
	if errors.As(a.err, &refused) {
		return refused.Clause, true
	}
	return "", false
}

// lost says that the connection cannot be used any more.
func (a *answer) lost() bool {
	for _, cause := range []error{driver.ErrBadConn, sql.ErrConnDone, context.DeadlineExceeded, context.Canceled} {
		if errors.Is(a.err, cause) {
			return true
		}
	}
	switch a.state {
	case "57P01", "57P02", "57P03", "08003", "08006", "08007":
		return true
	}
	return false
}

func canonicalRow(values []any) string {
	parts := make([]string, len(values))
	for i, v := range values {
		parts[i] = canonical(v)
	}
	return strings.Join(parts, " | ")
}

// canonical writes a value so that values are the same just when their texts are.
func canonical(v any) string {
	switch v := v.(type) {
	case nil:
		return "NULL"
	case string:
		return strconv.Quote(v)
	case []byte:
		return strconv.Quote(string(v))
	case time.Time:
		return v.UTC().Format("2006-01-02T15:04:05.999999999Z")
	case float64:
		return float(v, 64)
	case float32:
		return float(float64(v), 32)
	}
	return fmt.Sprint(v)
}

// float tells -0 from 0 and a float from an integer; all NaN are the same.
func float(f float64, bits int) string {
	if math.IsNaN(f) {
		return "NaN"
	}
	s := strconv.FormatFloat(f, 'g', -1, bits)
	if math.IsInf(f, 0) || strings.ContainsAny(s, ".e") {
		return s
	}
	return s + ".0"
}
