package force

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/xapg/xapg/txlog"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEvidenceDecides(t *testing.T) {
	e := func(states ...State) (list []Evidence) {
		for i, s := range states {
			list = append(list, Evidence{Shard: string(rune('a' + i)), State: s, Words: "seen"})
		}
		return list
	}
	was := func(outcome string) []Record {
		return []Record{{Shard: "a", Outcome: outcome, Who: "Odhiambo", Why: "the disk", At: time.Unix(0, 0)}}
	}
	for name, c := range map[string]struct {
		want     txlog.Outcome
		evidence []Evidence
		records  []Record
		proven   bool
		refusal  string
		unproven int
	}{
		"prepared everywhere":                   {txlog.Commit, e(Prepared, Prepared), nil, false, "", 1},
		"prepared, and a shard that says none":  {txlog.Abort, e(Prepared, Untold), nil, false, "", 2},
		"a shard away, and one that says none":  {txlog.Abort, e(Prepared, Untold, Unreachable), nil, false, "", 3},
		"committed on one":                      {txlog.Commit, e(Prepared, Committed, Unreachable), nil, true, "", 0},
		"committed on one, against it":          {txlog.Abort, e(Prepared, Committed), nil, false, "it was committed: shard b: seen", 0},
		"rolled back on one":                    {txlog.Abort, e(RolledBack, Prepared), nil, true, "", 0},
		"rolled back on one, against it":        {txlog.Commit, e(RolledBack, Prepared), nil, false, "it was rolled back: shard a", 0},
		"both":                                  {txlog.Commit, e(RolledBack, Prepared, Committed), nil, false, "broken already", 0},
		"both, the other way":                   {txlog.Abort, e(RolledBack, Prepared, Committed), nil, false, "broken already", 0},
		"forced before":                         {txlog.Commit, e(Prepared, Untold), was("commit"), true, "", 0},
		"forced before, against it":             {txlog.Abort, e(Prepared, Untold), was("commit"), false, "forced to commit already, by Odhiambo on 1970-01-01", 0},
		"forced before, and proven the other":   {txlog.Commit, e(Prepared, RolledBack), was("commit"), false, "it was rolled back", 0},
		"forced before against what was proven": {txlog.Commit, e(Prepared, Committed), was("abort"), false, "forced to abort already", 0},
	} {
		t.Run(name, func(t *testing.T) {
			v := Judge(c.want, c.evidence, c.records)
			assert.Equal(t, c.proven, v.Proven)
			assert.Len(t, v.Unproven, c.unproven)
			if c.refusal == "" {
				assert.Empty(t, v.Refusal)
			} else {
				assert.Contains(t, v.Refusal, c.refusal)
			}
		})
	}
}

func TestTheBeginningOfAFileOfTheWriteAheadLog(t *testing.T) {
	for _, c := range []struct{ name, size, want string }{
		{"0000000000000001", "16777216", "0/1000000"},
		{"00000001000000FF", "16777216", "1/FF000000"},
		{"0000000A00000003", "1073741824", "A/C0000000"},
	} {
		got, err := lsn(c.name, c.size)
		require.NoError(t, err)
		assert.Equal(t, c.want, got)
	}
	for _, bad := range []string{"", "zz", "000000010000000G"} {
		_, err := lsn(bad, "16777216")
		require.Error(t, err)
	}
}
