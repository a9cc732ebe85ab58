package xatest_test

import (
	"context"
	"errors"
	"net"
	"strconv"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver/xatest"
)

// portRange is IP_LOCAL_PORT_RANGE of Linux 6.3: between which ports a socket is to have
// its own, where it names none.
const portRange = 51

func TestAPortThatIsHeldIsGivenToNobodyElse(t *testing.T) {
	port, err := xatest.HoldPort()
	require.NoError(t, err)
	// Who is given any port, out of this one, gets none.
	anyOfOne := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) (err error) {
		cerr := c.Control(func(fd uintptr) {
			err = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IP, portRange, port.Number|port.Number<<16)
		})
		return errors.Join(err, cerr)
	}}
	listen := func() error {
		l, err := anyOfOne.Listen(context.Background(), "tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		return l.Close()
	}
	if err := listen(); !errors.Is(err, syscall.ENOPROTOOPT) { // of an older kernel it cannot be asked
		require.ErrorIs(t, err, syscall.EADDRINUSE)
		defer func() { assert.NoError(t, listen(), "it was released") }()
	}
	for range 2 {
		l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port.Number))
		require.NoError(t, err, "who names it has it")
		require.NoError(t, l.Close())
	}
	require.NoError(t, port.Release())
	require.Error(t, port.Release())
}
