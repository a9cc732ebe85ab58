package pglog

import (
	"strings"

	"github.com/jackc/pgx/v5"
)

// schemaVersion is what this code reads and writes.
const schemaVersion = 1

// Setup makes the tables of a log in the schema {schema}, which exists. It is run when
// they are missing, and can be run by hand where the application's role may not create
// them; the role then needs USAGE on the schema, SELECT, INSERT, UPDATE and DELETE on
// its tables.
const Setup = `
CREATE TABLE {schema}.log (
	one boolean PRIMARY KEY DEFAULT true CHECK (one), -- there is a single row
	version int NOT NULL,
	cluster text NOT NULL,
	id text NOT NULL,
	created timestamptz NOT NULL DEFAULT now(),
	sealed text,             -- where the log was moved to
	lost text,               -- why its contents cannot be trusted any more
	forgotten timestamptz    -- up to when finished decisions may have been dropped
);
CREATE TABLE {schema}.opening (
	seq bigint PRIMARY KEY,
	id uuid NOT NULL,
	at timestamptz NOT NULL DEFAULT now(),
	by text NOT NULL
);
CREATE TABLE {schema}.decision (
	id uuid PRIMARY KEY,
	outcome smallint NOT NULL CHECK (outcome IN (1, 2)), -- 1 commit, 2 abort
	participants text[] NOT NULL,
	votes text[],
	at timestamptz NOT NULL DEFAULT now(),
	by bigint NOT NULL,                                  -- opening.seq
	finished boolean NOT NULL DEFAULT false
);
CREATE INDEX decision_unfinished ON {schema}.decision (id) WHERE NOT finished;
CREATE INDEX decision_finished ON {schema}.decision (at, id) WHERE finished;
COMMENT ON TABLE {schema}.decision IS 'how distributed transactions of xapg end: never to be changed by hand';
`

// statements are the log's, for its schema.
type statements struct {
	setup, exists, blank, describe, create, open, last string
	decide, told, lookup, records, unfinished          string
	finish, forgetFrom, forget, hasMark, openings      string
	lock, seal, unseal, sealed, examine, damage, fence string
	fillOpenings, fillRecords                          pgx.Identifier
}

func statementsFor(schema string) statements {
	in := func(text string) string {
		return strings.ReplaceAll(text, "{schema}", pgx.Identifier{schema}.Sanitize())
	}
	// What a reader sees may be committed on this server and not yet on a synchronous
	// standby, if whoever wrote it was cut off while it waited. A message in the WAL
	// makes the reader's own commit wait for all that comes before it.
	const barrier = `WITH barrier AS MATERIALIZED (SELECT CASE WHEN pg_catalog.current_setting('synchronous_standby_names') <> ''
		THEN pg_catalog.pg_logical_emit_message(true, 'xapg', '') END::text AS lsn)
		SELECT d.id, d.outcome, d.participants, d.votes, d.at, d.by, d.finished, b.lsn FROM {schema}.decision d, barrier b `
	return statements{
		setup: in("CREATE SCHEMA IF NOT EXISTS {schema};" + Setup),
		// From the tables themselves: to_regclass may remember that there was none.
		exists: `SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
			WHERE n.nspname = $1 AND c.relname = 'log')`,
		blank: in(`SELECT NOT EXISTS (SELECT 1 FROM {schema}.log) AND NOT EXISTS (SELECT 1 FROM {schema}.opening)
			AND NOT EXISTS (SELECT 1 FROM {schema}.decision)`),
		describe: in("SELECT version, cluster, id, sealed, lost FROM {schema}.log FOR UPDATE"),
		create:   in("INSERT INTO {schema}.log (version, cluster, id) VALUES ($1, $2, $3)"),
		open: in(`INSERT INTO {schema}.opening (seq, id, by)
			SELECT coalesce(max(seq), 0) + 1, $1, $2 FROM {schema}.opening RETURNING seq`),
		last: in("SELECT seq, id FROM {schema}.opening ORDER BY seq DESC LIMIT 1"),

		// In the order of ids, so that two groups which meet do not lock each other out.
		decide: in(`INSERT INTO {schema}.decision AS d (id, outcome, participants, votes, by)
			SELECT w.id, w.outcome, w.participants::text[], w.votes::text[], $5
			FROM unnest($1::uuid[], $2::smallint[], $3::text[], $4::text[]) AS w (id, outcome, participants, votes), {schema}.log l
			WHERE l.sealed IS NULL AND l.lost IS NULL ORDER BY w.id
			ON CONFLICT (id) DO UPDATE SET outcome = d.outcome RETURNING d.id, d.outcome, d.at`),
		told:       in(barrier + "WHERE d.id = ANY($1::uuid[])"),
		lookup:     in(barrier + "WHERE d.id = $1"),
		records:    in(barrier + "WHERE d.id > $1 ORDER BY d.id LIMIT $2"),
		unfinished: in(barrier + "WHERE d.id > $1 AND NOT d.finished ORDER BY d.id LIMIT $2"),

		finish: in(`WITH due AS (SELECT id FROM {schema}.decision WHERE id = ANY($1::uuid[]) AND NOT finished ORDER BY id FOR NO KEY UPDATE)
			UPDATE {schema}.decision d SET finished = true FROM due WHERE d.id = due.id`),
		forgetFrom: in(`UPDATE {schema}.log SET forgotten = greatest(forgotten, least(now(), now() - $1 * interval '1 microsecond'))
			WHERE sealed IS NULL AND lost IS NULL RETURNING least(now(), now() - $1 * interval '1 microsecond')`),
		forget: in(`DELETE FROM {schema}.decision WHERE id IN (SELECT id FROM {schema}.decision
			WHERE finished AND at <= $1 ORDER BY at, id LIMIT $2 FOR UPDATE SKIP LOCKED)`),
		hasMark:  in("SELECT EXISTS (SELECT 1 FROM {schema}.opening WHERE seq = $1 AND id = $2)"),
		openings: in("SELECT seq, id, by, at FROM {schema}.opening WHERE seq > $1 ORDER BY seq LIMIT $2"),

		// Whoever decides holds a lock that this one waits for, and keeps out.
		lock:   in("LOCK TABLE {schema}.decision IN EXCLUSIVE MODE"),
		seal:   in("UPDATE {schema}.log SET sealed = $1 WHERE sealed IS NULL"),
		unseal: in("UPDATE {schema}.log SET sealed = NULL"),
		sealed: in("SELECT coalesce(sealed, ''), sealed IS NOT NULL, lost FROM {schema}.log"),

		examine: in(`SELECT l.id, EXISTS (SELECT 1 FROM {schema}.opening o WHERE o.seq = $1 AND o.id = $2), l.lost,
			ARRAY(SELECT w.id FROM unnest($3::uuid[], $4::timestamptz[]) AS w (id, at)
				WHERE (l.forgotten IS NULL OR w.at > l.forgotten) AND NOT EXISTS (SELECT 1 FROM {schema}.decision d WHERE d.id = w.id))
			FROM {schema}.log l`),
		damage: in("UPDATE {schema}.log SET lost = $1 WHERE lost IS NULL"),
		fence: `SELECT count(pg_catalog.pg_terminate_backend(pid)) FROM pg_catalog.pg_stat_activity
			WHERE application_name = $1 AND pid <> pg_catalog.pg_backend_pid()`,
		fillOpenings: pgx.Identifier{schema, "opening"},
		fillRecords:  pgx.Identifier{schema, "decision"},
	}
}
