package pglog

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/xapg/xapg/txlog"
)

const (
	defaultSchema = "_xapg_log"
	defaultWait   = 30 * time.Second
	connectWait   = 5 * time.Second // for each host, unless the URL says otherwise
)

// place is where a log is.
type place struct {
	name   string // for messages, without secrets
	schema string
	wait   time.Duration // for answers
	conn   *pgx.ConnConfig
}

// parse reads a URL. What pgx says of a bad one quotes it, and is not passed on.
func parse(text string, configure func(*pgx.ConnConfig)) (place, error) {
	p := place{name: txlog.Redact(text), schema: defaultSchema, wait: defaultWait}
	bad := func(problem string) (place, error) {
		return place{}, fmt.Errorf("pglog: the URL of the decision log %s: %s; "+
			"write postgres://USER@HOST,HOST/DATABASE?schema=NAME&answer_timeout=30s", p.name, problem)
	}
	base, query, _ := strings.Cut(text, "?")
	// A + is a + in PostgreSQL's URLs.
	values, err := url.ParseQuery(strings.ReplaceAll(query, "+", "%2B"))
	if err != nil {
		return bad("its parameters cannot be read")
	}
	if values.Has("schema") {
		p.schema = values.Get("schema")
	}
	if p.schema == "" || len(p.schema) > 63 || strings.ContainsRune(p.schema, 0) {
		return bad("this cannot be a schema's name")
	}
	if values.Has("answer_timeout") {
		if p.wait, err = time.ParseDuration(values.Get("answer_timeout")); err != nil || p.wait <= 0 {
			return bad("answer_timeout is not a duration, such as 30s")
		}
	}
	timed := values.Has("connect_timeout")
	values.Del("schema")
	values.Del("answer_timeout")
	// Whoever is asked for a log must take writes.
	if values.Get("target_session_attrs") != "primary" {
		values.Set("target_session_attrs", "read-write")
	}
	if p.conn, err = pgx.ParseConfig(base + "?" + strings.ReplaceAll(values.Encode(), "+", "%20")); err != nil {
		return bad("it cannot be read")
	}
	if !timed {
		p.conn.ConnectTimeout = connectWait
	}
	if p.schema != defaultSchema {
		p.name += "?schema=" + p.schema
	}
	if configure != nil {
		configure(p.conn)
	}
	return p, nil
}

// config is how one session is made.
func (p place) config(key string, notice func(*pgconn.Notice)) *pgx.ConnConfig {
	c := p.conn.Copy()
	c.RuntimeParams["application_name"] = key
	c.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) {
		if notice != nil {
			notice(n)
		}
	}
	return c
}

// connect makes a session whose commits are durable when they are answered.
func (p place) connect(ctx context.Context, key string, notice func(*pgconn.Notice)) (*pgx.Conn, error) {
	conn, err := pgx.ConnectConfig(ctx, p.config(key, notice))
	if err != nil {
		return nil, hideSecrets(err)
	}
	if err := durably(ctx, conn); err != nil {
		discard(conn)
		return nil, err
	}
	return conn, nil
}

// durably makes sure that a commit is on the disk, and where its standbys are
// synchronous on theirs, before it is answered: a role or a database may have other
// settings.
func durably(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, `SELECT pg_catalog.set_config('synchronous_commit', 'on', false)
		WHERE pg_catalog.current_setting('synchronous_commit') IN ('off', 'local')`)
	return err
}

// hideSecrets keeps what is known of a failed connection, without its configuration.
func hideSecrets(err error) error {
	var connect *pgconn.ConnectError
	if errors.As(err, &connect) {
		return fmt.Errorf("no server can be reached that takes writes: %w", connect.Unwrap())
	}
	return err
}

// discard closes a connection that nobody may use any more, without waiting for the
// server.
func discard(conn *pgx.Conn) {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	_ = conn.Close(ended)
}
