package plan

import (
	"github.com/xapg/xapg/shardmap"
	"github.com/xapg/xapg/xadriver/internal/catalog"
	pg "github.com/xapg/xapg/xadriver/internal/syntax"
)

// alterTable refuses what would change where rows belong.
func (a *analysis) alterTable(s *pg.AlterTableStmt) error {
	if s.Objtype != pg.ObjectType_OBJECT_TABLE {
		return nil
	}
	_, r, t := a.relation(s.Relation, a.top)
	if r == nil || t == nil {
		return nil // PostgreSQL says that there is none, unless IF EXISTS was said
	}
	for _, n := range s.Cmds {
		c := n.GetAlterTableCmd()
		keyed := t.Kind == shardmap.Sharded && c.Name == t.Key
		switch c.Subtype {
		case pg.AlterTableType_AT_AddConstraint:
			if err := a.constraint(t, c.Def.GetConstraint()); err != nil {
				return err
			}
		case pg.AlterTableType_AT_AddColumn:
			if err := a.addColumn(r, t, c.Def.GetColumnDef()); err != nil {
				return err
			}
		case pg.AlterTableType_AT_AttachPartition, pg.AlterTableType_AT_DetachPartition:
			if err := a.attached(t, c.Def.GetPartitionCmd().GetName()); err != nil {
				return err
			}
		case pg.AlterTableType_AT_AddInherit, pg.AlterTableType_AT_DropInherit:
			if err := a.attached(t, c.Def.GetRangeVar()); err != nil {
				return err
			}
		case pg.AlterTableType_AT_SetIdentity:
			if err := a.setIdentity(t, c); err != nil {
				return err
			}
		case pg.AlterTableType_AT_DropColumn, pg.AlterTableType_AT_AlterColumnType:
			if keyed {
				return a.placedOtherwise(r)
			}
		}
	}
	return nil
}

// setIdentity lets an identity column be set to what makes its numbers be spread over
// the shards anew, as those of a new column are, beginning after all that were given.
// Migrations say so whenever they find another increment than the one they asked for.
func (a *analysis) setIdentity(t *shardmap.Table, c *pg.AlterTableCmd) error {
	begins := false
	for _, n := range c.Def.GetList().GetItems() {
		switch e := n.GetDefElem(); e.GetDefname() {
		case "increment":
			if by := e.Arg.GetInteger(); by != nil && by.Ival > 0 && int64(by.Ival)%a.p.Stride != 0 {
				return nil
			}
			begins = true
		case "start", "restart":
			begins = true
		}
	}
	if !begins || t.Kind != shardmap.Sharded || len(a.p.all) == 1 {
		return nil
	}
	return &Refusal{
		Clause: "ALTER TABLE … ALTER COLUMN … SET of an identity column of sharded table " + t.Name, Reason: "each shard's numbers are its own, and must stay apart",
		Remedy: "say INCREMENT BY 1 besides, by which they are spread anew, or set it on each shard with the hint /* xapg:shard=NAME */",
	}
}

// attached makes sure that a table's rows are placed alike by itself and as part of
// another table.
func (a *analysis) attached(t *shardmap.Table, rv *pg.RangeVar) error {
	if rv == nil {
		return nil
	}
	a.tables++
	r := a.cat.Resolve(a.path, rv.Schemaname, rv.Relname)
	if r == nil {
		return nil // PostgreSQL says so
	}
	own, err := a.p.layout.Table(r.Schema, r.Name.Name, columnsOf(r))
	if err != nil {
		return err
	}
	if own.Kind != t.Kind || own.Kind == shardmap.Sharded && (own.Key != t.Key || !own.Colocated(t)) {
		return &Refusal{
			Clause: "making table " + r.Name.Name + " part of table " + t.Name + ", or taking it out", Reason: "by itself its rows are placed otherwise, and would have to move",
			Remedy: "configure both alike, or create it as PARTITION OF " + t.Name,
		}
	}
	return nil
}

func (a *analysis) addColumn(r *catalog.Relation, t *shardmap.Table, d *pg.ColumnDef) error {
	for _, k := range d.GetConstraints() {
		if err := a.constraint(t, on(k.GetConstraint(), d.Colname)); err != nil {
			return err
		}
	}
	columns := append(columnsOf(r), shardmap.Column{Name: d.GetColname(), TypeOID: oidOf(d.GetTypeName()), Typmod: -1})
	after, err := a.p.layout.Table(r.Schema, r.Name.Name, columns)
	if err != nil || after.Kind != t.Kind || after.Key != t.Key {
		return a.placedOtherwise(r)
	}
	return nil
}

func (a *analysis) placedOtherwise(r *catalog.Relation) error {
	return &Refusal{
		Clause: "a change of table " + r.Name.Name, Reason: "its rows would then belong to other shards than those they are on",
		Remedy: "make a new table and move the rows",
	}
}

// rename refuses names under which rows would belong elsewhere.
func (a *analysis) rename(s *pg.RenameStmt) error {
	if s.Relation == nil {
		return nil
	}
	switch s.RenameType {
	case pg.ObjectType_OBJECT_TABLE:
		return a.moves(s.Relation, "", s.Newname)
	case pg.ObjectType_OBJECT_COLUMN:
		_, r, t := a.relation(s.Relation, a.top)
		if r == nil || t == nil || r.Kind == 'v' {
			return nil
		}
		columns := columnsOf(r)
		for i := range columns {
			if columns[i].Name == s.Subname {
				columns[i].Name = s.Newname
			}
		}
		after, err := a.p.layout.Table(r.Schema, r.Name.Name, columns)
		if err != nil || after.Kind != t.Kind || after.Key != t.Key {
			return a.placedOtherwise(r)
		}
	}
	return nil
}

// moves looks whether a table is placed alike under another name.
func (a *analysis) moves(rv *pg.RangeVar, schema, name string) error {
	_, r, t := a.relation(rv, a.top)
	if r == nil || t == nil || r.Kind == 'v' {
		return nil
	}
	if schema == "" {
		schema = r.Schema
	}
	if name == "" {
		name = r.Name.Name
	}
	after, err := a.p.layout.Table(schema, name, columnsOf(r))
	if err != nil || after.Kind != t.Kind || t.Kind == shardmap.Sharded && (after.Key != t.Key || !after.Colocated(t)) {
		return a.placedOtherwise(r)
	}
	return nil
}
