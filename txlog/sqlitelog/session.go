package sqlitelog

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/xapg/xapg/txlog"
)

// session is the connection that writes, with its statements prepared. Its methods
// know no context: a transaction is never left halfway.
type session struct {
	conn *sql.Conn
	path string
	by   int64 // the mark of this opening

	beginStmt, commitStmt, rollbackStmt           *sql.Stmt
	insertDecision, insertUnfinished, readOutcome *sql.Stmt
	deleteUnfinished, insertFinished              *sql.Stmt
	dropDecisions, dropFinished                   *sql.Stmt
	insertName, readNumber                        *sql.Stmt
	sealStmt, unsealStmt, readSeal                *sql.Stmt

	stmts   []*sql.Stmt      // all of them
	numbers map[string]int64 // of participants' names, as committed
	added   map[string]int64 // in the open transaction
}

// oldest are the finished decisions that Forget drops next: the same ones however
// often it is asked in one transaction.
const oldest = "FROM finished WHERE at <= ? ORDER BY at, id LIMIT 0 + ?"

func newSession(ctx context.Context, db *sql.DB, path string, by int64) (*session, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	s := &session{conn: conn, path: path, by: by, numbers: make(map[string]int64)}
	// As in beginWriting.
	if _, err := conn.ExecContext(ctx, "PRAGMA busy_timeout = 0"); err != nil {
		s.close()
		return nil, err
	}
	for _, p := range []struct {
		stmt **sql.Stmt
		text string
	}{
		{&s.beginStmt, "BEGIN IMMEDIATE"},
		{&s.commitStmt, "COMMIT"},
		{&s.rollbackStmt, "ROLLBACK"},
		{&s.insertDecision, "INSERT INTO decisions (id, outcome, participants, at, by, votes) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"},
		{&s.insertUnfinished, "INSERT INTO unfinished (id) VALUES (?)"},
		{&s.readOutcome, "SELECT outcome FROM decisions WHERE id = ?"},
		{&s.deleteUnfinished, "DELETE FROM unfinished WHERE id = ?"},
		{&s.insertFinished, "INSERT INTO finished (at, id) SELECT at, id FROM decisions WHERE id = ?"},
		{&s.dropDecisions, "DELETE FROM decisions WHERE id IN (SELECT id " + oldest + ")"},
		{&s.dropFinished, "DELETE FROM finished WHERE (at, id) IN (SELECT at, id " + oldest + ")"},
		{&s.insertName, "INSERT INTO participants (name) VALUES (?) ON CONFLICT DO NOTHING"},
		{&s.readNumber, "SELECT n FROM participants WHERE name = ?"},
		{&s.sealStmt, "INSERT INTO meta VALUES ('sealed', ?) ON CONFLICT DO NOTHING"},
		{&s.unsealStmt, "DELETE FROM meta WHERE key = 'sealed'"},
		{&s.readSeal, selectSeal},
	} {
		if *p.stmt, err = conn.PrepareContext(ctx, p.text); err != nil {
			s.close()
			return nil, err
		}
		s.stmts = append(s.stmts, *p.stmt)
	}
	return s, nil
}

// close gives the connection up for good, together with what it has not committed.
// SQLite does not really close it while it has statements.
func (s *session) close() {
	for _, stmt := range s.stmts {
		_ = stmt.Close()
	}
	_ = s.conn.Raw(func(any) error { return driver.ErrBadConn })
	_ = s.conn.Close()
}

// begin opens a transaction that nobody else can get between. It does not wait.
func (s *session) begin() error {
	s.added = nil
	_, err := s.beginStmt.Exec()
	return err
}

// commit makes the transaction durable. An error leaves open whether it is, unless
// undone is true.
func (s *session) commit() (undone bool, err error) {
	if _, err = s.commitStmt.Exec(); err != nil {
		// With the disk full, the last page, which makes the transaction valid, was
		// not written; a busy COMMIT has not begun to write.
		code := resultCode(err)
		return code == codeFull || code == codeBusy, err
	}
	maps.Copy(s.numbers, s.added)
	return false, nil
}

// rollback gives up the open transaction. Some errors have made SQLite do so already.
func (s *session) rollback() { _, _ = s.rollbackStmt.Exec() }

// decide stores want if there is no decision on id, and returns the stored one.
// Nothing is stored, and refused says so, when the log is sealed.
func (s *session) decide(id uuid.UUID, want txlog.Outcome, participants []txlog.Participant, now time.Time) (stored txlog.Outcome, refused, err error) {
	if refused, err = s.sealed(); err != nil {
		return txlog.Unknown, nil, err
	}
	if refused == nil {
		if inserted, err := s.insert(id, want, participants, now); err != nil || inserted {
			return want, nil, err
		}
	}
	err = s.readOutcome.QueryRow(blob(id)).Scan(&stored)
	if errors.Is(err, sql.ErrNoRows) && refused != nil {
		return txlog.Unknown, refused, nil
	}
	if err != nil {
		return txlog.Unknown, nil, fmt.Errorf("reading the decision on %s back: %w", id, err)
	}
	return stored, nil, nil
}

// sealed returns what to tell those who are refused, or nil.
func (s *session) sealed() (refused, err error) {
	var to string
	switch err := s.readSeal.QueryRow().Scan(&to); {
	case errors.Is(err, sql.ErrNoRows):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return &txlog.SealedError{Log: s.path, To: to}, nil
}

// insert stores a decision unless there is one, and tells whether it has.
func (s *session) insert(id uuid.UUID, want txlog.Outcome, participants []txlog.Participant, now time.Time) (bool, error) {
	list, err := s.encode(participants)
	if err != nil {
		return false, err
	}
	res, err := s.insertDecision.Exec(blob(id), int64(want), list, now.UnixMicro(), s.by, votes(participants))
	if err != nil {
		return false, err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return false, err
	}
	_, err = s.insertUnfinished.Exec(blob(id))
	return true, err
}

// finish moves a decision to the finished ones, if it is an unfinished one.
func (s *session) finish(id uuid.UUID) error {
	res, err := s.deleteUnfinished.Exec(blob(id))
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return err
	}
	_, err = s.insertFinished.Exec(blob(id))
	return err
}

// forget drops up to limit finished decisions made until cutoff.
func (s *session) forget(cutoff time.Time, limit int) (int, error) {
	if _, err := s.dropDecisions.Exec(cutoff.UnixMicro(), limit); err != nil {
		return 0, err
	}
	res, err := s.dropFinished.Exec(cutoff.UnixMicro(), limit)
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	return int(n), err
}

// encode writes participants as the numbers of their names.
func (s *session) encode(participants []txlog.Participant) ([]byte, error) {
	list := make([]byte, 0, 2*len(participants)) // not nil: NULL is refused
	for _, p := range participants {
		n, err := s.number(p.Name)
		if err != nil {
			return nil, err
		}
		list = binary.AppendUvarint(list, uint64(n))
	}
	return list, nil
}

// number finds or gives the number of a name. Numbers are never taken back.
func (s *session) number(name string) (int64, error) {
	if n, ok := s.numbers[name]; ok {
		return n, nil
	}
	if n, ok := s.added[name]; ok {
		return n, nil
	}
	var n int64
	err := s.readNumber.QueryRow(name).Scan(&n)
	if errors.Is(err, sql.ErrNoRows) {
		if _, err := s.insertName.Exec(name); err != nil {
			return 0, err
		}
		err = s.readNumber.QueryRow(name).Scan(&n)
	}
	if err != nil {
		return 0, fmt.Errorf("numbering participant %q: %w", name, err)
	}
	if s.added == nil {
		s.added = make(map[string]int64)
	}
	s.added[name] = n
	return n, nil
}

// votes writes the places of the participants' votes, one per line; nil when nobody
// gave any.
func votes(participants []txlog.Participant) any {
	list, given := make([]string, len(participants)), false
	for i, p := range participants {
		list[i], given = p.Vote, given || p.Vote != ""
	}
	if !given {
		return nil
	}
	return strings.Join(list, "\n")
}
