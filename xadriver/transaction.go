package xadriver

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/xapg/xapg/txlog"
	"github.com/xapg/xapg/xadriver/internal/force"
)

// Transaction is all that is known of one distributed transaction, also when it is
// over.
type Transaction struct {
	InDoubt
	Began    time.Time     `json:"began"`    // when it came to its second shard, by its coordinator's clock: from the id
	Finished bool          `json:"finished"` // every shard has carried the decision out
	Forced   []ForceRecord `json:"forced"`   // who forced it by hand
	Problems []string      `json:"problems"` // shards that could not be asked
}

// UnknownTransactionError says that nothing is known of a transaction.
type UnknownTransactionError struct {
	ID    string // or the beginning of an id
	Found []uuid.UUID
}

func (e *UnknownTransactionError) Error() string {
	if len(e.Found) > 0 {
		ids := make([]string, len(e.Found))
		for i, id := range e.Found {
			ids[i] = id.String()
		}
		return fmt.Sprintf("xapg: several transactions begin with %q: %s", e.ID, strings.Join(ids, ", "))
	}
	return fmt.Sprintf("xapg: nothing is known of a transaction %q: it is prepared on no shard that can be reached, and the log has no decision on it. "+
		"Either it was rolled back by its coordinator, or it is over for longer than the log keeps decisions (setting retain), or it is another log's", e.ID)
}

// ErrNoTransactionID says that something cannot be a transaction's id.
var ErrNoTransactionID = errors.New("xapg: neither a transaction's id nor the beginning of one")

// Find turns the beginning of a transaction's id into the id: of those in doubt and
// those that the log has a decision on.
func (c *Connector) Find(ctx context.Context, prefix string) (uuid.UUID, error) {
	if c.single != nil {
		return uuid.Nil, ErrSingleShard
	}
	if id, err := uuid.Parse(prefix); err == nil {
		return id, nil
	}
	first, err := firstWith(prefix)
	if err != nil {
		return uuid.Nil, err
	}
	var found []uuid.UUID
	known := make(map[uuid.UUID]bool)
	add := func(id uuid.UUID) bool {
		ours := strings.HasPrefix(id.String(), strings.ToLower(prefix))
		if ours && !known[id] {
			known[id], found = true, append(found, id)
		}
		return ours
	}
	for _, id := range c.survey(ctx).order {
		add(id)
	}
	const enough = 10
	records, err := c.log.Records(ctx, before(first), enough)
	if err != nil {
		return uuid.Nil, err
	}
	for _, d := range records {
		if !add(d.ID) {
			break
		}
	}
	if len(found) != 1 {
		return uuid.Nil, &UnknownTransactionError{ID: prefix, Found: found}
	}
	return found[0], nil
}

// firstWith is the smallest id that begins so.
func firstWith(prefix string) (uuid.UUID, error) {
	const zero = "00000000-0000-0000-0000-000000000000"
	if len(prefix) < len(zero) {
		if id, err := uuid.Parse(prefix + zero[len(prefix):]); err == nil && prefix != "" {
			return id, nil
		}
	}
	return uuid.Nil, fmt.Errorf("%w: %q (write 0192f6a0-0000-7, for instance)", ErrNoTransactionID, prefix)
}

// before is the id just before another one.
func before(id uuid.UUID) uuid.UUID {
	for i := len(id) - 1; i >= 0; i-- {
		id[i]--
		if id[i] != 0xff {
			return id
		}
	}
	return uuid.Nil
}

// Transaction tells all that is known of one transaction.
func (c *Connector) Transaction(ctx context.Context, id uuid.UUID) (*Transaction, error) {
	if c.single != nil {
		return nil, ErrSingleShard
	}
	d, err := c.log.Lookup(ctx, id)
	if err != nil && !errors.Is(err, txlog.ErrNoDecision) {
		return nil, err
	}
	seen := c.survey(ctx)
	sec, nsec := id.Time().UnixTime()
	t := &Transaction{
		InDoubt: c.inDoubt(ctx, id, d, seen, &openers{log: c.log}), Began: time.Unix(sec, nsec),
		Finished: d.Finished, Forced: []ForceRecord{}, Problems: []string{},
	}
	for _, err := range seen.errs {
		t.Problems = append(t.Problems, err.Error())
	}
	for _, sh := range c.own {
		if seen.down[sh.Name()] != nil {
			continue
		}
		list, err := force.Records(ctx, sh, id)
		if err != nil {
			t.Problems = append(t.Problems, fmt.Sprintf("shard %s: %v", sh.Name(), err))
		}
		t.Forced = append(t.Forced, list...)
	}
	if t.Finished && len(t.Shards) == 0 {
		t.WaitsFor = ""
	}
	if d.Outcome == txlog.Unknown && len(t.Parts)+len(t.Forced) == 0 {
		return t, &UnknownTransactionError{ID: id.String()}
	}
	return t, nil
}
