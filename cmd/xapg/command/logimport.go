package command

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/xapg/xapg/txlog"
)

func importCommand(*output) *cobra.Command {
	return &cobra.Command{
		Use: "import FILE LOG", Short: "begin a decision log with what was exported", Args: cobra.ExactArgs(2),
		Long: "import begins a new log with what export wrote to FILE (- is the standard input). LOG is what goes into log=,\n" +
			"such as sqlite:PATH or postgres://USER@HOST/DATABASE. There must be no log yet.",
		RunE: func(cmd *cobra.Command, args []string) error {
			in, err := input(cmd, args[0])
			if err != nil {
				return err
			}
			defer in.Close()
			contents, err := txlog.ReadContents(in)
			if err != nil {
				return &status{exitProblem, err}
			}
			log, err := txlog.Open(cmd.Context(), args[1], txlog.OpenOptions{Cluster: contents.Identity.Cluster, By: by(), Contents: &contents})
			if err != nil {
				return &status{codeOfLog(err), fmt.Errorf("nothing was imported: %w", err)}
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "log %s of cluster %s is now in %s: compare it with the file (xapg log verify) and restart the applications with it\n",
				log.Identity().ID, log.Identity().Cluster, txlog.Redact(args[1]))
			return log.Close()
		},
	}
}

func input(cmd *cobra.Command, file string) (io.ReadCloser, error) {
	if file == "-" {
		return io.NopCloser(cmd.InOrStdin()), nil
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, &status{exitUsage, err}
	}
	return f, nil
}

// codeOfLog is the status for a log that was not opened.
func codeOfLog(err error) int {
	var url *txlog.URLError
	var foreign *txlog.ForeignError
	switch {
	case errors.As(err, &url):
		return exitUsage
	case errors.As(err, &foreign):
		return exitProblem
	default:
		return exitUnreachable
	}
}
