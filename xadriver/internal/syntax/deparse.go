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
	a, b = Clone(a), Clone(b)
	unplace(a.ProtoReflect())
	unplace(b.ProtoReflect())
	return proto.Equal(a, b)
}

// unplace takes the positions out of a tree.
func unplace(r protoreflect.Message) {
	walk(r, func(m proto.Message) bool {
		r := m.ProtoReflect()
		for _, name := range [...]protoreflect.Name{"location", "list_start", "list_end", "rexpr_list_start", "rexpr_list_end"} {
			if f := r.Descriptor().Fields().ByName(name); f != nil {
				r.Clear(f)
			}
		}
		return true
	})
}
