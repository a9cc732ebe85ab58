package syntax

import (
	"errors"
	"fmt"

	"github.com/sqlc-dev/oliphant"
	"github.com/sqlc-dev/oliphant/ast"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Deparse writes a statement as text.
func Deparse(n *Node) (string, error) {
	text, err := oliphant.Deparse(&ast.ParseResult{Stmts: []*ast.RawStmt{{Stmt: n}}})
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrWriting, err)
	}
	again, err := oliphant.Parse(text)
	if err != nil || len(again.Stmts) != 1 || !Same(again.Stmts[0].Stmt, n) {
		return "", ErrWriting
	}
	return text, nil
}

// ErrWriting says that a statement was made, but cannot be written as text that
// reads as the same statement.
var ErrWriting = errors.New("a statement made for a shard cannot be written as text")

// Clone copies a tree.
func Clone[T proto.Message](n T) T { return proto.CloneOf(n) }

// Parameters finds the places of $1, $2, … in a text, in the order in which they
// stand: the bytes that each takes, and its number.
func Parameters(text string) ([]Place, error) {
	scan, err := oliphant.Scan(text)
	if err != nil {
		return nil, fmt.Errorf("xapg: a statement made for a shard cannot be read again: %w", err)
	}
	var places []Place
	for _, t := range scan.Tokens {
		if t.Token != ast.Token_PARAM {
			continue
		}
		p := Place{Start: int(t.Start), End: int(t.End)}
		if _, err := fmt.Sscanf(text[p.Start+1:p.End], "%d", &p.Number); err != nil {
			return nil, fmt.Errorf("xapg: a statement made for a shard cannot be read again: %w", err)
		}
		places = append(places, p)
	}
	return places, nil
}

// Place of a parameter in a text.
type Place struct{ Start, End, Number int }

// Same reports whether two trees are the same, wherever they stand in their texts.
func Same(a, b *Node) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return same(a.ProtoReflect(), b.ProtoReflect())
}

func same(a, b protoreflect.Message) bool {
	if a.Descriptor() != b.Descriptor() {
		return false
	}
	equal, left := true, 0
	a.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if !places(f) {
			left++
			equal = b.Has(f) && sameValue(f, v, b.Get(f))
		}
		return equal
	})
	if equal {
		b.Range(func(f protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
			if !places(f) {
				left--
			}
			return true
		})
	}
	return equal && left == 0
}

func sameValue(f protoreflect.FieldDescriptor, a, b protoreflect.Value) bool {
	switch {
	case f.IsList():
		l, r := a.List(), b.List()
		if l.Len() != r.Len() {
			return false
		}
		for i := range l.Len() {
			if f.Message() == nil && !l.Get(i).Equal(r.Get(i)) || f.Message() != nil && !same(l.Get(i).Message(), r.Get(i).Message()) {
				return false
			}
		}
		return true
	case f.Message() != nil:
		return same(a.Message(), b.Message())
	default:
		return a.Equal(b)
	}
}

// places tells the fields that say where something stands in the text.
func places(f protoreflect.FieldDescriptor) bool {
	switch f.Name() {
	case "location", "list_start", "list_end", "rexpr_list_start", "rexpr_list_end":
		return true
	default:
		return false
	}
}
