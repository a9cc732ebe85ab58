package xaprom

import (
	"context"
	"errors"
	"strings"
)

// Values of labels. What the driver reports beyond those is counted as "other", so
// that there is never a series for each of many values.
const (
	none  = "none"
	other = "other"

	readOnly, onePhase, twoPhase   = "read_only", "one_phase", "two_phase"
	committed, rolledBack, inDoubt = "committed", "rolled_back", "in_doubt"
)

func kindOf(kind string) string {
	switch kind {
	case readOnly, onePhase, twoPhase:
		return kind
	case "":
		return none
	default:
		return other
	}
}

func outcomeOf(outcome string) string {
	switch outcome {
	case committed, rolledBack, inDoubt:
		return outcome
	default:
		return other
	}
}

// strategies are the ways in which statements are answered, in the words of `xapg
// route`, and their labels.
var strategies = map[string]string{
	"":                               none,
	"one shard":                      "one_shard",
	"any shard":                      "any_shard",
	"several shards, results joined": "scatter",
	"all shards, the same on each":   "everywhere",
	"scatter at one time":            "scatter_at_one_time",
	"limited scatter":                "limited_scatter",
	"ordered merge":                  "ordered_merge",
	"partial aggregates":             "partial_aggregates",
	"merge by PostgreSQL":            "merge",
	"gather":                         "gather",
	"split":                          "split",
	"evaluate and split":             "evaluate_and_split",
	"evaluate and copy":              "evaluate_and_copy",
	"gather and insert":              "gather_and_insert",
	"gather and apply":               "gather_and_apply",
	"move rows":                      "move_rows",
	"find and lock":                  "find_and_lock",
	"evaluate and send":              "evaluate_and_send",
	"one after the other":            "one_after_the_other",
	"copy":                           "copy",
	"prepare":                        "prepare",
}

func strategyOf(strategy string) string {
	if label, ok := strategies[strategy]; ok {
		return label
	}
	return other
}

// classes are the classes of SQLSTATE that PostgreSQL has.
var classes = func() map[string]bool {
	set := make(map[string]bool)
	for class := range strings.FieldsSeq(`00 01 02 03 08 09 0A 0B 0F 0L 0P 0Z 10 20 21 22 23 24 25 26 27 28 2B 2D 2F
		34 38 39 3B 3D 3F 40 42 44 53 54 55 57 58 72 F0 HV P0 XX`) {
		set[class] = true
	}
	return set
}()

// classOf is the class of an error's SQLSTATE. Functions raise what they like: a
// class that is not PostgreSQL's own is "other".
func classOf(err error) string {
	var s interface{ SQLState() string }
	switch {
	case errors.As(err, &s) && len(s.SQLState()) == 5:
		if class := s.SQLState()[:2]; classes[class] {
			return class
		}
		return other
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return "canceled"
	default:
		return none
	}
}
