package xatest

import (
	"errors"
	"os"
	"syscall"
)

// hold binds a socket to a free port, and does not listen. Linux lets two sockets with
// SO_REUSEADDR have the same port as long as one of them listens at most, and gives to
// those who name none a port that nobody has (see socket(7) and ip(7)).
func hold() (*Port, error) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	err = errors.Join(
		os.NewSyscallError("setsockopt", syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1)),
		os.NewSyscallError("bind", syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})))
	var address syscall.Sockaddr
	if err == nil {
		address, err = syscall.Getsockname(fd)
	}
	if err != nil {
		return nil, errors.Join(err, syscall.Close(fd))
	}
	return &Port{Number: address.(*syscall.SockaddrInet4).Port, release: func() error { return syscall.Close(fd) }}, nil
}
