package syntax

import (
	"github.com/sqlc-dev/oliphant"
	"github.com/sqlc-dev/oliphant/ast"
)

// Rows cuts an INSERT … VALUES (…), (…) … into what is before its rows, the rows,
// and what comes after them.
func Rows(sql string) (head string, rows []string, tail string, ok bool) {
	scan, err := oliphant.Scan(sql)
	if err != nil {
		return "", nil, "", false
	}
	depth, from, started, end := 0, 0, false, 0
	for _, t := range scan.Tokens {
		switch t.Token {
		case ast.Token_ASCII_40: // (
			if started && depth == 0 {
				from = int(t.Start)
			}
			depth++
		case ast.Token_ASCII_41: // )
			depth--
			if started && depth == 0 {
				rows, end = append(rows, sql[from:t.End]), int(t.End)
			}
		case ast.Token_VALUES:
			if depth == 0 && !started {
				started, head, end = true, sql[:t.End]+" ", int(t.End)
			}
		case ast.Token_ASCII_44, ast.Token_SQL_COMMENT, ast.Token_C_COMMENT:
		default:
			if started && depth == 0 {
				return head, rows, " " + sql[end:], len(rows) > 0
			}
		}
	}
	return head, rows, " " + sql[end:], len(rows) > 0
}
