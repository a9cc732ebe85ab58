package main

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"strings"

	"github.com/xapg/xapg/xadriver"
)

// role is what a child process does.
type role string

const (
	application role = "application" // runs transactions, and resolves as every program does
	backup      role = "backup"      // resolves only: the driver, opened and left alone
	watcher     role = "watcher"     // resolves only: the command xapg resolve --watch

	// The mistakes: what the checks must find.
	onebyone role = "onebyone" // an application that commits shard by shard, without voting
	presumer role = "presumer" // a backup that rolls back what is prepared, and asks no register
)

// backupOf is what backs the crew up in a place: both kinds take turns.
func backupOf(slot int) role {
	if slot%2 == 1 {
		return watcher
	}
	return backup
}

// works reports whether a process runs transactions.
func (s *spec) works() bool { return (s.Role == application || s.Role == onebyone) && s.Clients > 0 }

// childEnv holds a child's spec.
const childEnv = "XAPG_TORTURE_CHILD"

// spec is all that a child is told.
type spec struct {
	Role       role      `json:"role"`
	Slot       int       `json:"slot"` // which of the applications, or of the backups
	Inc        int       `json:"inc"`  // number of the process in the whole run; part of its transactions' ids
	Seed       uint64    `json:"seed"`
	DSN        string    `json:"dsn"`
	Log        string    `json:"log"`
	Clients    int       `json:"clients"`
	Round      int       `json:"round"`
	Owners     [][]int64 `json:"owners"` // by shard
	Plan       plan      `json:"plan"`
	NoResolver bool      `json:"no_resolver"`
}

// childSpec is this process's spec, if it is a child.
func childSpec() (s spec, ok bool, err error) {
	raw := os.Getenv(childEnv)
	if raw == "" {
		return s, false, nil
	}
	err = json.Unmarshal([]byte(raw), &s)
	return s, true, err
}

// plan is what a process does to itself when it passes a point of the protocol for
// the given time: it kills itself, or stops until somebody lets it go on.
type plan struct {
	Do    deed   `json:"do,omitempty"`
	At    string `json:"at,omitempty"` // the point, with the shard's name after a slash where there is one
	After int    `json:"after,omitempty"`
}

type deed string

const (
	nothing deed = ""
	die     deed = "die"
	sleep   deed = "sleep"
)

// Points inside of the log in an SQLite file, between its write and its commit.
const (
	logBeforeInsert = "log.before_insert"
	logBeforeCommit = "log.before_commit"
	logAfterCommit  = "log.after_commit"
)

// pointsOf lists where an application may end, given the shards' names. The points
// of a two-phase commit come more than once, to be met more often.
func pointsOf(shards []string, sqlite bool) (list []string) {
	for _, s := range shards {
		for _, p := range []xadriver.Point{xadriver.BeforePrepare, xadriver.AfterPrepare, xadriver.BeforeFinish, xadriver.AfterFinish} {
			list = append(list, string(p)+"/"+s)
		}
	}
	for range 2 {
		list = append(list, string(xadriver.BeforeDecide), string(xadriver.AfterDecide), string(xadriver.BeforeForget))
		if sqlite {
			list = append(list, logBeforeInsert, logBeforeCommit, logAfterCommit)
		}
	}
	for _, p := range []xadriver.Point{xadriver.BeforeAsk, xadriver.AfterAsk, xadriver.BeforeCommit, xadriver.AfterCommit, xadriver.BeforeRollback, xadriver.AfterRollback} {
		list = append(list, string(p))
	}
	return list
}

// planFor draws the plan of a process. With all set, every application has one that
// kills it in the midst of a commit.
func planFor(r *rand.Rand, as role, shards []string, sqlite, all bool) plan {
	chance, at, after := r.IntN(100), r.IntN(1<<20), 1+r.IntN(6)
	if as == watcher {
		return plan{}
	}
	if as == backup {
		points := []string{logBeforeInsert, logBeforeCommit, logAfterCommit}
		if !sqlite || chance < 60 {
			return plan{}
		}
		return plan{Do: die, At: points[at%len(points)], After: 1 + after/3}
	}
	points := pointsOf(shards, sqlite)
	p := plan{Do: die, At: points[at%len(points)], After: after}
	rare := !strings.HasPrefix(p.At, "log.") && !strings.Contains(p.At, "/") && !strings.HasSuffix(p.At, "_decide") && !strings.HasSuffix(p.At, "_forget")
	if rare { // few transactions come there, and not in two-phase commits only
		p.After = 1 + after/4
	}
	switch {
	case all && rare:
		p.At = string(xadriver.BeforeDecide)
	case all:
	case chance < 20:
		return plan{}
	case chance < 42:
		p.Do = sleep
	}
	return p
}
