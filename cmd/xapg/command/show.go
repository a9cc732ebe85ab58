package command

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/xapg/xapg/xadriver"
)

func showCommand(o *output) *cobra.Command {
	return &cobra.Command{
		Use: "show [DSN] ID", Short: "all that is known of one transaction", Args: cobra.RangeArgs(1, 2),
		Long: "show tells all that is known of one transaction, also when it is over, for as long as the log keeps its decision.\n" +
			"ID may be the beginning of an id, if no other begins so.",
		RunE: func(cmd *cobra.Command, args []string) error {
			c, args, err := o.open(args)
			if err != nil {
				return err
			}
			defer c.Close()
			if len(args) != 1 {
				return &status{exitUsage, errors.New("say which transaction: xapg txns show DSN ID")}
			}
			id, err := c.Find(cmd.Context(), args[0])
			if err != nil {
				return &status{codeOfFind(err), err}
			}
			t, err := c.Transaction(cmd.Context(), id)
			if err != nil {
				return &status{codeOfFind(err), err}
			}
			if o.json {
				err = o.print(t, "", nil)
			} else {
				err = o.show(t)
			}
			switch {
			case err != nil:
				return err
			case len(t.Problems) > 0:
				return exit(exitUnreachable, nil)
			case !t.Finished:
				return exit(exitProblem, nil)
			default:
				return nil
			}
		},
	}
}

// codeOfFind tells an id that is not known from a log that cannot be read.
func codeOfFind(err error) int {
	var unknown *xadriver.UnknownTransactionError
	switch {
	case errors.As(err, &unknown):
		return exitProblem
	case errors.Is(err, xadriver.ErrNoTransactionID):
		return exitUsage
	default:
		return exitUnreachable
	}
}

const clock = "2006-01-02 15:04:05.000 UTC"

func at(t time.Time) string { return t.UTC().Format(clock) }

func (o *output) show(t *xadriver.Transaction) error {
	lines := []string{
		row("transaction", t.ID),
		row("began", fmt.Sprintf("%s, by its coordinator's clock", at(t.Began))),
		row("coordinator", orNone(t.Coordinator)),
	}
	switch {
	case t.DecidedAt != nil:
		lines = append(lines, row("decided", fmt.Sprintf("%s at %s by %s", t.Decision, at(*t.DecidedAt), t.DecidedBy)))
	default:
		lines = append(lines, row("decided", "not yet"))
	}
	for _, p := range t.Parts {
		text := string(p.State)
		if p.State == xadriver.PartPrepared {
			text += " for " + age(p.Age) + " as " + p.GID
		}
		if p.Vote != "" {
			text += ", vote at " + p.Vote
		}
		if p.Problem != "" {
			text += ": " + p.Problem
		}
		lines = append(lines, row("shard "+p.Shard, text))
	}
	for _, f := range t.Forced {
		lines = append(lines, row("forced", fmt.Sprintf("to %s at %s on %s by %s: %s", f.Outcome, at(f.At), f.Shard, f.Who, f.Why)))
	}
	if t.Finished {
		lines = append(lines, row("finished", "every shard has carried it out"))
	}
	if t.WaitsFor != "" {
		lines = append(lines, row("waits for", t.WaitsFor))
	}
	for _, p := range t.Problems {
		lines = append(lines, row("problem", p))
	}
	return o.print(nil, "", lines)
}
