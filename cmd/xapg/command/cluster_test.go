package command

import (
	"bytes"
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver/xatest"
)

func xapg(args ...string) (code int, out, errs string) {
	var o, e bytes.Buffer
	code = run(context.Background(), args, &o, &e)
	return code, o.String(), e.String()
}

func TestOperatorsSeeWhetherAClusterIsWellAndWhereStatementsGo(t *testing.T) {
	h := newHouse(t, "resolve_after=1h")
	code, out, errs := xapg("check", h.dsn, "--rows")
	assert.Zero(t, code, out+errs)
	assert.Contains(t, out, "max_prepared_transactions")
	assert.Contains(t, out, "0 on the wrong shard")

	code, out, errs = xapg("route", h.dsn, "SELECT * FROM accounts WHERE owner = $1", "Alice")
	assert.Zero(t, code, errs)
	assert.Contains(t, out, "porthos")
	code, out, errs = xapg("route", h.dsn, "SELECT count(*) FROM accounts")
	assert.Zero(t, code, errs)
	assert.Contains(t, out, "partial aggregates")
	assert.Contains(t, out, "porthos")
	assert.Contains(t, out, "then: by PostgreSQL")
	code, _, errs = xapg("route", h.dsn, "COPY accounts FROM STDIN")
	assert.Equal(t, exitProblem, code)
	assert.Contains(t, errs, "COPY")
	code, _, errs = xapg("route", h.dsn, "SELEC 1")
	assert.Equal(t, exitProblem, code)
	assert.Contains(t, errs, "syntax error")
}

func TestOperatorsResolveWhatIsOldEnough(t *testing.T) {
	h := build(t, xatest.Start(t, xatest.Names("athos", "porthos")), "resolve_after=1h")
	h.kill(t, "before_decide")
	code, out, errs := xapg("resolve", h.dsn)
	assert.Equal(t, exitProblem, code, "too young: %s", out)
	assert.Contains(t, errs, "--older-than 0s")
	code, out, errs = xapg("resolve", h.dsn, "--older-than", "0s")
	assert.Zero(t, code, out+errs)
	code, out, _ = xapg("txns", h.dsn)
	assert.Zero(t, code, out)
	for shard := range h.urls {
		assert.Equal(t, "0", h.on(t, shard, "SELECT count(*)::text FROM accounts"))
	}

	require.NoError(t, h.Server("porthos").Stop(context.Background(), xatest.Fast))
	code, out, _ = xapg("check", h.dsn)
	assert.Equal(t, exitUnreachable, code)
	assert.Contains(t, out, "WRONG")
}

func TestWhatCannotBeUnderstoodSaysSo(t *testing.T) {
	for _, args := range [][]string{{"check"}, {"check", "cluster=x shard.a=host=h"}, {"locks"}, {"locks", "postgres://localhost/one"}, {"route"}, {"nonsense"}, {"txns", "postgres://localhost/one"}} {
		code, _, errs := xapg(args...)
		assert.Equal(t, exitUsage, code, args)
		assert.NotEmpty(t, errs)
	}
}
