package etcdlog_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/xapg/xapg/txlog"
	"github.com/xapg/xapg/txlog/etcdlog"
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
	coordinate()
	flag.Parse()
	_ = flag.Set("test.parallel", "4") // they wait more than they work
	code := m.Run()
	if started != nil {
		started.close()
	}
	if program, _ := build(); program != "" {
		_ = os.RemoveAll(filepath.Dir(program))
	}
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

var (
	once    sync.Once
	started *cluster
	failure error
)

// shared is the cluster of three members that the tests share, but for those that lose
// members.
func shared() (*cluster, error) {
	once.Do(func() { started, failure = startCluster(3) })
	return started, failure
}

func three(t testing.TB) *cluster {
	t.Helper()
	c, err := shared()
	require.NoError(t, err)
	return c
}

func TestConformance(t *testing.T) {
	t.Parallel()
	txlogtest.Run(t, txlogtest.Factory{
		Fresh: func(t testing.TB) string { return three(t).place() },
		Open:  open,
		OpenSealed: func(ctx context.Context, place, cluster string) (txlog.Log, error) {
			return txlog.Open(ctx, place, txlog.OpenOptions{Cluster: cluster, Sealed: true})
		},
		Create: func(ctx context.Context, place string, c txlog.Contents) (txlog.Log, error) {
			return txlog.Open(ctx, place, txlog.OpenOptions{Cluster: txlogtest.Cluster, Contents: &c})
		},
		Lossy: func(t testing.TB, place string, away bool) txlogtest.Lossy {
			p := newProxy(t, three(t).members[0].client)
			behind := &cluster{scheme: "etcd", members: []*member{{client: p.address()}}}
			wait := "1m"
			if away {
				wait = "2s"
			}
			l := opened(t, behind.url(prefixOf(place))+"?timeout="+wait, txlogtest.Cluster)
			return txlogtest.Lossy{Log: l, Lose: func(participant string, stored, away bool) func() {
				p.lose(participant, stored, away)
				return func() {
					// While nobody answers it may not be said at all.
					assert.True(t, away || !p.armed(), "the answer was not lost")
					p.restore()
				}
			}}
		},
	})
}

func open(ctx context.Context, place, cluster string) (txlog.Log, error) {
	return txlog.Open(ctx, place, txlog.OpenOptions{Cluster: cluster})
}

// openLog opens the log at a place and closes it with the test.
func openLog(t testing.TB, place string) *etcdlog.Log {
	t.Helper()
	l, err := etcdlog.Open(t.Context(), place, etcdlog.Options{Cluster: "bank"})
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// opened opens a log that has little time, again until it is open.
func opened(t testing.TB, place, cluster string) (l *etcdlog.Log) {
	t.Helper()
	require.Eventually(t, func() bool {
		var err error
		l, err = etcdlog.Open(t.Context(), place, etcdlog.Options{Cluster: cluster})
		return err == nil
	}, patience, pause)
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func newID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

// commit stores a decision to commit.
func commit(t testing.TB, l txlog.Log) uuid.UUID {
	t.Helper()
	id := newID()
	got, err := l.Decide(t.Context(), id, txlog.Commit, shards)
	require.NoError(t, err)
	require.Equal(t, txlog.Commit, got)
	return id
}

// requireDecided expects decisions to commit.
func requireDecided(t testing.TB, l txlog.Log, ids ...uuid.UUID) {
	t.Helper()
	for _, id := range ids {
		d, err := l.Lookup(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, txlog.Commit, d.Outcome)
	}
}

// patience ends a wait that is in vain, and pause is made between two looks.
const (
	patience = time.Minute
	pause    = 50 * time.Millisecond
)

// prefixOf is the path of a place.
func prefixOf(place string) string {
	_, rest, _ := strings.Cut(place, "://")
	return rest[strings.IndexByte(rest, '/'):]
}
