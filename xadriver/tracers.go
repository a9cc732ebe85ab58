package xadriver

import (
	"context"
	"slices"
)

// Tracers makes one tracer of several. Each operation begins with the first and
// ends with the last that began: a tracer's context is seen by those after it. Nil
// ones are left out; without any, there is none, and nothing is traced.
func Tracers(list ...Tracer) Tracer {
	list = slices.DeleteFunc(slices.Clone(list), func(t Tracer) bool { return t == nil })
	switch len(list) {
	case 0:
		return nil
	case 1:
		return list[0]
	default:
		return tracers(list)
	}
}

type tracers []Tracer

// Start implements Tracer.
func (list tracers) Start(ctx context.Context, op Operation) (context.Context, func(Report)) {
	ends := make([]func(Report), len(list))
	for i, t := range list {
		ctx, ends[i] = t.Start(ctx, op) //nolint:fatcontext // each tracer's span is the next one's parent
	}
	return ctx, func(r Report) {
		for _, end := range slices.Backward(ends) {
			end(r)
		}
	}
}
