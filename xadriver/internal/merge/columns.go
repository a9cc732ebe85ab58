package merge

import (
	"database/sql/driver"
	"reflect"
)

// What a driver's rows tell about their columns, with what database/sql assumes
// where they do not tell.

// ScanType is the Go type into which a column can be scanned.
func ScanType(r driver.Rows, i int) reflect.Type {
	if c, ok := r.(driver.RowsColumnTypeScanType); ok {
		return c.ColumnTypeScanType(i)
	}
	return reflect.TypeFor[any]()
}

// TypeName is the name of a column's type.
func TypeName(r driver.Rows, i int) string {
	if c, ok := r.(driver.RowsColumnTypeDatabaseTypeName); ok {
		return c.ColumnTypeDatabaseTypeName(i)
	}
	return ""
}

// Length is the length of a column of variable length.
func Length(r driver.Rows, i int) (int64, bool) {
	if c, ok := r.(driver.RowsColumnTypeLength); ok {
		return c.ColumnTypeLength(i)
	}
	return 0, false
}

// Nullable says whether a column may be NULL.
func Nullable(r driver.Rows, i int) (nullable, ok bool) {
	if c, ok := r.(driver.RowsColumnTypeNullable); ok {
		return c.ColumnTypeNullable(i)
	}
	return false, false
}

// PrecisionScale is the precision and scale of a decimal column.
func PrecisionScale(r driver.Rows, i int) (precision, scale int64, ok bool) {
	if c, ok := r.(driver.RowsColumnTypePrecisionScale); ok {
		return c.ColumnTypePrecisionScale(i)
	}
	return 0, 0, false
}
