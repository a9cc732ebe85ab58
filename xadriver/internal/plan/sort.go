package plan

import (
	"slices"

	pg "github.com/xapg/xapg/xadriver/internal/syntax"
)

// sortKey is one item of ORDER BY, or of DISTINCT ON.
type sortKey struct {
	by     *pg.SortBy // nil for DISTINCT ON
	expr   *pg.Node
	output int // the output column that it names, -1 for none
}

// sortKeys are what a query is ordered by, as PostgreSQL reads it: a name is that
// of an output column if there is one, a number is a position.
func sortKeys(list []*pg.Node, outputs []string) []sortKey {
	keys := make([]sortKey, 0, len(list))
	for _, n := range list {
		k := sortKey{by: n.GetSortBy(), expr: n, output: -1}
		if k.by != nil {
			k.expr = k.by.Node
		}
		if c := k.expr.GetAConst(); c != nil && c.GetIval() != nil {
			k.output = int(c.GetIval().Ival) - 1
		} else if ref := k.expr.GetColumnRef(); ref != nil && len(ref.Fields) == 1 && ref.Fields[0].GetString_() != nil {
			k.output = slices.Index(outputs, ref.Fields[0].GetString_().Sval)
		}
		keys = append(keys, k)
	}
	return keys
}

// isStar reports whether an item stands for any number of columns: *, t.*, (t).*.
func isStar(n *pg.Node) bool {
	if ref := n.GetColumnRef(); ref != nil {
		return len(names(ref.Fields)) < len(ref.Fields)
	}
	if list := n.GetAIndirection().GetIndirection(); len(list) > 0 {
		return list[len(list)-1].GetAStar() != nil
	}
	return false
}

// starred reports whether any of the first n items of a list is a star, so that
// those after it cannot be counted.
func starred(list []*pg.Node, n int) bool {
	for _, item := range list[:min(n, len(list))] {
		if isStar(item.GetResTarget().GetVal()) {
			return true
		}
	}
	return false
}
