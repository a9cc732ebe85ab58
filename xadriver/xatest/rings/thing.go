package main

import (
	"fmt"
	"slices"
)

// kind is a kind of thing that a member of a ring has, and its neighbour wants.
type kind string

const (
	updatedRow kind = "updated row"
	lockedRow  kind = "locked row" // by SELECT … FOR UPDATE
	sharedRow  kind = "shared row" // by SELECT … FOR SHARE
	newRow     kind = "new row"    // somebody else inserts the same key
	reference  kind = "reference"  // a row of a reference table, written on all shards
	altered    kind = "altered"    // a table that was changed, and whose row somebody wants
	used       kind = "used"       // a table whose row was changed, and that somebody wants to change
	advisory   kind = "advisory"   // an advisory lock on one shard
	promised   kind = "promised"   // a row that somebody refers to by a deferred foreign key: he waits when he commits
)

var kinds = []kind{updatedRow, lockedRow, sharedRow, newRow, reference, altered, used, advisory, promised}

func (k kind) known() bool { return slices.Contains(kinds, k) }

// ddl tells the kinds that change a table: each has a table of its own.
func (k kind) ddl() bool { return k == altered || k == used }

// statement is what a member runs.
type statement struct {
	SQL  string  `json:"sql"`
	Args []int64 `json:"args,omitempty"`
}

// thing is something that one transaction can have at a time.
type thing struct {
	kind  kind
	shard int // where it is
	id    int64
	table string
	name  string // of the shard
}

func (t *thing) update(of string) statement {
	return statement{"UPDATE " + of + " SET n = n + 1 WHERE id = $1", []int64{t.id}}
}

func (t *thing) alter() statement {
	return statement{SQL: "ALTER TABLE " + t.table + " ALTER COLUMN n SET DEFAULT 0"}
}

// have is the statement of the member that has the thing first.
func (t *thing) have() statement {
	switch t.kind {
	case lockedRow:
		return statement{"SELECT n FROM pawns WHERE id = $1 FOR UPDATE", []int64{t.id}}
	case sharedRow:
		return statement{"SELECT n FROM pawns WHERE id = $1 FOR SHARE", []int64{t.id}}
	case altered:
		return t.alter()
	case used:
		return t.update(t.table)
	case promised:
		return statement{"SELECT id FROM parents WHERE id = $1 FOR UPDATE", []int64{t.id}}
	default:
		return t.want()
	}
}

// want is the statement of its neighbour, which waits until the first one has ended.
func (t *thing) want() statement {
	switch t.kind {
	case newRow:
		return statement{"INSERT INTO fresh (id) VALUES ($1) ON CONFLICT (id) DO NOTHING", []int64{t.id}}
	case reference:
		return t.update("flags")
	case altered:
		return t.update(t.table)
	case used:
		return t.alter()
	case advisory:
		return statement{fmt.Sprintf("/* xapg:shard=%s */ SELECT pg_advisory_xact_lock($1)", t.name), []int64{t.id}}
	case promised:
		return statement{"INSERT INTO children (id) VALUES ($1)", []int64{t.id}}
	default:
		return t.update("pawns")
	}
}

// made is the table in which the neighbour has made a row, if so.
func (t *thing) made() string {
	switch t.kind {
	case newRow:
		return "fresh"
	case promised:
		return "children"
	default:
		return ""
	}
}

// counts is which row the statements count up: by the first one, and by its neighbour.
func (t *thing) counts() (row string, first, second int64) {
	switch t.kind {
	case updatedRow:
		return counter("pawns", t.id), 1, 1
	case lockedRow, sharedRow:
		return counter("pawns", t.id), 0, 1
	case reference:
		return counter("flags", t.id), 1, 1
	case altered:
		return counter(t.table, t.id), 0, 1
	case used:
		return counter(t.table, t.id), 1, 0
	default:
		return "", 0, 0
	}
}

func counter(table string, id int64) string { return fmt.Sprintf("%s %d", table, id) }
