package pglog

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/xapg/xapg/txlog"
)

// maxBy is how many bytes are kept of who opened the log.
const maxBy = 200

// enter makes the tables if they are missing, checks that they are the cluster's log
// if they are not, and leaves a mark.
func (l *Log) enter(ctx context.Context, o Options) error {
	conn, err := l.place.connect(ctx, newKey(), nil)
	if err != nil {
		return err
	}
	defer discard(conn)
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error { return l.enterIn(ctx, tx, o) })
}

func (l *Log) enterIn(ctx context.Context, tx pgx.Tx, o Options) error {
	created, err := l.create(ctx, tx, o)
	if err != nil {
		return err
	}
	if !created && o.Contents != nil {
		return l.foreign("there is a log already, which nothing can be moved into; name another schema by ?schema=NAME")
	}
	sealed, to, err := l.describe(ctx, tx, o)
	switch {
	case err != nil:
		return err
	case sealed && !o.Sealed:
		return &txlog.SealedError{Log: l.place.name, To: to}
	case sealed:
		return tx.QueryRow(ctx, l.sql.last).Scan(&l.mark.Seq, (*[16]byte)(&l.mark.ID))
	}
	l.mark.ID = uuid.New()
	by := strings.ToValidUTF8(strings.ReplaceAll(o.By[:min(len(o.By), maxBy)], "\x00", ""), "")
	return tx.QueryRow(ctx, l.sql.open, [16]byte(l.mark.ID), by).Scan(&l.mark.Seq)
}

// create makes the tables unless they are there, and describes the log in them unless
// it is: an administrator may have made them empty.
func (l *Log) create(ctx context.Context, tx pgx.Tx, o Options) (created bool, err error) {
	exists, blank, err := l.look(ctx, tx)
	if err != nil || exists && !blank {
		return false, err
	}
	// Those who make the same log at the same time come one after the other.
	if _, err := tx.Exec(ctx, "SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended($1, 7))", "xapg "+l.place.schema); err != nil {
		return false, err
	}
	exists, blank, err = l.look(ctx, tx)
	if err != nil || exists && !blank {
		return false, err
	}
	if !exists {
		if _, err := tx.Conn().PgConn().Exec(ctx, l.sql.setup).ReadAll(); err != nil {
			return false, fmt.Errorf("making the tables: %w", err)
		}
	}
	id := newID()
	if o.Contents != nil {
		id = o.Contents.Identity.ID
	}
	if _, err := tx.Exec(ctx, l.sql.create, schemaVersion, o.Cluster, id); err != nil {
		return false, err
	}
	if o.Contents == nil {
		return true, nil
	}
	return true, l.fill(ctx, tx, o)
}

// look tells whether the tables exist, and whether nothing is in them.
func (l *Log) look(ctx context.Context, tx pgx.Tx) (exists, blank bool, err error) {
	if err := tx.QueryRow(ctx, l.sql.exists, l.place.schema).Scan(&exists); err != nil || !exists {
		return false, true, err
	}
	err = tx.QueryRow(ctx, l.sql.blank).Scan(&blank)
	return true, blank, l.strange(err)
}

// strange tells tables that are not ours.
func (l *Log) strange(err error) error {
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) && (pgErr.Code == "42703" || pgErr.Code == "42P01") { // no such column, no such table
		return l.foreign("its tables are another application's; name another schema by ?schema=NAME")
	}
	return err
}

// describe reads whose log it is, and refuses what is not to be used. Others who open
// it wait, as does whoever seals it.
func (l *Log) describe(ctx context.Context, tx pgx.Tx, o Options) (sealed bool, to string, err error) {
	var version int
	var seal, lost *string
	err = tx.QueryRow(ctx, l.sql.describe).Scan(&version, &l.identity.Cluster, &l.identity.ID, &seal, &lost)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return false, "", l.damaged(errors.New("its description is gone"))
	case err != nil:
		return false, "", l.strange(err)
	case version > schemaVersion:
		return false, "", l.foreign(fmt.Sprintf("it was written by a newer version (schema %d, this one knows up to %d); use the newer version",
			version, schemaVersion))
	case l.identity.Cluster != o.Cluster:
		return false, "", l.foreign(fmt.Sprintf("it is the log of cluster %q, not of %q; name another schema by ?schema=NAME, or correct the cluster's name",
			l.identity.Cluster, o.Cluster))
	case lost != nil && !o.Sealed:
		return false, "", l.damaged(errors.New(*lost))
	}
	if seal != nil {
		to = *seal
	}
	return seal != nil, to, nil
}

// newID makes a log id: 60 random bits.
func newID() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return strings.ToLower(base32.StdEncoding.EncodeToString(b[:]))[:12]
}
