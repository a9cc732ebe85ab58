package xatest

import (
	"errors"
	"net"
)

// Port is a TCP port of the loopback interface that is kept for somebody.
type Port struct {
	Number  int
	release func() error
}

// HoldPort finds a free port. On Linux nobody else is given it until it is released, as
// the port of a listener or of a connection, not even while nobody listens on it; but who
// names it can listen on it, if he sets SO_REUSEADDR, as servers do. Elsewhere it was
// free a moment ago.
func HoldPort() (*Port, error) {
	if p, err := hold(); p != nil || err != nil {
		return p, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	return &Port{Number: l.Addr().(*net.TCPAddr).Port}, l.Close()
}

// Release lets others have it.
func (p *Port) Release() error {
	if p == nil || p.release == nil {
		return nil
	}
	release := p.release
	p.release = func() error { return errors.New("xatest: the port was released before") }
	return release()
}
