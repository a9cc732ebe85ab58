package command

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/xapg/xapg/xadriver"
)

// watching holds the flags of resolve --watch.
type watching struct {
	on     bool
	health string
	format string
}

func (w *watching) flags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&w.on, "watch", false, "go on resolving until SIGINT or SIGTERM: a backup for the applications' own resolvers")
	flags.StringVar(&w.health, "health", "", "with --watch: where /healthz and /readyz are served, such as :8080")
	flags.StringVar(&w.format, "log-format", "text", "with --watch: of what is logged to standard error: text or json")
}

// run is a stand-alone backup: the resolver of a process that does nothing else.
func (w *watching) run(cmd *cobra.Command, cfg *xadriver.Config) error {
	switch w.format {
	case "text":
		cfg.Logger = slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil))
	case "json":
		cfg.Logger = slog.New(slog.NewJSONHandler(cmd.ErrOrStderr(), nil))
	default:
		return &status{exitUsage, fmt.Errorf("--log-format is text or json, not %q", w.format)}
	}
	var listener net.Listener
	if w.health != "" {
		var err error
		if listener, err = new(net.ListenConfig).Listen(cmd.Context(), "tcp", w.health); err != nil {
			return &status{exitUsage, fmt.Errorf("--health: %w", err)}
		}
		defer listener.Close()
	}
	cfg.NoResolver = false
	c, err := connect(cfg)
	if err != nil {
		return err
	}
	cfg.Logger.Info("resolving", "cluster", cfg.Cluster, "shards", len(cfg.Shards), "resolve_after", cfg.ResolveAfter.String(), "resolve_every", cfg.ResolveEvery.String())
	failed := make(chan error, 1)
	if listener != nil {
		server := &http.Server{Handler: newHealth(c, cfg), ReadHeaderTimeout: 5 * time.Second}
		go func() { failed <- server.Serve(listener) }()
		defer func() {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(cmd.Context()), time.Second)
			defer cancel()
			_ = server.Shutdown(ctx)
		}()
		cfg.Logger.Info("health is served", "address", listener.Addr().String())
	}
	select {
	case <-cmd.Context().Done():
		err = nil
	case err = <-failed:
		err = &status{exitProblem, fmt.Errorf("serving health: %w", err)}
	}
	for _, s := range c.Stats().Recovery {
		cfg.Logger.Info("resolved", "shard", s.Shard, "committed", s.Committed, "rolled_back", s.RolledBack, "in_doubt", s.InDoubt)
	}
	return errors.Join(err, c.Close())
}
