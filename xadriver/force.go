package xadriver

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/xapg/xapg/txlog"
	"github.com/xapg/xapg/xadriver/internal/force"
	"github.com/xapg/xapg/xadriver/internal/gid"
	"github.com/xapg/xapg/xadriver/internal/mark"
	"github.com/xapg/xapg/xadriver/internal/resolve"
	"github.com/xapg/xapg/xadriver/internal/shard"
)

// Forcing is an operator's order to end a transaction whose decision log is lost.
type Forcing struct {
	ID      uuid.UUID
	LogID   string // of the log that should decide it; needed when there are several transactions of this id
	Outcome string // commit or abort
	Who     string // who orders it
	Reason  string // and why: kept on the shards
	// Looked says that what cannot be proven was looked into by a human being.
	Looked bool
	// InstallWALInspect lets the extension pg_walinspect be installed where a shard
	// needs it to tell what became of its part.
	InstallWALInspect bool
}

// Forced is what came of a Forcing.
type Forced struct {
	ID       uuid.UUID       `json:"id"`
	LogID    string          `json:"log_id"`
	Outcome  string          `json:"outcome"`
	Evidence []ForceEvidence `json:"evidence"` // what each shard could tell
	Records  []ForceRecord   `json:"records"`  // of earlier forcings
	Proven   bool            `json:"proven"`   // a shard has done the same already, or it was forced before
	Unproven []string        `json:"unproven"` // what had to be believed
	Done     []string        `json:"done"`     // shards where it was ended now
	Left     []string        `json:"left"`     // shards that have yet to end it, and why
}

type (
	// ForceEvidence is what one shard can tell of a transaction.
	ForceEvidence = force.Evidence
	// ForceRecord says who forced a transaction, and why: from _xapg.forced on a shard.
	ForceRecord = force.Record
)

// ForceRefusedError says why a transaction must not be forced.
type ForceRefusedError struct {
	ID     uuid.UUID
	Reason string
}

func (e *ForceRefusedError) Error() string {
	return fmt.Sprintf("xapg: transaction %s is not forced: %s", e.ID, e.Reason)
}

// UnprovenError says what cannot be proven of a transaction that is to be forced, and
// what somebody must therefore have looked into.
type UnprovenError struct {
	ID       uuid.UUID
	Unproven []string
}

func (e *UnprovenError) Error() string {
	return fmt.Sprintf("xapg: transaction %s is not forced yet, because nothing proves how it must end:\n  - %s", e.ID, strings.Join(e.Unproven, "\n  - "))
}

// Force ends a transaction on all shards that can be reached, for the day the log
// that decides it is lost: it needs no log. What the shards can prove is found out
// first, and what contradicts it is refused (*ForceRefusedError), as it is while the
// log is there. What cannot be proven must have been looked into (*UnprovenError).
// Every shard that can be reached then gets a record of who forced it and why, and
// only after that it is ended. The result is told with errors, too.
func Force(ctx context.Context, cfg Config, f Forcing) (*Forced, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.plain() {
		return nil, ErrSingleShard
	}
	want, ok := force.Outcome(f.Outcome)
	if !ok || f.Reason == "" || f.Who == "" {
		return nil, fmt.Errorf("xapg: say commit or abort (not %q), who wants it (%q), and why (%q)", f.Outcome, f.Who, f.Reason)
	}
	r := &forcing{Forcing: f, cfg: &cfg, want: want, out: &Forced{ID: f.ID, Outcome: f.Outcome}}
	defer r.close()
	var err error
	if r.shards, err = openShards(&cfg); err != nil {
		return nil, err
	}
	return r.out, r.run(ctx)
}

// forcing is one Force at work.
type forcing struct {
	Forcing
	cfg    *Config
	want   txlog.Outcome
	shards []*shard.Shard
	out    *Forced
	extra  []string // that cannot be proven, besides what the shards tell
}

func (r *forcing) close() {
	for _, sh := range r.shards {
		_ = sh.Close()
	}
}

func (r *forcing) refuse(format string, args ...any) error {
	return &ForceRefusedError{ID: r.ID, Reason: fmt.Sprintf(format, args...)}
}

func (r *forcing) run(ctx context.Context) error {
	if err := r.choose(ctx); err != nil {
		return err
	}
	if err := r.askLog(ctx); err != nil {
		return err
	}
	evidence := make([]force.Evidence, len(r.shards))
	r.each(func(i int, sh *shard.Shard) { evidence[i] = force.Look(ctx, sh, r.gid(sh), r.InstallWALInspect) })
	r.out.Evidence = append(r.out.Evidence, evidence...)
	verdict := force.Judge(r.want, r.out.Evidence, r.out.Records)
	r.out.Proven = verdict.Proven
	if verdict.Refusal != "" {
		return r.refuse("%s", verdict.Refusal)
	}
	if !verdict.Proven {
		for _, name := range r.cfg.resourceNames() {
			verdict.Unproven = append(verdict.Unproven, "resource "+name+" was not asked")
		}
		r.out.Unproven = append(verdict.Unproven, r.extra...)
		if !r.Looked {
			return &UnprovenError{ID: r.ID, Unproven: r.out.Unproven}
		}
	}
	if err := r.record(ctx, evidence); err != nil {
		return err
	}
	r.finish(ctx, evidence)
	return nil
}

func (r *forcing) each(f func(i int, sh *shard.Shard)) {
	var wg sync.WaitGroup
	for i, sh := range r.shards {
		wg.Go(func() { f(i, sh) })
	}
	wg.Wait()
}

func (r *forcing) gid(sh *shard.Shard) string {
	return gid.ID{Cluster: r.cfg.Cluster, Log: r.out.LogID, Txn: r.ID, Shard: sh.Name()}.String()
}

// choose finds the log by which the transaction is prepared, and what was forced of it
// before.
func (r *forcing) choose(ctx context.Context) error {
	lists := make([][]resolve.Prepared, len(r.shards))
	records := make([][]force.Record, len(r.shards))
	errs := make([]error, len(r.shards))
	r.each(func(i int, sh *shard.Shard) {
		ctx, cancel := context.WithTimeout(ctx, callTimeout)
		defer cancel()
		if lists[i], errs[i] = (resolve.Server{Shard: sh}).Prepared(ctx, "xapg_"+r.cfg.Cluster+"_"); errs[i] == nil {
			records[i], errs[i] = force.Records(ctx, sh, r.ID)
		}
	})
	var logs []string
	add := func(name string) {
		if id, err := gid.Parse(name); err == nil && id.Txn == r.ID && id.Cluster == r.cfg.Cluster && !slices.Contains(logs, id.Log) {
			logs = append(logs, id.Log)
		}
	}
	for i := range r.shards {
		for _, p := range lists[i] {
			add(p.GID)
		}
		for _, rec := range records[i] {
			add(rec.GID)
		}
	}
	switch {
	case r.LogID != "" && !slices.Contains(logs, r.LogID):
		logs = nil
	case r.LogID != "":
		logs = []string{r.LogID}
	}
	switch len(logs) {
	case 0:
		return errors.Join(errors.Join(errs...), r.refuse("no shard that can be reached has it prepared"))
	case 1:
		r.out.LogID = logs[0]
	default:
		slices.Sort(logs)
		return r.refuse("several logs have a transaction of this id: say which, by --log-id %s", strings.Join(logs, " or --log-id "))
	}
	for i, sh := range r.shards {
		for _, rec := range records[i] {
			if rec.GID == r.gid(sh) {
				r.out.Records = append(r.out.Records, rec)
			}
		}
	}
	return nil
}

// askLog refuses while the log that decides the transaction is there.
func (r *forcing) askLog(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	log, err := r.openLog(ctx)
	var moved *txlog.SealedError
	switch {
	case errors.As(err, &moved):
		return r.refuse("%v; it is not lost", moved)
	case err != nil:
		r.extra = append(r.extra, fmt.Sprintf("the configured log cannot be opened (%v): it may be one that comes back, and it may be the one that decides this transaction", err))
		return nil
	}
	if r.cfg.DecisionLog == nil {
		defer log.Close()
	}
	id := log.Identity()
	if id.ID != r.out.LogID {
		r.extra = append(r.extra, fmt.Sprintf("the transaction belongs to log %s, and the configured one is %s: the other one may still be somewhere", r.out.LogID, id.ID))
		return nil
	}
	if !r.twin(ctx, log) {
		return r.refuse("the log that decides it, %s, is there: `xapg resolve DSN %s` lets it decide", id.ID, r.ID)
	}
	r.extra = append(r.extra, "the configured log is a copy of the one that decides it, or an older state: the right one may still be somewhere")
	if d, err := log.Lookup(ctx, r.ID); err == nil {
		state := map[txlog.Outcome]force.State{txlog.Commit: force.Committed, txlog.Abort: force.RolledBack}[d.Outcome]
		r.out.Evidence = append(r.out.Evidence, force.Evidence{Shard: "(the log's copy)", State: state, Words: fmt.Sprintf("a copy of the log has the decision to %s", d.Outcome)})
	}
	return nil
}

// openLog opens the log, but does not make one: who has lost his log has not yet
// decided where the next one is to be, and whose.
func (r *forcing) openLog(ctx context.Context) (txlog.Log, error) {
	if r.cfg.DecisionLog != nil {
		return r.cfg.DecisionLog, nil
	}
	if err := r.cfg.checkLogIsThere(); err != nil {
		return nil, err
	}
	return txlog.Open(ctx, r.cfg.Log, txlog.OpenOptions{Cluster: r.cfg.Cluster, By: program()})
}

// twin reports whether some shard says that the log is a copy.
func (r *forcing) twin(ctx context.Context, log txlog.Log) bool {
	marks := make([]mark.Shard, len(r.shards))
	for i, sh := range r.shards {
		marks[i] = mark.Server{Shard: sh}
	}
	guard := mark.NewGuard(log, marks)
	for _, sh := range r.shards {
		var twin *mark.TwinError
		if err := guard.Verify(ctx, sh.Name()); errors.As(err, &twin) {
			return true
		}
	}
	return false
}

// record writes on all shards that can be reached, one after the other and all in
// the same order, so that of two who force differently one is told.
func (r *forcing) record(ctx context.Context, evidence []force.Evidence) error {
	var written []*shard.Shard
	back := func(err error) error {
		ctx := context.WithoutCancel(ctx)
		for _, sh := range written {
			err = errors.Join(err, force.Erase(ctx, sh, r.gid(sh)))
		}
		return err
	}
	for i, sh := range r.shards {
		if evidence[i].State == force.Unreachable {
			continue
		}
		there, ours, err := force.Write(ctx, sh, force.Record{GID: r.gid(sh), Txn: r.ID, Outcome: r.Outcome, Who: r.Who, Why: r.Reason})
		if err != nil {
			return back(fmt.Errorf("xapg: transaction %s is not forced: no record can be left: %w", r.ID, err))
		}
		if there.Outcome != r.Outcome {
			return back(r.refuse("at this moment %s forces it to %s (%q)", there.Who, there.Outcome, there.Why))
		}
		if ours {
			written = append(written, sh)
		}
	}
	return nil
}

func (r *forcing) finish(ctx context.Context, evidence []force.Evidence) {
	r.out.Done, r.out.Left = []string{}, []string{}
	for i, sh := range r.shards {
		switch evidence[i].State {
		case force.Unreachable:
			r.out.Left = append(r.out.Left, fmt.Sprintf("%s: cannot be reached (%s): when it is back, run the same command again", sh.Name(), evidence[i].Words))
		case force.Prepared:
			ctx, cancel := context.WithTimeout(ctx, time.Minute)
			err := resolve.Server{Shard: sh}.Finish(ctx, r.gid(sh), r.want)
			cancel()
			if err != nil {
				r.out.Left = append(r.out.Left, fmt.Sprintf("%s: %v", sh.Name(), err))
				continue
			}
			r.out.Done = append(r.out.Done, sh.Name())
		}
	}
}
