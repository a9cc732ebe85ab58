package sqlitelog_test

import (
	"os/signal"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/xapg/xapg/txlog/sqlitelog"
	"github.com/xapg/xapg/txlog/txlogtest"
	"golang.org/x/sys/unix"
)

func init() { lossy = failing }

// failing opens a log whose COMMITs fail with an I/O error, after which nobody knows
// what has reached the disk: the process may write files of some bytes only.
func failing(t testing.TB, place string, _ bool) txlogtest.Lossy {
	f := &fault{t: t}
	l, err := sqlitelog.Open(t.Context(), place, sqlitelog.Options{Cluster: txlogtest.Cluster, Hook: f.at})
	require.NoError(t, err)
	signal.Ignore(unix.SIGXFSZ)
	t.Cleanup(func() { signal.Reset(unix.SIGXFSZ) })
	return txlogtest.Lossy{Log: l, Lose: func(_ string, _, away bool) func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.armed, f.away = true, away
		return f.mend
	}}
}

type fault struct {
	t      testing.TB
	mu     sync.Mutex
	armed  bool
	away   bool
	before *unix.Rlimit // the limit that was, while there is another
}

func (f *fault) at(point string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case point == "log.before_commit" && f.armed:
		f.armed, f.before = false, new(unix.Rlimit)
		assert.NoError(f.t, unix.Getrlimit(unix.RLIMIT_FSIZE, f.before))
		small := *f.before
		small.Cur = 100
		assert.NoError(f.t, unix.Setrlimit(unix.RLIMIT_FSIZE, &small))
	case point == "log.before_insert" && f.before != nil && !f.away: // it is run again
		f.lift()
	}
}

func (f *fault) mend() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.armed = false
	f.lift()
}

func (f *fault) lift() {
	if f.before != nil {
		assert.NoError(f.t, unix.Setrlimit(unix.RLIMIT_FSIZE, f.before))
		f.before = nil
	}
}
