// Package model_test runs the formal model of the commit protocol through spin: the
// model must hold, and each of its mutants must not.
package model_test

import (
	"context"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// kind is what spin looks for.
type kind string

const (
	always     kind = "R1, R2, R4 and the truth, in every state"
	eventually kind = "R3, at the end of every fair run"
)

// run is one search of the state space.
type run struct {
	kind   kind
	define []string
	slow   bool // only with XAPG_MODEL=full
}

// result is what spin found.
type result struct {
	errors, states int
	broken         string // the rule that the counterexample breaks
}

func TestTheModelHolds(t *testing.T) {
	tools(t)
	total := 0
	for _, r := range []run{
		{kind: always, define: []string{"N=2", "RESOLVERS=1", "FAULTS=3"}},
		{kind: always, define: []string{"N=2", "RESOLVERS=2", "FAULTS=1"}},
		{kind: always, define: []string{"N=3", "RESOLVERS=1", "FAULTS=1"}},
		{kind: eventually, define: []string{"N=2", "RESOLVERS=1", "FAULTS=1"}},
		{kind: always, define: []string{"N=2", "RESOLVERS=1", "FAULTS=5"}, slow: true},
		{kind: always, define: []string{"N=2", "RESOLVERS=2", "FAULTS=2"}, slow: true},
		{kind: always, define: []string{"N=3", "RESOLVERS=1", "FAULTS=3"}, slow: true},
		{kind: eventually, define: []string{"N=2", "RESOLVERS=1", "FAULTS=2"}, slow: true},
		{kind: eventually, define: []string{"N=3", "RESOLVERS=1", "FAULTS=1"}, slow: true},
		{kind: eventually, define: []string{"N=2", "RESOLVERS=2", "FAULTS=1"}, slow: true},
	} {
		t.Run(strings.Join(r.define, ",")+" "+string(r.kind), func(t *testing.T) {
			if r.slow && os.Getenv("XAPG_MODEL") != "full" {
				t.Skip("it takes minutes: XAPG_MODEL=full, or make model, runs it")
			}
			got := check(t, r)
			assert.Zero(t, got.errors, "it breaks %s", got.broken)
			assert.Greater(t, got.states, 1000, "nothing was explored")
			t.Logf("%d states", got.states)
			total += got.states
		})
	}
	t.Logf("%d states in all", total)
}

// mutants says in which search each mutant is caught.
var mutants = map[string]kind{
	"TAG_UNCHECKED":               always,
	"NO_IS_IGNORED":               always,
	"LOST_VOTE_IS_YES":            always,
	"COMMITS_BEFORE_DECISION":     always,
	"TELLS_BEFORE_DECISION":       always,
	"OBEYS_ITS_OWN_WISH":          always,
	"UNSURE_MEANS_ABORT":          always,
	"DOUBT_IS_TOLD_AS_ABORT":      always,
	"FORGETS_EARLY":               always,
	"SLEEPS_UNNOTICED":            always,
	"REGISTER_WRITTEN_TWICE":      always,
	"SILENCE_IS_CONSENT":          always,
	"COPIED_LOG":                  always,
	"TIMER_ONLY":                  always,
	"NO_RECORD_MEANS_ABORT":       always,
	"RESOLVER_OBEYS_ITS_OWN_WISH": always,
	"RESOLVER_STORES_COMMIT":      always,
	"WRONG_NAME":                  always,
	"LISTS_BEFORE_RECORDS":        always,
	"VOTE_LOST_IN_FAILOVER":       always,
	"SWEEPS_ONCE":                 eventually,
}

func TestEveryMutantIsCaught(t *testing.T) {
	tools(t)
	for name, in := range mutants {
		t.Run(name, func(t *testing.T) {
			got := check(t, run{kind: in, define: []string{"N=2", "RESOLVERS=1", "FAULTS=2", "MUTANT_" + name}})
			assert.Positive(t, got.errors, "it survived %d states", got.states)
			t.Logf("caught after %d states: it breaks %s", got.states, got.broken)
		})
	}
}

// Textbook two-phase commit: without anybody who finishes what a dead coordinator
// left, its participants keep their locks for ever.
func TestWithoutAResolverTheLocksOfADeadCoordinatorStay(t *testing.T) {
	tools(t)
	define := []string{"N=2", "RESOLVERS=0", "FAULTS=0"}
	assert.Zero(t, check(t, run{kind: always, define: define}).errors, "it blocks, but it does no harm")
	assert.Positive(t, check(t, run{kind: eventually, define: define}).errors)
}

func TestTheListOfMutantsIsTheModels(t *testing.T) {
	text, err := os.ReadFile("mutants.pml")
	require.NoError(t, err)
	var in, listed []string
	for _, m := range regexp.MustCompile(`MUTANT_([A-Z_]+)`).FindAllStringSubmatch(string(text), -1) {
		in = append(in, m[1])
	}
	for name := range mutants {
		listed = append(listed, name)
	}
	slices.Sort(in)
	slices.Sort(listed)
	assert.Equal(t, slices.Compact(in), listed)
}

func tools(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("it compiles some twenty programs")
	}
	for _, name := range []string{"spin", "cc"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("%s is not installed: the model is not checked (Debian: apt-get install spin gcc libc6-dev)", name)
		}
	}
}

var (
	found    = regexp.MustCompile(`errors: (\d+)`)
	stored   = regexp.MustCompile(`(?m)^\s*(\d+) states, stored`)
	violated = regexp.MustCompile(`assertion violated (.*)`)
)

// check has spin write a verifier, compiles it and runs it.
func check(t *testing.T, r run) result {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS(".")))
	args := []string{"-a"}
	for _, d := range r.define {
		args = append(args, "-D"+d)
	}
	do(t, dir, "spin", append(args, "commit.pml")...)
	// Partial order reduction is off: the state space is small enough to be searched whole.
	compile := []string{"-w", "-O0", "-DNOREDUCE", "-DMEMLIM=3000", "-o", "pan", "pan.c"}
	search := []string{"-m1000000", "-w20", "-n"}
	if r.kind == always {
		compile = append(compile, "-DSAFETY", "-DNOCLAIM")
	} else {
		compile = append(compile, "-DNFAIR=3")
		search = append(search, "-a", "-f")
	}
	do(t, dir, "cc", compile...)
	out := do(t, dir, "./pan", search...)
	got := read(t, out)
	if got.errors == 0 {
		require.NotContains(t, out, "Search not completed", "nothing is known of the rest")
		require.NotContains(t, out, "max search depth too small")
	}
	return got
}

func do(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s: %s", name, out)
	return string(out)
}

func read(t *testing.T, out string) (r result) {
	t.Helper()
	m := found.FindStringSubmatch(out)
	require.NotNil(t, m, "spin counted nothing:\n%s", out)
	r.errors, _ = strconv.Atoi(m[1])
	if m = stored.FindStringSubmatch(out); m != nil {
		r.states, _ = strconv.Atoi(m[1])
	}
	switch m = violated.FindStringSubmatch(out); {
	case m != nil:
		r.broken = rule(m[1])
	case strings.Contains(out, "acceptance cycle"):
		r.broken = "R3"
	case r.errors > 0:
		r.broken = "something else:\n" + out
	}
	return r
}

// rule names the rule that an assertion states.
func rule(assertion string) string {
	for _, r := range []struct{ part, name string }{
		{"nNo>0", "R1"}, {"nYes<", "R2"}, {"!(everCommit)", "the truth (told committed)"},
		{"told==", "the truth (told rolled back)"}, {"nAborted>0", "R4"},
	} {
		if strings.Contains(assertion, r.part) {
			return r.name
		}
	}
	return assertion
}
