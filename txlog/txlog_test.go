package txlog_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/xapg/xapg/txlog"
)

func TestOutcomesHaveTheNumbersThatAreStored(t *testing.T) {
	for outcome, want := range map[txlog.Outcome]struct {
		number uint8
		name   string
	}{
		txlog.Unknown: {0, "unknown"},
		txlog.Commit:  {1, "commit"},
		txlog.Abort:   {2, "abort"},
	} {
		assert.Equal(t, want.number, uint8(outcome))
		assert.Equal(t, want.name, outcome.String())
	}
	assert.Equal(t, "unknown", txlog.Outcome(77).String())
}

func TestErrorsSayWhichLogAndWhatToDo(t *testing.T) {
	cause := errors.New("page 3 is gone")
	err := fmt.Errorf("opening: %w", &txlog.DamagedError{Log: "a.db", Advice: "restore it", Err: cause})
	assert.EqualError(t, err, "opening: txlog: the decision log a.db is damaged: page 3 is gone; restore it")
	assert.ErrorIs(t, err, cause)

	assert.EqualError(t, &txlog.ForeignError{Log: "b.db", Reason: "it is a cake; name another file"},
		"txlog: b.db cannot be used as the decision log: it is a cake; name another file")
}
