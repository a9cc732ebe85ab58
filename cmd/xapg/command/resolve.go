package command

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/xapg/xapg/xadriver"
)

const resolveText = `resolve looks at every shard once. What is decided it finishes; what is undecided and older than --older-than
(resolve_after, unless said) it rolls back, after storing that decision in the log, so that no coordinator can decide
otherwise. With IDs it does so for these transactions only. A younger one may have a coordinator at work: --yes rolls
it back all the same, which is safe, and tells the coordinator's application that it was rolled back.

With --watch it goes on until SIGINT or SIGTERM: a backup for applications on hosts that come and go.

With --force it ends a transaction whose log is lost. The shards are searched for what they can prove; what
contradicts that is refused, and what nothing proves needs --yes-i-have-looked. Who did it and why is kept on every
shard, in _xapg.forced.`

// resolving holds the flags of resolve.
type resolving struct {
	*output
	age   time.Duration
	yes   bool
	watch watching
	force forcing
}

func resolveCommand(o *output) *cobra.Command {
	r := &resolving{output: o}
	cmd := &cobra.Command{
		Use: "resolve [DSN] [ID…]", Short: "finish the transactions in doubt", Long: resolveText,
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, args, err := o.config(args)
			switch {
			case err != nil:
				return err
			case r.watch.on && (r.force.outcome != "" || len(args) > 0):
				return &status{exitUsage, errors.New("--watch resolves whatever is in doubt: it takes no transactions and does not --force")}
			case r.watch.on:
				return r.watch.run(cmd, cfg)
			case r.force.outcome != "":
				return r.force.run(cmd, o, cfg, args)
			}
			if !cmd.Flags().Changed("older-than") {
				r.age = cfg.ResolveAfter
			}
			return r.once(cmd, cfg, args)
		},
	}
	flags := cmd.Flags()
	flags.DurationVar(&r.age, "older-than", 0, "leave younger ones to their coordinators (default: the setting resolve_after)")
	flags.BoolVar(&r.yes, "yes", false, "with IDs: also those that are so young that their coordinators may be at work")
	r.watch.flags(cmd)
	r.force.flags(cmd)
	return cmd
}

func (r *resolving) once(cmd *cobra.Command, cfg *xadriver.Config, args []string) error {
	c, err := connect(cfg)
	if err != nil {
		return err
	}
	defer c.Close()
	if len(args) == 0 {
		list, err := c.Resolve(cmd.Context(), r.age)
		if err != nil {
			return err
		}
		return r.resolutions(list)
	}
	if r.yes {
		r.age = 0
	}
	ids := make([]uuid.UUID, len(args))
	for i, a := range args {
		if ids[i], err = c.Find(cmd.Context(), a); err != nil {
			return &status{codeOfFind(err), err}
		}
	}
	list, err := c.ResolveTxns(cmd.Context(), r.age, ids...)
	if err != nil {
		return &status{exitUnreachable, err}
	}
	if err := r.resolutions(list); err != nil {
		return err
	}
	for _, l := range list {
		if len(l.Committed)+len(l.RolledBack) > 0 {
			return nil
		}
	}
	for _, id := range ids { // nothing was done: was there anything to do?
		if _, err := c.Transaction(cmd.Context(), id); err != nil {
			return &status{codeOfFind(err), err}
		}
	}
	return nil
}

func (o *output) resolutions(list []xadriver.Resolution) error {
	code, young := exitOK, 0
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
		young += r.Young
		lines = append(lines, row(r.Shard, len(r.Committed), len(r.RolledBack), r.Young, note))
	}
	if err := o.print(list, row("SHARD", "COMMITTED", "ROLLED BACK", "TOO YOUNG", "NOTE"), lines); err != nil {
		return err
	}
	if young > 0 {
		return exit(code, fmt.Errorf("%d parts are so young that a coordinator may be at work on them: wait, or say --older-than 0s", young))
	}
	return exit(code, nil)
}
