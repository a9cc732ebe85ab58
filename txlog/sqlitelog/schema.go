package sqlitelog

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/base32"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/xapg/xapg/txlog"
)

// applicationID stands in the header of every log: "xaPG".
const applicationID = 0x78615047

// schemaVersion is what this code reads and writes.
const schemaVersion = 2

// A decision is in decisions, and in unfinished until it is finished; then it is in
// finished, where the oldest ones are found without reading the rest. Ids of version
// 7 are in the order of time, so that decisions grows at its end.
const schema = `
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE participants (n INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE decisions (
	id BLOB PRIMARY KEY,                               -- the transaction's 16 bytes
	outcome INTEGER NOT NULL CHECK (outcome IN (1, 2)), -- 1 commit, 2 abort
	participants BLOB NOT NULL,                        -- varints: participants.n
	at INTEGER NOT NULL,                               -- microseconds since 1970, UTC
	by INTEGER,                                        -- marks.seq of the opening that stored it
	votes TEXT                                         -- a line for each participant
) WITHOUT ROWID;
CREATE TABLE unfinished (id BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE finished (at INTEGER NOT NULL, id BLOB NOT NULL, PRIMARY KEY (at, id)) WITHOUT ROWID;
CREATE TABLE marks (seq INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL, at INTEGER NOT NULL, by TEXT);
`

// upgrade brings a log of version 1 to version 2. Processes that still run the older
// version go on with it; they cannot open it again.
const upgrade = `
ALTER TABLE decisions ADD COLUMN by INTEGER;
ALTER TABLE decisions ADD COLUMN votes TEXT;
ALTER TABLE marks ADD COLUMN by TEXT;
UPDATE meta SET value = '2' WHERE key = 'schema'`

// checkedSize is up to which size a file is checked throughout when it is opened: as
// much as nobody notices. Damage in a larger one shows when it is met.
const checkedSize = 8 << 20

type queryer interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func checkCluster(name string) error {
	ok := len(name) >= 1 && len(name) <= 16
	for _, c := range name {
		ok = ok && (c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-')
	}
	if !ok {
		return fmt.Errorf("sqlitelog: %q is not a cluster's name; use 1 to 16 of a-z, 0-9 and '-'", name)
	}
	return nil
}

// enter makes the file a log if it is empty, checks that it is the cluster's log if it
// is not, and leaves a mark. That the mark is flushed matters beyond the mark: after a
// crash, the WAL may hold decisions that were written but not flushed; SQLite shows
// them, and from here on they are durable like all others.
func enter(ctx context.Context, db *sql.DB, path string, turn *turn, o Options) (txlog.Identity, txlog.Mark, error) {
	var identity txlog.Identity
	var mark txlog.Mark
	conn, err := db.Conn(ctx)
	if err != nil {
		return identity, mark, err
	}
	defer conn.Close()

	application, _, err := header(ctx, conn)
	if err != nil {
		return identity, mark, err
	}
	if application == applicationID {
		if identity, err = readIdentity(ctx, conn, path, o.Cluster); err != nil {
			return identity, mark, err
		}
		if err := quickCheck(ctx, conn, path); err != nil {
			return identity, mark, err
		}
	}
	if err := useWAL(ctx, conn, path); err != nil {
		return identity, mark, err
	}

	tx, err := beginWriting(ctx, conn, turn)
	if err != nil {
		return identity, mark, err
	}
	defer tx.Rollback()
	// Asked again: nobody else can change it now.
	application, version, err := header(ctx, tx)
	if err != nil {
		return identity, mark, err
	}
	create := application == 0 && version == 0
	switch {
	case create:
		err = createSchema(ctx, tx, o)
	case application != applicationID:
		err = notALog(path)
	case o.Contents != nil:
		err = &txlog.ForeignError{Log: path, Reason: "there is a log already, which nothing can be moved into; name a new file"}
	}
	if err != nil {
		return identity, mark, err
	}
	if identity, err = readIdentity(ctx, tx, path, o.Cluster); err != nil {
		return identity, mark, err
	}
	if err := upgradeSchema(ctx, tx); err != nil {
		return identity, mark, err
	}
	if mark, err = markOf(ctx, tx, path, o); err != nil {
		return identity, mark, err
	}
	if err := tx.Commit(); err != nil {
		return identity, mark, err
	}
	if create {
		// The file should tell what it is even without its WAL. When others are
		// reading it already, a later checkpoint will do.
		_, _ = conn.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
	}
	return identity, mark, nil
}

// useWAL switches the file to WAL mode. SQLite does not always wait for a lock here,
// as when several processes create the file at once.
func useWAL(ctx context.Context, conn *sql.Conn, path string) error {
	var mode string
	err := whileBusy(ctx, func() error {
		return conn.QueryRowContext(ctx, "PRAGMA journal_mode = WAL").Scan(&mode)
	})
	if err == nil && mode != "wal" {
		err = fmt.Errorf("sqlitelog: the file system of %s cannot share memory between processes, which SQLite's WAL needs; "+
			"put the decision log on a local disk", path)
	}
	return err
}

// beginWriting opens a transaction that nobody else can get between. Waiting for the
// lock is the turn's business: SQLite's own pauses grow so long that a process which
// commits without pause would keep others out.
func beginWriting(ctx context.Context, conn *sql.Conn, turn *turn) (tx *sql.Tx, err error) {
	if _, err := conn.ExecContext(ctx, "PRAGMA busy_timeout = 0"); err != nil {
		return nil, err
	}
	err = turn.begin(ctx, func() error {
		tx, err = conn.BeginTx(ctx, nil) // immediate, by the DSN
		return err
	})
	return tx, err
}

func createSchema(ctx context.Context, tx *sql.Tx, o Options) error {
	if _, err := tx.ExecContext(ctx, schema); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "PRAGMA application_id = "+strconv.Itoa(applicationID)); err != nil {
		return err
	}
	id := newID()
	if o.Contents != nil {
		id = o.Contents.Identity.ID
	}
	_, err := tx.ExecContext(ctx, "INSERT INTO meta VALUES ('schema', ?), ('id', ?), ('cluster', ?), ('created', ?)",
		strconv.Itoa(schemaVersion), id, o.Cluster, time.Now().UTC().Format(time.RFC3339))
	if err != nil || o.Contents == nil {
		return err
	}
	return fillNew(ctx, tx, o)
}

// upgradeSchema brings an older log up to what this code writes.
func upgradeSchema(ctx context.Context, tx *sql.Tx) error {
	var version string
	if err := tx.QueryRowContext(ctx, "SELECT value FROM meta WHERE key = 'schema'").Scan(&version); err != nil || version != "1" {
		return err
	}
	_, err := tx.ExecContext(ctx, upgrade)
	return err
}

// maxBy is how many bytes are kept of who opened the log.
const maxBy = 200

// newID makes a log id: 60 random bits.
func newID() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return strings.ToLower(base32.StdEncoding.EncodeToString(b[:]))[:12]
}

// readIdentity reads whose log the file is, and refuses another cluster's.
func readIdentity(ctx context.Context, q queryer, path, cluster string) (txlog.Identity, error) {
	var version, id, owner sql.NullString
	err := q.QueryRowContext(ctx, `SELECT (SELECT value FROM meta WHERE key = 'schema'),
		(SELECT value FROM meta WHERE key = 'id'), (SELECT value FROM meta WHERE key = 'cluster')`).Scan(&version, &id, &owner)
	if err != nil && resultCode(err) != codeError {
		return txlog.Identity{}, err
	}
	if err == nil {
		if n, convErr := strconv.Atoi(version.String); convErr == nil && n > schemaVersion {
			return txlog.Identity{}, &txlog.ForeignError{Log: path, Reason: fmt.Sprintf(
				"it was written by a newer version (schema %d, this one knows up to %d); use the newer version", n, schemaVersion)}
		} else if convErr != nil || n < 1 || len(id.String) != 12 || owner.String == "" {
			err = errors.New("its description is incomplete")
		}
	}
	if err != nil { // no such table, or not what we put into it
		return txlog.Identity{}, damaged(path, err)
	}
	if owner.String != cluster {
		return txlog.Identity{}, &txlog.ForeignError{Log: path, Reason: fmt.Sprintf(
			"it is the log of cluster %q, not of %q; name another file, or correct the cluster's name", owner.String, cluster)}
	}
	return txlog.Identity{Cluster: owner.String, ID: id.String}, nil
}

// quickCheck reads a small file throughout.
func quickCheck(ctx context.Context, conn *sql.Conn, path string) error {
	if info, err := os.Stat(path); err != nil || info.Size() > checkedSize {
		return nil
	}
	var found string
	if err := conn.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&found); err != nil {
		return err
	}
	if found != "ok" {
		return damaged(path, errors.New(found))
	}
	return nil
}

// markOf leaves a mark, unless the log was sealed.
func markOf(ctx context.Context, tx *sql.Tx, path string, o Options) (txlog.Mark, error) {
	to, sealed, err := seal(ctx, tx)
	switch {
	case err != nil:
		return txlog.Mark{}, err
	case sealed && !o.Sealed:
		return txlog.Mark{}, &txlog.SealedError{Log: path, To: to}
	case sealed:
		return lastMark(ctx, tx)
	}
	return leaveMark(ctx, tx, o.By)
}

func leaveMark(ctx context.Context, tx *sql.Tx, by string) (txlog.Mark, error) {
	mark := txlog.Mark{ID: uuid.New()}
	res, err := tx.ExecContext(ctx, "INSERT INTO marks (id, at, by) VALUES (?, ?, ?)", blob(mark.ID), time.Now().UnixMicro(), by[:min(len(by), maxBy)])
	if err != nil {
		return mark, err
	}
	mark.Seq, err = res.LastInsertId()
	return mark, err
}
