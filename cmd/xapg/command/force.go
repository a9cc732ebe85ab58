package command

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/xapg/xapg/xadriver"
)

// forcing holds the flags of resolve --force.
type forcing struct {
	outcome, reason, who, logID string
	looked, install             bool
}

func (f *forcing) flags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.outcome, "force", "", "the log is lost: end the transaction by commit or abort")
	flags.StringVar(&f.reason, "reason", "", "with --force: why, for those who come after")
	flags.StringVar(&f.who, "who", "", "with --force: who orders it (default: the user and the host)")
	flags.StringVar(&f.logID, "log-id", "", "with --force: of which log, if several have a transaction of this id")
	flags.BoolVar(&f.looked, "yes-i-have-looked", false, "with --force: what the shards cannot prove was looked into")
	flags.BoolVar(&f.install, "install-walinspect", false, "with --force: install the extension pg_walinspect where a shard needs it to tell what became of its part")
}

func (f *forcing) run(cmd *cobra.Command, o *output, cfg *xadriver.Config, args []string) error {
	if len(args) != 1 {
		return &status{exitUsage, errors.New("--force takes one transaction: xapg resolve DSN ID --force commit|abort --reason \"…\"")}
	}
	id, err := uuid.Parse(args[0])
	switch {
	case err != nil:
		return &status{exitUsage, fmt.Errorf("--force takes the whole id of a transaction, not %q", args[0])}
	case f.outcome != "commit" && f.outcome != "abort":
		return &status{exitUsage, fmt.Errorf("--force is commit or abort, not %q", f.outcome)}
	case strings.TrimSpace(f.reason) == "":
		return &status{exitUsage, errors.New("say why, by --reason: it is kept on every shard")}
	}
	if f.who == "" {
		f.who = whoami()
	}
	done, err := xadriver.Force(cmd.Context(), *cfg, xadriver.Forcing{
		ID: id, LogID: f.logID, Outcome: f.outcome, Who: f.who, Reason: f.reason, Looked: f.looked, InstallWALInspect: f.install,
	})
	if done != nil {
		if err := f.print(o, done); err != nil {
			return err
		}
	}
	var (
		refused  *xadriver.ForceRefusedError
		unproven *xadriver.UnprovenError
	)
	switch {
	case errors.As(err, &unproven):
		return &status{exitProblem, fmt.Errorf("%w\nlook into it, and then say --yes-i-have-looked", err)}
	case errors.As(err, &refused):
		return &status{exitProblem, err}
	case err != nil:
		return &status{exitUnreachable, err}
	case len(done.Left) > 0:
		return &status{exitProblem, fmt.Errorf("not yet ended on %d shards", len(done.Left))}
	default:
		return nil
	}
}

func (f *forcing) print(o *output, done *xadriver.Forced) error {
	if o.json {
		return o.print(done, "", nil)
	}
	if len(done.Evidence)+len(done.Records) == 0 {
		return nil
	}
	var lines []string
	for _, e := range done.Evidence {
		lines = append(lines, row(e.Shard, e.State, e.Words))
	}
	for _, r := range done.Records {
		lines = append(lines, row(r.Shard, "forced to "+r.Outcome, fmt.Sprintf("at %s by %s: %s", at(r.At), r.Who, r.Why)))
	}
	if err := o.print(nil, row("SHARD", "STATE", "EVIDENCE"), lines); err != nil {
		return err
	}
	for _, s := range done.Done {
		fmt.Fprintf(o.w, "%s: %s done\n", s, done.Outcome)
	}
	for _, s := range done.Left {
		fmt.Fprintln(o.w, "left: "+s)
	}
	return nil
}

// whoami is who runs the command, and where.
func whoami() string {
	name := os.Getenv("SUDO_USER")
	if u, err := user.Current(); err == nil && name == "" {
		name = u.Username
	}
	if name == "" {
		name = fmt.Sprintf("user %d", os.Getuid())
	}
	host, _ := os.Hostname()
	return name + " on " + host
}
