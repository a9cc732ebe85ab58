package etcdlog_test

import (
	"bytes"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// proxy stands between a client and a member, and can keep what either says from the
// other.
type proxy struct {
	listener net.Listener
	target   string
	wg       sync.WaitGroup

	mu     sync.Mutex
	gate   *sync.Cond
	deaf   bool // what the member says is dropped
	held   bool // what the client says waits
	ended  bool
	conns  map[net.Conn]bool
	needle []byte // when the client says this, the connections are cut
	after  bool   // the member still hears it, and has some time for it
	away   bool   // and nobody gets through from then on
}

func newProxy(t testing.TB, target string) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &proxy{listener: listener, target: target, conns: make(map[net.Conn]bool)}
	p.gate = sync.NewCond(&p.mu)
	p.wg.Go(p.accept)
	t.Cleanup(p.close)
	return p
}

func (p *proxy) address() string { return p.listener.Addr().String() }

func (p *proxy) accept() {
	for {
		from, err := p.listener.Accept()
		if err != nil {
			return
		}
		to, err := net.Dial("tcp", p.target)
		if err != nil {
			from.Close()
			continue
		}
		p.mu.Lock()
		p.conns[from], p.conns[to] = true, true
		if p.ended {
			from.Close()
			to.Close()
		}
		p.mu.Unlock()
		p.wg.Go(func() { p.pass(from, to, p.question) })
		p.wg.Go(func() { p.pass(to, from, p.answer) })
	}
}

// pass hands on what is said, if it may.
func (p *proxy) pass(from, to net.Conn, may func(said []byte) (passes bool, then func())) {
	defer from.Close()
	defer to.Close()
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			passes, then := may(buffer[:n])
			if passes {
				if _, err := to.Write(buffer[:n]); err != nil {
					return
				}
			}
			then()
		}
		if err != nil {
			return
		}
	}
}

func nothing() {}

func (p *proxy) question(said []byte) (bool, func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.held && !p.ended {
		p.gate.Wait()
	}
	if p.needle == nil || !bytes.Contains(said, p.needle) {
		return true, nothing
	}
	p.needle = nil
	p.held = p.away
	if !p.after {
		return false, p.cut
	}
	p.deaf = true
	away := p.away
	return true, func() {
		time.Sleep(pause) // for the member to do it
		p.cut()
		if !away {
			p.set(false, false)
		}
	}
}

func (p *proxy) answer([]byte) (bool, func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.deaf, nothing
}

// lose cuts the connections when the client says something, before or after the
// member has heard it.
func (p *proxy) lose(needle string, after, away bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.needle, p.after, p.away = []byte(needle), after, away
}

// armed tells whether what is to be lost is still to come.
func (p *proxy) armed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.needle != nil
}

// restore lets everything through again.
func (p *proxy) restore() {
	p.mu.Lock()
	p.needle = nil
	was := p.deaf || p.held
	p.mu.Unlock()
	if p.set(false, false); was {
		p.cut()
	}
}

func (p *proxy) set(deaf, held bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.deaf, p.held = deaf, held
	p.gate.Broadcast()
}

// cut ends all connections.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		c.Close()
		delete(p.conns, c)
	}
}

func (p *proxy) close() {
	p.mu.Lock()
	p.ended = true
	p.gate.Broadcast()
	p.mu.Unlock()
	p.listener.Close()
	p.cut()
	p.wg.Wait()
}
