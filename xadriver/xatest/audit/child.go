package main

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/xapg/xapg/xadriver"
)

// The roles of child processes.
const (
	mover   = "mover"
	auditor = "auditor"
)

// childEnv holds a child's spec.
const childEnv = "XAPG_AUDIT_CHILD"

// spec is all that a child is told.
type spec struct {
	Role   string        `json:"role"`
	Slot   int           `json:"slot"`
	Inc    int           `json:"inc"` // number of the process in the whole run
	Seed   uint64        `json:"seed"`
	DSN    string        `json:"dsn"`
	Reads  string        `json:"reads"`
	Owners [][]int64     `json:"owners"`
	Links  [][]int64     `json:"links"`
	Chains [][]int64     `json:"chains"`
	Many   int           `json:"many"` // clients or readers
	Pace   time.Duration `json:"pace"`
	Linger time.Duration `json:"linger"`
	Total  int64         `json:"total"`
}

// childSpec is this process's spec, if it is a child.
func childSpec() (s spec, ok bool, err error) {
	raw := os.Getenv(childEnv)
	if raw == "" {
		return s, false, nil
	}
	err = json.Unmarshal([]byte(raw), &s)
	return s, true, err
}

// child is a process of the run.
type child struct {
	spec
	tally tally
	db    *sql.DB
	out   sync.Mutex
	end   atomic.Pointer[string] // the point at which to end, if ordered
}

// telling is how often a child tells what it has counted.
const telling = 200 * time.Millisecond

// live is what a child does until its standard input ends.
func live(s spec) int {
	c := &child{spec: s}
	var steps func(xadriver.Step)
	if s.Role == mover {
		steps = c.step
	}
	var err error
	if c.db, err = open(s.DSN, steps); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 3
	}
	defer c.db.Close()
	c.db.SetMaxIdleConns(s.Many + 1)
	ctx, cancel := context.WithCancel(context.Background())
	var working sync.WaitGroup
	if s.Role == mover {
		c.move(ctx, &working)
	} else {
		c.audit(ctx, &working)
	}
	working.Go(func() {
		for ctx.Err() == nil {
			rest(ctx, telling)
			c.tell(c.tally.take())
		}
	})
	c.obey()
	cancel()
	working.Wait()
	c.tell(c.tally.take())
	return 0
}

func rest(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// tell writes a line to the parent.
func (c *child) tell(what counts) {
	raw, err := json.Marshal(what)
	if err != nil {
		return
	}
	c.out.Lock()
	defer c.out.Unlock()
	_, _ = os.Stdout.Write(append(raw, '\n'))
}

// obey reads at which points to end, until the standard input ends.
func (c *child) obey() {
	lines := bufio.NewReader(os.Stdin)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			if err != io.EOF {
				fmt.Fprintln(os.Stderr, err)
			}
			return
		}
		line = strings.TrimSpace(line)
		c.end.Store(&line)
	}
}

// step is told of each point of each commit.
func (c *child) step(s xadriver.Step) {
	if end := c.end.Load(); end != nil && *end == string(s.Point) {
		c.tell(counts{Dying: string(s.Point)})
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
	if s.Point == xadriver.BeforeFinish {
		time.Sleep(rand.N(2*c.Linger + 1)) // each shard's message for itself
	}
}
