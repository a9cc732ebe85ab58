package xadriver

import (
	"context"
	"database/sql/driver"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver/internal/commit"
)

// Whose context has ended is told so where nothing was sent, and never instead of what is
// known of the outcome.
func TestAnEndedContextIsTheLastWordOnlyWhereNothingWasSent(t *testing.T) {
	ended, end := context.WithCancel(t.Context())
	end()
	require.ErrorIs(t, lastWord(ended, public(driver.ErrBadConn)), context.Canceled)

	var lost *pgconn.PgError
	err := lastWord(t.Context(), public(driver.ErrBadConn))
	require.ErrorAs(t, err, &lost)
	assert.Equal(t, "08006", lost.Code)

	id := uuid.New()
	for name, told := range map[string]struct {
		of   error
		want any
	}{
		"in doubt":  {&commit.InDoubtError{ID: id, Shards: []string{"s1"}, Cause: driver.ErrBadConn}, new(*InDoubtError)},
		"overruled": {&commit.OverruledError{ID: id}, new(*OverruledError)},
		"undecided": {&commit.UndecidedError{ID: id, Cause: driver.ErrBadConn}, new(*AbortedError)},
		"refused":   {&pgconn.PgError{Code: "23503"}, new(*pgconn.PgError)},
	} {
		for _, ctx := range []context.Context{t.Context(), ended} {
			err := lastWord(ctx, public(told.of))
			require.ErrorAs(t, err, told.want, name)
			assert.NotErrorIs(t, err, context.Canceled, name)
			assert.NotErrorIs(t, err, driver.ErrBadConn, name)
		}
	}
	require.NoError(t, lastWord(ended, public(nil)), "it is committed")
}
