package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"text/tabwriter"

	"github.com/xapg/xapg/xadriver"
)

// output is where results go, and what all commands share.
type output struct {
	w    io.Writer
	json bool
	dsn  string
}

// open opens the cluster that the arguments name, without resolving anything, and
// returns the arguments that are left.
func (o *output) open(args []string) (*xadriver.Connector, []string, error) {
	dsn := o.dsn
	if dsn == "" {
		if len(args) == 0 {
			return nil, nil, &status{exitUsage, errors.New("say which cluster: xapg COMMAND DSN, or XAPG_DSN in the environment")}
		}
		dsn, args = args[0], args[1:]
	}
	cfg, err := xadriver.ParseDSN(dsn)
	if err != nil {
		return nil, nil, &status{exitUsage, err}
	}
	if len(cfg.Shards) == 1 {
		return nil, nil, &status{exitUsage, xadriver.ErrSingleShard}
	}
	cfg.NoResolver = true
	cfg.Logger = slog.New(slog.DiscardHandler)
	c, err := xadriver.NewConnector(*cfg)
	if err != nil {
		return nil, nil, &status{exitUnreachable, err}
	}
	return c, args, nil
}

// print prints a value as JSON, or a table of it.
func (o *output) print(v any, header string, lines []string) error {
	if o.json {
		e := json.NewEncoder(o.w)
		e.SetIndent("", "  ")
		return e.Encode(v)
	}
	t := tabwriter.NewWriter(o.w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, header)
	for _, l := range lines {
		fmt.Fprintln(t, l)
	}
	return t.Flush()
}

func row(cells ...any) string {
	parts := make([]string, len(cells))
	for i, c := range cells {
		parts[i] = strings.ReplaceAll(fmt.Sprint(c), "\t", " ")
	}
	return strings.Join(parts, "\t")
}
