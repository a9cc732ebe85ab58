package xatest

import (
	"net"
	"time"
)

// The directions of a connection.
const (
	questions = iota // from the client to the server
	answers          // from the server to the client
)

// Stall holds back what clients say, or what the server answers, or both, while the
// connections stay open: a network that has lost one of its ways. Stall(false,
// false) ends it, and what was held back arrives then, late, even where its sender
// is gone by that time. Cut during a stall loses it.
func (p *Proxy) Stall(ask, answer bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for way, hold := range [2]bool{questions: ask, answers: answer} {
		switch {
		case hold && !p.closed && p.held[way] == nil:
			p.held[way] = make(chan struct{})
		case !hold && p.held[way] != nil:
			close(p.held[way])
			p.held[way] = nil
		}
	}
}

// stalled waits for the end of a stall, and tells whether there was one.
func (p *Proxy) stalled(way int) bool {
	for waited := false; ; waited = true {
		p.mu.Lock()
		held := p.held[way]
		p.mu.Unlock()
		if held == nil {
			return waited
		}
		<-held
	}
}

// DelayAnswers holds back everything that the server says for so long.
func (p *Proxy) DelayAnswers(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lag = d
}

func (p *Proxy) linger() {
	p.mu.Lock()
	lag := p.lag
	p.mu.Unlock()
	if lag > 0 {
		time.Sleep(lag)
	}
}

// CutOne drops one connection, whichever, and tells whether there was one.
func (p *Proxy) CutOne() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		drop(c)
		return true
	}
	return false
}

// Disarm takes back a cut that is still to come.
func (p *Proxy) Disarm() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.needle = nil
}

// lastWords lets the server read to its end what came late from a client that has
// left: were the connection reset, it might never see it.
func (l *link) lastWords() {
	if tcp, ok := l.server.(*net.TCPConn); ok {
		_ = tcp.CloseWrite()
	}
	<-l.silent
}
