package xatest_test

import (
	"bufio"
	"errors"
	"net"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver/xatest"
)

// listener is a server that answers each line with "yes", and tells what it heard.
func listener(t *testing.T) (address string, heard <-chan string) {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	lines := make(chan string, 100)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				for in := bufio.NewScanner(conn); in.Scan(); {
					lines <- in.Text()
					_, _ = conn.Write([]byte("yes\n"))
				}
			}()
		}
	}()
	return l.Addr().String(), lines
}

// proxied is a proxy to a server, with a client.
func proxied(t *testing.T) (p *xatest.Proxy, client net.Conn, heard <-chan string) {
	t.Helper()
	address, heard := listener(t)
	p, err := xatest.NewProxy(address)
	require.NoError(t, err)
	t.Cleanup(func() { _ = p.Close() })
	client, err = new(net.Dialer).DialContext(t.Context(), "tcp", p.Addr())
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Close() })
	ask(t, client, "hello")
	assert.Equal(t, "yes\n", answer(t, client))
	assert.Equal(t, "hello", <-heard)
	return p, client, heard
}

func ask(t *testing.T, conn net.Conn, line string) {
	t.Helper()
	_, err := conn.Write([]byte(line + "\n"))
	require.NoError(t, err)
}

func answer(t *testing.T, conn net.Conn) string {
	t.Helper()
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(10*time.Second)))
	buf := make([]byte, 100)
	n, err := conn.Read(buf)
	require.NoError(t, err)
	return string(buf[:n])
}

func requireSilence(t *testing.T, conn net.Conn) {
	t.Helper()
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(30*time.Millisecond)))
	_, err := conn.Read(make([]byte, 1))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
}

func TestAStalledAnswerComesLate(t *testing.T) {
	p, client, heard := proxied(t)
	p.Stall(false, true)
	ask(t, client, "one")
	assert.Equal(t, "one", <-heard, "the other way is open")
	requireSilence(t, client)
	p.Stall(false, false)
	assert.Equal(t, "yes\n", answer(t, client))
}

func TestAStalledQuestionComesLateThoughItsClientIsGone(t *testing.T) {
	p, client, heard := proxied(t)
	p.Stall(true, false)
	ask(t, client, "last words")
	requireSilence(t, client)
	require.NoError(t, client.Close())
	assert.Empty(t, heard)
	p.Stall(false, false)
	assert.Equal(t, "last words", <-heard)
}

func TestWhatIsCutWhileItIsStalledIsLost(t *testing.T) {
	p, client, heard := proxied(t)
	p.Stall(true, true)
	ask(t, client, "lost")
	requireSilence(t, client)
	p.Cut()
	p.Stall(false, false)
	require.NoError(t, client.SetReadDeadline(time.Now().Add(10*time.Second)))
	_, err := client.Read(make([]byte, 1))
	require.Error(t, err)
	assert.False(t, errors.Is(err, os.ErrDeadlineExceeded))
	assert.Empty(t, heard)
}

func TestAStalledProxyCanBeClosed(t *testing.T) {
	p, client, _ := proxied(t)
	p.Stall(true, true)
	ask(t, client, "never")
	requireSilence(t, client)
	require.NoError(t, p.Close())
}

func TestOneConnectionIsCut(t *testing.T) {
	p, client, _ := proxied(t)
	require.True(t, p.CutOne())
	require.NoError(t, client.SetReadDeadline(time.Now().Add(10*time.Second)))
	_, err := client.Read(make([]byte, 1))
	require.Error(t, err)
	assert.False(t, errors.Is(err, os.ErrDeadlineExceeded))
	require.Eventually(t, func() bool { return !p.CutOne() }, 10*time.Second, time.Millisecond)
}

func TestDelayedAnswersComeAndADisarmedCutDoesNot(t *testing.T) {
	p, client, heard := proxied(t)
	p.DelayAnswers(10 * time.Millisecond)
	p.CutBeforeReply("never said")
	p.Disarm()
	assert.False(t, p.Armed())
	ask(t, client, "never said")
	assert.Equal(t, "never said", <-heard)
	assert.Equal(t, "yes\n", answer(t, client))
}
