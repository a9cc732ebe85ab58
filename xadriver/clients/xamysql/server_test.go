package xamysql_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/xapg/xapg/xadriver/xatest"
)

// server is a MariaDB or MySQL of the tests' own, on a free port of the loopback,
// with a temporary data directory. Anybody on this machine may use it while the
// tests run: it has no users.
type server struct {
	program string
	maria   bool
	dir     string
	port    *xatest.Port
	owner   *syscall.Credential
	cmd     *exec.Cmd
	exited  chan struct{}
}

// programs are what a server's program is called, and where it is kept out of PATH.
var programs = []string{"mariadbd", "mysqld", "/usr/sbin/mariadbd", "/usr/sbin/mysqld", "/usr/libexec/mysqld", "/usr/local/bin/mariadbd", "/usr/local/bin/mysqld"}

var errNoProgram = errors.New("no MySQL or MariaDB server is installed here (mariadbd or mysqld; on Debian: apt-get install mariadb-server-core)")

// startServer makes a data directory and starts a server on it.
func startServer() (*server, error) {
	s := &server{}
	for _, p := range programs {
		if path, err := exec.LookPath(p); err == nil {
			s.program = path
			break
		}
	}
	if s.program == "" {
		return nil, errNoProgram
	}
	version, err := exec.Command(s.program, "--no-defaults", "--version").CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.program, err)
	}
	s.maria = bytes.Contains(bytes.ToLower(version), []byte("mariadb"))
	if s.dir, err = os.MkdirTemp("", "xapg-mysql-"); err != nil {
		return nil, err
	}
	if err := s.initialize(); err != nil {
		return nil, errors.Join(err, s.remove())
	}
	if s.port, err = xatest.HoldPort(); err != nil {
		return nil, errors.Join(err, s.remove())
	}
	if err := s.start(); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

// command runs the program, as a user who owns nothing else where the tests run as
// root, and for no longer than the tests.
func (s *server) command(more ...string) *exec.Cmd {
	cmd := exec.Command(s.program, append([]string{"--no-defaults", "--datadir=" + filepath.Join(s.dir, "data"), "--innodb-buffer-pool-size=32M"}, more...)...)
	cmd.SysProcAttr = dieWithParent()
	if s.owner != nil {
		cmd.SysProcAttr.Credential = s.owner
	}
	return cmd
}

func (s *server) initialize() error {
	data := filepath.Join(s.dir, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		return err
	}
	if os.Geteuid() == 0 {
		nobody, err := user.Lookup("nobody")
		if err != nil {
			return err
		}
		uid, _ := strconv.Atoi(nobody.Uid)
		gid, _ := strconv.Atoi(nobody.Gid)
		if err := errors.Join(os.Chown(data, uid, gid), os.Chown(s.dir, uid, gid)); err != nil {
			return err
		}
		s.owner = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	cmd := s.command("--initialize-insecure")
	if s.maria {
		cmd = s.command("--bootstrap")
		cmd.Stdin = strings.NewReader("CREATE DATABASE mysql;\nCREATE DATABASE test;\n")
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("making a data directory: %w: %s", err, out)
	}
	return nil
}

// start runs the program until it answers.
func (s *server) start() error {
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	args := []string{"--port=" + strconv.Itoa(s.port.Number), "--bind-address=127.0.0.1", "--socket=" + filepath.Join(s.dir, "data", "s"),
		"--pid-file=" + filepath.Join(s.dir, "data", "pid"), "--skip-grant-tables", "--skip-name-resolve", "--skip-log-bin", "--character-set-server=utf8mb4"}
	if !s.maria {
		args = append(args, "--skip-networking=0", "--mysqlx=0") // without users, MySQL does not listen unless it is told to
	}
	s.cmd = s.command(args...)
	s.cmd.Stdout, s.cmd.Stderr = log, log
	if err := s.cmd.Start(); err != nil {
		return err
	}
	s.exited = make(chan struct{})
	go func(cmd *exec.Cmd, exited chan struct{}) {
		_ = cmd.Wait()
		close(exited)
	}(s.cmd, s.exited)
	db, err := sql.Open("mysql", s.dsn("", ""))
	if err != nil {
		return err
	}
	defer db.Close()
	for deadline := time.Now().Add(time.Minute); ; {
		err := db.Ping()
		if err == nil {
			return nil
		}
		select {
		case <-s.exited:
			return fmt.Errorf("%s ended at once: %s", s.program, s.said())
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s does not answer: %w: %s", s.program, err, s.said())
		}
	}
}

func (s *server) said() string {
	text, _ := os.ReadFile(filepath.Join(s.dir, "log"))
	return string(text[max(0, len(text)-2000):])
}

// kill ends the server without a word, as a crash would.
func (s *server) kill() {
	if s.cmd != nil && s.cmd.Process != nil {
		_ = s.cmd.Process.Signal(syscall.SIGKILL)
		<-s.exited
	}
}

func (s *server) stop() error {
	s.kill()
	return s.remove()
}

func (s *server) remove() error { return errors.Join(s.port.Release(), os.RemoveAll(s.dir)) }

// dsn is a data source name of the MySQL driver.
func (s *server) dsn(database, parameters string) string {
	return fmt.Sprintf("root@tcp(127.0.0.1:%d)/%s?%s", s.port.Number, database, parameters)
}

// Main's server, which the tests share; each test has a database of its own.
var (
	shared  *server
	failure error
)

// mysqlDB opens a new database on the shared server.
func mysqlDB(t testing.TB, parameters string) (db *sql.DB, name string) {
	t.Helper()
	switch {
	case errors.Is(failure, errNoProgram):
		t.Skip(failure)
	case failure != nil:
		t.Fatal(failure)
	}
	name = fmt.Sprintf("t%d", time.Now().UnixNano())
	admin := openMySQL(t, shared.dsn("", ""))
	if _, err := admin.ExecContext(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	return openMySQL(t, shared.dsn(name, parameters)), name
}

func openMySQL(t testing.TB, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// quiet keeps the MySQL driver from logging connections that tests break.
type quiet struct{}

func (quiet) Print(...any) {}

func init() { _ = mysql.SetLogger(quiet{}) }

// prepared lists everything that is prepared on a server, as its data.
func prepared(t *testing.T, db *sql.DB) (list []string) {
	t.Helper()
	rows, err := db.QueryContext(context.Background(), "XA RECOVER")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var format, gtrid, bqual int
		var data string
		if err := rows.Scan(&format, &gtrid, &bqual, &data); err != nil {
			t.Fatal(err)
		}
		list = append(list, data)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(list)
	return list
}
