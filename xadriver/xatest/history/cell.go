package main

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"

	"github.com/xapg/xapg/xadriver"
	"github.com/xapg/xapg/xadriver/xatest/history/check"
)

// cell is one combination of a level and a setting, of which histories are made.
type cell struct {
	Level   check.Level   `json:"level"`
	Setting check.Setting `json:"setting"`
}

func (c cell) String() string {
	short := map[check.Level]string{check.ReadCommitted: "rc", check.RepeatableRead: "rr", check.Serializable: "ser"}
	return short[c.Level] + "/" + string(c.Setting)
}

// isolation is the level, as database/sql calls it.
func (c cell) isolation() sql.IsolationLevel {
	switch c.Level {
	case check.ReadCommitted:
		return sql.LevelReadCommitted
	case check.RepeatableRead:
		return sql.LevelRepeatableRead
	default:
		return sql.LevelSerializable
	}
}

// spans reports whether transactions may use several shards: serializable ones
// may not where each shard has snapshots of its own.
func (c cell) spans() bool { return c.Level != check.Serializable || c.Setting != check.Off }

// cells are all combinations.
func cells() (list []cell) {
	for _, l := range []check.Level{check.ReadCommitted, check.RepeatableRead, check.Serializable} {
		for _, s := range []check.Setting{check.Off, check.Snapshot, check.Statement} {
			list = append(list, cell{l, s})
		}
	}
	return list
}

// chosen are those whose names are listed, with commas between them; all for "".
func chosen(names string) (list []cell, err error) {
	if names == "" {
		return cells(), nil
	}
	for name := range strings.SplitSeq(names, ",") {
		before := len(list)
		for _, c := range cells() {
			if c.String() == name || strings.HasPrefix(c.String(), name+"/") || strings.HasSuffix(c.String(), "/"+name) {
				list = append(list, c)
			}
		}
		if len(list) == before {
			return nil, fmt.Errorf("no cell is called %q: they are %v", name, cells())
		}
	}
	return list, nil
}

// childEnv holds a child's spec.
const childEnv = "XAPG_HISTORY_CHILD"

// spec is all that a child is told.
type spec struct {
	cell
	DSN     string    `json:"dsn"`
	Inc     int       `json:"inc"` // number of the process in the whole run; part of its transactions' ids
	Seed    uint64    `json:"seed"`
	Clients int       `json:"clients"`
	Shards  []string  `json:"shards"`
	Anchors []int64   `json:"anchors"` // by shard: the owner of its lists
	Owners  [][]int64 `json:"owners"`  // by shard: of accounts
	Die     plan      `json:"die"`     // when it kills itself
}

// plan is where in the commit protocol a process kills itself, and at which time that it
// comes there; never at the zero value.
type plan struct {
	At    xadriver.Point `json:"at,omitempty"`
	After int            `json:"after,omitempty"`
}

// planFor draws the plan of a process. Half of them have none, and end in other ways.
func planFor(r *rand.Rand) plan {
	points := []xadriver.Point{
		xadriver.BeforeFinish, xadriver.AfterFinish, xadriver.AfterDecide, xadriver.BeforeDecide, xadriver.AfterPrepare, xadriver.BeforePrepare,
		xadriver.BeforeCommit, xadriver.AfterCommit, xadriver.BeforeForget,
	}
	p := plan{At: points[r.IntN(len(points))], After: 10 + r.IntN(100)}
	if r.IntN(2) == 0 {
		return plan{}
	}
	return p
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
