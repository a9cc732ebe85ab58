// Command xapg is for those who operate a cluster of xapg.
//
//	xapg check DSN            can every shard do its part?
//	xapg route DSN SQL [ARG…] where would a statement go, and why?
//	xapg txns DSN             which transactions are in doubt?
//	xapg resolve DSN          finish them
//
// DSN is what the application opens: the path of a configuration file, or
// keywords; the environment variable XAPG_DSN stands in for it. Output is a table,
// or JSON with --json.
//
// Exit status: 0 all is well; 1 something is wrong, or in doubt, or the statement
// is refused; 2 the command or the configuration cannot be understood; 3 a shard
// or the log cannot be reached.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"

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

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
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
	root.AddCommand(checkCommand(o), routeCommand(o), txnsCommand(o), resolveCommand(o))
	return root
}
