package xadriver_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver"
)

// steps notes which points of the protocol were passed where.
type steps struct {
	mu   sync.Mutex
	list []string
}

func (s *steps) note(at xadriver.Step) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append(s.list, strings.TrimSuffix(string(at.Point)+" "+at.Shard, " "))
}

func (s *steps) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer func() { s.list = nil }()
	return s.list
}

// shop is a cluster with a broker besides its shards.
type shop struct {
	*bank
	broker *faulty
	steps  steps
}

// openShop opens a cluster whose transactions write rows of moves, and messages.
func openShop(t *testing.T, shards int, more ...string) *shop {
	t.Helper()
	s := &shop{bank: newBank(t, shards, append(more, fast...)...), broker: &faulty{}}
	s.DB = s.open(t, s.dsn, s.steps.note)
	_, err := s.Exec(movesSchema)
	require.NoError(t, err)
	s.steps.take()
	return s
}

func (s *shop) open(t *testing.T, dsn string, onStep func(xadriver.Step), more ...func(*xadriver.Config)) *sql.DB {
	t.Helper()
	cfg, err := xadriver.ParseDSN(dsn)
	require.NoError(t, err)
	cfg.Resources, cfg.OnStep = []xadriver.Resource{s.broker}, onStep
	for _, change := range more {
		change(cfg)
	}
	connector, err := xadriver.NewConnector(*cfg)
	require.NoError(t, err)
	db := sql.OpenDB(connector)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

// order writes a row on each of the owners' shards, publishes a message, and commits.
func (s *shop) order(ctx context.Context, db *sql.DB, id string, owners ...string) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // nothing is left to roll back after Commit
	for _, o := range owners {
		if _, err := tx.ExecContext(ctx, "INSERT INTO moves VALUES ($1, $2)", o, id); err != nil {
			return err
		}
	}
	b, err := xadriver.Enlist(ctx, tx, s.broker)
	if err != nil {
		return err
	}
	b.Publish(id)
	return tx.Commit()
}

// requireWhole checks that each transaction is everywhere or nowhere, as it was told.
func (s *shop) requireWhole(t *testing.T, history map[string]told) {
	t.Helper()
	s.broker.mu.Lock()
	published := slices.Clone(s.broker.published)
	s.broker.mu.Unlock()
	for id, tell := range history {
		there := 0
		for i := range s.urls {
			there += map[string]int{"1": 1}[s.on(t, i, "SELECT count(*)::text FROM moves WHERE id = $1", id)]
		}
		want := slices.Contains(published, id)
		assert.Equal(t, map[bool]int{true: len(s.urls)}[want], there, "%s: rows on shards; published: %t", id, want)
		if tell == toldCommitted || tell == toldRolledBack {
			assert.Equal(t, tell == toldCommitted, want, "%s was told %s", id, tell)
		}
	}
}

func TestAResourceCommitsAndRollsBackWithTheShards(t *testing.T) {
	for _, shards := range []int{1, 2} {
		t.Run(fmt.Sprintf("shards=%d", shards), func(t *testing.T) {
			s := openShop(t, shards)
			names := owners(t, s.bank)
			require.NoError(t, s.order(t.Context(), s.DB, "committed", names...))

			tx, err := s.BeginTx(t.Context(), nil)
			require.NoError(t, err)
			for _, o := range names {
				_, err = tx.Exec("INSERT INTO moves VALUES ($1, 'undone')", o)
				require.NoError(t, err)
			}
			b, err := xadriver.Enlist(t.Context(), tx, s.broker)
			require.NoError(t, err)
			b.Publish("undone")
			require.NoError(t, tx.Rollback())
			assert.Equal(t, 2, s.broker.count("release"), "each branch is released once")
			s.requireWhole(t, map[string]told{"committed": toldCommitted, "undone": toldRolledBack})
		})
	}
}

func TestHowATransactionWithAResourceCommits(t *testing.T) {
	s := openShop(t, 1)
	for _, test := range []struct {
		name    string
		write   string
		publish bool
		want    []string
	}{
		{"both wrote", "INSERT INTO moves VALUES ('a', 'both')", true, []string{"before_prepare broker", "before_prepare s1", "after_decide"}},
		{"the shard only read", "SELECT count(*) FROM moves", true, []string{"before_ask s1", "before_commit s1", "before_commit broker"}},
		{"the broker has nothing to publish", "INSERT INTO moves VALUES ('a', 'one')", false, []string{"before_commit broker", "before_commit s1"}},
		{"only the broker", "", true, []string{"before_commit broker"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			tx, err := s.Begin()
			require.NoError(t, err)
			if test.write != "" {
				_, err = tx.Exec(test.write)
				require.NoError(t, err)
			}
			b, err := xadriver.Enlist(t.Context(), tx, s.broker)
			require.NoError(t, err)
			if test.publish {
				b.Publish(test.name)
			}
			require.NoError(t, tx.Commit())
			passed := s.steps.take()
			for _, step := range test.want {
				assert.Contains(t, passed, step)
			}
			assert.Equal(t, slices.Contains(test.want, "after_decide"), slices.Contains(passed, "after_decide"), "two-phase: %v", passed)
			s.broker.mu.Lock()
			defer s.broker.mu.Unlock()
			assert.Equal(t, test.publish, slices.Contains(s.broker.published, test.name))
		})
	}
}

func TestAResourceJoinsATransactionOfStatements(t *testing.T) {
	s := openShop(t, 2)
	conn, err := s.Conn(t.Context())
	require.NoError(t, err)
	defer conn.Close()
	_, err = xadriver.Enlist(t.Context(), conn, s.broker)
	require.ErrorContains(t, err, "transaction block")
	for _, end := range []string{"COMMIT", "ROLLBACK"} {
		_, err = conn.ExecContext(t.Context(), "BEGIN")
		require.NoError(t, err)
		b, err := xadriver.Enlist(t.Context(), conn, s.broker)
		require.NoError(t, err)
		again, err := xadriver.Enlist(t.Context(), conn, s.broker)
		require.NoError(t, err)
		assert.Same(t, b, again, "a resource has one branch in a transaction")
		b.Publish(end)
		_, err = conn.ExecContext(t.Context(), end)
		require.NoError(t, err)
	}
	assert.Equal(t, []string{"COMMIT"}, s.broker.published)
}

// preparing runs everything as a prepared statement, as some libraries do.
type preparing struct{ *sql.Tx }

func (p preparing) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	stmt, err := p.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer stmt.Close()
	return stmt.ExecContext(ctx, args...)
}

func TestAResourceJoinsThroughPreparedStatements(t *testing.T) {
	s := openShop(t, 2)
	tx, err := s.Begin()
	require.NoError(t, err)
	defer tx.Rollback() //nolint:errcheck // nothing is left to roll back after Commit
	b, err := xadriver.Enlist(t.Context(), preparing{tx}, s.broker)
	require.NoError(t, err)
	b.Publish("prepared")
	require.NoError(t, tx.Commit())
	assert.Equal(t, []string{"prepared"}, s.broker.published)
}

func TestEnlistingSaysWhyNot(t *testing.T) {
	s := openShop(t, 2)
	begin := func() *sql.Tx {
		tx, err := s.Begin()
		require.NoError(t, err)
		t.Cleanup(func() { _ = tx.Rollback() })
		return tx
	}
	plain := openDB(t, s.urls[0])
	single, err := plain.Begin()
	require.NoError(t, err)
	defer single.Rollback() //nolint:errcheck // only looked at
	pgx, err := sql.Open("pgx", s.urls[0])
	require.NoError(t, err)
	defer pgx.Close()
	failed := begin()
	_, err = failed.Exec("SELECT nothing")
	require.Error(t, err)
	done := begin()
	require.NoError(t, done.Rollback())
	s.broker.fail("begin", errors.New("the broker is closed today"))
	for _, test := range []struct {
		name     string
		tx       xadriver.Execer
		resource *faulty
		want     string
	}{
		{"no transaction", s.DB, s.broker, "transaction block"},
		{"a transaction that is over", done, s.broker, sql.ErrTxDone.Error()},
		{"a failed transaction", failed, s.broker, "current transaction is aborted"},
		{"another resource of that name", begin(), &faulty{}, "not the one of this name in Config.Resources"},
		{"a single shard without a log", single, s.broker, "put the resource into Config.Resources"},
		{"another driver", pgx, s.broker, "enlist"},
		{"the resource's own refusal", begin(), s.broker, "closed today"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := xadriver.Enlist(t.Context(), test.tx, test.resource)
			require.ErrorContains(t, err, test.want)
		})
	}
	assert.Zero(t, s.broker.count("release"), "what has not begun is not ended")
}

func TestATransactionThatLacksAResourceCannotCommit(t *testing.T) {
	s := openShop(t, 2)
	s.broker.fail("begin", errors.New("away"))
	tx, err := s.Begin()
	require.NoError(t, err)
	_, err = tx.Exec("INSERT INTO moves VALUES ('a', 'lonely')")
	require.NoError(t, err)
	_, err = xadriver.Enlist(t.Context(), tx, s.broker)
	require.ErrorContains(t, err, "away")
	require.Error(t, tx.Commit())
	var n int
	require.NoError(t, s.QueryRow("SELECT count(*) FROM moves").Scan(&n))
	assert.Zero(t, n)
}

func TestAResourceIsNotTakenBackToASavepoint(t *testing.T) {
	s := openShop(t, 2)
	tx, err := s.Begin()
	require.NoError(t, err)
	do := func(sql string) error {
		_, err := tx.Exec(sql)
		return err
	}
	require.NoError(t, do("SAVEPOINT before"))
	b, err := xadriver.Enlist(t.Context(), tx, s.broker)
	require.NoError(t, err)
	require.NoError(t, do("SAVEPOINT after"))
	b.Publish("would stay")
	require.NoError(t, do("RELEASE SAVEPOINT after"))
	var refused *xadriver.UnsupportedError
	require.ErrorAs(t, do("ROLLBACK TO SAVEPOINT before"), &refused)
	assert.Contains(t, refused.Error(), "broker")
	require.Error(t, tx.Commit())
	assert.Empty(t, s.broker.published)
	assert.Equal(t, 1, s.broker.count("release"))
}
