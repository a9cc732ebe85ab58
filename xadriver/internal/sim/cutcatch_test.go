package sim

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestEachMistakeWithReadersIsCaught explores each mutant until it breaks its rule, prints
// the shortest run that does, runs that once more from its text, and explores the same
// world without the mistake, which must not break anything.
func TestEachMistakeWithReadersIsCaught(t *testing.T) {
	t.Parallel()
	for _, m := range cutMutants {
		t.Run(m.mistake, func(t *testing.T) {
			t.Parallel()
			w := m.world
			if w.Parts == nil {
				w.Parts = pair
			}
			w.Cuts = max(w.Cuts, 1)
			w.Limits[Pauses] = 2
			w.StateLimit = 300_000
			right := w
			w.Endless = m.rule != "ends"
			mutant := w
			var v *Violation
			synctest.Test(t, func(t *testing.T) {
				r := mutant.Explore()
				v = r.Violation
				require.NotNil(t, v, "not caught in %s", r)
				t.Logf("caught among %d states: %s: %s, by\n    %s", r.States, v.Rule, v.Why, strings.Join(v.Schedule, "\n    "))
			})
			assert.Equal(t, m.rule, v.Rule)
			synctest.Test(t, func(t *testing.T) {
				again, err := w.Replay(v.String())
				require.NoError(t, err)
				require.NotNil(t, again)
				assert.Equal(t, v.Rule, again.Rule)
				assert.Equal(t, v.Why, again.Why)
			})
			right.Committer, right.Reader, right.Writer = Program{}, Program{}, Program{}
			right.OpensAtPrepare = false
			right.Limits[Pauses] = many
			synctest.Test(t, func(t *testing.T) {
				r := right.Explore()
				assert.Nil(t, r.Violation, "without the mistake")
				assert.True(t, r.Complete)
			})
		})
	}
}
