// Package merge makes one result of many shards' results.
package merge

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
)

// Concat is the rows of all parts, one part after the other. It takes the parts
// over, and closes each when it is read to its end. At least one part is needed;
// parts that do not have the same columns are an error.
func Concat(parts []driver.Rows) (driver.Rows, error) {
	columns := parts[0].Columns()
	for _, p := range parts[1:] {
		if got := p.Columns(); !slices.Equal(columns, got) {
			for _, p := range parts {
				_ = p.Close()
			}
			return nil, fmt.Errorf("xapg: the shards' results have different columns, %q and %q: their tables are not the same", columns, got)
		}
	}
	return &concat{parts: parts}, nil
}

type concat struct {
	parts []driver.Rows
	at    int
}

func (c *concat) Columns() []string { return c.parts[0].Columns() }

func (c *concat) Next(dest []driver.Value) error {
	for ; c.at < len(c.parts); c.at++ {
		err := c.parts[c.at].Next(dest)
		if !errors.Is(err, io.EOF) {
			return err
		}
	}
	return io.EOF
}

func (c *concat) Close() error {
	var errs []error
	for _, p := range c.parts {
		errs = append(errs, p.Close())
	}
	return errors.Join(errs...)
}

func (c *concat) ColumnTypeScanType(i int) reflect.Type        { return ScanType(c.parts[0], i) }
func (c *concat) ColumnTypeDatabaseTypeName(i int) string      { return TypeName(c.parts[0], i) }
func (c *concat) ColumnTypeLength(i int) (int64, bool)         { return Length(c.parts[0], i) }
func (c *concat) ColumnTypeNullable(i int) (nullable, ok bool) { return Nullable(c.parts[0], i) }
func (c *concat) ColumnTypePrecisionScale(i int) (precision, scale int64, ok bool) {
	return PrecisionScale(c.parts[0], i)
}
