package sqlitelog_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/xapg/xapg/txlog"
	"github.com/xapg/xapg/txlog/sqlitelog"
)

func TestFilesAreTheOwnersOnly(t *testing.T) {
	path := fresh(t)
	commit(t, openLog(t, path))
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(path + suffix)
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o600), info.Mode().Perm(), "log.db%s", suffix)
	}
}

func TestEmptyFileBecomesALog(t *testing.T) {
	path := fresh(t)
	require.NoError(t, os.WriteFile(path, nil, 0o640))
	id := commit(t, openLog(t, path))
	d, err := openLog(t, path).Lookup(t.Context(), id)
	require.NoError(t, err)
	assert.Equal(t, txlog.Commit, d.Outcome)
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o640), info.Mode().Perm(), "whoever made the file has chosen its mode")
}

func TestPathsMayHoldAnyCharacter(t *testing.T) {
	for _, name := range []string{
		"with space.db", "what?.db", "50%.db", "%41.db", "a#b.db", "a&b=c.db", "ünï©ødé.db", "'quoted\".db", "semi;colon.db",
		"plus+plus.db", "file:x.db", "x.db?mode=memory", ":memory:", "back\\slash.db", "new\nline.db", "-wal",
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "dir of ?%#&")
			require.NoError(t, os.Mkdir(dir, 0o700))
			path := filepath.Join(dir, name)
			l := openLog(t, path)
			id := commit(t, l)
			require.NoError(t, l.Close())

			files, err := os.ReadDir(dir)
			require.NoError(t, err)
			require.Len(t, files, 1, "a closed log is one file")
			assert.Equal(t, name, files[0].Name())
			_, err = openLog(t, path).Lookup(t.Context(), id)
			assert.NoError(t, err)
		})
	}
}

func TestPathMayBeRelativeOrALink(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	relative := openLog(t, "log.db")
	require.NoError(t, os.Symlink("log.db", filepath.Join(dir, "link.db")))
	linked := openLog(t, filepath.Join(dir, "link.db"))
	assert.Equal(t, relative.Identity(), linked.Identity())
	_, err := linked.Lookup(t.Context(), commit(t, relative))
	assert.NoError(t, err)
}

func TestPathsThatCannotHoldALogAreRefused(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(file, []byte("x"), 0o600))
	for name, c := range map[string]struct{ path, want string }{
		"no name":           {"", "name the file"},
		"NUL":               {filepath.Join(dir, "a\x00b"), "not a file name"},
		"missing directory": {filepath.Join(dir, "no", "log.db"), "does not exist; create it first"},
		"file as directory": {filepath.Join(file, "log.db"), "directory"},
		"directory":         {dir, "not a regular file"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := sqlitelog.Open(t.Context(), c.path, sqlitelog.Options{Cluster: "bank"})
			assert.ErrorContains(t, err, c.want)
		})
	}
}

func TestClusterNamesAreChecked(t *testing.T) {
	for _, name := range []string{"", "seventeen-letters", "Bank", "a_b", "a b", "bänk"} {
		path := fresh(t)
		_, err := sqlitelog.Open(t.Context(), path, sqlitelog.Options{Cluster: name})
		assert.ErrorContains(t, err, "cluster's name", "%q", name)
		assert.NoFileExists(t, path)
	}
}

func TestOpeningHonoursItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := sqlitelog.Open(ctx, fresh(t), sqlitelog.Options{Cluster: "bank"})
	assert.ErrorIs(t, err, context.Canceled)
}

// execute runs statements on a file, as another program would.
func execute(t testing.TB, path string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, s := range statements {
		_, err := db.ExecContext(t.Context(), s)
		require.NoError(t, err)
	}
}

func TestForeignFilesAreRefusedAndLeftAlone(t *testing.T) {
	for name, c := range map[string]struct {
		make func(t *testing.T, path string)
		want string
	}{
		"text":        {func(t *testing.T, path string) { write(t, path, "Dear diary,\n") }, "not a SQLite file"},
		"two bytes":   {func(t *testing.T, path string) { write(t, path, "xy") }, "not a SQLite file"},
		"long text":   {func(t *testing.T, path string) { write(t, path, strings.Repeat("line\n", 5000)) }, "not a SQLite file"},
		"zeros":       {func(t *testing.T, path string) { write(t, path, strings.Repeat("\x00", 8192)) }, "not a SQLite file"},
		"application": {func(t *testing.T, path string) { execute(t, path, "CREATE TABLE users (name)") }, "another application"},
		"in WAL mode": {func(t *testing.T, path string) {
			execute(t, path, "PRAGMA journal_mode = WAL", "CREATE TABLE meta (key, value)", "INSERT INTO meta VALUES ('id', 'x')")
		}, "another application"},
		"other application id": {func(t *testing.T, path string) {
			execute(t, path, "PRAGMA application_id = 77", "VACUUM")
		}, "another application"},
		"newer version": {func(t *testing.T, path string) {
			require.NoError(t, openLog(t, path).Close())
			execute(t, path, "UPDATE meta SET value = '99' WHERE key = 'schema'", "PRAGMA wal_checkpoint(TRUNCATE)")
		}, "newer version"},
		"another cluster's": {func(t *testing.T, path string) {
			l, err := sqlitelog.Open(t.Context(), path, sqlitelog.Options{Cluster: "casino"})
			require.NoError(t, err)
			require.NoError(t, l.Close())
		}, `cluster "casino", not of "bank"`},
	} {
		t.Run(name, func(t *testing.T) {
			path := fresh(t)
			c.make(t, path)
			before, err := os.ReadFile(path)
			require.NoError(t, err)
			for range 2 {
				_, err = sqlitelog.Open(t.Context(), path, sqlitelog.Options{Cluster: "bank"})
				var foreign *txlog.ForeignError
				require.ErrorAs(t, err, &foreign)
				assert.ErrorContains(t, err, c.want)
				assert.ErrorContains(t, err, path)
			}
			after, err := os.ReadFile(path)
			require.NoError(t, err)
			assert.Equal(t, before, after)
			files, err := os.ReadDir(filepath.Dir(path))
			require.NoError(t, err)
			assert.Len(t, files, 1, "no file should be left beside it")
		})
	}
}

// Another application may be using its database, with its latest changes in the WAL.
func TestForeignDatabaseInUseIsRefused(t *testing.T) {
	path := fresh(t)
	db, err := sql.Open("sqlite", path+"?_pragma=journal_mode(WAL)")
	require.NoError(t, err)
	defer db.Close()
	_, err = db.ExecContext(t.Context(), "CREATE TABLE users (name)")
	require.NoError(t, err)
	_, err = sqlitelog.Open(t.Context(), path, sqlitelog.Options{Cluster: "bank"})
	var foreign *txlog.ForeignError
	require.ErrorAs(t, err, &foreign)
	var tables int
	require.NoError(t, db.QueryRowContext(t.Context(), "SELECT count(*) FROM sqlite_schema").Scan(&tables))
	assert.Equal(t, 1, tables)
}

func write(t *testing.T, path, content string) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
}

func TestDamagedFilesAreRefused(t *testing.T) {
	const page = 4096
	sound := fresh(t)
	l := openLog(t, sound)
	for range 1500 {
		commit(t, l)
	}
	require.NoError(t, l.Close())
	content, err := os.ReadFile(sound)
	require.NoError(t, err)
	pages := len(content) / page
	require.Greater(t, pages, 12)

	refused := func(t *testing.T, content []byte) {
		path := fresh(t)
		require.NoError(t, os.WriteFile(path, content, 0o600))
		_, err := sqlitelog.Open(t.Context(), path, sqlitelog.Options{Cluster: "bank"})
		var damaged *txlog.DamagedError
		require.ErrorAs(t, err, &damaged)
		assert.ErrorContains(t, err, path)
		assert.ErrorContains(t, err, ".recover", "the error should say what to do")
	}
	for n := 1; n < pages; n++ {
		t.Run(fmt.Sprintf("page %d overwritten", n+1), func(t *testing.T) {
			broken := append([]byte(nil), content...)
			copy(broken[n*page:], strings.Repeat("\xaa", page))
			refused(t, broken)
		})
	}
	t.Run("cut in half", func(t *testing.T) { refused(t, content[:pages/2*page]) })
	t.Run("cut after the first page", func(t *testing.T) { refused(t, content[:page]) })
	for _, statement := range []string{
		"DELETE FROM meta WHERE key = 'id'", "UPDATE meta SET value = 'x' WHERE key = 'id'",
		"UPDATE meta SET value = 'x' WHERE key = 'schema'", "DROP TABLE meta",
	} {
		t.Run(statement, func(t *testing.T) {
			path := fresh(t)
			require.NoError(t, os.WriteFile(path, content, 0o600))
			execute(t, path, statement, "PRAGMA wal_checkpoint(TRUNCATE)")
			broken, err := os.ReadFile(path)
			require.NoError(t, err)
			refused(t, broken)
		})
	}
}

func TestOpeningsThatCreateAtOnceShareOneLog(t *testing.T) {
	for range 10 {
		path := fresh(t)
		logs := make([]*sqlitelog.Log, 6)
		errs := make([]error, len(logs))
		var wg sync.WaitGroup
		for i := range logs {
			wg.Go(func() { logs[i], errs[i] = sqlitelog.Open(t.Context(), path, sqlitelog.Options{Cluster: "bank"}) })
		}
		wg.Wait()
		seen := make(map[int64]bool)
		for i, l := range logs {
			require.NoError(t, errs[i])
			assert.Equal(t, logs[0].Identity(), l.Identity())
			seen[l.Mark().Seq] = true
		}
		assert.Len(t, seen, len(logs), "each has its own mark")
		for _, l := range logs {
			require.NoError(t, l.Close())
		}
	}
}
