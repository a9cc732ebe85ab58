package xadriver_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/txlog"
	"github.com/xapg/xapg/txlog/sqlitelog"
	"github.com/xapg/xapg/xadriver"
	"github.com/xapg/xapg/xadriver/internal/gid"
	"github.com/xapg/xapg/xadriver/xatest"
)

// heal waits until nothing is prepared, on the shards and in the broker.
func (s *shop) heal(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool { return len(s.broker.gids()) == 0 }, time.Minute, 10*time.Millisecond, "something stays prepared in the broker")
	heal(t, s.urls)
}

func TestWhatAResourceAnswersDecidesWhatIsTold(t *testing.T) {
	network := errors.New("connection reset by peer")
	for _, test := range []struct {
		call   string // that fails; with "not ", the resource has not done it
		err    error
		shards int // that write
		want   told
	}{
		{"not prepare", fmt.Errorf("%w: the queue is full", xadriver.ErrRolledBack), 1, toldRolledBack},
		{"not prepare", network, 1, toldRolledBack},
		{"prepare", network, 1, toldRolledBack},
		{"not commit", network, 1, toldCommitted}, // after the decision
		{"commit", network, 1, toldCommitted},
		{"commit", network, 0, toldDoubt}, // the only writer's own decision
		{"not commit", network, 0, toldDoubt},
		{"not commit", fmt.Errorf("%w: the queue is full", xadriver.ErrRolledBack), 0, toldRolledBack},
	} {
		t.Run(fmt.Sprintf("%s, %d shards, %v", test.call, test.shards, test.err), func(t *testing.T) {
			s := openShop(t, 1)
			s.broker.fail(test.call, test.err)
			history := map[string]told{}
			if test.shards == 1 {
				history["first"] = tellOf(s.order(t.Context(), s.DB, "first", "a"))
			} else {
				history["first"] = tellOf(s.order(t.Context(), s.DB, "first"))
			}
			assert.Equal(t, test.want, history["first"])
			s.broker.heal()
			s.heal(t)
			history["second"] = tellOf(s.order(t.Context(), s.DB, "second", "a"))
			assert.Equal(t, toldCommitted, history["second"])
			assert.Equal(t, 2, s.broker.count("release"))
			if test.shards == 1 {
				s.requireWhole(t, history)
			}
		})
	}
}

func TestACoordinatorThatWakesUpIsToldWhatWasDecidedWithTheResource(t *testing.T) {
	for _, test := range []struct {
		point xadriver.Point
		where string
		want  told
	}{
		{xadriver.AfterPrepare, "broker", toldRolledBack},
		{xadriver.BeforeDecide, "", toldRolledBack},
		{xadriver.AfterDecide, "", toldCommitted},
		{xadriver.BeforeFinish, "broker", toldCommitted},
		{xadriver.AfterFinish, "broker", toldCommitted},
	} {
		t.Run(string(test.point), func(t *testing.T) {
			s := openShop(t, 2)
			names := owners(t, s.bank)
			asleep, awake := make(chan struct{}), make(chan struct{})
			var armed atomic.Bool
			slow := s.open(t, s.dsn, func(at xadriver.Step) {
				if at.Point == test.point && (test.where == "" || at.Shard == test.where) && armed.CompareAndSwap(true, false) {
					close(asleep)
					<-awake
				}
			})
			armed.Store(true)
			answer := make(chan error)
			go func() { answer <- s.order(t.Context(), slow, "slow", names...) }()
			<-asleep
			s.heal(t) // the other process has taken over
			close(awake)
			history := map[string]told{"slow": tellOf(<-answer)}
			assert.Equal(t, test.want, history["slow"])
			s.heal(t) // a vote that came late
			s.requireWhole(t, history)
		})
	}
}

func TestALiveTransactionOnAResourceIsLetBe(t *testing.T) {
	s := openShop(t, 1)
	require.NoError(t, s.Close())
	patient := strings.Replace(s.dsn, "resolve_after=300ms", "resolve_after=1h", 1)
	// Both look at the broker, again and again. What they find at the first look is taken for a leftover.
	looked(t, s.open(t, patient, nil))
	asleep, awake := make(chan struct{}), make(chan struct{})
	slow := s.open(t, patient, func(at xadriver.Step) {
		if at.Point == xadriver.BeforeDecide {
			close(asleep)
			<-awake
		}
	})
	looked(t, slow)
	answer := make(chan error)
	go func() { answer <- s.order(t.Context(), slow, "slow", "a") }()
	<-asleep
	looks := s.broker.count("list")
	require.Eventually(t, func() bool { return s.broker.count("list") >= looks+4 }, 20*time.Second, 10*time.Millisecond)
	require.Len(t, s.broker.gids(), 1)
	close(awake)
	require.NoError(t, <-answer)
	s.requireWhole(t, map[string]told{"slow": toldCommitted})
}

func TestACopyOfTheLogFinishesNothingOnAResource(t *testing.T) {
	s := openShop(t, 2)
	require.NoError(t, s.Close())
	copied := s.log + ".copy"
	data, err := os.ReadFile(s.log)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(copied, data, 0o600))

	// The original decides with the broker and the shard that is not home.
	away := owners(t, s.bank)[1]
	asleep, awake := make(chan struct{}), make(chan struct{})
	var armed atomic.Bool
	original := s.open(t, s.dsn, func(at xadriver.Step) {
		if at.Point == xadriver.BeforeDecide && armed.CompareAndSwap(true, false) {
			close(asleep)
			<-awake
		}
	}, func(cfg *xadriver.Config) { cfg.NoResolver = true }) // which would leave the mark on home all the same
	armed.Store(true)
	answer := make(chan error)
	go func() { answer <- s.order(t.Context(), original, "by the original", away) }()
	<-asleep

	// The copy does not reach the shard with the original's mark: home must have it too.
	dsn := strings.Replace(s.dsn, s.log, copied, 1)
	twin := s.open(t, strings.Replace(dsn, xatest.Quote(s.urls[1]), "'host=127.0.0.1 port=1'", 1), nil)
	time.Sleep(time.Second) // more than resolve_after: the copy would roll back, if it could
	require.Len(t, s.broker.gids(), 1)
	var refused *xadriver.TwinLogError
	require.ErrorAs(t, s.order(t.Context(), twin, "by the copy", owners(t, s.bank)[0]), &refused)
	close(awake)
	require.NoError(t, <-answer)
	s.heal(t)
	assert.Equal(t, []string{"by the original"}, s.broker.published)
}

func TestAResourceThatDecidedTransactionsWaitFor(t *testing.T) {
	s := openShop(t, 1)
	require.NoError(t, s.Close())
	log, err := sqlitelog.Open(t.Context(), s.log, sqlitelog.Options{Cluster: "bank"})
	require.NoError(t, err)
	id := uuid.Must(uuid.NewV7())
	_, err = log.Decide(t.Context(), id, txlog.Commit, voters([]string{"s1", "broker"}))
	require.NoError(t, err)
	require.NoError(t, log.Close())
	name := gid.ID{Cluster: "bank", Log: log.Identity().ID, Txn: id, Shard: "s1"}
	prepareByHand(t, s.urls[0], name.String())
	name.Shard = "broker"
	s.broker.prepared = map[string][]string{name.String(): {"late"}}

	open := func(resources []xadriver.Resource, absent ...string) (*xadriver.Connector, error) {
		cfg, err := xadriver.ParseDSN(s.dsn)
		require.NoError(t, err)
		cfg.Resources, cfg.AbsentResources = resources, absent
		return xadriver.NewConnector(*cfg)
	}
	_, err = open([]xadriver.Resource{&other{}})
	var dropped *xadriver.DroppedShardError
	require.ErrorAs(t, err, &dropped)
	assert.Equal(t, "broker", dropped.Shard)

	// A program that only knows the name finishes its part, and leaves the rest.
	knows, err := open(nil, "broker")
	require.NoError(t, err)
	heal(t, s.urls)
	list, err := knows.InDoubt(t.Context())
	require.NoError(t, err)
	require.Len(t, list, 1, "it is not over")
	assert.Equal(t, id, list[0].ID)
	require.NoError(t, knows.Close())
	assert.Len(t, s.broker.gids(), 1)

	// One that can reach the broker does what is left.
	reaches, err := open([]xadriver.Resource{s.broker})
	require.NoError(t, err)
	defer reaches.Close()
	s.heal(t)
	assert.Equal(t, []string{"late"}, s.broker.published)
	require.Eventually(t, func() bool {
		list, err := reaches.InDoubt(t.Context())
		return err == nil && len(list) == 0
	}, 20*time.Second, 20*time.Millisecond)
}

// other is a resource that has nothing.
type other struct{ broker }

func (*other) Name() string { return "other" }

func TestOperatorsSeeWhatIsPreparedOnAResource(t *testing.T) {
	s := openShop(t, 1)
	require.NoError(t, s.Close())
	id := uuid.Must(uuid.NewV7())
	cfg, err := xadriver.ParseDSN(s.dsn)
	require.NoError(t, err)
	cfg.Resources, cfg.NoResolver = []xadriver.Resource{s.broker}, true
	connector, err := xadriver.NewConnector(*cfg)
	require.NoError(t, err)
	defer connector.Close()
	log, err := sqlitelog.Open(t.Context(), s.log, sqlitelog.Options{Cluster: "bank"})
	require.NoError(t, err)
	defer log.Close()
	name := gid.ID{Cluster: "bank", Log: log.Identity().ID, Txn: id, Shard: "broker"}.String()
	s.broker.mu.Lock()
	s.broker.prepared = map[string][]string{name: {"in doubt"}, "xapg_bank_somebodyelse_" + id.String() + "_broker": {"not ours"}, "else": {"nobody's"}}
	s.broker.mu.Unlock()
	found, err := connector.Check(t.Context(), false)
	require.NoError(t, err)
	assert.Contains(t, found, xadriver.Finding{Shard: "broker", What: "prepared", OK: true, Note: "1 of this log's"})
	list, err := connector.InDoubt(t.Context())
	require.NoError(t, err)
	require.Len(t, list, 1)
	assert.Equal(t, []string{"broker"}, list[0].Shards)
	assert.Equal(t, []string{name}, list[0].GIDs)
	again, err := connector.InDoubt(t.Context())
	require.NoError(t, err)
	assert.Greater(t, again[0].Age, list[0].Age, "it is as old as it is known here")
	s.broker.age(time.Hour)
	again, err = connector.InDoubt(t.Context())
	require.NoError(t, err)
	assert.Equal(t, time.Hour, again[0].Age, "the resource's own word")
	done, err := connector.Resolve(t.Context(), 0)
	require.NoError(t, err)
	assert.Contains(t, fmt.Sprint(done), id.String())
	assert.Len(t, s.broker.gids(), 2, "others' are let be")
}

func TestWrongResourcesSayWhatToWrite(t *testing.T) {
	dsn := "cluster=bank log=" + xatest.Quote("sqlite:"+t.TempDir()+"/x.db") + " shard.a='host=127.0.0.1 port=1'"
	for _, test := range []struct {
		dsn       string
		resources []xadriver.Resource
		want      string
	}{
		{"postgres://127.0.0.1:1/x", []xadriver.Resource{&broker{}}, "with resources besides the shard, the cluster needs a name"},
		{"postgres://127.0.0.1:1/x", []xadriver.Resource{&broker{}}, "with resources besides the shard, say where the decisions"},
		{dsn + " raw=pgx", []xadriver.Resource{&broker{}}, "raw: with resources besides the shard"},
		{dsn, []xadriver.Resource{nil}, "resources[0]: it is nil"},
		{dsn, []xadriver.Resource{&broker{}, &broker{}}, "resources.broker: there are two shards or resources of this name"},
		{strings.Replace(dsn, "shard.a", "shard.broker", 1), []xadriver.Resource{&broker{}}, "two shards or resources"},
		{dsn + " resources='a'", nil, "two shards or resources"},
		{dsn + " resources='no name'", nil, "cannot be a resource's name"},
	} {
		cfg, err := xadriver.ParseDSN(test.dsn)
		if err == nil {
			cfg.Resources = test.resources
			_, err = xadriver.NewConnector(*cfg)
		}
		assert.ErrorContains(t, err, test.want)
	}
	cfg, err := xadriver.ParseDSN(dsn + " resources=broker,mail")
	require.NoError(t, err)
	assert.Equal(t, []string{"broker", "mail"}, cfg.AbsentResources)
}
