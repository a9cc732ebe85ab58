package plan

import (
	"slices"
	"strconv"

	"google.golang.org/protobuf/proto"

	"github.com/xapg/xapg/shardmap"
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
	switch n.GetNode().(type) {
	case *pg.Node_NotifyStmt:
		st.Notifies, st.Aside = true, true
		st.route = a.p.toHome("who listens does so on home")
		return
	case *pg.Node_ListenStmt, *pg.Node_UnlistenStmt:
		st.SessionState, st.Notifies = true, true
		st.route = a.p.toHome("notifications are home's")
		return
	case *pg.Node_DoStmt:
		st.Class, st.Writes, st.procedural = DDL, true, true
	case *pg.Node_CallStmt:
		st.Class, st.Writes, st.ReturnsRows, st.procedural = DDL, true, true, true
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
	case *pg.Node_CreateTrigStmt:
		return a.trigger(d.CreateTrigStmt)
	case *pg.Node_RuleStmt:
		if _, _, t := a.relation(d.RuleStmt.Relation, a.top); t != nil && t.Kind != shardmap.Unsharded {
			return &Refusal{Clause: "a rule on a sharded or reference table", Reason: "what it does would be done on one shard, or on each", Remedy: "do it in the application"}
		}
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
		return &Refusal{Clause: "DO and CALL", Reason: "what they read and write cannot be seen", Remedy: "say where with a hint (xadriver.WithKey, /* xapg:key=… */, /* xapg:shard=… */; /* xapg:shard=* */ for the same on every shard, as a migration may want it)"}
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
			Remedy: "say SELECT setval('" + r.Name.Name + "', value, false), which sets it on all shards",
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
	for _, n := range c.InhRelations {
		_, _, t := a.relation(n.GetRangeVar(), a.top)
		if c.Partbound == nil && t != nil && t.Kind != shardmap.Unsharded {
			return &Refusal{Clause: "INHERITS of a sharded or reference table", Reason: "rows of both are mixed, and cannot be told apart", Remedy: "use a partitioned table"}
		}
	}
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
