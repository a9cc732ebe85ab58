package plan

import "github.com/xapg/xapg/shardmap"

// block is a part of a statement in which conditions hold: a query level, or the
// side of an outer join that may be missing. What holds in a block holds for
// every row that the block contributes, and says nothing of the rows outside.
type block struct {
	parent  *block
	missing bool // a side of an outer join, whose rows may be missing: their columns are NULL then
}

// within reports whether b is o or inside of it.
func (b *block) within(o *block) bool {
	for ; b != nil; b = b.parent {
		if b == o {
			return true
		}
	}
	return false
}

// certain reports whether a key is never made NULL by an outer join on its way to a
// block, so that equal values of it are on one shard.
func (c *class) certain(at *block) bool {
	for b := c.root().block; b != nil && b != at; b = b.parent {
		if b.missing {
			return false
		}
	}
	return true
}

// class is a set of key columns that are equal in their block. A class may be
// tied to one class of an enclosing block, to which it is equal wherever it
// counts; the enclosing class is not bound by that.
type class struct {
	block  *block
	parent *class // union-find, within the block
	outer  *class
	table  *shardmap.Table // of one of its columns: all are placed alike
	sets   []set           // constants that the key is among, each a condition
}

func (c *class) root() *class {
	for c.parent != nil {
		c = c.parent
	}
	return c
}

// outermost follows the ties.
func (c *class) outermost() *class {
	c = c.root()
	for c.outer != nil {
		c = c.outer.root()
	}
	return c
}

// reaches reports whether following c's ties leads to o.
func (c *class) reaches(o *class) bool {
	o = o.root()
	for c = c.root(); ; c = c.outer.root() {
		if c == o {
			return true
		}
		if c.outer == nil {
			return false
		}
	}
}

// all lists the conditions on the class and on those that it is tied to.
func (c *class) all() []set {
	var sets []set
	for c = c.root(); ; c = c.outer.root() {
		sets = append(sets, c.sets...)
		if c.outer == nil {
			return sets
		}
	}
}

// equal notes that two classes are equal by a condition that stands in block at.
func equal(a, b *class, at *block) {
	a, b = a.root(), b.root()
	if a == b || !a.table.Colocated(b.table) {
		return
	}
	inA, inB := a.block.within(at), b.block.within(at)
	switch {
	case !inA && !inB:
		// The condition decides only whether the block contributes.
	case a.block == b.block:
		b.parent = a
		a.sets = append(a.sets, b.sets...)
		if a.outer == nil {
			a.outer = b.outer
		}
	case inA && !inB:
		tie(a, b)
	case inB && !inA:
		tie(b, a)
	// Of whatever the block contributes, both have the same key: what one is among
	// the other is too, as if the condition on it stood here.
	case a.block.within(b.block):
		tie(a, b)
		b.sets = append(b.sets, a.sets...)
	default:
		tie(b, a)
		a.sets = append(a.sets, b.sets...)
	}
}

func tie(inner, outer *class) {
	if inner.outer == nil && !outer.reaches(inner) {
		inner.outer = outer
	}
}

// among notes a condition, standing in block at, that the class is one of some constants.
func (c *class) among(s set, at *block) {
	if c.block.within(at) {
		r := c.root()
		r.sets = append(r.sets, s)
	}
}
