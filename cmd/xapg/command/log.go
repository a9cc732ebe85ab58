package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/xapg/xapg/txlog"
	"github.com/xapg/xapg/xadriver"
)

const logText = `log moves the decision log to another store: export seals the log where it is and writes all that is in it to a
file; import begins a new log with that, elsewhere; verify compares. In between nothing is decided: the
applications get errors until they are restarted with the new log=.`

func logCommand(o *output) *cobra.Command {
	cmd := &cobra.Command{Use: "log", Short: "move the decision log to another store", Long: logText}
	cmd.AddCommand(exportCommand(o), importCommand(o), verifyCommand(o))
	return cmd
}

const exportText = `export seals the decision log and writes its contents to FILE, or to the standard output.

It does so only while nothing is in doubt, and else says what is. A sealed log decides nothing any more, whoever has
it open; it can be read, and exported again. --undo takes the seal away, for a move that is given up: it is refused
once the new log was used.`

// exporting holds the flags of export.
type exporting struct {
	*output
	to   string
	wait time.Duration
	undo bool
}

func exportCommand(o *output) *cobra.Command {
	e := &exporting{output: o}
	cmd := &cobra.Command{
		Use: "export [DSN] [FILE]", Short: "seal the decision log and write it to a file", Long: exportText,
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, args, err := o.config(args)
			if err != nil {
				return err
			}
			if len(args) > 1 || e.undo && len(args) > 0 {
				return &status{exitUsage, fmt.Errorf("one file is wanted, not %q", args)}
			}
			log, c, err := openMovable(cmd.Context(), cfg)
			if err != nil {
				return err
			}
			defer log.Close()
			defer c.Close()
			if e.undo {
				return e.unseal(cmd, log, c)
			}
			file := "-"
			if len(args) == 1 {
				file = args[0]
			}
			return e.export(cmd, log, c, file)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&e.to, "to", "", "where the log goes: told to applications that still use the old place")
	flags.DurationVar(&e.wait, "wait", 15*time.Second, "how long what is under way may take to end")
	flags.BoolVar(&e.undo, "undo", false, "take the seal away")
	return cmd
}

// openMovable opens a cluster and its log, sealed or not.
func openMovable(ctx context.Context, cfg *xadriver.Config) (txlog.Mover, *xadriver.Connector, error) {
	log, err := txlog.Open(ctx, cfg.Log, txlog.OpenOptions{Cluster: cfg.Cluster, By: by(), Sealed: true, Logger: cfg.Logger})
	if err != nil {
		return nil, nil, &status{exitUnreachable, err}
	}
	mover, ok := log.(txlog.Mover)
	if !ok {
		return nil, nil, errors.Join(&status{exitProblem, errors.New("logs of this kind cannot be moved")}, log.Close())
	}
	cfg.DecisionLog = log
	c, err := connect(cfg)
	if err != nil {
		_ = log.Close()
		return nil, nil, err
	}
	return mover, c, nil
}

func by() string {
	host, _ := os.Hostname()
	return fmt.Sprintf("%s, process %d, xapg log", host, os.Getpid())
}

func (e *exporting) export(cmd *cobra.Command, log txlog.Mover, c *xadriver.Connector, file string) error {
	ctx := cmd.Context()
	_, sealed, err := log.Sealed(ctx)
	if err != nil {
		return &status{exitUnreachable, err}
	}
	if !sealed {
		if err := nothingStuck(ctx, c); err != nil {
			return err
		}
		if err := log.Seal(ctx, e.destination(file)); err != nil {
			return &status{exitUnreachable, err}
		}
		// What was under way when the seal came ends by itself.
		if err := nothingOpen(ctx, log, c, e.wait); err != nil {
			return errors.Join(err, open(log))
		}
	}
	openings, records, err := e.write(ctx, log, file)
	if err != nil {
		if !sealed {
			err = errors.Join(err, open(log))
		}
		return &status{exitProblem, err}
	}
	again := ""
	if sealed {
		again = " once more: it was sealed already"
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "exported %d records and %d openings of log %s%s\n", records, openings, log.Identity().ID, again)
	return nil
}

// open takes back a seal that has led to nothing, whatever becomes of the command.
func open(log txlog.Mover) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := log.Unseal(ctx); err != nil {
		return fmt.Errorf("the log is still sealed; run export --undo: %w", err)
	}
	return nil
}

func (e *exporting) destination(file string) string {
	switch {
	case e.to != "":
		return txlog.Redact(e.to)
	case file != "-":
		return "another store, by way of " + file
	default:
		return "another store"
	}
}

// underWay is how long a commit may take between its votes and its end without being
// taken for one that is stuck.
const underWay = 2 * time.Second

// nothingStuck makes sure that what is in doubt is only under way: it is gone a little
// later. Other commits may be under way by then.
func nothingStuck(ctx context.Context, c *xadriver.Connector) error {
	first, err := stillOpen(ctx, c)
	if err != nil || len(first) == 0 {
		return err
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(underWay):
	}
	later, err := stillOpen(ctx, c)
	if err != nil {
		return err
	}
	stuck := slices.DeleteFunc(later, func(t xadriver.InDoubt) bool {
		return !slices.ContainsFunc(first, func(f xadriver.InDoubt) bool { return f.ID == t.ID })
	})
	if len(stuck) > 0 {
		return &status{exitProblem, inDoubtText(stuck)}
	}
	return nil
}

func stillOpen(ctx context.Context, c *xadriver.Connector) ([]xadriver.InDoubt, error) {
	list, err := c.InDoubt(ctx)
	if err != nil {
		return nil, &status{exitUnreachable, fmt.Errorf("it is not known whether anything is in doubt: %w", err)}
	}
	return list, nil
}

// nothingOpen makes sure that all is over and noted in the log, and waits for a while
// for what is not.
func nothingOpen(ctx context.Context, log txlog.Log, c *xadriver.Connector, wait time.Duration) error {
	for deadline := time.Now().Add(wait); ; {
		list, err := stillOpen(ctx, c)
		if err != nil {
			return err
		}
		unfinished, err := log.Unfinished(ctx, uuid.Nil, 1)
		switch {
		case err != nil:
			return &status{exitUnreachable, err}
		case len(list) == 0 && len(unfinished) == 0:
			return nil
		case time.Now().Before(deadline):
		case len(list) == 0:
			return &status{exitProblem, fmt.Errorf("the log stays where it is: transactions such as %s are over on all shards, "+
				"but nobody has noted that yet; run xapg resolve", unfinished[0].ID)}
		default:
			return &status{exitProblem, inDoubtText(list)}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func inDoubtText(list []xadriver.InDoubt) error {
	const shown = 10
	var b strings.Builder
	fmt.Fprintf(&b, "the log stays where it is: %d transactions are in doubt, or under way; stop the applications, or run xapg resolve:", len(list))
	for i, t := range list {
		if i == shown {
			fmt.Fprintf(&b, "\n  and %d more", len(list)-shown)
			break
		}
		fmt.Fprintf(&b, "\n  %s: decision %s, on %s", t.ID, t.Decision, strings.Join(t.Shards, ", "))
	}
	return errors.New(b.String())
}

// write writes the contents; a file gets its name when it is whole.
func (e *exporting) write(ctx context.Context, log txlog.Log, file string) (openings, records int, err error) {
	contents := txlog.ContentsOf(ctx, log)
	if file == "-" {
		return txlog.WriteContents(e.w, contents, time.Now())
	}
	f, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".part-*")
	if err != nil {
		return 0, 0, err
	}
	defer os.Remove(f.Name())
	openings, records, err = txlog.WriteContents(f, contents, time.Now())
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), file)
	}
	return openings, records, err
}

// unseal takes the seal away, unless the shards have seen the new log.
func (e *exporting) unseal(cmd *cobra.Command, log txlog.Mover, c *xadriver.Connector) error {
	ctx := cmd.Context()
	if _, sealed, err := log.Sealed(ctx); err != nil || !sealed {
		return &status{exitProblem, errors.Join(err, errors.New("the log is not sealed"))}
	}
	const never = 100 * 365 * 24 * time.Hour // nothing is that old: this only looks
	list, err := c.Resolve(ctx, never)
	if err != nil {
		return err
	}
	for _, r := range list {
		if r.Problem != "" {
			return &status{exitProblem, fmt.Errorf("the seal stays: shard %s: %s", r.Shard, r.Problem)}
		}
	}
	if err := log.Unseal(ctx); err != nil {
		return &status{exitUnreachable, err}
	}
	fmt.Fprintln(cmd.ErrOrStderr(), "the log decides again; the exported file, and whatever was made of it, must not be used any more")
	return nil
}
