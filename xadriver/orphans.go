package xadriver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/xapg/xapg/txlog"
	"github.com/xapg/xapg/xadriver/internal/gid"
	"github.com/xapg/xapg/xadriver/internal/resolve"
	"github.com/xapg/xapg/xadriver/internal/shard"
)

// Orphans lists the transactions of this cluster that are prepared on some shard and
// that another log decides: one that was lost, or that other programs still use.
// Nobody who has this log open ever touches them. Shards that cannot be asked are in
// the error.
func (c *Connector) Orphans(ctx context.Context) ([]InDoubt, error) {
	if c.single != nil {
		return nil, ErrSingleShard
	}
	return orphans(ctx, c.recoverable, c.cfg.Cluster, c.log.Identity().ID)
}

// Orphans lists all transactions of a cluster that are prepared on some shard, for the
// day its log cannot be opened: what is decided about them is not known.
func Orphans(ctx context.Context, cfg Config) ([]InDoubt, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.plain() {
		return nil, ErrSingleShard
	}
	shards, err := openShards(&cfg)
	if err != nil {
		return nil, err
	}
	on := make([]resolve.Shard, len(shards))
	for i, sh := range shards {
		defer sh.Close()
		on[i] = resolve.Server{Shard: sh}
	}
	return orphans(ctx, on, cfg.Cluster, "")
}

// openShards opens the shards and nothing else, without a log.
func openShards(cfg *Config) (shards []*shard.Shard, err error) {
	for i, s := range cfg.Shards {
		sh, err := openShard(i, s, cfg, shard.Options{})
		if err != nil {
			return nil, err
		}
		shards = append(shards, sh)
	}
	return shards, nil
}

func orphans(ctx context.Context, shards []resolve.Shard, cluster, except string) ([]InDoubt, error) {
	type key struct {
		log string
		txn uuid.UUID
	}
	byKey := make(map[key]*InDoubt)
	seen := surveyOf(ctx, shards, "xapg_"+cluster+"_")
	out := []InDoubt{}
	for _, txn := range seen.order {
		for _, sh := range shards {
			p, ok := seen.txns[txn][sh.Name()]
			if !ok {
				continue
			}
			id, err := gid.Parse(p.GID)
			if err != nil || id.Cluster != cluster || id.Log == except {
				continue
			}
			k := key{id.Log, txn}
			t := byKey[k]
			if t == nil {
				t = &InDoubt{
					ID: txn, Log: id.Log, Opening: gid.Opening(txn), Decision: txlog.Unknown.String(),
					WaitsFor: fmt.Sprintf("log %s: a process that has it open or, if it is lost, xapg resolve %s --force", id.Log, txn),
				}
				byKey[k] = t
			}
			t.Age = max(t.Age, p.Age)
			t.Parts = append(t.Parts, Part{Shard: sh.Name(), State: PartPrepared, GID: p.GID, Age: p.Age})
			t.Shards, t.GIDs = append(t.Shards, sh.Name()), append(t.GIDs, p.GID)
		}
	}
	for _, t := range byKey {
		out = append(out, *t)
	}
	slices.SortFunc(out, func(a, b InDoubt) int {
		return cmp.Or(-cmp.Compare(a.Age, b.Age), strings.Compare(a.ID.String()+a.Log, b.ID.String()+b.Log))
	})
	return out, errors.Join(seen.errs...)
}

// checkLogIsThere makes sure that opening the log does not make one. It can tell so of
// a file; a server that keeps the log is there or is not.
func (c *Config) checkLogIsThere() error {
	path, ok := strings.CutPrefix(c.Log, "sqlite:")
	if !ok || c.DecisionLog != nil {
		return nil
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return fmt.Errorf("xapg: decision log: there is none, and none is made now: %w", err)
	case info.Size() == 0:
		return fmt.Errorf("xapg: decision log: %s is empty, and no log is made of it now", path)
	default:
		return nil
	}
}
