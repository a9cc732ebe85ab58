package command

import (
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/spf13/cobra"
)

func routeCommand(o *output) *cobra.Command {
	return &cobra.Command{
		Use: "route [DSN] SQL [ARG…]", Short: "where would a statement go, and why?", Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.mayBegin = true
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
