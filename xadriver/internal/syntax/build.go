package syntax

import (
	"sync"

	"github.com/sqlc-dev/oliphant/ast"
)

// What statements for the shards are put together from.

// Select makes a node of a SELECT.
func Select(s *SelectStmt) *Node {
	if s.LimitOption == ast.LimitOption_LIMIT_OPTION_UNDEFINED {
		s.LimitOption = ast.LimitOption_LIMIT_OPTION_DEFAULT
	}
	if s.Op == ast.SetOperation_SET_OPERATION_UNDEFINED {
		s.Op = ast.SetOperation_SETOP_NONE
	}
	return &Node{Node: &ast.Node_SelectStmt{SelectStmt: s}}
}

// Output is an item of a SELECT's list, named unless name is "".
func Output(n *Node, name string) *Node {
	return &Node{Node: &ast.Node_ResTarget{ResTarget: &ast.ResTarget{Name: name, Val: n}}}
}

// Text is a name's part.
func Text(s string) *Node {
	return &Node{Node: &ast.Node_String_{String_: &ast.String{Sval: s}}}
}

// Column is a reference to a column, qualified if several names are given.
func Column(names ...string) *Node {
	ref := &ast.ColumnRef{}
	for _, n := range names {
		ref.Fields = append(ref.Fields, Text(n))
	}
	return &Node{Node: &ast.Node_ColumnRef{ColumnRef: ref}}
}

// Call is a call of one of PostgreSQL's own functions.
func Call(name string, args ...*Node) *Node {
	return &Node{Node: &ast.Node_FuncCall{FuncCall: &ast.FuncCall{
		Funcname: []*Node{Text("pg_catalog"), Text(name)}, Args: args, Funcformat: ast.CoercionForm_COERCE_EXPLICIT_CALL,
	}}}
}

// CountRows is count(*).
func CountRows() *Node {
	n := Call("count")
	n.GetFuncCall().AggStar = true
	return n
}

// Operate applies one of PostgreSQL's own operators.
func Operate(l *Node, op string, r *Node) *Node {
	return &Node{Node: &ast.Node_AExpr{AExpr: &ast.A_Expr{Kind: ast.A_Expr_Kind_AEXPR_OP, Name: []*Node{Text(op)}, Lexpr: l, Rexpr: r}}}
}

// And joins conditions; nil without any.
func And(list []*Node) *Node {
	switch len(list) {
	case 0:
		return nil
	case 1:
		return list[0]
	default:
		return &Node{Node: &ast.Node_BoolExpr{BoolExpr: &ast.BoolExpr{Boolop: ast.BoolExprType_AND_EXPR, Args: list}}}
	}
}

// Int is a number written out.
func Int(i int) *Node {
	return &Node{Node: &ast.Node_AConst{AConst: &ast.A_Const{Val: &ast.A_Const_Ival{Ival: &ast.Integer{Ival: int32(i)}}}}}
}

// Literal is text in quotes.
func Literal(s string) *Node {
	return &Node{Node: &ast.Node_AConst{AConst: &ast.A_Const{Val: &ast.A_Const_Sval{Sval: &ast.String{Sval: s}}}}}
}

// Null is NULL.
func Null() *Node {
	return &Node{Node: &ast.Node_AConst{AConst: &ast.A_Const{Isnull: true}}}
}

// Param is $n.
func Param(n int) *Node {
	return &Node{Node: &ast.Node_ParamRef{ParamRef: &ast.ParamRef{Number: int32(n)}}}
}

// Cast casts to one of PostgreSQL's own types.
func Cast(n *Node, typ string) *Node {
	return &Node{Node: &ast.Node_TypeCast{TypeCast: &ast.TypeCast{Arg: n, TypeName: &ast.TypeName{Names: []*Node{Text("pg_catalog"), Text(typ)}, Typemod: -1}}}}
}

// CastTo casts to a type by the name that PostgreSQL gives it.
func CastTo(n *Node, typ string) (*Node, error) {
	name, err := typeNames.parse(typ)
	if err != nil {
		return nil, err
	}
	return &Node{Node: &ast.Node_TypeCast{TypeCast: &ast.TypeCast{Arg: n, TypeName: Clone(name)}}}, nil
}

// typeNames are those that were read before: a statement may have thousands of casts
// to few types.
var typeNames = known{names: make(map[string]*ast.TypeName)}

type known struct {
	mu    sync.Mutex
	names map[string]*ast.TypeName
}

func (k *known) parse(typ string) (*ast.TypeName, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if n := k.names[typ]; n != nil {
		return n, nil
	}
	stmts, err := Parse("SELECT CAST(NULL AS " + typ + ")")
	if err != nil {
		return nil, err
	}
	const most = 1000
	if len(k.names) >= most {
		clear(k.names)
	}
	n := stmts[0].Node.GetSelectStmt().TargetList[0].GetResTarget().Val.GetTypeCast().GetTypeName()
	k.names[typ] = n
	return n, nil
}

// Table is a table in FROM, under an alias unless that is "".
func Table(schema, name, alias string) *Node {
	rv := &ast.RangeVar{Schemaname: schema, Relname: name, Inh: true, Relpersistence: "p"}
	if alias != "" {
		rv.Alias = &ast.Alias{Aliasname: alias}
	}
	return &Node{Node: &ast.Node_RangeVar{RangeVar: rv}}
}

// Derived is a subquery in FROM.
func Derived(sel *SelectStmt, alias string, columns []*Node) *Node {
	return &Node{Node: &ast.Node_RangeSubselect{RangeSubselect: &ast.RangeSubselect{
		Subquery: Select(sel), Alias: &ast.Alias{Aliasname: alias, Colnames: columns},
	}}}
}
