package xatest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"

	embedded "github.com/fergusstrange/embedded-postgres"
)

// installation is where PostgreSQL's programs are, and as whom they run.
type installation struct {
	bin      string
	uid, gid int // -1: as ourselves

	mu        sync.Mutex
	templates map[string]string // by locale
}

var (
	found     *installation
	findMutex sync.Mutex
)

// Environment variables.
const (
	envBin   = "XAPG_PG_BIN"   // the folder of initdb and postgres
	envFetch = "XAPG_PG_FETCH" // 0: never fetch PostgreSQL; 1: always
	envData  = "XAPG_PG_DATA"  // the folder for data that need not be Durable, such as /dev/shm, where they are in memory
)

func find(ctx context.Context, log io.Writer) (*installation, error) {
	findMutex.Lock()
	defer findMutex.Unlock()
	if found != nil {
		return found, nil
	}
	inst := &installation{uid: -1, gid: -1, templates: make(map[string]string)}
	if err := inst.asWhom(); err != nil {
		return nil, err
	}
	bin, err := locate(ctx, log)
	if err != nil {
		return nil, err
	}
	inst.bin = bin
	found = inst
	return inst, nil
}

// asWhom picks an unprivileged user when we are root.
func (i *installation) asWhom() error {
	if os.Getuid() != 0 {
		return nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.Atoi(u.Uid)
		gid, err2 := strconv.Atoi(u.Gid)
		if err1 == nil && err2 == nil && uid != 0 {
			i.uid, i.gid = uid, gid
			return nil
		}
	}
	return errors.New("PostgreSQL does not run as root, and there is neither a user \"postgres\" nor \"nobody\" to run it as: create one (useradd postgres)")
}

// locate finds the folder of initdb and postgres.
func locate(ctx context.Context, log io.Writer) (string, error) {
	complete := func(dir string) bool {
		for _, p := range []string{"initdb", "postgres"} {
			if st, err := os.Stat(filepath.Join(dir, p)); err != nil || st.IsDir() {
				return false
			}
		}
		return true
	}
	if dir := os.Getenv(envBin); dir != "" {
		if !complete(dir) {
			return "", fmt.Errorf("%s=%s: initdb and postgres are not there", envBin, dir)
		}
		return dir, nil
	}
	if os.Getenv(envFetch) != "1" {
		for _, dir := range candidates(ctx) {
			if complete(dir) {
				return dir, nil
			}
		}
	}
	if os.Getenv(envFetch) == "0" {
		return "", fmt.Errorf("PostgreSQL was not found: install it (Debian: apt-get install postgresql), or let %s name the folder of initdb and postgres", envBin)
	}
	dir, err := fetch(log)
	if err != nil {
		return "", fmt.Errorf("PostgreSQL was not found, and could not be fetched: install it (Debian: apt-get install postgresql), or let %s name the folder of initdb and postgres: %w", envBin, err)
	}
	return dir, nil
}

func candidates(ctx context.Context) []string {
	var dirs []string
	if p, err := exec.LookPath("initdb"); err == nil {
		if p, err = filepath.EvalSymlinks(p); err == nil {
			dirs = append(dirs, filepath.Dir(p))
		}
	}
	if out, err := exec.CommandContext(ctx, "pg_config", "--bindir").Output(); err == nil {
		dirs = append(dirs, strings.TrimSpace(string(out)))
	}
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin", "/usr/local/opt/postgresql@*/bin",
		"/Applications/Postgres.app/Contents/Versions/*/bin", "/usr/local/pgsql/bin", "/usr/lib/postgresql*/bin",
	} {
		list, _ := filepath.Glob(pattern)
		slices.SortFunc(list, func(a, b string) int { return version(b) - version(a) })
		dirs = append(dirs, list...)
	}
	return dirs
}

// version is the first number in a path, such as 15 in /usr/lib/postgresql/15/bin.
func version(path string) int {
	digits := strings.FieldsFunc(path, func(r rune) bool { return r < '0' || r > '9' })
	if len(digits) == 0 {
		return 0
	}
	n, _ := strconv.Atoi(digits[0])
	return n
}

// fetch gets PostgreSQL once, into a folder that stays.
func fetch(log io.Writer) (string, error) {
	cache, err := os.UserCacheDir()
	if os.Getuid() == 0 {
		cache, err = "/var/cache/xatest", nil // readable by the user that runs the servers
	}
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "xatest-postgres-"+string(embedded.V15))
	if _, err := os.Stat(filepath.Join(dir, "bin", "postgres")); err == nil {
		return filepath.Join(dir, "bin"), nil
	}
	fmt.Fprintln(log, "xatest: PostgreSQL is not installed: fetching it once, into", dir)
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", err
	}
	fresh, err := os.MkdirTemp(cache, "fetch-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(fresh)
	bin := filepath.Join(fresh, "pg")
	server := embedded.NewDatabase(embedded.DefaultConfig().Version(embedded.V15).
		BinariesPath(bin).RuntimePath(filepath.Join(fresh, "run")).DataPath(filepath.Join(fresh, "data")).
		CachePath(filepath.Join(fresh, "cache")).Logger(io.Discard))
	// Starting is the library's way to fetch. As root the start itself fails, after
	// what we want is there.
	startErr := server.Start()
	if startErr == nil {
		if err := server.Stop(); err != nil {
			return "", err
		}
	}
	if _, err := os.Stat(filepath.Join(bin, "bin", "postgres")); err != nil {
		return "", errors.Join(startErr, err)
	}
	if err := exec.Command("chmod", "-R", "a+rX", fresh).Run(); err != nil {
		return "", err
	}
	if err := os.Rename(bin, dir); err != nil {
		if _, there := os.Stat(filepath.Join(dir, "bin", "postgres")); there != nil {
			return "", err
		}
	}
	return filepath.Join(dir, "bin"), nil
}

// own gives a folder to the servers' user.
func (i *installation) own(dir string) error {
	if i.uid < 0 {
		return nil
	}
	return os.Chown(dir, i.uid, i.gid)
}

// command prepares one of PostgreSQL's programs to run as the servers' user.
func (i *installation) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C", "TZ=UTC", "PGTZ=UTC")
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	if i.uid >= 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(i.uid), Gid: uint32(i.gid)}
		cmd.Dir = "/"
	}
	return cmd
}
