package failover_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver"
)

// A primary is killed at every step of a commit, and its synchronous standby takes
// over while the program goes on.
func TestWithASynchronousStandbyNoFailoverLosesAnything(t *testing.T) {
	b := newBank(t)
	for _, c := range []struct{ at, want string }{
		{"before_prepare/s1", "rolled back"}, {"after_prepare/s1", "committed"},
		{"before_prepare/s2", "either"}, {"after_prepare/s2", "either"}, // the other shard votes at the same time
		{"before_decide", "committed"}, {"after_decide", "committed"},
		{"before_finish/s1", "committed"}, {"after_finish/s1", "committed"}, {"before_finish/s2", "committed"}, {"after_finish/s2", "committed"},
		{"before_forget", "committed"},
	} {
		t.Run(c.at, func(t *testing.T) {
			b.t = t
			require.NoError(t, b.primary.Synchronous(t.Context(), b.standby.Name()))
			s := &stepper{}
			db, connector := b.open(s)
			require.NoError(t, b.move(db, "before:"+c.at))
			s.arm(c.at, func(xadriver.Step) { b.fail() })
			err := b.move(db, "at:"+c.at)
			require.NotNil(t, b.old, "the point was not passed")
			if c.want != "either" {
				require.Equal(t, c.want == "committed", err == nil, "%v", err)
			}
			b.settle()
			b.goOn(db, "after:"+c.at)
			b.settle()
			assert.Empty(t, b.halves())
			lost, err := connector.Lost(t.Context(), true)
			require.NoError(t, err)
			assert.Empty(t, lost)
			require.NoError(t, db.Close())
			b.old = nil
			b.addStandby()
		})
	}
}
