package differential_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/xapg/xapg/xadriver/xatest/differential"
)

// How long TestRandom makes new scripts, instead of the same few each time, and a
// directory for those that go wrong, which then do not end it.
const (
	envSeconds   = "XAPG_RANDOM_SECONDS"
	envDirectory = "XAPG_RANDOM_DIR"
)

// What is drawn at a time, when new scripts are made and when they are the same each
// time, and how long a script that goes wrong is made smaller, after rapid has done so.
const (
	drawnAtOnce = 4
	drawnAgain  = 20
	reducing    = 30 * time.Second
)

// TestRandom compares what nobody thought of. Unless told to make new scripts, it has the
// same ones each time: a new one that goes wrong would fail a change that has nothing to
// do with it. Run it with -rapid.seed=N to see the scripts of one seed again.
func TestRandom(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a while")
	}
	seconds := 0
	if s := os.Getenv(envSeconds); s != "" {
		var err error
		seconds, err = strconv.Atoi(s)
		require.NoError(t, err, envSeconds)
	}
	asked := flag.Lookup("rapid.seed").Value.String() != "0"
	once := asked || seconds == 0
	switch {
	case !once:
		setFlag(t, "rapid.checks", fmt.Sprint(drawnAtOnce))
	case !asked:
		setFlag(t, "rapid.seed", "1")
		setFlag(t, "rapid.checks", fmt.Sprint(drawnAgain))
	}
	setFlag(t, "rapid.nofailfile", "true")
	r := &randomRun{arena: newArena(t), directory: os.Getenv(envDirectory), total: new(differential.Report)}
	defer r.finish(t)
	for end := time.Now().Add(time.Duration(seconds) * time.Second); ; {
		rapid.Check(t, r.check)
		if once || time.Now().After(end) {
			break
		}
	}
}

func setFlag(t *testing.T, name, value string) {
	old := flag.Lookup(name).Value.String()
	require.NoError(t, flag.Set(name, value))
	t.Cleanup(func() { require.NoError(t, flag.Set(name, old)) })
}

// randomRun is what has been seen so far.
type randomRun struct {
	*arena
	directory string
	total     *differential.Report
	scripts   int
	saved     int
	last      generated
	wrong     *differential.Difference // the last one that ends the test
	unclear   bool                     // it has several right answers
}

func (r *randomRun) check(t *rapid.T) {
	s := cases.Draw(t, "script")
	report := r.compare(s)
	if r.wrong == nil {
		r.total.Add(report)
		r.scripts++
	}
	if len(report.Wrong) == 0 {
		return
	}
	unclear := len(r.undetermined(s)) > 0
	if r.directory != "" {
		r.save(s, report.Wrong[0], unclear)
		return
	}
	r.last, r.wrong, r.unclear = s, &report.Wrong[0], unclear
	t.Fatal("xapg does not answer as PostgreSQL does")
}

// save writes a script that goes wrong into the directory.
func (r *randomRun) save(s generated, wrong differential.Difference, unclear bool) {
	r.saved++
	write := func(name string, s generated) {
		path := filepath.Join(r.directory, fmt.Sprintf("%s_%d_%d.sql", name, os.Getpid(), r.saved))
		require.NoError(r.t, os.WriteFile(path, []byte(s.text()+"/*\n"+wrong.String()+"\n*/\n"), 0o600))
	}
	if unclear {
		write("unclear", s.without(s.at(wrong.Line)+1, len(s.statements)))
		return
	}
	write("whole", s.without(s.at(wrong.Line)+1, len(s.statements)))
	s = r.reduce(s, wrong, reducing)
	if report := r.compare(s); len(report.Wrong) > 0 {
		wrong = report.Wrong[len(report.Wrong)-1]
	}
	write("wrong", s)
}

// finish says what came of it all.
func (r *randomRun) finish(t *testing.T) {
	t.Logf("%d random scripts: %s%s", r.scripts, r.total.Total(), r.total.Clauses())
	if r.saved > 0 {
		t.Errorf("%d scripts that went wrong are in %s", r.saved, r.directory)
	}
	if os.Getenv(envErrors) != "" {
		for _, d := range r.total.Failed {
			t.Log(d)
		}
	}
	if os.Getenv(envRefusals) != "" {
		for _, d := range r.total.Refusals {
			t.Log(d)
		}
	}
	if r.wrong == nil {
		return
	}
	if r.unclear {
		t.Errorf("this script has more than one right answer, and should not have been drawn: %s\n%s", r.wrong, r.last.text())
		return
	}
	s := r.reduce(r.last, *r.wrong, reducing)
	t.Errorf("put this script into testdata:\n%s\n%s", s.text(), r.compare(s))
}
