package sqlitelog

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/xapg/xapg/txlog"
	_ "modernc.org/sqlite" // the "sqlite" driver
)

// Parameters of the connections. The writer waits for other processes' locks by
// itself (see turn), and switches the file to WAL itself, once it knows that
// the file is a log. No connection creates the file, which would get any mode.
const (
	writerParameters = "mode=rw&_pragma=busy_timeout(5000)&_pragma=synchronous(FULL)" +
		"&_pragma=fullfsync(1)&_pragma=checkpoint_fullfsync(1)" +
		"&_pragma=journal_size_limit(16777216)&_txlock=immediate"
	readerParameters  = "mode=rw&_pragma=busy_timeout(5000)&_pragma=query_only(1)"
	examineParameters = "immutable=1&mode=ro"
)

// dsn names the file as a URI, the only form in which every path can be written.
func dsn(path, parameters string) string {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // a drive letter
	}
	return (&url.URL{Scheme: "file", Path: path, RawQuery: parameters}).String()
}

// creating is held while a file that may be a log is created, because closing any
// descriptor of a file makes POSIX drop all the locks that the process has on it:
// nobody may have opened the file as a database by then.
var creating sync.Mutex

// prepareFile makes sure that there is a file to open, on a file system fit for it.
func prepareFile(path string, network func(dir string) (string, error)) (fs.FileInfo, error) {
	if path == "" || strings.ContainsRune(path, 0) {
		return nil, fmt.Errorf("sqlitelog: %q is not a file name; name the file to keep the decisions in", path)
	}
	dir := filepath.Dir(path)
	switch info, err := os.Stat(dir); {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("sqlitelog: the directory of the decision log %s does not exist; create it first: %w", path, err)
	case err != nil:
		return nil, fmt.Errorf("sqlitelog: the directory of the decision log cannot be used: %w", err)
	case !info.IsDir():
		return nil, fmt.Errorf("sqlitelog: the decision log %s would be in %s, which is not a directory", path, dir)
	}
	creating.Lock()
	defer creating.Unlock()
	info, err := os.Stat(path)
	if err == nil {
		// Through a symbolic link, the file may be elsewhere than it seems.
		if target, err := filepath.EvalSymlinks(path); err == nil {
			dir = filepath.Dir(target)
		}
	}
	switch name, neterr := network(dir); {
	case neterr != nil:
		return nil, fmt.Errorf("sqlitelog: cannot tell what file system the decision log %s is on: %w", path, neterr)
	case name != "":
		return nil, fmt.Errorf("sqlitelog: the decision log %s is on a network file system (%s), "+
			"where processes cannot lock it reliably; put it on a local disk", path, name)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return create(path, dir)
	case err != nil:
		return nil, fmt.Errorf("sqlitelog: the decision log cannot be used: %w", err)
	case !info.Mode().IsRegular():
		return nil, &txlog.ForeignError{Log: path, Reason: "it is not a regular file; name a file of its own"}
	}
	return info, nil
}

// create makes the file, empty, and its name durable. SQLite gives the files beside
// it the same mode.
func create(path, dir string) (fs.FileInfo, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) { // another process was first
		return os.Stat(path)
	}
	if err != nil {
		return nil, fmt.Errorf("sqlitelog: the decision log cannot be created: %w", err)
	}
	info, err := f.Stat()
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return nil, fmt.Errorf("sqlitelog: the decision log cannot be created: %w", err)
	}
	// Some systems cannot flush a directory; SQLite ignores that, too.
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync()
		_ = d.Close()
	}
	return info, nil
}

// examine recognizes what is certainly not a log, by its header alone and without
// locks, journals or files beside it, so that nothing of a foreign file is touched.
// A file that was only just created may keep its header in the WAL: enter decides
// about those.
func examine(ctx context.Context, path string) error {
	db, err := sql.Open("sqlite", dsn(path, examineParameters))
	if err != nil {
		return err
	}
	defer db.Close()
	application, version, err := header(ctx, db)
	switch {
	case resultCode(err) == codeNotADB:
		return &txlog.ForeignError{Log: path, Reason: "it is not a SQLite file, or its beginning is destroyed; name another file, " +
			"or, if it was this cluster's log, treat it as damaged: do not begin a new one while transactions are prepared on the shards"}
	case resultCode(err) == codeCorrupt:
		return nil // perhaps somebody was just writing it: whoever takes a lock sees
	case err != nil:
		return err
	case application != applicationID && (application != 0 || version != 0):
		return notALog(path)
	}
	return nil
}

// header reads the application id and the schema's version (0: has no schema yet).
func header(ctx context.Context, q queryer) (application, version int64, err error) {
	if err = q.QueryRowContext(ctx, "PRAGMA application_id").Scan(&application); err != nil {
		return 0, 0, err
	}
	err = q.QueryRowContext(ctx, "PRAGMA schema_version").Scan(&version)
	return application, version, err
}

func notALog(path string) error {
	return &txlog.ForeignError{Log: path, Reason: "it is a SQLite database of another application; name a file of its own"}
}
