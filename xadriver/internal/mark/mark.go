// Package mark makes sure that a decision log is the only one of its kind.
//
// A register that is written once protects nothing when it exists twice. A log
// file that was copied, or restored from a backup, carries the identity of the
// original, and would decide a second time what is decided already. So each
// opening of a log leaves a fresh mark in it, and on every shard the latest mark
// of an opening that decided or resolved there. A log that does not know the
// mark it finds on a shard is not the log that marked it: it is refused.
//
// The marks on the shards live in the table _xapg.log_mark, one row per log.
package mark

import (
	"context"
	"fmt"
	"sync"

	"github.com/google/uuid"

	"github.com/xapg/xapg/txlog"
)

// Log is the part of txlog.Log that is needed here.
type Log interface {
	Identity() txlog.Identity
	Mark() txlog.Mark
	HasMark(ctx context.Context, m txlog.Mark) (bool, error)
}

// Shard reads and writes marks on one shard.
type Shard interface {
	Name() string
	// Exchange reads the shard's mark for a log and, when approve agrees to it,
	// stores ours unless the shard's is later, all in one transaction that no
	// other can interleave with.
	Exchange(ctx context.Context, logID string, ours txlog.Mark, approve func(txlog.Mark) error) error
}

// Guard checks marks. Its methods are safe for concurrent use.
type Guard struct {
	log    Log
	shards map[string]Shard

	mu     sync.Mutex
	good   map[string]bool
	broken error // once a twin was seen, nothing is decided any more
}

// NewGuard makes the guard of a log.
func NewGuard(log Log, shards []Shard) *Guard {
	g := &Guard{log: log, shards: make(map[string]Shard), good: make(map[string]bool)}
	for _, s := range shards {
		g.shards[s.Name()] = s
	}
	return g
}

// TwinError says that another log with the same identity has been at work.
type TwinError struct {
	Shard string
	Log   txlog.Identity
	Found txlog.Mark
}

func (e *TwinError) Error() string {
	return fmt.Sprintf("decision log %s of cluster %s is not the one that last decided on shard %s (which carries mark %d, %s): "+
		"this log is a copy, or was restored from a backup, and must decide nothing; go back to the original log, or, if that is lost, "+
		"start a new one in a new file and finish by hand what is prepared under xapg_%s_%s_ on every shard",
		e.Log.ID, e.Log.Cluster, e.Shard, e.Found.Seq, e.Found.ID, e.Log.Cluster, e.Log.ID)
}

// Ready makes sure that the log may decide on the named shards. Each shard is
// asked once; Verify asks again.
func (g *Guard) Ready(ctx context.Context, shards []string) error {
	var ask []string
	g.mu.Lock()
	broken := g.broken
	for _, name := range shards {
		if !g.good[name] {
			ask = append(ask, name)
		}
	}
	g.mu.Unlock()
	if broken != nil {
		return broken
	}
	for _, name := range ask {
		if err := g.Verify(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// Verify asks one shard for its mark, whether it was asked before or not.
func (g *Guard) Verify(ctx context.Context, shard string) error {
	s, ok := g.shards[shard]
	if !ok {
		return fmt.Errorf("no shard is named %q", shard)
	}
	var twin error
	err := s.Exchange(ctx, g.log.Identity().ID, g.log.Mark(), func(found txlog.Mark) error {
		if found.ID == uuid.Nil {
			return nil
		}
		known, err := g.log.HasMark(ctx, found)
		if err != nil {
			return err
		}
		if !known {
			twin = &TwinError{Shard: shard, Log: g.log.Identity(), Found: found}
		}
		return twin
	})
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case twin != nil:
		g.broken = twin
		return twin
	case err != nil:
		return err
	}
	g.good[shard] = true
	return g.broken
}
