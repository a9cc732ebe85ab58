package command

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/xapg/xapg/xadriver"
)

func locksCommand(o *output) *cobra.Command {
	return &cobra.Command{
		Use: "locks [DSN]", Short: "who waits for whom?", Args: cobra.MaximumNArgs(1),
		Long: "locks lists the sessions that wait for a lock at this moment, on all shards, and for whom they wait, longest first. A\n" +
			"transaction over several shards has the same name on all of them; one of a single shard is called by its shard and\n" +
			"session. Statements are cut short; --json has them whole.\n\n" +
			"Exit status 1 says that some wait for each other in a circle.",
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := o.only(args)
			if err != nil {
				return err
			}
			c, err := connect(cfg)
			if err != nil {
				return err
			}
			defer c.Close()
			list, problem := c.Locks(cmd.Context())
			if list == nil {
				list = []xadriver.Wait{} // JSON says [] for nobody
			}
			circles := 0
			lines := make([]string, len(list))
			for i := range list {
				w := &list[i]
				circles = max(circles, w.Circle)
				lines[i] = row(w.Shard, waited(w.For), w.Waiter.Transaction, session(&w.Waiter), brief(w.Waiter.Statement), orNone(w.Lock),
					w.Blocker.Transaction, session(&w.Blocker), orNone(w.Blocker.State), brief(w.Blocker.Statement), circle(w))
			}
			header := row("SHARD", "FOR", "WAITER", "SESSION", "STATEMENT", "WANTS", "BLOCKER", "SESSION", "STATE", "LAST STATEMENT", "CIRCLE")
			if err := o.print(list, header, lines); err != nil {
				return err
			}
			switch {
			case problem != nil:
				return &status{exitUnreachable, problem}
			case circles > 0:
				return &status{exitProblem, fmt.Errorf("circles of transactions that wait for each other: %d", circles)}
			default:
				return nil
			}
		},
	}
}

func waited(d time.Duration) string {
	if d < time.Second {
		return d.Round(time.Millisecond).String()
	}
	return d.Round(10 * time.Millisecond).String()
}

// session is the server process of a party, and whose it is.
func session(p *xadriver.Party) string {
	if p.PID == 0 {
		return "-"
	}
	s := fmt.Sprint(p.PID)
	if p.Application != "" {
		s += " " + p.Application
	}
	return s
}

// briefly is how much of a statement a table shows.
const briefly = 48

// brief is a statement on one line, cut short.
func brief(statement string) string {
	s := []rune(strings.Join(strings.Fields(statement), " "))
	if len(s) > briefly {
		return string(s[:briefly-1]) + "…"
	}
	return orNone(string(s))
}

func circle(w *xadriver.Wait) string {
	switch {
	case w.Circle == 0:
		return "-"
	case w.Victim:
		return fmt.Sprintf("%d, its victim", w.Circle)
	default:
		return fmt.Sprint(w.Circle)
	}
}
