package pglog

import (
	"context"
	"fmt"

	"github.com/xapg/xapg/txlog"
)

// Check tells whether a crash, or the loss, of the server would lose decisions.
func (l *Log) Check(ctx context.Context) ([]txlog.Warning, error) {
	var s struct {
		fsync, pages, sync, names string
		recovery                  bool
		standbys, synchronous     int
		hidden                    bool
	}
	err := l.query(ctx, func(ctx context.Context) error {
		return l.readers.QueryRow(ctx, `SELECT current_setting('fsync'), current_setting('full_page_writes'),
			(SELECT reset_val FROM pg_catalog.pg_settings WHERE name = 'synchronous_commit'), current_setting('synchronous_standby_names'),
			pg_catalog.pg_is_in_recovery(), count(*), count(*) FILTER (WHERE sync_state IN ('sync', 'quorum')), coalesce(bool_or(sync_state IS NULL), false)
			FROM pg_catalog.pg_stat_replication WHERE pid IS NOT NULL`).
			Scan(&s.fsync, &s.pages, &s.sync, &s.names, &s.recovery, &s.standbys, &s.synchronous, &s.hidden)
	})
	if err != nil {
		return nil, err
	}
	list := []txlog.Warning{
		flag("fsync", s.fsync == "on", s.fsync, "what was decided is lost when the server's machine crashes; set it to on"),
		flag("full_page_writes", s.pages == "on", s.pages, "the log may be damaged when the server's machine crashes; set it to on"),
		flag("synchronous_commit", s.sync == "on" || s.sync == "remote_apply", s.sync, inSession[s.sync]),
		flag("recovery", !s.recovery, map[bool]string{false: "a primary", true: "a standby"}[s.recovery], "it takes no writes; name the primary in the URL"),
	}
	w := txlog.Warning{What: "synchronous standby", OK: s.names != ""}
	switch {
	case s.names == "":
		w.Note = fmt.Sprintf("none (%d standbys): a failover may lose decisions that were acknowledged, which leaves transactions half done; "+
			"set synchronous_standby_names on the server", s.standbys)
	case s.synchronous == 0 && !s.hidden:
		w.OK = false
		w.Note = fmt.Sprintf("synchronous_standby_names is %q, but no such standby is connected: decisions wait for one", s.names)
	case s.hidden:
		w.Note = fmt.Sprintf("synchronous_standby_names is %q (this role may not see which standbys are connected)", s.names)
	default:
		w.Note = fmt.Sprintf("%d connected (synchronous_standby_names is %q)", s.synchronous, s.names)
	}
	return append(list, w), nil
}

// inSession is what to say of settings of synchronous_commit.
var inSession = map[string]string{
	"off":          "the log's own sessions use on",
	"local":        "the log's own sessions use on",
	"remote_write": "a standby may lose what it has not flushed yet; set it to on",
}

func flag(what string, ok bool, value, advice string) txlog.Warning {
	if ok {
		return txlog.Warning{What: what, OK: true, Note: value}
	}
	return txlog.Warning{What: what, Note: value + ": " + advice}
}

// WhichServer is a query for what tells one running server from all others, its copies
// and standbys among them.
const WhichServer = "SELECT system_identifier::text || ' ' || extract(epoch FROM pg_catalog.pg_postmaster_start_time())::text FROM pg_catalog.pg_control_system()"

// Server tells which server the log is on, as [WhichServer] does.
func (l *Log) Server(ctx context.Context) (server string, err error) {
	err = l.query(ctx, func(ctx context.Context) error { return l.readers.QueryRow(ctx, WhichServer).Scan(&server) })
	return server, err
}
