package sqlitelog

import (
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/txlog"
)

// versionOne is the schema of the first logs.
const versionOne = `
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE participants (n INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE decisions (id BLOB PRIMARY KEY, outcome INTEGER NOT NULL CHECK (outcome IN (1, 2)), participants BLOB NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE unfinished (id BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE finished (at INTEGER NOT NULL, id BLOB NOT NULL, PRIMARY KEY (at, id)) WITHOUT ROWID;
CREATE TABLE marks (seq INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL, at INTEGER NOT NULL);
PRAGMA application_id = 2019643463;
INSERT INTO meta VALUES ('schema', '1'), ('id', 'abcdefghijkl'), ('cluster', 'bank'), ('created', '2026-01-01T00:00:00Z');
INSERT INTO participants VALUES (1, 'athos'), (2, 'porthos');
INSERT INTO decisions VALUES (x'00000000000070008000000000000001', 1, x'0102', 1700000000000000);
INSERT INTO unfinished VALUES (x'00000000000070008000000000000001');
INSERT INTO marks (id, at) VALUES (x'00000000000070008000000000000009', 1700000000000000);`

func TestALogOfTheFirstVersionIsReadAndGoesOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "xapg.db")
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	_, err = db.Exec(versionOne)
	require.NoError(t, err)
	require.NoError(t, db.Close())

	for opening := range 2 {
		l, err := Open(t.Context(), path, Options{Cluster: "bank", By: "a host"})
		require.NoError(t, err)
		assert.Equal(t, "abcdefghijkl", l.Identity().ID)
		old, err := l.Unfinished(t.Context(), uuid.Nil, 1)
		require.NoError(t, err)
		require.Len(t, old, 1)
		assert.Equal(t, shards, old[0].Participants)
		assert.Zero(t, old[0].By)

		id := uuid.New()
		voters := []txlog.Participant{{Name: "athos", Vote: "1/0/1"}, {Name: "aramis"}}
		_, err = l.Decide(t.Context(), id, txlog.Commit, voters)
		require.NoError(t, err)
		d, err := l.Lookup(t.Context(), id)
		require.NoError(t, err)
		assert.Equal(t, voters, d.Participants)
		assert.EqualValues(t, opening+2, d.By)
		list, err := l.Openings(t.Context(), 0, 10)
		require.NoError(t, err)
		require.Len(t, list, opening+2)
		assert.Empty(t, list[0].By)
		assert.Equal(t, "a host", list[opening+1].By)
		require.NoError(t, l.Close())
	}
}
