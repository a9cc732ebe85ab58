package command

import (
	"github.com/spf13/cobra"
)

func checkCommand(o *output) *cobra.Command {
	var rows bool
	cmd := &cobra.Command{
		Use: "check [DSN]", Short: "can every shard do its part?", Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.mayBegin = true // it is what is run before the first start
			cfg, err := o.only(args)
			if err != nil {
				return err
			}
			c, err := connect(cfg)
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
				if f.Warning {
					verdict = "warning"
				}
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
