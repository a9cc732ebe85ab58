package deadlock

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/xapg/xapg/xadriver/internal/shard"
)

// Server asks a shard, over connections that nobody waits for who holds others.
type Server struct{ Shard *shard.Shard }

// Name is the shard's name.
func (s Server) Name() string { return s.Shard.Name() }

// look is one document with all that is to be known. It reads functions rather than the
// views upon them, which would read tables that somebody may have locked.
const look = `WITH
locks AS MATERIALIZED (
  SELECT l.*, CASE WHEN NOT l.granted THEN pg_catalog.to_jsonb(l) ->> 'waitstart' END AS since,
    pg_catalog.concat_ws('/', l.locktype, coalesce(l.database::text, '-'), coalesce(l.relation::text, '-'), coalesce(l.page::text, '-'), coalesce(l.tuple::text, '-'),
      coalesce(l.virtualxid, '-'), coalesce(l.transactionid::text, '-'), coalesce(l.classid::text, '-'), coalesce(l.objid::text, '-'), coalesce(l.objsubid::text, '-')) AS tag
  FROM pg_catalog.pg_lock_status() l),
here AS MATERIALIZED (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()),
processes AS MATERIALIZED (SELECT * FROM pg_catalog.pg_stat_get_activity(NULL)),
open AS MATERIALIZED (SELECT pid, min(virtualtransaction) AS vxid FROM locks WHERE locktype = 'virtualxid' AND granted AND virtualxid = virtualtransaction GROUP BY pid),
waits AS MATERIALIZED (
  SELECT coalesce(p.leader_pid, l.pid) AS pid, l.virtualtransaction AS vxid, coalesce(l.since, '') AS since, l.mode, l.tag, pg_catalog.pg_blocking_pids(l.pid) AS blockers,
    CASE l.locktype
      WHEN 'transactionid' THEN 'transaction ' || l.transactionid
      WHEN 'virtualxid' THEN 'virtual transaction ' || l.virtualxid
      WHEN 'relation' THEN 'relation ' || coalesce(l.relation::regclass::text, '')
      WHEN 'extend' THEN 'extension of relation ' || coalesce(l.relation::regclass::text, '')
      WHEN 'tuple' THEN pg_catalog.format('tuple (%s,%s) of relation %s', l.page, l.tuple, l.relation::regclass)
      WHEN 'page' THEN pg_catalog.format('page %s of relation %s', l.page, l.relation::regclass)
      WHEN 'advisory' THEN pg_catalog.format('advisory lock [%s,%s,%s,%s]', l.database, l.classid, l.objid, l.objsubid)
      WHEN 'object' THEN pg_catalog.format('object %s of class %s', l.objid, l.classid::regclass)
      ELSE l.locktype END AS what
  FROM locks l JOIN processes p ON p.pid = l.pid WHERE NOT l.granted AND p.datid = (SELECT oid FROM here)),
involved AS MATERIALIZED (SELECT pid FROM waits UNION SELECT pg_catalog.unnest(blockers) FROM waits)
SELECT pg_catalog.json_build_object(
  'now', pg_catalog.clock_timestamp(),
  'waits', (SELECT pg_catalog.json_agg(w) FROM waits w),
  'sessions', (SELECT pg_catalog.json_agg(s) FROM (
    SELECT p.pid, coalesce(o.vxid, '') AS vxid, p.xact_start AS began, coalesce(p.state, '') AS state,
      coalesce(pg_catalog.pg_get_userbyid(p.usesysid)::text, '') AS user, coalesce(p.application_name, '') AS application,
      CASE WHEN i.pid IS NOT NULL THEN coalesce(p.query, '') ELSE '' END AS query
    FROM processes p LEFT JOIN open o ON o.pid = p.pid LEFT JOIN involved i ON i.pid = p.pid
    WHERE i.pid IS NOT NULL OR o.pid IS NOT NULL AND p.datid = (SELECT oid FROM here)) s),
  'keys', (SELECT pg_catalog.json_agg(k) FROM (
    SELECT coalesce(l.pid, 0) AS pid, l.virtualtransaction AS vxid, (l.classid::bigint << 32) | l.objid::bigint AS key
    FROM locks l WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.mode = 'ShareLock' AND l.granted AND l.database = (SELECT oid FROM here)) k),
  'prepared', (SELECT pg_catalog.json_agg(x) FROM (
    SELECT coalesce(l.virtualtransaction, '') AS vxid, p.gid, p.prepared AS at
    FROM pg_catalog.pg_prepared_xact() p LEFT JOIN locks l ON l.locktype = 'transactionid' AND l.transactionid = p.transaction AND l.granted
    WHERE p.dbid = (SELECT oid FROM here)) x),
  'held', (SELECT pg_catalog.json_agg(h) FROM (
    SELECT l.virtualtransaction AS vxid, l.mode, l.tag
    FROM locks l WHERE l.pid IS NULL AND l.granted AND l.tag IN (SELECT w.tag FROM waits w WHERE 0 = ANY (w.blockers))) h)
)::text`

// Look asks for everything.
func (s Server) Look(ctx context.Context) (*View, error) {
	text, err := s.ask(ctx, look)
	if err != nil {
		return nil, fmt.Errorf("shard %s: %w", s.Name(), err)
	}
	v := &View{Shard: s.Name()}
	if err := json.Unmarshal([]byte(text), v); err != nil {
		return nil, fmt.Errorf("shard %s: who waits for whom cannot be read: %w", s.Name(), err)
	}
	return v, nil
}

// Waits reports whether any of these processes waits for a lock. It costs little.
func (s Server) Waits(ctx context.Context, pids []int) (bool, error) {
	list := make([]string, len(pids))
	for i, pid := range pids {
		list[i] = strconv.Itoa(pid)
	}
	answer, err := s.ask(ctx, `SELECT (count(*) > 0)::text FROM pg_catalog.pg_stat_get_activity(NULL)
WHERE pid = ANY ($1::text::int4[]) AND wait_event_type = 'Lock'`, "{"+strings.Join(list, ",")+"}")
	return answer == "true", err
}

// Cancel cancels a session's statement if it is still at this wait, and reports whether
// it did.
func (s Server) Cancel(ctx context.Context, w *Waiting) (bool, error) {
	answer, err := s.ask(ctx, `SELECT coalesce(bool_or(pg_catalog.pg_cancel_backend(l.pid)), false)::text FROM pg_catalog.pg_lock_status() l
WHERE l.pid = $1::text::int4 AND NOT l.granted AND l.virtualtransaction = $2 AND coalesce(pg_catalog.to_jsonb(l) ->> 'waitstart', '') = $3`,
		strconv.Itoa(w.PID), w.VXID, w.Since)
	return answer == "true", err
}

// ask asks for one value.
func (s Server) ask(ctx context.Context, sql string, args ...string) (string, error) {
	conn, err := s.Shard.Acquire(ctx)
	if err != nil {
		return "", err
	}
	defer conn.Release()
	values := make([]driver.NamedValue, len(args))
	for i, a := range args {
		values[i] = driver.NamedValue{Ordinal: i + 1, Value: a}
	}
	rows, err := conn.Query(ctx, sql, values)
	if err != nil {
		return "", err
	}
	value := make([]driver.Value, 1)
	err = errors.Join(rows.Next(value), rows.Close())
	if err != nil {
		return "", err
	}
	switch v := value[0].(type) {
	case string:
		return v, nil
	case []byte:
		return string(v), nil
	default:
		return "", fmt.Errorf("shard %s: text was expected, not %T", s.Name(), v)
	}
}
