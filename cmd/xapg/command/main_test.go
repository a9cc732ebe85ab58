package command

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"github.com/xapg/xapg/xadriver"
)

// What this test's program does when a test starts it: it is the command, or a
// coordinator that is killed.
const (
	asCommand     = "XAPG_TEST_COMMAND"     // the arguments, separated by newlines
	asCoordinator = "XAPG_TEST_COORDINATOR" // the DSN
	diesAt        = "XAPG_TEST_DIES_AT"     // a point of the protocol, with the shard's name after a slash
)

func TestMain(m *testing.M) {
	if args := os.Getenv(asCommand); args != "" {
		os.Exit(Main(strings.Split(args, "\n"), os.Stdout, os.Stderr))
	}
	if dsn := os.Getenv(asCoordinator); dsn != "" {
		fmt.Println(coordinate(dsn, os.Getenv(diesAt)))
		os.Exit(3)
	}
	code := m.Run()
	if shared != nil {
		_ = shared.Close()
	}
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, "leaked:", err)
			code = 1
		}
	}
	os.Exit(code)
}

// coordinate pays on two shards, and dies on the way.
func coordinate(dsn, at string) error {
	cfg, err := xadriver.ParseDSN(dsn)
	if err != nil {
		return err
	}
	cfg.OnStep = func(s xadriver.Step) {
		if point := string(s.Point); point == at || point+"/"+s.Shard == at {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	cfg.NoResolver = true
	c, err := xadriver.NewConnector(*cfg)
	if err != nil {
		return err
	}
	tx, err := sql.OpenDB(c).BeginTx(context.Background(), nil)
	if err != nil {
		return err
	}
	for _, owner := range []string{"Alice", "Bob"} {
		if _, err := tx.Exec("INSERT INTO accounts VALUES ($1)", owner); err != nil {
			return err
		}
	}
	return tx.Commit()
}
