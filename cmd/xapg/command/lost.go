package command

import (
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/xapg/xapg/xadriver"
)

func lostCommand(o *output) *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use: "lost [DSN]", Short: "which committed transactions has a failover lost?", Args: cobra.MaximumNArgs(1),
		Long: "lost lists transactions that are committed, and that a shard had voted for and then lost, because a standby took over that\n" +
			"did not have the vote. On the other shards they are committed. Repair the data, then acknowledge each: xapg txns ack.",
		RunE: func(cmd *cobra.Command, args []string) error {
			c, args, err := o.open(args)
			if err != nil {
				return err
			}
			defer c.Close()
			if len(args) > 0 {
				return &status{exitUsage, fmt.Errorf("%q is one argument too many", args[0])}
			}
			list, unreachable := c.Lost(cmd.Context(), all)
			lines := make([]string, len(list))
			open := 0
			for i, l := range list {
				certain, acked := "yes", "-"
				if !l.Certain {
					certain = "cannot be told"
				}
				if l.Acked.IsZero() {
					open++
				} else {
					acked = fmt.Sprintf("%s by %s: %s", at(l.Acked), l.AckedBy, l.AckedWhy)
				}
				lines[i] = row(l.ID, l.Shard, certain, strings.Join(l.Others, ","), at(l.Decided), l.Vote, orNone(l.LeftAt), acked)
			}
			if err := o.print(list, row("TRANSACTION", "LOST ON", "CERTAIN", "COMMITTED ON", "DECIDED", "VOTE", "LEFT AT", "ACKNOWLEDGED"), lines); err != nil {
				return err
			}
			switch {
			case unreachable != nil:
				return &status{exitUnreachable, unreachable}
			case open > 0:
				return &status{exitProblem, fmt.Errorf("%d lost", open)}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "those that are acknowledged too")
	return cmd
}

func ackCommand(o *output) *cobra.Command {
	var who, reason string
	cmd := &cobra.Command{
		Use: "ack [DSN] ID --reason TEXT", Short: "the data of a lost transaction are repaired", Args: cobra.RangeArgs(1, 2),
		Long: "ack notes who has taken care of a transaction that a failover has lost (xapg txns lost), and how. It changes no data.",
		RunE: func(cmd *cobra.Command, args []string) error {
			c, args, err := o.open(args)
			if err != nil {
				return err
			}
			defer c.Close()
			if len(args) != 1 {
				return &status{exitUsage, errors.New("say which transaction: xapg txns ack DSN ID --reason TEXT")}
			}
			id, err := uuid.Parse(args[0])
			switch {
			case err != nil:
				return &status{exitUsage, fmt.Errorf("ack takes the whole id of a transaction, not %q", args[0])}
			case strings.TrimSpace(reason) == "":
				return &status{exitUsage, errors.New("say what was done, by --reason: it is kept on the shard")}
			}
			if who == "" {
				who = whoami()
			}
			switch err := c.Acknowledge(cmd.Context(), id, who, reason); {
			case errors.Is(err, xadriver.ErrNotLost):
				return &status{exitProblem, err}
			case err != nil:
				return &status{exitUnreachable, err}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&who, "who", "", "who has taken care of it (default: the user and the host)")
	cmd.Flags().StringVar(&reason, "reason", "", "what was done, for those who come after")
	return cmd
}
