package xatest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/jackc/pgx/v5"
)

// backup copies the server's data folder for a replica, with pg_basebackup where
// that is installed; the PostgreSQL that is fetched comes without it.
func (s *Server) backup(ctx context.Context, replica *Server) error {
	tool := filepath.Join(s.cluster.inst.bin, "pg_basebackup")
	if _, err := os.Stat(tool); err != nil {
		return s.copyWhileRunning(ctx, replica)
	}
	out, err := s.cluster.inst.command(ctx, tool, "-D", replica.dir, "-R", "-X", "stream", "-c", "fast",
		"-h", s.Host(), "-p", strconv.Itoa(s.port), "-U", superuser, "--no-sync").CombinedOutput()
	if err != nil {
		return fmt.Errorf("pg_basebackup: %w: %s", err, out)
	}
	return nil
}

// copyWhileRunning is PostgreSQL's low-level backup: the server is told, the
// folder is copied, and the label that the server gives tells the replica where
// to begin (PostgreSQL documentation, "Making a Base Backup Using the Low Level API").
func (s *Server) copyWhileRunning(ctx context.Context, replica *Server) error {
	conn, err := pgx.Connect(ctx, s.DSN())
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, "SELECT pg_backup_start('xatest', true)"); err != nil {
		return err
	}
	if err := s.cluster.inst.copy(ctx, s.dir, replica.dir); err != nil {
		return err
	}
	var label string
	if err := conn.QueryRow(ctx, "SELECT labelfile FROM pg_backup_stop(false)").Scan(&label); err != nil {
		return err
	}
	replica.settings["primary_conninfo"] = fmt.Sprintf("host=%s port=%d user=%s", s.Host(), s.port, superuser)
	var errs []error
	for _, name := range []string{"postmaster.pid", "postmaster.opts"} {
		errs = append(errs, os.RemoveAll(filepath.Join(replica.dir, name)))
	}
	for name, content := range map[string]string{"backup_label": label, "standby.signal": ""} {
		path := filepath.Join(replica.dir, name)
		errs = append(errs, os.WriteFile(path, []byte(content), 0o600), s.cluster.inst.own(path))
	}
	return errors.Join(errs...)
}
