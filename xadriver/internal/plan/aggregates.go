package plan

import (
	"google.golang.org/protobuf/proto"

	pg "github.com/xapg/xapg/xadriver/internal/syntax"
)

// sumsUp finds aggregates and window functions of this level.
func (a *analysis) sumsUp(sel *pg.SelectStmt, sc *scope) (agg bool, windows []*pg.FuncCall) {
	look := func(m proto.Message) bool {
		switch m := m.(type) {
		case *pg.SubLink:
			// An aggregate of outer columns belongs to this level wherever it stands.
			if a.outerAggregate(m, sc) {
				agg = true
			}
			return false
		case *pg.GroupingFunc:
			agg = true
		case *pg.JsonObjectAgg, *pg.JsonArrayAgg:
			agg = true
		case *pg.FuncCall:
			if m.Over != nil {
				windows = append(windows, m)
				return true
			}
			agg = agg || a.isAggregate(m)
		}
		return true
	}
	for _, list := range [][]*pg.Node{sel.TargetList, sel.SortClause, sel.DistinctClause} {
		for _, n := range list {
			pg.Walk(n, look)
		}
	}
	pg.Walk(sel.HavingClause, look)
	return agg, windows
}

func (a *analysis) isAggregate(f *pg.FuncCall) bool {
	if f.AggStar || f.AggDistinct || f.AggFilter != nil || len(f.AggOrder) > 0 || f.AggWithinGroup {
		return true
	}
	list := names(f.Funcname)
	if len(list) == 0 {
		return false
	}
	schema := ""
	if len(list) > 1 {
		schema = list[len(list)-2]
	}
	info, _ := a.cat.Function(schema, list[len(list)-1])
	return info.Aggregate
}

// outerAggregate reports whether a subquery has an aggregate that may belong to
// the level outside, because its arguments are columns of that level only.
func (a *analysis) outerAggregate(s *pg.SubLink, sc *scope) (found bool) {
	sel := s.Subselect.GetSelectStmt()
	pg.Walk(sel, func(m proto.Message) bool {
		if f, ok := m.(*pg.FuncCall); ok && f.Over == nil && a.isAggregate(f) && a.ofOuter(f, sel, sc) {
			found = true
		}
		return !found
	})
	return found
}

func (a *analysis) ofOuter(f *pg.FuncCall, sel *pg.SelectStmt, sc *scope) bool {
	outer := len(sel.FromClause) == 0
	pg.Walk(f, func(m proto.Message) bool {
		ref, ok := m.(*pg.ColumnRef)
		if !ok {
			return true
		}
		list := names(ref.Fields)
		for _, e := range sc.entries {
			switch {
			case len(list) > 1 && list[len(list)-2] == e.alias:
				outer = true
			case len(list) == 1:
				if _, has := e.find(list[0]); has && !a.innerColumn(sel, list[0]) {
					outer = true
				}
			}
		}
		return true
	})
	return outer
}

// innerColumn reports whether a table named in a subquery has the column.
func (a *analysis) innerColumn(sel *pg.SelectStmt, name string) (found bool) {
	pg.Walk(sel, func(m proto.Message) bool {
		if rv, ok := m.(*pg.RangeVar); ok {
			if r := a.cat.Resolve(a.path, rv.Schemaname, rv.Relname); r != nil && r.Column(name) >= 0 {
				found = true
			}
		}
		return !found
	})
	return found
}
