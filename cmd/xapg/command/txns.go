package command

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/xapg/xapg/xadriver"
)

func txnsCommand(o *output) *cobra.Command {
	cmd := &cobra.Command{
		Use: "txns [DSN]", Short: "which transactions are in doubt?", Args: cobra.MaximumNArgs(1),
		Long: "txns lists the transactions of the cluster's log that are prepared on some shard, or decided and not finished\n" +
			"everywhere, whoever coordinates them: commits that are under way at this moment are among them. So are those that\n" +
			"another log of the cluster decides, such as one that was lost. When the log cannot be opened, it lists what is prepared.",
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := o.only(args)
			if err != nil {
				return err
			}
			list, problem := inDoubt(cmd.Context(), cfg)
			lines := make([]string, len(list))
			for i, t := range list {
				lines[i] = row(t.ID, age(t.Age), orNone(t.Coordinator), decided(&t), shards(&t, xadriver.PartPrepared), shards(&t, xadriver.PartFinished),
					shards(&t, xadriver.PartUnreachable), t.WaitsFor)
			}
			header := row("TRANSACTION", "AGE", "COORDINATOR", "DECISION", "PREPARED", "FINISHED", "UNREACHABLE", "WAITS FOR")
			if err := o.print(list, header, lines); err != nil {
				return err
			}
			switch {
			case problem != nil:
				return &status{exitUnreachable, problem}
			case len(list) > 0:
				return &status{exitProblem, fmt.Errorf("%d in doubt", len(list))}
			default:
				return nil
			}
		},
	}
	cmd.AddCommand(showCommand(o), lostCommand(o), ackCommand(o))
	return cmd
}

// inDoubt lists what is in doubt by the cluster's log, and what other logs of the
// cluster have left. When the log cannot be opened, everything is of that kind.
func inDoubt(ctx context.Context, cfg *xadriver.Config) ([]xadriver.InDoubt, error) {
	c, err := connect(cfg)
	if err != nil {
		list, unreachable := xadriver.Orphans(ctx, *cfg)
		return list, errors.Join(err, unreachable)
	}
	defer c.Close()
	list, err := c.InDoubt(ctx)
	others, again := c.Orphans(ctx)
	if err == nil {
		err = again
	}
	return append(list, others...), err
}

func age(d time.Duration) string {
	if d == 0 {
		return "-"
	}
	return d.Round(time.Millisecond).String()
}

func orNone(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// decided says what was decided and by whom, when that is not the coordinator.
func decided(t *xadriver.InDoubt) string {
	if t.DecidedBy == "" || t.DecidedBy == t.Coordinator {
		return t.Decision
	}
	return t.Decision + " (by " + t.DecidedBy + ")"
}

func shards(t *xadriver.InDoubt, state xadriver.PartState) string {
	var list []string
	for _, p := range t.Parts {
		if p.State == state {
			list = append(list, p.Shard)
		}
	}
	return orNone(strings.Join(list, ","))
}
