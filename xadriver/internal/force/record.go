package force

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/xapg/xapg/txlog"
	"github.com/xapg/xapg/xadriver/internal/shard"
)

// Setup makes the table of records. It can be run by hand where the role that
// forces may not create schemas.
const Setup = `CREATE SCHEMA IF NOT EXISTS _xapg;
CREATE TABLE IF NOT EXISTS _xapg.forced (gid text PRIMARY KEY, txn uuid NOT NULL, outcome text NOT NULL, who text NOT NULL, why text NOT NULL, at timestamptz NOT NULL DEFAULT now());
COMMENT ON TABLE _xapg.forced IS 'transactions whose outcome was forced by hand, because the log that decides them was lost'`

// Record says who forced a transaction to which outcome, and why. Each shard that
// could be reached has one.
type Record struct {
	Shard   string    `json:"shard"`
	GID     string    `json:"gid"`
	Txn     uuid.UUID `json:"-"`
	Outcome string    `json:"outcome"`
	Who     string    `json:"who"`
	Why     string    `json:"why"`
	At      time.Time `json:"at"` // by the shard's clock
}

const columns = "gid, outcome, who, why, (extract(epoch FROM at) * 1000)::bigint::text"

// Records lists what was forced of a transaction, under whichever log.
func Records(ctx context.Context, sh *shard.Shard, txn uuid.UUID) ([]Record, error) {
	list, err := read(ctx, sh, "SELECT "+columns+" FROM _xapg.forced WHERE txn = '"+txn.String()+"' ORDER BY at, gid", txn)
	if missing(err) {
		return nil, nil
	}
	return list, err
}

// Write leaves a record on a shard, unless one of the same gid is there: it returns
// the one that is there then, and whether that is ours.
func Write(ctx context.Context, sh *shard.Shard, r Record) (Record, bool, error) {
	insert := fmt.Sprintf("INSERT INTO _xapg.forced (gid, txn, outcome, who, why) VALUES (%s, '%s', %s, %s, %s) ON CONFLICT (gid) DO NOTHING RETURNING %s",
		quote(r.GID), r.Txn, quote(r.Outcome), quote(r.Who), quote(r.Why), columns)
	list, err := read(ctx, sh, insert, r.Txn)
	if missing(err) {
		if err := setup(ctx, sh); err != nil {
			return r, false, err
		}
		list, err = read(ctx, sh, insert, r.Txn)
	}
	if err != nil {
		return r, false, err
	}
	if len(list) == 1 {
		return list[0], true, nil
	}
	if list, err = read(ctx, sh, "SELECT "+columns+" FROM _xapg.forced WHERE gid = "+quote(r.GID), r.Txn); err == nil && len(list) != 1 {
		err = fmt.Errorf("shard %s: the record of %s came and went", sh.Name(), r.GID)
	}
	if err != nil {
		return r, false, err
	}
	return list[0], false, nil
}

// Erase takes a record back: what it announces was not done.
func Erase(ctx context.Context, sh *shard.Shard, gid string) error {
	conn, err := sh.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	_, err = conn.Command(ctx, "DELETE FROM _xapg.forced WHERE gid = "+quote(gid))
	return err
}

func setup(ctx context.Context, sh *shard.Shard) error {
	conn, err := sh.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	for range 3 {
		// Where somebody else makes the same at the same time, one of the two may fail.
		if _, err = conn.Command(ctx, "SET LOCAL client_min_messages=warning;"+Setup); !hasState(err, "23505", "42P06", "42P07") {
			break
		}
	}
	if err != nil {
		conn.Break()
		return fmt.Errorf("shard %s: the record of what is forced cannot be kept: let an administrator run %q and grant SELECT, INSERT, DELETE on the table: %w",
			sh.Name(), strings.ReplaceAll(Setup, "\n", " "), err)
	}
	return nil
}

func missing(err error) bool { return hasState(err, "42P01", "3F000") }

func hasState(err error, states ...string) bool {
	var pgErr *pgconn.PgError
	return errors.As(err, &pgErr) && slices.Contains(states, pgErr.Code)
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

func read(ctx context.Context, sh *shard.Shard, sql string, txn uuid.UUID) ([]Record, error) {
	rows, err := ask(ctx, sh, sql, 5)
	if err != nil {
		return nil, err
	}
	list := make([]Record, len(rows))
	for i, v := range rows {
		var ms int64
		_, _ = fmt.Sscan(v[4], &ms)
		list[i] = Record{Shard: sh.Name(), GID: v[0], Txn: txn, Outcome: v[1], Who: v[2], Why: v[3], At: time.UnixMilli(ms)}
	}
	return list, nil
}

// ask runs one statement and reads all of its rows as text.
func ask(ctx context.Context, sh *shard.Shard, sql string, columns int) ([][]string, error) {
	conn, err := sh.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Release()
	rows, err := conn.Query(ctx, sql, nil)
	if err != nil {
		return nil, err
	}
	var out [][]string
	for value := make([]driver.Value, columns); ; {
		if err := rows.Next(value); err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return out, errors.Join(err, rows.Close())
		}
		line := make([]string, columns)
		for i, v := range value {
			if v != nil {
				line[i] = fmt.Sprint(v)
			}
		}
		out = append(out, line)
	}
}

// Outcome is the one that a word names.
func Outcome(word string) (txlog.Outcome, bool) {
	for _, o := range []txlog.Outcome{txlog.Commit, txlog.Abort} {
		if o.String() == word {
			return o, true
		}
	}
	return txlog.Unknown, false
}
