package shardmap

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// Key reads a Go argument as pgx sends it to a server that has described the
// parameter as being of this type:
//
//   - nil, nil pointers and nil slices are NULL; other pointers what they point to
//   - integers of any kind, for integer types and numeric
//   - floats, for numeric, and where they are whole numbers for integer types
//   - string and []byte (and named types of them such as json.Number), as Parse
//     reads them; []byte is the value itself for bytea, for text types, and for
//     uuid when it has 16 bytes
//   - bool; time.Time, of which date and timestamp keep the wall clock of the
//     time's own location; [16]byte for uuid
//   - a driver.Valuer (sql.NullString, uuid.UUID, the types of pgtype): its value
//   - a fmt.Stringer that is none of these: its text, as Parse reads it
//
// Anything else, and what pgx would silently change (a fraction for an integer
// type, fifteen bytes for a uuid), is refused. Errors are *ConversionError.
//
// The rules do not hold for pgx.QueryExecModeExec and QueryExecModeSimpleProtocol,
// which let the argument's Go type decide: a time.Time for a date or timestamp
// arrives there with its UTC digits, a []byte as bytea's text.
func (t Type) Key(v any) (Key, error) {
	switch v := v.(type) {
	case nil:
		return t.null(), nil
	case int64:
		if t.isNumber() {
			return t.fromInt(v)
		}
	case int:
		if t.isNumber() {
			return t.fromInt(int64(v))
		}
	case string:
		return t.Parse(v)
	case []byte:
		return t.fromBytes(v)
	case time.Time:
		if k, err, ok := t.fromTime(v); ok {
			return k, err
		}
	}
	return t.reflected(v, 0)
}

// maxIndirections bounds pointers to pointers and Valuers that return Valuers.
const maxIndirections = 8

func (t Type) null() Key { return Key{family: t.family(), null: true} }

func (t Type) reflected(v any, depth int) (Key, error) {
	if v == nil {
		return t.null(), nil
	}
	if depth > maxIndirections {
		return Key{}, t.unsupported(v)
	}
	rv := reflect.ValueOf(v)
	if encodesItself(rv.Type()) {
		return Key{}, &ConversionError{Type: t, Kind: ErrUnsupported, Detail: fmt.Sprintf(
			"a %T encodes itself for pgx, in a way that cannot be seen from outside; pass a plain Go value instead", v)}
	}
	if valuer, ok := v.(driver.Valuer); ok {
		return t.fromValuer(valuer, rv, depth)
	}
	if nilable(rv.Kind()) && rv.IsNil() {
		return t.null(), nil
	}
	k, err, ok := t.fromKind(rv, depth)
	if ok {
		return k, err
	}
	if s, isStringer := v.(fmt.Stringer); isStringer {
		return t.Parse(s.String())
	}
	if err != nil {
		return Key{}, err
	}
	return Key{}, t.unsupported(v)
}

func (t Type) fromValuer(v driver.Valuer, rv reflect.Value, depth int) (Key, error) {
	if rv.Kind() == reflect.Pointer && rv.IsNil() && rv.Type().Elem().Implements(valuerType) {
		return t.null(), nil
	}
	value, err := v.Value()
	if err != nil {
		return Key{}, &ConversionError{Type: t, Kind: ErrUnsupported, Err: err, Detail: fmt.Sprintf("Value of %T failed: %v", v, err)}
	}
	return t.reflected(value, depth+1)
}

// fromKind is for what a value is underneath its name. ok tells whether that can
// be a key at all; if not, err may still say why.
func (t Type) fromKind(rv reflect.Value, depth int) (k Key, err error, ok bool) {
	switch rv.Kind() {
	case reflect.Pointer:
		k, err = t.reflected(rv.Elem().Interface(), depth+1)
		if errors.Is(err, ErrUnsupported) {
			return Key{}, err, false
		}
		return k, err, true
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		if t.isNumber() {
			k, err = t.fromInt(rv.Int())
			return k, err, true
		}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if t.isNumber() {
			k, err = t.fromUint(rv.Uint())
			return k, err, true
		}
	case reflect.Float32, reflect.Float64:
		if t.isNumber() {
			k, err = t.fromFloat(rv.Float())
			return k, err, true
		}
	case reflect.Bool:
		if t == Bool {
			return boolKey(rv.Bool()), nil, true
		}
	case reflect.String:
		k, err = t.Parse(rv.String())
		return k, err, true
	case reflect.Slice:
		if rv.Type().AssignableTo(bytesType) {
			k, err = t.fromBytes(rv.Bytes())
			return k, err, true
		}
	case reflect.Array:
		if t == UUID && rv.Len() == 16 && rv.Type().Elem() == byteType {
			var b [16]byte
			reflect.Copy(reflect.ValueOf(&b).Elem(), rv)
			return uuidKey(b[:]), nil, true
		}
	case reflect.Struct:
		if v, isTime := rv.Interface().(time.Time); isTime {
			return t.fromTime(v)
		}
	}
	return Key{}, nil, false
}

func (t Type) isNumber() bool { return t.family() == integers || t == Numeric }

func (t Type) fromInt(v int64) (Key, error) {
	if t == Numeric {
		d, err := parseDecimal(strconv.FormatInt(v, 10))
		return d.key(), err
	}
	return t.intKey(v)
}

func (t Type) fromUint(v uint64) (Key, error) {
	switch {
	case t == Numeric:
		d, err := parseDecimal(strconv.FormatUint(v, 10))
		return d.key(), err
	case v > math.MaxInt64:
		return Key{}, t.outOfRange(strconv.FormatUint(v, 10))
	default:
		return t.intKey(int64(v))
	}
}

// fromFloat gives numeric the shortest digits that read back as the same float64,
// also for a float32. pgx cuts fractions off for integer types; that changes the
// value, so it is refused.
func (t Type) fromFloat(v float64) (Key, error) {
	text := strconv.FormatFloat(v, 'f', -1, 64)
	switch {
	case t == Numeric:
		d, err := parseDecimal(text)
		if err != nil {
			return Key{}, err
		}
		return d.key(), nil
	case v != math.Trunc(v) || math.IsInf(v, 0):
		return Key{}, &ConversionError{Type: t, Kind: ErrUnsupported, value: text, Detail: "a float is taken for an integer only if it is a whole number"}
	}
	whole, _ := big.NewFloat(v).Int(nil)
	if !whole.IsInt64() {
		return Key{}, t.outOfRange(text)
	}
	return t.intKey(whole.Int64())
}

func (t Type) fromBytes(b []byte) (Key, error) {
	switch {
	case b == nil:
		return t.null(), nil
	case t == Bytea:
		return Key{family: byteas, s: string(b)}, nil
	case t == UUID && len(b) == 16:
		return uuidKey(b), nil
	case t == UUID:
		// pgx would cut or pad them without a word.
		return Key{}, &ConversionError{Type: t, Kind: ErrUnsupported, Detail: fmt.Sprintf("[]byte has %d bytes, not 16; pass text as a string", len(b))}
	default:
		return t.Parse(string(b))
	}
}

func (t Type) fromTime(v time.Time) (k Key, err error, ok bool) {
	switch t {
	case Date, Timestamp, Timestamptz:
		k, err = t.goTimeKey(v)
		return k, err, true
	default:
		return Key{}, nil, false
	}
}

func (t Type) unsupported(v any) error {
	return &ConversionError{Type: t, Kind: ErrUnsupported, Detail: fmt.Sprintf("a Go %T is not taken for it; pass %s", v, t.accepted())}
}

func (t Type) accepted() string {
	switch t.family() {
	case integers:
		return "an integer or a string"
	case uuids:
		return "a uuid.UUID, [16]byte or string"
	case dates, timestamps, instants:
		return "a time.Time or a string"
	case bools:
		return "a bool or a string"
	case byteas:
		return "a []byte"
	case numerics:
		return "a number or a string"
	default:
		return "a string"
	}
}

var (
	valuerType = reflect.TypeFor[driver.Valuer]()
	bytesType  = reflect.TypeFor[[]byte]()
	byteType   = reflect.TypeFor[byte]()
)

func nilable(k reflect.Kind) bool {
	switch k {
	case reflect.Chan, reflect.Func, reflect.Map, reflect.Pointer, reflect.UnsafePointer, reflect.Slice:
		return true
	default:
		return false
	}
}

// encodesItself tells whether a type has one of the methods that pgx prefers to
// everything else. Those of pgtype agree with their own Value. The names are
// written out one by one because the linker keeps every method of a program that
// looks methods up by a variable.
func encodesItself(t reflect.Type) bool {
	if path := indirect(t).PkgPath(); strings.HasPrefix(path, "github.com/jackc/pgx/") {
		return false
	}
	if t.NumMethod() == 0 {
		return false
	}
	for _, has := range [...]func() bool{
		func() bool { _, ok := t.MethodByName("Int64Value"); return ok },
		func() bool { _, ok := t.MethodByName("Float64Value"); return ok },
		func() bool { _, ok := t.MethodByName("NumericValue"); return ok },
		func() bool { _, ok := t.MethodByName("TextValue"); return ok },
		func() bool { _, ok := t.MethodByName("BytesValue"); return ok },
		func() bool { _, ok := t.MethodByName("BoolValue"); return ok },
		func() bool { _, ok := t.MethodByName("UUIDValue"); return ok },
		func() bool { _, ok := t.MethodByName("DateValue"); return ok },
		func() bool { _, ok := t.MethodByName("TimestampValue"); return ok },
		func() bool { _, ok := t.MethodByName("TimestamptzValue"); return ok },
	} {
		if has() {
			return true
		}
	}
	return false
}

func indirect(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}
