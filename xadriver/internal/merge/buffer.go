package merge

import (
	"bytes"
	"database/sql/driver"
	"errors"
	"io"
	"reflect"
)

// Buffer reads all rows into memory and closes them: what a statement returns
// that commits by itself must not be shown before it is committed.
func Buffer(r driver.Rows) (driver.Rows, error) {
	b := &buffer{columns: r.Columns()}
	for i := range b.columns {
		c := column{scan: ScanType(r, i), name: TypeName(r, i)}
		c.length, c.hasLength = Length(r, i)
		c.nullable, c.hasNullable = Nullable(r, i)
		c.precision, c.scale, c.hasScale = PrecisionScale(r, i)
		b.types = append(b.types, c)
	}
	for {
		row := make([]driver.Value, len(b.columns))
		if err := r.Next(row); err != nil {
			if errors.Is(err, io.EOF) {
				return b, r.Close()
			}
			return nil, errors.Join(err, r.Close())
		}
		for i, v := range row {
			if raw, ok := v.([]byte); ok {
				row[i] = bytes.Clone(raw)
			}
		}
		b.rows = append(b.rows, row)
	}
}

// RowsOf are the rows of what Buffer returned.
func RowsOf(b driver.Rows) [][]driver.Value { return b.(*buffer).rows }

// WithRows is a buffered result with other rows of the same columns.
func WithRows(b driver.Rows, rows [][]driver.Value) driver.Rows {
	copied := *b.(*buffer)
	copied.rows = rows
	return &copied
}

// None is a result without columns and rows.
func None() driver.Rows { return &buffer{} }

type buffer struct {
	columns []string
	types   []column
	rows    [][]driver.Value
}

type column struct {
	scan                             reflect.Type
	name                             string
	length, precision, scale         int64
	nullable                         bool
	hasLength, hasNullable, hasScale bool
}

func (b *buffer) Columns() []string { return b.columns }
func (b *buffer) Close() error      { return nil }

func (b *buffer) Next(dest []driver.Value) error {
	if len(b.rows) == 0 {
		return io.EOF
	}
	copy(dest, b.rows[0])
	b.rows = b.rows[1:]
	return nil
}

func (b *buffer) ColumnTypeScanType(i int) reflect.Type   { return b.types[i].scan }
func (b *buffer) ColumnTypeDatabaseTypeName(i int) string { return b.types[i].name }
func (b *buffer) ColumnTypeLength(i int) (int64, bool) {
	return b.types[i].length, b.types[i].hasLength
}
func (b *buffer) ColumnTypeNullable(i int) (nullable, ok bool) {
	return b.types[i].nullable, b.types[i].hasNullable
}
func (b *buffer) ColumnTypePrecisionScale(i int) (precision, scale int64, ok bool) {
	return b.types[i].precision, b.types[i].scale, b.types[i].hasScale
}
