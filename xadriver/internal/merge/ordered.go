package merge

import (
	"bytes"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"strings"
	"time"
)

// Key is a column by which the parts' rows are in order.
type Key struct {
	Column     int
	Desc       bool
	NullsFirst bool
}

// Ordered merges parts whose rows are in order into one whose rows are, and takes
// what LIMIT and OFFSET leave of them. Only the first visible columns are shown.
// It holds one row of each part at a time. It takes the parts over.
//
// The keys' types are those whose order the driver knows exactly: integers,
// floats, booleans, bytea, uuid, date, timestamp and timestamptz, and text that is
// ordered by its bytes.
func Ordered(parts []driver.Rows, keys []Key, visible int, skip, take int64) driver.Rows {
	return &ordered{parts: parts, keys: keys, visible: visible, skip: skip, take: take, last: -1}
}

type ordered struct {
	parts      []driver.Rows
	keys       []Key
	visible    int
	skip, take int64

	heads [][]driver.Value // the next row of each part, nil when it has none
	last  int              // the part whose row was given out and is to be replaced, -1 for none
	err   error
}

func (o *ordered) Columns() []string { return o.parts[0].Columns()[:o.visible] }

func (o *ordered) Next(dest []driver.Value) error {
	if o.err != nil {
		return o.err
	}
	if o.heads == nil {
		o.heads = make([][]driver.Value, len(o.parts))
		for i := range o.parts {
			o.heads[i] = make([]driver.Value, len(o.parts[i].Columns()))
			if err := o.advance(i); err != nil {
				return err
			}
		}
	}
	for o.take > 0 {
		if o.last >= 0 {
			if err := o.advance(o.last); err != nil {
				return err
			}
			o.last = -1
		}
		at, err := o.first()
		if err != nil {
			o.err = err
			return err
		}
		if at < 0 {
			return io.EOF
		}
		o.last = at
		if o.skip > 0 {
			o.skip--
			continue
		}
		o.take--
		copy(dest, o.heads[at][:o.visible])
		return nil
	}
	return io.EOF
}

// advance reads the next row of a part.
func (o *ordered) advance(i int) error {
	err := o.parts[i].Next(o.heads[i])
	if errors.Is(err, io.EOF) {
		o.heads[i] = nil
		return nil
	}
	o.err = err
	return err
}

// first is the part whose row comes first; of equal rows that of the first part.
func (o *ordered) first() (int, error) {
	at := -1
	for i, row := range o.heads {
		if row == nil {
			continue
		}
		if at < 0 {
			at = i
			if len(o.keys) == 0 {
				return at, nil
			}
			continue
		}
		n, err := o.compare(row, o.heads[at])
		if err != nil {
			return 0, err
		}
		if n < 0 {
			at = i
		}
	}
	return at, nil
}

func (o *ordered) compare(a, b []driver.Value) (int, error) {
	for _, k := range o.keys {
		x, y := a[k.Column], b[k.Column]
		var n int
		switch {
		case x == nil && y == nil:
			continue
		case x == nil || y == nil:
			if n = 1; (x == nil) == k.NullsFirst {
				n = -1
			}
			return n, nil
		default:
			var err error
			if n, err = compare(x, y); err != nil {
				return 0, err
			}
			if k.Desc {
				n = -n
			}
		}
		if n != 0 {
			return n, nil
		}
	}
	return 0, nil
}

// compare orders two values of one type as PostgreSQL does.
func compare(x, y driver.Value) (int, error) {
	switch x := x.(type) {
	case int64:
		if y, ok := y.(int64); ok {
			switch {
			case x < y:
				return -1, nil
			case x > y:
				return 1, nil
			}
			return 0, nil
		}
	case float64:
		if y, ok := y.(float64); ok {
			return floats(x, y), nil
		}
	case bool:
		if y, ok := y.(bool); ok {
			switch {
			case x == y:
				return 0, nil
			case y:
				return -1, nil
			}
			return 1, nil
		}
	case []byte:
		if y, ok := y.([]byte); ok {
			return bytes.Compare(x, y), nil
		}
	}
	if i, j := instant(x), instant(y); i != never || j != never {
		return moments(x, y, i, j)
	}
	if x, ok := x.(string); ok {
		if y, ok := y.(string); ok {
			return strings.Compare(x, y), nil
		}
	}
	return 0, fmt.Errorf("xapg: cannot put values of types %T and %T in order", x, y)
}

// floats orders as PostgreSQL does: NaN is equal to itself and above all others.
func floats(x, y float64) int {
	switch {
	case math.IsNaN(x) && math.IsNaN(y):
		return 0
	case math.IsNaN(x) || x > y:
		return 1
	case math.IsNaN(y) || x < y:
		return -1
	default:
		return 0
	}
}

const (
	never = iota
	before
	moment
	after
)

// instant tells times from other values; -infinity and infinity come as text.
func instant(v driver.Value) int {
	if _, ok := v.(time.Time); ok {
		return moment
	}
	return never
}

func moments(x, y driver.Value, i, j int) (int, error) {
	place := func(v driver.Value, known int) int {
		if known == moment {
			return moment
		}
		switch v {
		case "infinity":
			return after
		case "-infinity":
			return before
		default:
			return never
		}
	}
	i, j = place(x, i), place(y, j)
	if i == never || j == never {
		return 0, fmt.Errorf("xapg: cannot put values of types %T and %T in order", x, y)
	}
	if i != j || i != moment {
		return i - j, nil
	}
	return x.(time.Time).Compare(y.(time.Time)), nil
}

func (o *ordered) Close() error {
	var errs []error
	for _, p := range o.parts {
		errs = append(errs, p.Close())
	}
	return errors.Join(errs...)
}

func (o *ordered) ColumnTypeScanType(i int) reflect.Type        { return ScanType(o.parts[0], i) }
func (o *ordered) ColumnTypeDatabaseTypeName(i int) string      { return TypeName(o.parts[0], i) }
func (o *ordered) ColumnTypeLength(i int) (int64, bool)         { return Length(o.parts[0], i) }
func (o *ordered) ColumnTypeNullable(i int) (nullable, ok bool) { return Nullable(o.parts[0], i) }
func (o *ordered) ColumnTypePrecisionScale(i int) (precision, scale int64, ok bool) {
	return PrecisionScale(o.parts[0], i)
}
