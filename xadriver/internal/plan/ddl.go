package plan

import (
	"fmt"
	"slices"
	"strconv"

	"google.golang.org/protobuf/proto"

	"github.com/xapg/xapg/shardmap"
	"github.com/xapg/xapg/xadriver/internal/catalog"
	pg "github.com/xapg/xapg/xadriver/internal/syntax"
)

func itoa(n int32) string { return strconv.Itoa(int(n)) }

// definition plans DDL, which goes to all shards in one transaction.
func (st *Statement) definition(a *analysis, n *pg.Node) {
	if c := n.GetCreateTableAsStmt(); c != nil {
		st.err = st.createAs(a, c)
		return
	}
	if a.concernsTemporary(n) {
		st.Class, st.Writes, st.Temporary = DDL, true, true
		st.route = a.p.toHome("temporary tables live on home")
		return
	}
	if command := outside(n); command != "" {
		st.inTurn(a, command)
		return
	}
	st.err = a.definable(n)
	if st.err != nil {
		return
	}
	st.Class, st.Writes = DDL, true
	switch n.GetNode().(type) {
	case *pg.Node_CreateStmt, *pg.Node_AlterTableStmt:
		st.Numbers = true
	}
	st.route = a.p.everywhere("all shards have the same schema")
}

// definable says why a statement of DDL cannot run on all shards; nil when it can.
func (a *analysis) definable(n *pg.Node) error {
	switch d := n.GetNode().(type) {
	case *pg.Node_CreateStmt:
		return a.createTable(d.CreateStmt)
	case *pg.Node_AlterTableStmt:
		return a.alterTable(d.AlterTableStmt)
	case *pg.Node_IndexStmt:
		if d.IndexStmt.Unique {
			return a.uniqueIndex(d.IndexStmt)
		}
		return nil
	case *pg.Node_DropStmt, *pg.Node_ReindexStmt:
		return nil
	case *pg.Node_AlterSeqStmt:
		return a.alterSequence(d.AlterSeqStmt)
	case *pg.Node_RenameStmt:
		return a.rename(d.RenameStmt)
	case *pg.Node_AlterObjectSchemaStmt:
		if rv := d.AlterObjectSchemaStmt.Relation; rv != nil {
			return a.moves(rv, d.AlterObjectSchemaStmt.Newschema, "")
		}
		return nil
	case *pg.Node_ViewStmt, *pg.Node_CreateSeqStmt:
		return nil
	case *pg.Node_CopyStmt:
		return &Refusal{Clause: "COPY", Reason: "its rows would have to be split by shard", Remedy: "use xadriver.CopyFrom, or INSERT"}
	case *pg.Node_DoStmt, *pg.Node_CallStmt:
		return &Refusal{Clause: "DO and CALL", Reason: "what they read and write cannot be seen", Remedy: "say where with a hint (xadriver.WithKey, /* xapg:key=… */, /* xapg:shard=… */)"}
	case *pg.Node_ListenStmt, *pg.Node_UnlistenStmt, *pg.Node_NotifyStmt:
		return &Refusal{Clause: "LISTEN, UNLISTEN and NOTIFY", Reason: "a notification is one shard's, and cannot be committed on several", Remedy: "use a connection of your own to one shard"}
	}
	name := kind(n)
	if !slices.Contains(transactional, name) {
		return &Refusal{Clause: "this statement (" + name + ")", Reason: "it is not known to be the same on every shard", Remedy: "run it on each shard with the hint /* xapg:shard=NAME */"}
	}
	return nil
}

// kind is the parser's name of a statement.
func kind(n *pg.Node) string {
	name := "nothing"
	pg.Children(n, func(m proto.Message) bool {
		name = string(m.ProtoReflect().Descriptor().Name())
		return false
	})
	return name
}

// outside is the name of a command that PostgreSQL refuses to run in a transaction
// block, "" for others.
func outside(n *pg.Node) string {
	switch d := n.GetNode().(type) {
	case *pg.Node_IndexStmt:
		if d.IndexStmt.Concurrent {
			return "CREATE INDEX CONCURRENTLY"
		}
	case *pg.Node_DropStmt:
		if d.DropStmt.Concurrent {
			return "DROP INDEX CONCURRENTLY"
		}
	case *pg.Node_ReindexStmt:
		for _, p := range d.ReindexStmt.Params {
			if p.GetDefElem().GetDefname() == "concurrently" {
				return "REINDEX CONCURRENTLY"
			}
		}
	}
	return map[string]string{
		"AlterSystemStmt": "ALTER SYSTEM", "CreateTableSpaceStmt": "CREATE TABLESPACE", "DropTableSpaceStmt": "DROP TABLESPACE",
		"ClusterStmt": "CLUSTER", "CheckPointStmt": "CHECKPOINT",
	}[kind(n)]
}

// alterSequence refuses to set a sequence that gives each shard numbers of its own.
func (a *analysis) alterSequence(s *pg.AlterSeqStmt) error {
	if s.Sequence == nil || len(s.Options) == 1 && s.Options[0].GetDefElem().GetDefname() == "owned_by" {
		return nil
	}
	r := a.cat.Resolve(a.path, s.Sequence.Schemaname, s.Sequence.Relname)
	if r == nil {
		return nil
	}
	seq, ok := a.cat.Sequence(quotedIfNeeded(r.Schema) + "." + quotedIfNeeded(r.Name.Name))
	if ok && seq.Increment%a.p.Stride == 0 && len(a.p.all) > 1 {
		return &Refusal{
			Clause: "ALTER SEQUENCE of " + r.Name.Name + ", which numbers a sharded table", Reason: "each shard's numbers are its own, and must stay apart",
			Remedy: "set it on each shard with the hint /* xapg:shard=NAME */, keeping INCREMENT and the remainder",
		}
	}
	return nil
}

// quotedIfNeeded is quote_ident for names of lower-case letters, digits and _.
func quotedIfNeeded(name string) string {
	for i, r := range name {
		if r != '_' && (r < 'a' || r > 'z') && (i == 0 || r < '0' || r > '9') {
			return quoted(name)
		}
	}
	return name
}

var transactional = []string{
	"CreateSchemaStmt", "AlterCollationStmt", "AlterDomainStmt", "GrantStmt", "GrantRoleStmt", "AlterDefaultPrivilegesStmt", "CreateExtensionStmt",
	"AlterExtensionStmt", "AlterExtensionContentsStmt", "CreateFdwStmt", "AlterFdwStmt", "CreateForeignServerStmt", "AlterForeignServerStmt",
	"CreateForeignTableStmt", "CreateUserMappingStmt", "AlterUserMappingStmt", "DropUserMappingStmt", "ImportForeignSchemaStmt", "CreatePolicyStmt",
	"AlterPolicyStmt", "CreateAmStmt", "CreateTrigStmt", "CreateEventTrigStmt", "AlterEventTrigStmt", "CreatePLangStmt", "CreateRoleStmt",
	"AlterRoleStmt", "AlterRoleSetStmt", "DropRoleStmt", "AlterSeqStmt", "DefineStmt", "CreateDomainStmt", "CreateOpClassStmt", "CreateOpFamilyStmt",
	"AlterOpFamilyStmt", "CommentStmt", "SecLabelStmt", "CreateStatsStmt", "AlterStatsStmt", "CreateFunctionStmt", "AlterFunctionStmt",
	"AlterObjectDependsStmt", "AlterOwnerStmt", "AlterOperatorStmt", "AlterTypeStmt", "CompositeTypeStmt", "CreateEnumStmt", "CreateRangeStmt",
	"AlterEnumStmt", "AlterDatabaseSetStmt", "RefreshMatViewStmt", "CreateConversionStmt", "CreateCastStmt", "CreateTransformStmt", "DropOwnedStmt",
	"ReassignOwnedStmt", "AlterTSDictionaryStmt", "AlterTSConfigurationStmt", "CreatePublicationStmt", "AlterPublicationStmt", "ReplicaIdentityStmt",
	"RuleStmt",
}

// createTable looks whether the constraints of a new table can be kept by each
// shard by itself.
func (a *analysis) createTable(c *pg.CreateStmt) error {
	if c.Partbound != nil || len(c.InhRelations) > 0 {
		return nil // placed as its parent, which was looked at
	}
	schema := a.schemaFor(c.Relation)
	var columns []shardmap.Column
	var constraints []*pg.Constraint
	for _, n := range c.TableElts {
		if d := n.GetColumnDef(); d != nil {
			columns = append(columns, shardmap.Column{Name: d.Colname, TypeOID: oidOf(d.TypeName), Typmod: -1})
			for _, k := range d.Constraints {
				constraints = append(constraints, on(k.GetConstraint(), d.Colname))
			}
		}
		if l := n.GetTableLikeClause(); l != nil {
			if r := a.cat.Resolve(a.path, l.Relation.GetSchemaname(), l.Relation.GetRelname()); r != nil {
				columns = append(columns, columnsOf(r)...)
			}
		}
		if k := n.GetConstraint(); k != nil {
			constraints = append(constraints, k)
		}
	}
	constraints = append(constraints, nil)[:len(constraints)]
	t, err := a.p.layout.Table(schema, c.Relation.Relname, columns)
	if err != nil {
		return a.tolerate(err, columns)
	}
	for _, k := range constraints {
		if err := a.constraint(t, k); err != nil {
			return err
		}
	}
	return nil
}

// tolerate lets a table through whose key type is not PostgreSQL's own name for
// it, such as a domain: it is looked at again when it is used.
func (a *analysis) tolerate(err error, columns []shardmap.Column) error {
	for _, c := range columns {
		if c.TypeOID == 0 {
			return nil
		}
	}
	return err
}

// on gives a column's constraint the column's name.
func on(k *pg.Constraint, column string) *pg.Constraint {
	key := &pg.Node{Node: &pg.Node_String_{String_: &pg.String{Sval: column}}}
	switch k.GetContype() {
	case pg.ConstrType_CONSTR_PRIMARY, pg.ConstrType_CONSTR_UNIQUE:
		return &pg.Constraint{Contype: k.Contype, Keys: []*pg.Node{key}, Location: k.Location}
	case pg.ConstrType_CONSTR_FOREIGN:
		return &pg.Constraint{Contype: k.Contype, FkAttrs: []*pg.Node{key}, PkAttrs: k.PkAttrs, Pktable: k.Pktable, Location: k.Location}
	default:
		return k
	}
}

func (a *analysis) schemaFor(rv *pg.RangeVar) string {
	switch {
	case rv.Schemaname != "":
		return rv.Schemaname
	case len(a.path) > 0:
		return a.path[0]
	default:
		return "public"
	}
}

// constraint says why a constraint cannot be kept by each shard by itself.
func (a *analysis) constraint(t *shardmap.Table, k *pg.Constraint) error {
	switch k.GetContype() {
	case pg.ConstrType_CONSTR_PRIMARY, pg.ConstrType_CONSTR_UNIQUE, pg.ConstrType_CONSTR_EXCLUSION:
		if t.Kind == shardmap.Sharded && k.Indexname == "" && !a.p.UniquePerShard && !slices.Contains(names(k.Keys), t.Key) {
			return a.notUnique(t, k.Location)
		}
	case pg.ConstrType_CONSTR_FOREIGN:
		return a.foreignKey(t, k)
	}
	return nil
}

func (a *analysis) notUnique(t *shardmap.Table, offset int32) error {
	return &Refusal{
		Clause: "a primary key, unique or exclusion constraint of sharded table " + t.Name + " without its key " + t.Key,
		Reason: "each shard would judge by its own rows only", Remedy: "add " + t.Key + " to its columns, or allow it with the setting unique_per_shard",
		Position: int(pg.Position(a.sql, offset)),
	}
}

// foreignKey lets references through whose target is on the same shard.
func (a *analysis) foreignKey(t *shardmap.Table, k *pg.Constraint) error {
	r := a.cat.Resolve(a.path, k.Pktable.GetSchemaname(), k.Pktable.GetRelname())
	var target *shardmap.Table
	if r != nil {
		var err error
		if target, err = a.p.placement(r); err != nil {
			return err
		}
	} else {
		target = t // itself, or a table that PostgreSQL will not find
	}
	refuse := func(reason string) error {
		return &Refusal{
			Clause: fmt.Sprintf("a foreign key from table %s to table %s", t.Name, target.Name), Reason: reason,
			Remedy: "refer to the key, or make the table referred to a reference table", Position: int(pg.Position(a.sql, k.Location)),
		}
	}
	switch {
	case target.Kind == shardmap.Reference:
		return nil
	case t.Kind == shardmap.Reference:
		return refuse("a reference table's rows are on every shard, those referred to are not")
	case t.Kind == shardmap.Unsharded && target.Kind == shardmap.Unsharded:
		return nil
	case t.Kind != target.Kind || !t.Colocated(target):
		return refuse("their rows are placed differently")
	}
	from, to := names(k.FkAttrs), names(k.PkAttrs)
	if len(to) == 0 {
		// To the primary key: which holds the key, if it is one column, as it must.
		if len(from) == 1 && from[0] == t.Key {
			return nil
		}
		if slices.Contains(from, t.Key) {
			return nil
		}
		return refuse("the key " + t.Key + " is not among its columns")
	}
	for i := range from {
		if i < len(to) && from[i] == t.Key && to[i] == target.Key {
			return nil
		}
	}
	return refuse("it does not match the keys of the two tables")
}

func (a *analysis) uniqueIndex(i *pg.IndexStmt) error {
	_, _, t := a.relation(i.Relation, a.top)
	if t == nil || t.Kind != shardmap.Sharded || a.p.UniquePerShard {
		return nil
	}
	for _, n := range i.IndexParams {
		if n.GetIndexElem().GetName() == t.Key {
			return nil
		}
	}
	return a.notUnique(t, i.Relation.Location)
}

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
			if t.Kind == shardmap.Sharded && len(a.p.all) > 1 {
				return &Refusal{Clause: "ALTER TABLE … ALTER COLUMN … SET of an identity column of sharded table " + t.Name, Reason: "each shard's numbers are its own, and must stay apart", Remedy: "set it on each shard with the hint /* xapg:shard=NAME */"}
			}
		case pg.AlterTableType_AT_DropColumn, pg.AlterTableType_AT_AlterColumnType:
			if keyed {
				return a.placedOtherwise(r)
			}
		}
	}
	return nil
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

// oidOf is the OID of a type that keys can have, 0 for others.
func oidOf(n *pg.TypeName) uint32 {
	parts := names(n.GetNames())
	if len(parts) == 0 || len(n.GetArrayBounds()) > 0 {
		return 0
	}
	return map[string]uint32{
		"int2": 21, "int4": 23, "int8": 20, "serial": 23, "bigserial": 20, "smallserial": 21, "serial4": 23, "serial8": 20, "serial2": 21,
		"text": 25, "varchar": 1043, "bpchar": 1042, "uuid": 2950, "date": 1082, "timestamp": 1114, "timestamptz": 1184, "bool": 16,
		"bytea": 17, "numeric": 1700,
	}[parts[len(parts)-1]]
}
