//go:build go1.27

package xadriver

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/xapg/xapg/xadriver/internal/merge"
)

var _ driver.RowsColumnScanner = (*Rows)(nil)

// NextRow implements driver.RowsColumnScanner.
func (r *Rows) NextRow() error {
	if s, ok := r.inner.(driver.RowsColumnScanner); ok {
		return r.came(s.NextRow())
	}
	if r.row == nil {
		r.row = make([]driver.Value, len(r.Columns()))
	}
	return r.Next(r.row)
}

// ScanColumn implements driver.RowsColumnScanner: arrays, ranges, JSON and whatever
// else pgx knows are scanned into Go values of the matching types. The rows of one
// shard are scanned by pgx itself; those that were merged, from the values that they
// were merged as.
func (r *Rows) ScanColumn(scan driver.ScanContext, index int, dest any) error {
	if s, ok := r.inner.(driver.RowsColumnScanner); ok {
		return s.ScanColumn(scan, index, dest)
	}
	rv := reflect.ValueOf(dest)
	switch {
	case dest == nil:
		return errors.New("destination not a pointer")
	case rv.Kind() == reflect.Pointer && rv.IsNil():
		return errors.New("destination pointer is nil")
	case ordinary(rv.Type()):
		return sql.ConvertAssign(scan, dest, r.row[index])
	}
	m := encoders.Get().(*pgtype.Map)
	defer encoders.Put(m)
	name := merge.TypeName(r.inner, index)
	var oid uint32
	if t, ok := m.TypeForName(strings.ToLower(name)); ok {
		oid = t.OID
	} else if n, err := strconv.ParseUint(name, 10, 32); err == nil {
		oid = uint32(n)
	}
	var src []byte
	switch v := r.row[index].(type) {
	case nil:
	case string:
		src = []byte(v)
	case []byte:
		if src = v; oid == pgtype.ByteaOID {
			return m.Scan(oid, pgx.BinaryFormatCode, src, dest)
		}
	default:
		var err error
		if src, err = m.Encode(oid, pgx.TextFormatCode, v, nil); err != nil {
			return err
		}
	}
	return m.Scan(oid, pgx.TextFormatCode, src, dest)
}

// ordinary reports whether database/sql's own conversions serve a destination: it
// is, or points to, a sql.Scanner, a scalar, bytes or a time. Slices and pgx's own
// types are left to pgx, as pgx's stdlib leaves them.
func ordinary(t reflect.Type) bool {
	const depth = 8 // of pointers to pointers
	for range depth {
		switch {
		case t.Implements(reflect.TypeFor[sql.Scanner]()):
			return true
		case t.Implements(reflect.TypeFor[pgtype.ArraySetter]()), t.Implements(reflect.TypeFor[pgtype.BytesScanner]()):
			return false
		}
		if t.Kind() != reflect.Pointer {
			break
		}
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.Bool, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64,
		reflect.Float32, reflect.Float64, reflect.String, reflect.Interface:
		return true
	case reflect.Slice:
		return t.Elem().Kind() == reflect.Uint8
	case reflect.Struct:
		return t.ConvertibleTo(reflect.TypeFor[time.Time]())
	default:
		return false
	}
}
