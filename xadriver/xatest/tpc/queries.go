package tpc

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// Query is a query with a name.
type Query struct{ Name, SQL string }

//go:embed queries/*.sql conditions/*.sql
var statements embed.FS

// Queries are the 22 queries of TPC-H, q01 to q22, with the parameters that the
// specification validates with, or others where those would find nothing in so
// few rows. Those of several rows have an ORDER BY that decides between all of
// the rows.
func Queries() []Query { return readQueries("queries") }

// Conditions are those of clause 3.3.2 of TPC-C that are not about the size of
// the tables after they were filled. Each is a query for what contradicts the
// condition, which is nothing in a consistent database.
func Conditions() []Query { return readQueries("conditions") }

func readQueries(folder string) (list []Query) {
	names, err := fs.Glob(statements, folder+"/*.sql")
	for _, name := range names {
		var text []byte
		if text, err = statements.ReadFile(name); err != nil {
			break
		}
		list = append(list, Query{strings.TrimSuffix(path.Base(name), ".sql"), string(text)})
	}
	if err != nil {
		panic(fmt.Sprintf("tpc: %v", err)) // they are part of the program
	}
	return list
}
