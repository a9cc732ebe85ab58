package origin_test

import (
	"errors"
	"fmt"
	"runtime"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"

	"github.com/xapg/xapg/xadriver/internal/origin"
)

func TestAnErrorKeepsItsOrigin(t *testing.T) {
	err := &pgconn.PgError{Code: "23505"}
	assert.Empty(t, origin.Of(err))
	assert.Same(t, err, origin.Note(err, "athos"), "it is the same error")
	assert.Equal(t, "athos", origin.Of(err))
	origin.Note(err, "porthos")
	assert.Equal(t, "athos", origin.Of(err), "the first word counts")
	assert.Equal(t, "athos", origin.Of(fmt.Errorf("saving: %w", err)))
	assert.Empty(t, origin.Of(&pgconn.PgError{Code: "23505"}), "another one like it")

	connect := &pgconn.ConnectError{}
	origin.Note(fmt.Errorf("waiting: %w", connect), "porthos")
	assert.Equal(t, "porthos", origin.Of(connect))

	cause := errors.New("gone")
	own := origin.Errorf("athos", origin.Lost, "the connection was lost: %w", cause)
	assert.Equal(t, "athos", origin.Of(own))
	assert.ErrorIs(t, own, cause)
	assert.EqualError(t, own, "xapg: shard athos: the connection was lost: gone")
	assert.NoError(t, origin.Note(nil, "athos"))
	assert.Empty(t, origin.Of(nil))
	assert.Empty(t, origin.Of(cause))
}

func TestOriginsAreForgottenWithTheirErrors(t *testing.T) {
	before := origin.Known()
	for range 1000 {
		_ = origin.Note(&pgconn.PgError{}, "athos")
	}
	for range 100 {
		runtime.GC()
		if origin.Known() <= before {
			return
		}
		runtime.Gosched()
	}
	t.Errorf("%d errors are still remembered", origin.Known()-before)
}
