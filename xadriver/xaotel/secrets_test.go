package xaotel_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/xapg/xapg/xadriver"
	"github.com/xapg/xapg/xadriver/xaotel"
)

// said is all that a span tells.
func said(s sdktrace.ReadOnlySpan) string {
	return fmt.Sprintln(s.Name(), s.Status(), s.Attributes(), s.Events(), s.Links())
}

func TestArgumentsAndPasswordsAreNeverRecorded(t *testing.T) {
	const secret = "S3cr3tArgument"
	b := openBank(t, xaotel.WithConfig(mustParse(t)))
	for _, c := range []struct {
		sql  string
		args []any
	}{
		{"SELECT * FROM accounts WHERE owner = $1", []any{secret}},
		{"INSERT INTO accounts VALUES ($1, 1), ($2, 2), ($3, 3)", []any{secret, secret + "2", secret + "3"}},
		{"INSERT INTO accounts VALUES ($1, 1)", []any{secret}}, // it is there already, as the error's detail says
		{"INSERT INTO accounts SELECT $1 || owner, 1 FROM accounts ON CONFLICT DO NOTHING", []any{secret}},
		{"SELECT max(owner) FROM accounts WHERE owner LIKE $1", []any{secret}},
		{"SELECT owner, $1::text FROM accounts ORDER BY balance LIMIT 1", []any{secret}},
		{"SELECT a.owner FROM accounts a JOIN accounts b USING (balance) WHERE a.owner <> $1", []any{secret}},
		{"UPDATE accounts SET balance = $1::text::bigint WHERE owner = $2", []any{secret, owners[0]}}, // the message quotes it
		{"UPDATE accounts SET balance = $1 WHERE owner = $2", []any{secret, owners[0]}},               // pgx's message, too
		{"UPDATE accounts SET owner = $1 || owner WHERE owner = $2", []any{"X", secret}},              // the row moves
		{"INSERT INTO currencies VALUES ($1) ON CONFLICT DO NOTHING", []any{secret}},
		{"DELETE FROM accounts WHERE owner LIKE $1", []any{"%" + secret + "%"}},
		{"DELETE FROM currencies WHERE code = $1", []any{secret}},
		{"SELECT $1", []any{make(chan string)}}, // what cannot be sent at all
		{"CREATE ROLE clerk PASSWORD '" + secret + "'", nil},
		{"ALTER ROLE clerk PASSWORD '" + secret + "'", nil},
		{"DROP ROLE clerk", nil},
		{"PREPARE find(text) AS SELECT * FROM accounts WHERE owner = $1", nil},
	} {
		_, _ = b.ExecContext(t.Context(), c.sql, c.args...)
		_, _ = b.ExecContext(xadriver.WithKey(t.Context(), secret), c.sql, c.args...)
	}
	tx, err := b.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	_, err = tx.Exec("INSERT INTO payments VALUES ($1, 1), ($2, 2)", secret+"1", secret+"2")
	require.NoError(t, err)
	require.Error(t, tx.Commit(), "the payments are nobody's, as the vote's detail says")

	require.Greater(t, len(b.spans.Ended()), 50)
	for _, s := range b.spans.Ended() {
		for _, forbidden := range []string{secret, "S3cr3t", password} {
			assert.NotContains(t, said(s), forbidden)
		}
	}
	var texts int
	for _, s := range b.spans.Ended() {
		if _, ok := value(s, "db.query.text"); ok {
			texts++
		}
	}
	assert.Greater(t, texts, 30, "text is recorded")
}

func mustParse(t *testing.T) *xadriver.Config {
	t.Helper()
	_ = openBank(t) // the servers run
	cfg, err := xadriver.ParseDSN(dsn("xapg.db"))
	require.NoError(t, err)
	return cfg
}

func TestStatementsCanBeLeftOut(t *testing.T) {
	b := openBank(t, xaotel.WithStatements(false))
	_, err := b.ExecContext(t.Context(), "SELECT * FROM accounts WHERE owner = 'constant' ORDER BY balance")
	require.NoError(t, err)
	require.NotEmpty(t, b.spans.Ended())
	for _, s := range b.spans.Ended() {
		assert.NotContains(t, said(s), "constant")
		name, _ := value(s, "db.operation.name")
		assert.Equal(t, "SELECT", name)
	}
}

func TestSpansSayWhereAShardIs(t *testing.T) {
	cfg := mustParse(t)
	b := openBank(t, xaotel.WithConfig(cfg), xaotel.WithSpanName(func(op xadriver.Operation) string { return strings.ToUpper(string(op.Kind)) }))
	_, err := b.ExecContext(t.Context(), "UPDATE accounts SET balance = 1 WHERE owner = $1", owners[2])
	require.NoError(t, err)
	part := b.named("PART")[0]
	for key, want := range map[attribute.Key]string{
		xaotel.ClusterKey: "bank", xaotel.ShardKey: "s3", "db.namespace": "postgres",
		"server.address": cluster.Shards[2].Host(), "server.port": fmt.Sprint(cluster.Shards[2].Port()),
	} {
		got, _ := value(part, key)
		assert.Equal(t, want, got, key)
	}
	statement := b.named("STATEMENT")[0]
	_, ok := value(statement, "server.address")
	assert.False(t, ok, "a statement is nowhere in particular")
}

func TestATracerWithoutProviderRecordsNothing(t *testing.T) {
	ctx, end := xaotel.NewTracer().Start(context.Background(), xadriver.Operation{Kind: xadriver.OpStatement, SQL: "SELECT 1"})
	assert.NotNil(t, ctx)
	end(xadriver.Report{})
}
