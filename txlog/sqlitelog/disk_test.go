package sqlitelog

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/xapg/xapg/txlog"
)

// fillUp decides until the log refuses, and returns what was stored, the id that was
// refused, and why.
func fillUp(t *testing.T, l *Log) (stored []uuid.UUID, refused uuid.UUID, err error) {
	t.Helper()
	for i := range 100_000 {
		id := uuid.Must(uuid.NewV7())
		// Names of their own fill the log faster.
		names := named(fmt.Sprint(i, strings.Repeat("x", 1000)))
		if _, err := l.Decide(t.Context(), id, txlog.Commit, names); err != nil {
			return stored, id, err
		}
		stored = append(stored, id)
	}
	require.FailNow(t, "the log is never full")
	return nil, uuid.Nil, nil
}

// goesOn makes sure that nothing stored is lost, nothing refused is stored, and that
// deciding works, now and when the log is opened again.
func goesOn(t *testing.T, l *Log, stored []uuid.UUID, refused uuid.UUID) {
	t.Helper()
	_, err := l.Lookup(t.Context(), refused)
	require.ErrorIs(t, err, txlog.ErrNoDecision)
	got, err := l.Decide(t.Context(), refused, txlog.Abort, shards)
	require.NoError(t, err)
	require.Equal(t, txlog.Abort, got)
	require.NoError(t, l.Close())
	again, err := Open(t.Context(), l.path, Options{Cluster: "bank"})
	require.NoError(t, err)
	defer again.Close()
	for _, id := range stored {
		d, err := again.Lookup(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, txlog.Commit, d.Outcome)
	}
	d, err := again.Lookup(t.Context(), refused)
	require.NoError(t, err)
	assert.Equal(t, txlog.Abort, d.Outcome)
}

func TestFullLogStoresNothingAndGoesOnOnceThereIsRoom(t *testing.T) {
	l := openHooked(t, nil)
	exec(t, l.session.conn, "PRAGMA max_page_count = 60")
	stored, refused, err := fillUp(t, l)
	assert.ErrorIs(t, err, txlog.ErrNotStored)
	assert.ErrorContains(t, err, "disk is full")
	assert.NotEmpty(t, stored)

	got, err := l.Decide(t.Context(), stored[0], txlog.Abort, shards)
	require.NoError(t, err, "what is known can be told all the same")
	assert.Equal(t, txlog.Commit, got)

	exec(t, l.session.conn, "PRAGMA max_page_count = 1000000")
	goesOn(t, l, stored, refused)
}

func TestReadOnlyLogStoresNothing(t *testing.T) {
	l := openHooked(t, nil)
	exec(t, l.session.conn, "PRAGMA query_only = 1")
	id := uuid.New()
	_, err := l.Decide(t.Context(), id, txlog.Commit, shards)
	assert.ErrorIs(t, err, txlog.ErrNotStored)
	assert.ErrorContains(t, err, "make it writable")
	exec(t, l.session.conn, "PRAGMA query_only = 0")
	goesOn(t, l, nil, id)
}

func TestLogThatWasMovedAwayDecidesNothing(t *testing.T) {
	for name, away := range map[string]func(t *testing.T, path string){
		"moved":    func(t *testing.T, path string) { require.NoError(t, os.Rename(path, path+".old")) },
		"replaced": func(t *testing.T, path string) { require.NoError(t, os.Rename(path, path+".old")); touch(t, path) },
	} {
		t.Run(name, func(t *testing.T) {
			l := openHooked(t, nil)
			id := uuid.New()
			away(t, l.path)
			_, err := l.Decide(t.Context(), id, txlog.Commit, shards)
			assert.ErrorIs(t, err, txlog.ErrNotStored)
			assert.ErrorContains(t, err, "moved, deleted or replaced")
			require.NoError(t, os.Rename(l.path+".old", l.path))
			goesOn(t, l, nil, id)
		})
	}
}

func touch(t *testing.T, path string) { require.NoError(t, os.WriteFile(path, nil, 0o600)) }

func TestDamageThatIsMetLaterIsReported(t *testing.T) {
	l := openHooked(t, nil)
	id := uuid.New()
	_, err := l.Decide(t.Context(), id, txlog.Commit, shards)
	require.NoError(t, err)
	other := stranger(t, l)
	// In this order: names are remembered once they have been read.
	for _, c := range []struct{ name, spoil, repair string }{
		{"name lost", "UPDATE participants SET n = n + 100", "UPDATE participants SET n = n - 100"},
		{"list cut", "UPDATE decisions SET participants = x'80'", "UPDATE decisions SET participants = x'0102'"},
	} {
		t.Run(c.name, func(t *testing.T) {
			exec(t, other, c.spoil)
			_, err := l.Lookup(t.Context(), id)
			var damaged *txlog.DamagedError
			assert.ErrorAs(t, err, &damaged)
			_, err = l.Unfinished(t.Context(), uuid.Nil, 10)
			assert.ErrorAs(t, err, &damaged)
			exec(t, other, c.repair)
			d, err := l.Lookup(t.Context(), id)
			require.NoError(t, err)
			assert.Equal(t, shards, d.Participants)
		})
	}
}

func TestNetworkFileSystemsAreRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.db")
	asked := ""
	_, err := open(t.Context(), path, Options{Cluster: "bank"}, func(dir string) (string, error) {
		asked = dir
		return "NFS", nil
	})
	assert.ErrorContains(t, err, "NFS")
	assert.ErrorContains(t, err, "put it on a local disk")
	assert.Equal(t, filepath.Dir(path), asked)
	assert.NoFileExists(t, path)

	// What counts is where the file is, not where the link to it is.
	elsewhere := filepath.Join(t.TempDir(), "elsewhere.db")
	touch(t, elsewhere)
	require.NoError(t, os.Symlink(elsewhere, path))
	_, err = open(t.Context(), path, Options{Cluster: "bank"}, func(dir string) (string, error) {
		asked = dir
		return "SMB2", nil
	})
	assert.ErrorContains(t, err, "SMB2")
	assert.Equal(t, filepath.Dir(elsewhere), asked)

	_, err = open(t.Context(), path, Options{Cluster: "bank"}, func(string) (string, error) { return "", os.ErrPermission })
	assert.ErrorIs(t, err, os.ErrPermission)
}
