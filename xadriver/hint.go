package xadriver

import (
	"context"

	"github.com/xapg/xapg/xadriver/internal/plan"
)

type hintKey struct{}

// WithKey says, for the statements run with the returned context, that they
// concern the rows of one key value only. It is for what SQL cannot say, such as
// a function that reads the rows of its argument; the driver trusts it.
//
// As the context of BeginTx it says that the whole transaction needs one shard only, that
// of its first statement: see WithShard.
func WithKey(ctx context.Context, value any) context.Context {
	return context.WithValue(ctx, hintKey{}, plan.Hint{Key: value, HasKey: true})
}

// WithShard sends the statements run with the returned context to one shard, as
// they are. The driver trusts it.
//
// As the context of BeginTx it confines a REPEATABLE READ or SERIALIZABLE transaction to
// that shard: the transaction sees that shard's snapshot, at the cost of none of the
// others', and its statements are refused where they need another shard. It sends them
// nowhere by itself.
func WithShard(ctx context.Context, name string) context.Context {
	return context.WithValue(ctx, hintKey{}, plan.Hint{Shard: name})
}

func hintOf(ctx context.Context) plan.Hint {
	h, _ := ctx.Value(hintKey{}).(plan.Hint)
	return h
}
