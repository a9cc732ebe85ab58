package plan_test

import (
	"database/sql"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver/internal/plan"
)

func TestKeysMayBeSetToWhatTheyAreWhereRowsConflict(t *testing.T) {
	check(t, []spec{
		{"INSERT INTO bills (owner, n) VALUES ('b', 1) ON CONFLICT (owner, n) DO UPDATE SET owner = excluded.owner", nil, "s1"},
		{"INSERT INTO bills (owner, n) VALUES ($1, $2) ON CONFLICT (n, owner) DO UPDATE SET n = excluded.n, owner = excluded.owner RETURNING owner", a("c", 1), "s2"},
		{`INSERT INTO "bills" ("owner", "n") VALUES ('b', 1) ON CONFLICT ("owner", "n") DO UPDATE SET "owner" = "excluded"."owner"`, nil, "s1"},
		{"INSERT INTO bills (owner, n) VALUES ('b', 1) ON CONFLICT ON CONSTRAINT bills_pkey DO UPDATE SET owner = EXCLUDED.owner", nil, "s1"},
		{"INSERT INTO bills (owner, n) VALUES ('b', 1) ON CONFLICT (owner, n) DO UPDATE SET owner = bills.owner", nil, "s1"},
		{"INSERT INTO bills AS x (owner, n) VALUES ('b', 1) ON CONFLICT (owner, n) DO UPDATE SET owner = x.owner, n = 2", nil, "s1"},
		{"INSERT INTO public.bills (owner, n) VALUES ('b', 1) ON CONFLICT (owner, n) DO UPDATE SET owner = public.bills.owner", nil, "s1"},
		{"INSERT INTO bills (owner, n) VALUES ('b', 1) ON CONFLICT (owner, n) DO UPDATE SET (owner, amount) = (excluded.owner, 3)", nil, "s1"},
		{"INSERT INTO bills (owner, n) VALUES ('b', 1) ON CONFLICT (owner, n) DO UPDATE SET (amount, owner) = ROW(3, bills.owner)", nil, "s1"},
		{"INSERT INTO bills (owner, n) VALUES ('a', 1), ('b', 1) ON CONFLICT (owner, n) DO UPDATE SET owner = excluded.owner", nil, "composed"},
		{"INSERT INTO bills (owner, n) SELECT note, 1 FROM accounts ON CONFLICT (owner, n) DO UPDATE SET owner = excluded.owner", nil, "composed"},
		{"WITH w AS (INSERT INTO bills (owner, n) VALUES ('b', 1) ON CONFLICT (owner, n) DO UPDATE SET owner = excluded.owner RETURNING owner) SELECT * FROM w", nil, "s1"},
		// The very constant that the row is inserted with.
		{"INSERT INTO bills (owner, n) VALUES ($1, 1) ON CONFLICT (owner, n) DO UPDATE SET owner = $1", a("b"), "s1"},
		{"INSERT INTO bills (owner, n) VALUES ('b', 1), ('b', 2) ON CONFLICT (owner, n) DO UPDATE SET owner = 'b'", nil, "s1"},
		// PostgreSQL calls it ambiguous.
		{"INSERT INTO bills (owner, n) VALUES ('b', 1) ON CONFLICT (owner, n) DO UPDATE SET owner = owner", nil, "s1"},
	})
	for _, sql := range []string{
		"INSERT INTO bills (owner, n) VALUES ('b', 1) ON CONFLICT (owner, n) DO UPDATE SET owner = 'c'",
		"INSERT INTO bills (owner, n) VALUES ('b', 1) ON CONFLICT (owner, n) DO UPDATE SET owner = $1",
		"INSERT INTO bills (owner, n) VALUES ('b', 1), ('c', 1) ON CONFLICT (owner, n) DO UPDATE SET owner = 'b'",
		"INSERT INTO bills (owner, n) VALUES ('b', 1) ON CONFLICT (owner, n) DO UPDATE SET owner = excluded.note",
		"INSERT INTO bills (owner, n) VALUES ('b', 1) ON CONFLICT (owner, n) DO UPDATE SET owner = bills.note",
		"INSERT INTO bills (owner, n) VALUES ('b', 1) ON CONFLICT (owner, n) DO UPDATE SET owner = upper(excluded.owner)",
		"INSERT INTO bills (owner, n) VALUES ('b', 1) ON CONFLICT (owner, n) DO UPDATE SET (note, owner) = (excluded.owner, excluded.note)",
		"INSERT INTO bills (owner, n) VALUES ('b', 1) ON CONFLICT (owner, n) DO UPDATE SET (owner, note) = (SELECT 'c', 'x')",
		"INSERT INTO bills (owner, n) VALUES ('b', 1) ON CONFLICT (owner, n) DO UPDATE SET owner = DEFAULT",
		"INSERT INTO bills (owner, n) VALUES (upper('b'), 1) ON CONFLICT (owner, n) DO UPDATE SET owner = 'b'",
	} {
		check(t, []spec{{sql, a("b"), "no a change of the key owner of table bills"}})
	}
}

func TestAnUpdateThatLeavesRowsOnTheirShardIsLikeAnyOther(t *testing.T) {
	check(t, []spec{
		{"UPDATE accounts SET owner = owner, balance = 1", nil, "s0+s1+s2"},
		{"UPDATE accounts AS x SET owner = x.owner WHERE owner = 'b'", nil, "s1"},
		{"UPDATE accounts SET (balance, owner) = (1, owner) WHERE owner = 'b'", nil, "s1"},
		{"UPDATE accounts a SET owner = l.owner FROM ledger l WHERE l.owner = a.owner", nil, "s0+s1+s2"},
		{"UPDATE accounts SET owner = $1, balance = $2 WHERE owner = $3", a("b", 1, "b"), "s1"},
		{"UPDATE accounts SET owner = $1 WHERE owner = $2", a("b2", "b"), "s1"}, // another key of the same shard
		{"UPDATE linked SET owner = $1, n = 3 WHERE owner = $2", a("b", "b"), "s1"},
		{"UPDATE accounts SET owner = 'b' WHERE owner IN ('b', 'b2')", nil, "s1"},
		{"WITH w AS (UPDATE accounts SET owner = owner WHERE owner = 'b' RETURNING owner) SELECT * FROM w", nil, "s1"},
		{"MERGE INTO ledger l USING accounts a ON l.owner = a.owner WHEN MATCHED THEN UPDATE SET owner = a.owner, n = 1", nil, "s0+s1+s2"},
		{"MERGE INTO ledger l USING accounts a ON l.owner = a.owner WHEN MATCHED THEN UPDATE SET owner = l.owner", nil, "s0+s1+s2"},
		// Rows that move.
		{"UPDATE accounts SET owner = $1 WHERE owner = $2", a("c", "b"), "composed"},
		{"UPDATE accounts SET owner = $1 WHERE owner = $2", a(nil, "b"), "composed"},
		{"UPDATE accounts SET owner = 'b' WHERE owner IN ('a', 'b')", nil, "composed"},
		{"UPDATE accounts SET owner = 'b'", nil, "composed"},
		{"UPDATE accounts SET owner = note WHERE owner = 'b'", nil, "composed"},
		{"UPDATE accounts a SET owner = l.owner FROM ledger l WHERE l.n = a.balance", nil, "composed"},
		{"UPDATE accounts a SET owner = l.owner FROM items i LEFT JOIN ledger l ON l.n = i.id WHERE i.id = a.balance", nil, "composed"},
		{"MERGE INTO ledger l USING accounts a ON l.owner = a.owner WHEN MATCHED THEN UPDATE SET owner = a.note", nil, "no a change of the key"},
		// What cannot move rows must not leave them where they are.
		{"UPDATE accounts SET owner = 'c' WHERE owner = 'b' AND ctid = '(0,1)'", nil, "no a change of the key"},
		{"WITH w AS (DELETE FROM accounts WHERE owner = 'b' RETURNING balance) UPDATE accounts SET owner = 'c' FROM w WHERE owner = 'b'", nil, "no a change of the key"},
		{"UPDATE accounts SET owner = 'b2' WHERE owner = 'b' AND ctid = '(0,1)'", nil, "s1"},
	})
}

func TestARowWithoutAKeyIsRefusedAsPostgreSQLDoes(t *testing.T) {
	var nilText *string
	for _, key := range []any{
		nil, nilText, &nilText, sql.NullString{}, sql.Null[string]{}, (*sql.NullString)(nil), []byte(nil), pgtype.Text{}, uuid.NullUUID{}, (*time.Time)(nil), sql.NullTime{},
	} {
		// bills has a primary key, accounts takes NULL, and would have such a row.
		check(t, []spec{
			{"INSERT INTO bills (owner, n) VALUES ($1, 1)", a(key), "! 23502"},
			{"INSERT INTO bills (owner, n) VALUES ('a', 1), ($1, 1)", a(key), "! 23502"},
			{"INSERT INTO accounts (owner) VALUES ($1)", a(key), "no a row of table accounts whose key owner is NULL"},
			{"SELECT * FROM accounts WHERE owner = $1", a(key), "s0"},
			{"UPDATE bills SET owner = $1 WHERE owner = 'b'", a(key), "composed"},
		})
	}
	for _, key := range []any{nil, (*int64)(nil), sql.NullInt64{}, pgtype.Int8{}, sql.NullInt32{}} {
		check(t, []spec{{"INSERT INTO items (id) VALUES ($1)", a(key), "! 23502"}})
	}
	for _, key := range []any{"99999999999999999999", uint64(1 << 63), 1e19} {
		check(t, []spec{{"INSERT INTO items (id) VALUES ($1)", a(key), "! 22003"}})
	}
}

func TestAKeyThatCannotBeIsAnErrorOfPostgreSQL(t *testing.T) {
	p, cat := world(t)
	made, err := p.Plan("INSERT INTO bills (owner, n) VALUES (NULL, 1)", cat, nil)
	require.NoError(t, err)
	_, err = made.Statements[0].Target(nil, plan.Hint{})
	var (
		key   *plan.KeyError
		pgErr *pgconn.PgError
	)
	require.ErrorAs(t, err, &key)
	require.ErrorAs(t, err, &pgErr)
	assert.Equal(t, []string{"23502", "bills", "owner"}, []string{pgErr.Code, pgErr.TableName, pgErr.ColumnName})
	assert.NotErrorAs(t, err, new(*plan.Refusal))
}
