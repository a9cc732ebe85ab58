package sqlitelog_test

import (
	"context"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"github.com/xapg/xapg/txlog"
	"github.com/xapg/xapg/txlog/sqlitelog"
	"github.com/xapg/xapg/txlog/txlogtest"
	"go.uber.org/goleak"
)

var shards = named("athos", "porthos")

// named makes participants of which no votes are known.
func named(names ...string) []txlog.Participant {
	list := make([]txlog.Participant, len(names))
	for i, name := range names {
		list[i].Name = name
	}
	return list
}

func TestMain(m *testing.M) {
	txlogtest.Child(open)
	child()
	// Tests limit the size of files, which go test's own must not meet: it is told
	// not to keep one of the files that are looked at.
	flag.Parse()
	_ = flag.Set("test.testlogfile", "")
	goleak.VerifyTestMain(m)
}

func TestConformance(t *testing.T) {
	txlogtest.Run(t, txlogtest.Factory{Fresh: fresh, Open: open, OpenSealed: openSealed, Create: create, Lossy: lossy})
}

func open(ctx context.Context, place, cluster string) (txlog.Log, error) {
	l, err := sqlitelog.Open(ctx, place, sqlitelog.Options{Cluster: cluster})
	if err != nil {
		return nil, err // not a nil *Log, which would be no nil Log
	}
	return l, nil
}

// lossy opens logs that lose answers, where that can be had.
var lossy func(t testing.TB, place string, away bool) txlogtest.Lossy

func openSealed(ctx context.Context, place, cluster string) (txlog.Log, error) {
	return txlog.Open(ctx, "sqlite:"+place, txlog.OpenOptions{Cluster: cluster, Sealed: true})
}

func create(ctx context.Context, place string, c txlog.Contents) (txlog.Log, error) {
	return txlog.Open(ctx, "sqlite:"+place, txlog.OpenOptions{Cluster: txlogtest.Cluster, Contents: &c})
}

func fresh(t testing.TB) string { return filepath.Join(t.TempDir(), "log.db") }

// openLog opens the log at path and closes it with the test.
func openLog(t testing.TB, path string) *sqlitelog.Log {
	t.Helper()
	l, err := sqlitelog.Open(t.Context(), path, sqlitelog.Options{Cluster: "bank"})
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func newID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

// commit stores a decision to commit.
func commit(t testing.TB, l *sqlitelog.Log) uuid.UUID {
	t.Helper()
	id := newID()
	got, err := l.Decide(t.Context(), id, txlog.Commit, shards)
	require.NoError(t, err)
	require.Equal(t, txlog.Commit, got)
	return id
}

// Other processes are this test binary once more, told what to do.
const (
	childVariable = "XAPG_SQLITELOG_CHILD"
	childPath     = "XAPG_SQLITELOG_PATH"
)

// childRoles is what other processes do. None returns unless it has failed.
var childRoles = map[string]func(path string) error{}

func child() {
	role := childRoles[os.Getenv(childVariable)]
	if role == nil {
		return
	}
	if err := role(os.Getenv(childPath)); err != nil {
		_, _ = os.Stderr.WriteString(err.Error())
		os.Exit(1)
	}
	os.Exit(0)
}

func childProcess(t *testing.T, role, path string) *exec.Cmd {
	t.Helper()
	require.Contains(t, childRoles, role)
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), childVariable+"="+role, childPath+"="+path)
	return cmd
}
