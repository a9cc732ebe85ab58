package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/spf13/cobra"

	"github.com/xapg/xapg/xadriver"
)

func checkCommand(o *output) *cobra.Command {
	var rows bool
	cmd := &cobra.Command{
		Use: "check [DSN]", Short: "can every shard do its part?", Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, _, err := o.open(args)
			if err != nil {
				return err
			}
			defer c.Close()
			list, err := c.Check(cmd.Context(), rows)
			if err != nil {
				return err
			}
			code := exitOK
			lines := make([]string, len(list))
			for i, f := range list {
				verdict := "ok"
				if !f.OK {
					verdict = "WRONG"
					code = max(code, exitProblem)
					if f.What == "reachable" {
						code = exitUnreachable
					}
				}
				lines[i] = row(f.Shard, f.What, verdict, f.Note)
			}
			if err := o.print(list, row("SHARD", "WHAT", "", "NOTE"), lines); err != nil {
				return err
			}
			return exit(code, nil)
		},
	}
	cmd.Flags().BoolVar(&rows, "rows", false, "also count rows that are on the wrong shard (reads all hash-sharded tables)")
	return cmd
}

func exit(code int, err error) error {
	if code == exitOK && err == nil {
		return nil
	}
	return &status{code, err}
}

func routeCommand(o *output) *cobra.Command {
	return &cobra.Command{
		Use: "route [DSN] SQL [ARG…]", Short: "where would a statement go, and why?", Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, args, err := o.open(args)
			if err != nil {
				return err
			}
			defer c.Close()
			if len(args) == 0 {
				return &status{exitUsage, errors.New("say which statement: xapg route DSN SQL [ARG…]")}
			}
			values := make([]any, len(args)-1)
			for i, a := range args[1:] {
				values[i] = a
			}
			list, err := c.Route(cmd.Context(), args[0], values...)
			if err != nil {
				return &status{codeOf(err), err}
			}
			if o.json {
				return o.print(list, "", nil)
			}
			for _, r := range list {
				if _, err := fmt.Fprint(o.w, r); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// codeOf tells a statement that is refused from a shard that cannot be asked.
func codeOf(err error) int {
	var (
		connect *pgconn.ConnectError
		state   interface{ SQLState() string }
	)
	switch {
	case errors.As(err, &connect):
		return exitUnreachable
	case errors.As(err, &state):
		return exitProblem
	default:
		return exitUnreachable
	}
}

func txnsCommand(o *output) *cobra.Command {
	return &cobra.Command{
		Use: "txns [DSN]", Short: "which transactions are in doubt?", Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, _, err := o.open(args)
			if err != nil {
				return err
			}
			defer c.Close()
			list, unreachable := c.InDoubt(cmd.Context())
			lines := make([]string, len(list))
			for i, t := range list {
				lines[i] = row(t.ID, t.Age.Round(time.Millisecond), t.Decision, strings.Join(t.Shards, ","), strings.Join(t.GIDs, " "))
			}
			if err := o.print(list, row("TRANSACTION", "AGE", "DECISION", "PREPARED ON", "GIDS"), lines); err != nil {
				return err
			}
			switch {
			case unreachable != nil:
				return &status{exitUnreachable, unreachable}
			case len(list) > 0:
				return &status{exitProblem, fmt.Errorf("%d in doubt", len(list))}
			default:
				return nil
			}
		},
	}
}

func resolveCommand(o *output) *cobra.Command {
	var age time.Duration
	cmd := &cobra.Command{
		Use: "resolve [DSN]", Short: "finish the transactions in doubt", Args: cobra.MaximumNArgs(1),
		Long: "resolve looks at every shard once. What is decided it finishes; what is undecided and older than --older-than\n" +
			"it rolls back, after storing that decision in the log, so that no coordinator can decide otherwise.",
		RunE: func(cmd *cobra.Command, args []string) error {
			c, _, err := o.open(args)
			if err != nil {
				return err
			}
			defer c.Close()
			list, err := c.Resolve(cmd.Context(), age)
			if err != nil {
				return err
			}
			return o.resolutions(list)
		},
	}
	const standard = 10 * time.Second
	cmd.Flags().DurationVar(&age, "older-than", standard, "leave younger ones to their coordinators")
	return cmd
}

func (o *output) resolutions(list []xadriver.Resolution) error {
	code := exitOK
	var lines []string
	for _, r := range list {
		note := r.Problem
		if len(r.Stuck) > 0 {
			note = strings.Join(append([]string{note}, r.Stuck...), " ")
		}
		switch {
		case r.Problem != "":
			code = exitUnreachable
		case len(r.Stuck) > 0 || r.Young > 0:
			code = max(code, exitProblem)
		}
		lines = append(lines, row(r.Shard, len(r.Committed), len(r.RolledBack), r.Young, note))
	}
	if err := o.print(list, row("SHARD", "COMMITTED", "ROLLED BACK", "TOO YOUNG", "NOTE"), lines); err != nil {
		return err
	}
	return exit(code, nil)
}
