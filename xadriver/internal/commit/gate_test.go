package commit_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver/internal/commit"
)

// gated is a participant whose shard has a gate.
type gated struct {
	*part
	none bool // it has none after all
}

func (g gated) Gate() bool {
	if !g.none {
		g.note("gate on %s", g.name)
	}
	return !g.none
}

// keeping is a participant with locks that others wait for.
type keeping struct{ *part }

func (keeping) Keeps() bool { return true }

// A transaction that waits for a gate must not hold another one.
func TestOneWriterPassesItsGateAndNoOther(t *testing.T) {
	yes, no, maybe := commit.Yes, commit.No, commit.Maybe
	for _, test := range []struct {
		name  string
		wrote []commit.Wrote
		has   []bool
		none  int // how many of the first have no gate
		want  []string
	}{
		{"one shard", []commit.Wrote{yes}, nil, 0, []string{"gate on a"}},
		{"one shard that may have written", []commit.Wrote{maybe}, nil, 0, []string{"gate on a"}},
		{"one shard that only read", []commit.Wrote{no}, nil, 0, nil},
		{"a reader and a writer", []commit.Wrote{no, yes}, nil, 0, []string{"gate on b"}},
		{"two writers", []commit.Wrote{yes, yes}, nil, 0, []string{"gate on a"}},
		{"a reader and two writers", []commit.Wrote{no, yes, yes}, nil, 0, []string{"gate on b"}},
		{"two that turn out to be writers", []commit.Wrote{maybe, maybe}, []bool{true, true}, 0, []string{"gate on a"}},
		{"two of which one turns out to be a writer", []commit.Wrote{maybe, maybe}, []bool{false, true}, 0, []string{"gate on b"}},
		{"a participant without a gate comes first", []commit.Wrote{yes, yes, yes}, nil, 1, []string{"gate on b"}},
		{"… and only the servers know of the others", []commit.Wrote{yes, yes, maybe, maybe}, []bool{false, false, false, true}, 2, []string{"gate on d"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := &diary{}
			c, _ := coordinator(d)
			list := make([]*part, len(test.wrote))
			for i := range list {
				list[i] = &part{wrote: test.wrote[i]}
				if test.has != nil {
					list[i].has = test.has[i]
				}
			}
			all := parts(d, list...)
			for i := range all {
				all[i] = gated{list[i], i < test.none}
			}
			_, err := c.Commit(t.Context(), all)
			require.NoError(t, err)
			c.Wait()
			var gates []string
			for i, line := range d.lines {
				if len(line) > 4 && line[:4] == "gate" {
					gates = append(gates, line)
					for _, before := range d.lines[:i] {
						assert.NotContains(t, before, "prepare", "the gate is passed with a prepare, or before")
					}
				}
			}
			assert.Equal(t, test.want, gates)
		})
	}
}

// Who gets a lock that the transaction held sees all that it wrote.
func TestAPartWhoseLocksOthersWaitForEndsLast(t *testing.T) {
	d := &diary{}
	c, _ := coordinator(d)
	list := parts(d, &part{wrote: commit.Maybe}, &part{wrote: commit.Yes}, &part{wrote: commit.No})
	list[0] = keeping{list[0].(*part)}
	out, err := c.Commit(t.Context(), list)
	require.NoError(t, err)
	c.Wait()
	assert.Equal(t, commit.TwoPhase, out.Kind)
	lines := d.lines
	assert.Equal(t, []string{"commit prepared on b", "commit prepared on a"}, lines[len(lines)-3:len(lines)-1])
	assert.Contains(t, lines, "commit the reader on c")
}

// Where nobody wrote, nobody has anything to wait for.
func TestLocksAloneAreNotPrepared(t *testing.T) {
	d := &diary{}
	c, _ := coordinator(d)
	list := parts(d, &part{wrote: commit.Maybe}, &part{wrote: commit.No})
	list[0] = keeping{list[0].(*part)}
	out, err := c.Commit(t.Context(), list)
	require.NoError(t, err)
	assert.NotEqual(t, commit.TwoPhase, out.Kind)
}
