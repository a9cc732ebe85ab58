package xadriver

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/xapg/xapg/xadriver/internal/failover"
)

// replicationSQL asks for what decides whether a vote outlives its server. Who may not
// see other sessions sees that standbys are attached, but not how.
const replicationSQL = `SELECT current_setting('fsync'), current_setting('full_page_writes'), current_setting('synchronous_commit'),
	current_setting('synchronous_standby_names'), current_setting('max_prepared_transactions'),
	count(r.pid)::text, count(*) FILTER (WHERE r.sync_state IN ('sync', 'quorum'))::text, count(*) FILTER (WHERE r.pid IS NOT NULL AND r.sync_state IS NULL)::text,
	coalesce(string_agg(r.application_name, ', ' ORDER BY r.application_name), ''),
	(SELECT count(*) FROM pg_catalog.pg_replication_slots WHERE slot_type = 'physical' AND NOT active)::text
	FROM (VALUES (1)) v LEFT JOIN pg_catalog.pg_stat_replication r ON true`

// replicated is how a shard's server keeps what it has acknowledged.
type replicated struct {
	fsync, pages, commit, names, prepared string

	attached, synchronous, hidden, waiting int
	who                                    string
}

// replication warns when the loss of the shard's server may lose votes that it has
// acknowledged.
func (in *inspection) replication(ctx context.Context) {
	v, err := in.row(ctx, replicationSQL, 10)
	if err != nil {
		in.add("replication", false, "%v", err)
		return
	}
	r := replicated{fsync: v[0], pages: v[1], commit: v[2], names: v[3], prepared: v[4], who: v[8]}
	for at, n := range map[int]*int{5: &r.attached, 6: &r.synchronous, 7: &r.hidden, 9: &r.waiting} {
		*n, _ = strconv.Atoi(v[at])
	}
	ok, note := r.standbys()
	in.add("replication", ok, "%s", note)
	if note := r.durability(); note != "" {
		in.warn("durability", "%s", note)
	}
}

const mayLose = "a failover may lose votes that were acknowledged, which leaves transactions committed on the other shards only"

// standbys says whether one of them has what was acknowledged.
func (r *replicated) standbys() (ok bool, note string) {
	const limit = "; a standby does not start unless its max_prepared_transactions is at least this server's"
	switch {
	case r.attached == 0 && r.names != "":
		return false, fmt.Sprintf("synchronous_standby_names is %q, but no standby is attached: every commit waits for one", r.names)
	case r.attached == 0 && r.waiting > 0:
		return false, fmt.Sprintf("no standby is attached, although %d replication slots wait for one: %s", r.waiting, mayLose)
	case r.attached == 0:
		return true, "no standby is attached: what this server has acknowledged is only there"
	case r.names == "":
		return false, fmt.Sprintf("%s attached (%s) and none is synchronous: %s. ALTER SYSTEM SET synchronous_standby_names = 'FIRST 1 (%s)', and reload",
			standbys(r.attached), r.who, mayLose, r.who)
	case r.commit == "off" || r.commit == "local":
		return false, fmt.Sprintf("synchronous_commit is %s for this role, so nothing waits for the synchronous standby: %s", r.commit, mayLose)
	case r.synchronous == 0 && r.hidden > 0:
		return true, fmt.Sprintf("%s attached; synchronous_standby_names is %q, but only members of pg_monitor may see whether one of them is synchronous now%s",
			standbys(r.attached), r.names, limit)
	case r.synchronous == 0:
		return false, fmt.Sprintf("%s attached (%s), but none that synchronous_standby_names (%s) names: every commit waits for one", standbys(r.attached), r.who, r.names)
	}
	note = fmt.Sprintf("%s attached, %d synchronous (%s)", standbys(r.attached), r.synchronous, r.names)
	if r.commit == "remote_write" {
		note += "; synchronous_commit is remote_write: a vote is lost if the primary and the standby's machine fail together"
	}
	return true, note + limit
}

func standbys(n int) string {
	if n == 1 {
		return "1 standby is"
	}
	return strconv.Itoa(n) + " standbys are"
}

// durability names what a crash of the machine alone may lose.
func (r *replicated) durability() string {
	var off []string
	if r.fsync != "on" {
		off = append(off, "fsync is off: votes and commits are lost when the machine crashes")
	}
	if r.pages != "on" {
		off = append(off, "full_page_writes is off: the database may be damaged when the machine crashes")
	}
	return strings.Join(off, "; ")
}

// remembering looks whether the shard can keep which servers the shards are, and what
// they have lost. The tables are made when they are first needed, by who may.
func (in *inspection) remembering(ctx context.Context) {
	v, err := in.row(ctx, `SELECT CASE WHEN count(*) < 2 THEN 'missing'
			WHEN bool_and(has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT') AND has_table_privilege(c.oid, 'UPDATE'))
			THEN 'good' ELSE 'refused' END,
		coalesce((SELECT has_schema_privilege(oid, 'CREATE') FROM pg_catalog.pg_namespace WHERE nspname = '_xapg'), has_database_privilege(current_database(), 'CREATE'))::text,
		current_user
		FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = '_xapg' AND c.relname IN ('timeline', 'lost')`, 3)
	switch {
	case err != nil:
		in.add("failover tables", false, "%v", err)
	case v[0] == "refused":
		in.add("failover tables", false, "grant USAGE on schema _xapg and SELECT, INSERT, UPDATE on _xapg.timeline and _xapg.lost to %s", v[2])
	case v[0] == "missing" && v[1] != "true":
		in.add("failover tables", false, "%s may not make them: let an administrator run this, and grant SELECT, INSERT, UPDATE on both: %s", v[2], failover.Setup)
	}
}

// heuristics lists what failovers of the shard have lost and nobody has mended.
func (in *inspection) heuristics(ctx context.Context) {
	list, err := in.c.watch.List(ctx, in.sh.Name(), false)
	switch {
	case err != nil:
		in.add("lost", false, "%v", err)
	case len(list) > 0:
		const most = 5
		var some []string
		for _, l := range list[:min(most, len(list))] {
			some = append(some, l.ID.String()+" ("+string(l.Fate)+", committed on "+strings.Join(l.Others, ", ")+")")
		}
		in.add("lost", false, "a failover has lost %d committed transactions here: %s; repair the data, then `xapg txns ack`", len(list), strings.Join(some, ", "))
	}
}
