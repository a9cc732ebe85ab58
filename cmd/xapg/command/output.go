package command

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

	mayBegin bool // a log may be made where there is none
}

// open opens the cluster that the arguments name, without resolving anything, and
// returns the arguments that are left.
func (o *output) open(args []string) (*xadriver.Connector, []string, error) {
	cfg, args, err := o.config(args)
	if err != nil {
		return nil, nil, err
	}
	c, err := connect(cfg)
	return c, args, err
}

// only is config for commands whose only argument is the cluster.
func (o *output) only(args []string) (*xadriver.Config, error) {
	cfg, args, err := o.config(args)
	if err != nil {
		return nil, err
	}
	if len(args) > 0 {
		return nil, &status{exitUsage, fmt.Errorf("the cluster is given twice: by --dsn or XAPG_DSN, and by %q", args[0])}
	}
	return cfg, nil
}

// config reads the configuration that the arguments name.
func (o *output) config(args []string) (*xadriver.Config, []string, error) {
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
	if len(cfg.Shards) == 1 && len(cfg.AbsentResources) == 0 {
		return nil, nil, &status{exitUsage, xadriver.ErrSingleShard}
	}
	if err := cfg.Validate(); err != nil {
		return nil, nil, &status{exitUsage, err}
	}
	cfg.NoResolver, cfg.LogMustExist = true, !o.mayBegin
	cfg.Logger = slog.New(slog.DiscardHandler)
	return cfg, args, nil
}

func connect(cfg *xadriver.Config) (*xadriver.Connector, error) {
	c, err := xadriver.NewConnector(*cfg)
	if err != nil {
		return nil, &status{exitUnreachable, err}
	}
	return c, nil
}

// print prints a value as JSON, or a table of it.
func (o *output) print(v any, header string, lines []string) error {
	if o.json {
		e := json.NewEncoder(o.w)
		e.SetIndent("", "  ")
		return e.Encode(v)
	}
	t := tabwriter.NewWriter(o.w, 0, 8, 2, ' ', 0)
	if header != "" {
		fmt.Fprintln(t, header)
	}
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
