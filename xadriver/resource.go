package xadriver

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/xapg/xapg/xadriver/internal/gid"
)

// Resource is a participant other than PostgreSQL: a message broker, another
// database, anything that can prepare its part of a transaction, keep that over a
// crash, and then commit it or roll it back as it is told. It is configured in
// Config.Resources, and joins a transaction by Enlist.
//
// The methods of this interface are the recovery's: they finish what a coordinator
// left, in any process that has the resource configured, at any time. They are
// called by several goroutines at once, must not wait for a transaction that is
// open, and must do no harm when they are called again.
type Resource interface {
	// Name is unique among the resources and the shards of the cluster, and never
	// changes while anything is prepared: 1 to 63 of letters, digits, _ and -.
	Name() string
	// InDoubt lists the prepared branches whose gids begin with prefix, all of them
	// or an error: a branch that is missing from the list counts as finished.
	InDoubt(ctx context.Context, prefix string) ([]PreparedBranch, error)
	// Commit and Rollback finish a prepared branch. The error wraps ErrNoSuchBranch
	// when none of that gid is prepared any more; after any other, it is tried again,
	// quietly after ErrBranchBusy.
	Commit(ctx context.Context, gid string) error
	Rollback(ctx context.Context, gid string) error
}

// Opener is a Resource on which Enlist can begin branches of type B.
type Opener[B Branch] interface {
	Resource
	// Begin opens the branch of a transaction under a gid, of at most 199 bytes of
	// letters, digits, _ and -. The transaction may be rolled back at any time after.
	Begin(ctx context.Context, gid string) (B, error)
}

// Branch is one transaction's part on a Resource. Its methods are called by one
// goroutine at a time, on whichever.
//
// What an error says decides what xapg does, so that the careless answer is the
// safe one: after any error of Prepare or Commit, the resource may have done it or
// not, and the recovery asks it. Only an error that wraps ErrRolledBack is the
// resource's word that the branch is over, and nothing of it is left.
type Branch interface {
	// Prepare is the vote. After nil, the branch survives every crash of the
	// resource and of this process, and InDoubt lists it until it is finished.
	Prepare(ctx context.Context) error
	// Commit makes the branch's work final: what Prepare promised or, where Prepare
	// was not called, in one phase, because nobody else in the transaction wrote. A
	// prepared branch that somebody else has finished is ErrNoSuchBranch.
	Commit(ctx context.Context) error
	// Rollback undoes the branch, prepared or not. An unprepared branch is rolled
	// back by closing its connection, if need be; its error matters to nobody.
	Rollback(ctx context.Context) error
	// Release is the last call: the connection can be given back. A branch that may
	// still be prepared must stay so.
	Release()
}

// Idler is a Branch that knows whether it did anything. A branch that says that it
// did not is committed before the decision, and does not make a transaction
// two-phase. All other branches count as writers.
type Idler interface {
	Idle() bool
}

// PreparedBranch is a prepared branch that a Resource lists.
type PreparedBranch struct {
	GID string
	// Age is for how long it has been prepared, by the resource's own clock. Where the
	// resource does not tell, it is 0; then the age counts from when this process
	// first saw it.
	Age time.Duration
}

var (
	// ErrNoSuchBranch is a Resource's answer that no prepared branch has this gid.
	ErrNoSuchBranch = errors.New("xapg: no such prepared branch")
	// ErrBranchBusy is a Resource's answer that a branch cannot be finished yet, because
	// whoever prepared it, or another recovery, is at work on it.
	ErrBranchBusy = errors.New("xapg: the prepared branch is in somebody else's hands")
	// ErrRolledBack is a Branch's answer that it is rolled back, for certain.
	ErrRolledBack = errors.New("xapg: the branch is rolled back")
)

// inspectResources looks whether recovery can do its work on the resources.
func (c *Connector) inspectResources(ctx context.Context) []Finding {
	prefix := gid.Prefix(c.cfg.Cluster, c.log.Identity().ID)
	found := make([]Finding, len(c.cfg.Resources), len(c.cfg.Resources)+len(c.cfg.AbsentResources))
	var wg sync.WaitGroup
	for i, r := range c.cfg.Resources {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, callTimeout)
			defer cancel()
			f := Finding{Shard: r.Name(), What: "prepared"}
			list, err := r.InDoubt(ctx, prefix)
			if f.OK = err == nil; f.OK {
				f.Note = fmt.Sprintf("%d of this log's", len(list))
			} else {
				f.Note = err.Error()
			}
			found[i] = f
		})
	}
	wg.Wait()
	for _, name := range c.cfg.AbsentResources {
		found = append(found, Finding{Shard: name, What: "prepared", OK: true, Warning: true,
			Note: "not by this program, which only knows the resource's name: the programs that use it finish what is prepared there"})
	}
	return found
}

// plain reports whether there is a single shard and nothing else, so that
// everything can be that shard's own driver's.
func (c *Config) plain() bool {
	return len(c.Shards) == 1 && len(c.Resources) == 0 && len(c.AbsentResources) == 0
}

// resourceNames are those of all participants that are no shards.
func (c *Config) resourceNames() []string {
	names := slices.Clone(c.AbsentResources)
	for _, r := range c.Resources {
		names = append(names, r.Name())
	}
	return names
}

// checkResources finds what is wrong with the resources.
func (c *Config) checkResources(wrong func(path, problem string, valid ...string), shards []string) {
	names := slices.Clone(shards)
	for i, r := range c.Resources {
		if r == nil {
			wrong(fmt.Sprintf("resources[%d]", i), "it is nil")
			return
		}
	}
	c.AbsentResources = slices.DeleteFunc(slices.Clone(c.AbsentResources), func(name string) bool {
		return slices.ContainsFunc(c.Resources, func(r Resource) bool { return r.Name() == name })
	})
	for _, name := range c.resourceNames() {
		switch path := "resources." + name; {
		case !shardName.MatchString(name):
			wrong(path, fmt.Sprintf("%q cannot be a resource's name", name), "1 to 63 of letters, digits, _ and -")
		case slices.Contains(names, name):
			wrong(path, "there are two shards or resources of this name")
		}
		names = append(names, name)
	}
}

// several says why a cluster needs a name and a log.
func (c *Config) several() string {
	if len(c.Shards) == 1 {
		return "with resources besides the shard"
	}
	return "with several shards"
}

// resource is the configured resource of that name.
func (c *Connector) resource(r Resource) error {
	var names []string
	for _, known := range c.cfg.Resources {
		switch {
		case known.Name() != r.Name():
			names = append(names, known.Name())
		case reflect.TypeOf(known) == reflect.TypeOf(r) && reflect.TypeOf(r).Comparable() && known != r:
			return fmt.Errorf("xapg: the resource %q is not the one of this name in Config.Resources, which recovery would ask: enlist that one", r.Name())
		default:
			return nil
		}
	}
	if len(names) == 0 {
		names = []string{"none is configured"}
	}
	return fmt.Errorf("xapg: no resource is named %q, so nobody would finish what is prepared there: put it into Config.Resources (there: %s)",
		r.Name(), strings.Join(names, ", "))
}
