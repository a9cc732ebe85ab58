package xatest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// AddStandby starts a streaming replica of the server.
func (s *Server) AddStandby(ctx context.Context, name string) (*Server, error) {
	replica := &Server{cluster: s.cluster, name: name, dir: filepath.Join(s.cluster.dir, name), settings: make(map[string]string)}
	for k, v := range s.settings {
		replica.settings[k] = v
	}
	replica.settings["cluster_name"] = name // by which its primary knows it
	if err := s.backup(ctx, replica); err != nil {
		return nil, err
	}
	if err := replica.Start(ctx); err != nil {
		return nil, err
	}
	s.cluster.mu.Lock()
	defer s.cluster.mu.Unlock()
	s.cluster.more = append(s.cluster.more, replica)
	return replica, nil
}

// Promote makes a standby a primary.
func (s *Server) Promote(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, s.DSN())
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	var promoted bool
	if err := conn.QueryRow(ctx, "SELECT pg_promote(true, 60)").Scan(&promoted); err != nil {
		return err
	}
	if !promoted {
		return errors.New("xatest: server " + s.name + " was not promoted in time")
	}
	return nil
}

// Synchronous makes the server wait, from now on, until the named standbys have what
// it commits or prepares; none of them for no waiting.
func (s *Server) Synchronous(ctx context.Context, standbys ...string) error {
	names := ""
	if len(standbys) > 0 {
		names = fmt.Sprintf("FIRST %d (%s)", len(standbys), strings.Join(standbys, ", "))
	}
	if err := s.alter(ctx, "synchronous_standby_names", names); err != nil {
		return err
	}
	return s.await(ctx, fmt.Sprintf("SELECT count(*) = %d AND current_setting('synchronous_standby_names') = '%s' FROM pg_stat_replication WHERE sync_state = 'sync'",
		len(standbys), names))
}

// CatchUp waits until a standby has received and replayed what its primary has
// written so far.
func (s *Server) CatchUp(ctx context.Context, primary *Server) error {
	conn, err := pgx.Connect(ctx, primary.DSN())
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	var lsn string
	if err := conn.QueryRow(ctx, "SELECT pg_current_wal_flush_lsn()::text").Scan(&lsn); err != nil {
		return err
	}
	return s.await(ctx, "SELECT pg_last_wal_replay_lsn() >= '"+lsn+"'")
}

// Detach ends a standby's replication, until Attach: what its primary writes from now
// on does not reach it. It goes on running, with what it has.
func (s *Server) Detach(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, s.DSN())
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	if err := conn.QueryRow(ctx, "SELECT current_setting('primary_conninfo')").Scan(&s.conninfo); err != nil {
		return err
	}
	if err := s.alter(ctx, "primary_conninfo", ""); err != nil {
		return err
	}
	return s.await(ctx, "SELECT NOT EXISTS (SELECT FROM pg_stat_wal_receiver) AND current_setting('primary_conninfo') = ''")
}

// Attach lets a standby that was detached go on.
func (s *Server) Attach(ctx context.Context) error {
	if err := s.alter(ctx, "primary_conninfo", s.conninfo); err != nil {
		return err
	}
	return s.await(ctx, "SELECT EXISTS (SELECT FROM pg_stat_wal_receiver WHERE status = 'streaming')")
}

// alter changes a setting of the running server that needs no restart.
func (s *Server) alter(ctx context.Context, name, value string) error {
	conn, err := pgx.Connect(ctx, s.DSN())
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, fmt.Sprintf("ALTER SYSTEM SET %s = '%s'", name, strings.ReplaceAll(value, "'", "''"))); err != nil {
		return err
	}
	_, err = conn.Exec(ctx, "SELECT pg_reload_conf()")
	return err
}

// await waits until a condition holds, asked on a new connection each time, since
// an old one may not have heard of settings yet.
func (s *Server) await(ctx context.Context, condition string) error {
	for {
		conn, err := pgx.Connect(ctx, s.DSN())
		if err != nil {
			return err
		}
		var holds bool
		err = conn.QueryRow(ctx, condition).Scan(&holds)
		_ = conn.Close(ctx)
		if err == nil && holds {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// AnyOf is a DSN that leads to whichever of the servers is asked first and answers:
// with target_session_attrs=read-write, to the primary.
func AnyOf(servers ...*Server) string {
	hosts := make([]string, len(servers))
	for i, s := range servers {
		hosts[i] = net.JoinHostPort(s.Host(), strconv.Itoa(s.port.Number))
	}
	return fmt.Sprintf("postgres://%s@%s/postgres?sslmode=disable&target_session_attrs=read-write", superuser, strings.Join(hosts, ","))
}

// backup copies the server's data folder for a replica, with pg_basebackup where
// that is installed; the PostgreSQL that is fetched comes without it.
func (s *Server) backup(ctx context.Context, replica *Server) error {
	tool := filepath.Join(s.cluster.inst.bin, "pg_basebackup")
	if _, err := os.Stat(tool); err != nil {
		return s.copyWhileRunning(ctx, replica)
	}
	out, err := s.cluster.inst.command(ctx, tool, "-D", replica.dir, "-R", "-X", "stream", "-c", "fast",
		"-h", s.Host(), "-p", strconv.Itoa(s.port.Number), "-U", superuser, "--no-sync").CombinedOutput()
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
	var errs []error
	auto := filepath.Join(replica.dir, "postgresql.auto.conf")
	conf, err := os.ReadFile(auto)
	errs = append(errs, err, os.WriteFile(auto, fmt.Appendf(conf, "\nprimary_conninfo = 'host=%s port=%d user=%s'\n", s.Host(), s.port.Number, superuser), 0o600),
		s.cluster.inst.own(auto))
	for _, name := range []string{"postmaster.pid", "postmaster.opts"} {
		errs = append(errs, os.RemoveAll(filepath.Join(replica.dir, name)))
	}
	for name, content := range map[string]string{"backup_label": label, "standby.signal": ""} {
		path := filepath.Join(replica.dir, name)
		errs = append(errs, os.WriteFile(path, []byte(content), 0o600), s.cluster.inst.own(path))
	}
	return errors.Join(errs...)
}
