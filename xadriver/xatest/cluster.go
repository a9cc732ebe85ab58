// Package xatest starts real PostgreSQL servers on the loopback interface, for
// tests and demonstrations of applications that use xapg.
//
//	cluster := xatest.Start(t, xatest.Shards(4))
//	db, err := sql.Open("xapg", cluster.DSN("test", filepath.Join(t.TempDir(), "xapg.db")))
//
// The servers' programs are found where distributions put them, or fetched once.
// As root, the servers run as an unprivileged user, because PostgreSQL insists.
// Their data are where temporary files are, or in the folder that XAPG_PG_DATA names
// (such as /dev/shm, in memory, which is quicker), unless they are to be Durable.
// They die with the process that started them, however it dies. They can be
// stopped, frozen, restarted and promoted, and connections to them can be cut
// with a Proxy.
package xatest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// Cluster is a set of servers, one per shard. It is safe for concurrent use, as
// long as each server is controlled by one goroutine at a time.
type Cluster struct {
	Shards []*Server

	dir  string
	inst *installation
	mu   sync.Mutex
	more []*Server // standbys
}

type options struct {
	names    []string
	settings map[string]string
	on       map[string]map[string]string
	durable  bool
	locale   string
	log      io.Writer
}

// Option changes what is started.
type Option func(*options)

// Shards starts n servers, named s1, s2, and so on. The default is 2.
func Shards(n int) Option {
	return func(o *options) {
		o.names = nil
		for i := range n {
			o.names = append(o.names, fmt.Sprintf("s%d", i+1))
		}
	}
}

// Names starts a server for each name.
func Names(names ...string) Option { return func(o *options) { o.names = names } }

// Set changes a server setting, as in postgresql.conf, on all servers.
func Set(name, value string) Option { return func(o *options) { o.settings[name] = value } }

// SetOn changes a server setting on one server.
func SetOn(server, name, value string) Option {
	return func(o *options) {
		if o.on[server] == nil {
			o.on[server] = make(map[string]string)
		}
		o.on[server][name] = value
	}
}

// Durable makes the servers force their writes to disk. Without it they do not,
// which loses nothing when a server is killed, only when the power fails.
func Durable() Option { return func(o *options) { o.durable = true } }

// Locale is the databases' locale. The default is C.
func Locale(name string) Option { return func(o *options) { o.locale = name } }

// Log is where is said what takes time, such as fetching PostgreSQL.
func Log(w io.Writer) Option { return func(o *options) { o.log = w } }

// Start starts servers that stop with the test. A test that cannot have them fails.
func Start(t testing.TB, opts ...Option) *Cluster {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	c, err := Open(ctx, append([]Option{Log(testLog{t})}, opts...)...)
	if err != nil {
		t.Fatalf("xatest: no PostgreSQL servers: %v", err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("xatest: stopping the servers: %v", err)
		}
	})
	return c
}

type testLog struct{ t testing.TB }

func (l testLog) Write(p []byte) (int, error) {
	l.t.Log(strings.TrimSpace(string(p)))
	return len(p), nil
}

// Open starts servers for a program. They run until Close, or until the program
// ends.
func Open(ctx context.Context, opts ...Option) (*Cluster, error) {
	o := options{settings: make(map[string]string), on: make(map[string]map[string]string), locale: "C", log: io.Discard}
	Shards(2)(&o)
	for _, opt := range opts {
		opt(&o)
	}
	inst, err := find(ctx, o.log)
	if err != nil {
		return nil, err
	}
	c := &Cluster{inst: inst}
	if c.dir, err = os.MkdirTemp(inst.place(o.durable), "xatest-"); err != nil {
		return nil, err
	}
	if err := inst.own(c.dir); err != nil {
		return nil, errors.Join(err, os.RemoveAll(c.dir))
	}
	template, err := inst.template(ctx, o.locale)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(c.dir))
	}
	errs := make([]error, len(o.names))
	var wg sync.WaitGroup
	for i, name := range o.names {
		s := newServer(c, name, o)
		c.Shards = append(c.Shards, s)
		wg.Go(func() {
			if errs[i] = inst.copy(ctx, template, s.dir); errs[i] == nil {
				errs[i] = s.Start(ctx)
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// Server finds a server by its name; it panics when there is none.
func (c *Cluster) Server(name string) *Server {
	for _, s := range c.Shards {
		if s.name == name {
			return s
		}
	}
	panic("xatest: no server is named " + name)
}

// DSN is a data source name for xapg over all shards, with a decision log in an
// SQLite file at logPath; more keywords may follow, such as "key.accounts=owner".
func (c *Cluster) DSN(cluster, logPath string, more ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "cluster=%s log=%s", cluster, Quote("sqlite:"+logPath))
	for _, s := range c.Shards {
		fmt.Fprintf(&b, " shard.%s=%s", s.name, Quote(s.DSN()))
	}
	for _, m := range more {
		b.WriteString(" " + m)
	}
	return b.String()
}

// Quote quotes a value for a keyword DSN.
func Quote(value string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value) + "'"
}

// Close stops all servers and removes their data.
func (c *Cluster) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c.mu.Lock()
	all := append(append([]*Server(nil), c.Shards...), c.more...)
	c.mu.Unlock()
	var wg sync.WaitGroup
	for _, s := range all {
		wg.Go(func() {
			if s.Stop(ctx, Immediate) == nil {
				_ = s.port.Release()
			}
		})
	}
	wg.Wait()
	return os.RemoveAll(c.dir)
}
