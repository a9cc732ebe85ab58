package command

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/xapg/xapg/txlog"
)

const verifyText = `verify compares two logs: their identity, their openings and every record. FIRST and SECOND are files that export has
written, or what goes into log=. Openings that only the second has are no difference: looking at a log leaves one.`

// verifying is a comparison of two logs.
type verifying struct {
	*output
	cluster string
}

func verifyCommand(o *output) *cobra.Command {
	v := &verifying{output: o}
	cmd := &cobra.Command{
		Use: "verify FIRST SECOND", Short: "compare two decision logs", Long: verifyText, Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error { return v.run(cmd, args) },
	}
	cmd.Flags().StringVar(&v.cluster, "cluster", "", "whose logs they are; needed when none of them is a file")
	return cmd
}

func (v *verifying) run(cmd *cobra.Command, args []string) error {
	var logs [2]txlog.Contents
	isFile := [2]bool{}
	for i, arg := range args {
		if isFile[i] = txlog.CheckURL(arg) != nil; !isFile[i] {
			continue
		}
		in, err := input(cmd, arg)
		if err != nil {
			return notLog(arg, err)
		}
		defer in.Close()
		if logs[i], err = txlog.ReadContents(in); err != nil {
			return &status{exitProblem, fmt.Errorf("%s: %w", arg, err)}
		}
		if v.cluster == "" {
			v.cluster = logs[i].Identity.Cluster
		}
	}
	if v.cluster == "" {
		return &status{exitUsage, errors.New("say whose logs they are: --cluster NAME")}
	}
	for i, arg := range args {
		if isFile[i] {
			continue
		}
		log, err := txlog.Open(cmd.Context(), arg, txlog.OpenOptions{Cluster: v.cluster, By: by(), Sealed: true})
		if err != nil {
			return &status{codeOfLog(err), err}
		}
		defer log.Close()
		logs[i] = txlog.ContentsOf(cmd.Context(), log)
	}
	c, err := txlog.Compare(logs[0], logs[1])
	if err != nil {
		return &status{exitProblem, err}
	}
	return v.report(c)
}

// notLog explains an argument that is neither a file nor the URL of a log.
func notLog(arg string, err error) error {
	if errors.Is(err, os.ErrNotExist) {
		if strings.Contains(arg, "://") {
			arg = txlog.Redact(arg)
		}
		return &status{exitUsage, fmt.Errorf("%s is neither a file nor a log: %w", arg, txlog.CheckURL(arg))}
	}
	return err
}

func (v *verifying) report(c txlog.Comparison) error {
	if v.json {
		if err := v.print(c, "", nil); err != nil {
			return err
		}
	} else {
		lines := []string{row("records", c.Records[0], c.Records[1]), row("openings", c.Openings[0], c.Openings[1])}
		if err := v.print(nil, row("", "FIRST", "SECOND"), lines); err != nil {
			return err
		}
		for _, d := range c.Differences {
			fmt.Fprintln(v.w, d)
		}
	}
	if c.Total > 0 {
		return exit(exitProblem, fmt.Errorf("%d differences", c.Total))
	}
	return nil
}
