// Package syntax turns SQL text into trees. It is the only package that knows
// the parser (a pure Go port of PostgreSQL's own, sqlc-dev/oliphant), and guards
// it: text that is too long or nested too deeply is refused before it is parsed,
// because a stack that overflows cannot be recovered from.
package syntax

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/sqlc-dev/oliphant"
	"github.com/sqlc-dev/oliphant/ast"
	"github.com/sqlc-dev/oliphant/parser"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// MaxLength is the longest text, in bytes, that is parsed. PostgreSQL's limit is
// 1 GB, its practical one the memory of the server.
const MaxLength = 16 << 20

// Statement is one statement of a text.
type Statement struct {
	SQL  string // without the semicolon after it
	Node *Node
}

// Parse splits a text into statements and parses them. Its errors are
// *pgconn.PgError, as PostgreSQL would put them.
func Parse(text string) ([]Statement, error) {
	if err := guard(text); err != nil {
		return nil, err
	}
	tree, err := oliphant.Parse(text)
	if err != nil {
		return nil, syntaxError(text, err)
	}
	if len(tree.Stmts) == 1 {
		return []Statement{{SQL: text, Node: tree.Stmts[0].Stmt}}, nil
	}
	list := make([]Statement, len(tree.Stmts))
	end := 0 // of the statement before
	for i, s := range tree.Stmts {
		from, to := int(s.StmtLocation), len(text)
		if s.StmtLen > 0 {
			to = from + int(s.StmtLen)
		}
		if gap := text[end:from]; strings.Contains(gap, "xapg:") { // a hint in the comments before it
			from = end + len(gap) - len(strings.TrimLeft(gap, "; \t\r\n"))
		}
		list[i] = Statement{SQL: text[from:to], Node: s.Stmt}
		end = to
	}
	return list, nil
}

func syntaxError(text string, err error) error {
	e := &pgconn.PgError{Severity: "ERROR", SeverityUnlocalized: "ERROR", Code: "42601", Message: err.Error()}
	var perr *parser.Error
	if errors.As(err, &perr) {
		e.Message = perr.Message
		if strings.HasPrefix(e.Message, "invalid byte sequence") {
			e.Code = "22021" // character_not_in_repertoire
		}
		e.Position = int32(perr.Cursorpos)
	}
	return e
}

// Position counts characters from 1, where the parser counts bytes from 0.
func Position(text string, offset int32) int32 {
	if offset < 0 || int(offset) > len(text) {
		return 0
	}
	return int32(utf8.RuneCountInString(text[:offset])) + 1
}

// guard refuses what could exhaust the stack. It counts what nests, without
// caring for quotes: text in quotes that looks nested to the limit is refused
// too, and can be passed as an argument.
func guard(text string) error {
	if len(text) > MaxLength {
		return &pgconn.PgError{
			Severity: "ERROR", SeverityUnlocalized: "ERROR", Code: "54000",
			Message: fmt.Sprintf("statement too long: %d bytes, the limit is %d", len(text), MaxLength),
			Hint:    "Pass long values as arguments.",
		}
	}
	const limit = 5000 // far below what overflows, far above what people write
	depth := 0
	words := 0
	for i := range len(text) {
		switch text[i] {
		case '(', '[':
			if depth++; depth > limit {
				return tooDeep()
			}
		case ')', ']':
			if depth > 0 {
				depth--
			}
		case '+', '-', '*', '/', '%', '^', '~', '|', '&', '<', '>', '=', '!', '#', '@', '?', '`', ':':
			if words++; words > operators {
				return tooDeep()
			}
		default:
			if isWordStart(text, i) && nests(text[i:]) {
				if words++; words > operators {
					return tooDeep()
				}
			}
		}
	}
	return nil
}

// operators is how many operators and nesting keywords a text may have: each may
// make the tree one level deeper.
const operators = 100_000

func isWordStart(text string, i int) bool {
	ch := text[i] | 0x20
	if ch < 'a' || ch > 'z' {
		return false
	}
	if i == 0 {
		return true
	}
	p := text[i-1]
	return !(p == '_' || p >= '0' && p <= '9' || p|0x20 >= 'a' && p|0x20 <= 'z' || p >= 0x80)
}

func nests(rest string) bool {
	for _, w := range [...]string{"not", "and", "or", "case", "union", "intersect", "except", "select", "join", "is", "in", "like", "collate", "at", "array", "row", "else"} {
		if len(rest) >= len(w) && equalFold(rest[:len(w)], w) {
			return true
		}
	}
	return false
}

func equalFold(s, lower string) bool {
	for i := range len(lower) {
		if s[i]|0x20 != lower[i] {
			return false
		}
	}
	return true
}

func tooDeep() error {
	return &pgconn.PgError{
		Severity: "ERROR", SeverityUnlocalized: "ERROR", Code: "54001", Message: "stack depth limit exceeded",
		Detail: "The statement is nested too deeply, or has too many operators, to be planned safely.",
		Hint:   "Pass lists as array arguments, and split the statement.",
	}
}

// Walk calls visit for every message of a tree, parents first. Where visit
// returns false, the children are left out.
func Walk(m proto.Message, visit func(proto.Message) bool) {
	if m == nil {
		return
	}
	r := m.ProtoReflect()
	if !r.IsValid() {
		return
	}
	walk(r, visit)
}

func walk(r protoreflect.Message, visit func(proto.Message) bool) {
	if !visit(r.Interface()) {
		return
	}
	children(r, visit)
}

// Children calls visit for every message below m, but not for m itself.
func Children(m proto.Message, visit func(proto.Message) bool) {
	r := m.ProtoReflect()
	if r.IsValid() {
		children(r, visit)
	}
}

func children(r protoreflect.Message, visit func(proto.Message) bool) {
	r.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if f.Message() == nil {
			return true
		}
		if f.IsList() {
			list := v.List()
			for i := range list.Len() {
				walk(list.Get(i).Message(), visit)
			}
			return true
		}
		walk(v.Message(), visit)
		return true
	})
}

// Node is any part of a tree.
type Node = ast.Node
