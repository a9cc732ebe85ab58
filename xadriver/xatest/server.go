package xatest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// Server is one PostgreSQL server.
type Server struct {
	cluster  *Cluster
	name     string
	dir      string
	port     *Port
	ran      bool // somebody may know its port
	settings map[string]string
	conninfo string // of a standby that is detached

	mu     sync.Mutex
	cmd    *exec.Cmd // the supervisor, and below it the server
	leash  io.Closer // its end stops the server
	exited chan struct{}
	log    *os.File
}

func newServer(c *Cluster, name string, o options) *Server {
	s := &Server{cluster: c, name: name, dir: filepath.Join(c.dir, name), settings: map[string]string{
		"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "max_connections": "200", "max_prepared_transactions": "100",
		"shared_buffers": "16MB", "fsync": "off", "full_page_writes": "off", "timezone": "UTC", "log_timezone": "UTC",
		"max_wal_senders": "8", "wal_level": "replica", "autovacuum_naptime": "10min",
	}}
	if o.durable {
		s.settings["fsync"], s.settings["full_page_writes"] = "on", "on"
	}
	if c.inst.place(o.durable) != "" {
		s.settings["max_wal_size"] = "256MB" // the folder may have little room
	}
	for k, v := range o.settings {
		s.settings[k] = v
	}
	for k, v := range o.on[name] {
		s.settings[k] = v
	}
	return s
}

// Name is the server's name, which is its shard's.
func (s *Server) Name() string { return s.name }

// Host is the address that the server listens on.
func (s *Server) Host() string { return "127.0.0.1" }

// Port is the port that the server listens on. It stays the same when the server
// is restarted.
func (s *Server) Port() int { return s.port.Number }

// DataDir is the server's data folder.
func (s *Server) DataDir() string { return s.dir }

// DSN leads to the server's database "postgres", as superuser. psql takes it too.
func (s *Server) DSN() string { return s.Database("postgres") }

// Database is a DSN for another database of the server.
func (s *Server) Database(name string) string {
	at := net.JoinHostPort(s.Host(), strconv.Itoa(s.port.Number))
	return fmt.Sprintf("postgres://%s@%s/%s?sslmode=disable", superuser, at, name)
}

// CreateDatabase makes a database and returns its DSN.
func (s *Server) CreateDatabase(ctx context.Context, name string) (string, error) {
	conn, err := pgx.Connect(ctx, s.DSN())
	if err != nil {
		return "", err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize())
	return s.Database(name), err
}

// Configure changes a setting for the next start.
func (s *Server) Configure(name, value string) { s.settings[name] = value }

// supervisor runs the server for as long as its own standard input is open: when
// the process that started it dies, the pipe ends, and the server with it.
const supervisor = `trap '' INT TERM HUP
"$@" </dev/null & pid=$!
(read -r _ <&3; : >"$XATEST_DIR.orphan"; kill -QUIT $pid; sleep 5; kill -KILL $pid) 2>/dev/null & watch=$!
exec 3<&-
wait $pid; rc=$?
kill -KILL $watch 2>/dev/null
if [ -e "$XATEST_DIR.orphan" ]; then
	rm -rf -- "$XATEST_DIR" "$XATEST_DIR.orphan" "$XATEST_DIR.log"
	rmdir -- "$XATEST_PARENT" 2>/dev/null
fi
exit $rc`

// Start starts the server and waits until it answers.
func (s *Server) Start(ctx context.Context) error {
	const tries = 5
	for try := 1; ; try++ {
		if s.port == nil {
			port, err := HoldPort()
			if err != nil {
				return err
			}
			s.port = port
		}
		err := s.launch(ctx)
		if err == nil {
			s.ran = true
			return nil
		}
		if try == tries || !errors.Is(err, errTaken) && !strings.Contains(s.LogTail(20), "Address already in use") {
			return err
		}
		if s.ran {
			time.Sleep(time.Second) // who has it may leave again
			continue
		}
		_ = s.port.Release()
		s.port = nil
	}
}

// errTaken says that somebody else has the server's port.
var errTaken = errors.New("another server listens on its port")

func (s *Server) launch(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd != nil {
		return errors.New("xatest: server " + s.name + " is running")
	}
	log, err := os.OpenFile(s.dir+".log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	args := []string{"-c", supervisor, "sh", filepath.Join(s.cluster.inst.bin, "postgres"), "-D", s.dir, "-p", strconv.Itoa(s.port.Number)}
	for k, v := range s.settings {
		args = append(args, "-c", k+"="+v)
	}
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	cmd := s.cluster.inst.command(context.Background(), "sh", args...)
	cmd.Env = append(cmd.Env, "XATEST_DIR="+s.dir, "XATEST_PARENT="+s.cluster.dir)
	cmd.SysProcAttr.Setpgid = true
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = []*os.File{r}
	if err := cmd.Start(); err != nil {
		return errors.Join(err, r.Close(), w.Close(), log.Close())
	}
	_ = r.Close()
	s.cmd, s.leash, s.log, s.exited = cmd, w, log, make(chan struct{})
	go func(done chan struct{}) {
		_ = cmd.Wait()
		close(done)
	}(s.exited)
	if err := s.ready(ctx); err != nil {
		s.stopLocked(context.WithoutCancel(ctx), syscall.SIGQUIT)
		return fmt.Errorf("xatest: server %s did not start: %w\n%s", s.name, err, s.LogTail(20))
	}
	return nil
}

// ready waits until the server takes connections.
func (s *Server) ready(ctx context.Context) error {
	for {
		attempt, cancel := context.WithTimeout(ctx, 2*time.Second)
		conn, err := pgx.Connect(attempt, s.DSN())
		cancel()
		if err == nil {
			var dir string
			err = conn.QueryRow(ctx, "SHOW data_directory").Scan(&dir)
			if err == nil && !same(dir, s.dir) {
				err = errTaken
			}
			if cerr := conn.Close(ctx); err == nil || errors.Is(err, errTaken) {
				return errors.Join(err, cerr)
			}
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-s.exited:
			return errors.New("it ended")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// same reports whether two names are one folder's.
func same(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}

// Mode of stopping a server.
type Mode syscall.Signal

// The modes, as pg_ctl calls them.
const (
	Smart     = Mode(syscall.SIGTERM) // waits until all clients have left
	Fast      = Mode(syscall.SIGINT)  // ends the sessions, and stops in order
	Immediate = Mode(syscall.SIGQUIT) // stops at once, as in a crash
)

// Stop stops the server. Stopping one that does not run does nothing.
func (s *Server) Stop(ctx context.Context, mode Mode) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stopLocked(ctx, syscall.Signal(mode))
}

func (s *Server) stopLocked(ctx context.Context, sig syscall.Signal) error {
	if s.cmd == nil {
		return nil
	}
	if pid, err := s.pid(); err == nil {
		_ = thaw(pid)
		_ = syscall.Kill(pid, sig)
	}
	select {
	case <-s.exited:
	case <-ctx.Done():
		return ctx.Err()
	case <-s.kill(sig):
		<-s.exited
	}
	err := errors.Join(s.leash.Close(), s.log.Close())
	s.cmd, s.leash, s.log = nil, nil, nil
	return err
}

// kill ends a server that does not stop at once though it was told to.
func (s *Server) kill(sig syscall.Signal) <-chan struct{} {
	done := make(chan struct{})
	if sig != syscall.SIGQUIT {
		return done
	}
	exited, group := s.exited, s.cmd.Process.Pid
	go func() {
		select {
		case <-exited:
		case <-time.After(5 * time.Second):
			_ = syscall.Kill(-group, syscall.SIGKILL)
		}
		close(done)
	}()
	return done
}

// Restart stops the server and starts it again.
func (s *Server) Restart(ctx context.Context, mode Mode) error {
	if err := s.Stop(ctx, mode); err != nil {
		return err
	}
	return s.Start(ctx)
}

// pid is the postmaster's.
func (s *Server) pid() (int, error) {
	b, err := os.ReadFile(filepath.Join(s.dir, "postmaster.pid"))
	if err != nil {
		return 0, err
	}
	first, _, _ := strings.Cut(string(b), "\n")
	return strconv.Atoi(strings.TrimSpace(first))
}

// LogTail is the end of the server's log.
func (s *Server) LogTail(lines int) string {
	b, err := os.ReadFile(s.dir + ".log")
	if err != nil {
		return err.Error()
	}
	all := bytes.Split(bytes.TrimSpace(b), []byte("\n"))
	return string(bytes.Join(all[max(0, len(all)-lines):], []byte("\n")))
}
