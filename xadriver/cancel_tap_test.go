package xadriver_test

import (
	"net"
	"sync"
	"time"
)

// tap counts what passes between the driver and the servers: a message before it
// leaves, after it has left, and an answer before the driver hears of it. At one of
// these moments it does something, such as ending a context.
type tap struct {
	mu     sync.Mutex
	passed int
	at     int
	act    func()
	acting sync.WaitGroup
}

// arm makes the tap act when so many messages have passed.
func (t *tap) arm(at int, act func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.passed, t.at, t.act = 0, at, act
}

// disarm tells how many have passed. The message at which the tap acts may be one of a
// resolver, which nobody waits for: what it does is over then, all the same, and stops
// nothing that comes later.
func (t *tap) disarm() int {
	t.mu.Lock()
	t.act = nil
	passed := t.passed
	t.mu.Unlock()
	t.acting.Wait()
	return passed
}

func (t *tap) pass() {
	t.mu.Lock()
	var act func()
	if t.passed++; t.passed == t.at && t.act != nil {
		act, t.act = t.act, nil
		t.acting.Add(1)
	}
	t.mu.Unlock()
	if act != nil {
		act()
		t.acting.Done()
		time.Sleep(2 * time.Millisecond) // what is cancelled hears of it before the message goes on
	}
}

// line is a connection with a tap.
type line struct {
	net.Conn
	tap *tap
}

func (l line) Write(p []byte) (int, error) {
	l.tap.pass()
	defer l.tap.pass()
	return l.Conn.Write(p)
}

func (l line) Read(p []byte) (int, error) {
	defer l.tap.pass()
	return l.Conn.Read(p)
}
