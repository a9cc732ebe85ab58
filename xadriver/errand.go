package xadriver

import "context"

// errand is what the shards are busy with while a cut is taken. A context that ends in
// the midst of it would cost connections, and with them the transaction: so it goes on
// when the gates open too early, and is waited for before anything else is begun.
type errand struct {
	ctx    context.Context // the application's
	cancel context.CancelFunc
	done   chan error // nil while there is nothing to wait for
}

func errandOf(ctx context.Context) *errand {
	e := &errand{}
	e.ctx, e.cancel = context.WithCancel(ctx)
	return e
}

// begin begins it. What was begun before must have been waited for.
func (e *errand) begin(work func(context.Context) error) {
	done := make(chan error, 1)
	e.done = done
	go func() { done <- work(e.ctx) }()
}

// wait waits until it is done, or for as long as the context allows.
func (e *errand) wait(ctx context.Context) error {
	if e.done == nil {
		return nil
	}
	select {
	case err := <-e.done:
		e.done = nil
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// end cuts it short, if it is still under way: nobody wants it any more.
func (e *errand) end() {
	e.cancel()
	if e.done != nil {
		<-e.done
		e.done = nil
	}
}
