package mark_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/txlog"
	"github.com/xapg/xapg/xadriver/internal/mark"
	"github.com/xapg/xapg/xadriver/internal/shard"
	"github.com/xapg/xapg/xadriver/xatest"
)

func server(t *testing.T, dsn string) mark.Server {
	t.Helper()
	cfg, err := pgx.ParseConfig(dsn)
	require.NoError(t, err)
	s, err := shard.NewPgx("s1", 0, cfg, shard.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close() })
	return mark.Server{Shard: s}
}

func run(t *testing.T, dsn, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	defer conn.Close(context.Background())
	_, err = conn.Exec(t.Context(), sql)
	require.NoError(t, err)
}

// exchange leaves a mark, and returns the one that was there before.
func exchange(t *testing.T, s mark.Server, log string, ours txlog.Mark) (found txlog.Mark) {
	t.Helper()
	require.NoError(t, s.Exchange(t.Context(), log, ours, func(m txlog.Mark) error {
		found = m
		return nil
	}))
	return found
}

func TestAShardKeepsTheLatestMarkOfEachLog(t *testing.T) {
	s := server(t, xatest.Start(t, xatest.Shards(1)).Shards[0].DSN())
	first, second := txlog.Mark{Seq: 1, ID: uuid.New()}, txlog.Mark{Seq: 2, ID: uuid.New()}
	assert.Zero(t, exchange(t, s, "aaaaaaaaaaaa", first))
	assert.Equal(t, first, exchange(t, s, "aaaaaaaaaaaa", second))
	assert.Equal(t, second, exchange(t, s, "aaaaaaaaaaaa", first))
	assert.Equal(t, second, exchange(t, s, "aaaaaaaaaaaa", first), "an earlier mark has replaced a later one")
	assert.Zero(t, exchange(t, s, "bbbbbbbbbbbb", first), "the mark of another log was found")

	refuse := errors.New("not this one")
	require.ErrorIs(t, s.Exchange(t.Context(), "aaaaaaaaaaaa", txlog.Mark{Seq: 3, ID: uuid.New()}, func(txlog.Mark) error { return refuse }), refuse)
	assert.Equal(t, second, exchange(t, s, "aaaaaaaaaaaa", second), "who was refused has left a mark")
}

// Between the first look and the lock, a later opening of the same log may come.
func TestALaterMarkThatCameInBetweenStays(t *testing.T) {
	s := server(t, xatest.Start(t, xatest.Shards(1)).Shards[0].DSN())
	first, second := txlog.Mark{Seq: 1, ID: uuid.New()}, txlog.Mark{Seq: 2, ID: uuid.New()}
	exchange(t, s, "bbbbbbbbbbbb", first) // the table is there
	var found []txlog.Mark
	require.NoError(t, s.Exchange(t.Context(), "aaaaaaaaaaaa", first, func(m txlog.Mark) error {
		if found = append(found, m); len(found) == 1 {
			assert.Zero(t, exchange(t, s, "aaaaaaaaaaaa", second))
		}
		return nil
	}))
	assert.Equal(t, []txlog.Mark{{}, second}, found, "what came in between is looked at, too")
	assert.Equal(t, second, exchange(t, s, "aaaaaaaaaaaa", first))
}

// Two that ask a shard without a table at the same time both make it, and one of
// them finds the other's mark.
func TestMarksExcludeEachOther(t *testing.T) {
	c := xatest.Start(t, xatest.Shards(1))
	for range 10 {
		var all sync.WaitGroup
		taken := errors.New("taken")
		results := make([]error, 4)
		for i := range results {
			s, ours := server(t, c.Shards[0].DSN()), txlog.Mark{Seq: 1, ID: uuid.New()}
			all.Go(func() {
				results[i] = s.Exchange(t.Context(), "aaaaaaaaaaaa", ours, func(found txlog.Mark) error {
					if found.ID != uuid.Nil && found != ours {
						return taken
					}
					return nil
				})
			})
		}
		all.Wait()
		won := 0
		for _, err := range results {
			if err == nil {
				won++
			} else {
				assert.ErrorIs(t, err, taken)
			}
		}
		assert.Equal(t, 1, won, "copies that were let through at the same time")
		run(t, c.Shards[0].DSN(), "DROP SCHEMA _xapg CASCADE")
	}
}

func TestAShardSaysWhatItLacks(t *testing.T) {
	ours := txlog.Mark{Seq: 1, ID: uuid.New()}
	agree := func(txlog.Mark) error { return nil }

	none := xatest.Start(t, xatest.Shards(1), xatest.Set("max_prepared_transactions", "0"))
	err := server(t, none.Shards[0].DSN()).Exchange(t.Context(), "aaaaaaaaaaaa", ours, agree)
	var disabled *mark.DisabledError
	require.ErrorAs(t, err, &disabled)
	assert.Equal(t, "55000", disabled.SQLState())
	assert.ErrorContains(t, err, "ALTER SYSTEM SET max_prepared_transactions")

	c := xatest.Start(t, xatest.Shards(1))
	admin := c.Shards[0].DSN()
	run(t, admin, "CREATE ROLE teller LOGIN")
	s := server(t, admin+"&user=teller")
	err = s.Exchange(t.Context(), "aaaaaaaaaaaa", ours, agree)
	assert.ErrorContains(t, err, "let an administrator run")
	run(t, admin, mark.Setup+`;GRANT USAGE ON SCHEMA _xapg TO teller; GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA _xapg TO teller`)
	assert.NoError(t, s.Exchange(t.Context(), "aaaaaaaaaaaa", ours, agree), "what the error says does not help")

	run(t, admin, `ALTER TABLE _xapg.log_mark ALTER seq TYPE text, ALTER mark TYPE text; UPDATE _xapg.log_mark SET mark = 'scratched'`)
	assert.ErrorContains(t, s.Exchange(t.Context(), "aaaaaaaaaaaa", ours, agree), "shard s1: bad mark in _xapg.log_mark")
	run(t, admin, `UPDATE _xapg.log_mark SET seq = 'many'`)
	assert.ErrorContains(t, s.Exchange(t.Context(), "aaaaaaaaaaaa", ours, agree), "shard s1: bad mark in _xapg.log_mark")
}
