package differential_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver/xatest/differential"
)

// envRefusals makes TestCorpus list each step that was refused.
const envRefusals = "XAPG_DIFF_REFUSALS"

// envAll runs all scripts on each number of shards: else every eighth is run on one
// shard, every fourth on two, and all on four.
const envAll = "XAPG_DIFF_ALL"

// maxRefused is the share of steps that may be refused without a word in the script.
const maxRefused = 0.03

func TestCorpus(t *testing.T) {
	list := servers(t)
	for shards, every := range map[int]int{1: 8, 2: 4, 4: 1} {
		t.Run(fmt.Sprintf("shards=%d", shards), func(t *testing.T) {
			total := new(differential.Report)
			for i, s := range scripts(t) {
				if i%every > 0 && os.Getenv(envAll) == "" {
					continue // what four shards answer right, fewer do: they are run to be sure
				}
				t.Run(s.Name, func(t *testing.T) {
					report, err := differential.Run(t.Context(), plainDB(t, list[4], ""), shardedDB(t, list[:shards], s.Settings), s)
					require.NoError(t, err)
					total.Add(report)
					if len(report.Wrong) > 0 {
						t.Error(report)
					} else {
						t.Log(report.Total())
					}
					if shards > 1 {
						// One shard alone may well answer what several cannot.
						assert.Empty(t, report.Answered, "steps that are meant to be refused")
					}
				})
			}
			logTotal(t, total)
			assert.LessOrEqual(t, float64(total.RefusedSteps()), maxRefused*float64(total.Steps()), "too much is refused")
		})
	}
}

func logTotal(t *testing.T, total *differential.Report) {
	t.Helper()
	t.Logf("%s%s", total.Total(), total.Clauses())
	if os.Getenv(envRefusals) != "" {
		for _, d := range total.Refusals {
			t.Log(d)
		}
	}
}
