package spawn_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/xapg/xapg/xadriver/xatest/spawn"
)

const variable = "XAPG_SPAWN_TEST"

// part is what a child of these tests is told to do.
type part struct{ Does string }

func TestMain(m *testing.M) {
	if raw, is := os.LookupEnv(variable); is {
		play(raw)
		return
	}
	goleak.VerifyTestMain(m)
}

// play says hello, repeats what it is told, and ends when that does.
func play(raw string) {
	var p part
	if err := json.Unmarshal([]byte(raw), &p); err != nil {
		panic(err)
	}
	fmt.Println("hello", p.Does, os.Getenv("MORE"))
	heard := bufio.NewScanner(os.Stdin)
	for heard.Scan() {
		fmt.Println("told", heard.Text())
		switch p.Does {
		case "panics":
			panic("of " + heard.Text())
		case "is cut off":
			fmt.Print("half of a li")
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
	}
	fmt.Println("bye")
}

// child is one whose words are collected.
type child struct {
	*spawn.Child
	words []string // to be read when it is dead
	err   error
	first chan struct{}
}

func start(t *testing.T, does string) *child {
	t.Helper()
	c := &child{first: make(chan struct{})}
	var err error
	c.Child, err = spawn.Start(spawn.Options{
		Variable: variable, Spec: part{Does: does}, More: []string{"MORE=more"}, Stderr: filepath.Join(t.TempDir(), "stderr"),
	})
	require.NoError(t, err)
	c.Listen(func(line []byte) {
		if c.words = append(c.words, string(line)); len(c.words) == 1 {
			close(c.first)
		}
	}, func(err error) { c.err = err })
	t.Cleanup(func() {
		c.Kill()
		<-c.Dead()
	})
	select {
	case <-c.first:
	case <-time.After(time.Minute):
		t.Fatal("it does not begin: " + c.Tail())
	}
	return c
}

func TestAChildIsToldAndHeard(t *testing.T) {
	c := start(t, "repeats")
	assert.False(t, c.IsDead())
	c.Tell("one")
	c.Tell("two")
	c.End()
	<-c.Dead()
	assert.True(t, c.IsDead())
	require.NoError(t, c.err)
	assert.Equal(t, []string{"hello repeats more", "told one", "told two", "bye"}, c.words)
	assert.Empty(t, c.Broken())
	assert.False(t, c.Kill(), "it has ended by itself")
	c.Tell("three") // nobody hears it
}

func TestAChildIsKilled(t *testing.T) {
	c := start(t, "repeats")
	assert.True(t, c.Kill())
	<-c.Dead()
	require.ErrorContains(t, c.err, "killed")
	assert.Equal(t, []string{"hello repeats more"}, c.words)
}

func TestAChildIsStoppedAndGoesOn(t *testing.T) {
	c := start(t, "repeats")
	c.Signal(syscall.SIGSTOP)
	c.Tell("one")
	c.Signal(syscall.SIGCONT)
	c.End()
	<-c.Dead()
	assert.Contains(t, c.words, "told one")
}

func TestALineThatWasCutOffWasNotSaid(t *testing.T) {
	c := start(t, "is cut off")
	c.Tell("now")
	<-c.Dead()
	require.Error(t, c.err)
	assert.Equal(t, []string{"hello is cut off more", "told now"}, c.words)
}

func TestABrokenProgramIsKnownAsOne(t *testing.T) {
	c := start(t, "panics")
	c.Tell("fright")
	<-c.Dead()
	require.Error(t, c.err)
	assert.Contains(t, c.Broken(), "panic: of fright")
	assert.Contains(t, c.Tail(), "panic: of fright")
}
