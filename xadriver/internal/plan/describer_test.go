package plan_test

import (
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"google.golang.org/protobuf/proto"

	"github.com/xapg/xapg/xadriver/internal/catalog"
	"github.com/xapg/xapg/xadriver/internal/plan"
	"github.com/xapg/xapg/xadriver/internal/syntax"
)

// describer answers like PostgreSQL for the tables of the world: it knows the
// columns of FROM, the aggregates and casts. What it does not know is text.
type describer struct {
	cat    *catalog.Catalog
	params []uint32 // of $1, $2, …: those that are missing are text
	asked  []string // all statements that it was asked about
}

func (d *describer) Describe(sql string) (*plan.Description, error) {
	d.asked = append(d.asked, sql)
	stmts, err := syntax.Parse(sql)
	if err != nil || len(stmts) == 0 {
		return nil, err
	}
	out := &plan.Description{Params: slices.Clone(d.params)}
	syntax.Walk(stmts[0].Node, func(m proto.Message) bool {
		if p, ok := m.(*syntax.ParamRef); ok && p.Number < 1000 {
			for len(out.Params) < int(p.Number) {
				out.Params = append(out.Params, textOID)
			}
		}
		return true
	})
	n := stmts[0].Node
	if err := d.known(n); err != nil {
		return nil, err
	}
	switch {
	case n.GetSelectStmt() != nil:
		out.Columns = d.query(n.GetSelectStmt(), nil)
	case n.GetInsertStmt() != nil:
		out.Columns = d.returned(n.GetInsertStmt().ReturningClause, n.GetInsertStmt().Relation, nil)
	case n.GetUpdateStmt() != nil:
		out.Columns = d.returned(n.GetUpdateStmt().ReturningClause, n.GetUpdateStmt().Relation, n.GetUpdateStmt().FromClause)
	case n.GetDeleteStmt() != nil:
		out.Columns = d.returned(n.GetDeleteStmt().ReturningClause, n.GetDeleteStmt().Relation, n.GetDeleteStmt().UsingClause)
	}
	return out, nil
}

// known refuses columns that a table does not have where they are assigned to.
func (d *describer) known(n *syntax.Node) error {
	rv, list := n.GetInsertStmt().GetRelation(), n.GetInsertStmt().GetCols()
	if u := n.GetUpdateStmt(); u != nil {
		rv, list = u.Relation, u.TargetList
	}
	for _, c := range list {
		r := d.cat.Resolve([]string{"public"}, rv.GetSchemaname(), rv.GetRelname())
		if name := c.GetResTarget().GetName(); r != nil && r.Column(name) < 0 {
			return &pgconn.PgError{Severity: "ERROR", Code: "42703", Message: "column " + name + " does not exist"}
		}
	}
	return nil
}

// named are the columns of one item of FROM.
type named struct {
	alias   string
	columns []plan.Described
}

func (d *describer) returned(r *syntax.ReturningClause, rv *syntax.RangeVar, from []*syntax.Node) []plan.Described {
	if r == nil {
		return nil
	}
	scope := d.from(append([]*syntax.Node{{Node: &syntax.Node_RangeVar{RangeVar: rv}}}, from...), nil)
	return outputs(r.Exprs, scope)
}

func (d *describer) query(s *syntax.SelectStmt, with []named) []plan.Described {
	for _, n := range s.GetWithClause().GetCtes() {
		if e := n.GetCommonTableExpr(); e.GetCtequery().GetSelectStmt() != nil {
			with = append(with, named{e.Ctename, d.query(e.Ctequery.GetSelectStmt(), with)})
		}
	}
	switch {
	case s == nil:
		return nil
	case s.Larg != nil:
		return d.query(s.Larg, with)
	case len(s.ValuesLists) > 0:
		var out []plan.Described
		for i, n := range s.ValuesLists[0].GetList().GetItems() {
			out = append(out, plan.Described{Name: "column" + string(rune('1'+i%9)), OID: typeOf(n, nil)})
		}
		return out
	}
	return outputs(s.TargetList, d.from(s.FromClause, with))
}

func (d *describer) from(items []*syntax.Node, with []named) []named {
	var scope []named
	for _, n := range items {
		switch {
		case n.GetJoinExpr() != nil:
			scope = append(scope, d.from([]*syntax.Node{n.GetJoinExpr().Larg, n.GetJoinExpr().Rarg}, with)...)
		case n.GetRangeSubselect() != nil:
			scope = append(scope, aliased(named{columns: d.query(n.GetRangeSubselect().Subquery.GetSelectStmt(), with)}, n.GetRangeSubselect().Alias))
		case n.GetRangeFunction() != nil:
			scope = append(scope, aliased(named{columns: []plan.Described{{Name: "f", OID: int4OID}}}, n.GetRangeFunction().Alias))
		case n.GetRangeVar() != nil:
			scope = append(scope, d.table(n.GetRangeVar(), with))
		}
	}
	return scope
}

func (d *describer) table(rv *syntax.RangeVar, with []named) named {
	for _, w := range with {
		if w.alias == rv.Relname && rv.Schemaname == "" {
			return aliased(w, rv.Alias)
		}
	}
	out := named{alias: rv.Relname}
	if r := d.cat.Resolve([]string{"public"}, rv.Schemaname, rv.Relname); r != nil {
		for _, c := range r.Columns {
			out.columns = append(out.columns, plan.Described{Name: c.Name, OID: c.TypeOID})
		}
	}
	return aliased(out, rv.Alias)
}

func aliased(n named, a *syntax.Alias) named {
	if a == nil {
		return n
	}
	n.alias, n.columns = a.Aliasname, slices.Clone(n.columns)
	for i, name := range a.Colnames {
		if i < len(n.columns) {
			n.columns[i].Name = name.GetString_().GetSval()
		}
	}
	return n
}

func outputs(list []*syntax.Node, scope []named) []plan.Described {
	var out []plan.Described
	for _, n := range list {
		t := n.GetResTarget()
		ref := t.GetVal().GetColumnRef()
		if ref != nil && ref.Fields[len(ref.Fields)-1].GetAStar() != nil {
			for _, e := range scope {
				if len(ref.Fields) == 1 || ref.Fields[0].GetString_().GetSval() == e.alias {
					out = append(out, e.columns...)
				}
			}
			continue
		}
		out = append(out, plan.Described{Name: nameOf(t), OID: typeOf(t.GetVal(), scope)})
	}
	return out
}

func nameOf(t *syntax.ResTarget) string {
	switch {
	case t.GetName() != "":
		return t.Name
	case t.GetVal().GetColumnRef() != nil:
		return last(t.Val.GetColumnRef().Fields)
	case t.GetVal().GetFuncCall() != nil:
		return last(t.Val.GetFuncCall().Funcname)
	case t.GetVal().GetSqlvalueFunction() != nil:
		name := strings.TrimPrefix(t.Val.GetSqlvalueFunction().Op.String(), "SVFOP_")
		return strings.ToLower(strings.TrimSuffix(name, "_N"))
	default:
		return "?column?"
	}
}

func last(list []*syntax.Node) string {
	if len(list) == 0 {
		return ""
	}
	return list[len(list)-1].GetString_().GetSval()
}

// typeOf is the type of an expression.
func typeOf(n *syntax.Node, scope []named) uint32 {
	switch {
	case n.GetColumnRef() != nil:
		fields := n.GetColumnRef().Fields
		for _, e := range scope {
			for _, c := range e.columns {
				if c.Name == last(fields) && (len(fields) == 1 || last(fields[:len(fields)-1]) == e.alias) {
					return c.OID
				}
			}
		}
	case n.GetTypeCast() != nil:
		return map[string]uint32{
			"int4": int4OID, "int8": int8OID, "numeric": numericOID, "float8": float8OID, "float4": float4OID, "date": dateOID,
			"timestamptz": timestamptzOID, "timestamp": timestampOID, "bool": boolOID, "bpchar": bpcharOID, "interval": intervalOID,
		}[last(n.GetTypeCast().TypeName.Names)]
	case n.GetCollateClause() != nil:
		return typeOf(n.GetCollateClause().Arg, scope)
	case n.GetAConst() != nil && n.GetAConst().GetIval() != nil:
		return int4OID
	case n.GetAExpr() != nil:
		return typeOf(n.GetAExpr().Lexpr, scope)
	case n.GetRowExpr() != nil:
		return recordOID
	case n.GetFuncCall() != nil:
		return resultOf(n.GetFuncCall(), scope)
	}
	return textOID
}

func resultOf(f *syntax.FuncCall, scope []named) uint32 {
	arg := uint32(textOID)
	if len(f.Args) > 0 {
		arg = typeOf(f.Args[0], scope)
	}
	switch last(f.Funcname) {
	case "count", "row_number":
		return int8OID
	case "sum", "avg":
		if arg == int4OID || arg == int2OID {
			return map[bool]uint32{true: int8OID, false: numericOID}[last(f.Funcname) == "sum"]
		}
		if arg == int8OID {
			return numericOID
		}
		return arg
	case "min", "max", "bit_and", "bit_or", "bit_xor", "bool_and", "bool_or", "every", "abs":
		return arg
	case "now":
		return timestamptzOID
	}
	return textOID
}

// final is what PostgreSQL is asked last, without the name of the table of partial rows
// that stands before each of its columns.
func final(p *plan.Program) string { return strings.ReplaceAll(p.Final.String(), "xapg_part.", "") }
