package plan

import (
	"database/sql/driver"
	"fmt"

	"github.com/xapg/xapg/shardmap"
)

// occurrence is one mention of a sharded table.
type occurrence struct {
	table *shardmap.Table
	class *class
	where int // position in the statement
}

// reading is the route of a statement that reads, updates or deletes rows of
// sharded tables: to one shard when all of them are bound to keys of one, and
// else to several, where that gives the same.
type reading struct {
	groups    []group  // what binds the occurrences, without repetition
	unbound   []string // tables that nothing binds to a key
	unsharded bool     // tables that live on home are read too
	several   error    // why it cannot run on several shards; nil when it can
	writes    bool
	merging   error // … which cannot be merged
	merges    bool  // the shards' answers, one after the other, are not the answer
	composes  bool  // what cannot be spread can be composed
	rekeys    bool  // an UPDATE sets the key: its rows may have to move
	rekey     *rekey
	opaque    []opaqueCall
}

// group is the conditions on one occurrence's key, all of which hold.
type group struct {
	table *shardmap.Table
	sets  []set
}

// narrow finds the shards on which all conditions of a group can hold.
func (g group) narrow(p *Planner, args []driver.NamedValue) (shards, error) {
	var found shards
	for i, s := range g.sets {
		var these shards
		if err := s.of(g.table, args, &these); err != nil {
			return found, err
		}
		if i == 0 {
			found = these
			continue
		}
		var both shards
		for _, at := range p.all {
			if found.has(at) && these.has(at) {
				both.add(at)
			}
		}
		found = both
	}
	return found, nil
}

func (r *reading) target(p *Planner, args []driver.NamedValue) (Target, error) {
	t, err := r.placed(p, args)
	switch {
	case !r.rekeys, err == nil && t.Mode == One && r.rekey.stays(t.Shards[0], args):
		return t, err
	case r.composes:
		return Target{Composed, p.all}, nil
	case err != nil:
		return Target{}, err
	}
	return Target{}, &Refusal{
		Clause: "a change of the key in a statement that runs on one shard only", Reason: "its rows would have to move to other shards",
		Remedy: "delete the row and insert it with its new key, in one transaction",
	}
}

// placed is where the rows are that the statement concerns.
func (r *reading) placed(p *Planner, args []driver.NamedValue) (Target, error) {
	if len(r.unbound) > 0 {
		return r.spread(p, p.all, fmt.Errorf("nothing binds table %s to a key", r.unbound[0]))
	}
	var union shards
	alike := true // all groups have the same shards so far
	for i, g := range r.groups {
		found, err := g.narrow(p, args)
		if err != nil {
			return Target{}, err
		}
		if i > 0 && alike {
			for _, at := range p.all {
				if found.has(at) != union.has(at) {
					alike = false
				}
			}
		}
		for _, at := range p.all {
			if found.has(at) {
				union.add(at)
			}
		}
	}
	switch union.count {
	case 0:
		return r.single(p, p.home, args) // no row can match, wherever it is asked
	case 1:
		return r.single(p, first(p, union), args)
	}
	list := make([]int, 0, union.count)
	for _, at := range p.all {
		if union.has(at) {
			list = append(list, at)
		}
	}
	return r.spread(p, list, fmt.Errorf("its keys are on %d shards", union.count))
}

func first(p *Planner, s shards) int {
	for _, at := range p.all {
		if s.has(at) {
			return at
		}
	}
	return 0
}

// single goes to one shard, if what else is read is there too.
func (r *reading) single(p *Planner, at int, args []driver.NamedValue) (Target, error) {
	if r.unsharded && at != p.home && r.composes && r.known() {
		return Target{Composed, p.each[at]}, nil
	}
	if r.unsharded && at != p.home {
		return Target{}, &Refusal{
			Clause: "a join of a sharded table with an unsharded one",
			Reason: fmt.Sprintf("the unsharded table is on shard %s, and the rows of this key are on %s", p.layout.Shards()[p.home], p.layout.Shards()[at]),
			Remedy: "make the unsharded table a reference table, or ask in two statements",
		}
	}
	for _, c := range r.opaque {
		if c.bound(args) {
			continue
		}
		if r.composes && r.known() {
			return Target{Composed, p.all}, nil
		}
		return Target{}, c.refusal()
	}
	return Target{One, p.each[at]}, nil
}

// spread goes to several shards, if that gives the same.
func (r *reading) spread(_ *Planner, list []int, because error) (Target, error) {
	if r.several == nil {
		for _, c := range r.opaque {
			if c.local {
				continue
			}
			if r.composes && r.known() {
				return Target{Composed, list}, nil
			}
			return Target{}, c.refusal()
		}
		if r.merges && r.composes {
			return Target{Composed, list}, nil
		}
		if r.merges {
			return Target{}, r.because(because)
		}
		return Target{Scatter, list}, nil
	}
	if r.composes && r.known() {
		return Target{Composed, list}, nil
	}
	return Target{}, r.because(because)
}

// known reports whether what all opaque calls read is known.
func (r *reading) known() bool {
	for _, c := range r.opaque {
		if !c.body {
			return false
		}
	}
	return true
}

// because is the refusal to run on several shards.
func (r *reading) because(because error) error {
	err := r.several
	if err == nil {
		err = r.merging
	}
	if refusal, ok := err.(*Refusal); ok { //nolint:errorlint // made here
		copied := *refusal
		copied.Reason += " (" + because.Error() + ")"
		return &copied
	}
	return err
}

func (r *reading) why() string {
	switch {
	case len(r.unbound) > 0:
		return "no condition binds table " + r.unbound[0] + " to a key: every shard may hold rows"
	default:
		return "all sharded tables are bound to keys"
	}
}

// opaqueCall is a call of a function that may read tables that the statement
// does not name. It is let through only where it is given the key that the
// statement is about.
type opaqueCall struct {
	name     string
	body     bool // what it reads is known, and can be gathered
	position int
	local    bool       // the key column of the rows at hand is among its arguments
	consts   []constant // its constant arguments
	pins     []set      // what binds the statement's tables
}

// bound reports whether the call is given the statement's key.
func (c opaqueCall) bound([]driver.NamedValue) bool {
	if c.local {
		return true
	}
	for _, arg := range c.consts {
		for _, s := range c.pins {
			for _, k := range s {
				if arg.param != 0 && arg.param == k.param && !k.array && len(s) == 1 ||
					arg.param == 0 && k.param == 0 && !k.none && k.err == nil && len(s) == 1 && arg.key == k.key {
					return true
				}
			}
		}
	}
	return false
}

func (c opaqueCall) refusal() error {
	return &Refusal{
		Clause:   "a call of function " + c.name,
		Reason:   "it may read or write rows of any shard, and its text is not looked into",
		Remedy:   "say which key it concerns with a hint (xadriver.WithKey, /* xapg:key=… */), or declare it IMMUTABLE if it uses no tables",
		Position: c.position,
	}
}
