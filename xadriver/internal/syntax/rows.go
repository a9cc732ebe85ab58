package syntax

import (
	"fmt"

	"github.com/sqlc-dev/oliphant"
	"github.com/sqlc-dev/oliphant/ast"
)

// Span is a part of a text, in bytes.
type Span struct{ Start, End int }

// Rows finds the rows of an INSERT … VALUES (…), (…) …, and the places of the text's
// parameters. What is before the first row and after the last is the statement's
// head and tail.
func Rows(sql string) (rows []Span, places []Place, ok bool) {
	scan, err := oliphant.Scan(sql)
	if err != nil {
		return nil, nil, false
	}
	depth, from, started, ended := 0, 0, false, false
	for _, t := range scan.Tokens {
		switch t.Token {
		case ast.Token_PARAM:
			p := Place{Start: int(t.Start), End: int(t.End)}
			if _, err := fmt.Sscanf(sql[p.Start+1:p.End], "%d", &p.Number); err != nil {
				return nil, nil, false
			}
			places = append(places, p)
		case ast.Token_ASCII_40: // (
			if started && !ended && depth == 0 {
				from = int(t.Start)
			}
			depth++
		case ast.Token_ASCII_41: // )
			depth--
			if started && !ended && depth == 0 {
				rows = append(rows, Span{from, int(t.End)})
			}
		case ast.Token_VALUES:
			started = started || depth == 0
		case ast.Token_ASCII_44, ast.Token_SQL_COMMENT, ast.Token_C_COMMENT:
		default:
			ended = ended || started && depth == 0
		}
	}
	return rows, places, len(rows) > 0
}
