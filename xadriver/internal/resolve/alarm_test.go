package resolve_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/txlog"
	"github.com/xapg/xapg/xadriver/internal/gid"
	"github.com/xapg/xapg/xadriver/internal/resolve"
)

// paper is a log that can be made to refuse.
type paper struct {
	resolve.Log
	refuse error
}

var identity = txlog.Identity{Cluster: "bank", ID: "aaaaaaaaaaaa"}

func (p *paper) Identity() txlog.Identity { return identity }

func (p *paper) Decide(_ context.Context, _ uuid.UUID, want txlog.Outcome, _ []txlog.Participant) (txlog.Outcome, error) {
	return want, p.refuse
}

func (p *paper) Lookup(context.Context, uuid.UUID) (txlog.Decision, error) {
	return txlog.Decision{}, txlog.ErrNoDecision
}

func (p *paper) Finish(context.Context, uuid.UUID) error { return nil }

func (p *paper) Unfinished(context.Context, uuid.UUID, int) ([]txlog.Decision, error) {
	return nil, nil
}

// stand is a shard whose prepared transactions grow older.
type stand struct {
	name   string
	since  map[string]time.Time
	down   error
	refuse error
}

func (s *stand) Name() string { return s.name }

func (s *stand) Prepared(context.Context, string) (list []resolve.Prepared, err error) {
	for g, at := range s.since {
		list = append(list, resolve.Prepared{GID: g, Age: time.Since(at)})
	}
	return list, s.down
}

func (s *stand) Finish(_ context.Context, gid string, _ txlog.Outcome) error {
	if s.refuse == nil {
		delete(s.since, gid)
	}
	return s.refuse
}

func (s *stand) prepare() uuid.UUID {
	id := uuid.Must(uuid.NewV7())
	s.since[gid.ID{Cluster: identity.Cluster, Log: identity.ID, Txn: id, Shard: s.name}.String()] = time.Now()
	return id
}

type scene struct {
	*resolve.Resolver
	log           *paper
	athos, milady *stand
	said          bytes.Buffer
}

func newScene(after time.Duration) *scene {
	s := &scene{log: &paper{}, athos: &stand{name: "athos", since: make(map[string]time.Time)}, milady: &stand{name: "milady", since: make(map[string]time.Time)}}
	s.Resolver = resolve.New(resolve.Config{
		Log: s.log, Shards: []resolve.Shard{s.athos, s.milady}, Verify: func(context.Context, string) error { return nil },
		After: 10 * time.Second, AtStart: time.Second, Every: 5 * time.Second, AlarmAfter: after, CallTimeout: time.Second,
		Logger: slog.New(slog.NewTextHandler(&s.said, nil)),
	})
	return s
}

// alarms are the lines logged since the last call, of those that speak of doubt.
func (s *scene) alarms() (lines []string) {
	for line := range strings.Lines(s.said.String()) {
		if strings.Contains(line, "in doubt") && !strings.Contains(line, "cannot look") && !strings.Contains(line, "looking for") {
			lines = append(lines, line)
		}
	}
	s.said.Reset()
	return lines
}

func (s *scene) look(t *testing.T) (athos resolve.State) {
	t.Helper()
	s.Once(t.Context(), 10*time.Second)
	return s.States()[0]
}

func TestATransactionInDoubtForTooLongIsReportedWithGrowingPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(time.Minute)
		s.log.refuse = fmt.Errorf("%w: disk full", txlog.ErrNotStored)
		id := s.athos.prepare()
		state := s.look(t)
		assert.Empty(t, s.alarms(), "it is young")
		assert.Zero(t, state.Overdue)
		time.Sleep(59 * time.Second)
		s.look(t)
		assert.Empty(t, s.alarms())
		time.Sleep(2 * time.Second)
		state = s.look(t)
		lines := s.alarms()
		require.Len(t, lines, 1)
		for _, want := range []string{"level=ERROR", "txn=" + id.String(), "shards=athos", "age=1m1s", "disk full"} {
			assert.Contains(t, lines[0], want)
		}
		assert.Equal(t, 1, state.Overdue)
		assert.EqualValues(t, 1, state.Alarms)

		var at []time.Duration
		begin := time.Now()
		for time.Since(begin) < 20*time.Hour {
			time.Sleep(30 * time.Second)
			if state = s.look(t); len(s.alarms()) > 0 {
				at = append(at, time.Since(begin))
			}
		}
		assert.Equal(t, []time.Duration{time.Minute, 3 * time.Minute, 7 * time.Minute, 15 * time.Minute, 31 * time.Minute, 63 * time.Minute}, at[:6])
		assert.Equal(t, time.Hour, at[len(at)-1]-at[len(at)-2], "no pause is longer")
		assert.EqualValues(t, 1, state.Alarms, "it is still the same one")

		s.log.refuse = nil
		state = s.look(t)
		lines = s.alarms()
		require.Len(t, lines, 1)
		assert.Contains(t, lines[0], "no longer in doubt")
		assert.Zero(t, state.Overdue)
		assert.EqualValues(t, 1, state.Alarms)
	})
}

func TestATransactionOnSeveralShardsIsOneAlarm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(time.Minute)
		id := s.athos.prepare()
		s.milady.since[gid.ID{Cluster: identity.Cluster, Log: identity.ID, Txn: id, Shard: "milady"}.String()] = time.Now()
		refusal := &pgconn.PgError{Severity: "ERROR", Code: "42501", Message: "permission denied to finish prepared transaction"}
		s.athos.refuse, s.milady.refuse = refusal, refusal
		time.Sleep(2 * time.Minute)
		s.look(t)
		s.look(t)
		lines := s.alarms()
		require.Len(t, lines, 1)
		assert.Contains(t, lines[0], "an operator: shard")
		for _, state := range s.States() {
			assert.Equal(t, 1, state.Overdue)
			assert.EqualValues(t, 1, state.Alarms)
		}
	})
}

func TestAShardThatIsAwayKeepsItsTransactionsInDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(time.Minute)
		seen := s.athos.prepare()
		s.look(t)
		decided := uuid.Must(uuid.NewV7())
		s.Finish(decided, txlog.Commit, []string{"athos"}, true)
		s.athos.down = errors.New("no route to host")
		time.Sleep(time.Minute)
		state := s.look(t)
		lines := strings.Join(s.alarms(), "")
		assert.Equal(t, 2, strings.Count(lines, "level=WARN"), lines)
		assert.Contains(t, lines, seen.String(), "what was seen there is still there")
		assert.Contains(t, lines, decided.String(), "and so is what it has yet to hear")
		assert.Contains(t, lines, "no route to host")
		assert.Equal(t, 2, state.Overdue)
		assert.Zero(t, s.States()[1].Overdue)
		s.athos.down = nil
		assert.Zero(t, s.look(t).Overdue)
		assert.Len(t, s.alarms(), 2, "both are over")
	})
}

func TestAFloodOfAlarmsIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(time.Minute)
		s.log.refuse = txlog.ErrNotStored
		for range 25 {
			s.athos.prepare()
		}
		time.Sleep(2 * time.Minute)
		state := s.look(t)
		lines := s.alarms()
		require.Len(t, lines, 11)
		assert.Contains(t, lines[10], "transactions=15")
		assert.Equal(t, 25, state.Overdue)
		assert.EqualValues(t, 25, state.Alarms)
	})
}

func TestAlarmsCanBeOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(-1)
		s.log.refuse = txlog.ErrNotStored
		s.athos.prepare()
		time.Sleep(time.Hour)
		state := s.look(t)
		assert.Empty(t, s.alarms())
		assert.Zero(t, state.Overdue)
		assert.Equal(t, 1, state.InDoubt)
	})
}

// What an operator asks for is done for those transactions, and for no other.
func TestOnlyTheTransactionsThatAreNamedAreResolved(t *testing.T) {
	s := newScene(time.Minute)
	one, other := s.athos.prepare(), s.athos.prepare()
	reports, err := s.Only(t.Context(), time.Hour, []uuid.UUID{one})
	require.NoError(t, err)
	assert.Equal(t, 1, reports[0].Young)
	reports, err = s.Only(t.Context(), 0, []uuid.UUID{one})
	require.NoError(t, err)
	assert.Equal(t, []uuid.UUID{one}, reports[0].RolledBack)
	require.Len(t, s.athos.since, 1)
	for name := range s.athos.since {
		assert.Contains(t, name, other.String())
	}
}

// One transaction that cannot be finished keeps no other waiting.
func TestABadTransactionBlocksNobody(t *testing.T) {
	s := newScene(time.Minute)
	bad := s.athos.prepare()
	good := []uuid.UUID{s.athos.prepare(), s.athos.prepare()}
	s.Shards[0] = s.athos
	refusing := &picky{stand: s.athos, bad: bad}
	s.Resolver = resolve.New(resolve.Config{
		Log: s.log, Shards: []resolve.Shard{refusing}, Verify: func(context.Context, string) error { return nil },
		After: time.Second, AtStart: time.Second, Every: time.Second, CallTimeout: time.Second, Logger: slog.New(slog.DiscardHandler),
	})
	report := s.Once(t.Context(), 0)[0]
	assert.ElementsMatch(t, good, report.RolledBack)
	require.Len(t, report.Stuck, 1)
	assert.Contains(t, report.Stuck[0].GID, bad.String())
}

// picky refuses one transaction.
type picky struct {
	*stand
	bad uuid.UUID
}

func (p *picky) Finish(_ context.Context, gid string, _ txlog.Outcome) error {
	if strings.Contains(gid, p.bad.String()) {
		return &pgconn.PgError{Severity: "ERROR", Code: "XX001", Message: "could not read"}
	}
	return nil
}
