package sqlitelog

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"path/filepath"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/xapg/xapg/txlog"
	"golang.org/x/sys/unix"
)

// smallDisk mounts a file system of one megabyte, which only root may do.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("none", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Skip("a small disk cannot be mounted here: ", err)
	}
	t.Cleanup(func() { assert.NoError(t, unix.Unmount(dir, unix.MNT_DETACH)) })
	return dir
}

func TestFullDiskStoresNothingAndGoesOnOnceThereIsRoom(t *testing.T) {
	dir := smallDisk(t)
	ballast := filepath.Join(dir, "ballast")
	require.NoError(t, os.WriteFile(ballast, make([]byte, 300_000), 0o600))
	l, err := Open(t.Context(), filepath.Join(dir, "log.db"), Options{Cluster: "bank"})
	require.NoError(t, err)
	defer l.Close()
	stored, refused, err := fillUp(t, l)
	require.ErrorIs(t, err, txlog.ErrNotStored)
	assert.ErrorContains(t, err, "disk is full")
	assert.NotEmpty(t, stored)
	_, _, err = fillUp(t, l)
	assert.ErrorIs(t, err, txlog.ErrNotStored, "it stays full")
	require.NoError(t, os.Remove(ballast))
	goesOn(t, l, stored, refused)
}

func TestFullDiskHoldsNoNewLog(t *testing.T) {
	dir := smallDisk(t)
	path := filepath.Join(dir, "log.db")
	ballast := filepath.Join(dir, "ballast")
	err := os.WriteFile(ballast, make([]byte, 2<<20), 0o600)
	require.ErrorIs(t, err, unix.ENOSPC)
	_, err = Open(t.Context(), path, Options{Cluster: "bank"})
	require.Error(t, err)
	require.NoError(t, os.Remove(ballast))
	l, err := Open(t.Context(), path, Options{Cluster: "bank"})
	require.NoError(t, err, "what the first attempt left is no obstacle")
	require.NoError(t, l.Close())
}

func TestReadOnlyDiskIsReported(t *testing.T) {
	dir := smallDisk(t)
	path := filepath.Join(dir, "log.db")
	l, err := Open(t.Context(), path, Options{Cluster: "bank"})
	require.NoError(t, err)
	require.NoError(t, l.Close())
	require.NoError(t, unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""))
	for _, name := range []string{"log.db", "new.db"} {
		_, err = Open(t.Context(), filepath.Join(dir, name), Options{Cluster: "bank"})
		assert.ErrorContains(t, err, dir)
		t.Log(err)
		var foreign *txlog.ForeignError
		var damaged *txlog.DamagedError
		assert.False(t, errors.As(err, &foreign) || errors.As(err, &damaged), "the file itself is sound")
	}
}

// limitFiles keeps this process from writing any file beyond size, which makes
// SQLite's writes fail with an I/O error.
func limitFiles(t *testing.T, size int64) (lift func()) {
	t.Helper()
	signal.Ignore(unix.SIGXFSZ)
	var before unix.Rlimit
	require.NoError(t, unix.Getrlimit(unix.RLIMIT_FSIZE, &before))
	limit := before
	limit.Cur = uint64(size)
	require.NoError(t, unix.Setrlimit(unix.RLIMIT_FSIZE, &limit))
	lift = func() {
		_ = unix.Setrlimit(unix.RLIMIT_FSIZE, &before)
		signal.Reset(unix.SIGXFSZ)
	}
	t.Cleanup(lift)
	return lift
}

func walSize(t *testing.T, l *Log) int64 {
	t.Helper()
	info, err := os.Stat(l.path + "-wal")
	require.NoError(t, err)
	return info.Size()
}

func TestCommitThatFailsIsNotSaidToHaveStoredNothing(t *testing.T) {
	l := openHooked(t, nil)
	_, err := l.Decide(t.Context(), uuid.New(), txlog.Commit, shards)
	require.NoError(t, err)
	id := uuid.New()
	lift := limitFiles(t, walSize(t, l)+100)
	_, err = l.Decide(t.Context(), id, txlog.Commit, named("aramis"))
	lift()
	require.Error(t, err)
	assert.NotErrorIs(t, err, txlog.ErrNotStored)
	assert.ErrorContains(t, err, "not known whether it was stored")
	assert.ErrorContains(t, err, "the disk reports an error")

	settled, err := l.Decide(t.Context(), id, txlog.Abort, named("aramis"))
	require.NoError(t, err, "asking again settles it")
	require.NoError(t, l.Close())
	again, err := Open(t.Context(), l.path, Options{Cluster: "bank"})
	require.NoError(t, err)
	defer again.Close()
	d, err := again.Lookup(t.Context(), id)
	require.NoError(t, err)
	assert.Equal(t, settled, d.Outcome)
	assert.Equal(t, named("aramis"), d.Participants, "a name that was rolled back must be stored anew")
}

func TestCommitThatFailsForAMomentIsRunAgain(t *testing.T) {
	var lift func()
	attempts := 0
	l := openHooked(t, func(point string) {
		if lift != nil && point == "log.before_insert" {
			if attempts++; attempts == 2 {
				lift()
			}
		}
	})
	_, err := l.Decide(t.Context(), uuid.New(), txlog.Commit, shards)
	require.NoError(t, err)
	lift = limitFiles(t, walSize(t, l)+100)
	id := uuid.New()
	got, err := l.Decide(t.Context(), id, txlog.Commit, shards)
	require.NoError(t, err)
	assert.Equal(t, txlog.Commit, got)
	assert.Equal(t, 2, attempts)
	d, err := l.Lookup(context.Background(), id)
	require.NoError(t, err)
	assert.Equal(t, txlog.Commit, d.Outcome)
}
