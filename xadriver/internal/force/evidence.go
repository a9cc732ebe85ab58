// Package force ends transactions whose decision log is lost.
//
// What was decided about them is known to nobody any more, except where the
// decision was carried out: a shard that has committed or rolled back its part. So
// every shard is searched for what it can prove before anything is done, what
// contradicts a proof is refused, and what nobody can prove is said.
package force

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/xapg/xapg/xadriver/internal/shard"
)

// State is what a shard says of its part of a transaction.
type State string

// The states.
const (
	Prepared    State = "prepared"
	Committed   State = "committed"   // proven
	RolledBack  State = "rolled back" // proven
	Untold      State = "untold"      // nothing is prepared, and nothing tells why
	Unreachable State = "unreachable"
)

// Evidence is what one shard can tell.
type Evidence struct {
	Shard string `json:"shard"`
	GID   string `json:"gid"`
	State State  `json:"state"`
	Words string `json:"evidence"` // what it rests on
}

// Look asks a shard for what it knows of a gid. Searching the write-ahead log needs
// the extension pg_walinspect; with install, it is installed where it is missing.
func Look(ctx context.Context, sh *shard.Shard, gid string, install bool) Evidence {
	e := Evidence{Shard: sh.Name(), GID: gid, State: Unreachable}
	rows, err := ask(ctx, sh, "SELECT prepared::text, owner FROM pg_catalog.pg_prepared_xacts WHERE database = current_database() AND gid = "+quote(gid), 2)
	switch {
	case err != nil:
		e.Words = err.Error()
	case len(rows) > 0:
		e.State, e.Words = Prepared, fmt.Sprintf("prepared at %s by %s", rows[0][0], rows[0][1])
	default:
		e.State, e.Words = search(ctx, sh, gid, install)
	}
	return e
}

// search looks for the PREPARE of a gid in the write-ahead log, and for how its
// transaction ended.
func search(ctx context.Context, sh *shard.Shard, gid string, install bool) (State, string) {
	untold := func(format string, args ...any) (State, string) {
		return Untold, "not prepared, and it cannot be told why: " + fmt.Sprintf(format, args...)
	}
	if install {
		if _, err := ask(ctx, sh, "CREATE EXTENSION IF NOT EXISTS pg_walinspect", 0); err != nil {
			return untold("pg_walinspect cannot be installed: %v", err)
		}
	}
	schema, err := extension(ctx, sh)
	if err != nil {
		return untold("%v", err)
	}
	from, err := oldest(ctx, sh)
	if err != nil {
		return untold("%v", err)
	}
	rows, err := ask(ctx, sh, fmt.Sprintf(`SELECT xid::text, start_lsn::text, pg_catalog.pg_current_wal_flush_lsn()::text
		FROM %s.pg_get_wal_records_info('%s', pg_catalog.pg_current_wal_flush_lsn())
		WHERE resource_manager = 'Transaction' AND record_type = 'PREPARE' AND starts_with(description, 'gid ' || %s || ':')
		ORDER BY start_lsn DESC LIMIT 1`, schema, from, quote(gid)), 3)
	if err != nil {
		return untold("the write-ahead log from %s cannot be read: %v", from, err)
	}
	if len(rows) == 0 {
		return untold("the write-ahead log that is still there, from %s, has no PREPARE of it: it took no part here, or that is older", from)
	}
	xid, at := rows[0][0], rows[0][1]
	status, err := ended(ctx, sh, xid)
	found := fmt.Sprintf("the write-ahead log has its PREPARE at %s, of transaction %s", at, xid)
	switch {
	case err != nil:
		return untold("%s, whose end cannot be asked for: %v", found, err)
	case status == "committed":
		return Committed, found + ", which is committed"
	case status == "aborted":
		return RolledBack, found + ", which is rolled back"
	default:
		return untold("%s, of which the server says %q", found, status)
	}
}

// extension finds the schema of pg_walinspect.
func extension(ctx context.Context, sh *shard.Shard) (string, error) {
	rows, err := ask(ctx, sh, `SELECT quote_ident(n.nspname), (SELECT count(*) FROM pg_catalog.pg_available_extensions WHERE name = 'pg_walinspect')::text
		FROM (VALUES (1)) one LEFT JOIN pg_catalog.pg_extension e ON e.extname = 'pg_walinspect' LEFT JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace`, 2)
	switch {
	case err != nil:
		return "", err
	case rows[0][0] != "":
		return rows[0][0], nil
	case rows[0][1] == "0":
		return "", errors.New("the server does not have the extension pg_walinspect, of PostgreSQL 15 and later")
	default:
		return "", errors.New("the extension pg_walinspect, which can look, is not installed (--install-walinspect does, as a superuser)")
	}
}

// oldest is where the write-ahead log begins that is still there.
func oldest(ctx context.Context, sh *shard.Shard) (string, error) {
	rows, err := ask(ctx, sh, `SELECT min(substr(name, 9)), pg_catalog.pg_size_bytes(pg_catalog.current_setting('wal_segment_size'))::text
		FROM pg_catalog.pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}$'`, 2)
	var denied *pgconn.PgError
	if errors.As(err, &denied) && denied.Code == "42501" {
		return "", fmt.Errorf("the files of the write-ahead log cannot be listed (grant pg_monitor, and pg_read_server_files, to the role, or be a superuser): %w", err)
	}
	if err != nil {
		return "", err
	}
	return lsn(rows[0][0], rows[0][1])
}

// lsn is where a file of the write-ahead log begins, by the 16 last digits of its name.
func lsn(name, size string) (string, error) {
	const half = 8
	bytes, err := strconv.ParseUint(size, 10, 64)
	if err != nil || len(name) != 2*half {
		return "", fmt.Errorf("%q of %s bytes is no file of the write-ahead log", name, size)
	}
	high, err1 := strconv.ParseUint(name[:half], 16, 32)
	low, err2 := strconv.ParseUint(name[half:], 16, 32)
	if err := errors.Join(err1, err2); err != nil {
		return "", err
	}
	// The file of position zero has no records before its second page: there is none.
	return fmt.Sprintf("%X/%X", high, low*bytes), nil
}

// ended asks how a transaction ended. The record has the lower half of its number;
// the upper half is that of the server's next one, or one less. A number that a
// PREPARE in the flushed log has is never given to another transaction, not even
// after a crash, so that the answer is about this one.
func ended(ctx context.Context, sh *shard.Shard, xid string) (string, error) {
	rows, err := ask(ctx, sh, fmt.Sprintf(`WITH next AS (SELECT pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::text::numeric AS x),
		whole AS (SELECT CASE WHEN f < x THEN f ELSE f - 4294967296 END AS w FROM (SELECT x, floor(x / 4294967296) * 4294967296 + %s AS f FROM next) n)
		SELECT pg_catalog.pg_xact_status(w::text::xid8) FROM whole`, strings.TrimSpace(xid)), 1)
	if err != nil {
		return "", err
	}
	return rows[0][0], nil
}
