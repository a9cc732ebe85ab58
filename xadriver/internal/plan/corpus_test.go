package plan_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"google.golang.org/protobuf/proto"

	"github.com/xapg/xapg/shardmap"
	"github.com/xapg/xapg/xadriver/internal/catalog"
	"github.com/xapg/xapg/xadriver/internal/plan"
	"github.com/xapg/xapg/xadriver/internal/syntax"
	"github.com/xapg/xapg/xadriver/xatest/differential"
)

// scripted is the world of one of the scripts with which xapg is compared to
// PostgreSQL: the tables that it makes, all of them from the beginning.
type scripted struct {
	name       string
	statements []string
	args       [][]any
	layout     *shardmap.Map
	planner    *plan.Planner
	catalog    *catalog.Catalog
}

// sharded reports whether a name is that of a sharded table.
func (s *scripted) sharded(rv *syntax.RangeVar) bool {
	r := s.catalog.Resolve([]string{"public"}, rv.Schemaname, rv.Relname)
	if r == nil || r.Kind == 'v' {
		return false
	}
	r = r.Root()
	columns := make([]shardmap.Column, len(r.Columns))
	for i, c := range r.Columns {
		columns[i] = shardmap.Column{Name: c.Name, TypeOID: c.TypeOID, Typmod: c.Typmod}
	}
	t, err := s.layout.Table(r.Schema, r.Name.Name, columns)
	return err == nil && t.Kind == shardmap.Sharded
}

// corpus is all scripts, read once.
var corpus = sync.OnceValues(func() ([]*scripted, error) {
	files, err := filepath.Glob("../../xatest/differential/testdata/*.sql")
	if err != nil {
		return nil, err
	}
	var all []*scripted
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		script, err := differential.Parse(filepath.Base(f), string(text))
		if err != nil {
			return nil, err
		}
		s, err := scriptWorld(script)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
})

func scriptWorld(script *differential.Script) (*scripted, error) {
	out := &scripted{name: script.Name}
	spec := shardmap.Spec{Shards: []string{"s0", "s1", "s2"}}
	for _, s := range script.Settings {
		name, value, _ := strings.Cut(s, "=")
		value = strings.Trim(value, "'")
		table, isKey := strings.CutPrefix(name, "key.")
		switch {
		case isKey:
			spec.Tables = append(spec.Tables, shardmap.TableSpec{Name: table, Key: value})
		case name == "reference":
			for _, t := range strings.Split(value, ",") {
				spec.Tables = append(spec.Tables, shardmap.TableSpec{Name: t, Reference: true})
			}
		case name == "key":
			spec.Keys = append(spec.Keys, strings.Split(value, ",")...)
		}
	}
	layout, err := shardmap.New(spec)
	if err != nil {
		return nil, err
	}
	w := &worldMaker{relations: make(map[catalog.Name]*catalog.Relation), functions: functions()}
	for _, step := range script.Steps {
		out.statements, out.args = append(out.statements, step.SQL), append(out.args, step.Args)
		list, err := syntax.Parse(step.SQL)
		if err != nil {
			continue // scripts have errors too
		}
		for _, s := range list {
			w.add(s.Node)
		}
	}
	out.layout, out.planner = layout, plan.New(layout, 1000)
	out.catalog = loaded(w.list, w.functions, w.sequences)
	return out, nil
}

// worldMaker collects what the statements of a script make.
type worldMaker struct {
	list      []*catalog.Relation
	relations map[catalog.Name]*catalog.Relation
	functions map[catalog.Name]catalog.Function
	sequences []catalog.Sequence
}

func nameOfTable(rv *syntax.RangeVar) catalog.Name {
	schema := rv.GetSchemaname()
	if schema == "" {
		schema = "public"
	}
	return catalog.Name{Schema: schema, Name: rv.GetRelname()}
}

func (w *worldMaker) add(n *syntax.Node) {
	switch {
	case n.GetCreateStmt() != nil && n.GetCreateStmt().Relation.Relpersistence != "t":
		w.table(n.GetCreateStmt())
	case n.GetViewStmt() != nil:
		w.view(n)
	}
	syntax.Walk(n, func(m proto.Message) bool {
		f, ok := m.(*syntax.FuncCall)
		if !ok {
			return true
		}
		// What is called and not made here is PostgreSQL's own.
		name := catalog.Name{Schema: "pg_catalog", Name: last(f.Funcname)}
		if _, known := w.functions[name]; !known && len(f.Funcname) == 1 {
			aggregate := f.AggStar || f.AggDistinct || f.AggFilter != nil || f.AggWithinGroup || strings.HasSuffix(name.Name, "_agg")
			w.functions[name] = catalog.Function{Aggregate: aggregate, Volatile: strings.Contains(name.Name, "clock") || strings.HasPrefix(name.Name, "pg_")}
		}
		return true
	})
}

var oids = map[string]uint32{
	"int2": int2OID, "int4": int4OID, "int8": int8OID, "bigint": int8OID, "serial": int4OID, "bigserial": int8OID, "text": textOID, "varchar": varcharOID,
	"bpchar": bpcharOID, "numeric": numericOID, "float4": float4OID, "float8": float8OID, "bool": boolOID, "date": dateOID, "timestamp": timestampOID,
	"timestamptz": timestamptzOID, "interval": intervalOID, "bytea": byteaOID, "uuid": uuidOID,
}

func (w *worldMaker) table(c *syntax.CreateStmt) {
	name := nameOfTable(c.Relation)
	if w.relations[name] != nil {
		return
	}
	r := &catalog.Relation{Name: name, Kind: 'r'}
	for _, n := range c.InhRelations {
		if p := w.relations[nameOfTable(n.GetRangeVar())]; p != nil {
			r.Parent, r.Columns, r.Unique = p, slices.Clone(p.Columns), slices.Clone(p.Unique)
		}
	}
	if c.Partspec != nil {
		r.Kind = 'p'
	}
	var constraints []*syntax.Constraint
	for _, n := range c.TableElts {
		if k := n.GetConstraint(); k != nil {
			constraints = append(constraints, k)
		}
		if d := n.GetColumnDef(); d != nil {
			constraints = append(constraints, w.column(r, d)...)
		}
	}
	for _, k := range constraints {
		u := catalog.Unique{Index: name.Name + "_key", Constraint: k.Conname, Primary: strings.HasSuffix(k.Contype.String(), "PRIMARY")}
		for _, c := range k.Keys {
			u.Columns = append(u.Columns, c.GetString_().GetSval())
		}
		if u.Primary || strings.HasSuffix(k.Contype.String(), "UNIQUE") {
			r.Unique = append(r.Unique, u)
		}
	}
	w.relations[name], w.list = r, append(w.list, r)
}

// column adds a column, and returns its constraints as those of the table.
func (w *worldMaker) column(r *catalog.Relation, d *syntax.ColumnDef) (constraints []*syntax.Constraint) {
	typ := last(d.TypeName.GetNames())
	oid, ok := oids[typ]
	if !ok || len(d.TypeName.GetArrayBounds()) > 0 {
		oid = textOID
	}
	c := column(d.Colname, oid)
	if len(d.TypeName.GetTypmods()) > 0 {
		c.Typmod = 20
	}
	if d.CollClause != nil {
		c.Bytewise = last(d.CollClause.Collname) == "C"
	}
	if strings.HasSuffix(typ, "serial") {
		w.numbered(r, &c)
	}
	for _, n := range d.Constraints {
		k := n.GetConstraint()
		switch kind := k.Contype.String(); {
		case strings.HasSuffix(kind, "DEFAULT"):
			if sql, err := syntax.Deparse(syntax.Select(&syntax.SelectStmt{TargetList: []*syntax.Node{syntax.Output(k.RawExpr, "")}})); err == nil {
				c.Default = strings.TrimPrefix(sql, "SELECT ")
			}
		case strings.HasSuffix(kind, "IDENTITY"):
			c.Identity = true
			w.numbered(r, &c)
		case strings.HasSuffix(kind, "GENERATED"):
			c.Generated, c.Default = true, "NULL"
		case strings.HasSuffix(kind, "PRIMARY"), strings.HasSuffix(kind, "UNIQUE"):
			copied := syntax.Clone(k)
			copied.Keys = []*syntax.Node{syntax.Text(d.Colname)}
			constraints = append(constraints, copied)
		}
	}
	r.Columns = append(r.Columns, c)
	return constraints
}

func (w *worldMaker) numbered(r *catalog.Relation, c *catalog.Column) {
	s := catalog.Sequence{Name: catalog.Name{Schema: r.Schema, Name: r.Name.Name + "_" + c.Name + "_seq"}, Start: 1, Increment: plan.DefaultStride}
	c.Sequence = s.String()
	if !c.Identity {
		c.Default = "nextval('" + c.Sequence + "'::regclass)"
	}
	w.sequences = append(w.sequences, s)
}

func (w *worldMaker) view(n *syntax.Node) {
	v := n.GetViewStmt()
	name := nameOfTable(v.View)
	def, err := syntax.Deparse(v.Query)
	if err != nil || w.relations[name] != nil {
		return
	}
	r := &catalog.Relation{Name: name, Kind: 'v', ViewDef: def}
	cat := loaded(w.list, nil, nil)
	for i, c := range (&describer{cat: cat}).query(v.Query.GetSelectStmt(), nil) {
		if i < len(v.Aliases) {
			c.Name = v.Aliases[i].GetString_().GetSval()
		}
		r.Columns = append(r.Columns, column(c.Name, c.OID))
	}
	w.relations[name], w.list = r, append(w.list, r)
}
