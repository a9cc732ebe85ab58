package etcdlog_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xapg/xapg/xadriver/xatest"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

// member is one etcd server, in a process of its own.
type member struct {
	name, dir     string
	client, peer  string // addresses
	ports         []*xatest.Port
	args          []string
	process       *exec.Cmd
	stdin         io.Closer
	running, iced bool
}

// cluster is an etcd cluster.
type cluster struct {
	dir     string
	scheme  string // of its URLs
	members []*member
	places  atomic.Int64
}

// build builds the members' program, once. Its packages are in the build cache when
// the module was built before.
var build = sync.OnceValues(func() (program string, err error) {
	dir, err := os.MkdirTemp("", "etcdlog")
	if err != nil {
		return "", err
	}
	program = filepath.Join(dir, "member")
	cmd := exec.Command("go", "build", "-ldflags=-s -w", "-o", program, "./internal/member")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := cmd.CombinedOutput(); err != nil {
		return program, fmt.Errorf("building an etcd member: %w: %s", err, output)
	}
	return program, nil
})

// onDisk has members flush what they write, and to a disk.
const onDisk = "-fsync"

// startCluster starts a cluster of n members with data in a temporary directory, or in
// memory if there is a place for that, and further arguments.
func startCluster(n int, args ...string) (_ *cluster, err error) {
	c := &cluster{scheme: "etcd"}
	place := os.Getenv("XAPG_PG_DATA")
	if slices.Contains(args, onDisk) {
		place = ""
	}
	if c.dir, err = os.MkdirTemp(place, "etcdlog"); err != nil {
		return nil, err
	}
	var all []string
	for i := range n {
		m := &member{name: fmt.Sprintf("m%d", i+1)}
		m.dir = filepath.Join(c.dir, m.name)
		if m.client, err = m.address(); err != nil {
			return nil, err
		}
		if m.peer, err = m.address(); err != nil {
			return nil, err
		}
		c.members = append(c.members, m)
		all = append(all, m.name+"=http://"+m.peer)
	}
	for _, m := range c.members {
		m.args = append([]string{"-name", m.name, "-dir", m.dir, "-client", m.client, "-peer", m.peer, "-cluster", strings.Join(all, ",")}, args...)
	}
	if err := c.start(); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// start starts the members that do not run.
func (c *cluster) start() error {
	errs := make([]error, len(c.members))
	var wg sync.WaitGroup
	for i, m := range c.members {
		if !m.running {
			wg.Go(func() { errs[i] = m.start() })
		}
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (c *cluster) close() {
	for _, m := range c.members {
		m.kill()
		for _, p := range m.ports {
			_ = p.Release()
		}
	}
	_ = os.RemoveAll(c.dir)
}

// place names a log of its own in the cluster.
func (c *cluster) place() string { return c.url(fmt.Sprintf("/test/%d", c.places.Add(1))) }

func (c *cluster) url(prefix string) string {
	var hosts []string
	for _, m := range c.members {
		hosts = append(hosts, m.client)
	}
	return c.scheme + "://" + strings.Join(hosts, ",") + prefix
}

// leader waits until those that run have a leader, and returns it first, and then
// the others.
func (c *cluster) leader(t testing.TB) (leader *member, others []*member) {
	t.Helper()
	client := c.client(t)
	require.Eventually(t, func() bool {
		leader, others = nil, nil
		for _, m := range c.members {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			status, err := client.Status(ctx, m.client)
			cancel()
			if err == nil && status.Leader == status.Header.MemberId {
				leader = m
			} else {
				others = append(others, m)
			}
		}
		return leader != nil
	}, time.Minute, 50*time.Millisecond, "the cluster should have a leader")
	return leader, others
}

// client is a plain client of the cluster.
func (c *cluster) client(t testing.TB) *clientv3.Client {
	t.Helper()
	var addresses []string
	for _, m := range c.members {
		addresses = append(addresses, m.client)
	}
	client, err := clientv3.New(clientv3.Config{Endpoints: addresses, Logger: zap.NewNop()})
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// adminOf is a client of a cluster that knows users, signed in as root.
func adminOf(t testing.TB, c *cluster) *clientv3.Client {
	t.Helper()
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{c.members[0].client}, Logger: zap.NewNop(), Username: "root", Password: "root"})
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func (m *member) start() error {
	program, err := build()
	if err != nil {
		return err
	}
	m.process = exec.Command(program, m.args...)
	var complaints strings.Builder
	m.process.Stderr = &complaints
	stdin, err := m.process.StdinPipe()
	if err != nil {
		return err
	}
	stdout, err := m.process.StdoutPipe()
	if err != nil {
		return err
	}
	if err := m.process.Start(); err != nil {
		return err
	}
	m.running, m.stdin = true, stdin
	if line, err := bufio.NewReader(stdout).ReadString('\n'); err != nil || line != "ready\n" {
		m.kill()
		return fmt.Errorf("member %s did not start: %q %s", m.name, line, complaints.String())
	}
	return nil
}

// stop ends the member in peace.
func (m *member) stop() { m.end(m.stdin.Close) }

// kill ends it at once.
func (m *member) kill() {
	m.end(func() error { return m.process.Process.Kill() })
}

func (m *member) end(how func() error) {
	if m.running {
		m.thaw()
		_ = how()
		_ = m.process.Wait()
		m.running = false
	}
}

// freeze stops its process, which keeps its connections. It returns when the last of its
// threads stands still: on a busy machine the signal alone leaves it time to answer.
func (m *member) freeze() {
	m.iced = true
	if m.process.Process.Signal(syscall.SIGSTOP) != nil {
		return
	}
	for {
		_, err := syscall.Wait4(m.process.Process.Pid, nil, syscall.WUNTRACED, nil)
		if !errors.Is(err, syscall.EINTR) {
			return
		}
	}
}

// thaw lets it go on.
func (m *member) thaw() {
	if m.iced {
		m.iced = false
		_ = m.process.Process.Signal(syscall.SIGCONT)
	}
}

// address is one that the member has to itself, also while it does not run.
func (m *member) address() (string, error) {
	port, err := xatest.HoldPort()
	if err != nil {
		return "", err
	}
	m.ports = append(m.ports, port)
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port.Number)), nil
}
