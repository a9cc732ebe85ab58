package txlogtest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"github.com/xapg/xapg/txlog"
)

// placeVariable tells a child process where the log is.
const placeVariable = "XAPG_TXLOGTEST_PLACE"

// Child must be called at the start of a store's TestMain. In the processes that the
// crash test starts it does not return; elsewhere it does nothing.
//
// A child decides as fast as it can, in several goroutines, and prints what Decide
// has acknowledged, until it is killed.
func Child(open Open) {
	place := os.Getenv(placeVariable)
	if place == "" {
		return
	}
	go func() { // an orphan ends by itself
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(1)
	}()
	ctx := context.Background()
	l, err := open(ctx, place, Cluster)
	if err != nil {
		fmt.Fprintln(os.Stderr, "opening the log:", err)
		os.Exit(1)
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				a := acknowledged{ID: newID(), Outcome: txlog.Outcome(1 + rand.IntN(2)), Finished: rand.IntN(3) == 0}
				got, err := l.Decide(ctx, a.ID, a.Outcome, shards)
				if err == nil && got != a.Outcome {
					err = fmt.Errorf("a fresh transaction was already decided: %v", got)
				}
				if err == nil && a.Finished {
					err = l.Finish(ctx, a.ID)
				}
				if err != nil {
					fmt.Fprintln(os.Stderr, "deciding:", err)
					os.Exit(1)
				}
				mu.Lock()
				fmt.Println(a)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
}

// acknowledged is what a child was told to be stored.
type acknowledged struct {
	ID       uuid.UUID
	Outcome  txlog.Outcome
	Finished bool // perhaps not durably
}

func (a acknowledged) String() string {
	return fmt.Sprintf("%v %d %t", a.ID, a.Outcome, a.Finished)
}

func parseAcknowledged(line string) (a acknowledged, err error) {
	var id string
	if _, err = fmt.Sscanf(line, "%s %d %t\n", &id, &a.Outcome, &a.Finished); err == nil {
		a.ID, err = uuid.Parse(id)
	}
	return a, err
}

// crash kills processes in the middle of deciding, several times on one log, and
// looks after each whether all that any of them was told is there.
func crash(t *testing.T, f Factory) {
	place := f.Fresh(t)
	var all []acknowledged
	for range 5 {
		all = append(all, killed(t, place, 20+rand.IntN(300))...)
		l, err := f.Open(t.Context(), place, Cluster)
		require.NoError(t, err, "opening the log after the crash")
		err = survived(t.Context(), l, all)
		require.NoError(t, l.Close())
		require.NoError(t, err)
	}
}

// killed runs a child, kills it once it has acknowledged n decisions, and returns
// all that it has acknowledged until then.
func killed(t *testing.T, place string, n int) []acknowledged {
	self, err := os.Executable()
	require.NoError(t, err)
	child := exec.Command(self)
	child.Env = append(os.Environ(), placeVariable+"="+place)
	var complaints strings.Builder
	child.Stderr = &complaints
	stdin, err := child.StdinPipe()
	require.NoError(t, err)
	defer stdin.Close()
	stdout, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())

	var list []acknowledged
	for lines := bufio.NewReader(stdout); ; {
		line, err := lines.ReadString('\n')
		if err != nil { // a line that is cut was not acknowledged to anybody
			break
		}
		a, err := parseAcknowledged(line)
		if err != nil {
			_ = child.Process.Kill()
			require.NoError(t, err, "the store's TestMain must call Child before anything is printed: %q", line)
		}
		if list = append(list, a); len(list) == n {
			require.NoError(t, child.Process.Kill())
		}
	}
	err = child.Wait()
	require.GreaterOrEqual(t, len(list), n, "the child ended by itself: %v: %s", err, complaints.String())
	return list
}

// survived looks whether all that was acknowledged is in the log, unchanged, for good
// and, unless it may be finished, listed for recovery.
func survived(ctx context.Context, l txlog.Log, all []acknowledged) error {
	listed := make(map[uuid.UUID]bool)
	for after, page := uuid.Nil, 100; ; {
		list, err := l.Unfinished(ctx, after, page)
		if err != nil {
			return err
		}
		for _, d := range list {
			listed[d.ID], after = true, d.ID
		}
		if len(list) < page {
			break
		}
	}
	for _, a := range all {
		d, err := l.Lookup(ctx, a.ID)
		if err != nil {
			return fmt.Errorf("acknowledged decision %v: %w", a.ID, err)
		}
		if d.Outcome != a.Outcome {
			return fmt.Errorf("acknowledged decision %v was %v and is now %v", a.ID, a.Outcome, d.Outcome)
		}
		if got, err := l.Decide(ctx, a.ID, opposite(a.Outcome), shards); err != nil || got != a.Outcome {
			return fmt.Errorf("acknowledged decision %v was %v and was decided again: %v, %w", a.ID, a.Outcome, got, err)
		}
		if !a.Finished && !listed[a.ID] {
			return fmt.Errorf("acknowledged decision %v is not listed as unfinished", a.ID)
		}
	}
	return nil
}
