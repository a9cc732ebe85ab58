package xadriver_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver"
)

// diary is a tracer that notes what it is told, in a list that several share.
type diary struct {
	name  string
	lines *[]string
}

type diaryKey string

func (d diary) Start(ctx context.Context, op xadriver.Operation) (context.Context, func(xadriver.Report)) {
	*d.lines = append(*d.lines, d.name+" begins "+op.SQL)
	return context.WithValue(ctx, diaryKey(d.name), true), func(r xadriver.Report) {
		*d.lines = append(*d.lines, d.name+" ends "+r.Err.Error())
	}
}

func TestSeveralTracersEndInReverseOrder(t *testing.T) {
	var lines []string
	tracer := xadriver.Tracers(diary{"a", &lines}, nil, diary{"b", &lines}, diary{"c", &lines})
	ctx, end := tracer.Start(t.Context(), xadriver.Operation{SQL: "x"})
	for _, name := range []string{"a", "b", "c"} {
		assert.NotNil(t, ctx.Value(diaryKey(name)), "the context of %s is lost", name)
	}
	end(xadriver.Report{Err: errors.New("y")})
	assert.Equal(t, []string{"a begins x", "b begins x", "c begins x", "c ends y", "b ends y", "a ends y"}, lines)
}

func TestATracerSeesTheContextOfThoseBeforeIt(t *testing.T) {
	var seen any
	look := tracerFunc(func(ctx context.Context) { seen = ctx.Value(diaryKey("a")) })
	_, end := xadriver.Tracers(diary{"a", new([]string)}, look).Start(t.Context(), xadriver.Operation{})
	assert.Equal(t, true, seen)
	end(xadriver.Report{Err: errors.New("y")})
}

type tracerFunc func(context.Context)

func (f tracerFunc) Start(ctx context.Context, _ xadriver.Operation) (context.Context, func(xadriver.Report)) {
	f(ctx)
	return ctx, func(xadriver.Report) {}
}

func TestFewTracersNeedNoCombination(t *testing.T) {
	assert.Nil(t, xadriver.Tracers())
	assert.Nil(t, xadriver.Tracers(nil, nil))
	one := diary{"a", new([]string)}
	assert.Equal(t, one, xadriver.Tracers(nil, one))
	list := []xadriver.Tracer{nil, one}
	require.NotNil(t, xadriver.Tracers(list...))
	assert.Nil(t, list[0], "the caller's list is the caller's")
}
