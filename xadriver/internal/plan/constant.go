package plan

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"reflect"

	"github.com/xapg/xapg/shardmap"
)

// constant is a value that a key is compared with: a parameter, or a literal
// that was read by the key's type when the statement was planned.
type constant struct {
	param int // $n; 0 for a literal
	array bool
	key   shardmap.Key
	none  bool  // a literal that equals no key: NULL, or a number out of range
	over  bool  // … out of range
	err   error // of a literal that cannot be read
}

// set is one condition: the key equals one of these.
type set []constant

// literal reads a literal's text or number by the key's type.
func literal(t *shardmap.Table, v any) constant {
	var (
		k   shardmap.Key
		err error
	)
	if text, ok := v.(string); ok {
		k, err = t.Type.Parse(text)
	} else {
		k, err = t.Type.Key(v)
	}
	return read(k, err)
}

func read(k shardmap.Key, err error) constant {
	switch {
	case errors.Is(err, shardmap.ErrOutOfRange):
		return constant{none: true, over: true}
	case err != nil:
		return constant{err: err}
	case k.IsNull():
		return constant{none: true}
	default:
		return constant{key: k}
	}
}

// value is the literal that the constant, which is no array, stands for in this call.
func (c constant) value(t *shardmap.Table, args []driver.NamedValue) (constant, error) {
	if c.param != 0 {
		if c.param > len(args) {
			return constant{}, &KeyError{Table: t.Name, Column: t.Key, State: "08P01", Problem: fmt.Sprintf("is $%d, but %d arguments were given", c.param, len(args))}
		}
		c = read(argument(t, args[c.param-1].Value))
	}
	if c.err != nil {
		return constant{}, keyError(t, c.err)
	}
	return c, nil
}

// keys calls yield with every key that the constant stands for in this call.
func (c constant) keys(t *shardmap.Table, args []driver.NamedValue, yield func(shardmap.Key) error) error {
	if c.array && c.param <= len(args) {
		return elements(t, args[c.param-1].Value, yield)
	}
	c, err := c.value(t, args)
	if err != nil || c.none {
		return err
	}
	return yield(c.key)
}

// stored is the shard of a row whose key is assigned the constant; none when such a
// row has no shard, because the key is NULL or out of range.
func (c constant) stored(t *shardmap.Table, args []driver.NamedValue) (at int, none, over bool, err error) {
	c, err = c.value(t, args)
	if err != nil || c.none {
		return 0, c.none, c.over, err
	}
	k, err := t.Stored(c.key)
	if err == nil {
		at, err = t.Shard(k)
	}
	if err != nil {
		return 0, false, false, keyError(t, err)
	}
	return at, false, false, nil
}

// elements calls yield for the elements of an array argument.
func elements(t *shardmap.Table, v any, yield func(shardmap.Key) error) error {
	rv := reflect.ValueOf(v)
	for rv.Kind() == reflect.Pointer && !rv.IsNil() {
		rv = rv.Elem()
	}
	if rv.Kind() == reflect.Struct { // pgtype.Array and the like
		if f := rv.FieldByName("Elements"); f.IsValid() && f.Kind() == reflect.Slice {
			rv = f
		}
	}
	switch rv.Kind() {
	case reflect.Invalid, reflect.Pointer:
		return nil // a NULL array equals nothing
	case reflect.String:
		return literals(t, rv.String(), yield)
	case reflect.Slice, reflect.Array:
	default:
		return &Refusal{
			Clause: fmt.Sprintf("an argument of type %T for = ANY on the key %s of table %s", v, t.Key, t.Name),
			Reason: "its elements cannot be told", Remedy: "pass a slice",
		}
	}
	for i := range rv.Len() {
		k, err := argument(t, rv.Index(i).Interface())
		c := read(k, err)
		if err := c.keys(t, nil, yield); err != nil {
			return err
		}
	}
	return nil
}

// literals calls yield for the elements of an array written as text: {a,"b c",NULL}.
func literals(t *shardmap.Table, text string, yield func(shardmap.Key) error) error {
	list, ok := arrayElements(text)
	if !ok {
		return &Refusal{
			Clause: fmt.Sprintf("an array written as text for = ANY on the key %s of table %s", t.Key, t.Name),
			Reason: "its elements cannot be told", Remedy: "pass a slice",
		}
	}
	for _, e := range list {
		if err := literal(t, e).keys(t, nil, yield); err != nil {
			return err
		}
	}
	return nil
}

// shards is the set of shards, as bits by index, that hold keys of the set.
type shards struct {
	bits  [4]uint64 // for up to 256 shards without an allocation
	more  map[int]bool
	count int
}

func (s *shards) add(i int) {
	if s.has(i) {
		return
	}
	s.count++
	if i < 256 {
		s.bits[i/64] |= 1 << (i % 64)
		return
	}
	if s.more == nil {
		s.more = make(map[int]bool)
	}
	s.more[i] = true
}

func (s *shards) has(i int) bool {
	if i < 256 {
		return s.bits[i/64]&(1<<(i%64)) != 0
	}
	return s.more[i]
}

// of adds the shards that may hold a row whose key is among s. A key that has no
// shard has no rows.
func (s set) of(t *shardmap.Table, args []driver.NamedValue, into *shards) error {
	for _, c := range s {
		err := c.keys(t, args, func(k shardmap.Key) error {
			at, err := t.Shard(k)
			switch {
			case errors.Is(err, shardmap.ErrNoPlace), errors.Is(err, shardmap.ErrNullKey):
				return nil
			case err != nil:
				return keyError(t, err)
			}
			into.add(at)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
