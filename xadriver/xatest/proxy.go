package xatest

import (
	"bytes"
	"errors"
	"net"
	"net/url"
	"sync"
	"time"
)

// Proxy stands between clients and one server, and can cut their connections at
// the worst moment. It is safe for concurrent use.
type Proxy struct {
	target   string
	listener net.Listener
	done     sync.WaitGroup

	mu     sync.Mutex
	conns  map[net.Conn]bool
	refuse bool
	delay  time.Duration    // of what clients say
	lag    time.Duration    // of what the server answers
	held   [2]chan struct{} // closed when a stall ends; nil while there is none
	needle []byte
	before bool   // cut before the server receives the needle, not before it answers
	act    func() // called instead, when the needle comes
	closed bool
}

// NewProxy listens on a free port of the loopback interface and passes on to
// target, a host:port.
func NewProxy(target string) (*Proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{target: target, listener: l, conns: make(map[net.Conn]bool)}
	p.done.Go(p.accept)
	return p, nil
}

// Addr is the address that the proxy listens on.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Rewrite makes a URL DSN lead through the proxy.
func (p *Proxy) Rewrite(dsn string) string {
	u, err := url.Parse(dsn)
	if err != nil {
		return dsn
	}
	u.Host = p.Addr()
	return u.String()
}

// Refuse makes the proxy close new connections at once, or no longer.
func (p *Proxy) Refuse(yes bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse = yes
}

// Delay holds back every message of the clients for so long.
func (p *Proxy) Delay(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = d
}

// CutBeforeReply drops, once, the connection on which a client says needle, after
// the server has received and answered it and before the client hears of that.
func (p *Proxy) CutBeforeReply(needle string) { p.arm(needle, false, nil) }

// CutBeforeForward drops, once, the connection on which a client says needle,
// before the server receives it.
func (p *Proxy) CutBeforeForward(needle string) { p.arm(needle, true, nil) }

// When calls act, once, when a client says needle, before the server receives it.
func (p *Proxy) When(needle string, act func()) { p.arm(needle, false, act) }

func (p *Proxy) arm(needle string, before bool, act func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.needle, p.before, p.act = []byte(needle), before, act
}

// Armed reports whether the needle is still to come.
func (p *Proxy) Armed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.needle != nil
}

// Cut drops all connections.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		drop(c)
	}
}

func drop(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}

// Close drops all connections and stops listening.
func (p *Proxy) Close() error {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.Stall(false, false)
	err := p.listener.Close()
	p.Cut()
	p.done.Wait()
	return err
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			continue
		}
		p.done.Go(func() { p.serve(client) })
	}
}

// track remembers a connection, unless it is not wanted.
func (p *Proxy) track(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.refuse {
		return false
	}
	p.conns[c] = true
	return true
}

func (p *Proxy) forget(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
}

func (p *Proxy) serve(client net.Conn) {
	defer drop(client)
	if !p.track(client) {
		return
	}
	defer p.forget(client)
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		return
	}
	defer drop(server)
	if !p.track(server) {
		return
	}
	defer p.forget(server)

	link := &link{proxy: p, client: client, server: server, silent: make(chan struct{})}
	var both sync.WaitGroup
	both.Go(link.answers)
	both.Go(link.questions)
	both.Wait()
}

// link is one client's connection with the server's.
type link struct {
	proxy          *Proxy
	client, server net.Conn
	silent         chan struct{} // closed when the server says no more
	mu             sync.Mutex
	mute           bool // the next answer is the last, and is not passed on
	late           bool // something was passed on after a stall; of who asks only
}

func (l *link) end() {
	drop(l.client)
	drop(l.server)
}

func (l *link) questions() {
	defer l.end()
	buf := make([]byte, 64<<10)
	for {
		n, err := l.client.Read(buf)
		if n > 0 && !l.forward(buf[:n]) {
			return
		}
		if err != nil {
			if l.late {
				l.lastWords()
			}
			return
		}
	}
}

func (l *link) forward(msg []byte) bool {
	p := l.proxy
	p.mu.Lock()
	delay := p.delay
	hit := p.needle != nil && bytes.Contains(msg, p.needle)
	before, act := p.before, p.act
	if hit {
		p.needle = nil
	}
	p.mu.Unlock()
	if hit && act != nil {
		act()
		hit = false
	}
	if delay > 0 {
		time.Sleep(delay)
	}
	if hit && before {
		return false
	}
	l.late = p.stalled(questions) || l.late
	if hit {
		l.mu.Lock()
		l.mute = true
		l.mu.Unlock()
	}
	_, err := l.server.Write(msg)
	return err == nil
}

func (l *link) answers() {
	defer close(l.silent)
	defer l.end()
	buf := make([]byte, 64<<10)
	for {
		n, err := l.server.Read(buf)
		l.mu.Lock()
		mute := l.mute
		l.mu.Unlock()
		if mute || err != nil {
			return
		}
		l.proxy.linger()
		l.proxy.stalled(answers)
		if _, err := l.client.Write(buf[:n]); err != nil {
			return
		}
	}
}
