package plan

import (
	"database/sql/driver"
	"fmt"
	"reflect"

	"github.com/xapg/xapg/shardmap"
)

// argument is the key that a Go argument stands for.
//
// pgx does not know domains. Where a row with such a key is inserted it writes the
// argument by its Go type alone, but where the key is compared the server says that
// the parameter is of the type below, and pgx writes it as that: a time in another
// zone, bytes as hexadecimal. What is not written the same both ways is refused.
func argument(t *shardmap.Table, v any) (shardmap.Key, error) {
	if t.Domain && !unambiguous(v) {
		return shardmap.Key{}, &shardmap.ConversionError{Type: t.Type, Kind: shardmap.ErrUnsupported, Detail: fmt.Sprintf(
			"the column's type is a domain, for which a Go %T is written in one way when a row is inserted and in another when it is looked for; pass the value's text, as a string", v)}
	}
	return t.Type.Key(v)
}

// unambiguous reports whether a value is written the same for every type: NULL, text,
// and whole numbers.
func unambiguous(v any) bool {
	const depth = 8 // of pointers, and Valuers that return Valuers
	for range depth {
		switch x := v.(type) {
		case nil, string:
			return true
		case driver.Valuer:
			if rv := reflect.ValueOf(v); rv.Kind() == reflect.Pointer && rv.IsNil() {
				return true
			}
			value, err := x.Value()
			if err != nil {
				return false
			}
			v = value
			continue
		}
		rv := reflect.ValueOf(v)
		switch rv.Kind() {
		case reflect.Pointer:
			if rv.IsNil() {
				return true
			}
			v = rv.Elem().Interface()
		case reflect.String, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
			reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
			return rv.Type().NumMethod() == 0 // a time.Duration is written as an interval
		case reflect.Slice:
			return rv.IsNil()
		default:
			return false
		}
	}
	return false
}
