package txlogtest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"github.com/xapg/xapg/txlog"
)

// call is what a history of the register consists of: a Decide, or, if want is
// Unknown, a Lookup.
type call struct {
	id   uuid.UUID
	want txlog.Outcome
}

// register is what a decision log is meant to be: for each transaction by itself, a
// cell that is written once.
var register = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		parts := make(map[uuid.UUID][]porcupine.Operation)
		for _, op := range history {
			id := op.Input.(call).id
			parts[id] = append(parts[id], op)
		}
		var list [][]porcupine.Operation
		for _, part := range parts {
			list = append(list, part)
		}
		return list
	},
	Init: func() any { return txlog.Unknown },
	Step: func(state, input, output any) (bool, any) {
		stored := state.(txlog.Outcome)
		if stored == txlog.Unknown {
			stored = input.(call).want
		}
		return output.(txlog.Outcome) == stored, stored
	},
	DescribeOperation: func(input, output any) string {
		c := input.(call)
		if c.want == txlog.Unknown {
			return fmt.Sprintf("lookup: %v", output)
		}
		return fmt.Sprintf("decide %v: %v", c.want, output)
	},
}

// linearizable has several goroutines decide and look up the same transactions, at
// about the same time and through two openings, and looks whether there is an order
// of their calls that a register could have answered like that.
func linearizable(p *probe) {
	const rounds, callers, calls, ids = 8, 6, 20, 12
	openings := []txlog.Log{p.open(), p.open()}
	begin := time.Now()
	for range rounds {
		var names [ids]uuid.UUID
		for i := range names {
			names[i] = newID()
		}
		histories := make([][]porcupine.Operation, callers)
		errs := make([]error, callers)
		var wg sync.WaitGroup
		for c := range callers {
			wg.Go(func() {
				for i := range calls {
					// All go through the ids together, so that they meet.
					in := call{id: names[min(i*ids/calls+rand.IntN(2), ids-1)], want: txlog.Outcome(rand.IntN(3))}
					op := porcupine.Operation{ClientId: c, Input: in, Call: int64(time.Since(begin))}
					out, err := perform(p, openings[rand.IntN(2)], in)
					if err != nil {
						errs[c] = err
						return
					}
					op.Output, op.Return = out, int64(time.Since(begin))
					histories[c] = append(histories[c], op)
				}
			})
		}
		wg.Wait()
		require.NoError(p, errors.Join(errs...))
		var history []porcupine.Operation
		for _, h := range histories {
			history = append(history, h...)
		}
		if result := porcupine.CheckOperationsTimeout(register, history, patience/4); result != porcupine.Ok {
			p.Errorf("the answers are not those of a register that is written once: %v", result)
			return
		}
	}
}

func perform(p *probe, l txlog.Log, c call) (txlog.Outcome, error) {
	if c.want != txlog.Unknown {
		return l.Decide(p.ctx, c.id, c.want, shards)
	}
	d, err := l.Lookup(p.ctx, c.id)
	if errors.Is(err, txlog.ErrNoDecision) {
		return txlog.Unknown, nil
	}
	return d.Outcome, err
}
