package plan

import (
	"strconv"
	"strings"

	"github.com/xapg/xapg/shardmap"
	pg "github.com/xapg/xapg/xadriver/internal/syntax"
)

// conditions takes from an expression what must hold in block at: the parts that
// are joined by AND and say that a key equals something.
func (a *analysis) conditions(n *pg.Node, sc *scope, at *block) {
	if e := n.GetBoolExpr(); n != nil && (e == nil || e.Boolop != pg.BoolExprType_AND_EXPR) {
		a.conds = append(a.conds, condition{n, at, sc})
	}
	switch e := n.GetNode().(type) {
	case *pg.Node_BoolExpr:
		switch e.BoolExpr.Boolop {
		case pg.BoolExprType_AND_EXPR:
			for _, arg := range e.BoolExpr.Args {
				a.conditions(arg, sc, at)
			}
		case pg.BoolExprType_OR_EXPR:
			a.alternatives(e.BoolExpr.Args, sc, at)
		}
	case *pg.Node_AExpr:
		if c, s := a.comparison(e.AExpr, sc, at); c != nil {
			c.among(s, at)
		}
	}
}

// alternatives are conditions joined by OR: they bind a key if each of them
// binds the same one.
func (a *analysis) alternatives(args []*pg.Node, sc *scope, at *block) {
	var (
		bound *class
		union set
	)
	for _, arg := range args {
		e := arg.GetAExpr()
		if e == nil {
			return
		}
		c, s := a.comparison(e, sc, nil)
		if c == nil || bound != nil && c.root() != bound.root() {
			return
		}
		bound, union = c, append(union, s...)
	}
	if bound != nil {
		bound.among(union, at)
	}
}

// comparison reads `key = constant`, IN, = ANY and comparisons of rows. What it
// says of two columns it notes itself, if at is given; what it says of a column
// and constants it returns.
func (a *analysis) comparison(e *pg.A_Expr, sc *scope, at *block) (*class, set) {
	if !isOperator(e.Name, "=") {
		return nil, nil
	}
	switch e.Kind {
	case pg.A_Expr_Kind_AEXPR_OP:
		l, r := e.Lexpr, e.Rexpr
		if lr, rr := l.GetRowExpr(), r.GetRowExpr(); lr != nil && rr != nil {
			a.rows(lr.Args, rr.Args, sc, at)
			return nil, nil
		}
		return a.equality(l, r, sc, at)
	case pg.A_Expr_Kind_AEXPR_IN:
		list := e.Rexpr.GetList()
		if list == nil {
			return nil, nil
		}
		if row := e.Lexpr.GetRowExpr(); row != nil {
			return a.rowsIn(row.Args, list.Items, sc)
		}
		return a.oneOf(e.Lexpr, list.Items, sc)
	case pg.A_Expr_Kind_AEXPR_OP_ANY:
		return a.any(e.Lexpr, e.Rexpr, sc)
	default:
		return nil, nil
	}
}

func (a *analysis) equality(l, r *pg.Node, sc *scope, at *block) (*class, set) {
	lc, rc := a.keyOf(l, sc), a.keyOf(r, sc)
	switch {
	case lc != nil && rc != nil:
		if at != nil {
			equal(lc, rc, at)
		}
	case lc != nil:
		return a.oneOfValues(lc, r, sc)
	case rc != nil:
		return a.oneOfValues(rc, l, sc)
	}
	return nil, nil
}

// oneOfValues is a key that equals a constant, or a column of constants.
func (a *analysis) oneOfValues(c *class, n *pg.Node, sc *scope) (*class, set) {
	var s set
	for _, v := range a.constants(n, sc) {
		k, ok := constantOf(v, c.table)
		if !ok {
			return nil, nil
		}
		s = append(s, k)
	}
	if s == nil {
		return nil, nil
	}
	return c, s
}

// constants lists what an expression is one of: itself, or the constants of a
// column that has no others.
func (a *analysis) constants(n *pg.Node, sc *scope) []*pg.Node {
	ref := n.GetColumnRef()
	if ref == nil {
		return []*pg.Node{n}
	}
	e := sc.owner(ref)
	if e == nil {
		return nil
	}
	last := ref.Fields[len(ref.Fields)-1].GetString_().GetSval()
	for _, c := range e.columns {
		if c.name == last {
			return c.values
		}
	}
	return nil
}

// rows is (a, b) = (c, d): all pairs are equal.
func (a *analysis) rows(l, r []*pg.Node, sc *scope, at *block) {
	if len(l) != len(r) || at == nil {
		return
	}
	for i := range l {
		if c, s := a.equality(l[i], r[i], sc, at); c != nil {
			c.among(s, at)
		}
	}
}

// rowsIn is (a, b) IN ((c, d), …): the key is one of those in its place.
func (a *analysis) rowsIn(l, items []*pg.Node, sc *scope) (*class, set) {
	for i, n := range l {
		c := a.keyOf(n, sc)
		if c == nil {
			continue
		}
		var s set
		for _, item := range items {
			row := item.GetRowExpr()
			if row == nil || len(row.Args) != len(l) {
				return nil, nil
			}
			k, ok := constantOf(row.Args[i], c.table)
			if !ok {
				return nil, nil
			}
			s = append(s, k)
		}
		return c, s
	}
	return nil, nil
}

func (a *analysis) oneOf(l *pg.Node, items []*pg.Node, sc *scope) (*class, set) {
	c := a.keyOf(l, sc)
	if c == nil {
		return nil, nil
	}
	s := make(set, 0, len(items))
	for _, item := range items {
		k, ok := constantOf(item, c.table)
		if !ok {
			return nil, nil
		}
		s = append(s, k)
	}
	return c, s
}

// any is = ANY ($1) or = ANY (ARRAY[…]).
func (a *analysis) any(l, r *pg.Node, sc *scope) (*class, set) {
	c := a.keyOf(l, sc)
	if c == nil {
		return nil, nil
	}
	if arr := r.GetAArrayExpr(); arr != nil {
		return a.oneOf(l, arr.Elements, sc)
	}
	param := r.GetParamRef()
	if cast := r.GetTypeCast(); cast != nil {
		t, array := castType(cast.TypeName)
		if !array || !sameFamily(t, c.table.Type) {
			return nil, nil
		}
		param = cast.Arg.GetParamRef()
		if arr := cast.Arg.GetAArrayExpr(); arr != nil {
			return a.oneOf(l, arr.Elements, sc)
		}
	}
	if param == nil || param.Number == 0 {
		return nil, nil
	}
	return c, set{{param: int(param.Number), array: true}}
}

func (a *analysis) keyOf(n *pg.Node, sc *scope) *class {
	if ref := n.GetColumnRef(); ref != nil {
		return sc.key(ref)
	}
	return nil
}

// constantOf reads a parameter or a literal, cast to the key's own type or not
// at all: any other cast may change what it is equal to.
func constantOf(n *pg.Node, t *shardmap.Table) (constant, bool) {
	if cast := n.GetTypeCast(); cast != nil {
		to, array := castType(cast.TypeName)
		if array || !sameFamily(to, t.Type) {
			return constant{}, false
		}
		n = cast.Arg
		if n.GetTypeCast() != nil {
			return constant{}, false
		}
		if s := n.GetAConst().GetSval(); s != nil && to != t.Type {
			k, err := to.Parse(s.Sval)
			return read(k, err), true
		}
	}
	if p := n.GetParamRef(); p != nil {
		return constant{param: int(p.Number)}, p.Number > 0
	}
	if v := constValue(n); v != nil {
		return literalOf(v, t)
	}
	return constant{}, false
}

func constValue(n *pg.Node) *pg.A_Const { return n.GetAConst() }

// literalOf reads a literal as PostgreSQL would for this column. A number is not
// text to it, nor the other way round where it is not quoted.
func literalOf(v *pg.A_Const, t *shardmap.Table) (constant, bool) {
	integer := t.Type == shardmap.Int2 || t.Type == shardmap.Int4 || t.Type == shardmap.Int8
	switch {
	case v.Isnull:
		return constant{none: true}, true
	case v.GetSval() != nil:
		return literal(t, v.GetSval().Sval), true
	case v.GetIval() != nil || v.Val == nil:
		if !integer && t.Type != shardmap.Numeric {
			return constant{}, false
		}
		return literal(t, int64(v.GetIval().GetIval())), true
	case v.GetFval() != nil:
		text := v.GetFval().Fval
		if t.Type == shardmap.Numeric {
			return literal(t, text), true
		}
		if !integer || strings.ContainsAny(text, ".eE_xXoObB") {
			return constant{}, false
		}
		if _, err := strconv.ParseInt(text, 10, 64); err != nil {
			return constant{none: true, over: true}, true // larger than any integer key
		}
		return literal(t, text), true
	case v.GetBoolval() != nil:
		if t.Type != shardmap.Bool {
			return constant{}, false
		}
		return literal(t, v.GetBoolval().Boolval), true
	default:
		return constant{}, false
	}
}

// castType is the type that a cast names, if it is one that keys can have and
// has no modifier, which might change the value.
func castType(n *pg.TypeName) (t shardmap.Type, array bool) {
	parts := names(n.GetNames())
	if len(parts) == 2 && parts[0] == "pg_catalog" {
		parts = parts[1:]
	}
	if len(parts) != 1 || n.Setof || n.PctType || len(n.Typmods) > 0 {
		return 0, false
	}
	t, ok := typesByName[parts[0]]
	if !ok {
		return 0, false
	}
	return t, len(n.ArrayBounds) > 0
}

var typesByName = map[string]shardmap.Type{
	"int2": shardmap.Int2, "int4": shardmap.Int4, "int8": shardmap.Int8, "smallint": shardmap.Int2, "integer": shardmap.Int4,
	"bigint": shardmap.Int8, "text": shardmap.Text, "varchar": shardmap.Varchar, "uuid": shardmap.UUID, "date": shardmap.Date,
	"timestamp": shardmap.Timestamp, "timestamptz": shardmap.Timestamptz, "bool": shardmap.Bool, "bytea": shardmap.Bytea,
	"numeric": shardmap.Numeric,
}

// sameFamily reports whether a value of one type equals a key of the other
// exactly if their keys are equal.
func sameFamily(a, b shardmap.Type) bool {
	if a == 0 {
		return false
	}
	integer := func(t shardmap.Type) bool { return t == shardmap.Int2 || t == shardmap.Int4 || t == shardmap.Int8 }
	text := func(t shardmap.Type) bool { return t == shardmap.Text || t == shardmap.Varchar }
	return a == b || integer(a) && integer(b) || text(a) && text(b)
}

// isOperator tells whether a name is an operator of PostgreSQL's own.
func isOperator(list []*pg.Node, op string) bool {
	switch n := names(list); len(n) {
	case 1:
		return n[0] == op
	case 2:
		return n[0] == "pg_catalog" && n[1] == op
	default:
		return false
	}
}
