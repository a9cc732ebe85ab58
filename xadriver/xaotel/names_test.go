package xaotel

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"

	"github.com/xapg/xapg/xadriver"
)

func TestAStatementIsNamedByItsFirstWord(t *testing.T) {
	for sql, want := range map[string]string{
		"SELECT 1":                              "SELECT",
		"select*from t":                         "SELECT",
		"  \n\t Update t SET a = 1":             "UPDATE",
		"(SELECT 1) UNION (SELECT 2)":           "SELECT",
		";;insert into t values (1)":            "INSERT",
		"-- why\n DELETE FROM t":                "DELETE",
		"/* xapg:key=1 */ MERGE INTO t":         "MERGE",
		"/* a /* b */ c */--d\n/**/WITH x AS":   "WITH",
		"/* a /* b */ SELECT 1":                 "", // the comment has no end
		"-- nothing":                            "",
		"":                                      "",
		"Alice":                                 "", // no command: it might be anything
		"SELECTED":                              "",
		"deallocate all":                        "DEALLOCATE",
		strings.Repeat("x", 1<<20):              "",
		"SELECT_1":                              "SELECT",
		"Ünsinn":                                "",
		"TABLE accounts":                        "TABLE",
		"\uFEFFSELECT 1":                        "",
		"/":                                     "",
		"BEGIN":                                 "BEGIN",
		"VALUES (1)":                            "VALUES",
		"commit; select 1":                      "COMMIT",
		"/*/ SELECT 1 */ UPDATE t SET a = '*/'": "UPDATE",
	} {
		assert.Equal(t, want, operationName(sql), "%.60q", sql)
	}
}

func TestSpansHaveFewNames(t *testing.T) {
	for _, c := range []struct {
		op   xadriver.Operation
		want string
	}{
		{xadriver.Operation{Kind: xadriver.OpStatement, SQL: "SELECT 'x'"}, "SELECT"},
		{xadriver.Operation{Kind: xadriver.OpStatement, SQL: "Alice"}, "postgresql"},
		{xadriver.Operation{Kind: xadriver.OpPart, SQL: "SELECT 'x'", Shard: "athos"}, "SELECT athos"},
		{xadriver.Operation{Kind: xadriver.OpPrepare, Shard: "athos"}, "prepare athos"},
		{xadriver.Operation{Kind: xadriver.OpDecide}, "decide"},
		{xadriver.Operation{Kind: xadriver.OpCommit}, "commit"},
	} {
		assert.Equal(t, c.want, spanName(c.op))
	}
}

func TestTextThatSetsAPasswordIsKnown(t *testing.T) {
	for sql, want := range map[string]bool{
		"ALTER ROLE app PASSWORD 'x'":                               true,
		"create user app with encrypted password 'x'":               true,
		"SELECT 1; ALTER USER app PassWord 'x'":                     true,
		"CREATE SUBSCRIPTION s CONNECTION 'password=x'":             true,
		"CREATE USER MAPPING FOR a SERVER b OPTIONS (password 'x')": true,
		"SELECT password FROM users":                                false,
		"ALTER TABLE users ADD COLUMN age int":                      false,
		"SELECT password, created FROM users":                       false,
		"":                                                          false,
	} {
		assert.Equal(t, want, setsPassword(sql), sql)
	}
}

func TestLongTextIsCutBetweenCharacters(t *testing.T) {
	assert.Equal(t, "SELECT 1", cut("SELECT 1"))
	for at := range 4 {
		got := cut(strings.Repeat("x", at) + strings.Repeat("€", longest))
		assert.True(t, utf8.ValidString(got))
		assert.LessOrEqual(t, len(got), longest+len("…"))
	}
}

func TestErrorsAreOfFewTypes(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{&pgconn.PgError{Code: "23505", Message: "secret"}, "23505"},
		{fmt.Errorf("shard s1: %w", &pgconn.PgError{Code: "57P01"}), "57P01"},
		{&xadriver.UnsupportedError{}, "0A000"},
		{&xadriver.InDoubtError{Cause: context.Canceled}, "08007"},
		{fmt.Errorf("waiting: %w", context.DeadlineExceeded), "context.DeadlineExceeded"},
		{errors.New("secret"), "_OTHER"},
		{fmt.Errorf("secret %w", errors.New("secret")), "_OTHER"},
		{errors.Join(fmt.Errorf("dial: %w", &net.DNSError{Name: "secret"})), "*net.DNSError"},
	} {
		assert.Equal(t, c.want, errorType(c.err))
	}
}
