//go:build !linux

package main

import (
	"errors"
	"syscall"
)

// smallDisk exists on Linux only.
type smallDisk struct{ dir string }

func mountSmallDisk(string) (*smallDisk, error) { return nil, errors.ErrUnsupported }

func (d *smallDisk) Fill() error  { return errors.ErrUnsupported }
func (d *smallDisk) Empty() error { return errors.ErrUnsupported }
func (d *smallDisk) Close() error { return nil }

func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
