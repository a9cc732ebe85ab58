//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package sqlitelog

import (
	"errors"

	"golang.org/x/sys/unix"
)

// take reports whether the turn is ours, or there are none.
func (t *turn) take() bool {
	return t == nil || !errors.Is(unix.Flock(int(t.file.Fd()), unix.LOCK_EX|unix.LOCK_NB), unix.EWOULDBLOCK)
}

func (t *turn) give() {
	if t != nil {
		_ = unix.Flock(int(t.file.Fd()), unix.LOCK_UN)
	}
}
