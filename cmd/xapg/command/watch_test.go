package command

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver/xatest"
)

// watcher is a stand-alone backup, a process of its own.
type watcher struct {
	cmd     *exec.Cmd
	address string

	mu  sync.Mutex
	log []map[string]any
}

func startWatcher(t *testing.T, h *house) *watcher {
	t.Helper()
	exe, err := os.Executable()
	require.NoError(t, err)
	w := &watcher{cmd: exec.Command(exe)}
	args := []string{"resolve", "--watch", h.dsn, "--health", "127.0.0.1:0", "--log-format", "json"}
	w.cmd.Env = append(os.Environ(), asCommand+"="+strings.Join(args, "\n"))
	out, err := w.cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, w.cmd.Start())
	t.Cleanup(func() { _ = w.cmd.Process.Kill() })
	address := make(chan string, 1)
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var line map[string]any
			if json.Unmarshal(lines.Bytes(), &line) != nil {
				continue
			}
			w.mu.Lock()
			w.log = append(w.log, line)
			w.mu.Unlock()
			if line["msg"] == "health is served" {
				address <- line["address"].(string)
			}
		}
	}()
	select {
	case w.address = <-address:
	case <-time.After(time.Minute):
		t.Fatal("it does not start")
	}
	return w
}

// said counts the lines of the log with a message and an attribute.
func (w *watcher) said(msg, key, value string) (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, line := range w.log {
		if line["msg"] == msg && line[key] == value {
			n++
		}
	}
	return n
}

func (w *watcher) ask(t *testing.T, path string) (code int, body string) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Get("http://" + w.address + path)
	require.NoError(t, err)
	defer res.Body.Close()
	all, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, string(all)
}

func TestAStandAloneBackupEndsWhatOthersLeave(t *testing.T) {
	h := build(t, xatest.Start(t, xatest.Names("athos", "porthos")), "resolve_after=300ms", "resolve_every=200ms")
	w := startWatcher(t, h)
	ready := func() bool { code, _ := w.ask(t, "/readyz"); return code == http.StatusOK }
	require.Eventually(t, ready, time.Minute, 20*time.Millisecond)
	code, body := w.ask(t, "/healthz")
	assert.Equal(t, http.StatusOK, code, body)

	for _, at := range []string{"before_decide", "after_prepare/porthos"} {
		h.kill(t, at)
		begin := time.Now()
		require.Eventually(t, func() bool { return h.prepared(t, "athos")+h.prepared(t, "porthos") == "" }, time.Minute, 10*time.Millisecond)
		t.Logf("killed at %s: its locks were gone %s later, with resolve_after 300ms", at, time.Since(begin).Round(time.Millisecond))
	}
	require.Eventually(t, func() bool { return w.said("resolved a transaction", "outcome", "abort") > 0 }, time.Minute, 10*time.Millisecond, "it says what it did")

	require.NoError(t, h.Server("porthos").Stop(context.Background(), xatest.Immediate))
	var said readiness
	require.Eventually(t, func() bool { // one answer has it all: a slow machine may make either shard unready for a moment
		code, body = w.ask(t, "/readyz")
		said = readiness{}
		return json.Unmarshal([]byte(body), &said) == nil && code == http.StatusServiceUnavailable &&
			len(said.Shards) == 2 && said.Shards[0].Ready && !said.Shards[1].Ready && said.Shards[1].Problem != ""
	}, time.Minute, 20*time.Millisecond)
	assert.False(t, said.Ready)
	assert.Equal(t, "ok", said.Log)
	assert.Nil(t, said.Shards[0].Since)
	assert.NotNil(t, said.Shards[1].Since)
	code, _ = w.ask(t, "/healthz")
	assert.Equal(t, http.StatusOK, code, "the process lives: to start it anew would mend nothing")
	require.NoError(t, h.Server("porthos").Start(context.Background()))
	require.Eventually(t, ready, time.Minute, 20*time.Millisecond)

	require.NoError(t, os.Rename(h.log, h.log+".away"))
	code, body = w.ask(t, "/readyz")
	assert.Equal(t, http.StatusServiceUnavailable, code)
	said = readiness{}
	require.NoError(t, json.Unmarshal([]byte(body), &said))
	assert.Contains(t, said.Log, "moved, deleted or replaced")
	require.NoError(t, os.Rename(h.log+".away", h.log))
	require.Eventually(t, ready, time.Minute, 20*time.Millisecond)

	require.NoError(t, w.cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(t, w.cmd.Wait(), "it ends cleanly")
}
