package main

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
)

// smallDisk is a file system of a few megabytes, which only root may mount.
type smallDisk struct{ dir string }

func mountSmallDisk(dir string) (*smallDisk, error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	if err := syscall.Mount("none", dir, "tmpfs", 0, "size=64m"); err != nil {
		return nil, err
	}
	return &smallDisk{dir}, nil
}

func (d *smallDisk) ballast() string { return filepath.Join(d.dir, "ballast") }

// Fill leaves no room.
func (d *smallDisk) Fill() error {
	f, err := os.Create(d.ballast())
	if err != nil {
		return err
	}
	defer f.Close()
	for block := make([]byte, 64<<10); ; {
		if _, err := f.Write(block); err != nil {
			if len(block) > 1<<10 { // to the last page
				block = block[:len(block)/2]
				continue
			}
			if errors.Is(err, syscall.ENOSPC) {
				return nil
			}
			return err
		}
	}
}

// Empty makes room again.
func (d *smallDisk) Empty() error { return os.Remove(d.ballast()) }

// Close unmounts it.
func (d *smallDisk) Close() error { return syscall.Unmount(d.dir, syscall.MNT_DETACH) }

// attributes make the kernel end a child whose parent has died, even a frozen one, and
// keep the terminal's interrupt for the parent.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
