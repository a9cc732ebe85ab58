package sqlitelog

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// SQLite's lock has no queue. Who commits without pause takes it again in the moment
// after he has let it go, and who looks for it a thousand times a second may miss all
// of these moments: on a slow disk, for seconds. So whoever wants to write takes his
// turn first, which is a lock of its own, and gives it up as soon as he has SQLite's.
// While he waits for that, nobody else begins to, and he who has just written comes
// after all who have the turn.
//
// The turn makes nothing safe, it is only fair; so whoever cannot have it gets on
// without. A process that was stopped while it had its turn keeps it: that is why others
// look for SQLite's lock as well, though seldom.

// outOfTurn is how seldom.
const outOfTurn = 20 * time.Millisecond

// turn is the lock on a file beside the log, nil where there is none. It is used by one
// goroutine at a time.
type turn struct {
	file  *os.File
	log   string        // without symbolic links, which all who share it find
	still time.Duration // how long nothing is done out of turn
}

// openTurn opens the file, and creates it with the mode of the log. What has its name and
// is something else is left alone.
func openTurn(path string, mode os.FileMode) *turn {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	name := path + "-turn"
	if info, err := os.Lstat(name); err == nil && (!info.Mode().IsRegular() || info.Size() > 0) {
		return nil
	}
	f, err := os.OpenFile(name, os.O_RDONLY|os.O_CREATE, mode.Perm())
	if err != nil {
		return nil
	}
	return &turn{file: f, log: path, still: outOfTurn}
}

// close comes after SQLite's: whoever is the last to use the log takes the file away, as
// SQLite does with those of its own. Somebody who is just coming may then share the turn
// with nobody until he goes.
func (t *turn) close() {
	if t == nil {
		return
	}
	_ = t.file.Close() // which gives the turn up, too
	if _, err := os.Stat(t.log + "-shm"); errors.Is(err, fs.ErrNotExist) {
		_ = os.Remove(t.file.Name())
	}
}

// begin is whileBusy for a function that takes SQLite's lock.
func (t *turn) begin(ctx context.Context, f func() error) error {
	mine := t.take()
	defer func() {
		if mine {
			t.give()
		}
	}()
	last := time.Now()
	return whileBusy(ctx, func() error {
		for !mine && time.Since(last) < t.still && ctx.Err() == nil {
			pause()
			mine = t.take()
		}
		last = time.Now()
		return f()
	})
}
