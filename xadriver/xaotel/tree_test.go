package xaotel_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace"

	"github.com/xapg/xapg/xadriver/xaotel"
)

// lines makes the expected tree readable: without the indentation of the source.
func lines(s string) string { return strings.TrimSpace(strings.ReplaceAll(s, "\n\t\t", "\n")) }

func TestATwoPhaseCommitPreparesAndFinishesEachWriterAndDecidesOnce(t *testing.T) {
	b := openBank(t)
	ctx, end := b.root(t)
	tx, err := b.BeginTx(ctx, nil)
	require.NoError(t, err)
	var balance int
	require.NoError(t, tx.QueryRowContext(ctx, "SELECT balance FROM accounts WHERE owner = $1", owners[0]).Scan(&balance))
	for _, owner := range owners[1:] {
		_, err := tx.ExecContext(ctx, "UPDATE accounts SET balance = balance + $2 WHERE owner = $1", owner, balance)
		require.NoError(t, err)
	}
	require.NoError(t, tx.Commit())
	end()
	assert.Equal(t, lines(`
		application
		  SELECT one shard ["s1"]
		    SELECT s1
		  UPDATE one shard ["s2"]
		    UPDATE s2
		  UPDATE one shard ["s3"]
		    UPDATE s3
		  commit ["s1","s2","s3"] two_phase committed
		    ask s1
		    commit_one s1
		    decide
		    finish s2
		    finish s3
		    prepare s2
		    prepare s3`), b.tree(xaotel.StrategyKey, xaotel.ShardsKey, xaotel.CommitKindKey, xaotel.OutcomeKey))
	id, ok := value(b.named("commit")[0], xaotel.TransactionKey)
	assert.True(t, ok)
	for _, name := range []string{"prepare s2", "prepare s3", "decide", "finish s2", "finish s3"} {
		got, _ := value(b.named(name)[0], xaotel.TransactionKey)
		assert.Equal(t, id, got, name)
	}
}

func TestAReaderNeitherPreparesNorDecides(t *testing.T) {
	b := openBank(t)
	ctx, end := b.root(t)
	tx, err := b.BeginTx(ctx, nil)
	require.NoError(t, err)
	for _, owner := range owners[:2] {
		require.NoError(t, tx.QueryRowContext(ctx, "SELECT balance FROM accounts WHERE owner = $1", owner).Scan(new(int)))
	}
	require.NoError(t, tx.Commit())
	end()
	assert.Equal(t, lines(`
		application
		  SELECT one shard
		    SELECT s1
		  SELECT one shard
		    SELECT s2
		  commit read_only committed
		    ask s1
		    ask s2
		    commit_one s1
		    commit_one s2`), b.tree(xaotel.StrategyKey, xaotel.CommitKindKey, xaotel.OutcomeKey))
}

func TestWhoMayHaveWrittenIsAsked(t *testing.T) {
	b := openBank(t)
	ctx, end := b.root(t)
	tx, err := b.BeginTx(ctx, nil)
	require.NoError(t, err)
	for _, owner := range owners[:2] {
		require.NoError(t, tx.QueryRowContext(ctx, "SELECT balance FROM accounts WHERE owner = $1 FOR UPDATE", owner).Scan(new(int)))
	}
	require.NoError(t, tx.Commit())
	end()
	tree := b.tree(xaotel.CommitKindKey)
	assert.Contains(t, tree, "    ask s1")
	assert.Contains(t, tree, "    ask s2")
}

func TestARollbackUndoesEachShard(t *testing.T) {
	b := openBank(t)
	ctx, end := b.root(t)
	tx, err := b.BeginTx(ctx, nil)
	require.NoError(t, err)
	for _, owner := range owners[:2] {
		_, err := tx.ExecContext(ctx, "DELETE FROM accounts WHERE owner = $1", owner)
		require.NoError(t, err)
	}
	require.NoError(t, tx.Rollback())
	end()
	assert.Equal(t, lines(`
		application
		  DELETE ["s1"]
		    DELETE s1
		  DELETE ["s2"]
		    DELETE s2
		  rollback ["s1","s2"]
		    undo s1
		    undo s2`), b.tree(xaotel.OutcomeKey, xaotel.ShardsKey))
}

func TestAStatementHasOnePartForEachShardItAsks(t *testing.T) {
	b := openBank(t)
	for _, c := range []struct{ sql, want string }{
		{"SELECT * FROM accounts", `
		application
		  SELECT several shards, results joined
		    SELECT s1
		    SELECT s2
		    SELECT s3`},
		{"SELECT * FROM accounts ORDER BY balance", `
		application
		  SELECT ordered merge
		    SELECT s1
		    SELECT s2
		    SELECT s3`},
		{"SELECT sum(balance) FROM accounts", `
		application
		  SELECT partial aggregates
		    merge s1
		      SELECT s1
		      SELECT s2
		      SELECT s3`},
		{"SELECT * FROM currencies", `
		application
		  SELECT any shard
		    SELECT s1`},
		{"INSERT INTO audit VALUES ('x')", `
		application
		  INSERT one shard
		    INSERT s1`},
		{"INSERT INTO currencies VALUES ('KES')", `
		application
		  INSERT all shards, the same on each
		    INSERT s1
		    INSERT s2
		    INSERT s3
		    commit two_phase
		      decide
		      finish s1
		      finish s2
		      finish s3
		      prepare s1
		      prepare s2
		      prepare s3`},
	} {
		b.spans.Reset()
		ctx, end := b.root(t)
		_, err := b.ExecContext(ctx, c.sql)
		require.NoError(t, err)
		end()
		assert.Equal(t, lines(c.want), b.tree(xaotel.StrategyKey, xaotel.CommitKindKey), c.sql)
	}
}

func TestSpansOfManyAtOnceAreNotMixed(t *testing.T) {
	b := openBank(t)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			ctx, span := b.tracer.Start(context.Background(), fmt.Sprint("application ", i))
			defer span.End()
			for range 5 {
				tx, err := b.BeginTx(ctx, nil)
				if !assert.NoError(t, err) {
					return
				}
				for _, owner := range owners {
					_, err := tx.ExecContext(ctx, "UPDATE accounts SET balance = balance + 1 WHERE owner = $1", owner)
					assert.NoError(t, err)
				}
				assert.NoError(t, tx.Commit())
			}
		})
	}
	wg.Wait()
	count := make(map[trace.TraceID]map[string]int)
	for _, s := range b.spans.Ended() {
		of := count[s.SpanContext().TraceID()]
		if of == nil {
			of = make(map[string]int)
			count[s.SpanContext().TraceID()] = of
		}
		name, _, _ := strings.Cut(s.Name(), " ")
		of[name]++
	}
	assert.Len(t, count, 8)
	for _, of := range count {
		assert.Equal(t, map[string]int{"application": 1, "UPDATE": 30, "commit": 5, "prepare": 15, "decide": 5, "finish": 15}, of)
	}
}
