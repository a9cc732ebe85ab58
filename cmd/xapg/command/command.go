// Package command is what the program xapg does: it looks after a cluster of
// shards from outside the applications that use it.
//
// It is a package of its own so that a program that links another store of
// decision logs can be such a command, too: it imports the store and calls Main.
package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// Exit statuses.
const (
	exitOK = iota
	exitProblem
	exitUsage
	exitUnreachable
)

// status is an error that says with which status to exit.
type status struct {
	code int
	err  error
}

func (s *status) Error() string {
	if s.err == nil {
		return ""
	}
	return s.err.Error()
}

func (s *status) Unwrap() error { return s.err }

func exit(code int, err error) error {
	if code == exitOK && err == nil {
		return nil
	}
	return &status{code, err}
}

// Main runs the command that the arguments (without the program's name) say, and
// returns the status to exit with. SIGINT and SIGTERM end it.
func Main(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return run(ctx, args, stdout, stderr)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	cmd := newCommand(stdout)
	cmd.SetArgs(args)
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)
	err := cmd.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	var s *status
	if !errors.As(err, &s) {
		s = &status{code: exitUsage, err: err}
	}
	if s.err != nil {
		fmt.Fprintln(stderr, s.err)
	}
	return s.code
}

func newCommand(out io.Writer) *cobra.Command {
	o := &output{w: out}
	root := &cobra.Command{
		Use: "xapg", Short: "look after a cluster of xapg", SilenceErrors: true, SilenceUsage: true,
		Long: "xapg looks after a cluster of PostgreSQL servers that applications use through the Go driver xapg.\n\n" +
			"DSN is what the application opens: the path of a configuration file, or keywords.\nThe environment variable XAPG_DSN stands in for it.\n\n" +
			"Exit status: 0 all is well; 1 something is wrong, or in doubt, or refused; 2 the command or the\nconfiguration cannot be understood; 3 a shard or the log cannot be reached.",
	}
	root.PersistentFlags().BoolVar(&o.json, "json", false, "print JSON")
	root.PersistentFlags().StringVar(&o.dsn, "dsn", os.Getenv("XAPG_DSN"), "the cluster, instead of the first argument")
	root.AddCommand(checkCommand(o), routeCommand(o), txnsCommand(o), locksCommand(o), resolveCommand(o))
	root.AddCommand(logCommand(o))
	return root
}
