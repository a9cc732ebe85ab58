package xadriver

import (
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/xapg/xapg/xadriver/internal/branch"
)

func TestLevelNamesAreReadAsPostgreSQLReadsThem(t *testing.T) {
	for name, want := range map[string]isolation{
		"read uncommitted": readCommitted, "READ COMMITTED": readCommitted, "Repeatable Read": repeatableRead, "serializable": serializable,
	} {
		got, ok := isolationOf(name)
		assert.True(t, ok, name)
		assert.Equal(t, want, got, name)
		again, _ := isolationOf(got.String())
		assert.Equal(t, got, again)
	}
	for _, name := range []string{"", "snapshot", "repeatable  read"} {
		_, ok := isolationOf(name)
		assert.False(t, ok, name)
	}
}

func TestTheSessionsLastWordOnTheLevelCounts(t *testing.T) {
	set := func(values ...string) branch.Setting { return branch.Setting{Name: defaultIsolation, Values: values} }
	all, other := branch.Setting{}, branch.Setting{Name: "work_mem", Values: []string{"serializable"}}
	modes := func(values ...string) branch.Setting {
		return branch.Setting{Name: characteristics, Values: values}
	}
	for _, test := range []struct {
		name string
		said []branch.Setting
		want isolation
		ok   bool
	}{
		{"nothing", nil, readCommitted, false},
		{"another setting", []branch.Setting{other}, readCommitted, false},
		{"one", []branch.Setting{set("serializable")}, serializable, true},
		{"a weaker one later", []branch.Setting{set("serializable"), other, set("repeatable read")}, repeatableRead, true},
		{"as weak as can be", []branch.Setting{set("serializable"), set("read uncommitted")}, readCommitted, true},
		{"reset", []branch.Setting{set("serializable"), set()}, readCommitted, false},
		{"all reset", []branch.Setting{set("serializable"), all}, readCommitted, false},
		{"after a reset", []branch.Setting{all, set("serializable")}, serializable, true},
		{"characteristics", []branch.Setting{set("repeatable read"), modes("SERIALIZABLE")}, serializable, true},
		{"characteristics of something else", []branch.Setting{set("repeatable read"), modes()}, repeatableRead, true},
	} {
		got, ok := saidIn(test.said)
		assert.Equal(t, test.want, got, test.name)
		assert.Equal(t, test.ok, ok, test.name)
	}
}

func TestTheStrongestOfTheServersLevelsCounts(t *testing.T) {
	d := &defaults{levels: make([]atomic.Int32, 3)}
	assert.Equal(t, readCommitted, d.strongest(), "nothing is known")
	d.learn(0, "read committed")
	d.learn(2, "read committed,repeatable read")
	assert.Equal(t, repeatableRead, d.strongest(), "what new sessions have counts as well")
	d.learn(1, "serializable")
	assert.Equal(t, serializable, d.strongest())
	d.learn(1, "something else")
	assert.Equal(t, repeatableRead, d.strongest())
}

func TestABeginningThatNeedsOneShardIsKnownAsSuchUntilItNeedsSeveral(t *testing.T) {
	var b beginnings
	assert.False(t, b.narrow("x"), "nothing is known: it takes its turn")
	b.spared("x")
	assert.True(t, b.narrow("x"), "the first one did with one shard")
	b.needed("x")
	assert.False(t, b.narrow("x"))
	for range forgetAfter - 1 {
		b.spared("x")
	}
	assert.False(t, b.narrow("x"))
	b.needed("x")
	for range forgetAfter - 1 {
		b.spared("x")
	}
	assert.False(t, b.narrow("x"), "one that needed several begins the count anew")
	b.spared("x")
	assert.True(t, b.narrow("x"))
	assert.False(t, b.narrow("y"))
}
