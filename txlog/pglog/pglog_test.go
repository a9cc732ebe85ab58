package pglog_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/xapg/xapg/txlog"
	"github.com/xapg/xapg/txlog/pglog"
	"github.com/xapg/xapg/txlog/txlogtest"
	"github.com/xapg/xapg/xadriver/xatest"
	"go.uber.org/goleak"
)

// cluster is a server on which each test has schemas of its own.
var cluster *xatest.Cluster

func TestMain(m *testing.M) {
	txlogtest.Child(open)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	var err error
	cluster, err = xatest.Open(ctx, xatest.Names("logs"))
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, "no PostgreSQL server:", err)
		os.Exit(1)
	}
	code := m.Run()
	if err := cluster.Close(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

func TestConformance(t *testing.T) {
	txlogtest.Run(t, txlogtest.Factory{Fresh: fresh, Open: open, OpenSealed: openSealed, Create: create, Lossy: lossy})
}

func openSealed(ctx context.Context, place, cluster string) (txlog.Log, error) {
	return txlog.Open(ctx, place, txlog.OpenOptions{Cluster: cluster, Sealed: true})
}

func create(ctx context.Context, place string, c txlog.Contents) (txlog.Log, error) {
	return txlog.Open(ctx, place, txlog.OpenOptions{Cluster: txlogtest.Cluster, Contents: &c})
}

// lossy opens the log through a proxy that cuts connections.
func lossy(t testing.TB, place string, away bool) txlogtest.Lossy {
	server := cluster.Shards[0]
	p, err := xatest.NewProxy(fmt.Sprintf("%s:%d", server.Host(), server.Port()))
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, p.Close()) })
	wait := "1m"
	if away {
		wait = "2s"
	}
	l := opened(t, p.Rewrite(place)+"&answer_timeout="+wait, txlogtest.Cluster)
	return txlogtest.Lossy{Log: l, Lose: func(participant string, stored, away bool) func() {
		if stored {
			p.CutBeforeReply(participant)
		} else {
			p.CutBeforeForward(participant)
		}
		p.Refuse(away)
		return func() {
			p.Refuse(false)
			// While the server is away, a writer without a connection may take it up,
			// and never say it.
			assert.True(t, away || !p.Armed(), "the answer was not lost")
		}
	}}
}

var quiet = slog.New(slog.DiscardHandler)

func open(ctx context.Context, place, cluster string) (txlog.Log, error) {
	return txlog.Open(ctx, place, txlog.OpenOptions{Cluster: cluster})
}

var schemas atomic.Int64

// fresh names a schema that is not there yet.
func fresh(testing.TB) string { return schemaOn(cluster.Shards[0]) }

func schemaOn(s *xatest.Server) string {
	return fmt.Sprintf("%s&schema=Log%%20%d", s.DSN(), schemas.Add(1))
}

var shards = named("athos", "porthos")

// named makes participants of which no votes are known.
func named(names ...string) []txlog.Participant {
	list := make([]txlog.Participant, len(names))
	for i, name := range names {
		list[i].Name = name
	}
	return list
}

// openLog opens the log at a URL and closes it with the test.
func openLog(t testing.TB, url string) *pglog.Log {
	t.Helper()
	l, err := pglog.Open(t.Context(), url, pglog.Options{Cluster: "bank"})
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// opened opens a log that has little time, again until it is open.
func opened(t testing.TB, url, cluster string) (l *pglog.Log) {
	t.Helper()
	require.Eventually(t, func() bool {
		var err error
		l, err = pglog.Open(t.Context(), url, pglog.Options{Cluster: cluster, Logger: quiet})
		return err == nil
	}, time.Minute, 10*time.Millisecond)
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func newID() uuid.UUID { return uuid.Must(uuid.NewV7()) }
