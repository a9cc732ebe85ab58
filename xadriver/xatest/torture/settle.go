package main

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// settled waits until nothing is in doubt, and reads what is there. What is still in
// doubt after a long time is part of it.
func (a *arena) settled(ctx context.Context) (*state, error) {
	s := &state{Names: a.names}
	for limit := time.Now().Add(a.settle); ; time.Sleep(20 * time.Millisecond) {
		var err error
		if err = a.unsettled(ctx, s); err == nil && len(s.Prepared) == 0 && len(s.Open) == 0 {
			break
		}
		if time.Now().After(limit) {
			if err != nil {
				return nil, err
			}
			break
		}
	}
	return s, a.look(ctx, s)
}

// unsettled reads what is in doubt.
func (a *arena) unsettled(ctx context.Context, s *state) error {
	s.Prepared, s.Open = nil, nil
	for _, server := range a.cluster.Shards {
		gids, err := column[string](ctx, server.DSN(), "SELECT gid || ' since ' || prepared FROM pg_prepared_xacts")
		if err != nil {
			return err
		}
		for _, gid := range gids {
			s.Prepared = append(s.Prepared, gid+" on "+server.Name())
		}
	}
	records, err := a.log.Unfinished(ctx, uuid.Nil, 1000)
	if err != nil {
		return err
	}
	for _, d := range records {
		s.Open = append(s.Open, fmt.Sprintf("%s: %s, %v, by %d", d.ID, d.Outcome, d.Participants, d.By))
	}
	return nil
}

// look reads everything that the processes wrote.
func (a *arena) look(ctx context.Context, s *state) error {
	s.Lists = make(map[string][]int64)
	for _, server := range a.cluster.Shards {
		if err := s.read(ctx, server.DSN()); err != nil {
			return fmt.Errorf("server %s: %w", server.Name(), err)
		}
	}
	db, err := sql.Open("xapg", a.dsn(-1))
	if err != nil {
		return err
	}
	defer db.Close()
	return db.QueryRowContext(ctx, "SELECT sum(balance)::bigint FROM accounts").Scan(&s.Sum)
}

// read reads one server, and nothing in between.
func (s *state) read(ctx context.Context, dsn string) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return err
	}
	defer tx.Rollback(ctx) //nolint:errcheck // it has read only
	var money int64
	if err := tx.QueryRow(ctx, "SELECT coalesce(sum(balance), 0)::bigint FROM accounts").Scan(&money); err != nil {
		return err
	}
	s.Money += money
	traces, counters, ticks := make(map[int64]int), make(map[int]int64), make(map[int][]tick)
	var id, n int64
	var status, mask int
	rows, _ := tx.Query(ctx, "SELECT id, state FROM traces")
	if _, err := pgx.ForEachRow(rows, []any{&id, &status}, func() error { traces[id] = status; return nil }); err != nil {
		return err
	}
	rows, _ = tx.Query(ctx, "SELECT mask, n FROM counters")
	if _, err := pgx.ForEachRow(rows, []any{&mask, &n}, func() error { counters[mask] = n; return nil }); err != nil {
		return err
	}
	rows, _ = tx.Query(ctx, "SELECT mask, n, id FROM ticks ORDER BY mask, n")
	if _, err := pgx.ForEachRow(rows, []any{&mask, &n, &id}, func() error { ticks[mask] = append(ticks[mask], tick{n, id}); return nil }); err != nil {
		return err
	}
	s.Traces, s.Counters, s.Ticks = append(s.Traces, traces), append(s.Counters, counters), append(s.Ticks, ticks)
	var key string
	var v []int64
	rows, _ = tx.Query(ctx, "SELECT owner || '.' || slot, v FROM lists")
	_, err = pgx.ForEachRow(rows, []any{&key, &v}, func() error { s.Lists[key] = append([]int64(nil), v...); return nil })
	return err
}

// sweep removes what a checked round has left, but for money and counters.
func (a *arena) sweep(ctx context.Context) error {
	for _, server := range a.cluster.Shards {
		conn, err := pgx.Connect(ctx, server.DSN())
		if err != nil {
			return err
		}
		_, err = conn.Exec(ctx, "SET lock_timeout = '10s'; TRUNCATE traces, ticks, lists")
		_ = conn.Close(ctx)
		if err != nil {
			return fmt.Errorf("server %s: %w", server.Name(), err)
		}
	}
	return nil
}
