package plan

import (
	"database/sql/driver"
	"fmt"
	"math"
	"strconv"

	"github.com/jackc/pgx/v5/pgconn"
)

// Shards are the shards on which a table may have the rows that are pulled.
func (p *Pull) Shards(st *Statement, args []driver.NamedValue) ([]int, error) {
	planner := st.planner
	if p.home {
		return planner.each[planner.home], nil
	}
	if len(p.sets) == 0 {
		return planner.all, nil
	}
	found, err := p.sets[0].narrow(planner, args)
	if err != nil {
		return nil, err
	}
	list := make([]int, 0, found.count)
	for _, at := range planner.all {
		if found.has(at) {
			list = append(list, at)
		}
	}
	return list, nil
}

// Rows is how many rows a call asks of each shard, and of these how many to skip
// and to take in all; nil and math.MaxInt64 are no limit. Negative numbers are
// PostgreSQL's errors.
func (b *Bound) Rows(args []driver.NamedValue) (ask any, skip, take int64, err error) {
	take, limited, err := b.Limit.of(args)
	if err != nil {
		return nil, 0, 0, err
	}
	skip, _, err = b.Offset.of(args)
	switch {
	case err != nil:
		return nil, 0, 0, err
	case skip < 0:
		return nil, 0, 0, &pgconn.PgError{Severity: "ERROR", SeverityUnlocalized: "ERROR", Code: "2201X", Message: "OFFSET must not be negative"}
	case limited && take < 0:
		return nil, 0, 0, &pgconn.PgError{Severity: "ERROR", SeverityUnlocalized: "ERROR", Code: "2201W", Message: "LIMIT must not be negative"}
	case !limited:
		return nil, skip, math.MaxInt64, nil
	case take > math.MaxInt64-skip:
		return nil, skip, take, nil
	default:
		return take + skip, skip, take, nil
	}
}

func (a Amount) of(args []driver.NamedValue) (value int64, given bool, err error) {
	if a.Param == 0 {
		return a.Value, a.Given, nil
	}
	if a.Param > len(args) {
		return 0, false, nil // the shards will say so
	}
	switch v := args[a.Param-1].Value.(type) {
	case nil:
		return 0, false, nil
	case int64:
		return v, true, nil
	case int:
		return int64(v), true, nil
	case int32:
		return int64(v), true, nil
	case string:
		n, err := strconv.ParseInt(v, 10, 64)
		if err == nil {
			return n, true, nil
		}
	}
	return 0, false, &Refusal{
		Clause: fmt.Sprintf("an argument of type %T for LIMIT or OFFSET over several shards", args[a.Param-1].Value),
		Reason: "how many rows to ask of each shard cannot be told", Remedy: "pass an int64",
	}
}
