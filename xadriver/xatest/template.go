package xatest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// place is the folder for servers' data, "" for that of temporary files.
func (i *installation) place(durable bool) string {
	if durable {
		return ""
	}
	return os.Getenv(envData)
}

// template is a data folder that was initialized once in this process, to be
// copied for each server.
func (i *installation) template(ctx context.Context, locale string) (string, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if dir, ok := i.templates[locale]; ok {
		if _, err := os.Stat(filepath.Join(dir, "PG_VERSION")); err == nil {
			return dir, nil
		}
	}
	dir, err := os.MkdirTemp(i.place(false), "xatest-template-")
	if err != nil {
		return "", err
	}
	if err := errors.Join(i.own(dir), removeAtExit(dir)); err != nil {
		return "", err
	}
	out, err := i.command(ctx, filepath.Join(i.bin, "initdb"), "-D", dir, "-U", superuser, "--auth=trust", "--no-sync",
		"--encoding=UTF8", "--locale="+locale).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("initdb: %w: %s", err, out)
	}
	i.templates[locale] = dir
	return dir, nil
}

const superuser = "postgres"

func (i *installation) copy(ctx context.Context, from, to string) error {
	out, err := i.command(ctx, "cp", "-R", "--", from, to).CombinedOutput()
	if err != nil {
		return fmt.Errorf("copying a data folder: %w: %s", err, out)
	}
	return os.Chmod(to, 0o700)
}

// removeAtExit removes a folder when this process has ended, in whatever way: a
// shell waits for the end of a pipe that nobody but us holds open.
func removeAtExit(dir string) error {
	cmd := exec.Command("sh", "-c", `trap '' INT TERM HUP; read -r _; rm -rf -- "$0"`, dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	leash, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	leashes = append(leashes, leash)
	return cmd.Start()
}

// leashes are held open until the process ends.
var leashes []io.Closer
