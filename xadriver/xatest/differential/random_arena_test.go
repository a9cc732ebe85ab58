package differential_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver/xatest"
	"github.com/xapg/xapg/xadriver/xatest/differential"
)

// reverse turns round the order in which the rows of small tables lie, where the
// session is told to as for shuffle.
const reverse = `DO $reverse$
DECLARE
	tab record;
	one record;
BEGIN
	IF current_setting('diff.shuffle', true) IS DISTINCT FROM 'on' THEN
		RETURN;
	END IF;
	FOR tab IN SELECT c.oid::regclass AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND n.nspname = 'public' LOOP
		FOR one IN EXECUTE format('SELECT ctid AS at FROM %s ORDER BY ctid DESC', tab.name) LOOP
			EXECUTE format('UPDATE %s SET k = k WHERE ctid = $1', tab.name) USING one.at;
		END LOOP;
	END LOOP;
EXCEPTION WHEN OTHERS THEN
	NULL; -- a transaction that may not write
END
$reverse$;`

// arena is where random scripts run: one database on each server for all of them.
type arena struct {
	t                    *testing.T
	plain, sharded, twin *place // the twin is plain too, with its rows in the reverse order
	reverse              *differential.Script
}

func newArena(t *testing.T) *arena {
	list := servers(t)
	one, err := differential.Parse("reverse", reverse)
	require.NoError(t, err)
	dsn := "cluster=random log=" + xatest.Quote("sqlite:"+filepath.Join(t.TempDir(), "xapg.db")) + " " + strings.Join(settings, " ")
	for _, s := range list[:3] {
		dsn += " shard." + s.Name() + "=" + xatest.Quote(createDatabase(t, s))
	}
	a := &arena{
		t: t, reverse: one, sharded: &place{driver: "xapg", dsn: dsn},
		plain: &place{driver: "pgx", dsn: createDatabase(t, list[4])}, twin: &place{driver: "pgx", dsn: createDatabase(t, list[3]) + shuffled},
	}
	t.Cleanup(func() {
		for _, p := range []*place{a.plain, a.sharded, a.twin} {
			if p.db != nil {
				require.NoError(t, p.db.Close())
			}
		}
	})
	return a
}

// place is a database, or a cluster of them.
type place struct {
	driver, dsn string
	db          *sql.DB
}

// reset makes places empty. They are opened anew, since sessions that have prepared
// statements fail when a table comes back with other columns.
func (a *arena) reset(list ...*place) {
	for _, p := range list {
		if p.db != nil {
			require.NoError(a.t, p.db.Close())
		}
		var err error
		p.db, err = sql.Open(p.driver, p.dsn)
		require.NoError(a.t, err)
		for _, st := range []string{"DROP SCHEMA public CASCADE", "CREATE SCHEMA public"} {
			_, err := p.db.ExecContext(a.t.Context(), st)
			require.NoError(a.t, err)
		}
	}
}

func (a *arena) parse(s generated) *differential.Script {
	script, err := differential.Parse("random.sql", s.text())
	require.NoError(a.t, err, s.text())
	return script
}

func (a *arena) between(plain, other *place, s *differential.Script) *differential.Report {
	report, err := differential.Run(a.t.Context(), plain.db, other.db, s)
	require.NoError(a.t, err)
	return report
}

// compare runs a script in empty databases.
func (a *arena) compare(s generated) *differential.Report {
	a.reset(a.plain, a.sharded)
	return a.between(a.plain, a.sharded, a.parse(s))
}

// undetermined says where a script has more than one right answer.
func (a *arena) undetermined(s generated) []differential.Difference {
	a.reset(a.plain, a.twin)
	script := a.parse(s)
	more := &differential.Script{Name: script.Name}
	for _, step := range script.Steps {
		more.Steps = append(append(more.Steps, step), a.reverse.Steps...)
	}
	return a.between(a.plain, a.twin, more).Wrong
}

// prepare runs what comes before a query everywhere.
func (a *arena) prepare(s generated) {
	a.reset(a.plain, a.sharded, a.twin)
	script := a.parse(s)
	a.between(a.plain, a.sharded, script)
	for _, step := range append(script.Steps, a.reverse.Steps...) {
		_, _ = a.twin.db.ExecContext(context.Background(), step.SQL, step.Args...) // some are meant to fail
	}
}

// at is the number of the statement at a line of the script.
func (s generated) at(line int) int {
	n := 1 + strings.Count(s.head(), "\n")
	for i, st := range s.statements {
		n += 1 + strings.Count(st.String(), "\n")
		if line < n {
			return i
		}
	}
	return len(s.statements) - 1
}

// without leaves out statements.
func (s generated) without(from, to int) generated {
	list := append([]statement(nil), s.statements[:from]...)
	return generated{append(list, s.statements[to:]...)}
}

// with puts another statement in a place.
func (s generated) with(at int, st statement) generated {
	list := append([]statement(nil), s.statements...)
	list[at] = st
	return generated{list}
}
