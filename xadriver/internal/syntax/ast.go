package syntax

import "github.com/sqlc-dev/oliphant/ast"

// The parts of a tree that planning looks at. Their meaning is PostgreSQL's
// parsenodes.h.
type (
	A_Const                    = ast.A_Const
	A_Expr                     = ast.A_Expr
	Alias                      = ast.Alias
	AlterTableStmt             = ast.AlterTableStmt
	ColumnDef                  = ast.ColumnDef
	ColumnRef                  = ast.ColumnRef
	Constraint                 = ast.Constraint
	CreateStmt                 = ast.CreateStmt
	CurrentOfExpr              = ast.CurrentOfExpr
	DeleteStmt                 = ast.DeleteStmt
	ExplainStmt                = ast.ExplainStmt
	FuncCall                   = ast.FuncCall
	GroupingFunc               = ast.GroupingFunc
	IndexStmt                  = ast.IndexStmt
	InsertStmt                 = ast.InsertStmt
	JoinExpr                   = ast.JoinExpr
	JsonArrayAgg               = ast.JsonArrayAgg
	JsonObjectAgg              = ast.JsonObjectAgg
	MergeStmt                  = ast.MergeStmt
	Node_AExpr                 = ast.Node_AExpr
	Node_AlterObjectSchemaStmt = ast.Node_AlterObjectSchemaStmt
	Node_AlterTableStmt        = ast.Node_AlterTableStmt
	Node_BoolExpr              = ast.Node_BoolExpr
	Node_CallStmt              = ast.Node_CallStmt
	Node_ClosePortalStmt       = ast.Node_ClosePortalStmt
	Node_ConstraintsSetStmt    = ast.Node_ConstraintsSetStmt
	Node_CopyStmt              = ast.Node_CopyStmt
	Node_CreateSeqStmt         = ast.Node_CreateSeqStmt
	Node_CreateStmt            = ast.Node_CreateStmt
	Node_CreateTableAsStmt     = ast.Node_CreateTableAsStmt
	Node_DeallocateStmt        = ast.Node_DeallocateStmt
	Node_DeclareCursorStmt     = ast.Node_DeclareCursorStmt
	Node_DeleteStmt            = ast.Node_DeleteStmt
	Node_DiscardStmt           = ast.Node_DiscardStmt
	Node_DoStmt                = ast.Node_DoStmt
	Node_DropStmt              = ast.Node_DropStmt
	Node_ExecuteStmt           = ast.Node_ExecuteStmt
	Node_ExplainStmt           = ast.Node_ExplainStmt
	Node_FetchStmt             = ast.Node_FetchStmt
	Node_IndexStmt             = ast.Node_IndexStmt
	Node_InsertStmt            = ast.Node_InsertStmt
	Node_JoinExpr              = ast.Node_JoinExpr
	Node_ListenStmt            = ast.Node_ListenStmt
	Node_LockStmt              = ast.Node_LockStmt
	Node_MergeStmt             = ast.Node_MergeStmt
	Node_NotifyStmt            = ast.Node_NotifyStmt
	Node_PrepareStmt           = ast.Node_PrepareStmt
	Node_RangeFunction         = ast.Node_RangeFunction
	Node_RangeSubselect        = ast.Node_RangeSubselect
	Node_RangeTableSample      = ast.Node_RangeTableSample
	Node_RangeVar              = ast.Node_RangeVar
	Node_ReindexStmt           = ast.Node_ReindexStmt
	Node_RenameStmt            = ast.Node_RenameStmt
	Node_SelectStmt            = ast.Node_SelectStmt
	Node_String_               = ast.Node_String_
	Node_TransactionStmt       = ast.Node_TransactionStmt
	Node_TruncateStmt          = ast.Node_TruncateStmt
	Node_UnlistenStmt          = ast.Node_UnlistenStmt
	Node_UpdateStmt            = ast.Node_UpdateStmt
	Node_VacuumStmt            = ast.Node_VacuumStmt
	Node_VariableSetStmt       = ast.Node_VariableSetStmt
	Node_VariableShowStmt      = ast.Node_VariableShowStmt
	Node_ViewStmt              = ast.Node_ViewStmt
	ParamRef                   = ast.ParamRef
	RangeFunction              = ast.RangeFunction
	RangeSubselect             = ast.RangeSubselect
	RangeVar                   = ast.RangeVar
	RenameStmt                 = ast.RenameStmt
	ReturningClause            = ast.ReturningClause
	SQLValueFunction           = ast.SQLValueFunction
	SelectStmt                 = ast.SelectStmt
	SetToDefault               = ast.SetToDefault
	String                     = ast.String
	SubLink                    = ast.SubLink
	TransactionStmt            = ast.TransactionStmt
	TypeName                   = ast.TypeName
	UpdateStmt                 = ast.UpdateStmt
	VariableSetStmt            = ast.VariableSetStmt
	WithClause                 = ast.WithClause
)

// Values of the tree's enumerations.
const (
	A_Expr_Kind_AEXPR_IN                       = ast.A_Expr_Kind_AEXPR_IN
	A_Expr_Kind_AEXPR_OP                       = ast.A_Expr_Kind_AEXPR_OP
	A_Expr_Kind_AEXPR_OP_ANY                   = ast.A_Expr_Kind_AEXPR_OP_ANY
	AlterTableType_AT_AddColumn                = ast.AlterTableType_AT_AddColumn
	AlterTableType_AT_AddConstraint            = ast.AlterTableType_AT_AddConstraint
	AlterTableType_AT_AlterColumnType          = ast.AlterTableType_AT_AlterColumnType
	AlterTableType_AT_DropColumn               = ast.AlterTableType_AT_DropColumn
	BoolExprType_AND_EXPR                      = ast.BoolExprType_AND_EXPR
	BoolExprType_OR_EXPR                       = ast.BoolExprType_OR_EXPR
	ConstrType_CONSTR_EXCLUSION                = ast.ConstrType_CONSTR_EXCLUSION
	ConstrType_CONSTR_FOREIGN                  = ast.ConstrType_CONSTR_FOREIGN
	ConstrType_CONSTR_PRIMARY                  = ast.ConstrType_CONSTR_PRIMARY
	ConstrType_CONSTR_UNIQUE                   = ast.ConstrType_CONSTR_UNIQUE
	DiscardMode_DISCARD_ALL                    = ast.DiscardMode_DISCARD_ALL
	JoinType_JOIN_INNER                        = ast.JoinType_JOIN_INNER
	JoinType_JOIN_LEFT                         = ast.JoinType_JOIN_LEFT
	JoinType_JOIN_RIGHT                        = ast.JoinType_JOIN_RIGHT
	ObjectType_OBJECT_COLUMN                   = ast.ObjectType_OBJECT_COLUMN
	ObjectType_OBJECT_TABLE                    = ast.ObjectType_OBJECT_TABLE
	SetOperation_SETOP_NONE                    = ast.SetOperation_SETOP_NONE
	SetOperation_SETOP_UNION                   = ast.SetOperation_SETOP_UNION
	TransactionStmtKind_TRANS_STMT_BEGIN       = ast.TransactionStmtKind_TRANS_STMT_BEGIN
	TransactionStmtKind_TRANS_STMT_COMMIT      = ast.TransactionStmtKind_TRANS_STMT_COMMIT
	TransactionStmtKind_TRANS_STMT_RELEASE     = ast.TransactionStmtKind_TRANS_STMT_RELEASE
	TransactionStmtKind_TRANS_STMT_ROLLBACK    = ast.TransactionStmtKind_TRANS_STMT_ROLLBACK
	TransactionStmtKind_TRANS_STMT_ROLLBACK_TO = ast.TransactionStmtKind_TRANS_STMT_ROLLBACK_TO
	TransactionStmtKind_TRANS_STMT_SAVEPOINT   = ast.TransactionStmtKind_TRANS_STMT_SAVEPOINT
	TransactionStmtKind_TRANS_STMT_START       = ast.TransactionStmtKind_TRANS_STMT_START
	VariableSetKind_VAR_RESET                  = ast.VariableSetKind_VAR_RESET
	VariableSetKind_VAR_RESET_ALL              = ast.VariableSetKind_VAR_RESET_ALL
	VariableSetKind_VAR_SET_CURRENT            = ast.VariableSetKind_VAR_SET_CURRENT
	VariableSetKind_VAR_SET_DEFAULT            = ast.VariableSetKind_VAR_SET_DEFAULT
	VariableSetKind_VAR_SET_MULTI              = ast.VariableSetKind_VAR_SET_MULTI
)
